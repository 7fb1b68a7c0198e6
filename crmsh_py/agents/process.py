"""Run a program for what it prints: bounded in time and output, killed with all it started.

Blocking; for asking agents for their meta-data only. Operations are run by the node's runner.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from crmsh_py.errors import CrmError, TimedOut


def run(
    command: Sequence[str], *, environment: Mapping[str, str], timeout_s: float, max_bytes: int
) -> bytes:
    """What the program writes to stdout; its exit code and its stderr do not matter.

    Raises:
        TimedOut: it did not end in time.
        CrmError: it cannot be started, or writes more than ``max_bytes``.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            cwd="/",
            start_new_session=True,  # so that its children can be killed with it
        )
    except OSError as error:
        raise CrmError(f"{command[0]} cannot be run: {error.strerror}") from error
    with process:
        try:
            return _read(process, command[0], time.monotonic() + timeout_s, max_bytes)
        finally:
            _kill(process)


def _read(process: subprocess.Popen[bytes], name: str, deadline: float, max_bytes: int) -> bytes:
    assert process.stdout is not None, "stdout is a pipe"
    handle = process.stdout.fileno()
    readable = select.poll()  # and not select(), which takes no descriptor above 1023
    readable.register(handle, select.POLLIN)
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not readable.poll(left * 1000):
            raise TimedOut(f"{name} does not answer")
        chunk = os.read(handle, 65536)
        if not chunk:
            return b"".join(parts)
        parts.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise CrmError(f"{name} prints without end")


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        # The group lives on in its children even when the program itself has ended.
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass

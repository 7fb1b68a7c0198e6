"""Runs commands of ``ip -batch`` in the present network namespace, all in one process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence

_IP_TIMEOUT_S = 10.0  # each batch takes milliseconds; a hanging one must not hang the lab


class NetworkError(Exception):
    """``ip`` is missing or refused; the text says what it said."""


def run(commands: Sequence[str], *, go_on: bool = False) -> None:
    """Carry out commands in the present network namespace, in one process.

    ``go_on``: later commands run although one failed, and failures are no error (taking away what
    may be gone already), not even that of ``ip`` itself: that is only told in the log.

    Raises:
        NetworkError: one of them failed.
    """
    if not commands:
        return
    try:
        _run(commands, go_on=go_on)
    except NetworkError as error:
        if not go_on:
            raise
        with contextlib.suppress(OSError):  # a log on a full disk
            print(f"{commands[0]}: {error}", file=sys.stderr, flush=True)


def _run(commands: Sequence[str], *, go_on: bool) -> None:
    arguments = ["ip", "-force", "-batch", "-"] if go_on else ["ip", "-batch", "-"]
    try:
        done = subprocess.run(
            arguments,
            input="\n".join(commands) + "\n",
            capture_output=True,
            text=True,
            timeout=_IP_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise NetworkError("the program 'ip' is missing (package iproute2)") from None
    except OSError as error:  # the machine has no process or no memory left
        raise NetworkError(f"'ip' cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NetworkError(f"'ip' did not end within {_IP_TIMEOUT_S:.0f} s") from None
    if done.returncode and not go_on:
        raise NetworkError(" / ".join(done.stderr.split("\n")).strip(" /") or "'ip' failed")

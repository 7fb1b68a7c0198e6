"""What a command costs: CPU seconds and memory of one process, and medians of several runs.

CPU time (user and system, with children that were waited for) is what is compared: it depends
less on what else a machine does than the time on the wall.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Debian puts the peers here; a virtual environment's programs of the same name come first in PATH.
_PROMPT_S = 30.0
_PEER_PLACES = (Path("/usr/sbin"), Path("/usr/bin"))


@dataclass(frozen=True, slots=True)
class Cost:
    """The median cost of a command."""

    cpu_s: float
    memory_mb: float


def peer(name: str) -> str | None:
    """The path of Pacemaker's or crmsh's own program; None where it is not installed."""
    for place in _PEER_PLACES:
        if os.access(place / name, os.X_OK):
            return str(place / name)
    return None


def ours(name: str) -> str:
    """The path of our program of that name."""
    return str(Path(sys.executable).with_name(name))


def cost(
    command: Sequence[str],
    *,
    runs: int = 3,
    environ: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> Cost:
    """The medians over ``runs`` runs; ``before`` each run, which may restore a file.

    Raises RuntimeError when the command fails in a way that means it was not measured.
    """
    seconds, memory = [], []
    for _ in range(runs):
        before()
        used_s, used_mb = _once(command, {**os.environ, **(environ or {})})
        seconds.append(used_s)
        memory.append(used_mb)
    return Cost(statistics.median(seconds), statistics.median(memory))


def first_prompt(
    command: Sequence[str], *, runs: int = 3, environ: Mapping[str, str] | None = None
) -> Cost:
    """What an interactive program costs until its prompt (``…# ``) stands in a terminal.

    Raises RuntimeError when no prompt comes.
    """
    found = [_until_prompt(command, {**os.environ, **(environ or {})}) for _ in range(runs)]
    return Cost(statistics.median(s for s, _ in found), statistics.median(mb for _, mb in found))


def _until_prompt(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - a shell is not wanted
    said = b""
    deadline = time.monotonic() + _PROMPT_S
    while b"# " not in said and b"#\x1b" not in said and time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break
        if b"\x1b[6n" in said:  # it asks where the cursor is
            os.write(terminal, b"\x1b[1;1R")
    os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    os.close(terminal)
    if b"#" not in said:
        raise RuntimeError(f"{' '.join(command)} shows no prompt")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _once(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    with open(os.devnull, "r+b") as nothing:
        process = subprocess.Popen(
            command, env=dict(environ), stdin=nothing, stdout=nothing, stderr=nothing
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode < 0 or process.returncode in (126, 127):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

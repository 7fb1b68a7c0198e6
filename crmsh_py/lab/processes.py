"""Processes as /proc shows them: which are a lab's, and ending them for sure.

A process id may be given to another process at any time; (id, start time) is what names one.
Ending a tree of processes is a bounded loop: it is stopped first, so that it cannot grow while it
is killed.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its id, and its start in clock ticks since the machine's boot."""

    pid: int
    started: int


def identify(pid: int) -> Process | None:
    """The process that has this id now, or None."""
    fields = _stat(pid)
    return Process(pid, int(fields[19])) if fields else None


def is_alive(process: Process) -> bool:
    """Whether this very process is there and is no zombie."""
    fields = _stat(process.pid)
    return bool(fields) and int(fields[19]) == process.started and fields[0] not in ("Z", "X")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The second field is the program's name in parentheses, and may hold anything.
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def all_pids() -> list[int]:
    """Every process id that this /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent_of(pid: int) -> int:
    """The parent's id; 0 when there is none to be seen."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def descendants(root: int) -> list[int]:
    """The children of a process, their children, and so on (not ``root`` itself)."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        fields = _stat(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def environment_has(pid: int, variables: Iterable[str]) -> bool:
    """Whether a process was started with all these ``NAME=value``."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            present = set(file.read().split(b"\0"))
    except OSError:
        return False
    return all(os.fsencode(variable) in present for variable in variables)


def send(pid: int, number: signal.Signals) -> None:
    """A signal to a process that may have gone."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or the id belongs to somebody else by now


def stop_all(look: Callable[[], Iterable[int]]) -> None:
    """SIGSTOP what ``look`` finds, and what that had forked meanwhile; at most 20 rounds."""
    stopped: set[int] = set()
    for _ in range(20):
        new = [pid for pid in look() if pid not in stopped]
        if not new:
            break
        for pid in new:
            send(pid, signal.SIGSTOP)
        stopped.update(new)


def let_go_on(look: Callable[[], Iterable[int]]) -> None:
    """SIGCONT what ``look`` finds, and whoever stopped with it because it waits for it."""
    found = list(look())
    for pid in (*found, *{parent_of(pid) for pid in found}.difference(found, (0, os.getpid()))):
        send(pid, signal.SIGCONT)


def kill_tree(root: int, *, spare_root: bool = False) -> None:
    """SIGKILL a process and all that came from it; at most 20 rounds against a growing tree."""
    for _ in range(20):
        below = descendants(root)
        for pid in below if spare_root else (root, *below):
            send(pid, signal.SIGSTOP)
        if set(descendants(root)) <= set(below):
            break
    for pid in descendants(root) if spare_root else (*descendants(root), root):
        send(pid, signal.SIGKILL)


def wait_gone(processes: Iterable[Process], timeout_s: float) -> list[Process]:
    """Wait until these processes have ended; return those that are still there."""
    deadline = time.monotonic() + timeout_s
    left = [process for process in processes if is_alive(process)]
    while left and time.monotonic() < deadline:
        try:
            descriptor = os.pidfd_open(left[0].pid)
        except OSError:  # it has ended between the two looks
            left = [process for process in left if is_alive(process)]
            continue
        try:
            # Readable when it has ended; the short limit guards against a reused id.
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(1000 * min(0.25, max(0.0, deadline - time.monotonic())))
        finally:
            os.close(descriptor)
        left = [process for process in left if is_alive(process)]
    return left

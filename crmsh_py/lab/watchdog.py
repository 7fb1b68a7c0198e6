"""The watchdog of a lab's nodes: resets those that nobody feeds any more.

A process of its own beside the supervisor, so that nothing that the supervisor waits for can hold
it up, and outside of the nodes, so that nothing that hangs there can. Every node has a pipe to it:

    until 12345.678     it may live until then (CLOCK_MONOTONIC, which nodes share)
    rest                nobody has to watch it

When the time has passed, or the pipe ends while it is watched, everything of the node is killed and
the supervisor is told ``reset NODE PID``; it switches the node on again. The model is SBD without a
disk, and a watchdog device with its time-out action.

Both talk over a pair of sockets: ``watch NODE PID`` comes with the pipe.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from crmsh_py.lab import linux

MAX_LINE = 4096
_LONGEST_WAIT_MS = 60_000
Kill = Callable[[str, int], None]  # everything of a node, by its name and its first process


@dataclass(slots=True)
class _Watched:
    name: str
    pid: int
    pipe: int
    until: float | None = None
    said: bytes = b""


class Watchdog:
    """The supervisor's side."""

    def __init__(self, kill: Kill) -> None:
        """Start the process. Nothing else may be open yet that must not stay open with it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            code = 1
            try:
                linux.die_with_parent()
                keep = theirs.detach()
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, 0)
                os.dup2(null, 1)  # whoever starts the supervisor reads that to its end
                _close_others(keep)
                _Process(socket.socket(fileno=keep), kill).run()
                code = 0
            except Exception:
                traceback.print_exc()  # before the end: nobody else would ever tell
            finally:
                os._exit(code)
        theirs.close()
        ours.setblocking(False)
        self.pid = pid
        self.gone = False
        self._socket = ours

    def fileno(self) -> int:
        """Readable when it has reset a node."""
        return self._socket.fileno()

    def watch(self, name: str, pid: int, pipe: int) -> None:
        """Have a node watched that has just been started; the pipe is closed here."""
        try:
            socket.send_fds(self._socket, [f"watch {name} {pid}".encode()], [pipe])
        except OSError as error:
            print(f"the watchdog is gone: {error}", file=sys.stderr, flush=True)
        os.close(pipe)

    def wake(self) -> None:
        """Let it go on if somebody has stopped it: it guards nothing then, and nobody sees it."""
        try:
            os.kill(self.pid, signal.SIGCONT)  # ours until it has been waited for
        except ProcessLookupError:
            pass  # its end is seen by its socket

    def resets(self) -> list[tuple[str, int]]:
        """The nodes that it has reset since the last call, with their first processes."""
        found: list[tuple[str, int]] = []
        while True:
            try:
                line = self._socket.recv(MAX_LINE).decode()
            except BlockingIOError:
                return found
            except OSError:
                line = ""
            if not line:
                self.gone = True
                return found
            word, _, rest = line.partition(" ")
            name, _, pid = rest.partition(" ")
            if word == "reset" and pid.isdigit():
                found.append((name, int(pid)))

    def close(self) -> None:
        """Let go of a process that has ended."""
        self._socket.close()


def _close_others(keep: int) -> None:
    os.closerange(3, keep)
    os.closerange(keep + 1, 4096)


class _Process:
    """The watchdog's side."""

    def __init__(self, control: socket.socket, kill: Kill) -> None:
        self._control = control
        self._kill = kill
        self._nodes: dict[int, _Watched] = {}

    def run(self) -> None:
        """Watch until the supervisor has gone."""
        _hurry()
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(self._wait_ms())}
            if self._control.fileno() in ready:
                if (watched := self._take()) is None:
                    return
                self._nodes[watched.pipe] = watched
                poll.register(watched.pipe, select.POLLIN)
            for node in list(self._nodes.values()):
                ended = node.pipe in ready and not _read(node)
                late = node.until is not None and node.until <= time.monotonic()
                if ended or late:
                    poll.unregister(node.pipe)
                    self._end(node)

    def _wait_ms(self) -> int | None:
        """How long to sleep; not longer than poll(2) takes, whatever a node has said."""
        times = [node.until for node in self._nodes.values() if node.until is not None]
        if not times:
            return None
        left_ms = (min(times) - time.monotonic()) * 1000
        return int(max(0.0, min(left_ms, _LONGEST_WAIT_MS))) + 1

    def _take(self) -> _Watched | None:
        data, pipes, _, _ = socket.recv_fds(self._control, MAX_LINE, 1)
        words = data.decode().split()
        if len(words) != 3 or not pipes:
            return None
        os.set_blocking(pipes[0], False)
        return _Watched(words[1], int(words[2]), pipes[0])

    def _end(self, node: _Watched) -> None:
        del self._nodes[node.pipe]
        if node.until is not None:
            self._kill(node.name, node.pid)
            self._control.send(f"reset {node.name} {node.pid}".encode())
        os.close(node.pipe)


def _read(node: _Watched) -> bool:
    """Take in what a node says; False at the end of its pipe."""
    while True:
        try:
            data = os.read(node.pipe, MAX_LINE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        *lines, node.said = (node.said + data).split(b"\n")
        node.said = node.said[-MAX_LINE:]
        for line in lines:
            word, _, rest = line.decode("ascii", "replace").partition(" ")
            if word == "rest":
                node.until = None
            elif word == "until":
                try:
                    until = float(rest)
                except ValueError:
                    continue  # a node that talks nonsense does not feed it
                if math.isfinite(until):
                    node.until = until


def _hurry() -> None:
    """Run before others where that is allowed: a watchdog that comes late is none."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        pass

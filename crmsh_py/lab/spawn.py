"""Starts the init of a node as process 1 of a new pid namespace, and watches it.

A process cannot move into another pid namespace, only its next children can, and without root it
cannot take that back. So a child of ours makes the namespace, forks init in it and ends; init
becomes our own child because we adopt orphans (``linux.adopt_orphans``, done by the supervisor).
Init asks to die with its parent only when it has been told its specification, which comes after
that.
"""

from __future__ import annotations

import os
import signal
import time

from crmsh_py.lab import boot, commands, linux

_POLL_S = 0.005


class InitProcess:
    """A running init: its id as seen from outside, the two pipes to it, and its watchdog's.

    ``feed`` is the watchdog's end of the pipe by which the node is kept alive.
    """

    def __init__(self, pid: int, to_init: int, from_init: int, feed: int) -> None:
        self.pid = pid
        self.to_init = to_init
        self.from_init = from_init
        self.feed = feed
        self.code: int | None = None  # negative: the signal that ended it

    def poll(self) -> int | None:
        """The exit code if it has ended and was waited for."""
        if self.code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.code = 0  # waited for elsewhere: a bug, but no reason to wait for ever
            else:
                if pid:
                    self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False when that does not come in time."""
        deadline = time.monotonic() + timeout_s
        while self.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def tell(self, line: str) -> None:
        """Write a line to it; it may have died, which is noticed elsewhere."""
        data = line.encode()
        try:
            while data:
                data = data[os.write(self.to_init, data) :]
        except OSError:
            pass

    def close(self) -> None:
        """Close both pipes."""
        for descriptor in (self.to_init, self.from_init):
            os.close(descriptor)


def spawn_init(*, own_pids: bool) -> InitProcess:
    """Start an init, which waits for its specification. Raises OSError."""
    ends: list[int] = []
    try:
        for _ in range(4):
            ends += os.pipe()
        helper = os.fork()
    except OSError:
        for descriptor in ends:
            os.close(descriptor)
        raise
    init_in, to_init, from_init, init_out, feed, init_feed, told, tell = ends
    if helper == 0:
        _help(own_pids, init_in, init_out, init_feed, tell)
    for descriptor in (init_in, init_out, init_feed, tell):
        os.close(descriptor)
    os.waitpid(helper, 0)  # from here on, init is our own child
    with open(told, encoding="ascii") as pipe:
        word = pipe.read()
    if not word.isdigit():
        for descriptor in (to_init, from_init, feed):
            os.close(descriptor)
        raise OSError(1, f"a node's first process cannot be made: {word or 'no reason given'}")
    return InitProcess(int(word), to_init, from_init, feed)


def _help(own_pids: bool, init_in: int, init_out: int, init_feed: int, tell: int) -> None:
    """The child between: never returns."""
    try:
        if own_pids:
            linux.unshare(linux.CLONE_NEWPID)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(init_in, 0)
            os.dup2(init_out, 1)
            os.dup2(init_feed, boot.WATCHDOG_FD)
            os.set_inheritable(boot.WATCHDOG_FD, True)  # it may have been that one already
            # What the supervisor ignores, a node must not.
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            program = [commands.python(), "-S", "-P", "-m", "crmsh_py.lab.init"]
            os.execv(commands.python(), program)  # noqa: S606 - no shell is wanted
        os.write(tell, str(pid).encode())
    except OSError as error:
        os.write(tell, str(error.strerror or error).encode())
    finally:
        os._exit(0)


def reap_strays(known: set[int]) -> None:
    """Wait for adopted processes that have ended and are no node's init."""
    for _ in range(10_000):
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in known:
            return  # the init is waited for by its own record, the rest at the next look
        os.waitpid(ended.si_pid, os.WNOHANG)

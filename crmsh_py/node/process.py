"""One child process with a time limit, on asyncio's loop, without threads.

Its end is when the process itself ends, not when its output does: an agent that leaves a daemon
behind leaves the pipes open too. What was written until then is read, no more. The process leads
a group of its own; at its time limit the group gets SIGTERM, and SIGKILL a moment later. One that
does not end even then (the kernel waits for a disk or a file server) is told as ended all the same:
whoever waits must be able to fail it, and reaped when it goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

OUTPUT_LIMIT = 64 * 1024  # bytes kept of each stream; the last ones, where the reasons stand
GRACE_S = 1.0  # between SIGTERM and SIGKILL
STUCK_S = 5.0  # after SIGKILL, until a process counts as ended that is still there
_READ_SIZE = 65_536
_READS_PER_TURN = 16  # a process that never stops writing must not hold the loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended. ``rc`` is negative for a signal, as in ``subprocess``."""

    rc: int
    timed_out: bool
    cancelled: bool
    output: str
    errors: str
    exec_ms: int


class ChildProcess:
    """A running process; ``on_end`` is called once, on the loop."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout_s: float,
        on_end: Callable[[Ended], None],
        directory: str = "/",
        text: str = "",
    ) -> None:
        """Start it, with ``text`` on its stdin; raises OSError when that cannot be done."""
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._began = time.monotonic()
        self._timed_out = self._cancelled = self._told = False
        with _stdin_with(text) as stdin:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=directory,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._streams = (_Stream(self._process.stdout), _Stream(self._process.stderr))
        for stream in self._streams:
            os.set_blocking(stream.fileno, False)
            self._loop.add_reader(stream.fileno, self._readable, stream)
        self._timers = [self._loop.call_later(timeout_s, self._expire)]
        self._pidfd = self._watch()

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    def cancel(self) -> None:
        """Kill it; it still ends by ``on_end``."""
        self._cancelled = True
        self._kill()

    # ---- inside ----------------------------------------------------------------------------

    def _watch(self) -> int:
        """Have ``_exited`` called when the process ends; return the descriptor for that, or -1."""
        try:
            pidfd = os.pidfd_open(self._process.pid)
        except OSError:  # kernels before 5.3, and some sandboxes
            loop = self._loop

            def wait() -> None:
                self._process.wait()
                with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
                    loop.call_soon_threadsafe(self._exited)

            threading.Thread(target=wait, daemon=True).start()
            return -1
        self._loop.add_reader(pidfd, self._exited)
        return pidfd

    def _readable(self, stream: _Stream) -> None:
        if not stream.read(_READS_PER_TURN):
            self._loop.remove_reader(stream.fileno)

    def _expire(self) -> None:
        self._timed_out = True
        self._signal(signal.SIGTERM)
        self._timers.append(self._loop.call_later(GRACE_S, self._kill))

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._timers.append(self._loop.call_later(STUCK_S, self._tell, -signal.SIGKILL))

    def _signal(self, number: signal.Signals) -> None:
        # The leader is not reaped before ``_exited``, so its id still names this very group.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _exited(self) -> None:
        if self._timed_out or self._cancelled:
            # Members of the group that ignored the first signal go with their leader.
            self._signal(signal.SIGKILL)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self._tell(self._process.wait())

    def _tell(self, rc: int) -> None:
        if self._told:
            return
        self._told = True
        for timer in self._timers:
            timer.cancel()
        for stream in self._streams:
            self._loop.remove_reader(stream.fileno)
            stream.read(_READS_PER_TURN)
            stream.close()
        output, errors = (stream.text for stream in self._streams)
        self._on_end(
            Ended(
                rc=rc,
                timed_out=self._timed_out,
                cancelled=self._cancelled,
                output=output,
                errors=errors,
                exec_ms=round((time.monotonic() - self._began) * 1000),
            )
        )


def _stdin_with(text: str) -> IO[bytes]:
    """A file that holds the text and has no name: nobody else can read it, and nobody blocks."""
    if not text:
        return open(os.devnull, "rb")
    file = os.fdopen(os.memfd_create("stdin", os.MFD_CLOEXEC), "w+b")
    file.write(text.encode())
    file.seek(0)
    return file


class _Stream:
    """The end of one of the process's outputs that we read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._kept = bytearray()
        self.fileno = file.fileno()

    def read(self, times: int) -> bool:
        """Read what is there; return False at its end."""
        for _ in range(times):
            try:
                data = os.read(self.fileno, _READ_SIZE)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._kept += data
            if len(self._kept) > OUTPUT_LIMIT:
                del self._kept[:-OUTPUT_LIMIT]
        return True

    def close(self) -> None:
        self._file.close()

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")

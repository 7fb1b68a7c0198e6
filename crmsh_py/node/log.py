"""The node's log, in Corosync's layout: ``Jul 28 19:53:46 notice  [TOTEM ] text``.

Lines go to the lab's log file of the node, and as ``corosync.conf`` says (``to_stderr``,
``to_logfile`` with ``logfile``, ``timestamp``, ``debug``, and ``debug`` of a ``logger_subsys``) to
stderr and to a file inside the node. A log that cannot be written never stops a node.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crmsh_py.node.ports import LogLine

ROTATE_BYTES = 16 * 1024 * 1024  # then the file becomes FILE.1, and the old FILE.1 goes
LINE_LIMIT = 4096  # characters of one line
SELDOM_S = 10.0  # between two lines of one kind that others cause


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What ``corosync.conf`` says about logging; ``files`` includes the lab's own."""

    files: tuple[str, ...] = ()
    stderr: bool = False
    timestamp: bool = True
    debug: bool = False
    debug_of: Mapping[str, bool] = field(default_factory=dict)  # by subsystem


class NodeLog:
    """Writes lines; call it as ``log(level, subsystem, text)``."""

    def __init__(
        self, settings: LogSettings, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._wall_clock = wall_clock
        self._files = [_LogFile(path) for path in settings.files]

    def configure(self, settings: LogSettings) -> None:
        """Other settings from now on."""
        self.close()
        self._settings = settings
        self._files = [_LogFile(path) for path in settings.files]

    def __call__(self, level: str, subsystem: str, text: str) -> None:
        """Write one line for each line of ``text``."""
        if level == "debug" and not self._settings.debug_of.get(subsystem, self._settings.debug):
            return
        stamp = ""
        if self._settings.timestamp:
            stamp = time.strftime("%b %d %H:%M:%S ", time.localtime(self._wall_clock()))
        head = f"{stamp}{level:<7} [{subsystem:<6}] "
        lines = [head + _printable(line) + "\n" for line in text.splitlines() or [""]]
        data = "".join(lines).encode(errors="backslashreplace")
        for file in self._files:
            file.write(data)
        if self._settings.stderr:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(data.decode(errors="backslashreplace"))
                sys.stderr.flush()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


class Seldom:
    """Tells what others can cause as often as they like, and so push all else out of the log."""

    def __init__(
        self, log: LogLine, subsystem: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._subsystem = subsystem
        self._clock = clock
        self._untold = 0
        self._again = 0.0  # when something may be told again

    def __call__(self, text: str) -> None:
        """Tell it as a warning, or count it to what the next one says."""
        now = self._clock()
        if now < self._again:
            self._untold += 1
            return
        more = f" (and {self._untold} before it)" if self._untold else ""
        self._log("warning", self._subsystem, text + more)
        self._untold, self._again = 0, now + SELDOM_S


class _LogFile:
    """One file, opened at the first line, renamed when it grows too large."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def write(self, data: bytes) -> None:
        try:
            if self._descriptor >= 0 and not self._is_in_place():
                self.close()  # somebody has moved it away (logrotate, say)
            if self._descriptor < 0:
                # Append: agents write their lines into the same file (HA_LOGFILE).
                # A pipe without a reader, or with one that does not read, must not hold the node.
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
                self._descriptor = os.open(self._path, flags, 0o644)
            os.write(self._descriptor, data)
            if os.fstat(self._descriptor).st_size > ROTATE_BYTES:
                self.close()
                os.replace(self._path, f"{self._path}.1")
        except OSError:
            self.close()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _printable(line: str) -> str:
    """A line that can do nothing to a terminal, of bounded length."""
    text = "".join(char if char.isprintable() or char == "\t" else "?" for char in line)
    return text if len(text) <= LINE_LIMIT else f"{text[:LINE_LIMIT]}…"

"""A person at a terminal of fixed size: types, and reads what is on the screen.

pexpect holds the other end of a real pseudo-terminal, pyte is the screen. Used by tests, and by
the script that draws the pictures of the documentation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

BIN = Path(sys.executable).parent


class NotShownError(AssertionError):
    """What was waited for did not come; the message shows the screen."""


class Terminal:
    """One program in a terminal; ``environ`` is all of its environment."""

    def __init__(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        lines: int = 40,
        columns: int = 120,
        folder: Path | None = None,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=5000)
        self.stream = pyte.Stream(self.screen)
        size = {"LINES": str(lines), "COLUMNS": str(columns)}
        self.child = pexpect.spawn(
            words[0],
            list(words[1:]),
            env={"TERM": "xterm-256color", **environ, **size},
            cwd=str(folder) if folder is not None else None,
            encoding="utf-8",
            dimensions=(lines, columns),
        )
        self.ended = False
        # A terminal is asked where its cursor is, and answers.
        self.screen.write_process_input = self.child.send

    @property
    def line(self) -> str:
        """The line that the cursor is in."""
        return str(self.screen.display[self.screen.cursor.y]).rstrip()

    @property
    def before_cursor(self) -> str:
        """All on the screen up to the cursor, without blanks."""
        cursor = self.screen.cursor
        lines = [*self.screen.display[: cursor.y], self.screen.display[cursor.y][: cursor.x]]
        return "".join(lines).replace(" ", "")

    @property
    def shown(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def text(self) -> str:
        """All that was printed, scrolled away or not."""
        gone = ["".join(c.data for _, c in sorted(row.items())) for row in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*gone, *self.screen.display])

    def wait(self, what: str, condition: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Read what comes until the condition holds. Raises NotShownError."""
        deadline = time.monotonic() + limit_s
        while not condition() and not self.ended and time.monotonic() < deadline:
            self.read()
        if not condition():
            raise NotShownError(f"{what} did not come:\n{self.text[-3000:]}")

    def read(self) -> None:
        """Take over what has come, or comes in a moment."""
        try:
            self.stream.feed(self.child.read_nonblocking(65536, timeout=0.05))
        except pexpect.TIMEOUT:
            pass
        except pexpect.EOF:
            self.ended = True

    def sees(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        self.wait(f"{texts}", lambda: all(text in self.shown for text in texts))

    def prompt(self, prompt: str) -> None:
        """Wait for an empty prompt."""
        self.wait(prompt, lambda: self.line.strip() == prompt)

    def keys(self, keys: str) -> None:
        """Press keys."""
        self.child.send(keys)

    def type(self, line: str, prompt: str) -> str:
        """Type a line at a prompt, wait for the next one; returns all from there on."""
        self.keys(line)
        end = line[-20:].replace(" ", "")
        self.wait(line, lambda: self.before_cursor.endswith(end))
        self.keys("\r")
        self.prompt(prompt)
        text = self.text
        return text[text.rfind(f"# {line}"[:30]) :]

    def leave(self, keys: str = "quit\r") -> int:
        """Leave the program; returns its exit code."""
        self.keys(keys)
        self.wait("the end", lambda: self.ended)
        self.child.close()
        return int(self.child.exitstatus or 0)

    def end(self) -> None:
        """Hang up, whatever the program does."""
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:  # it has been killed, and a busy machine takes its time
            deadline = time.monotonic() + 30
            while self.child.isalive() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not self.child.isalive()

"""What the shell says and asks: one place for streams, prefixes, colours and answers.

What was asked for goes to standard output, and nothing else does: INFO, WARNING and ERROR go to
standard error, so that a pipe carries data only (crmsh puts INFO among it). Colour is used only on
a terminal, and only for the prefixes and what a view colours itself.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C
_KEPT = regex("(\n|\033\\[[0-9;]*m)")
_SIMPLE_TERMINALS = ("dumb", "unknown")
_COLOURS = {"ERROR": "1;31", "WARNING": "1;33", "INFO": "36", "OK": "1;32"}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, where the user has been told already what has been done and what has not."""


class Console:
    """The two streams of one run, and its way of answering questions.

    ``answer`` is None when a person is asked, else the answer to everything (-F, -n, batch).
    ``place`` is put before every message of a script (``FILE:LINE``).
    """

    def __init__(
        self,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        answer: bool | None = None,
        display: str = "",
    ) -> None:
        self._out = out
        self._err = err
        self.answer = answer
        self.place = ""
        self.pager: Callable[[str], bool] | None = None  # shows what is longer than the screen
        self._display = display
        self._lines_only = False

    @property
    def out_stream(self) -> TextIO:
        """Standard output as it is now (the REPL replaces it while a prompt is shown)."""
        return self._out if self._out is not None else sys.stdout

    @property
    def err_stream(self) -> TextIO:
        """Standard error as it is now."""
        return self._err if self._err is not None else sys.stderr

    def colour(self, stream: TextIO) -> bool:
        """Whether to colour what goes to this stream."""
        if self._display:
            return self._display.startswith("color") and (
                self._display == "color-always" or stream.isatty()
            )
        return stream.isatty() and self.coloured

    @property
    def coloured(self) -> bool:
        """Whether a terminal gets colours."""
        if self._display:
            return self._display.startswith("color")
        return "NO_COLOR" not in os.environ and self.redraws

    @property
    def redraws(self) -> bool:
        """Whether a line on a terminal may be drawn anew."""
        return not self._lines_only and os.environ.get("TERM") not in _SIMPLE_TERMINALS

    def be_plain(self) -> None:
        """Lines and nothing but lines from now on: no pager, nothing drawn anew, and no colours
        unless they are wanted even in a pipe.
        """
        self.pager = None
        self._lines_only = True
        self._display = self._display if self._display == "color-always" else "plain"

    def out(self, text: str) -> None:
        """Print normal output; nothing for an empty text."""
        text = _for(self.out_stream, text)
        if text and not (self.pager is not None and self.pager(text)):
            try:
                print(text, file=self.out_stream, flush=True)
            except UnicodeEncodeError:  # a locale without these letters (LC_ALL=C)
                encoding = self.out_stream.encoding or "ascii"
                known = text.encode(encoding, "backslashreplace").decode(encoding)
                print(known, file=self.out_stream, flush=True)
            except BrokenPipeError:
                raise  # the reader has what it wanted
            except OSError as error:
                _give_up(self.out_stream)
                raise CrmError(f"standard output cannot be written: {error.strerror}") from None

    @contextmanager
    def paging(self) -> Iterator[None]:
        """What tools write to standard output meanwhile is shown at the end as ``out`` shows it.

        Where there is no pager, they write by themselves.
        """
        if self.pager is None:
            yield
            return
        kept = io.StringIO()
        try:
            with redirect_stdout(kept):
                yield
        finally:
            self.out(kept.getvalue().removesuffix("\n"))

    def reader_is_gone(self) -> None:
        """Nobody reads what is printed any more: from here on it goes nowhere."""
        _give_up(self.out_stream)

    def info(self, text: str) -> None:
        """Say something that the user may want to know."""
        self._say(self.err_stream, "INFO", text)

    def warning(self, text: str) -> None:
        """Say something that should be looked at, but was done."""
        self._say(self.err_stream, "WARNING", text)

    def error(self, error: CrmError | str) -> None:
        """Say what was not done and why."""
        if isinstance(error, NotFound):
            text = error.long_message
        else:
            text = error if isinstance(error, str) else error.format_message()
        self._say(self.err_stream, "ERROR", text)

    def ask(self, question: str) -> bool:
        """Ask yes or no. A batch never asks: no, which is said, unless told otherwise by -F.

        Raises CrmError when the user ends the input (Ctrl-D): that is neither.
        """
        if self.answer is not None:
            if self.answer:
                self.info(f"{question} [YES]")
            return self.answer
        if not sys.stdin.isatty():
            self.info(f"{question} [NO]")
            return False
        while True:
            # Standard output is for data: it may be a file, and the question would be in it.
            asked = _for(self.err_stream, f"{question} (y/n)? ")
            print(asked, end="", file=self.err_stream, flush=True)
            try:
                reply = input().strip().lower()
            except EOFError:
                print(file=self.err_stream)
                raise CrmError("there was no answer, so nothing was done") from None
            if reply in ("y", "yes", "n", "no"):
                return reply.startswith("y")

    def _say(self, stream: TextIO, kind: str, text: str) -> None:
        # A diagnostic that knows its own file and line (often another one of an element that has
        # several) does not need them twice.
        file, _, line = self.place.rpartition(":")
        origin = file if line.isdigit() else self.place
        place = f"{self.place}: " if origin and not text.startswith(f"{origin}:") else ""
        prefix = f"\033[{_COLOURS[kind]}m{kind}\033[0m" if self.colour(stream) else kind
        print(f"{prefix}: {place}{_for(stream, text)}", file=stream, flush=True)


def _for(stream: TextIO, text: str) -> str:
    """The text as it can be written there: a terminal gets nothing that would command it, except
    ends of lines and the colours of views.
    """
    if not stream.isatty() or all(line.isprintable() for line in text.split("\n")):
        return text
    from crmsh_py.views.text import legible

    parts = _KEPT.split(text)  # what is kept stands between the rest, at the odd places
    return "".join(part if place % 2 else legible(part) for place, part in enumerate(parts))


def _give_up(stream: TextIO) -> None:
    """Let what could not be written go nowhere: Python would try again at its exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

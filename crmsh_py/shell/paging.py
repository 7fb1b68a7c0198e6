"""Text that is longer than the screen, shown by the user's pager."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping

_NONE = ("", "cat")


class Pager:
    """Shows a text by a program; ``show`` is False where that is not needed or not possible."""

    def __init__(self, command: str, environ: Mapping[str, str]) -> None:
        self._words = _split(command or environ.get("PAGER", "") or "less")
        self._environ = dict(environ)
        # Colours are kept, what fits is only printed, and the screen is left as it is.
        self._environ.setdefault("LESS", "RFX")

    def show(self, text: str) -> bool:
        """Show a text that does not fit on the terminal; returns whether it was shown."""
        if self._words[0] in _NONE or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        import shutil

        size = shutil.get_terminal_size()
        lines = sum(1 + len(line) // max(1, size.columns) for line in text.split("\n"))
        if lines < size.lines or shutil.which(self._words[0]) is None:
            return False
        import subprocess

        sys.stdout.flush()
        try:
            done = subprocess.run(
                self._words,
                input=text.encode(errors="replace"),
                env={**os.environ, **self._environ},
                check=False,
            )
        except OSError:
            return False
        except KeyboardInterrupt:
            return True  # the pager was left so
        return done.returncode == 0


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command) or [""]
    except ValueError:
        return [""]  # a quote without an end names no program

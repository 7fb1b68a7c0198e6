"""Regular expressions that are compiled when they are first used.

A module's patterns are of use for some of what it does; a command that a person waits for loads
a hundred modules, and compiling all of their patterns would take a tenth of its time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re


class _Pattern:
    """Stands for a pattern. Its methods become its own at their first use."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        import re

        found = getattr(re.compile(self._text, self._flags), name)
        self.__dict__[name] = found
        return found


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """As ``re.compile``, later. Mistakes in the text show at the first use: tests use them all."""
    return _Pattern(text, flags)  # type: ignore[return-value]

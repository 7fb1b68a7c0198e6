"""Patterns that choose resources by their names: ``rsc-pattern`` of a location constraint.

A POSIX extended regular expression, found anywhere in the name; with a ``!`` before it, those that
it is not found in. Python's expressions are used, which try one way after the other: where that
could take very long, the pattern is refused, since a DC plans with whatever somebody has committed.

Source: Pacemaker Explained, "Using rsc-pattern"; POSIX.1-2017, XBD 9.
"""

from __future__ import annotations

import math
import re

from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import frozen

_MOST_TEXT = 1024  # characters of a pattern
_MOST_STEPS = 5_000_000  # of the matcher for one name: well below a second
# POSIX character classes, which Python's expressions lack.
_CLASSES = {
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:xdigit:]": "0-9A-Fa-f",
}
_BOUNDS = regex(r"\{(\d*)(,?)(\d*)\}")


@frozen
class NamePattern:
    """A pattern that was read. ``repeats`` and ``ways`` are what its matching may cost."""

    expression: re.Pattern[str]
    inverted: bool
    repeats: int
    ways: int

    @classmethod
    def read(cls, pattern: str) -> NamePattern:
        """Read the value of an ``rsc-pattern``.

        Raises:
            ConfigError: it is no regular expression, or one that could take for ever.
        """
        text = pattern.removeprefix("!")
        if len(text) > _MOST_TEXT:
            raise ConfigError(f"a pattern of {len(text)} characters; {_MOST_TEXT} are allowed")
        for posix, python in _CLASSES.items():
            text = text.replace(posix, python)
        try:
            expression = re.compile(text)
        except (re.error, RecursionError, OverflowError) as problem:
            raise ConfigError(f"“{pattern}” is no regular expression: {problem}") from None
        cost = _Cost(text)
        cost.count()
        return cls(expression, pattern.startswith("!"), cost.repeats, cost.ways)

    def find(self, name: str) -> tuple[str, ...] | None:
        """What is found in a name: the whole, and its groups; None where the pattern does not
        choose it. One that is chosen by ``!`` has nothing that was found.

        Raises:
            ConfigError: it could take too long.
        """
        length = len(name)
        if math.comb(length + self.repeats, self.repeats + 1) * self.ways > _MOST_STEPS:
            raise _too_slow(f"for a name of {length} characters")
        found = self.expression.search(name)
        if self.inverted:
            return None if found else ()
        return (found[0], *(group or "" for group in found.groups())) if found else None


def _too_slow(why: str) -> ConfigError:
    return ConfigError(
        f"this pattern could take very long {why}",
        hint="repeat single characters only ([a-z]*), a few times; or write several constraints",
    )


class _Cost:
    """How often a matcher that goes back may go back: counted in the text of an expression.

    Every repeat of something (``repeats``) may end at each place of the name; every alternative
    multiplies the ``ways``. What is repeated and is itself not of one form multiplies with itself
    at every turn, which no name is short enough for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.repeats = 0
        self.ways = 1

    def count(self) -> None:
        """Go through the text, which is known to be an expression. Raises ConfigError."""
        while self._at < len(self._text):
            self._group()

    def _group(self) -> bool:
        """Read up to the end of a group; returns whether it has more than one form."""
        forms, varies = 1, False
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == ")":
                break
            if char == "|":
                forms += 1
                continue
            inner = self._atom(char)
            varies = self._repeated(inner) or inner or varies
        self.ways *= forms
        return varies or forms > 1

    def _atom(self, char: str) -> bool:
        """Read one thing that may be repeated; returns whether it has more than one form."""
        if char == "(":
            if self._text.startswith("?", self._at):
                raise ConfigError("(? begins nothing that POSIX knows", hint="a group is ( … )")
            return self._group()
        if char == "\\":
            self._at += 1
        elif char == "[":
            negated = self._text.startswith("^", self._at)
            first = self._at + negated  # a ] there is one of the set
            while self._text[self._at] != "]" or self._at == first:
                self._at += 2 if self._text[self._at] == "\\" else 1
            self._at += 1
        return False

    def _repeated(self, inner: bool) -> bool:
        """Read what says how often; returns whether that is more than one number."""
        least, most = self._bounds()
        if self._at < len(self._text) and self._text[self._at] in "?+" and (least, most) != (1, 1):
            self._at += 1  # not greedy, or possessive
        if most > 1 and inner:
            raise _too_slow("(it repeats what is repeated, or has several forms)")
        if least == most:
            return False
        if most > 1:
            self.repeats += 1
        else:
            self.ways *= 2
        return True

    def _bounds(self) -> tuple[int, float]:
        char = self._text[self._at : self._at + 1]
        if char and char in "*+?":
            self._at += 1
            return int(char == "+"), 1 if char == "?" else math.inf
        found = _BOUNDS.match(self._text, self._at)
        if not found or not (found[1] or found[3]):
            return 1, 1
        self._at = found.end()
        least = int(found[1] or 0)
        return least, float(found[3] or "inf") if found[2] else least

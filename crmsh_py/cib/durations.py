"""Lengths of time as the CIB writes them: ``30s``, ``1min``, ``100ms``, ``PT5M``, ``20``.

A bare number means seconds. Fractions are cut off, as Pacemaker does. The result is always in
milliseconds.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Default = TypeVar("_Default", int, None)

MAX_MS = 2**53  # some 285,000 years: exact in JSON too, and no sum of a few overflows anything
# Pacemaker looks at the beginning of the unit only: "10 seconds" and "2minutes" are understood.
_PLAIN = regex(r"\s*([0-9]+)(?:\.[0-9]*)?\s*(ms|us|s|m|h|)[a-z]*\s*", re.IGNORECASE | re.ASCII)
_MS = {"": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "ms": 1}
# Pacemaker does not insist on the T before hours and seconds: P10S is understood.
_ISO = r"(?ai:P(?:T?[0-9]+[YMWDHS])+)"  # rare: compiled when the first one comes
_ISO_PART = r"(?ai:(T?)([0-9]+)([YMWDHS]))"
_ISO_UNITS = {"Y": "years", "M": "months", "W": "weeks", "D": "days", "H": "hours", "S": "seconds"}


@frozen
class Duration:
    """The parts of an ISO 8601 duration. Years and months have no fixed length."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    def total_ms(self) -> int:
        """Its length, with months of 30 and years of 365 days (an interval has no calendar)."""
        days = self.years * 365 + self.months * 30 + self.weeks * 7 + self.days
        return (((days * 24 + self.hours) * 60 + self.minutes) * 60 + self.seconds) * 1000


@lru_cache(maxsize=1024)  # a configuration has few different ones, and many of each
def parse_ms(text: str) -> int:
    """A duration in milliseconds.

    Raises:
        ConfigError: it is none, is negative, or is too long to be meant.
    """
    found = _PLAIN.fullmatch(text)
    if found and not (found.group(2) == "" and found.group(0).strip()[-1:].isalpha()):
        number, unit = found.group(1), found.group(2).lower()
        amount = int(number) if len(number) <= 18 else MAX_MS
        milliseconds = amount // 1000 if unit == "us" else amount * _MS[unit]
    elif text.strip().startswith("P"):
        milliseconds = parse_iso(text).total_ms()
    else:
        raise _not_a_duration(text)
    return min(milliseconds, MAX_MS)


def lenient_ms(text: str, default: _Default) -> int | _Default:
    """A duration in milliseconds, or ``default`` where there is none, or none that is valid.

    For readers; what is wrong with it is a finding of ``checks``.
    """
    try:
        return parse_ms(text) if text else default
    except ConfigError:
        return default


def is_duration(text: str) -> bool:
    """Whether ``parse_ms`` takes it."""
    try:
        parse_ms(text)
    except ConfigError:
        return False
    return True


def parse_iso(text: str) -> Duration:
    """An ISO 8601 duration such as ``P1DT12H``. Raises ConfigError."""
    word = text.strip()
    if not re.fullmatch(_ISO, word):
        raise _not_a_duration(text)
    parts: dict[str, int] = {}
    in_time = False
    for mark, digits, letter in re.findall(_ISO_PART, word.upper()):
        in_time = in_time or bool(mark)
        unit = "minutes" if in_time and letter == "M" else _ISO_UNITS[letter]
        if unit in parts or len(digits) > 9:
            raise _not_a_duration(text)
        parts[unit] = int(digits)
    return Duration(**parts)


def format_ms(milliseconds: int) -> str:
    """The shortest plain form: ``30s``, ``5min``, ``250ms``; whole minutes only from two on."""
    if milliseconds % 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds // 1000
    if seconds >= 7200 and seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds // 60}min"
    return f"{seconds}s"


def readable_ms(milliseconds: int) -> str:
    """A duration as Pacemaker's messages have it: ``80ms``, ``30.160s``, ``1m30s``, ``1d2h``."""
    if milliseconds <= 0:
        return "0s"
    seconds, rest = divmod(milliseconds, 1000)
    if not seconds:
        return f"{rest}ms"
    text = ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        count, seconds = divmod(seconds, size)
        if count:
            text += f"{count}{unit}"
    if rest:
        return f"{text}{seconds}.{rest:03d}s"
    return f"{text}{seconds}s" if seconds else text


def _not_a_duration(text: str) -> ConfigError:
    return ConfigError(
        f"“{text}” is not a length of time", hint="write it as 30s, 5min, 2h, 500ms or PT5M"
    )

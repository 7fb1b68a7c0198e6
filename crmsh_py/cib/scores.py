"""Scores: whole numbers from -INFINITY to INFINITY, where INFINITY is a million.

Addition saturates, and -INFINITY wins over everything, as Pacemaker Explained defines it.
"""

from __future__ import annotations

from functools import lru_cache

from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex

INFINITY = 1_000_000
_WORDS = {
    "infinity": INFINITY,
    "+infinity": INFINITY,
    "-infinity": -INFINITY,
    # What node health attributes hold; their numbers are set by properties, these are the defaults.
    "red": -INFINITY,
    "yellow": 0,
    "green": 0,
}
_NUMBER = regex(r"([+-]?[0-9]+)(?:\.[0-9]*)?")  # a fraction is cut off


@lru_cache(maxsize=1024)  # a configuration has few different ones, and many of each
def parse_score(text: str) -> int:
    """A score as the CIB writes it: a number, ``INFINITY``, ``-INFINITY``, red, yellow or green.

    Numbers beyond the infinities are cut to them. Raises ConfigError for anything else.
    """
    word = text.strip()
    known = _WORDS.get(word.lower())
    if known is not None:
        return known
    found = _NUMBER.fullmatch(word)
    if not found:
        raise ConfigError(
            f"“{text}” is not a score", hint="a score is a whole number, INFINITY or -INFINITY"
        )
    digits = found.group(1)
    if len(digits.lstrip("+-0")) > 7:  # beyond the infinities; int() of endless digits is slow
        return -INFINITY if digits.startswith("-") else INFINITY
    return max(-INFINITY, min(INFINITY, int(digits)))


def lenient_score(text: str) -> int:
    """A score that anybody may have written; 0 where it is none (``checks`` has a finding then)."""
    try:
        return parse_score(text)
    except ConfigError:
        return 0


def is_score(text: str) -> bool:
    """Whether ``parse_score`` takes it."""
    return text.strip().lower() in _WORDS or _NUMBER.fullmatch(text.strip()) is not None


def format_score(score: int) -> str:
    """``INFINITY``, ``-INFINITY`` or the number."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= -INFINITY:
        return "-INFINITY"
    return str(score)


def add_scores(first: int, second: int) -> int:
    """Add with saturation: -INFINITY beats INFINITY, both beat every number."""
    if first <= -INFINITY or second <= -INFINITY:
        return -INFINITY
    if first >= INFINITY or second >= INFINITY:
        return INFINITY
    return max(-INFINITY, min(INFINITY, first + second))

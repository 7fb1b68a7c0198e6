"""Whole numbers in texts that anybody may have written.

``isdigit`` is no test for what ``int`` reads: it takes ``²``, which ``int`` does not, and any
number of digits, of which ``int`` reads some thousands and then refuses.
"""

from __future__ import annotations

_MOST_DIGITS = 15  # exact in JSON too, and no sum of a few overflows anything


def is_number(text: str) -> bool:
    """Plain decimal digits, and not so many that the number means nothing."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def whole(text: str, default: int = 0) -> int:
    """The number that a text is, or ``default`` where it is none."""
    return int(text) if is_number(text) else default

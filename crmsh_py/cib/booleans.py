"""What counts as true and as false in a configuration: Pacemaker's words, in any case."""

from __future__ import annotations

TRUE = frozenset({"true", "on", "yes", "y", "1"})
FALSE = frozenset({"false", "off", "no", "n", "0"})


def parse_boolean(text: str | None) -> bool | None:
    """A configured boolean, or None where it is absent or neither true nor false."""
    if text is None:
        return None
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else None


def is_true(text: str | None) -> bool:
    """Whether a configured boolean is true; what is absent or no boolean is not."""
    return text is not None and text.lower() in TRUE

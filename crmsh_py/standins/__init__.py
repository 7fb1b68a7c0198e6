"""Small agents that stand in for those that are not installed, and a small curl and ping.

Honest ones: an address that answers, a web server that serves, a state that is kept. Each is an
OCF agent in its exit codes, its parameters and its words on stderr, with the standard library
alone. They never run unless a node chose them, and every view marks what they did.
"""

from __future__ import annotations

_MOST_S = 86_400.0 * 365


def seconds(text: str) -> float:
    """A time of an option of the small programs, at most a year. Raises ValueError."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(f"this is no time: {text}")
    return min(value, _MOST_S)

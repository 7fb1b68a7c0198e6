"""When the next of several things is due: the node is asked after every event."""

from __future__ import annotations

from collections.abc import Iterable


def soonest(times: Iterable[float | None]) -> float | None:
    """The earliest of the times that are set; None where none is."""
    first: float | None = None
    for time in times:
        if time is not None and (first is None or time < first):
            first = time
    return first

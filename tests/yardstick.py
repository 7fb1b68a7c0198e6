"""How slow this machine is just now: what tests that measure times allow for.

The figures that they hold are those of a laptop. Rented processors can need three times as long for
the same, and say nothing about the code by that.
"""

from __future__ import annotations

import time

_STEPS = 500_000
_LAPTOP_S = 0.02  # what a laptop's processor needs for them
_MOST = 4.0


def slowness() -> float:
    """The CPU time of some plain Python by that of a laptop, from 1 to 4; the best of three."""
    return min(_MOST, max(1.0, min(_took() for _ in range(3)) / _LAPTOP_S))


def _took() -> float:
    begin = time.process_time()
    total = 0
    for step in range(_STEPS):
        total += step & 3
    return time.process_time() - begin

"""Recorded answers of Pacemaker's scheduler: how many of ours agree, on every level.

``FLOOR`` only ever rises: what agrees once must agree from then on.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest
from scheduler.conformance import LEVELS, cases, run

FLOOR = {
    "moves": 852,
    "final": 852,
    "scores": 852,
    "dot": 852,
    "actions": 852,
    "summary": 852,
    "graph": 852,
}
WHOLE = 852


@pytest.mark.timeout(900)  # 60 s on an idle machine
@pytest.mark.skipif(not cases(), reason="the recorded cases are not here")
def test_no_level_falls_below_what_it_was() -> None:
    counts: Counter[str] = Counter()
    whole = 0
    with ProcessPoolExecutor() as pool:
        for agreed in pool.map(run, cases(), chunksize=8):
            counts.update(agreed)
            whole += agreed >= set(LEVELS) - {"summary"}
    reached = {level: counts[level] for level in LEVELS}
    assert all(reached[level] >= FLOOR[level] for level in LEVELS), reached
    assert whole >= WHOLE

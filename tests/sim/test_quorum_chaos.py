"""Clusters of two to five nodes by votequorum's special rules, under composed faults.

`pytest tests/sim/test_quorum_chaos.py --seed N` replays one seed.
"""

from __future__ import annotations

import os
import random

import pytest
from sim.quorum_chaos import run_quorum_chaos

SEEDS = range(400 if os.environ.get("CRM_SOAK") else 10)
_BATCH = 10
FRESH = 3  # seeds that nobody has run before; a failure prints its number


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, _BATCH))
def test_known_seeds(first: int, only_seed: int | None) -> None:
    acknowledged = 0
    for seed in (only_seed,) if only_seed is not None else range(first, first + _BATCH):
        _, checker = run_quorum_chaos(seed)
        acknowledged += len(checker.commits.acknowledged)
    assert acknowledged, "a run in which nothing is acknowledged proves nothing"


def test_fresh_seeds(only_seed: int | None) -> None:
    for _ in range(FRESH if only_seed is None else 0):
        run_quorum_chaos(random.SystemRandom().getrandbits(32))

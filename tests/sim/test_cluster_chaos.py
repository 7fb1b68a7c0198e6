"""Whole clusters under composed faults, a commit at every turn.

`pytest tests/sim/test_cluster_chaos.py --seed N` replays one seed.
"""

from __future__ import annotations

import random

import pytest
from sim.cluster_chaos import run_chaos

SEEDS = range(300)
_BATCH = 25
FRESH = 5  # seeds that nobody has run before; a failure prints its number


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, _BATCH))
def test_known_seeds(first: int, only_seed: int | None) -> None:
    acknowledged = 0
    for seed in (only_seed,) if only_seed is not None else range(first, first + _BATCH):
        _, checker = run_chaos(seed)
        acknowledged += len(checker.commits.acknowledged)
    assert acknowledged, "a run in which nothing is acknowledged proves nothing"


def test_fresh_seeds(only_seed: int | None) -> None:
    for _ in range(FRESH if only_seed is None else 0):
        run_chaos(random.SystemRandom().getrandbits(32))


def test_a_seed_replays_exactly() -> None:
    assert run_chaos(4)[0].trace == run_chaos(4)[0].trace

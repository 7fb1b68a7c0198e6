"""Virtual machines that are migrated to and fro, with fencing, under composed faults.

`pytest tests/sim/test_migration_chaos.py --seed N` replays one seed.
"""

from __future__ import annotations

import os
import random

import pytest
from sim.migration_chaos import run_migration_chaos

SEEDS = range(400 if os.environ.get("CRM_SOAK") else 10)
_BATCH = 10
FRESH = 3  # seeds that nobody has run before; a failure prints its number


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, _BATCH))
def test_known_seeds(first: int, only_seed: int | None) -> None:
    migrations = 0
    for seed in (only_seed,) if only_seed is not None else range(first, first + _BATCH):
        cluster, _ = run_migration_chaos(seed)
        done = [what for node in cluster.nodes.values() for _, _, what in node.operations]
        migrations += done.count("migrate_to")
    assert migrations, "a run in which nothing is migrated proves nothing"


def test_fresh_seeds(only_seed: int | None) -> None:
    for _ in range(FRESH if only_seed is None else 0):
        run_migration_chaos(random.SystemRandom().getrandbits(32))

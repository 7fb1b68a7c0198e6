"""Agents that fail in every way, and operations that answer with every ``on-fail``, under faults.

`pytest tests/sim/test_onfail_chaos.py --seed N` replays one seed.
"""

from __future__ import annotations

import os

from sim.onfail_chaos import run_onfail_chaos

SEEDS = range(400 if os.environ.get("CRM_SOAK") else 4)


def test_known_seeds(only_seed: int | None) -> None:
    failures = 0
    for seed in (only_seed,) if only_seed is not None else SEEDS:
        cluster, _ = run_onfail_chaos(seed)
        failures += sum("failed with rc=" in line for line in cluster.trace)
    assert failures, "a run in which nothing fails proves nothing"

"""Whole clusters under composed faults, a commit at every turn. `--seed N` replays one seed."""

from __future__ import annotations

import random

from sim.cluster_chaos import run_chaos

from crmsh_py.engine.core import scheduler_plan

SEEDS = range(30)
REAL_SEEDS = range(100, 112)
FRESH = 3  # seeds that nobody has run before; a failure prints its number


def test_nothing_acknowledged_is_lost_and_nothing_runs_twice(only_seed: int | None) -> None:
    seeds = [*SEEDS, *(random.SystemRandom().getrandbits(32) for _ in range(FRESH))]
    acknowledged = 0
    for seed in [only_seed] if only_seed is not None else seeds:
        _, checker = run_chaos(seed)
        acknowledged += len(checker.acknowledged)
    assert acknowledged, "a run in which nothing is acknowledged proves nothing"


def test_the_same_with_the_real_scheduler(only_seed: int | None) -> None:
    for seed in [only_seed] if only_seed is not None else REAL_SEEDS:
        run_chaos(seed, planner=scheduler_plan)


def test_a_seed_replays_exactly() -> None:
    assert run_chaos(4)[0].trace == run_chaos(4)[0].trace

"""The simulation can see: each bug that is planted into the engine is caught within a few seeds.

`CRM_SOAK=1` tries more seeds than `make test` has time for, and says how many it took.
"""

from __future__ import annotations

import os

import pytest
from sim import network
from sim.cluster_chaos import run_chaos
from sim.mutations import MUTATIONS, Mutation

SEEDS = 400 if os.environ.get("CRM_SOAK") else 60


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_planted_bug_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_MOST_STEPS", 300_000)
    mutation.plant(monkeypatch)
    for seed in range(SEEDS):
        try:
            run_chaos(seed, nemeses=mutation.nemeses, fencing=mutation.fencing)
        except AssertionError as error:
            print(f"{mutation.name}: after {seed + 1} seeds: {str(error).splitlines()[0]}")
            return
    pytest.fail(f"{mutation.name} survived {SEEDS} seeds")

"""All that the scheduler can be asked for on guests and remote nodes, under faults.

`pytest tests/sim/test_mixed_chaos.py --seed N` replays one seed. The soak has few seeds of it: in
about one of a thousand a plan of two guests that need each other waits for itself, as Pacemaker's.
"""

from __future__ import annotations

import os

from sim.mixed_chaos import run_mixed_chaos

SEEDS = range(300 if os.environ.get("CRM_SOAK") else 2)


def test_known_seeds(only_seed: int | None) -> None:
    moved = 0
    for seed in (only_seed,) if only_seed is not None else SEEDS:
        cluster = run_mixed_chaos(seed)
        moved += sum(" is asked for " in line for line in cluster.trace)
    assert moved, "a run in which nothing is done proves nothing"

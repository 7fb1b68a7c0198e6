"""Nodes that must be let in before they start anything (``provides=unfencing``).

`pytest tests/sim/test_gates.py --seed N` replays one seed of the chaos.
"""

from __future__ import annotations

import pytest
from sim.gates import RESOURCES, gated, run_gate_chaos
from sim.scenes import runs_on

SEEDS = (271, *range(1000, 1004))


@pytest.mark.parametrize("clock_s", [-3600.0, 3600.0])
def test_who_was_shut_out_ends_when_it_hears_of_it_whatever_the_clocks_say(clock_s: float) -> None:
    """It has its power, and goes on. Who had it fenced has another clock."""
    cluster, _, gate = gated(3, 1)
    assert all(gate.lets_in(node) for node in cluster.up)
    third = cluster.node(3)
    cluster.node(1).set_clock(clock_s)
    cluster.partition([1, 2], [3])
    cluster.until(lambda: not gate.lets_in(third), 10, "shut out")
    cluster.run(1.0)
    cluster.network.heal()
    cluster.until(lambda: third.core is None, 10, "ended")
    third.start()
    cluster.settle(within_s=20)
    assert third.core is not None, "the next life is not meant"
    assert gate.lets_in(third)
    assert all(len(runs_on(cluster, name)) == 1 for name in RESOURCES)


def test_who_may_have_been_shut_out_is_let_in_anew() -> None:
    """Its fencing was given up when quorum was lost. But the agent was under way, and works."""
    cluster, checker, gate = gated(3, 1)
    third = cluster.node(3)
    gate.latency_s = (2.0, 2.0)
    cluster.partition([1, 2], [3])
    cluster.run(1.5)
    cluster.partition([1], [2], [3])
    cluster.until(lambda: not gate.lets_in(third), 10, "shut out")
    gate.latency_s = (0.02, 0.1)
    cluster.network.heal()
    cluster.settle(within_s=20)
    cluster.run(0.5)
    cluster.settle(within_s=20)
    assert third.life == (1, True)
    checker.activity.check_once()


def test_known_seeds(only_seed: int | None) -> None:
    for seed in SEEDS if only_seed is None else (only_seed,):
        run_gate_chaos(seed)

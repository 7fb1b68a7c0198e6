"""Hundreds of seeded disasters: extended virtual synchrony holds, and the ring comes together.

A failure names its seed; ``pytest tests/sim --seed N`` runs that one alone.
"""

from __future__ import annotations

import random

import pytest
from sim.chaos import NEMESES, run_chaos
from sim.network import Faults
from sim.ring import FAST, Lab, check_all

SEEDS = range(240)
_BATCH = 40
FRESH = 20  # seeds nobody has tried before; told when they fail


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, _BATCH))
def test_known_seeds(first: int, only_seed: int | None) -> None:
    for seed in (only_seed,) if only_seed is not None else range(first, first + _BATCH):
        run_chaos(seed)


def test_fresh_seeds(only_seed: int | None) -> None:
    for _ in range(FRESH if only_seed is None else 0):
        run_chaos(random.SystemRandom().randrange(10**6, 10**9))


def test_a_seed_replays_exactly() -> None:
    first, second = run_chaos(17), run_chaos(17)
    assert [life.events for life in first.lives()] == [life.events for life in second.lives()]
    assert first.network.traffic == second.network.traffic


def test_a_large_ring_under_loss() -> None:
    """32 nodes, one datagram in fifty lost: all start at once and talk."""
    lab = Lab(32, seed=3, settings=FAST, faults=Faults(loss=0.02))
    lab.start()
    lab.form(within_s=20)
    for number in lab.nodes:
        lab.multicast(number, f"from {number}".encode(), safe=number % 2 == 0)
    lab.settle_deliveries()
    check_all(lab)
    assert len(lab.nodes[1].life.delivered) == 32


@pytest.mark.parametrize("name", sorted(NEMESES))
def test_each_nemesis_alone(name: str) -> None:
    """One kind of fault, ten times, and then peace."""
    chance = random.Random(name)
    lab = Lab(3, seed=1)
    lab.start()
    for count in range(10):
        lab.multicast(chance.choice(lab.up).node_id, f"{name} {count}".encode(), safe=True)
        NEMESES[name](lab, chance)
        lab.network.run(for_s=chance.random() * 0.5)
    lab.network.faults = Faults()
    lab.network.heal()
    lab.network.run(for_s=1.0)
    lab.form(within_s=10)
    lab.settle_deliveries()
    check_all(lab)

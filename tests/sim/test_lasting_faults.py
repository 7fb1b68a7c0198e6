"""What is wrong for good with one node or one link takes no service from those that are whole.

Commits at a majority are acknowledged, what dies on a good node is recovered in the time of its
monitor, and nobody is switched off again and again. ``lasting.py`` measures many more faults.
"""

from __future__ import annotations

import pytest
from sim.cluster import Cluster
from sim.lasting import measure
from sim.scenes import committed, started

_SECONDS = 40.0
_AWAY_S = 12.0  # the monitor comes every 10 s
_WATCHDOG_S = 5.0


@pytest.mark.parametrize(
    ("fault", "count", "bad"),
    [
        ("one way back", 3, 2),
        ("two way", 3, 2),
        ("bridge", 3, 2),
        ("bridge", 5, 2),
        ("deaf", 3, 1),
        ("lossy card 50", 3, 2),
        ("slow disk", 3, 2),
        ("deaf + slow link 30 ms", 5, 2),
    ],
)
def test_a_lasting_fault_beside_a_fence_device(fault: str, count: int, bad: int) -> None:
    life = measure(fault, count=count, bad=bad, seconds=_SECONDS)
    assert life.majority > 0.9
    assert life.away_s < _AWAY_S
    assert max(life.switched.values(), default=0) <= 1, life.switched


@pytest.mark.parametrize("fault", ["one way", "two way", "deaf", "bridge"])
def test_a_lasting_fault_beside_watchdogs(fault: str) -> None:
    """Each vain attempt to form a ring began the wait for the lost node's watchdog anew."""
    life = measure(fault, bad=1, watchdogs=True, seconds=_SECONDS)
    assert life.majority > 0.9
    assert life.away_s < _AWAY_S + _WATCHDOG_S
    assert max(life.switched.values(), default=0) <= 1, life.switched


@pytest.mark.parametrize(("source", "target"), [(3, 2), (1, 3), (2, 1)])
def test_what_one_member_never_hears_from_another_a_third_sends_again(
    source: int, target: int
) -> None:
    """The token does not use this link, so it goes on turning, and the others saw no request."""
    cluster: Cluster = started(3)
    cluster.network.cut(cluster.node(source).address, cluster.node(target).address)
    before = cluster.node(target).ring
    for number in (source, target):
        committed(cluster, number, f"R{number}")
    cluster.run(5.0)
    assert cluster.node(target).ring == before, "the ring is the same"
    committed(cluster, source, "R9")

"""A link that is broken for good, one way or both, does not take the majority's service with it.

The node behind it is heard by some and can be in no ring. Each time that they gather for it costs
all of them a consensus time, so they must do it ever more seldom; and yet find together at once
when the link is mended.
"""

from __future__ import annotations

import pytest
from sim.ring import TUTORIAL, Lab, RingNode, check_all

from crmsh_py.engine.totem import Reported, Totem

Cuts = list[tuple[int, int]]
MINUTES = 4.0
SIZES = (3, 5)


class Configured(RingNode):
    """It knows all addresses from its corosync.conf."""

    def start(self, now: float) -> None:
        super().start(now)
        known = {number: f"10.0.0.{number}" for number in range(1, 33)}
        self.totem = Totem(
            self.node_id,
            self.address,
            self.settings,
            ring_sequence=self.disk,
            boot=self.life.number,
            addresses=known,
        )
        self.totem.start(now)


def lab_of(count: int, seed: int = 7) -> Lab:
    lab = Lab(0, seed, settings=TUTORIAL)
    lab.nodes.update({number: Configured(number, TUTORIAL) for number in range(1, count + 1)})
    return lab


def cut(lab: Lab, cuts: Cuts) -> None:
    for one, other in cuts:
        lab.network.cut(f"10.0.0.{one}", f"10.0.0.{other}")


def served(lab: Lab, seconds: float) -> float:
    """The part of the time in which a majority was a ring."""
    looks = int(seconds / 0.1)
    count = 0
    for _ in range(looks):
        lab.network.run(for_s=0.1)
        sides = {node.totem.members for node in lab.up if node.totem is not None}
        count += any(2 * len(side) > len(lab.nodes) and lab.formed(*side) for side in sides)
    return count / looks


def one_way(count: int) -> dict[str, Cuts]:
    """The token's path, in three places; a node that hears nobody."""
    return {
        "first to second": [(1, 2)],
        "second to third": [(2, 3)],
        "last to first": [(count, 1)],
        "the first hears nobody": [(each, 1) for each in range(2, count + 1)],
        "the last hears nobody": [(each, count) for each in range(1, count)],
    }


@pytest.mark.parametrize("from_the_start", [False, True])
@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("where", one_way(3))
def test_a_link_that_is_lost_one_way_leaves_the_majority_in_service(
    where: str, count: int, from_the_start: bool
) -> None:
    lab = lab_of(count)
    if not from_the_start:
        lab.start()
        lab.form()
    cut(lab, one_way(count)[where])
    if from_the_start:
        lab.start()
    assert served(lab, MINUTES * 60) > 0.8
    lab.network.heal()
    assert lab.form(within_s=20) < TUTORIAL.consensus_ms / 1000, "a mended link is used at once"
    check_all(lab)


@pytest.mark.parametrize("count", SIZES)
def test_two_that_do_not_hear_each_other_leave_the_majority_in_service(count: int) -> None:
    """Either of them may be the one that is left out, and they take turns at first."""
    lab = lab_of(count)
    lab.start()
    lab.form()
    cut(lab, [(1, 2), (2, 1)])
    lab.network.run(for_s=120)
    assert served(lab, MINUTES * 60) > 0.7, "0.5 where they take turns for ever"
    lab.network.heal()
    assert lab.form(within_s=40) < 9 * TUTORIAL.consensus_ms / 1000
    check_all(lab)


def test_the_log_says_who_is_left_alone_and_why() -> None:
    lab = lab_of(3)
    lab.start()
    lab.form()
    cut(lab, [(1, 2)])
    lab.network.run(for_s=30)
    told = [each.text for each in lab.nodes[3].life.events if isinstance(each, Reported)]
    assert (
        "Node 1 is heard, but a ring with it cannot be formed: not all hear each other. "
        "It is left alone for 3.6 s"
    ) in told


def left_alone(lab: Lab) -> None:
    """Node 3 of the ring {2, 3} leaves 1 alone, which 2 does not hear."""
    lab.start()
    lab.form()
    cut(lab, [(1, 2)])
    lab.network.run(for_s=60)
    assert lab.network.run_until(lambda: lab.formed(2, 3), within_s=10)
    lab.network.run(for_s=1)
    assert lab.formed(2, 3)


@pytest.mark.parametrize("leaves", [False, True])
def test_who_was_left_alone_is_taken_in_when_another_is_lost(leaves: bool) -> None:
    """Else the last of the majority would wait for the only one that it can be a majority with."""
    lab = lab_of(3)
    left_alone(lab)
    if leaves:
        lab.leave(2)
    else:
        lab.crash(2)
    usual = (TUTORIAL.token_ms + 2 * TUTORIAL.consensus_ms) / 1000
    assert lab.form(1, 3, within_s=20) < (TUTORIAL.consensus_ms / 1000 if leaves else usual)


def test_who_was_left_alone_and_starts_anew_is_taken_in_at_once() -> None:
    lab = lab_of(3)
    left_alone(lab)
    lab.crash(1)
    lab.network.heal()
    lab.start(1)
    assert lab.form() < 0.1


def test_who_heard_nobody_is_taken_in_when_it_hears() -> None:
    lab = lab_of(3)
    lab.start()
    lab.form()
    cut(lab, [(1, 3), (2, 3)])
    lab.network.run(for_s=90)
    lab.network.run_until(lambda: lab.formed(1, 2), within_s=10)
    lab.network.heal()
    assert lab.form() < 0.5

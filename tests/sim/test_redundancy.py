"""Two networks: losing one costs no membership and no message, is noticed, and heals."""

from __future__ import annotations

import random

import pytest
from sim.network import Faults
from sim.redundant import RedundantLab
from sim.ring import check_all

MODES = ("active", "passive")


def formed(mode: str, count: int = 3, **options: object) -> RedundantLab:
    lab = RedundantLab(count, mode, **options)  # type: ignore[arg-type]
    lab.start()
    lab.form()
    return lab


def talk(lab: RedundantLab, seconds: float, label: str) -> None:
    for number in range(int(seconds / 0.05)):
        node = 1 + number % len(lab.nodes)
        lab.multicast(node, f"{label} {number}".encode(), safe=True)
        lab.network.run(for_s=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_both_networks_carry_the_ring_and_none_is_faulty(mode: str) -> None:
    lab = formed(mode)
    used = set()
    lab.network.tap = lambda now, source, to, data: used.add(source[:5])
    talk(lab, 3.0, "all is well")
    lab.settle_deliveries()

    assert used == {"10.0.", "10.1."}
    assert lab.faulty() == {(False, False)}
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ring", [0, 1])
def test_cutting_a_network_changes_no_membership_and_is_noticed(mode: str, ring: int) -> None:
    lab = formed(mode)
    before = [lab.totem(each).ring_id for each in lab.nodes]
    lab.cut_ring(ring)
    talk(lab, 4.0, "cut")
    lab.settle_deliveries()

    assert [lab.totem(each).ring_id for each in lab.nodes] == before
    assert lab.faulty() == {(ring == 0, ring == 1)}
    for number, node in lab.both.items():
        assert f"Marking ringid {ring} interface 10.{ring}.0.{number} FAULTY" in node.log
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
def test_one_node_that_loses_a_network_is_noticed_by_all(mode: str) -> None:
    lab = formed(mode, 4)
    before = lab.totem(1).ring_id
    lab.cut_ring(1, 3)
    talk(lab, 4.0, "cut")
    lab.settle_deliveries()

    assert lab.totem(1).ring_id == before
    assert lab.faulty() == {(False, True)}
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_works_again_is_used_again(mode: str) -> None:
    lab = formed(mode)
    lab.cut_ring(1)
    talk(lab, 4.0, "cut")
    lab.network.heal()
    talk(lab, 1.0, "healed")

    assert lab.faulty() == {(False, False)}
    assert all("Automatically recovered ring 1" in node.log for node in lab.both.values())
    lab.settle_deliveries()
    check_all(lab)


def test_the_administrator_enables_it_on_all_nodes() -> None:
    lab = formed("active")
    lab.cut_ring(1)
    talk(lab, 4.0, "cut")
    assert lab.faulty() == {(False, True)}
    node = lab.both[2]
    node._due += node.networks.reenable()
    for ring in (0, 1):
        lab.network.settle(f"10.{ring}.0.2")
    lab.network.run(for_s=0.01)

    assert lab.faulty() == {(False, False)}
    assert all("Re-enabled ring 1" in each.log for each in lab.both.values())


@pytest.mark.parametrize("mode", MODES)
def test_the_last_network_is_never_given_up(mode: str) -> None:
    lab = formed(mode)
    lab.cut_ring(1)
    talk(lab, 4.0, "cut")
    lab.cut_ring(0)
    lab.network.run(for_s=3.0)
    assert lab.faulty() == {(False, True)}
    assert all(lab.totem(each).members == (each,) for each in lab.nodes)

    lab.network.heal()
    lab.network.run(for_s=1.0)
    lab.form(within_s=5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(6))
def test_networks_that_fail_and_lose_in_turn(mode: str, seed: int) -> None:
    """As long as one of the two works, or both lose a little, the promises of the ring hold."""
    chance = random.Random(seed)
    lab = formed(mode, 3, seed=seed, faults=Faults(loss=0.01, jitter_s=0.002))
    for step in range(8):
        lab.network.heal()
        if chance.random() < 0.7:
            lab.cut_ring(
                chance.randrange(2), *chance.sample(sorted(lab.nodes), chance.randrange(3))
            )
        talk(lab, 0.5, f"step {step}")
    lab.network.heal()
    lab.network.faults = Faults()
    lab.network.run(for_s=1.0)
    lab.form(within_s=5)
    lab.settle_deliveries()
    check_all(lab)


def test_an_unknown_sender_is_not_heard_on_the_second_network() -> None:
    lab = formed("passive")
    node = lab.both[1]

    assert node.networks.receive(1, "10.1.0.77", b"\x93\xa1j", lab.now) is None
    assert node.networks.receive(7, "10.0.0.2", b"\x93\xa1j", lab.now) is None
    assert node.networks.receive(1, "10.1.0.2", b"\x93\xa1j", lab.now) == "10.0.0.2"

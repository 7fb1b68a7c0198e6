"""Two networks: losing one costs no membership and no message, is noticed, and heals."""

from __future__ import annotations

import random

import pytest
from sim.network import Faults
from sim.redundant import RedundantLab, on
from sim.ring import check_all

from crmsh_py.engine.redundancy import NetworkAddresses, Networks
from crmsh_py.wire.datagram import Kind, kind_of

MODES = ("active", "passive")


def formed(mode: str, count: int = 3, **options: object) -> RedundantLab:
    lab = RedundantLab(count, mode, **options)  # type: ignore[arg-type]
    lab.start()
    lab.form()
    return lab


def told(lab: RedundantLab, words: str) -> list[int]:
    """How often every node has logged something."""
    return [sum(words in line for line in node.log) for node in lab.both.values()]


def talk(lab: RedundantLab, seconds: float, label: str) -> None:
    for number in range(int(seconds / 0.05)):
        node = 1 + number % len(lab.nodes)
        lab.multicast(node, f"{label} {number}".encode(), safe=True)
        lab.network.run(for_s=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_both_networks_carry_the_ring_and_none_is_faulty(mode: str) -> None:
    lab = formed(mode)
    used = set()
    lab.network.tap = lambda now, source, to, data: used.add((source[:5], kind_of(data)))
    talk(lab, 3.0, "all is well")
    lab.settle_deliveries()

    carried = {(net, kind) for net, kind in used if kind in (Kind.TOKEN, Kind.MULTICAST)}
    assert len(carried) == 4, "both kinds over both networks"
    assert told(lab, "FAULTY") == [0, 0, 0]
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


@pytest.mark.parametrize("ring", [0, 1])
def test_what_a_network_takes_with_it_costs_few_timeouts(ring: int) -> None:
    """In turns every second token would be lost until the network counts as faulty."""
    lab = formed("passive")
    sent: dict[bytes, float] = {}
    again = []

    def watch(now: float, source: str, to: str, data: bytes) -> None:
        if kind_of(data) is Kind.TOKEN and now > sent.setdefault(data, now):
            again.append(now)

    lab.network.tap = watch
    lab.cut_ring(ring)
    talk(lab, 2.0, "cut")
    assert len(again) <= 12
    assert told(lab, "FAULTY") == [1, 1, 1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ring", [0, 1])
def test_a_ring_is_formed_over_the_network_that_works(mode: str, ring: int) -> None:
    lab = RedundantLab(3, mode)
    lab.cut_ring(ring)
    lab.start()
    lab.form()
    talk(lab, 0.5, "over one")
    lab.settle_deliveries()
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
    assert told(lab, "FAULTY") == [1, 1, 1, 1], "some are still heard on it: that is not enough"
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
def test_a_little_loss_is_forgiven(mode: str) -> None:
    """For ever: problems that come seldom never add up."""
    lab = formed(mode)
    if mode == "active":
        lab.network.faults = Faults(loss=0.004)
    else:  # where turns are taken, only a difference counts
        for one in lab.nodes:
            for other in lab.nodes:
                lab.network.links[on(1, one), on(1, other)] = Faults(loss=0.004)
    talk(lab, 12.0, "a little is lost")
    lab.network.faults = Faults()
    lab.network.links.clear()
    lab.settle_deliveries()

    assert told(lab, "FAULTY") == [0, 0, 0]
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_is_slower_is_no_worse(mode: str) -> None:
    """Its copies come later, and a message after the token that went over the other network."""
    lab = formed(mode)
    for one in lab.nodes:
        for other in lab.nodes:
            lab.network.links[on(1, one), on(1, other)] = Faults(delay_s=0.002)
    talk(lab, 3.0, "one is slow")
    lab.settle_deliveries()

    assert told(lab, "FAULTY") == [0, 0, 0]
    assert not any(lab.totem(each).counters.mcast_retx for each in lab.nodes)
    check_all(lab)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_works_again_is_used_again(mode: str) -> None:
    lab = formed(mode)
    lab.cut_ring(1)
    talk(lab, 4.0, "cut")
    lab.network.heal()
    talk(lab, 1.0, "healed")

    assert lab.faulty() == {(False, False)}
    assert told(lab, "FAULTY") == [1, 1, 1]
    assert told(lab, "Automatically recovered ring 1") == [1, 1, 1]
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
@pytest.mark.parametrize("from_the_start", [False, True])
def test_networks_that_are_broken_in_different_places_carry_the_ring_together(
    mode: str, from_the_start: bool
) -> None:
    """Nodes 1 and 2 have only ring 1 between them, 2 and 3 only ring 0.

    Node 2 hears its token on ring 1 alone and so takes ring 0 for faulty; but no other one leads
    from it to node 3.
    """
    lab = RedundantLab(3, mode)
    if not from_the_start:
        lab.start()
        lab.form()
    for ring, one, other in ((0, 1, 2), (1, 2, 3)):
        lab.network.cut(on(ring, one), on(ring, other))
        lab.network.cut(on(ring, other), on(ring, one))
    if from_the_start:
        lab.start()
        lab.form()
    before = [lab.totem(each).ring_id for each in lab.nodes]
    talk(lab, 6.0, "two halves")
    lab.settle_deliveries()

    assert [lab.totem(each).ring_id for each in lab.nodes] == before
    assert lab.both[2].faulty() == [True, False]
    check_all(lab)

    lab.network.heal()
    talk(lab, 2.0, "healed")
    assert lab.faulty() == {(False, False)}


@pytest.mark.parametrize("mode", MODES)
def test_a_node_that_was_added_later_has_both_networks(mode: str) -> None:
    """The others started before it was in corosync.conf, and have read that again."""
    lab = RedundantLab(4, mode)
    lab.start(1, 2, 3)
    for node in list(lab.both.values())[:3]:
        addresses = [
            NetworkAddresses(
                ring, on(ring, node.node_id), {on(0, n): on(ring, n) for n in (1, 2, 3)}
            )
            for ring in (0, 1)
        ]
        node.networks = Networks(node.node_id, node.settings, addresses)
        node.networks.start(lab.now)
    lab.form(1, 2, 3)
    for node in list(lab.both.values())[:3]:
        node.networks.meet({on(0, n): on(1, n) for n in lab.nodes})
    lab.start(4)
    lab.form()
    talk(lab, 2.0, "four")
    assert lab.faulty() == {(False, False)}
    before = [lab.totem(each).ring_id for each in lab.nodes]
    lab.cut_ring(0)
    talk(lab, 2.0, "on ring 1")
    lab.settle_deliveries()
    assert [lab.totem(each).ring_id for each in lab.nodes] == before
    assert lab.faulty() == {(True, False)}
    check_all(lab)


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

"""Totem as its users see it: rings form, break and merge; payloads come in one order."""

from __future__ import annotations

import dataclasses

import pytest
from sim.network import Faults
from sim.ring import FAST, TUTORIAL, Lab, RingNode, check_all

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.totem import (
    ConfigurationChanged,
    ConfigurationKind,
    Delivered,
    Limits,
    Reported,
    RingSequenceChanged,
    State,
    Totem,
)
from crmsh_py.wire.datagram import HoldCancel, Join, Multicast, RingId, Token, decode, encode


def ring_of(*numbers: int, settings: TotemSettings = FAST, seed: int = 0) -> Lab:
    """A lab whose nodes are one ring."""
    lab = Lab(len(numbers), seed, settings=settings)
    lab.start()
    lab.form()
    return lab


def texts(node: RingNode) -> list[str]:
    return [each.text for each in node.life.events if isinstance(each, Reported)]


# ---- forming ---------------------------------------------------------------------------------


def test_a_node_alone_is_a_ring_at_once() -> None:
    lab = Lab(1, settings=TUTORIAL)
    lab.start(1)
    assert lab.now == 0.0
    assert lab.formed(1)
    sequence, transitional, regular = lab.nodes[1].life.events
    assert sequence == RingSequenceChanged(sequence=4)
    assert isinstance(transitional, ConfigurationChanged)
    assert transitional.kind is ConfigurationKind.TRANSITIONAL
    assert regular == ConfigurationChanged(
        kind=ConfigurationKind.REGULAR,
        ring=RingId(4, 1, boot=1),
        members=(1,),
        joined=(1,),
        left=(),
    )


def test_a_second_and_a_third_node_join_within_milliseconds() -> None:
    """With the tutorial's timeouts, and ring sequences that rise by four."""
    lab = Lab(3, settings=TUTORIAL)
    lab.start(1)
    lab.network.run(for_s=0.5)
    lab.start(2)
    assert lab.form(1, 2) < 0.02
    lab.start(3)
    assert lab.form(1, 2, 3) < 0.02
    first = lab.nodes[1].life
    assert [(ring.ring.sequence, ring.joined) for ring in first.rings] == [
        (4, (1,)),
        (8, (2,)),
        (12, (3,)),
    ]
    assert lab.nodes[3].life.rings[-1].joined == (1, 2), "what is new as the third node sees it"


def test_nodes_that_start_together_form_one_ring() -> None:
    lab = Lab(5, settings=TUTORIAL)
    lab.start()
    assert lab.form() < 0.1


def test_a_lost_first_join_costs_a_merge_interval_only() -> None:
    """The rings find each other by the representative's merge detection."""
    lab = ring_of(1, 2)
    lone = RingNode(9, FAST)
    lab.nodes[9] = lone
    lab.network.faults = Faults(loss=1.0)
    lab.start(9)
    lab.network.faults = Faults()
    assert lab.form(1, 2, 9) < 2 * FAST.merge_ms / 1000


def test_the_ring_sequence_is_told_before_anything_of_the_ring_is_sent() -> None:
    totem = Totem(1, "10.0.0.1", TUTORIAL, ring_sequence=20)
    totem.start(0.0)
    assert totem.next_event() == RingSequenceChanged(sequence=24)


def test_a_restarted_node_never_uses_a_ring_id_again() -> None:
    lab = ring_of(1, 2)
    before = lab.totem(1).ring_id
    lab.crash(1, 2)
    lab.start(1)
    assert lab.totem(1).ring_id.sequence > before.sequence


# ---- breaking --------------------------------------------------------------------------------


def test_a_killed_node_is_missed_after_token_plus_consensus() -> None:
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.crash(2)
    assert lab.form(1, 3, within_s=10) == pytest.approx(6.6, abs=0.3)
    assert "A processor failed, forming new configuration." in texts(lab.nodes[1])
    assert "Failed to receive the leave message. failed: 2" in texts(lab.nodes[1])
    assert lab.nodes[1].life.rings[-1].left == (2,)
    counters = lab.totem(1).counters
    assert counters.operational_token_lost + lab.totem(3).counters.operational_token_lost >= 1
    assert counters.consensus_timeouts >= 1


def test_with_token_1000_it_is_noticed_two_seconds_earlier() -> None:
    quick = dataclasses.replace(TUTORIAL, token_ms=1000, token_retransmit_ms=98, hold_ms=68)
    lab = ring_of(1, 2, 3, settings=quick)
    lab.crash(3)
    assert lab.form(1, 2, within_s=10) == pytest.approx(4.6, abs=0.2)


def test_the_death_of_the_representative_is_the_same() -> None:
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.crash(1)
    assert lab.form(2, 3, within_s=10) == pytest.approx(6.6, abs=0.3)


def test_an_orderly_leave_takes_milliseconds() -> None:
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.leave(2)
    assert lab.form(1, 3) < 0.05
    assert lab.nodes[1].life.rings[-1].left == (2,)
    assert not any("Failed to receive the leave" in text for text in texts(lab.nodes[1]))


def test_after_leave_nothing_is_sent_or_heard() -> None:
    lab = ring_of(1, 2)
    totem = lab.totem(1)
    totem.leave(lab.now)
    totem.datagrams_to_send()
    totem.receive_datagram(b"", "10.0.0.2", lab.now)
    assert not totem.multicast(b"late", safe=False, now=lab.now)
    assert totem.next_timer() is None
    assert totem.datagrams_to_send() == []


def test_a_node_that_comes_back_before_it_is_missed_rejoins_at_once() -> None:
    """Also without its disk: then its ring sequence looks old, but it knows nobody."""
    for wiped in (False, True):
        lab = ring_of(1, 2, 3, settings=TUTORIAL)
        lab.crash(3)
        if wiped:
            lab.nodes[3].disk = 0
        lab.start(3)
        assert lab.form(1, 2, 3) < 0.1
        ring = lab.nodes[1].life.rings[-1]
        assert (ring.joined, ring.left) == ((3,), (3,)), "it did not come along from the old ring"
        check_all(lab)


def test_both_sides_of_a_partition_go_on_and_merge() -> None:
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.partition([1], [2, 3])
    lab.form(2, 3, within_s=10)
    lab.form(1, within_s=10)
    lab.multicast(1, b"alone")
    lab.multicast(3, b"together", safe=True)
    lab.settle_deliveries()
    lab.network.heal()
    assert lab.form(1, 2, 3) < 0.5
    assert b"alone" not in lab.nodes[2].life.delivered
    check_all(lab)


def test_a_link_that_works_one_way_only_harms_no_third_node() -> None:
    lab = ring_of(1, 2, 3)
    lab.network.cut("10.0.0.1", "10.0.0.3")
    lab.network.run(for_s=5.0)
    assert lab.network.traffic.sent < 60_000, "rings must not chase each other"
    lab.network.heal()
    lab.form(1, 2, 3)
    check_all(lab)


def test_a_member_that_hears_tokens_but_no_data_is_failed() -> None:
    """fail_recv_const: else its misses would stop the window for ever."""
    lab = ring_of(1, 2, 3)
    arrive = lab.nodes[2].receive

    def without_data(data: bytes, source: str, now: float) -> None:
        if not isinstance(decode(data), Multicast):
            arrive(data, source, now)

    lab.nodes[2].receive = without_data  # type: ignore[method-assign]
    lab.multicast(1, b"nobody but 2 misses this", safe=True)
    lab.form(1, 3, within_s=5)
    assert "FAILED TO RECEIVE: node 2" in texts(lab.nodes[1]) + texts(lab.nodes[3])
    assert b"nobody but 2 misses this" in lab.nodes[3].life.delivered


# ---- delivering ------------------------------------------------------------------------------


def test_everybody_gets_the_same_in_the_same_order() -> None:
    lab = ring_of(1, 2, 3)
    for count in range(300):
        lab.multicast(1 + count % 3, f"{count}".encode(), safe=count % 5 == 0)
        if count % 7 == 0:
            lab.network.run(for_s=0.000_3)
    lab.settle_deliveries()
    first, second, third = (node.life.delivered for node in lab.nodes.values())
    assert first == second == third
    assert len(first) == 300
    check_all(lab)


def test_what_is_queued_before_there_is_a_ring_is_sent_in_the_first_one() -> None:
    totem = Totem(1, "10.0.0.1", FAST)
    assert totem.multicast(b"early", safe=True, now=0.0)
    totem.start(0.0)
    events = []
    while (event := totem.next_event()) is not None:
        events.append(event)
    assert isinstance(events[-1], Delivered)
    assert (events[-1].sender, events[-1].payload, events[-1].safe) == (1, b"early", True)


def test_a_lone_node_delivers_safe_payloads_at_once() -> None:
    lab = Lab(1)
    lab.start(1)
    big = bytes(3_000_000)
    lab.multicast(1, big, safe=True)
    assert lab.now == 0.0
    assert lab.nodes[1].life.delivered == [big]


def test_a_payload_of_megabytes_comes_whole_through_small_datagrams_and_losses() -> None:
    lab = Lab(3, seed=5, settings=FAST)
    sizes: list[int] = []
    lab.network.tap = lambda now, source, destination, data: sizes.append(len(data))
    lab.start()
    lab.form()
    lab.network.faults = Faults(loss=0.02)
    big = bytes(range(256)) * 8192  # 2 MiB
    lab.multicast(2, b"before")
    lab.multicast(2, big, safe=True)
    lab.multicast(2, b"after")
    lab.settle_deliveries(within_s=30)
    lab.network.faults = Faults()
    lab.network.run(for_s=1.0)
    for node in lab.nodes.values():
        assert node.life.delivered == [b"before", big, b"after"]
    assert max(sizes) <= FAST.netmtu - 28 - 100, "room for IP, UDP and the envelope"


def test_small_payloads_share_a_datagram() -> None:
    lab = ring_of(1, 2, 3)
    before = lab.totem(1).counters.mcast_tx
    for count in range(200):
        lab.nodes[1].multicast(f"payload {count:04}".encode(), lab.now)
    lab.network.settle("10.0.0.1")
    lab.settle_deliveries()
    assert lab.totem(1).counters.mcast_tx - before <= 5
    assert len(lab.nodes[3].life.delivered) == 200


def test_a_payload_cut_off_by_a_change_of_the_ring_is_sent_anew() -> None:
    """Whole and once, though half of it was sent in a ring that broke."""
    lab = ring_of(1, 2, 3)
    big = bytes(800_000)
    lab.multicast(1, big, safe=True)
    lab.network.run(for_s=0.005)
    assert 0 < lab.totem(1).counters.mcast_tx < 600, "under way"
    lab.crash(3)
    lab.form(1, 2)
    lab.settle_deliveries()
    assert lab.nodes[1].life.delivered == lab.nodes[2].life.delivered == [big]
    check_all(lab)


def test_safe_waits_until_everybody_has_it() -> None:
    """An agreed payload may be delivered where nobody else has it; a safe one may not."""
    lab = ring_of(1, 2, 3)
    lab.partition([1], [2, 3])
    lab.multicast(1, b"agreed")
    lab.network.run(for_s=0.01)
    lab.multicast(1, b"safe", safe=True)
    lab.network.run(for_s=0.1)
    in_ring = [each.payload for each in lab.nodes[1].life.events if isinstance(each, Delivered)]
    assert b"safe" not in in_ring
    lab.form(1)
    lab.settle_deliveries()
    kinds: dict[bytes, ConfigurationKind] = {}
    kind = ConfigurationKind.REGULAR
    for event in lab.nodes[1].life.events:
        if isinstance(event, ConfigurationChanged):
            kind = event.kind
        elif isinstance(event, Delivered):
            kinds[event.payload] = kind
    assert kinds.get(b"safe") in (ConfigurationKind.TRANSITIONAL, ConfigurationKind.REGULAR)
    check_all(lab)


def test_the_queue_has_a_limit() -> None:
    limits = Limits(payload_bytes=100, queued_bytes=250, queued_payloads=3)
    totem = Totem(1, "10.0.0.1", FAST, limits=limits)  # not started: nothing leaves the queue
    assert not totem.multicast(bytes(101), safe=False, now=0.0), "too large"
    assert [totem.multicast(bytes(100), safe=False, now=0.0) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    assert totem.multicast(bytes(10), safe=False, now=0.0)
    assert not totem.multicast(b"", safe=False, now=0.0), "a fourth payload"


# ---- quiet -----------------------------------------------------------------------------------


def test_an_idle_ring_of_three_costs_a_few_datagrams_a_second() -> None:
    """The tutorial's counters say 2235 tokens in some 500 seconds: 4.4 a second."""
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.network.run(for_s=1.0)
    tokens, sent = lab.totem(1).counters.orf_token_rx, lab.network.traffic.sent
    lab.network.run(for_s=100.0)
    assert (lab.totem(1).counters.orf_token_rx - tokens) / 100 == pytest.approx(4.4, abs=0.2)
    assert (lab.network.traffic.sent - sent) / 100 < 20


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_payload_wakes_an_idle_ring_at_once(number: int) -> None:
    """Not after the hold time of 225 ms: within three rotations, also where it is safe."""
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    lab.network.run(for_s=5.0)
    began = lab.now
    lab.multicast(number, b"now", safe=True)
    done = lab.network.run_until(
        lambda: all(node.life.delivered == [b"now"] for node in lab.up), within_s=1
    )
    assert done
    assert lab.now - began < 0.003
    if number != 1:
        assert lab.totem(number).counters.token_hold_cancel_tx == 1
        assert lab.totem(1).counters.token_hold_cancel_rx == 1


def test_a_lost_token_is_sent_again_long_before_it_counts_as_lost() -> None:
    lab = ring_of(1, 2, 3, settings=TUTORIAL)
    ring = lab.totem(1).ring_id
    lab.network.faults = Faults(loss=1.0)
    lab.network.run(for_s=0.5)  # the token is gone
    lab.network.faults = Faults()
    lab.multicast(3, b"still here")
    lab.settle_deliveries()
    assert lab.totem(1).ring_id == ring
    assert lab.totem(1).counters.operational_token_lost == 0


def with_token(token_ms: int) -> TotemSettings:
    """What follows from a token time in corosync.conf."""
    again_ms = int(token_ms / 4.2)
    return TotemSettings(
        token_ms=token_ms,
        token_retransmit_ms=again_ms,
        hold_ms=int(again_ms * 0.8) - 10,
        consensus_ms=int(token_ms * 1.2),
    )


@pytest.mark.parametrize(
    "tokens",
    [(10_000, 1000, 1000), (10_000, 10_000, 1000), (10_000, 1000, 10_000), (1000, 10_000, 1000)],
)
def test_an_idle_token_is_not_held_until_another_node_takes_it_for_lost(
    tokens: tuple[int, ...],
) -> None:
    """Its corosync.conf has another token time: the ring was formed anew each second."""
    lab = Lab(len(tokens))
    for node, token_ms in zip(lab.nodes.values(), tokens, strict=True):
        node.settings = with_token(token_ms)
    lab.start()
    lab.form()
    ring, sent = lab.totem(1).ring_id, lab.network.traffic.sent
    lab.network.run(for_s=60)
    assert lab.totem(1).ring_id == ring
    assert lab.network.traffic.sent - sent < 60 * 500, "and not turned all the time either"


# ---- hostile and strange ---------------------------------------------------------------------


def test_nonsense_is_counted_and_changes_nothing() -> None:
    lab = ring_of(1, 2)
    totem = lab.totem(1)
    dropped = totem.counters.rx_msg_dropped
    for data in (b"", b"x", b"\x91\xa1t", b"\xc1" * 100, bytes(70_000)):
        totem.receive_datagram(data, "10.0.0.2", lab.now)
    assert totem.counters.rx_msg_dropped == dropped + 5
    assert lab.formed(1, 2)


def test_a_join_from_another_address_than_the_known_one_is_dropped() -> None:
    totem = Totem(1, "10.0.0.1", FAST, addresses={2: "10.0.0.2"})
    totem.start(0.0)
    join = Join(sender=2, processors=(2,), failed=(), ring_sequence=0)
    totem.receive_datagram(encode(join), "10.0.0.66", 0.0)
    assert totem.state is State.OPERATIONAL
    assert totem.counters.rx_msg_dropped == 1
    totem.receive_datagram(encode(join), "10.0.0.2", 0.0)
    assert totem.state is State.GATHER


def test_a_number_of_a_ring_that_no_cluster_comes_to_is_not_believed() -> None:
    """The ring after it would have a number that nobody can tell."""
    lab = ring_of(1, 2)
    totem = lab.totem(1)
    for number in (2**62, 2**53, 2**41):
        join = Join(sender=2, processors=(2,), failed=(), ring_sequence=number)
        totem.receive_datagram(encode(join), "10.0.0.2", lab.now)
    assert totem.counters.rx_msg_dropped == 3
    assert lab.formed(1, 2)


def test_more_nodes_than_the_limit_are_not_gathered() -> None:
    totem = Totem(1, "10.0.0.1", FAST, limits=Limits(members=3))
    totem.start(0.0)
    crowd = Join(sender=2, processors=(2, 3, 4), failed=(), ring_sequence=0)
    totem.receive_datagram(encode(crowd), "10.0.0.2", 0.0)
    assert totem.state is State.OPERATIONAL
    assert totem.counters.rx_msg_dropped == 1


def test_a_token_that_promises_too_much_is_dropped() -> None:
    lab = ring_of(1, 2)
    totem = lab.totem(2)
    for sequence, aru in ((10**9, 0), (5, 6)):
        token = Token(
            ring=totem.ring_id,
            hop=10**9,
            sequence=sequence,
            aru=aru,
            aru_holder=0,
            window=0,
            backlog=0,
            recovering=False,
            recovered=0,
            requests=(),
        )
        before = totem.counters.rx_msg_dropped
        totem.receive_datagram(encode(token), "10.0.0.1", lab.now)
        assert totem.counters.rx_msg_dropped == before + 1
    lab.multicast(1, b"unharmed")
    lab.settle_deliveries()


def test_a_second_token_is_dropped_by_the_holder() -> None:
    """A lone node always holds its own."""
    lab = Lab(1)
    lab.start(1)
    totem = lab.totem(1)
    forged = Token(
        ring=totem.ring_id,
        hop=18,
        sequence=14,
        aru=9,
        aru_holder=3,
        window=0,
        backlog=16,
        recovering=False,
        recovered=0,
        requests=(18,),
    )
    totem.receive_datagram(encode(forged), "10.0.0.2", lab.now)
    assert totem.counters.rx_msg_dropped == 1
    lab.multicast(1, b"mine", safe=True)
    assert lab.nodes[1].life.delivered == [b"mine"]


def test_messages_of_strangers_ring_do_not_count_as_ours() -> None:
    """A hold cancel and data of a ring that is not ours."""
    lab = ring_of(1, 2)
    totem = lab.totem(1)
    cancel = HoldCancel(ring=RingId(4000, 7), sender=2)
    totem.receive_datagram(encode(cancel), "10.0.0.2", lab.now)
    assert totem.counters.token_hold_cancel_rx == 0
    data = Multicast(
        ring=totem.ring_id,
        sequence=1,
        sender=77,  # no member
        safe=False,
        continues=False,
        unfinished=False,
        chunks=(b"forged",),
    )
    totem.receive_datagram(encode(data), "10.0.0.2", lab.now)
    lab.multicast(1, b"own")
    lab.settle_deliveries()
    assert lab.nodes[1].life.delivered == [b"own"]

"""The parts of Totem that can be looked at alone: chunks, the messages of a ring, decoding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.totem import JOIN, MULTICAST, TIMERS, TOKEN, State, Totem
from crmsh_py.engine.totem_machine import Timer
from crmsh_py.engine.totem_queue import Assembler, SendQueue
from crmsh_py.engine.totem_ring import Ring
from crmsh_py.engine.totem_values import Limits
from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire.datagram import (
    CommitEntry,
    CommitToken,
    HoldCancel,
    Join,
    MergeDetect,
    Message,
    Multicast,
    Recovered,
    RingId,
    Token,
    decode,
    encode,
)

RING = RingId(8, 1)


def multicast(number: int, *, safe: bool = False, chunks: tuple[bytes, ...] = ()) -> Multicast:
    return Multicast(
        ring=RING,
        sequence=number,
        sender=1,
        safe=safe,
        continues=False,
        unfinished=False,
        chunks=chunks,
    )


# ---- fragments and packs -----------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    payloads=st.lists(st.tuples(st.binary(max_size=600), st.booleans()), max_size=12),
    room=st.integers(65, 300),
    cuts=st.integers(0, 30),
)
def test_payloads_survive_cutting_and_a_new_ring_in_between(
    payloads: list[tuple[bytes, bool]], room: int, cuts: int
) -> None:
    """Every payload comes out once, in order, whole, wherever a new ring interrupts."""
    queue, assembler = SendQueue(room, Limits()), Assembler(Limits())
    for data, safe in payloads:
        assert queue.put(data, safe=safe)
    came: list[tuple[bytes, bool]] = []
    number = 0
    while (cut := queue.cut()) is not None:
        number += 1
        assert sum(len(chunk) for chunk in cut.chunks) <= room
        message = Multicast(
            ring=RING,
            sequence=number,
            sender=1,
            safe=cut.safe,
            continues=cut.continues,
            unfinished=cut.unfinished,
            chunks=cut.chunks,
        )
        came += [(data, cut.safe) for data in assembler.take(message)]
        if number == cuts:
            assembler.reset()
            queue.restart()
    assert came == payloads
    assert (queue.backlog, len(queue)) == (0, 0)


def test_a_continuation_without_its_beginning_is_dropped() -> None:
    assembler = Assembler(Limits())
    rest = Multicast(
        ring=RING,
        sequence=1,
        sender=1,
        safe=False,
        continues=True,
        unfinished=False,
        chunks=(b"tail", b"whole"),
    )
    assert list(assembler.take(rest)) == [b"whole"]


def test_an_endless_payload_is_dropped() -> None:
    assembler = Assembler(Limits(payload_bytes=1000))
    for number in range(1, 30):
        message = Multicast(
            ring=RING,
            sequence=number,
            sender=1,
            safe=False,
            continues=number > 1,
            unfinished=True,
            chunks=(bytes(100),),
        )
        assert list(assembler.take(message)) == []
        assert sum(assembler._sizes.values()) <= 1000
    last = Multicast(
        ring=RING,
        sequence=30,
        sender=1,
        safe=False,
        continues=True,
        unfinished=False,
        chunks=(b"end", b"next"),
    )
    assert list(assembler.take(last)) == [b"next"]


# ---- the messages of a ring --------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    numbers=st.lists(st.integers(1, 30), max_size=60),
    safe_at=st.integers(0, 30),
    safe_ones=st.frozensets(st.integers(1, 30)),
)
def test_a_ring_agrees_with_a_dumb_twin(
    numbers: list[int], safe_at: int, safe_ones: frozenset[int]
) -> None:
    ring = Ring(RING, (1, 2))
    received: set[int] = set()
    for number in numbers:
        assert ring.receive(multicast(number, safe=number in safe_ones)) == (number not in received)
        received.add(number)
    aru = next(each for each in range(32) if each + 1 not in received)
    assert ring.aru == aru
    assert ring.missing(30, 100) == [n for n in range(1, 31) if n not in received]
    ring.mark_safe(safe_at)
    safe = min(safe_at, aru)
    expected = []
    for number in range(1, aru + 1):
        if number in safe_ones and number > safe:
            break
        expected.append(number)
    assert [message.sequence for message in ring.deliverable()] == expected
    ring.forget()
    ring.check_invariants()
    kept = {n for n in received if n > min(safe, len(expected))}
    assert {each.sequence for each in ring.held_above(0)} == kept


def test_a_ring_refuses_numbers_far_ahead() -> None:
    ring = Ring(RING, (1, 2))
    assert not ring.receive(multicast(10**9))
    assert ring.high == 0


def test_the_successor_of_the_last_is_the_first() -> None:
    ring = Ring(RING, (30, 10, 20))
    assert [ring.successor(each) for each in (10, 20, 30)] == [20, 30, 10]
    assert ring.representative == 10


# ---- datagrams ---------------------------------------------------------------------------------

MESSAGES: tuple[Message, ...] = (
    Token(
        ring=RING,
        hop=3,
        sequence=9,
        aru=7,
        aru_holder=2,
        window=5,
        backlog=1,
        recovering=True,
        recovered=4,
        requests=(8, 9),
    ),
    multicast(5, safe=True, chunks=(b"one", b"", b"\xff" * 40)),
    Recovered(ring=RING, sequence=2, sender=3, message=multicast(1)),
    Join(sender=1, processors=(1, 2, 3), failed=(3,), ring_sequence=8),
    CommitToken(
        ring=RING,
        rotation=1,
        members=(1, 2),
        entries=(CommitEntry(RingId(4, 1), 3, 2, (1, 9)), CommitEntry(RingId(0, 0), 0, 0, ())),
    ),
    MergeDetect(ring=RING, sender=1),
    HoldCancel(ring=RING, sender=2),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_a_shortened_or_lengthened_datagram_is_refused(message: Message) -> None:
    data = encode(message)
    for length in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            decode(data[:length])
    with pytest.raises(RemoteProtocolError):
        decode(data + b"\x00")


def test_numbers_and_lists_beyond_their_limits_are_refused() -> None:
    for bad in (
        Join(sender=0, processors=(), failed=(), ring_sequence=0),
        Join(sender=2**32, processors=(), failed=(), ring_sequence=0),
        Join(sender=1, processors=tuple(range(1, 67)), failed=(), ring_sequence=0),
        MergeDetect(ring=RingId(-1, 1), sender=1),
        MergeDetect(ring=RingId(2**63, 1), sender=1),
    ):
        with pytest.raises(RemoteProtocolError):
            decode(encode(bad))


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.sampled_from(MESSAGES), st.integers(0, 400), st.integers(0, 255)).map(
            lambda each: _flipped(encode(each[0]), each[1], each[2])
        ),
    )
)
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except RemoteProtocolError:
        pass


def _flipped(data: bytes, position: int, value: int) -> bytes:
    changed = bytearray(data)
    changed[position % len(data)] = value
    return bytes(changed)


_ids = st.integers(1, 4)
_rings = st.builds(RingId, st.sampled_from((0, 4, 8, 12, 16)), st.integers(0, 4))
_small = st.integers(0, 20)
_members = st.frozensets(_ids).map(lambda each: tuple(sorted(each)))
_multicasts = st.builds(
    Multicast,
    ring=_rings,
    sequence=_small,
    sender=_ids,
    safe=st.booleans(),
    continues=st.booleans(),
    unfinished=st.booleans(),
    chunks=st.lists(st.binary(max_size=3), max_size=3).map(tuple),
)
_any_message = st.one_of(
    _multicasts,
    st.builds(Recovered, ring=_rings, sequence=_small, sender=_ids, message=_multicasts),
    st.builds(
        Token,
        ring=_rings,
        hop=_small,
        sequence=_small,
        aru=_small,
        aru_holder=st.integers(0, 4),
        window=_small,
        backlog=_small,
        recovering=st.booleans(),
        recovered=_small,
        requests=st.lists(_small, max_size=3).map(tuple),
    ),
    st.builds(Join, sender=_ids, processors=_members, failed=_members, ring_sequence=_small),
    st.builds(
        CommitToken,
        ring=_rings,
        rotation=st.integers(0, 1),
        members=_members,
        entries=st.lists(st.builds(CommitEntry, _rings, _small, _small, _members), max_size=4).map(
            tuple
        ),
    ),
    st.builds(MergeDetect, ring=_rings, sender=_ids),
    st.builds(HoldCancel, ring=_rings, sender=_ids),
)


@settings(deadline=None, max_examples=300)
@given(
    steps=st.lists(
        st.one_of(_any_message, st.just("timer"), st.just("multicast")), min_size=1, max_size=60
    )
)
def test_a_machine_survives_any_sequence_of_well_formed_messages(steps: list[object]) -> None:
    """A peer may lie in every field: no exception, no broken invariant, bounded memory."""
    settings_ = TotemSettings()
    totem = Totem(1, "10.0.0.1", settings_)
    totem.start(0.0)
    now = 0.0
    for step in steps:
        if step == "timer":
            now = totem.next_timer() or now
            totem.handle_timer(now)
        elif step == "multicast":
            totem.multicast(b"payload", safe=True, now=now)
        else:
            assert isinstance(step, Message)
            source = f"10.0.0.{getattr(step, 'sender', 2)}"
            totem.receive_datagram(encode(step), source, now)
        while totem.next_event() is not None:
            pass
        totem.datagrams_to_send()
        assert totem.next_timer() is not None, "a machine never sleeps for ever"


# ---- tables ------------------------------------------------------------------------------------


def test_every_state_has_a_handler_for_every_message() -> None:
    for table in (TOKEN, MULTICAST, JOIN):
        assert set(table) == set(State)


def test_timers_run_only_where_they_are_handled() -> None:
    assert (State.GATHER, Timer.TOKEN_LOSS) not in TIMERS
    assert {timer for _, timer in TIMERS} == set(Timer)

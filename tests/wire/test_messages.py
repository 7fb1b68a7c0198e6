"""What crosses the control socket is MessagePack, and is held to what the fields may be."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.value import field_names
from crmsh_py.wire import control, messages, packing, stream
from crmsh_py.wire.fencing import FencingRecord, FencingState

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=40,
)


@given(thing=PLAIN)
@settings(max_examples=200, deadline=None)
def test_what_is_packed_is_what_others_understand(thing: packing.Plain) -> None:
    assert msgspec.msgpack.decode(packing.pack(thing)) == thing
    assert packing.unpack(msgspec.msgpack.encode(thing)) == thing


@pytest.mark.parametrize("length", [31, 32, 255, 256, 65535, 65536])
def test_lengths_at_the_borders_of_their_kinds(length: int) -> None:
    text: packing.Plain = "é" * (length // 2) + "x" * (length % 2)
    many: packing.Plain = [1] * length
    named: packing.Plain = {str(n): None for n in range(length)}
    for thing in (text, many, named):
        assert packing.unpack(msgspec.msgpack.encode(thing)) == thing
        assert msgspec.msgpack.decode(packing.pack(thing)) == thing


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends too early"),
        (b"\xdb\xff\xff\xff\xffabc", "ends too early"),
        (b"\xdd\xff\xff\xff\xff\x01", "ends too early"),
        (b"\xdf\xff\xff\xff\xff\x01", "ends too early"),
        (b"\x91" * 100, "ends too early"),
        (b"\xa1\xff", "no UTF-8"),
        (b"\x81\x01\x01", "no text"),
        (b"\x01\x01", "after its end"),
        (b"\xc4\x01x", "not used here"),
        (b"\xc1", "not used here"),
    ],
)
def test_what_is_no_packed_value_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        packing.unpack(data)


@pytest.mark.parametrize(
    "data", [b"\x93\x01\x02\x03", b"\x91\x92\x01\x02", b"\x82\xa1a\x01\xa1b\x02"]
)
def test_all_lists_and_maps_together_have_room_for_so_many_parts(data: bytes) -> None:
    packing.unpack(data, 4)
    with pytest.raises(RemoteProtocolError, match="too many parts"):
        packing.unpack(data, 2)


@pytest.mark.parametrize("thing", [2**64, -(2**63) - 1, b"bytes", {1, 2}, "\udcff"])
def test_what_cannot_be_said_is_not_sent(thing: object) -> None:
    with pytest.raises(LocalProtocolError):
        packing.pack(thing)  # type: ignore[arg-type]


REQUESTS = {kind.__name__: kind for kind in control.Request.__args__}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"type": ["SetVotes"]},
        {"type": "Nonsense"},
        {"type": "SetVotes"},
        {"type": "SetVotes", "votes": True},
        {"type": "SetVotes", "votes": 2**16 + 1},
        {"type": "SetVotes", "votes": -1},
        {"type": "SetVotes", "votes": 1.0},
        {"type": "SetVotes", "votes": 1, "more": 1},
        {"type": "Hello", "client": 1},
        {"type": "Hello", "client": "x" * (64 * 1024 + 1)},
        {"type": "WaitIdle", "version": [1, 2]},
        {"type": "WaitIdle", "version": [1, 2, "3"]},
        {"type": "WaitIdle", "version": 3},
        {"type": "SetTicket", "ticket": "a", "attributes": {"x": 1}},
        {"type": "SetTicket", "ticket": "a", "attributes": {str(n): None for n in range(65)}},
        {"type": "SetTicket", "ticket": "a", "attributes": []},
        {"type": "ForgetFencing", "node": None},
    ],
)
def test_a_message_that_is_not_as_declared_is_refused(wrong: object) -> None:
    with pytest.raises(RemoteProtocolError):
        messages.typed(REQUESTS, wrong)


def test_what_has_a_default_may_be_left_out() -> None:
    assert messages.typed(REQUESTS, {"type": "SetVotes", "votes": 3}) == control.SetVotes(votes=3)
    assert messages.typed(REQUESTS, {"type": "WaitIdle"}) == control.WaitIdle(version=None)


@pytest.mark.parametrize("kind", [*control.Request.__args__, *control.Reply.__args__])
def test_every_field_of_every_message_is_checked(kind: type[control.Message]) -> None:
    """No field's annotation is one that cannot be read, and none takes just anything."""
    for name in field_names(kind):
        with pytest.raises(RemoteProtocolError):
            messages.checked(kind, {name: object()})


def test_messages_inside_of_messages() -> None:
    record = FencingRecord(ident="1", target="a", action="off", client="c", origin="b")
    reply = control.FencingReply(
        devices=[control.FenceDevice(name="f", agent="stonith:lab", nodes=["a"])], records=[record]
    )
    sent = packing.unpack(packing.pack(messages.plain(reply)))
    assert messages.typed({"FencingReply": control.FencingReply}, sent) == reply


@pytest.mark.parametrize("state", FencingState)
def test_a_word_of_an_enumeration_is_plain_text_on_the_way(state: FencingState) -> None:
    record = FencingRecord(ident="1", target="a", action="off", client="c", origin="b", state=state)
    sent = packing.unpack(packing.pack(messages.plain(record, typed=False)))
    assert isinstance(sent, dict)
    assert (type(sent["state"]), sent["state"]) == (str, state.value)
    assert messages.checked(FencingRecord, sent).state is state
    asked = stream.FencingAsked(view=(1, 4), record=record)
    assert state.value.encode() in stream.encode(asked)
    assert stream.decode(stream.encode(asked)) == asked


@pytest.mark.parametrize("state", ["", "Pending", "failing", 1, None, b"done"])
def test_what_is_no_word_of_an_enumeration_is_refused(state: object) -> None:
    with pytest.raises(messages.FieldError, match="a wrong state"):
        messages.checked(FencingRecord, {"state": state})

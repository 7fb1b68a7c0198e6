"""Messages of the stream: what goes in comes out, and nonsense is refused by name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire import remote
from crmsh_py.wire.stream import (
    MAX_MESSAGE_BYTES,
    AttributeChange,
    AttributePending,
    ConfigChange,
    DcState,
    Failure,
    Outcome,
    RunAction,
    Summary,
    TicketChange,
    decode,
    encode,
)

SUMMARY = Summary(
    view=(1, 4),
    name="a",
    term=3,
    revision_term=2,
    version=(0, 7, 1),
    digest="d" * 32,
    manager=True,
)
ACTION = RunAction(view=(1, 4), target=2, transition_key="k", key="R_stop_0", operation="stop")
OUTCOME = Outcome(view=(1, 4), name="R", key="R_start_0", transition_key="1:2:0:u", rc=7, ok=False)


@pytest.mark.parametrize(
    "message",
    [
        SUMMARY,
        DcState(view=(1, 4), idle=True, changes=7),
        OUTCOME,
        ACTION,
    ],
)
def test_what_goes_in_comes_out(message: Summary) -> None:
    assert decode(encode(message)) == message


def test_an_action_carries_what_an_environment_can_hold() -> None:
    most = RunAction(
        view=(1, 4),
        target=2,
        transition_key="k",
        key="R_start_0",
        operation="start",
        parameters={"p": "x" * 128 * 1024},
    )
    assert decode(encode(most)) == most
    with pytest.raises(RemoteProtocolError):
        decode(encode(msgspec.structs.replace(most, parameters={"p": "x" * 130 * 1024 + "x"})))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except RemoteProtocolError:
        pass


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_message_is_another_one_or_refused(place: int, value: int) -> None:
    data = bytearray(encode(SUMMARY))
    data[place % len(data)] = value
    try:
        decode(bytes(data))
    except RemoteProtocolError:
        pass


def _raw(**changes: object) -> bytes:
    fields = msgspec.to_builtins(SUMMARY)
    return msgspec.msgpack.encode({**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x" * 2000},
        {"term": -1},
        {"term": 2**60},
        {"claim": 3},
        {"recent": [[1, 2, 3]] * 257},
        {"version": [1, 2]},
        {"view": [1]},
        {"surprise": 1},
        {"type": "Nothing"},
    ],
)
def test_what_is_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    assert decode(_raw()) == SUMMARY
    with pytest.raises(RemoteProtocolError):
        decode(_raw(**changes))


@pytest.mark.parametrize(
    "message",
    [
        msgspec.structs.replace(ACTION, transition_key="k\x06"),
        msgspec.structs.replace(ACTION, resource="\x00"),
        msgspec.structs.replace(OUTCOME, name="R\x1b"),
        msgspec.structs.replace(
            OUTCOME, failure=Failure(operation="start\x1b", interval_ms=0, time=1)
        ),
        AttributeChange(view=(1, 4), node="n", name="a\x1b", value="1"),
        AttributeChange(view=(1, 4), node="n", name="a", value="\x00"),
        AttributePending(view=(1, 4), node="n", name="a", value="\x1b", delay_ms=1),
        TicketChange(view=(1, 4), ticket="t\x1b", attributes=None),
        TicketChange(view=(1, 4), ticket="t", attributes={'a b"<': "1"}),
        TicketChange(view=(1, 4), ticket="t", attributes={"granted": "\x1b"}),
    ],
)
def test_what_no_status_can_be_written_with_is_refused(message: AttributeChange) -> None:
    """Every node would fail at the next ring, when it tells the others of its state."""
    with pytest.raises(RemoteProtocolError):
        decode(encode(message))


@pytest.mark.parametrize("key", ["k", "k\x06"])
def test_what_no_status_can_be_written_with_comes_from_no_remote_node(key: str) -> None:
    outcome = msgspec.structs.replace(OUTCOME, key=key)
    action = msgspec.structs.replace(ACTION, key=key)
    if key == "k":
        assert remote.decode_from_remote(remote.encode(remote.Told(outcome=outcome)))
        assert remote.decode_to_remote(remote.encode(remote.Run(action=action)))
        return
    with pytest.raises(RemoteProtocolError):
        remote.decode_from_remote(remote.encode(remote.Told(outcome=outcome)))
    with pytest.raises(RemoteProtocolError):
        remote.decode_to_remote(remote.encode(remote.Run(action=action)))


def test_a_giant_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(RemoteProtocolError, match="too large"):
        decode(bytes(MAX_MESSAGE_BYTES + 1))


def test_a_change_carries_its_author_and_nothing_of_its_sender() -> None:
    """Who sent it is what the ring says, so that nobody can speak for another node."""
    assert "sender" not in ConfigChange.__struct_fields__
    assert "origin" not in ConfigChange.__struct_fields__

"""Messages survive the control socket however the stream is cut, and nonsense does not."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.wire import control, framing

REQUESTS: list[control.Request] = [
    control.Hello(client="crm_mon", user="hacluster"),
    control.ReadCib(),
    control.Commit(patch="<diff format='2'/>", client="cibadmin", force_no_quorum=True),
    control.SetAttribute(node="pacemaker01", name="pingd", value=None),
    control.WaitIdle(version=(0, 5, 2)),
    control.ReadRevisions(limit=3),
]


def test_a_request_comes_out_as_it_went_in() -> None:
    decoder = framing.RequestDecoder()

    received = [decoder.receive(framing.encode_request(7, request))[0] for request in REQUESTS]

    assert [(7, request) for request in REQUESTS] == received


def test_a_reply_comes_out_as_it_went_in() -> None:
    reply = control.Changed(version=(0, 1, 2), quorate=True, dc="pacemaker01", idle=False)

    assert [(3, reply)] == framing.ReplyDecoder().receive(framing.encode_reply(3, reply))


@given(cuts=st.lists(st.integers(0, 400), max_size=20))
@settings(max_examples=50, deadline=None)
def test_where_the_stream_is_cut_does_not_matter(cuts: list[int]) -> None:
    stream = b"".join(framing.encode_request(n, r) for n, r in enumerate(REQUESTS))
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    decoder = framing.RequestDecoder()

    received = []
    for start, end in itertools.pairwise(places):
        received += decoder.receive(stream[start:end])

    assert list(enumerate(REQUESTS)) == received
    assert decoder.pending == 0


@given(data=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_random_bytes_raise_nothing_but_a_protocol_error(data: bytes) -> None:
    decoder = framing.RequestDecoder()
    framed = len(data).to_bytes(4, "big") + data
    try:
        decoder.receive(framed)
    except RemoteProtocolError:
        with pytest.raises(RemoteProtocolError):
            decoder.receive(b"")


def test_an_announced_giant_is_refused_before_it_is_buffered() -> None:
    decoder = framing.RequestDecoder()

    with pytest.raises(RemoteProtocolError, match="are allowed"):
        decoder.receive((framing.MAX_FRAME + 1).to_bytes(4, "big") + b"x" * 1000)

    assert decoder.pending == 0


def test_after_a_broken_frame_nothing_is_read() -> None:
    decoder = framing.RequestDecoder()
    with pytest.raises(RemoteProtocolError):
        decoder.receive(b"\0\0\0\1\xc1")

    with pytest.raises(RemoteProtocolError):
        decoder.receive(framing.encode_request(1, control.ReadCib()))


def test_a_reply_is_no_request() -> None:
    with pytest.raises(RemoteProtocolError):
        framing.RequestDecoder().receive(framing.encode_reply(1, control.Done()))


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        framing.encode_reply(1, control.CibReply(cib="x" * (framing.MAX_FRAME + 1)))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (control.SetAttribute(node="", name="x" * 1025, value="1"), "1025 characters"),
        (control.SetAttribute(node="", name="a\x1b[31m", value="1"), "cannot stand there"),
        (control.SetAttribute(node="", name="a\nb", value="1"), "cannot stand there"),
        (control.SetAttribute(node="", name="a", value="\x1b[31m"), "cannot stand there"),
        (control.SetAttribute(node="", name="a", value="x" * 70_000), "65536 are allowed"),
        (control.SetAttribute(node="", name="a", value="", delay_ms=2**41), "is not from 0 to"),
        (control.SetTicket(ticket="t\x1b", attributes=None), "cannot stand there"),
        (control.SetTicket(ticket="t", attributes={'a b"<': "1"}), "cannot stand there"),
        (control.SetTicket(ticket="t", attributes={"xmlns": "1"}), "cannot stand there"),
        (control.SetTicket(ticket="t", attributes={"granted": "\x00"}), "cannot stand there"),
        (control.FenceNode(node="n", client="x\x1b"), "cannot stand there"),
        (control.Commit(patch="<diff/>", client="x\u202e"), "cannot stand there"),
    ],
)
def test_a_field_that_cannot_be_is_answered_and_the_next_request_is_read(
    request_: control.Request, why: str
) -> None:
    """What comes into the status is written as XML by every node, and shown in terminals."""
    stream = framing.encode_request(7, request_) + framing.encode_request(8, control.ReadCib())

    (ticket, answer), after = framing.RequestDecoder().receive(stream)

    assert ticket == 7
    assert isinstance(answer, control.Refused)
    assert why in answer.text
    assert after == (8, control.ReadCib())


def test_a_value_may_have_lines() -> None:
    request = control.SetAttribute(node="", name="notes", value="one\n\ttwo é\u00a0\U0001f980")
    stream = framing.encode_request(1, request)
    assert framing.RequestDecoder().receive(stream) == [(1, request)]


def test_a_small_frame_of_many_parts_takes_no_memory() -> None:
    body = b"\x92\x01\xdd" + (4_000_000).to_bytes(4, "big") + b"\x80" * 4_000_000
    tracemalloc.start()
    with pytest.raises(RemoteProtocolError, match="too many parts"):
        framing.RequestDecoder().receive(len(body).to_bytes(4, "big") + body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(body), "not the hundredfold of what they would be"

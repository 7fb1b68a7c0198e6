"""Messages between a member of the cluster and a remote node, whose executor it uses.

The member connects, and claims the node for the cluster's present view; from then on it has
actions run there and is told their outcomes. Clients on the remote node ask the cluster through
the same connection. The transport has proven that both have the same key; what comes is bounded
and typed here all the same.

    member -> remote    Claim, Known, Drop, Run, Forget, ForgetEntries, ForgetFailure, Fail,
                        Ping, Answer, Release
    remote -> member    Accepted, Rejected, Told, Pong, Ask, Hangup, Leaving, Replaced
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.wire import framing
from crmsh_py.wire.control import Refused, Reply, Request
from crmsh_py.wire.stream import (
    Count,
    Document,
    Milliseconds,
    Name,
    Outcome,
    RunAction,
    Text,
    ToldFailure,
)

MAX_FRAME = 72 * 1024 * 1024  # bytes; a client's answer may hold a whole CIB
MAX_FIRST_FRAME = 16 * 1024  # of who has not proven yet that he has the key

Frame = Annotated[bytes, msgspec.Meta(max_length=framing.MAX_FRAME + 4)]
Ticket = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class RemoteMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True
):
    """Base of everything that crosses such a connection."""


# ---- from the member ---------------------------------------------------------------------------


class Claim(RemoteMessage, frozen=True, kw_only=True):
    """First message: ``member`` wants the executor for the node that the cluster calls ``node``.

    ``term`` is that of the last primary view that the member took part in: who comes with an
    older one than another before is refused, as a side that the cluster has left behind.
    ``newest`` is the date of the last claim that the cluster knows: this one's will be later.
    """

    node: Name
    member: Name
    term: Count
    newest: Count = 0


class Known(RemoteMessage, frozen=True, kw_only=True):
    """The cluster knows what the remote node has told of itself: it is no newcomer any more."""


class Counted(RemoteMessage, frozen=True, kw_only=True):
    """A failure is in the fail counts of the cluster: it need not be told again."""

    failure: ToldFailure


class Drop(RemoteMessage, frozen=True, kw_only=True):
    """The cluster has another membership: what was asked for and has not begun is void."""


class Run(RemoteMessage, frozen=True, kw_only=True):
    """Carry out an action of the transition graph."""

    action: RunAction


class Forget(RemoteMessage, frozen=True, kw_only=True):
    """Drop the history of a resource and its recurring operations."""

    resource: Name


class ForgetEntries(RemoteMessage, frozen=True, kw_only=True):
    """Drop these entries of the history of a resource: those of a migration that is over."""

    resource: Name
    entries: Annotated[list[Name], msgspec.Meta(max_length=1000)]


class ForgetFailure(RemoteMessage, frozen=True, kw_only=True):
    """Drop the entry of the last failure of a resource."""

    resource: Name


class Fail(RemoteMessage, frozen=True, kw_only=True):
    """Tell that a resource has failed, as somebody asked for; ``time`` is Unix time, s."""

    resource: Name
    time: Count


class Ping(RemoteMessage, frozen=True, kw_only=True):
    """Are you there?"""

    number: Count


class Answer(RemoteMessage, frozen=True, kw_only=True):
    """What the cluster answers to a client; a watch has many. ``answered`` reads the frame."""

    ticket: Ticket
    frame: Frame


class Release(RemoteMessage, frozen=True, kw_only=True):
    """The cluster ends the connection in an orderly way: nothing of it runs there."""


ToRemote = (
    Claim
    | Known
    | Counted
    | Drop
    | Run
    | Forget
    | ForgetEntries
    | ForgetFailure
    | Fail
    | Ping
    | Answer
    | Release
)

# ---- from the remote node ----------------------------------------------------------------------


class Accepted(RemoteMessage, frozen=True, kw_only=True):
    """The member has the executor: what has been done here since its start, and what runs.

    ``state`` is a ``<node_state>`` with the history; ``fresh``: no cluster has heard of this run
    of the daemon, so whatever the node was before is gone. ``failures`` may not have been counted:
    whether they were, whoever had the executor before knew. ``claim`` is when it was accepted, in
    ms by the node's clock, and later than that of any claim before: of two members that both take
    themselves for connected, in one term, the cluster listens to the one with the later claim.
    """

    state: Document
    claim: Count = 0
    pending: Annotated[dict[Name, Milliseconds], msgspec.Meta(max_length=10_000)] = {}
    fresh: bool = False
    failures: Annotated[list[ToldFailure], msgspec.Meta(max_length=1000)] = []


class Rejected(RemoteMessage, frozen=True, kw_only=True):
    """The claim is refused."""

    reason: Text


class Told(RemoteMessage, frozen=True, kw_only=True):
    """An operation has ended; its ``view`` means nothing here."""

    outcome: Outcome


class Pong(RemoteMessage, frozen=True, kw_only=True):
    """I am here."""

    number: Count


class Ask(RemoteMessage, frozen=True, kw_only=True):
    """A client on the remote node asks the cluster; the rest as in ``RequestReceived``.

    ``frame`` is that of the control socket (``framing``); ``asked`` reads it.
    """

    ticket: Ticket
    frame: Frame
    user: Name = "root"
    client: Name = ""
    acl_user: Name = ""
    groups: Annotated[list[Name], msgspec.Meta(max_length=256)] = []


class Hangup(RemoteMessage, frozen=True, kw_only=True):
    """The client of that ticket has gone."""

    ticket: Ticket


class Leaving(RemoteMessage, frozen=True, kw_only=True):
    """The remote node is to be switched off: let its resources leave, then release it."""


class Replaced(RemoteMessage, frozen=True, kw_only=True):
    """Another member has claimed the executor: this connection ends."""

    member: Name


FromRemote = Accepted | Rejected | Told | Pong | Ask | Hangup | Leaving | Replaced

# ---- bytes -------------------------------------------------------------------------------------

_encoder = msgspec.msgpack.Encoder()
_to_remote: msgspec.msgpack.Decoder[ToRemote] = msgspec.msgpack.Decoder(ToRemote)
_from_remote: msgspec.msgpack.Decoder[FromRemote] = msgspec.msgpack.Decoder(FromRemote)


def encode(message: ToRemote | FromRemote) -> bytes:
    """The bytes of a message. Raises LocalProtocolError if it would be too large."""
    data = _encoder.encode(message)
    if len(data) > MAX_FRAME:
        raise LocalProtocolError(f"a {type(message).__name__} of {len(data)} bytes is too large")
    return data


def decode_to_remote(data: bytes) -> ToRemote:
    """What a member says. Raises RemoteProtocolError for anything else."""
    return _decode(_to_remote, data)


def decode_from_remote(data: bytes) -> FromRemote:
    """What a remote node says. Raises RemoteProtocolError for anything else."""
    return _decode(_from_remote, data)


def answer(ticket: int, reply: Reply) -> Answer:
    """Raises LocalProtocolError when the reply is too large to send."""
    return Answer(ticket=ticket, frame=framing.encode_reply(ticket, reply))


def asked(message: Ask) -> Request:
    """The request of a client. Raises RemoteProtocolError when it is none."""
    request = _only(framing.RequestDecoder().receive(message.frame))
    if isinstance(request, Refused):  # the remote node has answered that one itself
        raise RemoteProtocolError(request.text)
    return request


def answered(message: Answer) -> Reply:
    """The answer for a client. Raises RemoteProtocolError when it is none."""
    return _only(framing.ReplyDecoder().receive(message.frame))


_MessageT = TypeVar("_MessageT")


def _only(found: list[tuple[int, _MessageT]]) -> _MessageT:
    if len(found) != 1:
        raise RemoteProtocolError(f"{len(found)} frames where one is due")
    return found[0][1]


def _decode(decoder: msgspec.msgpack.Decoder[_MessageT], data: bytes) -> _MessageT:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"this is no message of a remote node: {error}") from error

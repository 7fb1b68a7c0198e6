"""Messages of the ordered stream: everything that the nodes of one ring tell each other.

Totem delivers them to all members in the same order; whoever applies them in that order from the
same start has the same state. The sender's node id comes from totem and is never written inside.

Rules:

1. Every message names the ``view`` (ring) that it was made for. One that arrives in another view
   is dropped by whoever would act on it: what it asked for was decided from an older world, and
   its sender repeats it where that still makes sense.
2. A message is hostile until ``decode`` has returned it: every text, list and number is bounded.
   XML inside is bounded here and parsed (and refused) where it is used.
3. Nothing here knows how a message is acted upon.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.wire import messages
from crmsh_py.wire.fencing import FencingRecord

MAX_MESSAGE_BYTES = 72 * 1024 * 1024  # one whole CIB of the largest size, and its frame
_MAX_DOCUMENT = 64 * 1024 * 1024
MAX_PATCH = 32 * 1024 * 1024

# What may come into the status of a node must be something that XML can hold.
_XML = r"\A[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*\Z"
Name = Annotated[str, msgspec.Meta(max_length=1024, pattern=_XML)]
Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]
Document = Annotated[str, msgspec.Meta(max_length=_MAX_DOCUMENT)]
PatchText = Annotated[str, msgspec.Meta(max_length=MAX_PATCH)]
Digest = Annotated[str, msgspec.Meta(max_length=64)]
XmlName = Annotated[str, msgspec.Meta(max_length=1024, pattern=r"\A[A-Za-z_][A-Za-z0-9_.-]*\Z")]
StateText = Annotated[str, msgspec.Meta(max_length=64 * 1024, pattern=_XML)]
MAX_COUNT = 2**53
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
NodeId = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
ViewId = tuple[NodeId, Count]  # the ring's representative and its sequence number
VersionTuple = tuple[Count, Count, Count]
CommitId = tuple[NodeId, Count, Count]  # origin, which run of it (by chance), number
# What an agent is given, one thing: an environment variable has 128 KiB on Linux (MAX_ARG_STRLEN).
Given = Annotated[str, msgspec.Meta(max_length=128 * 1024)]
Pairs = Annotated[dict[Name, Given], msgspec.Meta(max_length=10_000)]
Names = Annotated[list[Name], msgspec.Meta(max_length=10_000)]


class StreamMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True
):
    """Base of everything in the stream."""

    view: ViewId


# ---- making a view -----------------------------------------------------------------------------


class Summary(StreamMessage, frozen=True, kw_only=True):
    """First message of every member in a new ring: what it holds, so that the best can win.

    ``claim`` is how far its sender was DC in the view before: 2 of a primary one, 1 of one
    without quorum, 0 not at all. ``informed`` and ``since`` are the terms of the newest and of
    the first primary view whose status it has known since it started, 0 for none. ``recent``
    are the newest commits that its CIB contains.
    ``standing`` is what its disk proves: 0 nothing, 1 that all it ever stored is there.
    ``watchdog_ms`` is the least time that a watchdog must leave it; 0: it has none.
    ``rules`` are those of quorum in its corosync.conf, in words.
    """

    name: Name
    term: Count
    revision_term: Count
    version: VersionTuple
    digest: Digest
    manager: bool
    votes: Count = 1
    expected_votes: Count = 0
    ready: bool = False  # it is quorate and waits for nobody: see ``quorum.Voter``
    tie_breaker: NodeId = 0  # where it knows all nodes
    claim: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    informed: Count = 0
    since: Count = 0
    forced: bool = False  # its newest revision was committed without quorum
    standing: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    watchdog_ms: Milliseconds = 0
    rules: Name = ""
    recent: Annotated[list[CommitId], msgspec.Meta(max_length=256)] = []


class TermStored(StreamMessage, frozen=True, kw_only=True):
    """The sender has the term of this view on its disk and will follow no older one."""

    term: Count


class WholeCib(StreamMessage, frozen=True, kw_only=True):
    """The configuration that won, for the members that hold another one.

    ``answers`` is the node that had asked for it (0: it was sent without being asked).
    """

    cib: Document
    revision_term: Count
    digest: Digest
    answers: NodeId = 0
    recent: Annotated[list[CommitId], msgspec.Meta(max_length=256)] = []  # as in Summary


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One revision: the patch that leads on from the configuration with digest ``base``.

    Whose it was is told so that a conflict can say whom to talk to.
    """

    base: Digest
    patch: PatchText
    time: Count = 0
    forced: bool = False
    author: Name = ""
    client: Name = ""
    origin: Name = ""


class Missing(StreamMessage, frozen=True, kw_only=True):
    """The configuration that won, as the steps to it; each takes those from its own digest on."""

    steps: Annotated[list[Step], msgspec.Meta(max_length=1000)]
    revision_term: Count
    digest: Digest


class AskCib(StreamMessage, frozen=True, kw_only=True):
    """The sender's configuration is not what the others have: give it the whole of theirs."""


FencingRecords = Annotated[list[FencingRecord], msgspec.Meta(max_length=1000)]


class RemoteTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remote node that the sender is connected with: its ``<node_state>``.

    ``term`` is that of the claim by which it was connected, ``claim`` its date by the remote node;
    the newest counts.
    """

    name: Name
    state: Document
    term: Count = 0
    claim: Count = 0


class OwnState(StreamMessage, frozen=True, kw_only=True):
    """What the sender itself knows of its resources: its ``<node_state>`` with history.

    ``pending`` are the keys of operations that it has begun and not finished, with the
    milliseconds that each may still take (``NODE/KEY``: on a remote node). ``fencing`` is what it
    knows of fencing, ``tickets`` the ``<tickets>`` of the cluster as it knows them, '' for none.
    ``fresh``: it has been in no primary view since it started, so whatever it was before is gone.
    ``left``: its cluster manager was stopped in order, and nothing runs there. ``remotes`` are the
    remote nodes that it is connected with, ``failures`` what was lost with the ring before and has
    not been counted.
    """

    state: Document
    pending: Annotated[dict[Name, Milliseconds], msgspec.Meta(max_length=10_000)] = {}
    fencing: FencingRecords = []
    tickets: Document = ""
    fresh: bool = False
    left: bool = False
    remotes: Annotated[list[RemoteTold], msgspec.Meta(max_length=1000)] = []
    failures: Annotated[list[ToldFailure], msgspec.Meta(max_length=1000)] = []


class AbsentStates(StreamMessage, frozen=True, kw_only=True):
    """From the DC: the ``<status>`` of the nodes that are not members, as it remembers them."""

    status: Document


# ---- the configuration -------------------------------------------------------------------------


class ConfigChange(StreamMessage, frozen=True, kw_only=True):
    """Change the configuration: a patch (XML, format 2) that was made against ``source``.

    ``user``: whom access control lists may limit ('' for nobody), and ``groups`` are his.
    """

    ident: CommitId
    patch: PatchText
    source: VersionTuple
    author: Name
    client: Name
    time: Count  # Unix time, s
    written: Name  # the same as the text of cib-last-written, in the origin's local time
    forced: bool = False
    user: Name = ""
    groups: Annotated[list[Name], msgspec.Meta(max_length=2**17)] = []


class Stored(StreamMessage, frozen=True, kw_only=True):
    """The sender has everything up to this revision on its disk."""

    version: VersionTuple
    digest: Digest


# ---- the status --------------------------------------------------------------------------------


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that did not end as expected, for the fail counts."""

    operation: Name
    interval_ms: Milliseconds
    time: Count
    ignored: bool = False  # by its on-fail: it is no reason to count


class ToldFailure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A failure of a resource; ``node`` is the remote node where it was, '' the sender."""

    name: Name
    failure: Failure
    node: Name = ""


class Outcome(StreamMessage, frozen=True, kw_only=True):
    """An operation of the sender has ended: its history entries, and who waited for it.

    ``resource`` is an ``<lrm_resource>`` whose entries replace those of the same id; ``forget``
    are ids of entries to drop, ``forget_all`` drops the resource's history instead. ``node`` is
    the remote node where it ran, '' the sender. ``retold``: a failure that the remote node has told
    another member before, which may have passed it on.
    """

    name: Name  # the resource
    key: Name  # the operation's key: ClusterIP_monitor_30000
    transition_key: Name
    resource: Document = ""
    forget: Names = []
    forget_all: bool = False
    rc: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0
    ok: bool = True
    failure: Failure | None = None
    node: Name = ""
    retold: bool = False


class RemoteState(StreamMessage, frozen=True, kw_only=True):
    """The sender is connected with a remote node, which tells its state; or it is no more.

    ``pending`` as in ``OwnState``. ``fresh``: the node's daemon has just started, and nothing that
    it was before counts. ``fenced``: from the DC, of a guest: it went down with its machine.
    ``term`` and ``claim`` as in ``RemoteTold``.
    """

    name: Name
    up: bool
    term: Count = 0
    claim: Count = 0
    state: Document = ""
    pending: Annotated[dict[Name, Milliseconds], msgspec.Meta(max_length=10_000)] = {}
    fresh: bool = False
    fenced: bool = False


class AttributeChange(StreamMessage, frozen=True, kw_only=True):
    """Set a transient attribute of a node; ``value`` None deletes it."""

    node: Name
    name: Name
    value: StateText | None
    ident: CommitId | None = None


class TicketChange(StreamMessage, frozen=True, kw_only=True):
    """Set attributes of a ticket (None deletes one), or forget it (``attributes`` None)."""

    ticket: Name
    attributes: Annotated[dict[XmlName, StateText | None], msgspec.Meta(max_length=64)] | None
    ident: CommitId | None = None


class QuorumChange(StreamMessage, frozen=True, kw_only=True):
    """An administrator sets the expected votes (0: unchanged), or the votes of a node (0: none)."""

    expected_votes: Annotated[int, msgspec.Meta(ge=0, le=2**16)] = 0
    node_id: NodeId = 0
    votes: Annotated[int, msgspec.Meta(ge=0, le=2**16)] = 0
    ident: CommitId | None = None


class ConfReload(StreamMessage, frozen=True, kw_only=True):
    """An administrator asks all nodes to read their corosync.conf again.

    ``expected_votes`` are those of the sender's, 0 for unchanged: they hold for all at once.
    """

    expected_votes: Annotated[int, msgspec.Meta(ge=0, le=2**16)] = 0
    ident: CommitId | None = None


class MemberEnd(StreamMessage, frozen=True, kw_only=True):
    """An administrator lets a member's daemon end at once, as if it had died."""

    node_id: NodeId
    ident: CommitId | None = None


class AttributePending(StreamMessage, frozen=True, kw_only=True):
    """A transient attribute will have this value when it has been quiet for ``delay_ms``.

    With ``private`` it never comes into the status; it can only be asked for.
    """

    node: Name
    name: Name
    value: StateText | None
    delay_ms: Milliseconds
    private: bool = False
    ident: CommitId | None = None


class CleanHistory(StreamMessage, frozen=True, kw_only=True):
    """Forget failures, or with ``all_history`` everything, of a resource ('' all) on a node."""

    resource: Name = ""
    node: Name = ""
    all_history: bool = False
    ident: CommitId | None = None


class FailResource(StreamMessage, frozen=True, kw_only=True):
    """Take a resource for failed on a node: somebody wants to see what the cluster does then."""

    resource: Name
    node: Name
    time: Count  # Unix time, s
    ident: CommitId | None = None


class ClearFailures(StreamMessage, frozen=True, kw_only=True):
    """From the DC: a fail count has expired or was made void by a new definition."""

    resource: Name
    node: Name
    transition_key: Name
    operation: Name = ""
    interval_ms: Milliseconds = 0


class ManagerChanged(StreamMessage, frozen=True, kw_only=True):
    """The sender's cluster manager has started, or has stopped in an orderly way."""

    running: bool


class Leaving(StreamMessage, frozen=True, kw_only=True):
    """The sender leaves the ring on purpose right after this."""


# ---- the DC ------------------------------------------------------------------------------------


class AgentName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agent of a resource."""

    standard: Name
    provider: Name
    type: Name


class RunAction(StreamMessage, frozen=True, kw_only=True):
    """From the DC to one node: carry out this action of the transition graph.

    ``on``: on this remote node, with which ``target`` is connected. ``time``: Unix time, s.
    ``order``: higher than that of all that was asked for before, of whatever node.
    """

    target: NodeId
    transition_key: Name
    key: Name
    operation: Name
    resource: Name = ""
    agent: AgentName | None = None
    interval_ms: Milliseconds = 0
    timeout_ms: Milliseconds = 20_000
    target_rc: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0
    parameters: Pairs = {}
    meta: Pairs = {}
    on: Name = ""
    time: Count = 0
    order: Count = 0


class DcState(StreamMessage, frozen=True, kw_only=True):
    """From the DC: whether it has something to do, as of the ``changes``-th change of the view."""

    idle: bool
    changes: Count


# ---- fencing -----------------------------------------------------------------------------------


class FencingAsked(StreamMessage, frozen=True, kw_only=True):
    """A node shall be fenced; or, from who sees to it, that the watchdog is what does it."""

    record: FencingRecord


class FencingRun(StreamMessage, frozen=True, kw_only=True):
    """From who sees to a request, to one node: use this device now."""

    ident: Name
    executor: NodeId
    device: Name
    action: Name
    target: Name
    timeout_ms: Milliseconds
    delay_ms: Annotated[int, msgspec.Meta(ge=-1, le=2**40)] = 0


class FencingRan(StreamMessage, frozen=True, kw_only=True):
    """The sender has used a device. ``able``: the device is one that can fence this node."""

    ident: Name
    device: Name
    action: Name
    ok: bool
    able: bool = True
    reason: Text = ""


class FencingEnded(StreamMessage, frozen=True, kw_only=True):
    """A request is over, done or failed: from here on the node counts as off, if it is done."""

    record: FencingRecord


class FencingForgotten(StreamMessage, frozen=True, kw_only=True):
    """Forget what is over about a node ('' all)."""

    target: Name = ""
    ident: CommitId | None = None


Message = (
    Summary
    | TermStored
    | WholeCib
    | Missing
    | AskCib
    | OwnState
    | AbsentStates
    | ConfigChange
    | Stored
    | Outcome
    | RemoteState
    | AttributeChange
    | AttributePending
    | TicketChange
    | QuorumChange
    | ConfReload
    | MemberEnd
    | CleanHistory
    | FailResource
    | ClearFailures
    | ManagerChanged
    | Leaving
    | RunAction
    | DcState
    | FencingAsked
    | FencingRun
    | FencingRan
    | FencingEnded
    | FencingForgotten
)


def _plain(thing: object) -> object:
    """For msgspec: what it does not know by itself; by its convention the error says that it is
    something else, which is a mistake of ours.
    """
    if isinstance(thing, FencingRecord):
        return messages.plain(thing, typed=False)
    raise NotImplementedError(type(thing).__name__)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(
    Message, dec_hook=messages.checked
)


def encode(message: Message) -> bytes:
    """The bytes of a message. Raises LocalProtocolError if it would be too large."""
    data = _encoder.encode(message)
    if len(data) > MAX_MESSAGE_BYTES:
        raise LocalProtocolError(
            f"this {type(message).__name__} has {len(data)} bytes, more than the nodes exchange"
        )
    return data


def decode(data: bytes) -> Message:
    """The message of these bytes. Raises RemoteProtocolError for anything else."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(f"a message of {len(data)} bytes is too large")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"this is no message of the stream: {error}") from error

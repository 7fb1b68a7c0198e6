"""The surface of the engine: events go in, instructions come out.

``NodeCore.handle(event, now)`` is the only way in. Events are past tense, instructions are
imperative; both are frozen values. ``now`` is a monotonic time in seconds; wall-clock times are
Unix seconds, ``now`` and the offset that the core was made with, or told by ``ClockSet``.

Order matters: the instructions of one call are carried out in the order of the list, and a
``Persist`` is done (on the disk, synced) before anything that follows it in that list. Whatever
must wait for a disk without holding the node up is sent by the core itself when the matching
``Persisted`` comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.wire.control import ReadRevision, ReadRevisions, Reply, Request
from crmsh_py.wire.remote import FromRemote, ToRemote

# ---- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The daemon is up: its sockets are open, its store is read."""

    manager: bool  # False: membership only, until the cluster manager is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramReceived:
    """A datagram came in and passed its authentication."""

    data: bytes
    source: str  # the sender's address
    ring: int = 0  # the network over which it came


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """``next_deadline()`` has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """The wall clock was set, or the machine has slept: from now on it is ``now + wall_offset``."""

    wall_offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A client of the control socket, as Corosync counts its own."""

    name: str  # the program; Corosync cuts it at 15 characters
    pid: int
    handle: int  # unique among the living connections
    service_id: int = 2
    requests: int = 0
    responses: int = 0
    dispatched: int = 0
    queue_size: int = 0
    flow_control: bool = False
    flow_control_count: int = 0
    invalid_request: int = 0
    overload: int = 0
    recv_retries: int = 0
    send_retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFacts:
    """What went to and came from one address; a multicast went to every one that is known."""

    address: str
    rx_packets: int = 0
    rx_bytes: int = 0
    tx_packets: int = 0
    tx_bytes: int = 0
    tx_errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """One of the networks that carry the ring, as the transport has counted since the start.

    Datagrams: ``sent`` and ``received``, ``lost`` before they were sent (the last so many in a
    row), ``invalid`` (of another key, damaged), ``replayed``, and ``unproven`` (of a sender whose
    run had yet to show itself). ``overhead``: bytes that encryption adds to each, 0 without it.
    """

    number: int = 0
    address: str = ""
    sent: int = 0
    received: int = 0
    lost: int = 0
    lost_in_a_row: int = 0
    invalid: int = 0
    replayed: int = 0
    unproven: int = 0
    overhead: int = 0
    peers: tuple[PeerFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReceived:
    """A client of the control socket asks for something; answer with ``ReplyTo(ticket)``.

    ``acl_user`` is on whose behalf it is made, where access control lists may limit him ('' for
    root, hacluster and the owner of the node), and ``groups`` are his.
    ``connections``, how many were ``closed`` before, and ``links`` come with a ``ReadCmap``, which
    shows them.
    """

    ticket: int
    request: Request
    user: str = "root"  # name of the peer's user, for the revision's author
    client: str = ""  # the program's name
    acl_user: str = ""
    groups: tuple[str, ...] = ()
    connections: tuple[Connection, ...] = ()
    closed: int = 0
    links: tuple[LinkFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientGone:
    """The client of a ticket hung up; its reply would go nowhere."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """What an agent says of itself, as far as the history of its operations needs it.

    ``restart`` are the parameters whose change needs a restart, None for an agent that cannot
    reload; ``reload`` is the operation by which it reloads: ``reload-agent`` (OCF 1.1), ``reload``
    (1.0) or ''. ``private`` are parameters whose values are for nobody else.
    """

    restart: tuple[str, ...] | None = None
    reload: str = ""
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFinished:
    """An agent's process has ended, or could not be run, or was killed at its timeout.

    ``status`` is the op-status of the history: 0 done, 2 timed out, 4 error, 5 hard error,
    6 fatal error, 7 not installed … ; ``rc`` the OCF exit code.
    """

    call_id: int
    rc: int
    status: int
    exit_reason: str = ""
    output: str = ""
    started_at: float = 0.0  # Unix time, s
    exec_ms: int = 0
    standin: bool = False
    facts: AgentFacts | None = None  # None where nobody knows them (yet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persisted:
    """The writes of ``Persist(token)`` are on the disk and synced."""

    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed:
    """The disk is full or broken: the node must stop cleanly."""

    token: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfRead:
    """The node's corosync.conf, as ``ReadConf`` asked for it; ``error`` where it cannot be read."""

    ticket: int
    path: str
    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOpened:
    """A connection between a member and a remote node is there; both have proven their key."""

    connection: int  # the number that ``OpenRemote`` gave it; on the remote node, the server's


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReceived:
    """A message came over such a connection."""

    connection: int
    message: FromRemote | ToRemote


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteClosed:
    """Such a connection has ended, or could not be made; told once, and never after our close."""

    connection: int
    reason: str = ""


Event = (
    Started
    | DatagramReceived
    | TimerFired
    | ClockSet
    | RequestReceived
    | ClientGone
    | OperationFinished
    | Persisted
    | StoreFailed
    | ConfRead
    | RemoteOpened
    | RemoteReceived
    | RemoteClosed
)

# ---- instructions ----------------------------------------------------------------------------

EVERYBODY = "*"  # the destination that means the ring's multicast group


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDatagram:
    """Send to one address, or to the multicast group (``EVERYBODY``). May be lost.

    ``ring``: over which of the redundant networks; the address is one of that network.
    """

    destination: str
    data: bytes
    ring: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRing:
    """Remember the highest ring sequence number; before any message of that ring is sent."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveTerm:
    """Remember the term of the last primary view that this node took part in."""

    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRevision:
    """Append a revision of the configuration, the history of ``configure revisions``.

    ``patch`` (XML) leads from the revision before; ``cib`` (XML, without status) is given instead
    when the whole document was taken from another node. Exactly one of the two is set.
    """

    version: tuple[int, int, int]
    term: int
    digest: str
    author: str
    client: str
    origin: str
    time: int  # Unix time, s
    patch: str = ""
    cib: str = ""
    forced: bool = False  # committed without quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRatified:
    """The newest revision is the one that the primary view of ``term`` started from.

    The store sets the ``revision_term`` of ``StoredState`` to it; the revision itself, its author
    and its time stay. Cheap on purpose: it is written at every change of the membership.
    """

    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Keep a configuration that lost against another side's, with what it was and why."""

    cib: str
    reason: str


StoreWrite = SaveRing | SaveTerm | SaveRatified | SaveRevision | SetAside


@dataclass(frozen=True, slots=True, kw_only=True)
class Persist:
    """Write all of these in one durable transaction, then report ``Persisted(token)``."""

    token: int
    writes: tuple[StoreWrite, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOperation:
    """Run an agent once. Its end is reported as ``OperationFinished(call_id)``.

    ``environment`` has the OCF variables besides ``OCF_RESKEY_<parameter>``, which the runner
    makes from ``parameters``, and the fixed ones (OCF_ROOT, OCF_RA_VERSION_MAJOR, …).
    """

    call_id: int
    resource: str
    standard: str
    provider: str
    type: str
    action: str
    timeout_ms: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOperation:
    """Kill a running operation; it still reports ``OperationFinished``."""

    call_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAlert:
    """Run the program of an alert with these variables; nobody waits for its end."""

    alert: str  # its id
    path: str
    timeout_ms: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWatchdog:
    """Let the node live ``until`` then (on the clock of ``now``), and be reset if nothing comes.

    None: nobody has to watch it. To be carried out at once, whatever waits for a disk.
    """

    until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTo:
    """Answer a client; nothing may be sent for this ticket afterwards unless it is a watch."""

    ticket: int
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A line for the node's log. ``subsystem`` is TOTEM, QUORUM, MAIN, CIB, CRMD, LRMD, …"""

    level: str  # notice, info, warning, error, debug
    subsystem: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopNode:
    """End the daemon: asked for, or because it cannot go on safely."""

    reason: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConf:
    """Read corosync.conf again and report ``ConfRead`` with the same ticket."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHistory:
    """Answer a request for stored commits from the store: the core itself keeps none."""

    ticket: int
    request: ReadRevisions | ReadRevision


@dataclass(frozen=True, slots=True, kw_only=True)
class UseConf:
    """This corosync.conf holds from now on; what it says of logging is for the loop to do."""

    conf: CorosyncConf


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRemote:
    """Connect to the executor of a remote node; ``RemoteOpened`` or ``RemoteClosed`` follows.

    ``server`` is an address or a host name.
    """

    connection: int
    server: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRemote:
    """Send over a connection between a member and a remote node."""

    connection: int
    message: FromRemote | ToRemote


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRemote:
    """End such a connection, after what was sent."""

    connection: int


Instruction = (
    SendDatagram
    | Persist
    | RunOperation
    | CancelOperation
    | RunAlert
    | FeedWatchdog
    | ReplyTo
    | Log
    | StopNode
    | ReadConf
    | ReadHistory
    | UseConf
    | OpenRemote
    | SendRemote
    | CloseRemote
)


# ---- what a node starts from -----------------------------------------------------------------


class Standing(IntEnum):
    """What a disk proves about its node; see ``views.weigh``."""

    EMPTY = 0  # nothing: whatever it had is lost, or nobody has said that it never had anything
    VOTER = 1  # all that it ever stored is there: made for a new node, or ``SaveRatified``


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """What the store had when the daemon started; all zero on a wiped disk."""

    ring_sequence: int = 0
    term: int = 0
    revision_term: int = 0  # the term in which the newest revision was made or ratified
    cib: str = ""  # XML of the newest configuration, '' where there is none yet
    standing: Standing = Standing.EMPTY
    forced: bool = False  # the newest revision was committed without quorum

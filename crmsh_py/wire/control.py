"""Messages of a node's control socket.

A client (shell, tool, lab, an agent's helper command) sends requests, the node answers each with
one reply of the same ``ticket``; a ``Watch`` is answered by a ``Changed`` per change until the
client hangs up. Framing is in ``framing``. All sizes are bounded there.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from crmsh_py.wire.fencing import Delay, FencingRecord, Milliseconds

Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]
Document = Annotated[str, msgspec.Meta(max_length=64 * 1024 * 1024)]

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of everything that crosses the control socket."""


# ---- requests --------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First message of a connection: who calls."""

    client: Text
    user: Text = ""
    acts_for: Text = ""  # by whose access rights; only root's and the owner's word counts


class ReadCib(Message, frozen=True):
    """Ask for the whole CIB with its status section. Any node answers from its own copy."""


class Commit(Message, frozen=True):
    """Change the configuration: a patch (XML, format 2) against the version that was read.

    Answered by ``Committed`` when a majority has it on disk, or by ``Refused``.
    """

    patch: Document
    client: Text = "cibadmin"
    force_no_quorum: bool = False


class SetAttribute(Message, frozen=True):
    """Set (or delete: value None) a transient node attribute in the status section.

    ``delay_ms`` is how long it must be quiet first; the first delay of an attribute stays its own
    unless ``set_delay``. ``private``: it never comes into the status.
    """

    node: Text
    name: Text
    value: Text | None
    delay_ms: Milliseconds = 0
    set_delay: bool = False
    private: bool = False


class ReadAttribute(Message, frozen=True):
    """Ask for a transient attribute on all nodes, also where it waits, or is private."""

    name: Text


class SetTicket(Message, frozen=True):
    """Set attributes of a ticket in the status section (value None: delete it), or forget the
    ticket altogether (``attributes`` None). Names: granted, standby, last-granted, ….
    """

    ticket: Text
    attributes: Annotated[dict[Text, Text | None], msgspec.Meta(max_length=64)] | None


class CleanResource(Message, frozen=True):
    """Forget failures (``all_history`` False) or the whole history of a resource, then probe.

    Empty names mean every resource, every node.
    """

    resource: Text = ""
    node: Text = ""
    all_history: bool = False


class ReadMembership(Message, frozen=True):
    """Ask for membership, quorum and ring state: cfgtool and quorumtool."""


class ReenableRings(Message, frozen=True):
    """Use all networks again that were marked faulty, on every node: ``corosync-cfgtool -r``."""


class ReloadConf(Message, frozen=True):
    """Read corosync.conf again, on every node: ``corosync-cfgtool -R``."""


class SetExpectedVotes(Message, frozen=True):
    """Set the votes that the cluster expects, on every node: ``corosync-quorumtool -e``."""

    votes: Annotated[int, msgspec.Meta(ge=1, le=2**16)]


class SetVotes(Message, frozen=True):
    """Set the votes of a node, 0 for the one that is asked: ``corosync-quorumtool -v -n``."""

    votes: Annotated[int, msgspec.Meta(ge=0, le=2**16)]
    node_id: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0


class EndMember(Message, frozen=True):
    """Let a member's daemon end at once, stopping nothing: ``corosync-cfgtool -k``."""

    node_id: Annotated[int, msgspec.Meta(ge=1, le=2**32 - 1)]


RingOrder = ReenableRings | ReloadConf | SetExpectedVotes | SetVotes | EndMember


class ReadCmap(Message, frozen=True):
    """Ask for cmap keys that start with ``prefix``; ``map`` is icmap or stats."""

    prefix: Text = ""
    map: Text = "icmap"


class ReadSubsystems(Message, frozen=True):
    """Ask for the daemon's subsystems and whether they live: ``crm cluster status``."""


class StartManager(Message, frozen=True):
    """Start the cluster manager on a node that runs membership only."""


class StopManager(Message, frozen=True):
    """Move the resources away and stop the cluster manager, keeping membership."""


class StopDaemon(Message, frozen=True):
    """Stop the whole node in an orderly way: resources leave first."""


class WaitIdle(Message, frozen=True):
    """Answer ``Done`` when the DC has nothing more to do for CIB ``version`` or a later one."""

    version: tuple[int, int, int] | None = None


class Watch(Message, frozen=True):
    """Answer ``Changed`` now and at every later change of CIB or membership."""


class ReadRevisions(Message, frozen=True):
    """Ask for the stored history of commits."""

    limit: int = 100


class ReadRevision(Message, frozen=True):
    """Ask for the configuration as a stored commit left it, whole. Answered by ``CibReply``.

    The third number of a version counts changes of the state, which are not stored.
    """

    admin_epoch: Count
    epoch: Count


class FenceNode(Message, frozen=True):
    """Fence a node: ``action`` is reboot, off or on. Answered ``Done`` when that has happened.

    ``timeout_ms`` 0: as the cluster is configured. Where an equal request has succeeded within
    ``tolerance_ms``, nothing is done.
    """

    node: Text
    action: Text = "reboot"
    timeout_ms: Milliseconds = 0
    delay_ms: Delay = 0
    tolerance_ms: Milliseconds = 0
    client: Text = "stonith_admin"


class ConfirmFenced(Message, frozen=True):
    """A person has made sure that a node is off: the cluster goes on as if it had been fenced."""

    node: Text
    client: Text = "stonith_admin"


class ReadFencing(Message, frozen=True):
    """Ask for what has been fenced and, if wanted, for the fence devices: ``FencingReply``."""

    devices: bool = False


class AskDevice(Message, frozen=True):
    """Let a fence device's agent answer on this node: ``DeviceReply``.

    Whether it works (its ``monitor``) or, with ``hosts``, which nodes it can fence; with a
    ``target`` whether it can fence that one.
    """

    device: Text
    hosts: bool = False
    target: Text = ""


class ForgetFencing(Message, frozen=True):
    """Forget what has been fenced: about a node, or '' everything."""

    node: Text = ""


class InjectFaults(Message, frozen=True):
    """Have this node's daemon suffer, as a lab wants it; what is None stays as it is.

    ``loss`` and ``duplicate`` are percents of what it sends, which is sent after up to
    ``delay_ms``. Every write waits for ``disk_delay_ms``, or fails on a full disk.
    """

    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] | None = None
    loss: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    duplicate: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    disk_delay_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] | None = None
    disk_full: bool | None = None


Request = (
    Hello
    | ReadCib
    | Commit
    | SetAttribute
    | ReadAttribute
    | SetTicket
    | CleanResource
    | ReadMembership
    | ReenableRings
    | ReloadConf
    | SetExpectedVotes
    | SetVotes
    | EndMember
    | ReadCmap
    | ReadSubsystems
    | StartManager
    | StopManager
    | StopDaemon
    | WaitIdle
    | Watch
    | ReadRevisions
    | ReadRevision
    | FenceNode
    | ConfirmFenced
    | ReadFencing
    | AskDevice
    | ForgetFencing
    | InjectFaults
)

# ---- replies ---------------------------------------------------------------------------------


class Done(Message, frozen=True):
    """It is done; nothing more to say."""


class Refused(Message, frozen=True):
    """It was not done, and nothing was changed. ``kind`` is the name of a CrmError class."""

    kind: Text
    text: Text
    hint: Text = ""


class CibReply(Message, frozen=True):
    """The whole CIB as XML."""

    cib: Document


class Committed(Message, frozen=True):
    """The version that the change made; it is on the disks of a majority."""

    version: tuple[int, int, int]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the ring."""

    node_id: int
    name: Text
    address: Text
    votes: int = 1
    joined: bool = True
    more_addresses: list[Text] = []  # on the rings after the first


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One of the redundant networks that carry the ring, as a node uses it."""

    number: int
    address: Text  # the node's own
    faulty: bool = False


class MembershipReply(Message, frozen=True):
    """Ring and quorum as this node sees them."""

    node: Text
    node_id: int
    ring_representative: int
    ring_sequence: int
    state: Text  # operational, gather, commit, recovery
    members: list[Member]
    quorate: bool
    expected_votes: int
    highest_expected: int
    total_votes: int
    quorum: int
    flags: list[Text] = []
    links: list[Link] = []
    manager_running: bool = False
    dc: Text = ""


class CmapKey(msgspec.Struct, frozen=True, array_like=True):
    """One typed key; ``type`` is str, u8, u16, u32, u64, i32, …, flt, dbl."""

    name: Text
    type: Text
    value: Text


class CmapReply(Message, frozen=True):
    """Keys in the order of their names."""

    keys: list[CmapKey]


class Subsystem(msgspec.Struct, frozen=True, kw_only=True):
    """A subsystem of the daemon under its old and its new Pacemaker name."""

    name: Text  # cib
    modern_name: Text  # pacemaker-based
    alive: bool
    detail: Text = ""


class SubsystemsReply(Message, frozen=True):
    """The daemon's process id (in the node's own numbering) and its subsystems."""

    pid: int
    subsystems: list[Subsystem]


class Changed(Message, frozen=True):
    """The CIB or the membership has changed (one of a watch's stream)."""

    version: tuple[int, int, int]
    quorate: bool
    dc: Text
    idle: bool
    membership: int = 0  # counts the changes of ring and quorum


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One stored commit."""

    version: tuple[int, int, int]
    author: Text
    client: Text
    origin: Text
    time: int
    patch: Document
    forced: bool = False


class RevisionsReply(Message, frozen=True):
    """Newest first."""

    revisions: list[Revision]


class FenceDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A fence device. ``targets`` are the nodes that it surely can fence; with ``asks`` its agent
    tells whether it can fence the others.
    """

    name: Text
    agent: Text
    nodes: list[Text]  # that may use it
    targets: list[Text] = []
    asks: bool = False


class FencingReply(Message, frozen=True):
    """Devices in the order of the configuration, records from the oldest on.

    ``watchdog_ms``: how long a lost node may live until its watchdog resets it; 0: none does.
    """

    devices: list[FenceDevice]
    records: list[FencingRecord]
    watchdog_ms: Milliseconds = 0


class DeviceReply(Message, frozen=True):
    """What a device's agent says. ``hosts``: as it calls them, where it was asked for them."""

    works: bool
    hosts: list[Text] = []
    reason: Text = ""  # why it does not work, in the agent's own words


class AttributeReply(Message, frozen=True):
    """The values of a transient attribute by node."""

    values: dict[str, str]


Reply = (
    Done
    | Refused
    | CibReply
    | Committed
    | MembershipReply
    | CmapReply
    | SubsystemsReply
    | Changed
    | RevisionsReply
    | FencingReply
    | DeviceReply
    | AttributeReply
)

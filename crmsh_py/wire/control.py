"""Messages of a node's control socket.

A client (shell, tool, lab, an agent's helper command) sends requests, the node answers each with
one reply of the same ``ticket``; a ``Watch`` is answered by a ``Changed`` per change until the
client hangs up. Framing is in ``framing``. What the fields may be is checked by ``messages``.
"""

from __future__ import annotations

from crmsh_py.value import Value, field, frozen
from crmsh_py.wire.fencing import Delay, FencingRecord, Milliseconds, Name, Text

# What these allow is in ``messages.LIMITS``.
Document = str
Epoch = int
Pause = int  # ms
Percent = int
NodeId = int
MemberId = int
Votes = int
Expected = int
Few = dict
Given = str
XmlName = str


class Message(Value):
    """Base of everything that crosses the control socket."""

    __slots__ = ()


# ---- requests --------------------------------------------------------------------------------


@frozen(kw_only=True)
class Hello(Message):
    """First message of a connection: who calls."""

    client: Name
    user: Name = ""
    acts_for: Name = ""  # by whose access rights; only root's and the owner's word counts


@frozen(kw_only=True)
class ReadCib(Message):
    """Ask for the whole CIB with its status section. Any node answers from its own copy."""


@frozen(kw_only=True)
class Commit(Message):
    """Change the configuration: a patch (XML, format 2) against the version that was read.

    Answered by ``Committed`` when a majority has it on disk, or by ``Refused``.
    """

    patch: Document
    client: Name = "cibadmin"
    force_no_quorum: bool = False


@frozen(kw_only=True)
class SetPair(Message):
    """Set (or remove: value None) one pair of the configuration; answered as a ``Commit`` is.

    ``section`` is one of ``cib.pairs.SECTIONS``; where it is a node's, ``node`` names that ('' is
    the one that is asked). The node makes the change on what it has, so that nobody has to read
    the configuration first, and no other change is in the way.
    """

    section: Name
    node: Name = ""
    name: Name
    value: Given | None
    client: Name = ""


@frozen(kw_only=True)
class ReadPair(Message):
    """Ask for one pair: as in ``SetPair``, or of the section ``status``, a transient attribute."""

    section: Name
    node: Name = ""
    name: Name


@frozen(kw_only=True)
class SetAttribute(Message):
    """Set (or delete: value None) a transient node attribute in the status section.

    ``delay_ms`` is how long it must be quiet first; the first delay of an attribute stays its own
    unless ``set_delay``. ``private``: it never comes into the status.
    """

    node: Name
    name: Name
    value: Given | None
    delay_ms: Milliseconds = 0
    set_delay: bool = False
    private: bool = False


@frozen(kw_only=True)
class ReadAttribute(Message):
    """Ask for a transient attribute on all nodes, also where it waits, or is private."""

    name: Name


@frozen(kw_only=True)
class SetTicket(Message):
    """Set attributes of a ticket in the status section (value None: delete it), or forget the
    ticket altogether (``attributes`` None). Names: granted, standby, last-granted, ….
    """

    ticket: Name
    attributes: Few[XmlName, Given | None] | None


@frozen(kw_only=True)
class CleanResource(Message):
    """Forget failures (``all_history`` False) or the whole history of a resource, then probe.

    Empty names mean every resource, every node.
    """

    resource: Name = ""
    node: Name = ""
    all_history: bool = False


@frozen(kw_only=True)
class FailResource(Message):
    """Take a resource for failed on a node where it has a history, as if it had been found so."""

    resource: Name
    node: Name


@frozen(kw_only=True)
class ReadMembership(Message):
    """Ask for membership, quorum and ring state: cfgtool and quorumtool."""


@frozen(kw_only=True)
class ReenableRings(Message):
    """Use all networks again that were marked faulty, on every node: ``corosync-cfgtool -r``."""


@frozen(kw_only=True)
class ReloadConf(Message):
    """Read corosync.conf again, on every node: ``corosync-cfgtool -R``."""


@frozen(kw_only=True)
class SetExpectedVotes(Message):
    """Set the votes that the cluster expects, on every node: ``corosync-quorumtool -e``."""

    votes: Expected


@frozen(kw_only=True)
class SetVotes(Message):
    """Set the votes of a node, 0 for the one that is asked: ``corosync-quorumtool -v -n``."""

    votes: Votes
    node_id: NodeId = 0


@frozen(kw_only=True)
class EndMember(Message):
    """Let a member's daemon end at once, stopping nothing: ``corosync-cfgtool -k``."""

    node_id: MemberId


RingOrder = ReenableRings | ReloadConf | SetExpectedVotes | SetVotes | EndMember


@frozen(kw_only=True)
class ReadCmap(Message):
    """Ask for cmap keys that start with ``prefix``; ``map`` is icmap or stats."""

    prefix: Name = ""
    map: Name = "icmap"


@frozen(kw_only=True)
class ReadSubsystems(Message):
    """Ask for the daemon's subsystems and whether they live: ``crm cluster status``."""


@frozen(kw_only=True)
class StartManager(Message):
    """Start the cluster manager on a node that runs membership only."""


@frozen(kw_only=True)
class StopManager(Message):
    """Move the resources away and stop the cluster manager, keeping membership."""


@frozen(kw_only=True)
class StopDaemon(Message):
    """Stop the whole node in an orderly way: resources leave first."""


@frozen(kw_only=True)
class WaitIdle(Message):
    """Answer ``Done`` when the DC has nothing more to do for CIB ``version`` or a later one."""

    version: tuple[int, int, int] | None = None


@frozen(kw_only=True)
class Watch(Message):
    """Answer ``Changed`` now and at every later change of CIB or membership."""


@frozen(kw_only=True)
class ReadRevisions(Message):
    """Ask for the stored history of commits."""

    limit: int = 100


@frozen(kw_only=True)
class ReadRevision(Message):
    """Ask for the configuration as a stored commit left it, whole. Answered by ``CibReply``.

    The third number of a version counts changes of the state, which are not stored.
    """

    admin_epoch: Epoch
    epoch: Epoch


@frozen(kw_only=True)
class FenceNode(Message):
    """Fence a node: ``action`` is reboot, off or on. Answered ``Done`` when that has happened.

    ``timeout_ms`` 0: as the cluster is configured. Where an equal request has succeeded within
    ``tolerance_ms``, nothing is done.
    """

    node: Name
    action: Name = "reboot"
    timeout_ms: Milliseconds = 0
    delay_ms: Delay = 0
    tolerance_ms: Milliseconds = 0
    client: Name = "stonith_admin"


@frozen(kw_only=True)
class ConfirmFenced(Message):
    """A person has made sure that a node is off: the cluster goes on as if it had been fenced."""

    node: Name
    client: Name = "stonith_admin"


@frozen(kw_only=True)
class ReadFencing(Message):
    """Ask for what has been fenced and, if wanted, for the fence devices: ``FencingReply``."""

    devices: bool = False


@frozen(kw_only=True)
class AskDevice(Message):
    """Let a fence device's agent answer on this node: ``DeviceReply``.

    Whether it works (its ``monitor``) or, with ``hosts``, which nodes it can fence; with a
    ``target`` whether it can fence that one.
    """

    device: Name
    hosts: bool = False
    target: Name = ""


@frozen(kw_only=True)
class ForgetFencing(Message):
    """Forget what has been fenced: about a node, or '' everything."""

    node: Name = ""


@frozen(kw_only=True)
class InjectFaults(Message):
    """Have this node's daemon suffer, as a lab wants it; what is None stays as it is.

    ``loss`` and ``duplicate`` are percents of what it sends, which is sent after up to
    ``delay_ms``. Every write waits for ``disk_delay_ms``, or fails on a full disk.
    """

    delay_ms: Pause | None = None
    loss: Percent | None = None
    duplicate: Percent | None = None
    disk_delay_ms: Pause | None = None
    disk_full: bool | None = None


Request = (
    Hello
    | ReadCib
    | Commit
    | SetPair
    | ReadPair
    | SetAttribute
    | ReadAttribute
    | SetTicket
    | CleanResource
    | FailResource
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


@frozen(kw_only=True)
class Done(Message):
    """It is done; nothing more to say."""


@frozen(kw_only=True)
class Refused(Message):
    """It was not done, and nothing was changed. ``kind`` is the name of a CrmError class."""

    kind: Text
    text: Text
    hint: Text = ""


@frozen(kw_only=True)
class CibReply(Message):
    """The whole CIB as XML."""

    cib: Document


@frozen(kw_only=True)
class Committed(Message):
    """The version that the change made; it is on the disks of a majority."""

    version: tuple[int, int, int]


@frozen(kw_only=True)
class Member(Value):
    """One member of the ring."""

    node_id: int
    name: Text
    address: Text
    votes: int = 1
    joined: bool = True
    more_addresses: list[Text] = field(default_factory=list)  # on the rings after the first


@frozen(kw_only=True)
class Link(Value):
    """One of the redundant networks that carry the ring, as a node uses it."""

    number: int
    address: Text  # the node's own
    faulty: bool = False


@frozen(kw_only=True)
class MembershipReply(Message):
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
    flags: list[Text] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    manager_running: bool = False
    dc: Text = ""
    unequal_rules: Text = ""  # which members go by which rules of quorum, where these differ


@frozen
class CmapKey(Value):
    """One typed key; ``type`` is str, u8, u16, u32, u64, i32, …, flt, dbl."""

    name: Text
    type: Text
    value: Text


@frozen(kw_only=True)
class CmapReply(Message):
    """Keys in the order of their names."""

    keys: list[CmapKey]


@frozen(kw_only=True)
class Subsystem(Value):
    """A subsystem of the daemon under its old and its new Pacemaker name."""

    name: Text  # cib
    modern_name: Text  # pacemaker-based
    alive: bool
    detail: Text = ""


@frozen(kw_only=True)
class SubsystemsReply(Message):
    """The daemon's process id (in the node's own numbering) and its subsystems."""

    pid: int
    subsystems: list[Subsystem]


@frozen(kw_only=True)
class Changed(Message):
    """The CIB or the membership has changed (one of a watch's stream)."""

    version: tuple[int, int, int]
    quorate: bool
    dc: Text
    idle: bool
    membership: int = 0  # counts the changes of ring and quorum


@frozen(kw_only=True)
class Revision(Value):
    """One stored commit."""

    version: tuple[int, int, int]
    author: Text
    client: Text
    origin: Text
    time: int
    patch: Document
    forced: bool = False


@frozen(kw_only=True)
class RevisionsReply(Message):
    """Newest first."""

    revisions: list[Revision]


@frozen(kw_only=True)
class FenceDevice(Value):
    """A fence device. ``targets`` are the nodes that it surely can fence; with ``asks`` its agent
    tells whether it can fence the others.
    """

    name: Text
    agent: Text
    nodes: list[Text]  # that may use it
    targets: list[Text] = field(default_factory=list)
    asks: bool = False


@frozen(kw_only=True)
class FencingReply(Message):
    """Devices in the order of the configuration, records from the oldest on.

    ``watchdog_ms``: how long a lost node may live until its watchdog resets it; 0: none does.
    """

    devices: list[FenceDevice]
    records: list[FencingRecord]
    watchdog_ms: Milliseconds = 0


@frozen(kw_only=True)
class DeviceReply(Message):
    """What a device's agent says. ``hosts``: as it calls them, where it was asked for them."""

    works: bool
    hosts: list[Text] = field(default_factory=list)
    reason: Text = ""  # why it does not work, in the agent's own words


@frozen(kw_only=True)
class PairReply(Message):
    """The value of a pair, None where it is not set."""

    value: Text | None


@frozen(kw_only=True)
class AttributeReply(Message):
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
    | PairReply
)

"""What the scheduler answers: a plan, and the state of the cluster that it was made for.

These are values for everybody outside: the controller walks the graph, the views draw it, the
shell explains it. The working state of the algorithm is elsewhere (``state``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, StrEnum

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.value import field, frozen


class Role(Enum):
    """What a resource is, or shall be, on a node."""

    UNKNOWN = "Unknown"
    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"


class ResourceKind(StrEnum):
    """What a resource is made of."""

    PRIMITIVE = "primitive"
    GROUP = "group"
    CLONE = "clone"
    PROMOTABLE = "promotable"  # a clone whose instances have roles
    BUNDLE = "bundle"
    REPLICA = "replica"  # of a bundle: one of its containers, with what is in it

    @property
    def is_clone(self) -> bool:
        """Whether its parts are instances of one and the same."""
        return self is ResourceKind.CLONE or self is ResourceKind.PROMOTABLE


class ActionKind(Enum):
    """Who carries an action out."""

    RESOURCE = "rsc_op"  # the executor of a node runs an agent
    PSEUDO = "pseudo_event"  # nobody: a point in the order
    CLUSTER = "crm_event"  # the controller itself: cancel, delete history, fence, shut down


@frozen(kw_only=True)
class Reason:
    """Why a score, an exclusion or an action is what it is.

    ``kind`` names an entry of ``reasons.REASONS``; ``subject`` is what it is about (a resource, a
    node); ``source_id`` is the id of the configuration element that it comes from ('' if none);
    ``value`` is a score or a word.
    """

    kind: str
    subject: str
    source_id: str = ""
    value: str = ""


@frozen(kw_only=True)
class Contribution:
    """What one element of the CIB adds to the score of a resource on a node.

    ``kind`` names an entry of ``reasons.CONTRIBUTIONS``; ``source_id`` is the id of the element
    ('' where it comes from none); ``subject`` is the other resource of a colocation, or the
    instance that is meant; ``detail`` is a word more. The score is the saturating sum of its
    contributions in their order (``contributions.total``).
    """

    kind: str
    amount: int
    source_id: str = ""
    subject: str = ""
    detail: str = ""


@frozen(kw_only=True)
class Digests:
    """The digests that a history entry keeps of the parameters an operation ran with."""

    all: str
    restart: str = ""
    restart_parameters: str = ""  # the space-separated list ``op-force-restart``
    secure: str = ""
    secure_parameters: str = ""


@frozen(kw_only=True)
class Action:
    """One vertex of a transition graph.

    ``inputs`` are the ids of the actions that must have completed before this one is begun.
    ``key`` is the operation key (``ClusterIP_monitor_30000``). Times are in milliseconds.
    ``router`` is the member through which it is carried out where ``node`` is a remote node.
    ``parameters`` are the agent's parameters by bare name; ``meta`` are the ``CRM_meta_*`` values
    by bare name with ``-`` written as ``_``.
    """

    id: int
    kind: ActionKind
    operation: str
    key: str
    node: str = ""
    node_id: str = ""
    router: str = ""
    resource: str = ""  # the history id, with its instance number for unique clones
    agent: AgentSpec | None = None
    interval_ms: int = 0
    timeout_ms: int = 20000
    parameters: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    target_rc: int = 0
    inputs: tuple[int, ...] = ()
    priority: int = 0
    digests: Digests | None = None
    reasons: tuple[Reason, ...] = ()


class Change(Enum):
    """What a plan does to a resource as a whole, as a person would say it."""

    START = "start"
    STOP = "stop"
    MOVE = "move"
    MIGRATE = "migrate"
    RESTART = "restart"
    RECOVER = "recover"
    RELOAD = "reload"
    PROMOTE = "promote"
    DEMOTE = "demote"
    LEAVE = "leave"
    FENCE = "fence"


@frozen(kw_only=True)
class ResourceChange:
    """One line of a plan's summary: a resource (or a node, for FENCE), from where to where."""

    change: Change
    resource: str
    from_node: str = ""
    from_role: Role = Role.STOPPED
    to_node: str = ""
    to_role: Role = Role.STOPPED
    blocked: bool = False
    reasons: tuple[Reason, ...] = ()


@frozen(kw_only=True)
class Message:
    """A finding about the configuration that was made on the way; ``level`` error or warning."""

    level: str
    where: str  # the stage, as crm_verify prints it: unpack_resources, …
    text: str


@frozen(kw_only=True)
class Plan:
    """What to do now, in which order, and why.

    ``scores`` has the assignment score of every resource on every node that was considered;
    ``contributions`` says what each of them is made of, where that was asked for.
    ``recheck_at`` is when a rule or a timeout in the configuration changes the answer (None if
    nothing but an event does).
    """

    actions: tuple[Action, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    scores: Mapping[tuple[str, str], int] = field(default_factory=dict)
    contributions: Mapping[tuple[str, str], tuple[Contribution, ...]] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    reasons: tuple[Reason, ...] = ()
    status: ClusterStatus | None = None
    recheck_at: datetime | None = None
    batch_limit: int = 0
    cluster_delay_ms: int = 60000


@frozen(kw_only=True)
class FenceDevice:
    """A fence device. ``nodes`` may use it: where it is started first, then the others by name."""

    id: str
    agent: str  # the type of its agent: lab, fence_ipmilan, …
    parameters: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    started_on: tuple[str, ...] = ()
    unfences: bool = False  # a node must be let in by it (meta attribute provides=unfencing)


# ---- the state of the cluster, as far as a CIB with its status section tells it --------------


@frozen(kw_only=True)
class NodeStatus:
    """A node as the status section shows it."""

    name: str
    id: str
    kind: str = "member"  # member, remote, guest
    online: bool = False
    pending: bool = False
    unclean: bool = False
    standby: bool = False
    maintenance: bool = False
    is_dc: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    standby_on_fail: bool = False  # in standby because an operation with on-fail=standby failed
    health: str = "green"  # the worst of its health attributes: red, yellow, green
    feature_set: str = ""  # the CRM feature set that its manager announced
    shutdown: bool = False  # leaving in an orderly way
    expected_up: bool = True
    container: str = ""  # guest nodes: the resource whose instance carries the node
    running: tuple[str, ...] = ()  # primitive instances here, in the order of the node's history


@frozen(kw_only=True)
class ResourceStatus:
    """A resource, with its children where it has some.

    ``nodes`` are the names of the nodes where an instance is active (primitives only);
    ``locations`` gives the role on each.
    ``pending_task`` is the operation that is under way (start, stop, monitor …), '' for none.
    The children of a bundle are its replicas (id: the number); the children of a replica are its
    primitives: the address, what is contained, the container, the remote connection, as far as it
    has them.
    """

    id: str
    kind: ResourceKind = ResourceKind.PRIMITIVE
    agent: AgentSpec | None = None
    role: Role = Role.STOPPED
    nodes: tuple[str, ...] = ()
    locations: Mapping[str, Role] = field(default_factory=dict)
    pending_task: str = ""
    managed: bool = True
    maintenance: bool = False
    failed: bool = False
    blocked: bool = False
    orphan: bool = False
    target_role: str = ""
    standin: bool = False  # a stand-in runs in place of the real agent
    failure_ignored: bool = False  # it failed, and on-fail=ignore lets it be
    disabled: bool = False  # target-role is what keeps it from being (fully) active
    unique: bool = False  # clones: instances are told apart (globally-unique)
    locked_to: str = ""  # the node that a shutdown lock keeps it on
    promotable: bool = False  # primitives: part of a promotable clone
    inner: str = ""  # clones: the id of what is cloned
    instances_max: int = -1  # clones: clone-max; -1 where it is not known
    pending_node: str = ""  # primitives: where the pending operation is under way
    children: tuple[ResourceStatus, ...] = ()


@frozen(kw_only=True)
class FailedAction:
    """An operation of the history that did not end as it should have."""

    resource: str
    key: str
    operation: str
    interval_ms: int
    node: str
    rc: int
    status: int  # 0 done, 2 timed out, 4 error …: the op-status of the history
    call_id: int
    exit_reason: str = ""
    last_change: int = 0  # Unix time, s
    queued_ms: int = 0
    exec_ms: int = 0


@frozen(kw_only=True)
class ClusterStatus:
    """The whole state: what ``crm_mon`` shows."""

    nodes: tuple[NodeStatus, ...] = ()
    resources: tuple[ResourceStatus, ...] = ()
    failed_actions: tuple[FailedAction, ...] = ()
    dc: str = ""
    dc_id: str = ""
    quorate: bool = False
    stack: str = ""
    dc_version: str = ""
    fencing_enabled: bool = True
    maintenance_mode: bool = False
    no_quorum_policy: str = "stop"
    primitives_configured: int = 0
    disabled: int = 0
    blocked: int = 0
    stop_all: bool = False  # the property stop-all-resources

"""The plain objects that the algorithm works on: nodes, vertices, relations, constraints.

They are made once per plan from the CIB, are changed freely by the steps, and never leave this
package except through ``result``. Nodes are numbered in the order in which they become known;
tables that say something per node are dictionaries from that number. A *vertex* is an action that
may or may not end up in the graph; an *edge* joins two vertices; a *relation* is an order between
two resources' actions that is turned into edges once all vertices exist.

Facts about flags and roles: Pacemaker's documentation and the behaviour of crm_simulate.
"""

from __future__ import annotations

from struct import pack, unpack

from crmsh_py.cib.scores import INFINITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from crmsh_py.scheduler.operations import Operation
    from crmsh_py.scheduler.resource import Resource
    from crmsh_py.scheduler.state import State

# Roles, in the order in which they can be compared.
UNKNOWN: Final = 0
STOPPED: Final = 1
STARTED: Final = 2
UNPROMOTED: Final = 3
PROMOTED: Final = 4
ROLE_NAMES: Final = ("Unknown", "Stopped", "Started", "Unpromoted", "Promoted")
_ROLES: Final = {
    "stopped": STOPPED,
    "started": STARTED,
    "unpromoted": UNPROMOTED,
    "slave": UNPROMOTED,
    "promoted": PROMOTED,
    "master": PROMOTED,
}

# What a vertex is. Plain ints: these are tested millions of times.
OPTIONAL: Final = 1  # nothing has asked for it yet
RUNNABLE: Final = 2  # it could be carried out
PSEUDO: Final = 4  # a point in the order, not work
MIGRATABLE: Final = 8  # it is, or may become, a part of a live migration
ALWAYS_IN_GRAPH: Final = 16  # shown although optional
ON_DC: Final = 32  # done by the controller, the node need not be online
RESCHEDULE: Final = 64  # a recurring action whose parameters changed
ABORTS_MIGRATION: Final = 128
EXTRA_DONE: Final = 256  # the operation's own instance attributes were evaluated
IN_GRAPH: Final = 512
VISITING: Final = 1024
DEDUPLICATED: Final = 2048

# What an order means.
NONE: Final = 0
ORDERED: Final = 1
IF_FIRST_UNMIGRATABLE: Final = 1 << 1
THEN_IMPLIES_FIRST: Final = 1 << 4
FIRST_IMPLIES_THEN: Final = 1 << 5
PROMOTED_THEN_IMPLIES_FIRST: Final = 1 << 6
UNMIGRATABLE_THEN_BLOCKS: Final = 1 << 7
UNRUNNABLE_FIRST_BLOCKS: Final = 1 << 8
FIRST_ELSE_THEN: Final = 1 << 9
FIRST_IMPLIES_SAME_NODE_THEN: Final = 1 << 10
NESTED_REMOTE_PROBE: Final = 1 << 11
INTERMEDIATE_STOP: Final = 1 << 12
SERIALIZE: Final = 1 << 14
IF_ON_SAME_NODE: Final = 1 << 15
THEN_IMPLIES_FIRST_GRAPHED: Final = 1 << 16
FIRST_IMPLIES_THEN_GRAPHED: Final = 1 << 17
ASYMMETRIC: Final = 1 << 20
IF_ON_SAME_NODE_OR_TARGET: Final = 1 << 21
MIN_RUNNABLE: Final = 1 << 22
IF_REQUIRED_ON_SAME_NODE: Final = 1 << 23
GUEST_ALLOWED: Final = 1 << 24
THEN_CANCELS_FIRST: Final = 1 << 25

# What an update has changed.
CHANGED_FIRST: Final = 1
CHANGED_THEN: Final = 2

# How a failure is handled, from mild to severe: the most severe one of a history wins.
FAIL_IGNORE: Final = 0
FAIL_DEMOTE: Final = 1
FAIL_RESTART: Final = 2
FAIL_RESET_REMOTE: Final = 3
FAIL_RESTART_CONTAINER: Final = 4
FAIL_BAN: Final = 5
FAIL_BLOCK: Final = 6
FAIL_STOP: Final = 7
FAIL_STANDBY: Final = 8
FAIL_FENCE: Final = 9

# What an action needs before it may be carried out.
NEEDS_NOTHING: Final = 0
NEEDS_QUORUM: Final = 1
NEEDS_FENCING: Final = 2

# Whether a resource is probed on a node.
PROBE_ALWAYS: Final = 0
PROBE_NEVER: Final = 1
PROBE_EXCLUSIVE: Final = 2

# Kinds of resources, from simple to complex; compared in priorities of colocations.
PRIMITIVE: Final = 1
GROUP: Final = 2
CLONE: Final = 3
BUNDLE: Final = 4


# Instances of one clone or bundle, unless there are more nodes: more of them than this would only
# keep a cluster from planning at all.
MOST_INSTANCES: Final = 256


def parse_role(text: str | None) -> int:
    """A role from its name (old names included); UNKNOWN for none and for nonsense."""
    return _ROLES.get(text.lower(), UNKNOWN) if text else UNKNOWN


def single_precision(number: float) -> float:
    """A factor rounded as Pacemaker keeps it, so that halves fall on the same side."""
    return float(unpack("f", pack("f", number))[0])


def natural_key(name: str) -> tuple[tuple[int, int, str, int], ...]:
    """A sort key for node names: without case (of ASCII), runs of digits by their value.

    A number is told by how many digits it has and by these: some names have more of them than
    ``int`` reads.
    """
    key: list[tuple[int, int, str, int]] = []
    position = 0
    while position < len(name):
        end = position
        while end < len(name) and name[end].isdecimal() and name[end].isascii():
            end += 1
        if end > position:
            digits = name[position:end].lstrip("0")
            key.append((48, len(digits), digits, end - position))
            position = end
        else:
            letter = name[position]
            key.append((ord(letter.lower() if letter.isascii() else letter), 0, "", 0))
            position += 1
    return tuple(key)


class Node:
    """A member, a remote node or a guest, with what is known of its state."""

    __slots__ = (
        "attrs",
        "digests",
        "expected_up",
        "fail_standby",
        "id",
        "index",
        "is_ping",
        "is_remote_kind",
        "maintenance",
        "name",
        "num_resources",
        "online",
        "pending",
        "priority",
        "probe_mode",
        "probes_allowed",
        "remote",
        "remote_fenced",
        "remote_maintenance",
        "remote_reset",
        "running",
        "score",
        "seen",
        "shutdown",
        "sort_key",
        "standby",
        "unclean",
        "unpacked",
        "utilization",
    )

    def __init__(self, index: int, id_: str, name: str, *, remote: bool, score: int) -> None:
        self.index = index
        self.id = id_
        self.name = name
        self.sort_key = natural_key(name)
        self.is_remote_kind = remote
        self.is_ping = False  # an old way to have a router among the nodes: it is never online
        self.score = score
        self.probe_mode = PROBE_ALWAYS
        self.attrs: dict[str, str] = {"#kind": "remote" if remote else "cluster"}
        self.utilization: dict[str, int] = {}
        self.online = False
        self.pending = False
        self.unclean = False
        self.standby = False
        self.fail_standby = False
        self.maintenance = False
        self.shutdown = False
        self.expected_up = False
        self.seen = False
        self.unpacked = False
        self.remote_reset = False
        self.remote_fenced = False
        self.remote_maintenance = False
        self.probes_allowed = True
        self.remote: Resource | None = None
        self.running: list[Resource] = []
        self.num_resources = 0
        self.priority = 0
        self.digests: dict[str, object] = {}

    @property
    def launcher(self) -> Resource | None:
        """The resource that brings this guest to life; None for members and remote nodes."""
        return self.remote.launcher if self.is_remote_kind and self.remote is not None else None

    @property
    def is_guest(self) -> bool:
        """Whether it is a virtual machine or container that the cluster itself runs."""
        return self.launcher is not None

    @property
    def is_remote(self) -> bool:
        """Whether it is reached through a connection resource and is not a guest."""
        return self.is_remote_kind and (self.remote is None or self.remote.launcher is None)

    def configured_as(self) -> str:
        """The id of the element that makes it a node; for a guest, of the resource it lives in."""
        return self.id if self.launcher is None else self.launcher.configured_as()

    def available(self, score: int = 0) -> bool:
        """Whether resources may run here, given the score of one (0 where it does not matter)."""
        return (
            score >= 0
            and self.online
            and not (self.shutdown or self.unclean or self.standby or self.maintenance)
        )


class Edge:
    """One end of an order between two vertices, kept at the other end."""

    __slots__ = ("flags", "graphed", "vertex")

    def __init__(self, vertex: Vertex, flags: int) -> None:
        self.vertex = vertex
        self.flags = flags
        self.graphed = False


class Vertex:
    """An action that may come into the graph."""

    __slots__ = (
        "after",
        "before",
        "cancel_task",
        "cause",
        "extra",
        "flags",
        "followers",
        "graph",
        "id",
        "interval_ms",
        "key",
        "meta",
        "needs",
        "node",
        "operation",
        "priority",
        "reason",
        "required_before",
        "resource",
        "runnable_before",
        "task",
    )

    def __init__(
        self,
        state: State,
        key: str,
        task: str,
        resource: Resource | None,
        node: Node | None,
    ) -> None:
        self.id = len(state.vertices) + 1
        self.graph = state.graph  # where it is kept once it is taken into the graph
        self.key = key
        self.task = task
        self.resource = resource
        self.node = node
        self.flags = RUNNABLE
        self.meta: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        self.operation: Operation | None = None
        self.interval_ms = 0
        self.needs = NEEDS_NOTHING
        self.priority = 0
        self.reason: str | None = None
        self.cause: Vertex | None = None  # whose change the reason is
        self.before: list[Edge] = []
        self.after: list[Edge] = []
        self.followers: dict[int, int] = {}  # id of a follower -> all flags of its edges
        self.required_before = 0
        self.runnable_before = 0
        self.cancel_task = ""
        state.vertices.append(self)

    def set_reason(
        self, reason: str | None, *, cause: Vertex | None = None, overwrite: bool = False
    ) -> None:
        """Keep why; the first reason stays unless ``overwrite``."""
        if overwrite or self.reason is None:
            self.reason = reason
            self.cause = cause


def join(first: Vertex | None, then: Vertex | None, flags: int) -> bool:
    """Order two vertices; False where nothing is new about it."""
    if flags == NONE or first is None or then is None:
        return False
    known = first.followers.get(then.id, 0)
    if known & flags:
        return False
    first.followers[then.id] = known | flags
    first.after.append(Edge(then, flags))
    then.before.append(Edge(first, flags))
    return True


class Relation:
    """An order between actions of two resources, or between given vertices.

    A side is given by its vertex, or by its resource with the key and the task of the action.
    """

    __slots__ = (
        "first",
        "first_key",
        "first_resource",
        "first_task",
        "flags",
        "source",
        "then",
        "then_key",
        "then_resource",
        "then_task",
    )

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.source = ""  # the id of the order constraint or set, '' for what goes without saying
        self.first: Vertex | None = None
        self.first_resource: Resource | None = None
        self.first_key = self.first_task = ""
        self.then: Vertex | None = None
        self.then_resource: Resource | None = None
        self.then_key = self.then_task = ""


class Colocation:
    """``dependent`` runs with (or, with a negative score, away from) ``primary``."""

    __slots__ = (
        "attribute",
        "dependent",
        "dependent_role",
        "explicit",
        "id",
        "influence",
        "primary",
        "primary_role",
        "score",
    )

    def __init__(
        self,
        id_: str,
        dependent: Resource,
        primary: Resource,
        score: int,
        *,
        dependent_role: int = UNKNOWN,
        primary_role: int = UNKNOWN,
        attribute: str = "#uname",
        influence: bool = True,
        explicit: bool = False,
    ) -> None:
        self.id = id_
        self.dependent = dependent
        self.primary = primary
        self.score = score
        self.dependent_role = dependent_role
        self.primary_role = primary_role
        self.attribute = attribute
        self.influence = influence
        self.explicit = explicit

    @property
    def mandatory(self) -> bool:
        """Whether it must be kept, whatever else."""
        return abs(self.score) >= INFINITY


class Location:
    """Scores of a resource on nodes, from one constraint or one rule."""

    __slots__ = ("id", "kind", "probe_mode", "resource", "role", "scores")

    def __init__(self, id_: str, resource: Resource, probe_mode: int) -> None:
        self.id = id_
        self.resource = resource
        self.role = UNKNOWN
        self.probe_mode = probe_mode
        self.kind = "location"  # what its contributions are called
        self.scores: dict[int, int] = {}


class Ticket:
    """A permission that a site holds or does not hold."""

    __slots__ = ("granted", "id", "last_granted", "standby", "state")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.granted = False
        self.standby = False
        self.last_granted = -1
        self.state: dict[str, str] = {}


class TicketConstraint:
    """A resource that needs a ticket in a role, and what to do when the ticket is lost."""

    __slots__ = ("id", "loss_policy", "role", "ticket")

    def __init__(self, id_: str, ticket: Ticket, role: int, loss_policy: str) -> None:
        self.id = id_
        self.ticket = ticket
        self.role = role
        self.loss_policy = loss_policy


def show_scores(state: State, resource: Resource, stage: str) -> None:
    """Keep the scores of a resource (and of its children) as they are at ``stage``."""
    if resource.removed:
        return
    state.keep_scores(stage, resource.id, resource.scores)
    for child in resource.children:
        show_scores(state, child, stage)

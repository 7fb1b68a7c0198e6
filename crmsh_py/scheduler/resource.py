"""What all kinds of resources have in common.

The kinds themselves are ``primitive``, ``group``, ``clone`` and ``bundle``; what differs between
them are the methods that raise NotImplementedError here. A step never asks for the kind of a
resource where it can call one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.contributions import TracedScores, Trail, note, table
from crmsh_py.scheduler.model import (
    BUNDLE,
    CLONE,
    GROUP,
    PRIMITIVE,
    PROBE_ALWAYS,
    PROMOTED,
    STOPPED,
    UNKNOWN,
    UNPROMOTED,
    Colocation,
    Location,
    Node,
    TicketConstraint,
    Vertex,
    parse_role,
)
from crmsh_py.scheduler.result import Contribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.clone import Clone
    from crmsh_py.scheduler.operations import Operation
    from crmsh_py.scheduler.state import State

    # What makes a resource, with all below it, of an element, its parent and the number of the
    # instance; None where it is not valid. It is definitions.unpack_resource.
    Maker = Callable[[State, Element, "Resource | None", int | None], "Resource | None"]


class Resource:
    """A primitive, group, clone or bundle, or an instance or member of one."""

    kind = 0

    def __init__(
        self, state: State, id_: str, xml_id: str, element: Element, parent: Resource | None
    ) -> None:
        self.state = state
        self.id = id_  # with the number of the instance
        self.xml_id = xml_id
        self.element = element  # with its template filled in
        self.parent = parent
        self.children: list[Resource] = []
        self.standard = element.get("class")
        self.provider = element.get("provider")
        self.agent_type = element.get("type")
        self.operations: tuple[Operation, ...] = ()
        self.meta: dict[str, str] = {}
        self.utilization: dict[str, int] = {}
        self.meta_cache: dict[tuple[str, int, Operation | None], dict[str, str]] = {}
        self._parameters: dict[int, dict[str, str]] = {}
        self.history_id: str | None = None
        self._reset_flags()
        self._reset_place()

    def _reset_flags(self) -> None:
        """What it is like, until its definition and its history have been read."""
        self.managed = False
        self.maintenance = False
        self.blocked = False
        self.failed = False
        self.stop_if_failed = False
        self.ignore_failure = False
        self.removed = False
        self.removed_launched = False
        self.unique = False
        self.promotable = False
        self.notify = False
        self.critical = True
        self.migratable = False
        self.is_remote_connection = False
        self.fence_device = False
        self.needs_quorum = False
        self.needs_fencing = False
        self.needs_unfencing = False
        self.exclusive_probes = False
        self.remote_nesting_allowed = False
        self.replica_container = False
        self.contents: Resource | None = None  # what runs inside, if it is a container
        self.unassigned = True
        self.assigning = False
        self.updating_nodes = False
        self.start_pending = False
        self.reload = False
        self.restarting = False
        self.stop_unexpected = False

        self.priority = 0
        self.promotion_priority = 0
        self.stickiness = 0
        self.ban_after_failures = INFINITY
        self.failure_expiration_ms = 0
        self.remote_reconnect_ms = 0
        self.multiple_active = "stop_start"
        self.orig_role = STOPPED
        self.next_role = UNKNOWN
        self.next_role_why = ""  # '' for a target role
        self.next_role_source = ""

    def _reset_place(self) -> None:
        """Where it is and shall be, and what relates it to others."""
        self.active_nodes: list[Node] = []
        self.probed: set[int] = set()
        self.pending_action: str | None = None
        self.pending_node: Node | None = None
        self.assigned: Node | None = None
        self.assigned_score = 0
        self.migration_source: Node | None = None
        self.migration_target: Node | None = None
        self.dangling_sources: list[Node] = []
        self.lock_node: Node | None = None
        self.lock_time = 0
        self.launcher: Resource | None = None
        self.launched: list[Resource] = []

        # Where the plan is to be explained, all tables of scores are of the kind that remembers.
        self.scores: dict[int, int] = table(
            {}, traced=self.state.traced
        )  # the nodes that it may run on, with their scores
        self.counts: dict[int, int] = {}
        self.probe_modes: dict[int, int] = {}
        self.priority_trail: Trail | None = None  # what its priority for promotion is made of
        self.promotion_trail: Trail | None = None

        self.this_with: list[Colocation] = []
        self.with_this: list[Colocation] = []
        self.locations: list[Location] = []
        self.tickets: list[TicketConstraint] = []
        self.vertices: list[Vertex] = []
        self.by_key: dict[str, list[Vertex]] = {}

    # ---- its place in the tree -------------------------------------------------------------------

    @property
    def is_primitive(self) -> bool:
        """Whether an agent manages it."""
        return self.kind == PRIMITIVE

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return self.kind == GROUP

    @property
    def is_clone(self) -> bool:
        """Whether it is a clone."""
        return self.kind == CLONE

    @property
    def is_anonymous_clone(self) -> bool:
        """Whether it is a clone whose instances cannot be told apart."""
        return self.kind == CLONE and not self.unique

    @property
    def is_bundle(self) -> bool:
        """Whether it is a bundle."""
        return self.kind == BUNDLE

    def topmost(self, *, include_bundle: bool = False) -> Resource:
        """The outermost resource around it, by default below a bundle."""
        current = self
        while current.parent is not None:
            if not include_bundle and current.parent.kind == BUNDLE:
                break
            current = current.parent
        return current

    @property
    def bundled(self) -> bool:
        """Whether it is a bundle or a part of one."""
        return self.topmost(include_bundle=True).kind == BUNDLE

    def is_inside(self, other: Resource) -> bool:
        """Whether ``other`` is its parent, or a parent's parent."""
        current = self.parent
        while current is not None:
            if current is other:
                return True
            current = current.parent
        return False

    def leaves(self) -> Iterator[Resource]:
        """Itself if it has no children, or else all leaves below."""
        if not self.children:
            yield self
        for child in self.children:
            if child.children:
                yield from child.leaves()
            else:
                yield child

    def any_below(self, flag: str) -> bool:
        """Whether it or anything below has a flag."""
        return bool(getattr(self, flag)) or any(c.any_below(flag) for c in self.children)

    @property
    def printable_id(self) -> str:
        """The id as people know it: without the number of an anonymous instance."""
        return self.id if self.unique else self.xml_id

    def configured_as(self) -> str:
        """The id of the element that configures it; for an implied one, of what implies it."""
        known = self.state.cib.find_id
        current: Resource | None = self
        while current is not None:
            if known(current.xml_id) is not None:
                return current.xml_id
            current = current.parent or current.launcher
        return self.xml_id

    @property
    def history_name(self) -> str:
        """The id under which histories keep it."""
        return self.history_id or self.id

    # ---- parameters ------------------------------------------------------------------------------

    def parameters(self, node: Node | None) -> dict[str, str]:
        """The agent's parameters on a node; one table for all where no rule asks for the node."""
        key = node.index if node is not None and self._parameters_vary() else -1
        cached = self._parameters.get(key)
        if cached is None:
            cached = {}
            context = RuleContext(
                now=self.state.now, node_attributes=node.attrs if node is not None else {}
            )
            current: Resource | None = self
            while current is not None:
                attribute_sets.unpack(
                    self.state, current.element, "instance_attributes", context, cached
                )
                current = current.parent
            self._parameters[key] = cached
        return cached

    def _parameters_vary(self) -> bool:
        current: Resource | None = self
        while current is not None:
            if attribute_sets.has_rules(current.element, "instance_attributes"):
                return True
            current = current.parent
        return False

    # ---- where it is, and where it shall be ------------------------------------------------------

    def current_node(self) -> Node | None:
        """The node that counts as its present one."""
        return self.active_node()[0]

    def active_node(self) -> tuple[Node | None, int, int]:
        """Its present node, on how many nodes it is active, and on how many healthy ones."""
        chosen: Node | None = None
        clean = 0
        for node in self.active_nodes:
            clean += node.online and not node.unclean
            chosen = self.better_active(node, chosen)
        return chosen, len(self.active_nodes), clean

    def better_active(self, node: Node, chosen: Node | None) -> Node | None:
        """Which of two nodes counts as the present one of a resource that is active on both."""
        happy = node.online and not node.unclean
        if self.migration_source is not None:
            if node is self.migration_source:
                return node
        elif (
            not self.needs_fencing
            and happy
            and (chosen is None or not chosen.online or chosen.unclean)
        ):
            return node
        return node if chosen is None else chosen

    def active_on(self, node: Node | None) -> bool:
        """Whether it is active on a node."""
        return node is not None and node in self.active_nodes

    def runs_only_on(self, node: Node | None) -> bool:
        """Whether it is active there and nowhere else."""
        return len(self.active_nodes) == 1 and self.active_nodes[0] is node

    def current_locations(self, *, pending: bool = False) -> list[Node]:
        """The nodes where it, or anything below it, is active (or becoming active)."""
        found: list[Node] = []
        for leaf in self.leaves():
            for node in leaf.active_nodes:
                if node not in found:
                    found.append(node)
            if pending and leaf.pending_node is not None and leaf.pending_node not in found:
                found.append(leaf.pending_node)
        return found

    def assigned_locations(self) -> list[tuple[Node, int]]:
        """The nodes that it, or anything below it, is given; with the score at that time."""
        found: list[tuple[Node, int]] = []
        for leaf in self.leaves():
            if leaf.assigned is not None and all(node is not leaf.assigned for node, _ in found):
                found.append((leaf.assigned, leaf.assigned_score))
        return found

    def location(self, *, current: bool) -> Node | None:
        """The one node that it is, or will be, on; None for none and for several."""
        if current:
            nodes = self.current_locations()
            return nodes[0] if len(nodes) == 1 else None
        found: Node | None = None
        for leaf in self.leaves():
            if leaf.assigned is not None and leaf.assigned is not found:
                if found is not None:
                    return None
                found = leaf.assigned
        return found

    # ---- scores ----------------------------------------------------------------------------------

    def add_score(self, node: Node, score: int, kind: str, source_id: str = "") -> None:
        """Add to the score on a node, keeping why where that is asked for."""
        self.know(node)
        self.scores[node.index] = add_scores(self.scores[node.index], score)
        if self.state.traced:
            self.note(node.index, score, kind, source_id)

    def know(self, node: Node) -> None:
        """Take a node among those that it has a score on; a node may have one of its own."""
        if node.index not in self.scores:
            self.scores[node.index] = node.score
            if self.state.traced and node.score:
                self.note(node.index, node.score, "node", node.configured_as())

    def note(self, index: int, amount: int, kind: str, source_id: str) -> None:
        """Keep what a score was changed by. Only for plans that are traced."""
        note(self.scores, index, Contribution(kind=kind, amount=amount, source_id=source_id))

    def shift(self, node: Node | None, score: int, kind: str, source_id: str = "") -> None:
        """Add to the scores of it and all below, on one node or (None) on all nodes."""
        if node is not None:
            self._shift_tree(node, score, kind, source_id)
            return
        for each in self.state.nodes:
            self._shift_tree(each, score, kind, source_id)
        if score == -INFINITY:
            self.assigned = None

    def _shift_tree(self, node: Node, score: int, kind: str, source_id: str) -> None:
        for child in self.children:
            child._shift_tree(node, score, kind, source_id)
        index = node.index
        known = self.scores.get(index)
        if known is None:
            self.probe_modes[index] = node.probe_mode
        if self.state.traced:
            self.add_score(node, score, kind, source_id)
        else:  # the same without a call, for every resource on every node
            self.scores[index] = add_scores(node.score if known is None else known, score)

    def allow_everywhere(self) -> None:
        """Know all nodes but those that are for probes only: may run, no preference."""
        for child in self.children:
            child.allow_everywhere()
        if self.exclusive_probes:
            return
        usual = self.state.usual_scores
        if not self.scores and not self.state.traced:
            self.scores = usual.copy()
            return
        for index in usual:
            if index not in self.scores:
                node = self.state.nodes_by_index[index]
                self.probe_modes[index] = node.probe_mode
                self.add_score(node, 0, "symmetric-default")

    def forbid_everywhere(self, kind: str, source_id: str = "") -> None:
        """Replace all scores by -INFINITY on every node."""
        scores = self.scores
        self.scores = {node.index: -INFINITY for node in self.state.nodes}
        if isinstance(scores, TracedScores):
            self.scores = TracedScores(self.scores, scores.trails)
            for index in self.scores:
                self.note(index, -INFINITY, kind, source_id)
        self.state.because(kind, self.id, source_id)

    def probe_mode(self, node: Node) -> int:
        """Whether it is to be probed on a node."""
        return self.probe_modes.get(node.index, PROBE_ALWAYS)

    def any_node_available(self, scores: dict[int, int] | None = None) -> bool:
        """Whether any node that the scores allow can run resources."""
        nodes = self.state.nodes_by_index
        table = self.scores if scores is None else scores
        return any(nodes[index].available(score) for index, score in table.items())

    def allowed_by_top(self, node: Node) -> bool:
        """Whether its parent (or itself, without one) knows the node as allowed."""
        return node.index in (self.parent or self).scores

    # ---- roles -----------------------------------------------------------------------------------

    def set_next_role(self, role: int, why: str, source_id: str = "") -> None:
        """Decide the role that it is to have, and say why and because of which element."""
        if self.next_role != role:
            self.next_role = role
            self.next_role_why, self.next_role_source = why, source_id
            if why not in {"assignment", "first group member"}:
                self.state.because("next-role", self.id, value=why)

    def target_role(self) -> int | None:
        """The role that its configuration asks for, where that asks for less than usual."""
        value = self.meta.get("target-role")
        if value is None or value.lower() in {"started", "default"}:
            return None
        role = parse_role(value)
        if role == UNKNOWN:
            self.state.error(
                "get_target_role",
                f"Ignoring 'target-role' for {self.id} because '{value}' is not valid",
            )
            return None
        if role >= UNPROMOTED:
            if self.topmost().promotable:
                return None if role == PROMOTED else role
            self.state.error(
                "get_target_role",
                f"Ignoring 'target-role' for {self.id} because '{value}' only makes sense for "
                "promotable clones",
            )
            return None
        return role

    @property
    def disabled(self) -> bool:
        """Whether its target role keeps it from being fully active."""
        role = parse_role(self.meta.get("target-role"))
        return role == STOPPED or (role == UNPROMOTED and self.topmost().promotable)

    def takes_part_in_colocation(self) -> bool:
        """Whether it or anything around it takes part in a colocation."""
        current: Resource | None = self
        while current is not None:
            if current.this_with or current.with_this:
                return True
            current = current.parent
        return False

    # ---- vertices --------------------------------------------------------------------------------

    def find_vertices(self, key: str, node: Node | None = None) -> list[Vertex]:
        """The vertices with a key, oldest first; one that has no node yet is given ``node``."""
        found = self.by_key.get(key)
        if not found:
            return []
        if node is None:
            return list(found)
        matches = []
        for vertex in found:
            if vertex.node is None:
                vertex.node = node
            if vertex.node is node:
                matches.append(vertex)
        return matches

    def exact_vertices(self, key: str, node: Node | None) -> list[Vertex]:
        """The vertices with a key that already are on a node."""
        if node is None:
            return []
        return [vertex for vertex in self.by_key.get(key, ()) if vertex.node is node]

    def newest_vertex(self, task: str, node: Node | None = None) -> Vertex | None:
        """The newest vertex for a task, on a node if one is given."""
        found = self.by_key.get(f"{self.id}_{task}_0")
        if found is not None:
            for vertex in reversed(found):
                if vertex.task == task and (node is None or vertex.node is node):
                    return vertex
        return None

    # ---- what differs between the kinds ----------------------------------------------------------

    def unpack(self, instance: int | None, make: Maker) -> bool:
        """Read what is particular to the kind, and make what is inside; False if not valid."""
        raise NotImplementedError

    def as_clone(self) -> Clone:
        """Itself; only a clone can be asked."""
        raise NotImplementedError

    def instances(self) -> list[Resource]:
        """What is inside, each of which can be somewhere: of a bundle, the containers."""
        return self.children

    def active(self, *, all_: bool) -> bool:
        """Whether it (all of it, or any part of it) is active."""
        raise NotImplementedError

    def role(self, *, current: bool) -> int:
        """The role that it has, or is to have; the highest one of its parts."""
        raise NotImplementedError

    def max_per_node(self) -> int:
        """How many instances may run on one node."""
        return 1

    def assign(self, prefer: Node | None, *, stop_if_fail: bool) -> Node | None:
        """Choose a node for it."""
        raise NotImplementedError

    def create_vertices(self) -> None:
        """Make the vertices that bring it from where it is to where it shall be."""
        raise NotImplementedError

    def create_probe(self, node: Node) -> bool:
        """Make a probe of it on a node, if one is needed."""
        raise NotImplementedError

    def internal_constraints(self) -> None:
        """Make the relations and colocations that its own structure implies."""
        raise NotImplementedError

    def follow(self, primary: Resource, colocation: Colocation) -> int:
        """As the dependent of a colocation, take over what it says; returns a priority change."""
        return primary.lead(self, colocation)

    def lead(self, dependent: Resource, colocation: Colocation) -> int:
        """As the primary of a colocation, change the dependent's scores or priority."""
        raise NotImplementedError

    def colocated_with(self, origin: Resource | None, found: list[Resource]) -> None:
        """Collect what must run on the same node."""
        raise NotImplementedError

    def collect_with_this(self, origin: Resource, found: list[Colocation]) -> None:
        """Collect the colocations in which it is the primary, as they concern ``origin``."""
        raise NotImplementedError

    def collect_this_with(self, origin: Resource, found: list[Colocation]) -> None:
        """Collect the colocations in which it is the dependent, as they concern ``origin``."""
        raise NotImplementedError

    def apply_location(self, location: Location) -> None:
        """Add the scores of a location constraint."""
        raise NotImplementedError

    def vertex_flags(self, vertex: Vertex, node: Node | None) -> int:
        """The flags of one of its vertices, as its parts make them."""
        return vertex.flags

    def update_ordered(  # noqa: PLR0917
        self, first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
    ) -> int:
        """Let an order change a pair of vertices of which one is its own."""
        raise NotImplementedError

    def add_utilization(
        self, origin: Resource, among: list[Resource], total: dict[str, int]
    ) -> None:
        """Add what it uses to ``total``, where it has no node yet."""
        raise NotImplementedError

    def shutdown_lock(self) -> None:
        """Keep it on a node that is shutting down in an orderly way, if so configured."""

    def graph_meta(self, attributes: dict[str, str]) -> None:
        """Add what the graph says about it to the attributes of an action."""

    def take_into_graph(self) -> None:
        """Add the vertices of it and all below to the graph."""
        raise NotImplementedError

    def in_summary(self) -> Iterator[Resource]:
        """The primitives of it, in the order in which a summary names them."""
        yield from self.leaves()

    def count(self) -> None:
        """Count instances, and those disabled or blocked, for the status line."""
        for child in self.children:
            child.count()

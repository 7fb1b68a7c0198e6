"""A clone: one primitive or group in several instances, maybe with promoted ones among them.

Anonymous instances are interchangeable, unique ones are told apart by their numbers. Instances
that were found beyond clone-max are kept, as removed, until they are stopped.
"""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import (
    colocations,
    graph,
    instances,
    locations,
    notifications,
    operations,
    placement,
    probes,
    promotable,
    relations,
    utilization,
)
from crmsh_py.scheduler.model import (
    CLONE,
    FIRST_IMPLIES_THEN_GRAPHED,
    GROUP,
    MOST_INSTANCES,
    ORDERED,
    PROBE_EXCLUSIVE,
    PROMOTED,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNKNOWN,
    UNRUNNABLE_FIRST_BLOCKS,
    Colocation,
    Location,
    Node,
    Vertex,
    show_scores,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.notifications import Notifications
    from crmsh_py.scheduler.resource import Maker
    from crmsh_py.scheduler.state import State


class Clone(Resource):
    """Several instances of the same thing."""

    kind = CLONE

    def __init__(
        self, state: State, id_: str, xml_id: str, element: Element, parent: Resource | None
    ) -> None:
        super().__init__(state, id_, xml_id, element, parent)
        self.clone_max = 1
        self.clone_node_max = 1
        self.promoted_max = 0
        self.promoted_node_max = 0
        self.ordered = False
        self.total = 0
        self.inner: Element | None = None
        self.promotion_added = False
        self.promotion_constrained = False
        self.notifications: dict[str, Notifications] = {}

    def unpack(self, instance: int | None, make: Maker) -> bool:
        """Read the limits and make the instances."""
        meta = self.meta
        if self.promotable:
            self.promoted_max = self._limit("promoted-max", "master-max", 1)
            self.promoted_node_max = self._limit("promoted-node-max", "master-node-max", 1)
        self.clone_node_max = self._limit("clone-node-max", "", 1)
        self.clone_max = self._limit("clone-max", "", max(1, len(self.state.nodes)))
        self.ordered = is_true(meta.get("ordered"))
        if not self.unique and self.clone_node_max > 1:
            self.state.error(
                "clone_unpack",
                f"Ignoring clone-node-max of {self.clone_node_max} for {self.id} because anonymous "
                "clones support only one instance per node",
            )
            self.clone_node_max = 1
        found = self.element.findall("primitive", "group")
        if not found:
            self.state.error("clone_unpack", f"{self.id} has nothing to clone")
            return False
        self.inner = found[0]
        meta.setdefault("resource-stickiness", "1")
        meta["globally-unique"] = "true" if self.unique else "false"
        most = max(MOST_INSTANCES, len(self.state.nodes))
        if self.clone_max > most:
            self.state.warn(
                "clone_unpack", f"clone-max of {self.id} is {self.clone_max}: using {most}"
            )
            self.clone_max = most
        if self.add_instance(make) is None:
            return False
        while self.total < self.clone_max:  # the first instance may have made it smaller
            if self.add_instance(make) is None:
                return False
        return True

    def as_clone(self) -> Clone:
        """Itself."""
        return self

    def _limit(self, name: str, old_name: str, default: int) -> int:
        value = self.meta.get(name)
        if value is None and old_name:
            value = self.meta.get(old_name)
        if value is None:
            return default
        number = whole_number(value, -1)
        if number < 0:
            self.state.warn("clone_unpack", f"{name} of {self.id} is '{value}': using 0")
        return max(0, number)

    def add_instance(self, make: Maker) -> Resource | None:
        """Make one more instance; beyond clone-max it counts as removed."""
        assert self.inner is not None
        removed = self.total >= self.clone_max
        child = make(self.state, self.inner, self, self.total)
        if child is None:
            return None
        self.total += 1
        self.children.append(child)
        if removed:
            child.removed = True
            for below in child.children:
                below.removed = True
        child.meta["clone-max"] = str(self.clone_max)
        return child

    def force_anonymous(self, standard: str, id_: str) -> None:
        """Agents of some standards cannot tell instances apart."""
        self.state.warn(
            "pe__force_anon",
            f"Ignoring globally-unique for {self.id} because {standard} resources such as {id_} "
            "can be used only as anonymous clones",
        )
        self.clone_node_max = 1
        self.clone_max = min(self.clone_max, len(self.state.nodes))

    # ---- state -----------------------------------------------------------------------------------

    def active(self, *, all_: bool) -> bool:
        """Whether all instances, or any, are active."""
        found = (child.active(all_=all_) for child in self.children)
        return all(found) if all_ else any(found)

    def role(self, *, current: bool) -> int:
        """The highest role of its instances."""
        return max((child.role(current=current) for child in self.children), default=UNKNOWN)

    def max_per_node(self) -> int:
        """clone-node-max."""
        return self.clone_node_max

    # ---- assignment ------------------------------------------------------------------------------

    def assign(self, prefer: Node | None, *, stop_if_fail: bool) -> Node | None:
        """Assign what it follows, then its instances, then their roles."""
        if not self.unassigned or self.assigning:
            return None
        self.assigning = True
        if self.promotable:
            promotable.add_scores_of_attributes(self)
        for colocation in colocations.this_with(self):
            colocation.primary.assign(prefer, stop_if_fail=stop_if_fail)
        for colocation in colocations.with_this(self):
            colocations.add_dependent_wishes(colocation, self)
        show_scores(self.state, self, "pcmk__clone_assign")
        self.children.sort(key=instances.by_preference)
        instances.assign_all(self, list(self.children), self.clone_max, self.clone_node_max)
        if self.promotable:
            promotable.set_roles(self)
        self.unassigned = self.assigning = False
        return None

    def _can_interleave(self, colocation: Colocation) -> bool:
        dependent, primary = colocation.dependent, colocation.primary
        if dependent.kind <= GROUP or not operations.interleaves(dependent):
            return False
        if dependent.max_per_node() != primary.max_per_node():
            self.state.error(
                "can_interleave",
                f"Cannot interleave {dependent.id} and {primary.id} because they do not support "
                "the same number of instances per node",
            )
            return False
        return True

    def lead(self, dependent: Resource, colocation: Colocation) -> int:
        """Others follow the instance on their node, or all instances."""
        if self.unassigned:
            return 0
        if self.promotable and colocation.primary_role != UNKNOWN:
            if dependent.unassigned:
                promotable.lead_dependent(self, dependent, colocation)
                return 0
            if colocation.dependent_role == PROMOTED:
                return promotable.lead_promotion(self, dependent, colocation)
        if self._can_interleave(colocation):
            partner = instances.find_compatible(dependent, self, UNKNOWN, current=False)
            if partner is not None:
                return dependent.follow(partner, colocation)
            if colocation.score >= INFINITY:
                placement.give(dependent, None, 0, force=True, stop_if_fail=True)
            return 0
        if colocation.score >= INFINITY:
            spots: list[tuple[Node, int]] = []
            for child in self.children:
                found = child.assigned_locations()
                if len(found) == 1 and not child.any_below("blocked"):
                    spots.insert(0, found[0])
            colocations.intersect(dependent, spots, colocation, merge_scores=False)
            return 0
        delta = 0
        for child in self.children:
            delta = add_scores(delta, child.lead(dependent, colocation))
        return delta

    def colocated_with(self, origin: Resource | None, found: list[Resource]) -> None:
        """Collect what must run with it."""
        utilization.colocated(self, origin, found)

    def collect_with_this(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern all instances."""
        colocations.extend(found, self.with_this, by_dependent=True)
        if self.parent is not None:
            self.parent.collect_with_this(origin, found)

    def collect_this_with(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern all instances."""
        colocations.extend(found, self.this_with, by_dependent=False)
        if self.parent is not None:
            self.parent.collect_this_with(origin, found)

    def apply_location(self, location: Location) -> None:
        """The scores of the whole and of every instance."""
        locations.apply(self, location)
        for child in self.children:
            child.apply_location(location)

    def add_utilization(
        self, origin: Resource, among: list[Resource], total: dict[str, int]
    ) -> None:
        """An instance that is counted already by itself, or else the first one."""
        if not self.unassigned:
            return
        existing = False
        for child in self.children:
            if child in among:
                existing = True
            elif any(member in among for member in child.children):
                child.add_utilization(origin, among, total)
                existing = True
        if not existing and self.children:
            self.children[0].add_utilization(origin, among, total)

    # ---- vertices --------------------------------------------------------------------------------

    def create_vertices(self) -> None:
        """The instances' vertices, the points around them, and promotions."""
        instances.create_vertices(self, self.children)
        if self.promotable:
            promotable.create_vertices(self)

    def create_probe(self, node: Node) -> bool:
        """Probe every unique instance, or one of the anonymous ones."""
        if self.exclusive_probes and (
            node.index not in self.scores or self.probe_mode(node) != PROBE_EXCLUSIVE
        ):
            self.scores.pop(node.index, None)
            return False
        self.children.sort(key=instances.number)
        if self.unique:
            return probes.probe_all(self.children, node)
        chosen = next((c for c in self.children if _probed_on(c, node)), None)
        if chosen is None:
            chosen = next(
                (c for c in self.children if c.location(current=False) is node), self.children[0]
            )
        return chosen.create_probe(node)

    def internal_constraints(self) -> None:
        """The points around the instances; ordered clones start one after another."""
        relations.order(self, "stopped", self, "start", ORDERED)
        relations.order(self, "start", self, "running", UNRUNNABLE_FIRST_BLOCKS)
        relations.order(self, "stop", self, "stopped", UNRUNNABLE_FIRST_BLOCKS)
        if self.promotable:
            relations.order(self, "demoted", self, "stop", ORDERED)
            relations.order(self, "running", self, "promote", UNRUNNABLE_FIRST_BLOCKS)
        if self.ordered:
            self.children.sort(key=instances.number)
        for place, child in enumerate(self.children):
            child.internal_constraints()
            relations.order_starts(
                self, child, UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED
            )
            relations.order(child, "start", self, "running", FIRST_IMPLIES_THEN_GRAPHED)
            relations.order_stops(self, child, THEN_IMPLIES_FIRST_GRAPHED)
            relations.order(child, "stop", self, "stopped", FIRST_IMPLIES_THEN_GRAPHED)
            if self.ordered:
                for later in self.children[place + 1 :]:
                    relations.order_starts(child, later, ORDERED)
                    relations.order_stops(later, child, ORDERED)
        if self.promotable:
            promotable.internal_constraints(self)

    # ---- orders and graph ------------------------------------------------------------------------

    def vertex_flags(self, vertex: Vertex, node: Node | None) -> int:
        """As the instances' vertices make them."""
        return instances.collective_flags(vertex, self.children, node)

    def update_ordered(  # noqa: PLR0917
        self, first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
    ) -> int:
        """Let an order act on the whole or instance by instance."""
        return instances.update_ordered(first, then, node, flags, filter_, type_)

    def graph_meta(self, attributes: dict[str, str]) -> None:
        """What an agent may want to know of the whole."""
        attributes["CRM_meta_globally_unique"] = "true" if self.unique else "false"
        attributes["CRM_meta_notify"] = "true" if self.notify else "false"
        attributes["CRM_meta_clone_max"] = str(self.clone_max)
        attributes["CRM_meta_clone_node_max"] = str(self.clone_node_max)
        if self.promotable:
            for name in ("promoted", "master"):
                attributes[f"CRM_meta_{name}_max"] = str(self.promoted_max)
                attributes[f"CRM_meta_{name}_node_max"] = str(self.promoted_node_max)

    def take_into_graph(self) -> None:
        """Notifications are made last of all: only now it is known what happens."""
        for vertex in reversed(self.vertices):
            self.vertex_flags(vertex, None)
        notifications.create(self)
        for child in self.children:
            child.take_into_graph()
        for vertex in reversed(self.vertices):
            graph.take(vertex)
        self.notifications.clear()


def _probed_on(resource: Resource, node: Node) -> bool:
    return any(node.index in leaf.probed for leaf in resource.leaves())

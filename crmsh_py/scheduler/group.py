"""A group: members that start in order, stop in reverse, and run together.

Its own vertices are points in the order around those of its members. Colocations with the group
mean its first member where the group follows, and its last member where others follow it.
"""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true, parse_boolean
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import (
    colocations,
    graph,
    locations,
    order_effects,
    probes,
    relations,
    utilization,
    vertices,
)
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    GROUP,
    INTERMEDIATE_STOP,
    NONE,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNRUNNABLE_FIRST_BLOCKS,
    Colocation,
    Location,
    Node,
    Vertex,
    show_scores,
)
from crmsh_py.scheduler.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.resource import Maker

_BEGINNINGS = {"running": "start", "stopped": "stop", "promoted": "promote", "demoted": "demote"}


def task_of_part(part: Resource, task: str) -> str:
    """What a task of a whole is called for one of its parts."""
    return _BEGINNINGS.get(task, task) if part.is_primitive else task


class Group(Resource):
    """Several primitives that are managed as one."""

    kind = GROUP
    ordered = True
    colocated = True

    def unpack(self, instance: int | None, make: Maker) -> bool:
        """Read the members; an instance's members have its number."""
        self.ordered = parse_boolean(self.meta.get("ordered")) is not False
        self.colocated = parse_boolean(self.meta.get("collocated")) is not False
        for element in self.element.findall("primitive"):
            member = make(self.state, element, self, instance)
            if member is not None:
                self.children.append(member)
        if not self.children:
            self.state.error("group_unpack", f"Group {self.id} has no members")
            return False
        return True

    # ---- state -----------------------------------------------------------------------------------

    def active(self, *, all_: bool) -> bool:
        """Whether all members, or any, are active."""
        found = [member.active(all_=all_) for member in self.children]
        return all(found) if all_ else any(found)

    def role(self, *, current: bool) -> int:
        """The highest role of its members."""
        return max(member.role(current=current) for member in self.children)

    # ---- assignment ------------------------------------------------------------------------------

    def assign(self, prefer: Node | None, *, stop_if_fail: bool) -> Node | None:
        """Assign the members in their order."""
        if not self.unassigned:
            return self.assigned
        if self.assigning:
            return None
        self.assigning = True
        first = self.children[0]
        self.orig_role = first.orig_role
        show_scores(self.state, self, "pcmk__group_assign")
        node: Node | None = None
        for member in self.children:
            chosen = member.assign(prefer, stop_if_fail=stop_if_fail)
            if node is None:
                node = chosen
        self.set_next_role(first.next_role, "first group member")
        self.assigning = self.unassigned = False
        return node if self.colocated else None

    def follow(self, primary: Resource, colocation: Colocation) -> int:
        """The first member follows, and the others follow it."""
        delta = 0
        if self.colocated:
            delta = self.children[0].follow(primary, colocation)
        elif colocation.score >= INFINITY:
            self.state.error(
                "colocate_group_with",
                f"{self.id}: Cannot perform mandatory colocation between non-colocated group and "
                f"{primary.id}",
            )
            return 0
        else:
            for member in self.children:
                delta = add_scores(delta, member.lead(member, colocation))
        if delta:
            self.priority = add_scores(delta, self.priority)
            colocations.note_priority(self, delta, "colocation", colocation, primary)
        return delta

    def lead(self, dependent: Resource, colocation: Colocation) -> int:
        """Others must be with the last member, or like to be with the first."""
        if self.unassigned:
            return 0
        if self.colocated:
            member = self.children[-1 if colocation.score >= INFINITY else 0]
            return member.lead(dependent, colocation)
        if colocation.score >= INFINITY:
            self.state.error(
                "colocate_with_group",
                f"{dependent.id}: Cannot perform mandatory colocation with non-colocated group "
                f"{self.id}",
            )
            return 0
        delta = 0
        for member in self.children:
            delta = add_scores(delta, member.lead(dependent, colocation))
        return delta

    def colocated_with(self, origin: Resource | None, found: list[Resource]) -> None:
        """All members, where they must be together."""
        origin = origin or self
        if self.colocated or (self.parent is not None and self.parent.is_clone):
            found.insert(0, self)
            for member in self.children:
                member.colocated_with(origin, found)
        else:
            utilization.colocated(self, origin, found)

    def collect_with_this(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern the group itself and its last member."""
        if origin is not self and origin is not self.children[-1]:
            return
        colocations.extend(found, self.with_this, by_dependent=True)
        if self.parent is not None:
            self.parent.collect_with_this(origin, found)
        if self.colocated:
            for member in self.children:
                if member is not origin:
                    member.collect_with_this(origin, found)

    def collect_this_with(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern the group itself and its first member.

        A member after one that is not managed follows by itself: the chain is broken there.
        """
        if origin is self or origin is self.children[0]:
            colocations.extend(found, self.this_with, by_dependent=False)
            if self.parent is not None:
                self.parent.collect_this_with(origin, found)
            if self.colocated:
                for member in self.children:
                    if member is not origin:
                        member.collect_this_with(origin, found)
            return
        for member in self.children:
            if member is origin:
                return
            if not member.managed:
                for colocation in self.this_with:
                    if colocation.score == INFINITY:
                        colocations.add_this_with(found, colocation)
                return

    def apply_location(self, location: Location) -> None:
        """The first member gets the scores; the others only learn about the nodes."""
        locations.apply(self, location)
        reset = location
        if self.colocated and len(self.children) > 1:
            reset = Location(location.id, location.resource, location.probe_mode)
            reset.role = location.role
            reset.scores = dict.fromkeys(location.scores, 0)
        for place, member in enumerate(self.children):
            member.apply_location(reset if self.colocated and place else location)

    def add_utilization(
        self, origin: Resource, among: list[Resource], total: dict[str, int]
    ) -> None:
        """All members where they must be together, else the first."""
        if not self.unassigned:
            return
        together = self.colocated or (self.parent is not None and self.parent.is_clone)
        for member in self.children if together else self.children[:1]:
            if member.unassigned and member not in among:
                member.add_utilization(origin, among, total)

    def shutdown_lock(self) -> None:
        """Every member for itself."""
        for member in self.children:
            member.shutdown_lock()

    # ---- vertices --------------------------------------------------------------------------------

    def create_vertices(self) -> None:
        """The vertices of the members, and the points around them."""
        for member in self.children:
            member.create_vertices()
        tasks = ["start", "running", "stop", "stopped"]
        if is_true(self.meta.get("promotable")):
            tasks += ["demote", "demoted", "promote", "promoted"]
        for task in tasks:
            vertex = vertices.vertex_for(self, task, None, optional=True)
            vertex.flags |= PSEUDO | RUNNABLE

    def create_probe(self, node: Node) -> bool:
        """Probe the members."""
        return probes.probe_on(self, node)

    def internal_constraints(self) -> None:
        """Start in order, stop in reverse."""
        relations.order(self, "stop", self, "stopped", UNRUNNABLE_FIRST_BLOCKS)
        relations.order(self, "stopped", self, "start", ORDERED)
        relations.order(self, "start", self, "running", UNRUNNABLE_FIRST_BLOCKS)
        promotable = self.topmost().promotable
        previous: Resource | None = None
        last_active: Resource | None = None
        for member in self.children:
            member.internal_constraints()
            self._constrain(member, previous, promotable=promotable)
            if member.active_nodes:
                if (
                    self.ordered
                    and previous is not None
                    and not previous.active_nodes
                    and last_active is not None
                    and last_active.active_nodes
                ):
                    relations.order_stops(member, last_active, ORDERED)
                last_active = member
            previous = member

    def _constrain(self, member: Resource, previous: Resource | None, *, promotable: bool) -> None:
        down, after_down = THEN_IMPLIES_FIRST_GRAPHED, FIRST_IMPLIES_THEN_GRAPHED
        if previous is None:
            if self.ordered:
                down |= ORDERED
                after_down = FIRST_IMPLIES_THEN
        elif self.colocated:
            colocations.add(
                self.state,
                Colocation("#group-members", member, previous, INFINITY, influence=member.critical),
            )
        up = UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN | FIRST_IMPLIES_THEN_GRAPHED
        if promotable:
            relations.order(self, "demote", member, "demote", down)
            relations.order(member, "demote", self, "demoted", after_down)
            relations.order(member, "promote", self, "promoted", up)
            relations.order(self, "promote", member, "promote", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order_stops(self, member, down)
        relations.order(member, "stop", self, "stopped", after_down)
        relations.order_starts(self, member, THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(member, "start", self, "running", up)
        if not self.ordered:
            both = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED
            relations.order_starts(self, member, both)
            if promotable:
                relations.order(self, "promote", member, "promote", both)
        elif previous is None:
            relations.order_starts(self, member, NONE)
            if promotable:
                relations.order(self, "promote", member, "promote", NONE)
        else:
            self._chain(member, previous, promotable=promotable)

    def _chain(self, member: Resource, previous: Resource, *, promotable: bool) -> None:
        follows = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
        relations.order_starts(previous, member, follows)
        relations.order_stops(member, previous, ORDERED | INTERMEDIATE_STOP)
        if member.active_nodes and not previous.active_nodes:
            # What runs out of order must stop before what should have been there first starts.
            relations.order(
                member, "stop", previous, "start", THEN_IMPLIES_FIRST | UNRUNNABLE_FIRST_BLOCKS
            )
        if promotable:
            relations.order(previous, "promote", member, "promote", follows)
            relations.order(member, "demote", previous, "demote", ORDERED)

    # ---- orders ----------------------------------------------------------------------------------

    def vertex_flags(self, vertex: Vertex, node: Node | None) -> int:
        """Optional where all members' vertices are, runnable where they are."""
        flags = OPTIONAL | RUNNABLE | PSEUDO
        task = _BEGINNINGS.get(vertex.task, vertex.task)
        shared = OPTIONAL if task == vertex.task else OPTIONAL | RUNNABLE
        for member in self.children:
            theirs = member.newest_vertex(task, node)
            if theirs is not None:
                lost = flags & shared & ~theirs.flags
                flags &= ~lost
                vertex.flags &= ~lost
            elif task not in {"stop", "demote"}:
                flags &= ~RUNNABLE
        return flags

    def update_ordered(  # noqa: PLR0917
        self, first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
    ) -> int:
        """Let an order act on the point, and on the members' vertices."""
        changed = order_effects.update_pair(first, then, node, flags, filter_, type_)
        owner = then.resource
        for member in owner.children if owner is not None else ():
            theirs = member.newest_vertex(then.task, node)
            if theirs is not None:
                changed |= member.update_ordered(first, theirs, node, flags, filter_, type_)
        return changed

    def take_into_graph(self) -> None:
        """Take the points and the members' vertices into the graph."""
        for vertex in reversed(self.vertices):
            graph.take(vertex)
        for member in self.children:
            member.take_into_graph()

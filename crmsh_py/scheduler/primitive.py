"""A resource that an agent manages.

Its vertices follow from two roles, the present and the next one, and two nodes: first down to
where a restart or move requires it, then up to the next role.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import (
    colocations,
    fencing,
    graph,
    locations,
    migration,
    order_effects,
    placement,
    probes,
    recurring,
    relations,
    sources,
    utilization,
    vertices,
)
from crmsh_py.scheduler.model import (
    ALWAYS_IN_GRAPH,
    FIRST_IMPLIES_THEN,
    IF_ON_SAME_NODE,
    INTERMEDIATE_STOP,
    OPTIONAL,
    ORDERED,
    PRIMITIVE,
    PROMOTED,
    PROMOTED_THEN_IMPLIES_FIRST,
    PSEUDO,
    RUNNABLE,
    STARTED,
    STOPPED,
    THEN_CANCELS_FIRST,
    THEN_IMPLIES_FIRST,
    UNKNOWN,
    UNPROMOTED,
    UNRUNNABLE_FIRST_BLOCKS,
    Colocation,
    Location,
    Node,
    Vertex,
    join,
    show_scores,
)
from crmsh_py.scheduler.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.resource import Maker

# The next step from a role (row) towards a role (column).
_STEPS = (
    (UNKNOWN, STOPPED, STOPPED, STOPPED, STOPPED),
    (STOPPED, STOPPED, STARTED, UNPROMOTED, UNPROMOTED),
    (STOPPED, STOPPED, STARTED, UNPROMOTED, PROMOTED),
    (STOPPED, STOPPED, STOPPED, UNPROMOTED, PROMOTED),
    (STOPPED, UNPROMOTED, UNPROMOTED, UNPROMOTED, PROMOTED),
)
# What that step is called: the method that makes its vertices ("" for none, "?" for impossible).
_MOVES = (
    ("?", "_stop", "?", "?", "?"),
    ("?", "", "_start", "_start", "?"),
    ("?", "_stop", "", "", "_promote"),
    ("?", "_stop", "_stop", "", "_promote"),
    ("?", "_demote", "_demote", "_demote", ""),
)
# What ``multiple-active`` does, as messages say it.
_RECOVERIES = {
    "stop_start": "attempting recovery",
    "stop_only": "shutting it down",
    "stop_unexpected": "stopping unexpected instances",
    "block": "waiting for an administrator",
}


class Primitive(Resource):
    """A single resource, or one instance or member of something larger."""

    kind = PRIMITIVE

    def unpack(self, instance: int | None, make: Maker) -> bool:
        """Some standards of agents allow less than others."""
        top = self.topmost()
        standard = self.standard.lower()
        if standard not in {"ocf", "stonith"} and self.unique and top.is_clone:
            top.as_clone().force_anonymous(self.standard, self.id)
            for resource in (top, *top.leaves(), self):
                resource.unique = False
                resource.meta["globally-unique"] = "false"
        if standard != "ocf" and top.promotable:
            self.state.error(
                "native_unpack",
                f"Resource {self.id} is of type {self.standard} and therefore cannot be used as a "
                "promotable clone resource",
            )
            return False
        return True

    # ---- state -----------------------------------------------------------------------------------

    def active(self, *, all_: bool) -> bool:
        """Active where a node has it, unless that node is known to be down."""
        return any(node.unclean or node.online or not self.managed for node in self.active_nodes)

    def role(self, *, current: bool) -> int:
        """Its own role."""
        return self.orig_role if current else self.next_role

    def count(self) -> None:
        """Count it, and whether it is disabled or blocked."""
        if self.removed and self.orig_role <= STOPPED:
            return
        state = self.state
        state.instances += 1
        state.disabled_resources += self.disabled
        state.blocked_resources += self.blocked

    # ---- assignment ------------------------------------------------------------------------------

    def assign(self, prefer: Node | None, *, stop_if_fail: bool) -> Node | None:
        """Take over what colocations say, mandatory ones first, and choose the best node."""
        parent = self.parent
        if parent is not None and not parent.assigning:
            parent.assign(prefer, stop_if_fail=stop_if_fail)
        if not self.unassigned:
            return self.assigned
        if self.assigning:
            return None
        self.assigning = True
        state = self.state
        ours, theirs = colocations.this_with(self), colocations.with_this(self)
        for mandatory in (True, False):
            for colocation in ours:
                if colocation.mandatory is mandatory:
                    self._take_over(colocation)
            for colocation in theirs:
                if colocation.mandatory is mandatory:
                    colocations.add_dependent_wishes(colocation, self)
        if self.next_role == STOPPED:
            self.shift(None, -INFINITY, *self._why_stopped())
        elif (
            self.next_role > self.orig_role
            and not state.quorate
            and state.settings.no_quorum_policy == "freeze"
        ):
            self.set_next_role(self.orig_role, "no-quorum-policy=freeze")
        show_scores(state, self, "pcmk__primitive_assign")
        if state.settings.fencing_enabled and not state.have_fencing:
            self.managed = False
        if not self.managed:
            self.set_next_role(self.orig_role, "unmanaged")
            node = self.current_node()
            score = node.score if node is not None else 0
            placement.give(self, node, score, force=True, stop_if_fail=stop_if_fail)
        elif state.settings.stop_all:
            placement.give(self, None, 0, force=True, stop_if_fail=stop_if_fail)
        else:
            placement.assign_best(self, prefer, stop_if_fail=stop_if_fail)
        self.assigning = False
        if self.is_remote_connection:
            self._connection_assigned()
        return self.assigned

    def _why_stopped(self) -> tuple[str, str]:
        """What kind of reason keeps it stopped, and the element that it comes from."""
        if not self.state.traced:
            return "stopped", ""
        if self.next_role_why in {"", "target-role"}:
            return "target-role", sources.of_meta(self, "target-role")
        return "stopped", self.next_role_source or self.configured_as()

    def _take_over(self, colocation: Colocation) -> None:
        """Place the primary of a colocation, and let it change our scores."""
        saved = None
        if colocation.dependent_role >= PROMOTED or -INFINITY < colocation.score < 0:
            saved = self.scores.copy()
        primary = colocation.primary
        if primary.unassigned:
            primary.assign(None, stop_if_fail=True)
        self.follow(primary, colocation)
        if saved is not None and not self.any_node_available():
            self.scores = saved

    def _connection_assigned(self) -> None:
        node = self.state.node_named(self.id)
        if node is None:
            return
        if self.assigned is not None and self.next_role != STOPPED:
            node.online = True
            if not node.seen:
                node.unclean = False
        else:
            node.shutdown = True

    # ---- colocations and locations ---------------------------------------------------------------

    def lead(self, dependent: Resource, colocation: Colocation) -> int:
        """Change the dependent's scores, or its priority for promotion."""
        effect = colocations.affects(dependent, self, colocation, preview=False)
        if effect == colocations.AFFECTS_ROLE:
            return colocations.apply_to_priority(dependent, self, colocation)
        if effect == colocations.AFFECTS_LOCATION:
            colocations.apply_to_scores(dependent, self, colocation)
        return 0

    def colocated_with(self, origin: Resource | None, found: list[Resource]) -> None:
        """Collect what must run with it."""
        utilization.colocated(self, origin, found)

    def collect_with_this(self, origin: Resource, found: list[Colocation]) -> None:
        """Its own, and those of its parents; for another member only the configured ones."""
        if self is origin:
            colocations.extend(found, self.with_this, by_dependent=True)
            if self.parent is not None:
                self.parent.collect_with_this(origin, found)
            return
        for colocation in self.with_this:
            if colocation.explicit:
                colocations.add_with_this(found, colocation)

    def collect_this_with(self, origin: Resource, found: list[Colocation]) -> None:
        """Its own, and those of its parents; for another member only the configured ones."""
        if self is origin:
            colocations.extend(found, self.this_with, by_dependent=False)
            if self.parent is not None:
                self.parent.collect_this_with(origin, found)
            return
        for colocation in self.this_with:
            if colocation.explicit:
                colocations.add_this_with(found, colocation)

    def apply_location(self, location: Location) -> None:
        """Add the scores of a location constraint."""
        locations.apply(self, location)

    def add_utilization(
        self, origin: Resource, among: list[Resource], total: dict[str, int]
    ) -> None:
        """Add what it uses."""
        if self.unassigned:
            utilization.release(total, self)

    # ---- vertices --------------------------------------------------------------------------------

    def create_vertices(self) -> None:
        """Decide whether it must stop, and make the vertices from the present to the next role."""
        if self.next_role == UNKNOWN:
            self.set_next_role(STOPPED if self.assigned is None else STARTED, "assignment")
        current, active, clean = self.active_node()
        for left in self.dangling_sources:
            migration.abort_dangling(self, left)
        moving = may_migrate = must_stop = False
        if (
            current is not None
            and self.assigned is not None
            and current is not self.assigned
            and self.next_role >= STARTED
        ):
            moving = must_stop = True
            may_migrate = migration.possible(self, current)
        source, target = self.migration_source, self.migration_target
        several = False
        if (
            source is not None
            and target is not None
            and may_migrate
            and active == 2
            and current is source
            and self.assigned is target
        ):
            pass  # the rest of a migration that has begun
        elif source is not None or target is not None:
            must_stop = True
            self.migration_source = self.migration_target = None
            self.state.because("migration-broken", self.id)
            may_migrate = False
        else:
            several = (active if self.needs_fencing else clean) > 1
        if several:
            must_stop = self._settle_several(active) or must_stop
        else:
            self.stop_unexpected = False
        if self.start_pending:
            vertices.start(self, self.assigned, optional=True).flags |= ALWAYS_IN_GRAPH
        must_promote = False
        if moving:
            pass
        elif self.failed:
            if self.stop_if_failed:
                must_stop = True
            elif self.next_role == PROMOTED:
                must_promote = True
        elif self.blocked:
            must_stop = True
        elif self.orig_role > STARTED and current is not None and self.assigned is not None:
            begin = vertices.start(self, self.assigned, optional=True)
            if not begin.flags & OPTIONAL:
                must_stop = True
        self._restart(current, must_stop=must_stop, must_promote=must_promote)
        self._change_role()
        recurring.create(self)
        if may_migrate:
            assert current is not None
            migration.create_vertices(self, current)

    def _settle_several(self, active: int) -> bool:
        """What to do with one that is active on several nodes; whether it must stop."""
        self.state.error(
            "pcmk__primitive_create_actions",
            f"{self.standard or 'Untyped'} resource {self.id} might be active on {active} nodes "
            f"({_RECOVERIES[self.multiple_active]})",
        )
        if self.multiple_active == "stop_start":
            return True
        if self.multiple_active == "stop_unexpected":
            self.stop_unexpected = True
            return True
        return False

    def _move(self, role: int, towards: int) -> tuple[int, Callable[..., None] | None]:
        step = _STEPS[role][towards]
        name = _MOVES[role][step]
        if name == "?":
            return step, lambda node, *, optional: None
        return step, getattr(self, name) if name else None

    def _restart(self, current: Node | None, *, must_stop: bool, must_promote: bool) -> None:
        """Down to stopped and up to the present role again, as far as anything asks for it."""
        self.restarting = True
        role = self.orig_role
        while role != STOPPED:
            step, make = self._move(role, STOPPED)
            if make is None:
                break
            make(current, optional=not must_stop)
            role = step
        while self.orig_role <= self.next_role and role != self.orig_role and not self.blocked:
            step, make = self._move(role, self.orig_role)
            if make is None:
                break
            required = must_stop or (step == PROMOTED and must_promote)
            make(self.assigned, optional=not required)
            role = step
        self.restarting = False

    def _change_role(self) -> None:
        role = self.orig_role
        while role != self.next_role:
            step, make = self._move(role, self.next_role)
            if make is None:
                break
            make(self.assigned, optional=False)
            role = step

    def _expected_on(self, node: Node | None) -> bool:
        """Whether it may go on there while it is stopped where it should not be."""
        return (
            self.stop_unexpected
            and self.restarting
            and self.next_role > STOPPED
            and node is not None
            and self.assigned is node
        )

    def _stop(self, node: Node | None, *, optional: bool) -> None:
        for current in self.active_nodes:
            if self._expected_on(current):
                continue
            if self.migration_target is not None:
                if current is self.migration_target and current is self.assigned:
                    continue
                optional = False
            vertex = vertices.stop(self, current, optional=optional)
            if self.assigned is None:
                vertex.set_reason("node availability", overwrite=True)
            elif self.restarting and self.stop_unexpected:
                vertex.set_reason("being multiply active", overwrite=True)
            if not self.managed:
                vertex.flags &= ~RUNNABLE
            if self.needs_unfencing:
                unfence = fencing.fence_vertex(self.state, current, "on", optional=True)
                join(vertex, unfence, THEN_IMPLIES_FIRST)

    def _start(self, node: Node | None, *, optional: bool) -> None:
        vertex = vertices.start(self, node, optional=True)
        if node is not None:
            fencing.order_unfencing(self, node, vertex, FIRST_IMPLIES_THEN)
        if vertex.flags & RUNNABLE and not optional:
            vertex.flags &= ~OPTIONAL
        if self._expected_on(node):
            vertex.flags |= PSEUDO

    def _promote(self, node: Node | None, *, optional: bool) -> None:
        starts = self.exact_vertices(f"{self.id}_start_0", node)
        if all(vertex.flags & RUNNABLE for vertex in starts):
            vertex = vertices.vertex_for(self, "promote", node, optional=optional)
            if self._expected_on(node):
                vertex.flags |= PSEUDO
        else:
            for vertex in self.exact_vertices(f"{self.id}_promote_0", node):
                vertex.flags &= ~RUNNABLE

    def _demote(self, node: Node | None, *, optional: bool) -> None:
        for current in self.active_nodes:
            if not self._expected_on(current):
                vertices.vertex_for(self, "demote", current, optional=optional)

    def create_probe(self, node: Node) -> bool:
        """Make a probe on a node, if its state there is not known yet."""
        return probes.probe_on(self, node)

    def update_ordered(  # noqa: PLR0917
        self, first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
    ) -> int:
        """Let an order act on the vertices as they are."""
        return order_effects.update_pair(first, then, node, flags, filter_, type_)

    # ---- constraints of its own ------------------------------------------------------------------

    def internal_constraints(self) -> None:
        """Stop before start, start before promote, demote before stop; and what launches it."""
        if not self.managed:
            return
        state = self.state
        relations.order(
            self, "stop", self, "start", ORDERED | FIRST_IMPLIES_THEN | INTERMEDIATE_STOP
        )
        if self.topmost().promotable or self.orig_role > UNPROMOTED:
            relations.order(self, "demote", self, "stop", PROMOTED_THEN_IMPLIES_FIRST)
            relations.order(self, "start", self, "promote", UNRUNNABLE_FIRST_BLOCKS)
        relations.order(self, "lrm_delete", self, "monitor", IF_ON_SAME_NODE | THEN_CANCELS_FIRST)
        allowed = sorted(
            (state.nodes_by_index[index] for index in self.scores), key=lambda n: n.sort_key
        )
        if not self.fence_device and state.enable_unfencing and self.needs_unfencing:
            for node in allowed:
                fencing.order_restart_vs_unfencing(self, node)
        if self.utilization and state.settings.placement != "default":
            utilization.order_by_load(self, allowed)
        if self.launcher is not None:
            self._launcher_constraints(self.launcher)
        if self.is_remote_connection or self.fence_device:
            _avoid_remote_nodes(self)

    def _launcher_constraints(self, launcher: Resource) -> None:
        state = self.state
        remote: Resource | None = None
        if self.is_remote_connection:
            if not self.remote_nesting_allowed:
                _avoid_remote_nodes(launcher)
            relations.order(launcher, "monitor", self, "stop", ORDERED)
        elif launcher.is_remote_connection:
            remote = launcher
        else:
            remote = next((r for r in launcher.launched if r.is_remote_connection), None)
        if remote is not None:
            for index in self.scores:
                if state.nodes_by_index[index].remote is not remote:
                    self.scores[index] = -INFINITY
                    if state.traced:
                        self.note(index, -INFINITY, "own-container", launcher.configured_as())
            return
        relations.order(
            launcher, "start", self, "start", FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
        )
        relations.order(self, "stop", launcher, "stop", THEN_IMPLIES_FIRST)
        # A bundle's connection should be near its container, a guest's must be where the guest is.
        score = 10_000 if self.remote_nesting_allowed else INFINITY
        colocations.add(state, Colocation("#resource-with-container", self, launcher, score))

    # ---- graph -----------------------------------------------------------------------------------

    def graph_meta(self, attributes: dict[str, str]) -> None:
        """The number of an instance, and what carries it."""
        if "clone" in self.meta:
            attributes["CRM_meta_clone"] = self.meta["clone"]
        if "remote-node" in self.meta:
            attributes["CRM_meta_remote_node"] = self.meta["remote-node"]
        current: Resource | None = self
        while current is not None:
            if current.launcher is not None:
                attributes["CRM_meta_container"] = current.launcher.id
            current = current.parent
        if "external-ip" in self.meta:
            attributes["pcmk_external_ip"] = self.meta["external-ip"]

    def take_into_graph(self) -> None:
        """Take its vertices into the graph, newest first."""
        for vertex in reversed(self.vertices):
            graph.take(vertex)

    def shutdown_lock(self) -> None:
        """Keep it on a node that is shutting down, so that it comes back there."""
        locations.apply_shutdown_lock(self)


def _avoid_remote_nodes(resource: Resource) -> None:
    nodes = resource.state.nodes_by_index
    for index in resource.scores:
        if nodes[index].remote is not None:
            resource.scores[index] = -INFINITY
            if resource.state.traced:
                resource.note(index, -INFINITY, "no-remote", resource.configured_as())

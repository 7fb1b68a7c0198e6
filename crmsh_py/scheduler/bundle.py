"""A bundle: containers, each with an address, and maybe a resource that runs inside all of them.

Every replica is a container with what belongs to it. The resource inside is a clone whose instances
run on the guest nodes that the containers are.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import (
    bundle_parts,
    colocations,
    digests,
    failcounts,
    instances,
    locations,
    placement,
    promotable,
    relations,
    utilization,
    vertices,
)
from crmsh_py.scheduler.bundle_parts import Layout, Mount, Replica
from crmsh_py.scheduler.clone import Clone
from crmsh_py.scheduler.connections import connection_element
from crmsh_py.scheduler.contributions import replaced, table
from crmsh_py.scheduler.model import (
    BUNDLE,
    FIRST_IMPLIES_THEN_GRAPHED,
    GROUP,
    GUEST_ALLOWED,
    IF_ON_SAME_NODE,
    MOST_INSTANCES,
    NESTED_REMOTE_PROBE,
    ORDERED,
    PROBE_EXCLUSIVE,
    PROBE_NEVER,
    PROMOTED,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNKNOWN,
    UNPROMOTED,
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
    from crmsh_py.scheduler.resource import Maker
    from crmsh_py.scheduler.state import State


class Bundle(Resource):
    """A set of equal containers."""

    kind = BUNDLE

    def __init__(
        self, state: State, id_: str, xml_id: str, element: Element, parent: Resource | None
    ) -> None:
        super().__init__(state, id_, xml_id, element, parent)
        self.replicas: list[Replica] = []
        self.child: Resource | None = None
        self.layout = Layout(id_, "")

    # ---- reading ---------------------------------------------------------------------------------

    def unpack(self, instance: int | None, make: Maker) -> bool:
        """Read the containers' description and make the replicas."""
        if not self._read_container():
            return False
        self._read_network()
        self._read_storage()
        layout = self.layout
        primitive = self.element.find("primitive")
        if primitive is not None:
            if not layout.reachable:
                self.state.error(
                    "pe__unpack_bundle",
                    f"Cannot control {self.id} inside {primitive.id} without either "
                    "ip-range-start or control-port",
                )
                return False
            if layout.control_port and not layout.ip_range_start and layout.per_host > 1:
                self.state.error(
                    "valid_network",
                    f"Specifying the 'control-port' for {self.id} requires 'replicas-per-host=1'",
                )
                layout.per_host = 1
            element = bundle_parts.clone_element(layout, primitive)
            self.child = make(self.state, element, self, None)
            if self.child is None:
                return False
            layout.add_implied()
        self._make_replicas()
        for replica in self.replicas:
            self._make_parts(replica, make)
            if replica.child is not None:
                container = replica.container
                container.utilization, replica.child.utilization = replica.child.utilization, {}
        if self.child is not None:
            self.children.append(self.child)
        return True

    def _read_container(self) -> bool:
        found = self.element.find("docker") or self.element.find("podman")
        if found is None:
            return False
        get = found.attrs.get
        layout = self.layout
        layout.agent = found.tag
        layout.image = found.get("image")
        layout.promoted_max = max(0, whole_number(get("promoted-max", get("masters"))))
        replicas = get("replicas")
        if replicas is None and layout.promoted_max > 0:
            layout.replicas = layout.promoted_max
        else:
            layout.replicas = max(1, whole_number(replicas, 1))
        layout.replicas = min(layout.replicas, MOST_INSTANCES)
        layout.per_host = max(1, whole_number(get("replicas-per-host"), 1))
        if layout.per_host == 1:
            self.unique = False
        layout.command = get("run-command")
        layout.options = get("options")
        layout.network = get("network")
        return True

    def _read_network(self) -> None:
        found = self.element.find("network")
        if found is None:
            return
        get = found.attrs.get
        layout = self.layout
        layout.ip_range_start = get("ip-range-start")
        layout.netmask = get("host-netmask")
        layout.interface = get("host-interface")
        layout.control_port = get("control-port")
        layout.add_host = parse_boolean(get("add-host")) is not False
        for mapping in found.findall("port-mapping"):
            port = mapping.attrs.get("port")
            outside = port if port is not None else mapping.attrs.get("range")
            within = mapping.attrs.get("internal-port") if port is not None else None
            if outside:
                layout.ports.append((outside, within or outside))
            else:
                self.state.error("pe__unpack_bundle", f"Invalid port directive {mapping.id}")

    def _read_storage(self) -> None:
        found = self.element.find("storage")
        for mapping in found.findall("storage-mapping") if found is not None else ():
            get = mapping.attrs.get
            source, target = get("source-dir"), get("target-dir")
            subdir = source is None
            source = source or get("source-dir-root")
            if source and target:
                self.layout.mounts.append(Mount(source, target, get("options"), subdir))
            else:
                self.state.error("pe__unpack_bundle", f"Invalid mount directive {mapping.id}")

    def _make_replicas(self) -> None:
        layout = self.layout
        children: list[Resource | None] = (
            list(self.child.children) if self.child is not None else [None] * layout.replicas
        )
        target: str | None = None
        for offset, child in enumerate(children):
            if child is not None:
                child.exclusive_probes = True
                if child.notify and self.child is not None:
                    self.child.notify = True
                target = child.meta.get("container-attribute-target")
            self.replicas.append(Replica(offset, child, layout.next_address(offset)))
        if target is not None and self.child is not None:
            self.meta["container-attribute-target"] = target
            self.child.meta["container-attribute-target"] = target

    def _make_parts(self, replica: Replica, make: Maker) -> None:
        container = make(
            self.state,
            bundle_parts.container_element(
                self.layout,
                replica.offset,
                replica.address,
                has_child=replica.child is not None,
            ),
            self,
            None,
        )
        assert container is not None
        replica.container = container
        container.replica_container = True
        container.contents = replica.child
        self.children.append(container)
        if replica.address is not None and self.layout.ip_range_start is not None:
            replica.ip = make(
                self.state,
                bundle_parts.address_element(self.layout, replica.offset, replica.address),
                self,
                None,
            )
            if replica.ip is not None:
                self.children.append(replica.ip)
        if replica.child is not None and self.layout.reachable:
            self._make_connection(replica, replica.child, make)
            if replica.address is not None:
                replica.child.meta["external-ip"] = replica.address
        if replica.remote is not None:
            replica.remote.remote_nesting_allowed = True

    def _make_connection(self, replica: Replica, child: Resource, make: Maker) -> None:
        state = self.state
        name = f"{self.id}-{replica.offset}"
        if name in state.by_id:
            name = f"pcmk-internal-{child.id}-remote-{replica.offset}"
        element = connection_element(
            name,
            container=replica.container.id,
            server=replica.address or "#uname",
            port=self.layout.control_port or bundle_parts.REMOTE_PORT,
        )
        node = state.node_named(name)
        if node is None:
            node = state.add_node(name, name, remote=True, score=-INFINITY)
        state.set_apart(node)
        for resource in state.resources:
            _disallow(resource, node, self.xml_id)
        replica.node = node
        child.scores = table({node.index: 500}, traced=state.traced)
        replaced(child.scores, node.index, "own-container", self.xml_id)
        child.probe_modes = {node.index: PROBE_EXCLUSIVE}
        child.counts = {}
        if child.parent is not None:
            child.parent.scores[node.index] = -INFINITY
            replaced(child.parent.scores, node.index, "own-container", self.xml_id)
            child.parent.probe_modes[node.index] = PROBE_EXCLUSIVE
        replica.remote = make(state, element, self, None)
        if replica.remote is None:
            return
        for index in replica.remote.scores:
            if state.nodes_by_index[index].is_remote_kind:
                replica.remote.scores[index] = -INFINITY
                replica.remote.note(index, -INFINITY, "no-remote", self.xml_id)
        node.remote = replica.remote
        replica.remote.launcher = replica.container
        node.attrs["#kind"] = "container"
        self.children.append(replica.remote)

    # ---- state -----------------------------------------------------------------------------------

    def active(self, *, all_: bool) -> bool:
        """Whether all parts, or any, are active."""
        for replica in self.replicas:
            for part in replica.parts():
                if part.active(all_=all_) != all_:
                    return not all_
        return all_

    def role(self, *, current: bool) -> int:
        """A bundle as a whole has no role."""
        return UNKNOWN

    def max_per_node(self) -> int:
        """replicas-per-host."""
        return self.layout.per_host

    def active_node(self) -> tuple[Node | None, int, int]:
        """Where its containers are."""
        chosen: Node | None = None
        found: list[Node] = []
        for replica in self.replicas:
            for node in replica.container.active_nodes:
                if node not in found:
                    found.append(node)
                    chosen = self.better_active(node, chosen)
        return chosen, len(found), sum(node.online and not node.unclean for node in found)

    def instances(self) -> list[Resource]:
        """Its containers."""
        return [replica.container for replica in self.replicas]

    def replica_on(self, node: Node) -> Resource | None:
        """What runs inside the container that a node is."""
        return next((r.child for r in self.replicas if r.node is node), None)

    def count(self) -> None:
        """Count all parts."""
        for replica in self.replicas:
            for part in replica.parts():
                part.count()

    # ---- assignment ------------------------------------------------------------------------------

    def assign(self, prefer: Node | None, *, stop_if_fail: bool) -> Node | None:
        """The containers first, then what belongs to each, then the roles of what is inside."""
        self.assigning = True
        show_scores(self.state, self, "pcmk__bundle_assign")
        containers = sorted(
            (replica.container for replica in self.replicas), key=instances.by_preference
        )
        instances.assign_all(self, containers, self.layout.replicas, self.layout.per_host)
        for replica in self.replicas:
            self._assign_replica(replica, prefer, stop_if_fail=stop_if_fail)
        if self.child is not None:
            own = {replica.node.index for replica in self.replicas if replica.node is not None}
            for index in self.child.scores:
                self.child.scores[index] = 0 if index in own else -INFINITY
                replaced(self.child.scores, index, "own-container", self.xml_id)
            self.child.assign(prefer, stop_if_fail=stop_if_fail)
        self.assigning = self.unassigned = False
        return None

    def _assign_replica(self, replica: Replica, prefer: Node | None, *, stop_if_fail: bool) -> None:
        if replica.ip is not None:
            replica.ip.assign(prefer, stop_if_fail=stop_if_fail)
        host = replica.container.assigned
        if replica.remote is not None:
            if host is not None and host.is_remote_kind and host.remote is not None:
                # The connection of a container on a remote node is made where that node's is.
                colocations.add(
                    self.state,
                    Colocation(
                        "#replica-remote-with-host-remote", replica.remote, host.remote, INFINITY
                    ),
                )
            replica.remote.assign(prefer, stop_if_fail=stop_if_fail)
        child = replica.child
        if child is None:
            return
        for index in child.scores:
            node = self.state.nodes_by_index[index]
            if node is not replica.node:
                child.scores[index] = -INFINITY
                replaced(child.scores, index, "own-container", self.xml_id)
            elif failcounts.reached(child, node) is None:
                child.scores[index] = INFINITY
                replaced(child.scores, index, "own-container", self.xml_id)
        assert child.parent is not None
        child.parent.assigning = True
        child.assign(replica.node, stop_if_fail=stop_if_fail)
        child.parent.assigning = False

    def _container_for(self, dependent: Resource) -> Resource | None:
        """The container that is on the node of another resource."""
        node = _host(dependent.location(current=False))
        if node is not None:
            hosts = [node]
        else:
            spots = placement.sorted_nodes(self.state, placement.scored_nodes(dependent), None)
            hosts = [host for spot in spots if (host := _host(spot[0])) is not None]
        for host in hosts:
            for replica in self.replicas:
                if instances.matches(replica.container, host, UNKNOWN, None, current=False):
                    return replica.container
        return None

    def lead(self, dependent: Resource, colocation: Colocation) -> int:
        """Others follow the container on their node, or all containers."""
        if self.unassigned:
            return 0
        if colocation.dependent.kind > GROUP:
            partner = self._container_for(dependent)
            if partner is not None:
                return dependent.follow(partner, colocation)
            if colocation.score >= INFINITY:
                placement.give(dependent, None, 0, force=True, stop_if_fail=True)
            return 0
        delta = 0
        spots: list[tuple[Node, int]] = []
        for replica in self.replicas:
            container = replica.container
            if colocation.score < INFINITY:
                delta = add_scores(delta, container.lead(dependent, colocation))
                continue
            found = container.assigned_locations()
            if len(found) != 1 or container.any_below("blocked"):
                continue
            if colocation.primary_role >= PROMOTED and (
                replica.child is None or replica.child.next_role < PROMOTED
            ):
                continue
            spots.insert(0, found[0])
        if colocation.score >= INFINITY:
            colocations.intersect(dependent, spots, colocation, merge_scores=False)
        return delta

    def colocated_with(self, origin: Resource | None, found: list[Resource]) -> None:
        """Collect what must run with it."""
        utilization.colocated(self, origin, found)

    def _concerns(self, origin: Resource) -> bool:
        """Whether the bundle's colocations are about one of its parts."""
        if origin is self or origin.replica_container:
            return True
        child = self.child
        if not isinstance(child, Clone) or not child.promotable or origin.topmost() is not child:
            return False
        if origin is child:
            return child.promotion_constrained
        return not origin.unassigned

    def collect_with_this(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern its containers; once those are placed, the roles inside."""
        if self._concerns(origin):
            colocations.extend(found, self.with_this, by_dependent=True)

    def collect_this_with(self, origin: Resource, found: list[Colocation]) -> None:
        """They concern its containers; once those are placed, the roles inside."""
        if self._concerns(origin):
            colocations.extend(found, self.this_with, by_dependent=False)

    def apply_location(self, location: Location) -> None:
        """The scores of the containers and their addresses; those of roles are for the inside."""
        locations.apply(self, location)
        for replica in self.replicas:
            replica.container.apply_location(location)
            if replica.ip is not None:
                replica.ip.apply_location(location)
        if self.child is not None and location.role in {UNPROMOTED, PROMOTED}:
            self.child.apply_location(location)
            self.child.locations.append(location)

    def add_utilization(
        self, origin: Resource, among: list[Resource], total: dict[str, int]
    ) -> None:
        """What one container uses."""
        if self.unassigned and self.replicas:
            self.replicas[0].container.add_utilization(origin, among, total)

    # ---- vertices --------------------------------------------------------------------------------

    def create_vertices(self) -> None:
        """The vertices of all parts, and the points around the containers."""
        for replica in self.replicas:
            for part in (replica.ip, replica.container, replica.remote):
                if part is not None:
                    part.create_vertices()
        instances.create_vertices(self, [replica.container for replica in self.replicas])
        if self.child is None:
            return
        self.child.create_vertices()
        if self.child.promotable:
            for task in ("promote", "promoted", "demote", "demoted"):
                vertex = vertices.pseudo_for(self, task, optional=True, runnable=True)
                if task.endswith("d"):
                    vertex.priority = INFINITY

    def create_probe(self, node: Node) -> bool:
        """Probe all parts of all replicas."""
        made = False
        for replica in self.replicas:
            if replica.ip is not None:
                made = replica.ip.create_probe(node) or made
            if replica.child is not None and node is replica.node:
                made = replica.child.create_probe(node) or made
            if replica.container.create_probe(node):
                made = True
                if self.layout.per_host == 1:
                    # A container must not start where another replica is found running.
                    for other in self.replicas:
                        if other is not replica:
                            relations.order(
                                replica.container,
                                "monitor",
                                other.container,
                                "start",
                                ORDERED | IF_ON_SAME_NODE,
                            )
            remote = replica.remote
            if remote is not None and remote.create_probe(node):
                probes = remote.exact_vertices(f"{remote.id}_monitor_0", node)
                if probes:
                    made = True
                    relations.before_vertex(
                        replica.container, "start", probes[-1], NESTED_REMOTE_PROBE
                    )
        return made

    def internal_constraints(self) -> None:
        """Address before container before connection; and the points around all."""
        for replica in self.replicas:
            self._constrain(replica)
        child = self.child
        if child is None:
            return
        relations.order(self, "start", child, "start", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(child, "running", self, "running", FIRST_IMPLIES_THEN_GRAPHED)
        relations.order(self, "stop", child, "stop", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(child, "stopped", self, "stopped", FIRST_IMPLIES_THEN_GRAPHED)
        child.internal_constraints()
        if not child.promotable:
            return
        promotable.restart_order(self)
        relations.order(self, "demote", child, "demote", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(child, "demoted", self, "demoted", FIRST_IMPLIES_THEN_GRAPHED)
        relations.order(self, "promote", child, "promote", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(child, "promoted", self, "promoted", FIRST_IMPLIES_THEN_GRAPHED)

    def _constrain(self, replica: Replica) -> None:
        container = replica.container
        container.internal_constraints()
        relations.order_starts(
            self, container, UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED
        )
        if replica.child is not None:
            relations.order_stops(self, replica.child, THEN_IMPLIES_FIRST_GRAPHED)
        relations.order_stops(self, container, THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(container, "start", self, "running", FIRST_IMPLIES_THEN_GRAPHED)
        relations.order(container, "stop", self, "stopped", FIRST_IMPLIES_THEN_GRAPHED)
        if replica.ip is not None:
            replica.ip.internal_constraints()
            relations.order_starts(replica.ip, container, UNRUNNABLE_FIRST_BLOCKS | GUEST_ALLOWED)
            relations.order_stops(container, replica.ip, THEN_IMPLIES_FIRST | GUEST_ALLOWED)
            colocations.add(
                self.state, Colocation("#ip-with-container", replica.ip, container, INFINITY)
            )
        if replica.remote is not None:
            replica.remote.internal_constraints()

    # ---- orders and graph ------------------------------------------------------------------------

    def vertex_flags(self, vertex: Vertex, node: Node | None) -> int:
        """As the containers' vertices make them; for roles, as those inside do."""
        if self.child is not None and vertex.task in {
            "notify", "notified", "promote", "promoted", "demote", "demoted",
        }:  # fmt: skip
            return instances.collective_flags(vertex, self.child.children, node)
        return instances.collective_flags(
            vertex, [replica.container for replica in self.replicas], node
        )

    def update_ordered(  # noqa: PLR0917
        self, first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
    ) -> int:
        """Let an order act on the whole or container by container."""
        return instances.update_ordered(first, then, node, flags, filter_, type_)

    def take_into_graph(self) -> None:
        """Take the vertices of all parts into the graph."""
        if self.child is not None:
            self.child.take_into_graph()
        for replica in self.replicas:
            if replica.remote is not None:
                address = digests.remote_address(replica.remote)
                if address is not None:
                    replica.remote.parameters(None)["addr"] = address
            for part in (replica.ip, replica.container, replica.remote):
                if part is not None:
                    part.take_into_graph()

    def in_summary(self) -> Iterator[Resource]:
        """Replica by replica."""
        for replica in self.replicas:
            for part in (replica.ip, replica.container, replica.remote, replica.child):
                if part is not None:
                    yield from part.in_summary()


def _disallow(resource: Resource, node: Node, bundle_id: str) -> None:
    if node.index in resource.scores:
        resource.scores[node.index] = -INFINITY
        resource.note(node.index, -INFINITY, "guest-node", bundle_id)
        resource.probe_modes[node.index] = PROBE_NEVER
    for child in resource.children:
        _disallow(child, node, bundle_id)


def _host(node: Node | None) -> Node | None:
    """The node that a container runs on, for the guest node that it is."""
    launcher = node.launcher if node is not None else None
    if (
        launcher is not None
        and node is not None
        and node.remote is not None
        and (node.remote.bundled)
    ):
        return launcher.location(current=False)
    return node

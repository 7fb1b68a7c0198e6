"""Fencing of nodes: whether it can be done, and asking for it; and unfencing.

Rules: a node can be fenced where fencing is enabled, a device exists, and this partition has
quorum (or need not have it); a guest is fenced by stopping what carries it (Pacemaker Explained,
"Fencing"; Pacemaker Remote).
"""

from __future__ import annotations

from crmsh_py.scheduler import digests
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_SAME_NODE_THEN,
    IF_ON_SAME_NODE,
    OPTIONAL,
    ORDERED,
    Node,
    Relation,
    Vertex,
    join,
)
from crmsh_py.scheduler.points import cluster_vertex
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def can_fence(state: State, node: Node | None) -> bool:
    """Whether a node can be fenced from here."""
    launcher = node.launcher if node is not None else None
    if launcher is not None:
        return all(host.online or can_fence(state, host) for host in launcher.active_nodes)
    if not state.settings.fencing_enabled or not state.have_fencing:
        return False
    if state.quorate or state.settings.no_quorum_policy == "ignore":
        return True
    if node is None or not node.online:
        return False
    if (
        node.is_remote_kind
        and node.remote is not None
        and not state.settings.fence_remote_without_quorum
    ):
        return all(state.nodes_by_index[index].online for index in node.remote.scores)
    return True


def fence_node(state: State, node: Node, reason: str, *, priority_delay: bool = False) -> None:
    """Mark a node as lost, and have it fenced if that is possible."""
    remote = node.remote
    launcher = node.launcher
    if launcher is not None:
        if not launcher.failed and launcher.managed:
            state.warn(
                "pe_fence_node",
                f"Guest node {node.name} will be fenced (by recovering its guest resource "
                f"{launcher.id}): {reason}",
            )
            node.remote_reset = True
            launcher.failed = launcher.stop_if_failed = True
            state.because("guest-lost", launcher.id, value=f"{node.name}: {reason}")
    elif node.is_remote_kind and remote is not None and remote.removed_launched:
        remote.failed = remote.stop_if_failed = True
    elif node.is_remote:
        if (remote is None or remote.managed) and not node.remote_reset:
            node.remote_reset = True
            fate = "will be fenced" if can_fence(state, node) else "is unclean"
            state.warn("pe_fence_node", f"Remote node {node.name} {fate}: {reason}")
        node.unclean = True
        fence_vertex(state, node, None, optional=True, reason=reason)
    elif not node.unclean:
        fate = "will be fenced" if can_fence(state, node) else "is unclean"
        state.warn("pe_fence_node", f"Cluster node {node.name} {fate}: {reason}")
        state.because("node-unclean", node.name, value=reason)
        node.unclean = True
        fence_vertex(state, node, None, optional=True, reason=reason, priority_delay=priority_delay)


def fence_vertex(
    state: State,
    node: Node,
    action: str | None,
    *,
    optional: bool,
    reason: str | None = None,
    priority_delay: bool = False,
) -> Vertex:
    """The vertex that fences (or, with ``on``, unfences) a node; one per node and action."""
    action = action or state.settings.fencing_action
    key = f"stonith-{node.name}-{action}"
    vertex = state.singletons.get(key)
    if vertex is None:
        vertex = cluster_vertex(state, key, "stonith", node, optional=True)
        vertex.meta["on_node"] = node.name
        vertex.meta["on_node_uuid"] = node.id
        vertex.meta["stonith_action"] = action
        if state.enable_unfencing:
            optional = _add_unfencing_digests(state, node, vertex) and optional
    if state.settings.priority_fencing_ms and (
        priority_delay or "priority-fencing-delay" in vertex.meta
    ):
        vertex.meta["priority-fencing-delay"] = str(_priority_delay_s(state, node))
    if not optional and can_fence(state, node):
        vertex.flags &= ~OPTIONAL
        vertex.set_reason(reason)
    elif reason is not None:
        vertex.set_reason(reason)
    return vertex


def _unfencing_devices(resources: list[Resource], found: list[Resource]) -> list[Resource]:
    for resource in resources:
        if resource.children:
            _unfencing_devices(resource.children, found)
        elif resource.fence_device and (
            resource.needs_unfencing or resource.meta.get("provides", "").lower() == "unfencing"
        ):
            found.append(resource)
    return found


def _add_unfencing_digests(state: State, node: Node, vertex: Vertex) -> bool:
    """Add what the devices were when the node was unfenced; False if one has changed since."""
    every = secure = ""
    unchanged = True
    for device in reversed(_unfencing_devices(state.resources, [])):
        agent = device.meta.get("type", "")
        found = digests.for_unfencing(state, device, agent, node)
        if found.changed:
            unchanged = False
            state.notice(
                "unfencing",
                f"Unfencing node {node.name} because the definition of {device.id} changed",
            )
        every += f"{device.id}:{agent}:{found.all},"
        secure += f"{device.id}:{agent}:{found.secure},"
    vertex.meta["digests-all"] = every
    vertex.meta["digests-secure"] = secure
    return unchanged


def _priority_delay_s(state: State, node: Node) -> int:
    """How long fencing waits for the side that matters more, in seconds."""
    if node.is_remote_kind or node.online:
        return 0
    members = [each for each in state.nodes if not each.is_remote_kind]
    priorities = [each.priority for each in members]
    if sum(each.online for each in members) > len(members) // 2:
        return 0
    if min(priorities) == max(priorities) or node.priority < max(priorities):
        return 0
    return -(-state.settings.priority_fencing_ms // 1000)


# ---- unfencing -----------------------------------------------------------------------------------


def is_unfenced(node: Node) -> bool:
    """Whether the node has been allowed back."""
    return node.attrs.get("#node-unfenced", "0") != "0"


def order_unfencing(resource: Resource, node: Node, vertex: Vertex, flags: int) -> None:
    """Let an action wait until its node has been unfenced, where that is needed."""
    state = resource.state
    if not ((resource.fence_device and state.enable_unfencing) or resource.needs_unfencing):
        return
    join(fence_vertex(state, node, "on", optional=True), vertex, flags)
    if not is_unfenced(node):
        trigger_unfencing(state, None, node, f"required by {resource.id} {vertex.task}")


def trigger_unfencing(
    state: State, resource: Resource | None, node: Node | None, reason: str
) -> None:
    """Have a node (or, without one, all nodes of a device) unfenced anew."""
    if not state.enable_unfencing or (resource is not None and not resource.fence_device):
        return
    if node is not None and node.online and not node.unclean and not node.shutdown:
        fence_vertex(state, node, "on", optional=False, reason=reason)
    elif resource is not None:
        for index in list(resource.scores):
            other = state.nodes_by_index[index]
            if other.online and not other.unclean and not other.shutdown:
                trigger_unfencing(state, resource, other, reason)


def order_restart_vs_unfencing(resource: Resource, node: Node) -> None:
    """A resource that needs unfencing restarts around it."""
    state = resource.state
    unfence = fence_vertex(state, node, "on", optional=True)
    before = Relation(ORDERED | IF_ON_SAME_NODE)
    before.first_resource, before.first_task = resource, "stop"
    before.first_key = f"{resource.id}_stop_0"
    before.then, before.then_key = unfence, unfence.key
    after = Relation(FIRST_IMPLIES_SAME_NODE_THEN | IF_ON_SAME_NODE)
    after.first, after.first_key = unfence, unfence.key
    after.then_resource, after.then_task = resource, "start"
    after.then_key = f"{resource.id}_start_0"
    state.relations += [before, after]

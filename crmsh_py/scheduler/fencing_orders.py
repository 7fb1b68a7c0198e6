"""What waits for a fencing: starts elsewhere; and the stops that the fencing itself does."""

from __future__ import annotations

from crmsh_py.scheduler import fencing, notifications
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    NEEDS_FENCING,
    NEEDS_QUORUM,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    UNRUNNABLE_FIRST_BLOCKS,
    Node,
    Vertex,
    join,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def order_all(state: State, fence: Vertex) -> None:
    """Let what depends on a node's death wait for it."""
    for resource in state.resources:
        for leaf in resource.leaves():
            if leaf.managed:
                _order_starts(leaf, fence)
                _order_stops(leaf, fence)


def _known_on(resource: Resource, node: Node) -> bool:
    if node.index in resource.probed:
        return True
    parent = resource.parent
    return (
        resource.is_primitive
        and parent is not None
        and parent.is_anonymous_clone
        and node.index in parent.probed
    )


def _leads_to_probes(connection: Resource, guest: Node) -> bool:
    """Whether a guest's container is to be looked for where a connection leads.

    The guest's fence waits for the container's stop, and that for the probes: were the connection
    to wait for the fence, nothing could ever begin.
    """
    launcher = guest.launcher
    if launcher is None or not connection.is_remote_connection:
        return False
    probes = launcher.find_vertices(f"{launcher.id}_monitor_0")
    return any(probe.node is not None and probe.node.remote is connection for probe in probes)


def _order_starts(resource: Resource, fence: Vertex) -> None:
    target = fence.node
    assert target is not None
    for vertex in reversed(resource.vertices):
        if vertex.needs == NEEDS_FENCING:
            join(fence, vertex, ORDERED)
        elif (
            vertex.needs == NEEDS_QUORUM
            and vertex.task == "start"
            and target.index in resource.scores
            and not _leads_to_probes(resource, target)
            and not _known_on(resource, target)
        ):
            join(fence, vertex, ORDERED | UNRUNNABLE_FIRST_BLOCKS)


def _order_stops(resource: Resource, fence: Vertex) -> None:
    """A stop on a fenced node is done by the fencing itself."""
    target = fence.node
    assert target is not None
    stops = resource.find_vertices(f"{resource.id}_stop_0", target)
    implied = resource.needs_fencing or target.is_guest
    parent_stop = resource.topmost().newest_vertex("stop") if stops and implied else None
    for vertex in stops:
        vertex.flags |= PSEUDO | RUNNABLE
        if implied:
            if not resource.bundled:
                join(fence, vertex, GUEST_ALLOWED)
            join(fence, parent_stop, GUEST_ALLOWED)
        if resource.notify:
            notifications.order_after_fencing(vertex, resource, fence)
    for vertex in resource.find_vertices(f"{resource.id}_demote_0", target):
        node = vertex.node
        if node is None or not node.online or node.unclean or resource.failed:
            vertex.flags |= PSEUDO | RUNNABLE
            if not resource.bundled and implied:
                join(fence, vertex, GUEST_ALLOWED | ORDERED)


def fence_guest(state: State, node: Node) -> None:
    """Fence a guest: a point in the order, since stopping its carrier is what does it."""
    launcher = node.launcher
    assert node.remote is not None
    stop = None
    action = "off"
    if launcher is not None:
        stop = launcher.newest_vertex("stop")
        if launcher.newest_vertex("start") is not None:
            action = "reboot"
    fence = fencing.fence_vertex(state, node, action, optional=False, reason="guest is unclean")
    fence.flags |= PSEUDO | RUNNABLE
    if stop is not None and stop.flags & PSEUDO and stop.node is not None:
        parent = fencing.fence_vertex(state, stop.node, None, optional=False)
        join(parent, fence, UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN)
    elif stop is not None:
        join(stop, fence, UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN)
    else:
        join(node.remote.newest_vertex("stop"), fence, ORDERED)
    order_all(state, fence)

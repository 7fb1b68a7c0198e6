"""Fencing of lost nodes, and the orderly shutdown of those that want to leave.

Other nodes go first: the controller's own node is fenced or shut down last.
"""

from __future__ import annotations

from crmsh_py.scheduler import fencing, fencing_orders, relations
from crmsh_py.scheduler.model import (
    OPTIONAL,
    ORDERED,
    UNRUNNABLE_FIRST_BLOCKS,
    Node,
    Vertex,
    join,
)
from crmsh_py.scheduler.points import cluster_vertex
from crmsh_py.scheduler.state import State


def schedule(state: State) -> None:
    """Schedule all fencings and shutdowns."""
    any_managed = any(
        leaf.managed or resource.managed
        for resource in state.resources
        for leaf in resource.leaves()
    )
    dc_down: Vertex | None = None
    fences: list[Vertex] = []
    downs: list[Vertex] = []
    integrity_lost = False
    for node in state.nodes:
        if node.is_guest:
            if node.remote_reset and any_managed and fencing.can_fence(state, node):
                fencing_orders.fence_guest(state, node)
            continue
        fence: Vertex | None = None
        if any_managed and node.unclean and fencing.can_fence(state, node):
            fence = fencing.fence_vertex(
                state, node, None, optional=False, reason="node is unclean"
            )
            state.warn("stage6", f"Scheduling node {node.name} for fencing")
            fencing_orders.order_all(state, fence)
            if node is state.dc:
                dc_down = fence
            else:
                if not state.settings.concurrent_fencing and fences:
                    join(fences[0], fence, ORDERED)
                fences.insert(0, fence)
        elif not node.is_remote_kind and node.online and node.shutdown:
            down = _shut_down(state, node)
            if node is state.dc:
                dc_down = down
            else:
                downs.insert(0, down)
        if fence is None and node.unclean:
            integrity_lost = True
            state.warn("stage6", f"Node {node.name} is unclean but cannot be fenced")
    if integrity_lost and not state.settings.fencing_enabled:
        state.warn(
            "stage6",
            "Resource functionality and data integrity cannot be guaranteed (configure, enable, "
            "and test fencing to correct this)",
        )
    if dc_down is not None:
        if dc_down.task == "do_shutdown":
            for down in downs:
                join(down, dc_down, ORDERED)
        for fence in fences if state.settings.concurrent_fencing else fences[:1]:
            join(fence, dc_down, ORDERED)


def _shut_down(state: State, node: Node) -> Vertex:
    vertex = cluster_vertex(state, f"do_shutdown-{node.name}", "do_shutdown", node, optional=False)
    for stop in reversed(state.vertices):
        resource = stop.resource
        if stop.node is not node or stop.task != "stop" or resource is None:
            continue
        if resource.maintenance or node.maintenance:
            continue
        if not resource.managed and not resource.blocked:
            continue
        stop.flags &= ~OPTIONAL
        relations.between(state, stop, vertex, ORDERED | UNRUNNABLE_FIRST_BLOCKS)
    vertex.meta["op_no_wait"] = "true"
    return vertex

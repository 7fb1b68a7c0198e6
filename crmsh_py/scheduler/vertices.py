"""Making vertices: one per action, resource and node, found again when asked for twice.

Rules: an action is optional until something requires it; it can run where its node can run
anything, and, if it starts or promotes, where quorum (or the policy without quorum) lets it.
"""

from __future__ import annotations

from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import attribute_sets, fencing, operations
from crmsh_py.scheduler.model import (
    EXTRA_DONE,
    NEEDS_NOTHING,
    ON_DC,
    OPTIONAL,
    PROMOTED,
    PSEUDO,
    RUNNABLE,
    UNPROMOTED,
    Node,
    Vertex,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def key_for(resource_id: str, task: str, every_ms: int = 0) -> str:
    """The operation key: ``ClusterIP_monitor_30000``."""
    return f"{resource_id}_{task}_{every_ms}"


def notify_key(resource_id: str, kind: str, task: str) -> str:
    """The key of a notification: ``db_pre_notify_start_0``."""
    return f"{resource_id}_{kind}_notify_{task}_0"


def vertex_for(
    resource: Resource,
    task: str,
    node: Node | None,
    *,
    optional: bool,
    every_ms: int = 0,
    key: str | None = None,
) -> Vertex:
    """The vertex of a resource's action on a node, made now if it is the first time."""
    key = key or f"{resource.id}_{task}_{every_ms}"
    known = resource.find_vertices(key, node)
    vertex = known[0] if known else None
    if vertex is None:
        vertex = _new_vertex(resource, key, task, node, optional=optional, every_ms=every_ms)
    if (
        vertex.node is not None
        and not vertex.flags & PSEUDO
        and not resource.managed
        and "interval" not in vertex.meta
    ):
        vertex.flags |= OPTIONAL
    elif not optional:
        vertex.flags &= ~OPTIONAL
    if vertex.node is not None and vertex.operation is not None and not vertex.flags & EXTRA_DONE:
        vertex.extra = {}
        attribute_sets.unpack(
            resource.state,
            vertex.operation.element,
            "instance_attributes",
            RuleContext(now=resource.state.now, node_attributes=vertex.node.attrs),
            vertex.extra,
        )
        vertex.flags |= EXTRA_DONE
    _settle_runnable(vertex, resource)
    return vertex


def _new_vertex(
    resource: Resource, key: str, task: str, node: Node | None, *, optional: bool, every_ms: int
) -> Vertex:
    state = resource.state
    vertex = Vertex(state, key, task, resource, node)
    vertex.interval_ms = every_ms
    if task == "lrm_delete":
        vertex.flags |= ON_DC
    if optional:
        vertex.flags |= OPTIONAL
    vertex.operation = operations.find(resource, task, every_ms)
    if vertex.operation is None and "_notify_" in key:
        vertex.operation = operations.find(resource, "notify", 0)
    vertex.meta = operations.meta_for(state, resource, node, task, every_ms, vertex.operation)
    vertex.needs = operations.needs(resource, task)
    resource.vertices.append(vertex)
    resource.by_key.setdefault(key, []).append(vertex)
    return vertex


def _settle_runnable(vertex: Vertex, resource: Resource) -> None:
    """Decide whether the action can be carried out at all."""
    if vertex.flags & PSEUDO:
        return
    state = resource.state
    node = vertex.node
    if node is None:
        vertex.flags &= ~RUNNABLE
        return
    on_dc = vertex.flags & ON_DC
    if not on_dc and not node.online and (not node.is_guest or node.remote_reset):
        vertex.flags &= ~RUNNABLE
        if resource.managed and vertex.task == "stop" and not node.unclean:
            fencing.fence_node(state, node, "stop is unrunnable")
    elif not on_dc and node.pending:
        vertex.flags &= ~RUNNABLE
    elif vertex.needs == NEEDS_NOTHING:
        vertex.set_reason(None, overwrite=True)
        if node.is_guest and not fencing.can_fence(state, node):
            vertex.flags &= ~RUNNABLE
        else:
            vertex.flags |= RUNNABLE
    else:
        policy = _settle_by_quorum(state, resource)
        if policy == "stop":
            vertex.flags &= ~RUNNABLE
            vertex.set_reason("no quorum", overwrite=True)
        elif policy == "freeze":
            if not resource.active(all_=True) or resource.next_role > resource.orig_role:
                vertex.flags &= ~RUNNABLE
                vertex.set_reason("quorum freeze", overwrite=True)
        else:
            vertex.flags |= RUNNABLE


def _settle_by_quorum(state: State, resource: Resource) -> str:
    """The policy that holds for a resource (ignore, stop, freeze …); may lower its next role."""
    if state.quorate:
        return "ignore"
    policy = state.settings.no_quorum_policy
    if policy != "demote":
        return policy
    if resource.orig_role in {PROMOTED, UNPROMOTED}:
        if resource.next_role > UNPROMOTED:
            resource.set_next_role(UNPROMOTED, "no-quorum-policy=demote")
        return "ignore"
    return "stop"


def start(resource: Resource, node: Node | None, *, optional: bool) -> Vertex:
    """The vertex that starts it on a node."""
    return vertex_for(resource, "start", node, optional=optional)


def stop(resource: Resource, node: Node | None, *, optional: bool) -> Vertex:
    """The vertex that stops it on a node."""
    return vertex_for(resource, "stop", node, optional=optional)


def pseudo_for(resource: Resource, task: str, *, optional: bool, runnable: bool) -> Vertex:
    """A point in the order of a group, clone or bundle."""
    vertex = vertex_for(resource, task, None, optional=optional)
    vertex.flags |= PSEUDO
    if runnable:
        vertex.flags |= RUNNABLE
    return vertex


def expect(vertex: Vertex, result: int) -> None:
    """Set the result that the action is expected to have (0 needs no saying)."""
    vertex.meta["op_target_rc"] = str(result)


def clear_failcount(resource: Resource, node: Node, why: str) -> Vertex:
    """The vertex that forgets the failures of a resource on a node."""
    vertex = vertex_for(resource, "clear_failcount", node, optional=False)
    vertex.meta["op_no_wait"] = "true"
    resource.state.because("clear-failures", resource.id, value=why)
    return vertex


def clear_history(resource: Resource, node: Node) -> Vertex:
    """The vertex that deletes the history of a resource on a node."""
    return vertex_for(resource, "lrm_delete", node, optional=False)


def cancel(resource: Resource, task: str, every_ms: int, node: Node | None) -> Vertex:
    """The vertex that ends a recurring action; an existing one for that action becomes it."""
    vertex = vertex_for(
        resource,
        "cancel",
        node,
        optional=False,
        every_ms=every_ms,
        key=key_for(resource.id, task, every_ms),
    )
    vertex.task = "cancel"
    vertex.cancel_task = task
    vertex.meta["operation"] = task
    vertex.meta["interval"] = str(every_ms)
    return vertex

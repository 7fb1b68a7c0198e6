"""Recurring operations: begun with the resource, cancelled where they do not fit any more.

An operation is for one role (any but promoted, where it names none); one for ``Stopped`` runs
where the resource is not, and expects it not to be there.
"""

from __future__ import annotations

from crmsh_py.scheduler import fencing, operations, relations, vertices
from crmsh_py.scheduler.history_entry import NOT_RUNNING, RUNNING_PROMOTED
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    OPTIONAL,
    ORDERED,
    PROMOTED,
    RESCHEDULE,
    RUNNABLE,
    STARTED,
    STOPPED,
    UNKNOWN,
    UNPROMOTED,
    UNRUNNABLE_FIRST_BLOCKS,
    Node,
    Vertex,
    join,
)
from crmsh_py.scheduler.operations import Operation
from crmsh_py.scheduler.resource import Resource

_NEVER = {
    "stop",
    "start",
    "demote",
    "promote",
    "reload-agent",
    "migrate_to",
    "migrate_from",
}


def _usable(resource: Resource, operation: Operation) -> int | None:
    """The role that a configured operation recurs for; None where it does not recur."""
    state = resource.state
    if not operation.interval_ms:
        return None
    if not operation.id:
        state.error("is_recurring_history", "Ignoring resource history entry without ID")
        return None
    if operation.name in _NEVER:
        state.error("is_recurring_history", f"Ignoring {operation.id} because {operation.name} "
                    "action cannot be recurring")  # fmt: skip
        return None
    twins = [
        other
        for other in resource.operations
        if other.name == operation.name and other.interval_ms == operation.interval_ms and other.id
    ]
    if len(twins) > 1:
        state.error(
            "is_op_dup",
            f"Operation {twins[1].id} is duplicate of {twins[0].id} (do not use same name and "
            "interval combination more than once per resource)",
        )
        return None
    role = operations.monitor_role(operation)
    if role is None:
        state.error("is_recurring_history", f"Ignoring {operation.id} role because "
                    f"{operation.role} is not a valid role")  # fmt: skip
        return None
    if operations.find(resource, operation.name, operation.interval_ms,
                       include_disabled=False) is None:  # fmt: skip
        return None
    return role


def create(resource: Resource) -> None:
    """Make the vertices of all recurring operations of a primitive."""
    if resource.blocked or resource.maintenance:
        return
    node = resource.assigned
    begin = None
    if (
        node is not None
        and not node.maintenance
        and (resource.next_role != STOPPED or not resource.managed)
    ):
        begin = vertices.start(resource, node, optional=True)
    for operation in resource.operations:
        role = _usable(resource, operation)
        if role is None:
            continue
        if begin is not None:
            _where_active(resource, begin, node, operation, role)
        if role == STOPPED and resource.unique:
            _where_inactive(resource, node, operation)


def _where_active(
    resource: Resource, begin: Vertex, node: Node | None, operation: Operation, role: int
) -> None:
    if role == STOPPED:
        return
    task, every_ms = operation.name, operation.interval_ms
    key = vertices.key_for(resource.id, task, every_ms)
    running = resource.exact_vertices(key, node)
    optional = (
        node is not None
        and bool(begin.flags & OPTIONAL)
        and bool(running)
        and not any(vertex.flags & RESCHEDULE for vertex in running)
    )
    fits = resource.next_role != PROMOTED if role == UNKNOWN else resource.next_role == role
    if not fits:
        if optional:
            _end(resource, task, every_ms, node)
        return
    vertex = vertices.vertex_for(resource, task, node, optional=optional, every_ms=every_ms)
    if not begin.flags & RUNNABLE or node is None or not node.online or node.unclean:
        vertex.flags &= ~RUNNABLE
    if resource.next_role == PROMOTED:
        vertices.expect(vertex, RUNNING_PROMOTED)
    if node is None or resource.managed:
        flags = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
        relations.before_vertex(resource, "start", vertex, flags)
        relations.before_vertex(resource, "reload-agent", vertex, flags)
        later = ORDERED | UNRUNNABLE_FIRST_BLOCKS
        if resource.next_role == PROMOTED:
            relations.before_vertex(resource, "promote", vertex, later)
        elif resource.orig_role == PROMOTED:
            relations.before_vertex(resource, "demote", vertex, later)


def _end(resource: Resource, task: str, every_ms: int, node: Node | None) -> None:
    """Cancel an operation whose role the resource is about to leave, before it does."""
    vertex = vertices.cancel(resource, task, every_ms, node)
    after = ""
    if resource.orig_role in {STARTED, UNPROMOTED}:
        if resource.next_role == PROMOTED:
            after = "promote"
        elif resource.next_role == STOPPED:
            after = "stop"
    elif resource.orig_role == PROMOTED:
        after = "demote"
    if after:
        relations.after_vertex(vertex, resource, after, UNRUNNABLE_FIRST_BLOCKS)


def _where_inactive(resource: Resource, node: Node | None, operation: Operation) -> None:
    task, every_ms = operation.name, operation.interval_ms
    key = vertices.key_for(resource.id, task, every_ms)
    for other in resource.state.nodes:
        if node is not None and other is node:
            if resource.exact_vertices(key, node):
                ending = vertices.cancel(resource, task, every_ms, node)
                if resource.next_role in {STARTED, UNPROMOTED}:
                    relations.after_vertex(ending, resource, "start", UNRUNNABLE_FIRST_BLOCKS)
            continue
        known = bool(resource.exact_vertices(key, other))
        vertex = vertices.vertex_for(resource, task, other, optional=known, every_ms=every_ms)
        vertices.expect(vertex, NOT_RUNNING)
        if resource.managed:
            for probe in resource.find_vertices(f"{resource.id}_monitor_0", other):
                join(probe, vertex, UNRUNNABLE_FIRST_BLOCKS)
        for ending in resource.exact_vertices(f"{resource.id}_stop_0", other):
            if not ending.flags & OPTIONAL and not vertex.flags & OPTIONAL and not resource.managed:
                vertex.flags |= OPTIONAL
            if not ending.flags & RUNNABLE:
                vertex.flags &= ~RUNNABLE
            if resource.managed:
                relations.between(
                    resource.state, ending, vertex, FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
                )
        if not other.online or other.unclean:
            vertex.flags &= ~RUNNABLE


def schedule_cancel(  # noqa: PLR0917
    resource: Resource, call_id: str, task: str, every_ms: int, node: Node, why: str
) -> None:
    """Cancel a recurring action that should not run any more."""
    vertex = vertices.cancel(resource, task, every_ms, node)
    vertex.meta["call-id"] = call_id
    resource.state.because("cancel", resource.id, value=why)
    relations.before_vertex(resource, "stop", vertex, ORDERED)


def reschedule(resource: Resource, task: str, every_ms: int, node: Node) -> None:
    """Let a recurring action begin anew with changed parameters."""
    fencing.trigger_unfencing(
        resource.state, resource, node, "Device parameters changed (reschedule)"
    )
    vertex = vertices.vertex_for(resource, task, node, optional=True, every_ms=every_ms)
    vertex.flags |= RESCHEDULE

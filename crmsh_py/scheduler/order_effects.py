"""What an edge makes of the two vertices that it joins.

An order can make its second action required, or impossible, or its first one; each change can lead
to others, so changes are followed until nothing changes any more. What the flags mean is said
where ``model`` names them; the effects below are Pacemaker's.
"""

from __future__ import annotations

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import colocations
from crmsh_py.scheduler.model import (
    ALWAYS_IN_GRAPH,
    ASYMMETRIC,
    CHANGED_FIRST,
    CHANGED_THEN,
    CLONE,
    FIRST_ELSE_THEN,
    FIRST_IMPLIES_SAME_NODE_THEN,
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    GROUP,
    IF_ON_SAME_NODE,
    INTERMEDIATE_STOP,
    MIGRATABLE,
    MIN_RUNNABLE,
    NESTED_REMOTE_PROBE,
    NONE,
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
    THEN_IMPLIES_FIRST_GRAPHED,
    UNMIGRATABLE_THEN_BLOCKS,
    UNRUNNABLE_FIRST_BLOCKS,
    Edge,
    Node,
    Vertex,
    join,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.vertices import notify_key

_COMPLETED = {
    "start": "running",
    "stop": "stopped",
    "promote": "promoted",
    "demote": "demoted",
    "notify": "notified",
    "running": "running",
    "stopped": "stopped",
    "promoted": "promoted",
    "demoted": "demoted",
    "notified": "notified",
}
_LOST = {RUNNABLE: "unrunnable", OPTIONAL: "required", MIGRATABLE: "unmigrateable"}


# ---- following changes ---------------------------------------------------------------------------


def update(then: Vertex) -> None:
    """Let all that comes before a vertex act on it, and follow what changes by that."""
    changed = 0
    last = then.flags
    if then.required_before > 0:
        then.runnable_before = 0
        then.flags &= ~RUNNABLE
    before = then.before
    then_node = _acting_node(then)
    known: dict[Node | None, int] = {}  # what the flags of ``then`` are, until they change
    for place in range(len(before) - 1, -1, -1):
        edge = before[place]
        first = edge.vertex
        first_node = _acting_node(first)
        if (
            edge.flags & IF_ON_SAME_NODE
            and first_node is not None
            and then_node is not None
            and first_node is not then_node
        ):
            edge.flags = NONE
            continue
        changed &= ~CHANGED_FIRST
        if (
            edge.flags & THEN_CANCELS_FIRST
            and first.resource is not None
            and not then.flags & OPTIONAL
        ):
            first.flags |= OPTIONAL
            known.clear()
            if first.task == "reload-agent":
                first.resource.reload = False
        if (
            first.resource is not None
            and then.resource is not None
            and first.resource is not then.resource
            and not then.resource.is_inside(first.resource)
        ):
            first = _completed(first)
        if first is edge.vertex:
            effect = _act(
                first, then, _flags(first, then_node, {}), _flags(then, first_node, known), edge
            )
            if effect:
                changed |= effect
                known.clear()
                then_node = _acting_node(then)
        elif join(first, then, edge.flags):
            changed |= CHANGED_THEN
            edge.flags = NONE
        if changed & CHANGED_FIRST:
            for other in reversed(first.after):
                update(other.vertex)
            update(first)
    if then.required_before > 0:
        changed = changed & ~CHANGED_THEN if last == then.flags else changed | CHANGED_THEN
    if changed & CHANGED_THEN:
        if last & RUNNABLE and not then.flags & RUNNABLE:
            block_dependents(then)
        update(then)
        for other in reversed(then.after):
            update(other.vertex)


def _acting_node(vertex: Vertex) -> Node | None:
    """The node of a vertex; for a group's start, where the group will be."""
    if vertex.task == "start" and vertex.resource is not None and vertex.resource.kind == GROUP:
        return vertex.resource.location(current=False)
    return vertex.node


def _flags(vertex: Vertex, node: Node | None, known: dict[Node | None, int]) -> int:
    """The flags of a vertex; those of a whole are made of its parts', so keep what is ``known``."""
    resource = vertex.resource
    if resource is None or resource.kind == PRIMITIVE:
        return vertex.flags
    flags = known.get(None)
    if flags is None:
        flags = known[None] = resource.vertex_flags(vertex, None)
    if node is None or resource.kind != CLONE:
        return flags
    here = known.get(node)
    if here is None:
        here = known[node] = resource.vertex_flags(vertex, node)
    return here | (flags & RUNNABLE)


def _completed(vertex: Vertex) -> Vertex:
    """What others wait for is not the begin but the end of what a group or clone does."""
    resource = vertex.resource
    if resource is None or resource.is_primitive or "notify" in vertex.key or vertex.interval_ms:
        return vertex
    task = _COMPLETED.get(vertex.task)
    if task is None:
        return vertex
    if resource.notify and (resource.is_clone or resource.bundled):
        key = notify_key(resource.id, "confirmed-post", task)
    else:
        key = f"{resource.id}_{task}_0"
    found = resource.by_key.get(key)
    return found[-1] if found else vertex


def _act(first: Vertex, then: Vertex, first_flags: int, then_flags: int, edge: Edge) -> int:
    """Let one edge act on its two vertices."""
    changed = 0
    node = then.node
    flags = edge.flags
    theirs = then.resource
    if flags & FIRST_IMPLIES_SAME_NODE_THEN:
        flags = (flags & ~FIRST_IMPLIES_SAME_NODE_THEN) | FIRST_IMPLIES_THEN
        edge.flags = flags
        node = first.node
    if flags & FIRST_IMPLIES_THEN:
        if theirs is not None:
            changed |= theirs.update_ordered(
                first, then, node, first_flags & OPTIONAL, OPTIONAL, FIRST_IMPLIES_THEN
            )
        elif not first_flags & OPTIONAL and then.flags & OPTIONAL:
            then.flags &= ~OPTIONAL
            changed |= CHANGED_THEN
    if flags & INTERMEDIATE_STOP and theirs is not None:
        changed |= theirs.update_ordered(
            first, then, node, first_flags, OPTIONAL | RUNNABLE, INTERMEDIATE_STOP
        )
    if flags & THEN_IMPLIES_FIRST:
        if first.resource is not None:
            changed |= first.resource.update_ordered(
                first, then, node, first_flags, OPTIONAL, THEN_IMPLIES_FIRST
            )
        elif not first_flags & OPTIONAL and first.flags & RUNNABLE:
            first.flags &= ~RUNNABLE
            changed |= CHANGED_FIRST
    if flags & PROMOTED_THEN_IMPLIES_FIRST and theirs is not None:
        changed |= theirs.update_ordered(
            first, then, node, first_flags & OPTIONAL, OPTIONAL, PROMOTED_THEN_IMPLIES_FIRST
        )
    if flags & MIN_RUNNABLE:
        changed |= _act_min_runnable(first, then, first_flags, node)
    if flags & NESTED_REMOTE_PROBE and theirs is not None:
        if (
            not first_flags & RUNNABLE
            and first.resource is not None
            and first.resource.active_nodes
        ):
            edge.flags = flags = NONE
        else:
            changed |= theirs.update_ordered(
                first, then, node, first_flags, RUNNABLE, UNRUNNABLE_FIRST_BLOCKS
            )
    if flags & UNRUNNABLE_FIRST_BLOCKS:
        if theirs is not None:
            changed |= theirs.update_ordered(
                first, then, node, first_flags, RUNNABLE, UNRUNNABLE_FIRST_BLOCKS
            )
        elif not first_flags & RUNNABLE and then.flags & RUNNABLE:
            then.flags &= ~RUNNABLE
            changed |= CHANGED_THEN
    if theirs is not None:
        for kind, filter_ in _LATER:
            if flags & kind:
                changed |= theirs.update_ordered(first, then, node, first_flags, filter_, kind)
    return changed | _act_on_graph(first, then, first_flags, then_flags, flags)


_LATER = (
    (UNMIGRATABLE_THEN_BLOCKS, OPTIONAL),
    (FIRST_ELSE_THEN, OPTIONAL),
    (ORDERED, RUNNABLE),
    (ASYMMETRIC, RUNNABLE),
)


def _act_min_runnable(first: Vertex, then: Vertex, first_flags: int, node: Node | None) -> int:
    if then.resource is not None:
        return then.resource.update_ordered(first, then, node, first_flags, RUNNABLE, MIN_RUNNABLE)
    if first_flags & RUNNABLE:
        then.runnable_before += 1
        if then.runnable_before >= then.required_before and not then.flags & RUNNABLE:
            then.flags |= RUNNABLE
            return CHANGED_THEN
    return 0


def _act_on_graph(
    first: Vertex, then: Vertex, first_flags: int, then_flags: int, flags: int
) -> int:
    if flags & FIRST_IMPLIES_THEN_GRAPHED and first.flags & RUNNABLE and not first_flags & OPTIONAL:
        then.flags |= ALWAYS_IN_GRAPH
    if flags & THEN_IMPLIES_FIRST_GRAPHED and not then_flags & OPTIONAL:
        first.flags |= ALWAYS_IN_GRAPH
    if (
        flags & (FIRST_IMPLIES_THEN | THEN_IMPLIES_FIRST | INTERMEDIATE_STOP)
        and first.resource is not None
        and not first.resource.managed
        and first.resource.blocked
        and not first.flags & RUNNABLE
        and first.task == "stop"
        and then.flags & RUNNABLE
    ):
        then.flags &= ~RUNNABLE
        return CHANGED_THEN
    return 0


# ---- the effects on a primitive's vertices -------------------------------------------------------


def _clear(vertex: Vertex, flag: int, because: Vertex) -> None:
    """Take a flag from a vertex, keeping the reason where another resource is the cause."""
    if not vertex.flags & flag:
        return
    vertex.flags &= ~flag
    if vertex.resource is not because.resource:
        about = f" {because.resource.id}" if because.resource is not None else ""
        vertex.set_reason(f"{_LOST[flag]}{about} {because.task}", cause=because)


def update_pair(  # noqa: PLR0917
    first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
) -> int:
    """Let an order of one type act on two vertices as they are; tells what has changed."""
    then_flags, first_flags = then.flags, first.flags
    if type_ & ASYMMETRIC:
        _act_asymmetric(first, then)
    if type_ & THEN_IMPLIES_FIRST and not then_flags & OPTIONAL:
        if filter_ & OPTIONAL and not flags & OPTIONAL and first_flags & OPTIONAL:
            _clear(first, OPTIONAL, then)
        if flags & MIGRATABLE and not then.flags & MIGRATABLE:
            _clear(first, MIGRATABLE, then)
    if (
        type_ & PROMOTED_THEN_IMPLIES_FIRST
        and then.resource is not None
        and then.resource.orig_role == PROMOTED
        and filter_ & OPTIONAL
        and not then.flags & OPTIONAL
    ):
        _clear(first, OPTIONAL, then)
        if first.flags & MIGRATABLE and not then.flags & MIGRATABLE:
            _clear(first, MIGRATABLE, then)
    if type_ & UNMIGRATABLE_THEN_BLOCKS and filter_ & OPTIONAL:
        if then.flags & (MIGRATABLE | RUNNABLE) != MIGRATABLE | RUNNABLE:
            _clear(first, RUNNABLE, then)
        if not then.flags & OPTIONAL:
            _clear(first, OPTIONAL, then)
    if type_ & FIRST_ELSE_THEN and filter_ & OPTIONAL and not first.flags & RUNNABLE:
        _clear(then, MIGRATABLE, first)
        then.flags &= ~PSEUDO
    if (
        type_ & UNRUNNABLE_FIRST_BLOCKS
        and filter_ & RUNNABLE
        and then.flags & RUNNABLE
        and not flags & RUNNABLE
    ):
        _clear(then, RUNNABLE, first)
        _clear(then, MIGRATABLE, first)
    if (
        type_ & FIRST_IMPLIES_THEN
        and filter_ & OPTIONAL
        and then.flags & OPTIONAL
        and not flags & OPTIONAL
        and not first.flags & MIGRATABLE
    ):
        _clear(then, OPTIONAL, first)
    if type_ & INTERMEDIATE_STOP:
        _act_restart(first, then, filter_)
    changed = 0
    if then_flags != then.flags:
        changed |= CHANGED_THEN
        if then.resource is not None and then.resource.parent is not None:
            update(then)
    if first_flags != first.flags:
        changed |= CHANGED_FIRST
    return changed


def _act_asymmetric(first: Vertex, then: Vertex) -> None:
    resource = then.resource
    if resource is None or first.flags & RUNNABLE:
        return
    if then.flags & OPTIONAL:
        role = resource.role(current=True)
        if role == STOPPED and then.task == "stop":
            return
        if role >= STARTED and then.task == "start" and resource.runs_only_on(then.node):
            return
    _clear(then, OPTIONAL, first)
    _clear(then, RUNNABLE, first)


def _act_restart(first: Vertex, then: Vertex, filter_: int) -> None:
    """A resource that must start anew must stop first; one that cannot start must stop too."""
    assert then.resource is not None
    must_restart = filter_ & OPTIONAL and not then.flags & OPTIONAL
    cannot_start = (
        filter_ & RUNNABLE
        and not then.flags & RUNNABLE
        and then.resource.managed
        and first.resource is then.resource
    )
    if not must_restart and not cannot_start:
        return
    if first.flags & RUNNABLE:
        _clear(first, OPTIONAL, then)
    if not then.flags & OPTIONAL:
        _clear(first, OPTIONAL, then)
    if not then.flags & MIGRATABLE:
        _clear(first, MIGRATABLE, then)
    if not first.flags & OPTIONAL and not first.flags & RUNNABLE:
        _clear(then, RUNNABLE, first)


# ---- dependents of what cannot start -------------------------------------------------------------


def block_dependents(vertex: Vertex) -> None:
    """What must be with something that cannot start (or be promoted) cannot either."""
    if vertex.flags & RUNNABLE or vertex.task not in {"start", "promote"}:
        return
    assert vertex.resource is not None
    resource = vertex.resource.topmost()
    if resource.parent is not None:
        resource = resource.parent  # the bundle around it
    for child in resource.children:
        theirs = child.newest_vertex(vertex.task)
        if theirs is None or theirs.flags & RUNNABLE:
            return
    for colocation in colocations.with_this(resource):
        if colocation.score < INFINITY:
            continue
        if vertex.task == "promote" and colocation.primary_role != PROMOTED:
            continue
        task = "promote" if colocation.dependent_role == PROMOTED else "start"
        _block(colocation.dependent, task, vertex)


def _block(resource: Resource, task: str, cause: Vertex) -> None:
    about = cause.resource.id if cause.resource is not None else ""
    for vertex in reversed(resource.find_vertices(f"{resource.id}_{task}_0")):
        if vertex.flags & RUNNABLE and vertex.task == task:
            vertex.flags &= ~RUNNABLE
            vertex.set_reason(f"colocation with {about}", cause=cause)
            block_dependents(vertex)
            update(vertex)
    for child in resource.children:
        _block(child, task, cause)

"""The transition graph: which vertices are carried out, and which of them wait for which.

A vertex is taken where it is required and can be carried out; an order between two taken vertices
becomes an input, unless its flags say that it does not matter here.
"""

from __future__ import annotations

from crmsh_py.scheduler.model import (
    ALWAYS_IN_GRAPH,
    CLONE,
    DEDUPLICATED,
    FIRST_IMPLIES_THEN_GRAPHED,
    IF_FIRST_UNMIGRATABLE,
    IF_ON_SAME_NODE_OR_TARGET,
    IF_REQUIRED_ON_SAME_NODE,
    IN_GRAPH,
    MIGRATABLE,
    MIN_RUNNABLE,
    NONE,
    ON_DC,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    SERIALIZE,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNMIGRATABLE_THEN_BLOCKS,
    VISITING,
    Edge,
    Vertex,
)
from crmsh_py.scheduler.points import pseudo
from crmsh_py.scheduler.result import Message
from crmsh_py.scheduler.state import State

# Of what will not be done these orders ask nothing. To be kept from happening at the same time is
# one of them, though Pacemaker 2 waits then for what never comes.
_HARMLESS = THEN_IMPLIES_FIRST_GRAPHED | FIRST_IMPLIES_THEN_GRAPHED | ORDERED | SERIALIZE


def build(state: State) -> None:
    """Take all that is to be done into the graph."""
    for resource in state.resources:
        resource.take_into_graph()
    _tell_maintenance(state)
    for vertex in reversed(state.vertices):
        take(vertex)
    _tell_hopeless(state)


def _tell_hopeless(state: State) -> None:
    """A node cannot shut down as long as something cannot be stopped there."""
    leaving = any(node.shutdown for node in state.nodes)
    if not leaving or not (state.quorate or state.settings.no_quorum_policy == "ignore"):
        return
    for vertex in reversed(state.vertices):
        resource, node = vertex.resource, vertex.node
        if (
            resource is None
            or node is None
            or not node.shutdown
            or resource.maintenance
            or vertex.task != "stop"
            or vertex.flags & (OPTIONAL | RUNNABLE)
        ):
            continue
        state.messages.append(
            Message(
                level="crit",
                where="pcmk__create_graph",
                text=f"Cannot {'fence' if node.unclean else 'shut down'} {node.name} because of "
                f"{resource.id}: {'blocked' if resource.managed else 'unmanaged'}"
                f"{' failed' if resource.failed else ''} ({vertex.key})",
            )
        )


def _tell_maintenance(state: State) -> None:
    """Remote nodes have to be told whether they are in maintenance."""
    if any(node.is_remote_kind and node.maintenance != node.remote_maintenance
           for node in state.nodes):  # fmt: skip
        pseudo(state, "maintenance_nodes").flags |= ALWAYS_IN_GRAPH


def belongs(vertex: Vertex) -> bool:
    """Whether a vertex is to be carried out."""
    flags = vertex.flags
    if not flags & RUNNABLE or (flags & OPTIONAL and not flags & ALWAYS_IN_GRAPH):
        return False
    resource = vertex.resource
    if (
        resource is not None
        and not resource.managed
        and vertex.task != "monitor"
        and vertex.meta.get("interval", "0") == "0"
    ):
        return False
    if flags & PSEUDO or vertex.task in {"stonith", "do_shutdown"}:
        return True
    node = vertex.node
    if node is None:
        return False
    if flags & ON_DC or (node.is_guest and not node.remote_reset):
        return True
    return node.online and not node.unclean


def take(vertex: Vertex) -> None:
    """Take a vertex with its inputs into the graph, if it belongs there."""
    if not vertex.flags & DEDUPLICATED:
        _merge_inputs(vertex)
        vertex.flags |= DEDUPLICATED
    if vertex.flags & IN_GRAPH or not belongs(vertex):
        return
    vertex.flags |= IN_GRAPH
    vertex.graph.append(vertex)
    for edge in vertex.before:
        if is_input(vertex, edge):
            edge.graphed = True


def _merge_inputs(vertex: Vertex) -> None:
    """One edge for each first vertex, by their ids."""
    merged: dict[int, Edge] = {}
    for edge in sorted(reversed(vertex.before), key=lambda edge: edge.vertex.id):  # noqa: C414
        known = merged.get(edge.vertex.id)
        if known is None:
            edge.graphed = False
            merged[edge.vertex.id] = edge
        else:
            known.flags |= edge.flags
            known.graphed = known.graphed or edge.graphed
    vertex.before = list(merged.values())


def is_input(vertex: Vertex, edge: Edge) -> bool:
    """Whether a vertex waits for the other end of an edge."""
    if edge.graphed:
        return True
    flags = edge.flags
    first = edge.vertex
    if flags == NONE:
        return False
    if not first.flags & RUNNABLE and (
        not flags & ~_HARMLESS or flags & (MIN_RUNNABLE | UNMIGRATABLE_THEN_BLOCKS)
    ):
        return False
    if first.flags & MIGRATABLE and (
        flags & IF_FIRST_UNMIGRATABLE or (flags == ORDERED and first.key.endswith("_stop_0"))
    ):
        return False
    if flags in {IF_ON_SAME_NODE_OR_TARGET, IF_REQUIRED_ON_SAME_NODE}:
        if _together(vertex, edge):
            return True
        edge.flags = NONE
        return False
    if _is_hopeless_stop(vertex, first):
        return False
    return not (
        first.flags & OPTIONAL
        and not first.flags & (ALWAYS_IN_GRAPH | IN_GRAPH)
        and not belongs(first)
    )


def _together(vertex: Vertex, edge: Edge) -> bool:
    """Whether an order that depends on nodes and on need applies to its two vertices."""
    first = edge.vertex
    if edge.flags == IF_REQUIRED_ON_SAME_NODE:
        apart = first.node is not None and vertex.node is not None and first.node is not vertex.node
        return not apart and not first.flags & OPTIONAL
    if vertex.resource is not None and vertex.task == "migrate_to":
        return first.node is vertex.resource.assigned and first.node is not None
    return first.node is vertex.node and first.node is not None and not first.flags & OPTIONAL


def _is_hopeless_stop(vertex: Vertex, first: Vertex) -> bool:
    """The stop of what failed and is not managed never comes: a clone does not wait for it."""
    return (
        first.resource is not None
        and first.resource is not vertex.resource
        and first.resource.failed
        and not first.resource.managed
        and first.key.endswith("_stop_0")
        and vertex.resource is not None
        and vertex.resource.kind == CLONE
    )


def has_loop(begin: Vertex, vertex: Vertex, edge: Edge) -> bool:
    """Whether an edge closes a circle of inputs back to ``begin``."""
    first = edge.vertex
    if first.flags & VISITING or not is_input(vertex, edge):
        return False
    if first is begin:
        return True
    first.flags |= VISITING
    found = False
    for other in reversed(first.before):
        if has_loop(begin, first, other):
            found = True
            break
    first.flags &= ~VISITING
    return found


def waits_for(vertex: Vertex, other: Vertex) -> bool:
    """Whether a vertex waits for another one, be it through many."""
    seen = {id(vertex)}
    queue = [vertex]
    while queue:
        then = queue.pop()
        for edge in then.before:
            if id(edge.vertex) in seen or not is_input(then, edge):
                continue
            if edge.vertex is other:
                return True
            seen.add(id(edge.vertex))
            queue.append(edge.vertex)
    return False

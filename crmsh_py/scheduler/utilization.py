"""Capacity of nodes and what resources use of it, for placement strategies other than default.

Resources that must run together are counted together where a node for all of them exists.
"""

from __future__ import annotations

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import colocations
from crmsh_py.scheduler.model import (
    IF_ON_SAME_NODE_OR_TARGET,
    OPTIONAL,
    Node,
    Relation,
    Vertex,
)
from crmsh_py.scheduler.points import pseudo
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State

_LIMIT = 2**31 - 1


def compare_capacities(one: Node, other: Node) -> int:
    """Negative where ``one`` has more of more kinds of capacity than ``other``."""
    result = 0
    for name in (*one.utilization, *(n for n in other.utilization if n not in one.utilization)):
        mine, theirs = one.utilization.get(name, 0), other.utilization.get(name, 0)
        result += (mine < theirs) - (mine > theirs)
    return result


def _shift(table: dict[str, int], resource: Resource, sign: int) -> None:
    for name, amount in resource.utilization.items():
        value = table.get(name, 0) + sign * amount
        table[name] = max(-_LIMIT - 1, min(_LIMIT, value))


def consume(table: dict[str, int], resource: Resource) -> None:
    """Take what a resource uses from a node's capacity."""
    _shift(table, resource, -1)


def release(table: dict[str, int], resource: Resource) -> None:
    """Give it back (or add it up)."""
    _shift(table, resource, 1)


def _enough(node: Node, wanted: dict[str, int]) -> bool:
    return all(amount <= node.utilization.get(name, 0) for name, amount in wanted.items())


def ban_insufficient(resource: Resource) -> Node | None:
    """Exclude nodes that are too small; where all are, the most capable one is preferred."""
    state = resource.state
    if state.settings.placement == "default":
        return None
    together: list[Resource] = []
    resource.colocated_with(None, together)
    if not together:
        return None
    if resource not in together:
        together.append(resource)
    wanted: dict[str, int] = {}
    for each in together:
        each.add_utilization(resource, together, wanted)
    nodes = [
        state.nodes_by_index[index]
        for index, score in resource.scores.items()
        if state.nodes_by_index[index].available(score)
    ]
    any_fits = any(_enough(node, wanted) for node in nodes)
    most_capable: Node | None = None
    for node in nodes:
        if most_capable is None or compare_capacities(node, most_capable) < 0:
            most_capable = node
    limit = wanted if any_fits else resource.utilization
    for node in nodes:
        if not _enough(node, limit):
            lacking = ""
            if state.traced:
                lacking = " ".join(name for name, amount in limit.items()
                                   if amount > node.utilization.get(name, 0))  # fmt: skip
            resource.shift(node, -INFINITY, "capacity", lacking)
    return None if any_fits else most_capable


def colocated(resource: Resource, origin: Resource | None, found: list[Resource]) -> None:
    """Collect what must run with a resource, along chains of mandatory colocations."""
    origin = origin or resource
    if resource in found:
        return
    found.insert(0, resource)
    for colocation in colocations.this_with(resource):
        primary = colocation.primary
        if (
            primary is not origin
            and colocation.score == INFINITY
            and (
                colocations.affects(resource, primary, colocation, preview=True)
                == colocations.AFFECTS_LOCATION
            )
        ):
            primary.colocated_with(origin, found)
    for colocation in colocations.with_this(resource):
        dependent = colocation.dependent
        if dependent is origin or (resource.is_clone and not dependent.is_clone):
            continue
        if colocation.score == INFINITY and (
            colocations.affects(dependent, resource, colocation, preview=True)
            == colocations.AFFECTS_LOCATION
        ):
            dependent.colocated_with(origin, found)


def _load_stopped(state: State, node: Node) -> Vertex:
    """The point at which all that leaves a node has left it."""
    vertex = pseudo(state, f"load_stopped_{node.name}")
    if vertex.node is None:
        vertex.node = node
        vertex.flags &= ~OPTIONAL
    return vertex


def order_by_load(resource: Resource, allowed: list[Node]) -> None:
    """Let a resource come to a node only after what leaves it has made room."""
    state = resource.state
    for node in resource.active_nodes:
        leaving = Relation(IF_ON_SAME_NODE_OR_TARGET)
        leaving.first_resource, leaving.first_task = resource, "stop"
        leaving.first_key = f"{resource.id}_stop_0"
        leaving.then = _load_stopped(state, node)
        leaving.then_key = leaving.then_task = leaving.then.key
        state.relations.append(leaving)
    for node in allowed:
        for task in ("start", "migrate_to"):
            coming = Relation(IF_ON_SAME_NODE_OR_TARGET)
            coming.first = _load_stopped(state, node)
            coming.first_key = coming.first_task = coming.first.key
            coming.then_resource, coming.then_task = resource, task
            coming.then_key = f"{resource.id}_{task}_0"
            state.relations.append(coming)

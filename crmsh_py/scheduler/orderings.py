"""From relations to edges: which vertices each order that was asked for joins."""

from __future__ import annotations

from crmsh_py.scheduler import order_effects, probe_orders, remote
from crmsh_py.scheduler.graph import has_loop, waits_for
from crmsh_py.scheduler.model import (
    ABORTS_MIGRATION,
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    IF_ON_SAME_NODE_OR_TARGET,
    NONE,
    RUNNABLE,
    STOPPED,
    UNPROMOTED,
    Relation,
    Vertex,
    join,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.vertices import vertex_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


_NO_VERTICES: Final[list[Vertex]] = []


def apply_all(state: State) -> None:
    """Turn the relations into edges and let them act."""
    for relation in list(state.relations):
        if relation.first_resource is not None:
            _join_first(relation.first_resource, relation)
        elif relation.then_resource is not None:
            _join_then(relation.first, relation.then_resource, relation)
        else:
            join(relation.first, relation.then, relation.flags)
    for vertex in reversed(state.vertices):
        if not vertex.flags & RUNNABLE:
            order_effects.block_dependents(vertex)
    probe_orders.order_probes(state)
    for vertex in list(reversed(state.vertices)):
        order_effects.update(vertex)
    _drop_impossible(state)


# ---- edges ---------------------------------------------------------------------------------------


def _join_first(resource: Resource, relation: Relation) -> None:
    then = relation.then_resource
    if relation.first is not None:
        firsts = [relation.first]
    else:
        firsts = resource.by_key.get(relation.first_key, _NO_VERTICES)
        if not firsts and resource is not then:
            role = resource.role(current=True)
            task = relation.first_task
            if not (
                (role == STOPPED and task == "stop") or (role == UNPROMOTED and task == "demote")
            ):
                firsts = [vertex_for(resource, task, None, optional=True)]
    if then is None:
        if relation.then is None:
            return
        then = relation.then.resource
    for first in firsts:
        if then is None:
            join(first, relation.then, relation.flags)
        else:
            _join_then(first, then, relation)


def _join_then(first: Vertex | None, resource: Resource, relation: Relation) -> None:
    flags = relation.flags
    if relation.then is not None:
        thens = [relation.then]
    else:
        thens = resource.by_key.get(relation.then_key, _NO_VERTICES)
    if not thens:
        return
    if first is not None and first.resource is resource and first.flags & ABORTS_MIGRATION:
        # A stop that aborts a migration does not mean that what runs elsewhere must restart.
        flags &= ~FIRST_IMPLIES_THEN
    if first is None and not flags & FIRST_IMPLIES_THEN:
        return
    for then in thens:
        if first is not None:
            join(first, then, flags)
        else:
            then.flags &= ~RUNNABLE


def _drop_impossible(state: State) -> None:
    for vertex in reversed(state.vertices):
        resource = vertex.resource
        for edge in reversed(vertex.before):
            first = edge.vertex
            if (
                not edge.flags & GUEST_ALLOWED
                and first.resource is not None
                and resource is not None
                and first.node is not None
                and resource.launched
                and first.node.remote is not None
                and first.node.remote.launcher is resource
            ):
                state.warn(
                    "ordering_is_invalid",
                    f"Invalid ordering constraint between {first.resource.id} and {resource.id}",
                )
                edge.flags = NONE
            elif remote.is_courtesy(vertex, edge) and waits_for(first, vertex):
                edge.flags = NONE  # else neither could ever begin
            elif (
                edge.flags == IF_ON_SAME_NODE_OR_TARGET
                and resource is not None
                and vertex.task == "migrate_to"
                and has_loop(vertex, vertex, edge)
            ):
                edge.flags = NONE

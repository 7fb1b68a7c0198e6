"""Vertices that are about no resource: fencings, shutdowns, and mere points in the order."""

from __future__ import annotations

from crmsh_py.scheduler.model import OPTIONAL, PSEUDO, RUNNABLE, Node, Vertex
from crmsh_py.scheduler.state import State


def cluster_vertex(
    state: State, key: str, task: str, node: Node | None, *, optional: bool
) -> Vertex:
    """The vertex of an action that is about no resource; the same one for the same key."""
    vertex = state.singletons.get(key)
    if vertex is None:
        vertex = Vertex(state, key, task, None, node)
        vertex.flags = RUNNABLE | (OPTIONAL if optional else 0)
        state.singletons[key] = vertex
    elif not optional:
        vertex.flags &= ~OPTIONAL
    return vertex


def pseudo(state: State, name: str) -> Vertex:
    """A point in the order that is about no resource, by its name."""
    vertex = state.singletons.get(name)
    if vertex is None:
        vertex = cluster_vertex(state, name, name, None, optional=True)
        vertex.flags |= PSEUDO | RUNNABLE
    return vertex

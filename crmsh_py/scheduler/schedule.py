"""The steps of a plan, in their order, on one state.

What each step may rely on is said between them; each is a module of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.scheduler import (
    changes,
    constraints,
    graph,
    locations,
    orderings,
    placement,
    probes,
    remote,
    shutdowns,
)
from crmsh_py.scheduler.reading import read_status
from crmsh_py.scheduler.state import State

_DEEPEST = 10_000  # a chain of 2,400 resources, a group of 4,900


def schedule(cib: Cib, now: datetime, *, sanitized: bool = False, traced: bool = False) -> State:
    """Decide what is to be done about a CIB.

    ``sanitized`` tells that private parameters may have been taken out of it: that they differ
    from what histories remember is no change then.
    With ``traced``, scores remember what they are made of.
    """
    return decide(read_status(cib, now, sanitized=sanitized, traced=traced))


def decide(state: State) -> State:
    """The same from a state that has just been read; it is this very state that becomes a plan."""
    locations.apply_node_health(state)
    constraints.unpack_all(state)
    with _room_for_chains():
        _decide(state)
    return state


def _decide(state: State) -> None:
    # Scores are complete, but for colocations, before anything is assigned.
    locations.apply_node_criteria(state)
    for resource in state.resources:
        resource.internal_constraints()
    # A changed definition forbids or forces actions, which assignment looks at.
    changes.handle_all(state)
    assign(state)
    # Only now it is known where things are to be, hence what is to be done for that.
    create_vertices(state)
    remote.order_all(state)
    # Fencing replaces stops that have been planned, shutdown waits for those.
    shutdowns.schedule(state)
    # From here on vertices only become required or impossible by each other.
    orderings.apply_all(state)
    graph.build(state)


@contextmanager
def _room_for_chains() -> Iterator[None]:
    """Colocations and orders are followed by recursion, up to four calls a link.

    Python counts calls to guard the stack of C, which these (all in Python) do not use. Whatever
    else recurses keeps the usual limit.
    """
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def assign(state: State) -> None:
    """Give every resource its nodes, connections to remote nodes first."""
    state.capacities = {node.name: dict(node.utilization) for node in state.nodes}
    if state.settings.placement != "default":
        placement.sort_resources(state)
    for resource in list(state.resources):
        if resource.is_remote_connection:
            resource.assign(resource.migration_target, stop_if_fail=True)
    for resource in list(state.resources):
        if not resource.is_remote_connection:
            resource.assign(None, stop_if_fail=True)


def create_vertices(state: State) -> None:
    """Make the vertices of probes, then those of all resources."""
    changes.check_later(state)
    probes.create_all(state)
    changes.clear_failures_of_removed(state)
    for resource in state.resources:
        resource.create_vertices()

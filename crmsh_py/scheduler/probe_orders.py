"""What waits for probes: starts, and the restarts and stops that a probe's result may lead to."""

from __future__ import annotations

from crmsh_py.scheduler import instances, operations
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    GROUP,
    IF_FIRST_UNMIGRATABLE,
    IF_ON_SAME_NODE,
    IF_ON_SAME_NODE_OR_TARGET,
    IF_REQUIRED_ON_SAME_NODE,
    NONE,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    UNKNOWN,
    UNRUNNABLE_FIRST_BLOCKS,
    Edge,
    Relation,
    Vertex,
    join,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def order_probes(state: State) -> None:
    """Let what depends on a probed resource wait for its probes."""
    for resource in state.resources:
        for leaf in resource.leaves():
            if leaf.is_primitive:
                for probe in leaf.find_vertices(f"{leaf.id}_monitor_0"):
                    _order_followers(probe)
    for relation in state.relations:
        _order_stops(relation)


def _order_followers(probe: Vertex) -> None:
    # What is added on the way belongs to what has been looked at already.
    for place in range(len(probe.after) - 1, -1, -1):
        after = probe.after[place]
        _order_starts(probe, after)
        _order_restarts(probe, after.vertex)


def _order_starts(probe: Vertex, after: Edge) -> None:
    """A probe that cannot run blocks the instances of its clone too."""
    start = after.vertex
    whole = start.resource
    if (
        whole is None
        or whole.kind <= GROUP
        or probe.flags & RUNNABLE
        or after.flags & UNRUNNABLE_FIRST_BLOCKS
        or probe.resource is None
        or probe.resource.topmost() is not whole
        or start.task != "start"
    ):
        return
    for then in reversed(start.after):
        theirs = then.vertex.resource
        if (
            theirs is not None
            and not theirs.active_nodes
            and theirs.topmost() is whole
            and then.vertex.task == "start"
        ):
            join(probe, then.vertex, ORDERED | UNRUNNABLE_FIRST_BLOCKS)


def _order_restarts(probe: Vertex, begin: Vertex) -> None:
    """What follows a start also stops, should the probe find the resource in a wrong place."""
    if probe.resource is None or not probe.resource.is_primitive or probe.task != "monitor":
        return
    seen = {begin.id}
    stack = [begin]
    while stack:
        after = stack.pop()
        stack.extend(reversed(_next_restarts(probe, after, seen)))


def _next_restarts(probe: Vertex, after: Vertex, seen: set[int]) -> list[Vertex]:
    resource = after.resource
    assert probe.resource is not None
    if resource is not None and resource.is_primitive and resource is not probe.resource:
        down = {"start": "stop", "promote": "demote"}.get(after.task)
        if down is not None:
            for vertex in resource.find_vertices(f"{resource.id}_{down}_0"):
                if not vertex.flags & PSEUDO:
                    join(probe, vertex, ORDERED)
    interleave = False
    partner: Resource | None = None
    if resource is not None and resource.kind > GROUP:
        interleave = operations.interleaves(resource)
        if interleave:
            partner = instances.find_compatible(probe.resource, resource, UNKNOWN, current=False)
    found = []
    for edge in reversed(after.after):
        if edge.vertex.id in seen:
            continue
        if not edge.flags & FIRST_IMPLIES_THEN:
            chained = edge.vertex.resource
            if (
                resource is None
                or resource.kind < GROUP
                or probe.resource.parent is resource
                or chained is None
                or chained.kind > GROUP
                or chained.parent is not resource
            ):
                continue
            if resource.kind > GROUP and interleave and partner is not chained:
                continue
        seen.add(edge.vertex.id)
        found.append(edge.vertex)
    return found


def _order_stops(relation: Relation) -> None:
    """What comes after a resource's stop comes after its probes."""
    first, then = relation.first_resource, relation.then_resource
    if relation.flags == NONE or first is None or first is then:
        return
    if relation.first is not None:
        if relation.first.task != "stop":
            return
    elif not relation.first_key.endswith("_stop_0"):
        return
    if then is not None and first.launcher is then:
        to_stop = (
            relation.then.task == "stop"
            if relation.then is not None
            else relation.then_key.endswith("_stop_0")
        )
        if to_stop:
            return
    flags = ORDERED | (relation.flags & (IF_FIRST_UNMIGRATABLE | IF_ON_SAME_NODE))
    if relation.flags in {IF_REQUIRED_ON_SAME_NODE, IF_ON_SAME_NODE_OR_TARGET}:
        flags = relation.flags
    probes = first.find_vertices(f"{first.id}_monitor_0")
    if not probes:
        return
    if relation.then is not None:
        thens = [relation.then]
    else:
        thens = then.find_vertices(relation.then_key) if then is not None else []
    for probe in probes:
        for vertex in thens:
            if _waits(probe, vertex):
                join(probe, vertex, flags)


def _waits(probe: Vertex, then: Vertex) -> bool:
    if then.task == "stonith" and probe.node is then.node:
        return then.meta.get("stonith_action", "").lower() != "on"
    return not (
        then.task == "do_shutdown"
        and probe.node is not None
        and then.node is not None
        and probe.node is not then.node
    )

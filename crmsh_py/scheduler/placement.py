"""Choosing a node for a primitive, once its scores are known.

The best score wins; among equals the node with fewer resources (or, with placement strategies, more
free capacity), then the one where it is, then the first by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import colocations, utilization
from crmsh_py.scheduler.model import OPTIONAL, RUNNABLE, STOPPED, Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import UTILIZATION, State


def sorted_nodes(
    state: State, scored: Iterable[tuple[Node, int]], active: Node | None
) -> list[tuple[Node, int]]:
    """Nodes with their scores, best first."""
    strategy = state.settings.placement
    if strategy == "balanced":

        def compare(one: tuple[Node, int], other: tuple[Node, int]) -> int:
            return _compare(one, other, active)

        return sorted(scored, key=cmp_to_key(compare))
    if strategy == "minimal":
        return sorted(scored, key=lambda spot: (-_effective(*spot), spot[0].name))

    def rank(spot: tuple[Node, int]) -> tuple[int, int, bool, str]:
        node, score = spot
        return -_effective(node, score), node.num_resources, node is not active, node.name

    return sorted(scored, key=rank)


def _effective(node: Node, score: int) -> int:
    return score if node.available() else -INFINITY


def _compare(one: tuple[Node, int], other: tuple[Node, int], active: Node | None) -> int:
    difference = _effective(*other) - _effective(*one)
    if difference:
        return difference
    difference = utilization.compare_capacities(one[0], other[0])
    if difference:
        return difference
    difference = one[0].num_resources - other[0].num_resources
    if difference:
        return difference
    if active is not None and (one[0] is active or other[0] is active):
        return -1 if one[0] is active else 1
    return -1 if one[0].name < other[0].name else 1


def scored_nodes(resource: Resource) -> list[tuple[Node, int]]:
    """The nodes that a resource may run on, with its scores."""
    nodes = resource.state.nodes_by_index
    return [(nodes[index], score) for index, score in resource.scores.items()]


def assign_best(resource: Resource, prefer: Node | None, *, stop_if_fail: bool) -> bool:
    """Give a primitive its best node; False where there is none for it."""
    capable = utilization.ban_insufficient(resource)
    if prefer is None:
        prefer = capable
    if not resource.unassigned:
        return resource.assigned is not None
    spots = sorted_nodes(resource.state, scored_nodes(resource), resource.current_node())
    if not spots:
        give(resource, None, 0, force=False, stop_if_fail=stop_if_fail)
        return resource.assigned is not None
    chosen: Node | None = None
    chosen_score = 0
    best, best_score = spots[0]
    if prefer is not None:
        score = resource.scores.get(prefer.index)
        if score is not None and score >= best_score and prefer.available(score):
            chosen, chosen_score = prefer, score
    if chosen is None:
        chosen, chosen_score = best, best_score
        parent = resource.parent
        keep_spread = parent is not None and parent.is_clone and parent.unique
        if not keep_spread and chosen_score > 0 and chosen.available():
            running = resource.current_node()
            if running is not None and running.available(running.score):
                for node, score in spots[1:]:
                    if score != chosen_score:
                        break
                    if node is running:
                        chosen = running
    give(resource, chosen, chosen_score, force=False, stop_if_fail=stop_if_fail)
    return resource.assigned is not None


def give(
    resource: Resource, node: Node | None, score: int, *, force: bool, stop_if_fail: bool
) -> bool:
    """Assign it (or everything below it) to a node or to none; tells whether that is new."""
    if resource.children:
        changed = False
        for child in resource.children:
            changed |= give(child, node, score, force=force, stop_if_fail=stop_if_fail)
        return changed
    if (
        not force
        and node is not None
        and (score < 0 or (not node.available(score) and not node.is_guest))
    ):
        if stop_if_fail:
            resource.set_next_role(STOPPED, "node availability")
        node = None
    changed = resource.assigned is not node
    take_back(resource)
    resource.unassigned = False
    if node is None:
        if stop_if_fail:
            resource.set_next_role(STOPPED, "unable to assign")
            _stop_planned(resource)
        return changed
    resource.assigned = node
    resource.assigned_score = score
    node.num_resources += 1
    resource.counts[node.index] = resource.counts.get(node.index, 0) + 1
    utilization.consume(node.utilization, resource)
    if resource.utilization:
        resource.state.keep_scores(UTILIZATION, resource.id, {node.index: 0})
    return changed


def _stop_planned(resource: Resource) -> None:
    """What has been planned for a resource that gets no node: it stops and does nothing else."""
    for vertex in resource.vertices:
        if vertex.task == "stop":
            vertex.flags &= ~OPTIONAL
        elif vertex.task == "start" or (
            vertex.meta.get("interval", "0") != "0" and vertex.meta.get("op_target_rc") != "7"
        ):
            vertex.flags &= ~RUNNABLE


def take_back(resource: Resource) -> None:
    """Undo an assignment."""
    resource.unassigned = True
    if resource.children:
        for child in resource.children:
            take_back(child)
        return
    node = resource.assigned
    if node is not None:
        resource.assigned = None
        node.num_resources -= 1
        utilization.release(node.utilization, resource)


def sort_resources(state: State) -> None:
    """Place first what matters more, and what is pickier about its nodes."""
    nodes = [spot[0] for spot in sorted_nodes(state, [(n, n.score) for n in state.nodes], None)]
    wishes: dict[int, dict[int, int]] = {}

    def scores(resource: Resource) -> dict[int, int]:
        found = wishes.get(id(resource))
        if found is None:
            found = (
                colocations.add_wishes(resource, None, None, None, 1, colocations.THIS_WITH) or {}
            )
            wishes[id(resource)] = found
        return found

    def compare(one: Resource, other: Resource) -> int:
        if one.priority != other.priority:
            return other.priority - one.priority
        mine, theirs = scores(one), scores(other)
        for pair in (
            (
                one.current_node() if one.active_nodes else None,
                other.current_node() if other.active_nodes else None,
            ),
            *((node, node) for node in nodes),
        ):
            first = mine.get(pair[0].index, -INFINITY) if pair[0] is not None else -INFINITY
            second = theirs.get(pair[1].index, -INFINITY) if pair[1] is not None else -INFINITY
            if first != second:
                return second - first
        return 0

    state.resources.sort(key=cmp_to_key(compare))

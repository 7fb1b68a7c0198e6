"""Instances of clones and replicas of bundles: which ones run where.

Instances that are active stay where they are if they may; the rest are spread. An instance that
would choose another node than its present one first lets others reserve theirs.
"""

from __future__ import annotations

from functools import cmp_to_key

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import (
    colocations,
    notifications,
    operations,
    order_effects,
    placement,
    vertices,
)
from crmsh_py.scheduler.group import task_of_part
from crmsh_py.scheduler.model import (
    CHANGED_FIRST,
    CHANGED_THEN,
    CLONE,
    FIRST_IMPLIES_THEN,
    MIGRATABLE,
    OPTIONAL,
    PRIMITIVE,
    PSEUDO,
    RUNNABLE,
    UNKNOWN,
    UNRUNNABLE_FIRST_BLOCKS,
    Node,
    Vertex,
    join,
    single_precision,
)
from crmsh_py.scheduler.resource import Resource

# ---- comparing -----------------------------------------------------------------------------------


def number(instance: Resource) -> int:
    """The number of an instance (``db:1``) or of a replica's part (``httpd-docker-1``)."""
    id_ = instance.id
    _, separator, digits = id_.rpartition(":")
    if not separator:
        _, _, digits = id_.rpartition("-")
    return int(digits) if digits.isdecimal() else 0


def _failed_below(resource: Resource) -> bool:
    return resource.failed or any(_failed_below(child) for child in resource.children)


def _colocation_score(instance: Resource, node: Node) -> int:
    """How much the colocations of an instance like its present node."""
    table: dict[int, int] = {node.index: node.score}
    for colocation in colocations.this_with(instance):
        factor = single_precision(colocation.score / INFINITY)
        changed = colocations.add_wishes(colocation.primary, instance, table, colocation, factor, 0)
        table = table if changed is None else changed
    for colocation in colocations.with_this(instance):
        if not colocations.has_influence(colocation, instance):
            continue
        factor = single_precision(colocation.score / INFINITY)
        changed = colocations.add_wishes(
            colocation.dependent, instance, table, colocation, factor, colocations.NONNEGATIVE
        )
        table = table if changed is None else changed
    return table[node.index]


def compare(one: Resource, other: Resource) -> int:
    """Which of two instances is to be assigned first (negative for ``one``)."""
    first, first_count, _ = one.active_node()
    second, second_count, _ = other.active_node()
    if first_count and second_count and first_count != second_count:
        return first_count - second_count
    if (first is None or one.scores.get(first.index, -1) >= 0) != (
        second is None or other.scores.get(second.index, -1) >= 0
    ):
        return -1 if first is None or one.scores.get(first.index, -1) >= 0 else 1
    if first is not None and one.scores.get(first.index, -1) < 0:
        first = None
    if second is not None and other.scores.get(second.index, -1) < 0:
        second = None
    if one.priority != other.priority:
        return other.priority - one.priority
    if first is None or second is None:
        return (first is None) - (second is None)
    if first.available() != second.available():
        return -1 if first.available() else 1
    known, known_too = one.allowed_by_top(first), other.allowed_by_top(second)
    if not known or not known_too:
        return known_too - known
    counts = (one.parent or one).counts.get(first.index, 0)
    counts_too = (other.parent or other).counts.get(second.index, 0)
    if counts != counts_too:
        return counts - counts_too
    if _failed_below(one) != _failed_below(other):
        return 1 if _failed_below(one) else -1
    current, current_too = one.current_node(), other.current_node()
    if (
        current is not None
        and current_too is not None
        and (one.takes_part_in_colocation() or other.takes_part_in_colocation())
    ):
        difference = _colocation_score(other, current_too) - _colocation_score(one, current)
        if difference:
            return difference
    return number(one) - number(other)


by_preference = cmp_to_key(compare)

# ---- assigning -----------------------------------------------------------------------------------


def _can_run(instance: Resource, node: Node, per_node: int) -> bool:
    top = instance.parent or instance
    return (
        not instance.removed
        and node.available()
        and top.scores.get(node.index, -1) >= 0
        and top.counts.get(node.index, 0) < per_node
    )


def _ban_unusable(instance: Resource, per_node: int) -> None:
    nodes = instance.state.nodes_by_index
    for index in instance.scores:
        if not _can_run(instance, nodes[index], per_node):
            instance.scores[index] = -INFINITY
            for child in instance.children:
                if index in child.scores:
                    child.scores[index] = -INFINITY
            if instance.state.traced:
                _note_unusable(instance, nodes[index], per_node)


def _note_unusable(instance: Resource, node: Node, per_node: int) -> None:
    """Keep why an instance cannot be on a node; the order is that of ``_can_run``."""
    top = instance.parent or instance
    if instance.removed:
        kind = "removed"
    elif not node.available():
        kind = "unavailable"
    elif top.scores.get(node.index, -1) < 0:
        kind = "whole-forbidden"
    else:
        kind = "instance-node-limit"
    source = node.configured_as() if kind == "unavailable" else top.xml_id
    for each in (instance, *instance.children):
        if node.index in each.scores:
            each.note(node.index, -INFINITY, kind, source)


def _count(instance: Resource, node: Node | None) -> None:
    if node is not None:
        top = instance.parent or instance
        if node.index in top.scores:
            top.counts[node.index] = top.counts.get(node.index, 0) + 1


def _assign(instance: Resource, prefer: Node | None, per_node: int) -> Node | None:
    if instance.assigning:
        return None
    _ban_unusable(instance, per_node)
    chosen = instance.assign(prefer, stop_if_fail=prefer is None)
    _count(instance, chosen)
    return chosen


def _save(resource: Resource, into: dict[str, dict[int, int]]) -> dict[str, dict[int, int]]:
    into[resource.id] = resource.scores.copy()
    for child in resource.children:
        _save(child, into)
    return into


def _restore(resource: Resource, saved: dict[str, dict[int, int]]) -> None:
    resource.scores = saved[resource.id].copy()
    for child in resource.children:
        _restore(child, saved)


def _assign_early(instance: Resource, current: Node, per_node: int, free: int) -> bool:
    """Assign an active instance to the node where it is, if that comes out by itself."""
    parent = instance.parent
    assert parent is not None
    score = instance.scores.get(current.index)
    if score is None or not current.available(score):
        return False
    saved = _save(instance, {})
    parent_scores, parent_counts = parent.scores, parent.counts
    parent.scores, parent.counts = parent_scores.copy(), dict(parent_counts)
    chosen: Node | None = None
    reserved = 0
    while reserved < free:
        chosen = _assign(instance, current, per_node)
        if chosen is current:
            break
        _restore(instance, saved)
        if chosen is None:
            instance.unassigned = True
            break
        # It would rather be elsewhere: that place counts as taken, then it may try again.
        reserved += 1
        placement.take_back(instance)
        chosen = None
    parent.scores, parent.counts = parent_scores, parent_counts
    if chosen is None:
        return False
    _count(instance, chosen)
    return True


def _stays_on(instance: Resource, per_node: int) -> Node | None:
    """The node that an active instance should rather not leave."""
    if not instance.active_nodes or not instance.unassigned or instance.failed:
        return None
    node = instance.current_node()
    if node is None or not node.available(node.score):
        return None
    top = instance.parent or instance
    if node.index in top.scores and top.counts.get(node.index, 0) >= per_node:
        return None
    return node


def assign_all(
    whole: Resource, instances: list[Resource], max_total: int, max_per_node: int
) -> None:
    """Assign the instances of a clone (or the containers of a bundle)."""
    nodes = whole.state.nodes_by_index
    whole.counts = {}
    usable = sum(nodes[index].available() for index in whole.scores)
    per_node = max(1, max_total // usable) if usable else 1
    assigned = 0
    for instance in instances:
        if assigned >= max_total:
            break
        if not instance.unassigned:
            continue
        current = _stays_on(instance, per_node)
        if current is not None and _assign_early(
            instance, current, max_per_node, max_total - assigned
        ):
            assigned += 1
    for instance in instances:
        if not instance.unassigned:
            continue
        if assigned >= max_total:
            instance.shift(None, -INFINITY, "instance-limit", whole.xml_id)
        elif _assign(instance, None, max_per_node) is not None:
            assigned += 1


# ---- vertices ------------------------------------------------------------------------------------


def create_vertices(whole: Resource, instances: list[Resource]) -> None:
    """The vertices of the instances, and the points around all of them."""
    starting = stopping = restarting = active = False
    for instance in instances:
        instance.create_vertices()
        for leaf in instance.leaves():
            starts = stops = False
            active = active or bool(leaf.active_nodes)
            for vertex in leaf.vertices:
                if vertex.flags & OPTIONAL:
                    continue
                if vertex.task == "start":
                    starts = starts or bool(vertex.flags & RUNNABLE)
                elif vertex.task == "stop":
                    stops = stops or bool(vertex.flags & (PSEUDO | RUNNABLE))
            starting, stopping = starting or starts, stopping or stops
            restarting = restarting or (starts and stops)
    start = vertices.pseudo_for(whole, "start", optional=not starting, runnable=True)
    running = vertices.pseudo_for(whole, "running", optional=not starting, runnable=False)
    running.priority = INFINITY
    if active or starting:
        running.flags |= RUNNABLE
    stop = vertices.pseudo_for(whole, "stop", optional=not stopping, runnable=True)
    stopped = vertices.pseudo_for(whole, "stopped", optional=not stopping, runnable=True)
    stopped.priority = INFINITY
    if not restarting:
        stop.flags |= MIGRATABLE
    if whole.is_clone:
        notifications.create_for_starts(whole.as_clone(), start, running, stop, stopped)


def matches(
    instance: Resource, node: Node, role: int, attribute: str | None, *, current: bool
) -> bool:
    """Whether an instance is, or will be, on a node in a role."""
    if role not in {UNKNOWN, instance.role(current=current)}:
        return False
    if instance.any_below("blocked"):
        return False
    own = instance.location(current=current)
    if own is None:
        return False
    if attribute is None:
        return own is node
    mine = colocations.node_attribute(own, attribute, instance)
    theirs = colocations.node_attribute(node, attribute, instance)
    return (mine or "").lower() == (theirs or "").lower()


def find_compatible(
    for_: Resource, whole: Resource, role: int, attribute: str | None = None, *, current: bool
) -> Resource | None:
    """The instance of a whole that belongs to another resource: on the same node."""
    node = for_.location(current=current)
    if node is not None:
        candidates = [node]
    else:
        candidates = [
            spot[0]
            for spot in placement.sorted_nodes(for_.state, placement.scored_nodes(for_), None)
        ]
    for candidate in candidates:
        for instance in whole.instances():
            if matches(instance, candidate, role, attribute, current=current):
                return instance
    return None


# ---- orders --------------------------------------------------------------------------------------


def original_task(vertex: Vertex) -> str:
    """What a point of a whole is called for its instances."""
    owner = vertex.resource
    assert owner is not None
    task = vertex.task
    if task in {"notify", "notified"}:
        task = vertex.key.rpartition("_notify_")[2].rsplit("_", 1)[0]
    return task_of_part(owner.children[0], task)


def collective_flags(vertex: Vertex, instances: list[Resource], node: Node | None) -> int:
    """Optional where all instances' vertices are, runnable where any of them is."""
    flags = OPTIONAL | RUNNABLE | PSEUDO
    task = original_task(vertex)
    any_runnable = False
    for instance in instances:
        single = instance.kind == PRIMITIVE
        theirs = instance.newest_vertex(task, node if single else None)
        if theirs is None:
            continue
        theirs_flags = theirs.flags if single else instance.vertex_flags(theirs, node)
        if flags & OPTIONAL and not theirs_flags & OPTIONAL:
            flags &= ~OPTIONAL
            vertex.flags &= ~OPTIONAL
        any_runnable = any_runnable or bool(theirs_flags & RUNNABLE)
    if not any_runnable:
        flags &= ~RUNNABLE
        if node is None:
            vertex.flags &= ~RUNNABLE
    return flags


def _interleaved(first: Vertex, then: Vertex) -> bool:
    one, other = first.resource, then.resource
    if one is None or other is None or one is other:
        return False
    if one.kind < CLONE or other.kind < CLONE:
        return False
    backwards = then.key.endswith(("_stop_0", "_demote_0"))
    return operations.interleaves(one if backwards else other)


def _instance_vertex(
    vertex: Vertex, instance: Resource, task: str, node: Node | None, *, for_first: bool
) -> Vertex | None:
    subject: Resource | None = None
    if (for_first and vertex.task not in {"stop", "stopped"}) or (
        not for_first and vertex.task in {"promote", "promoted", "demote", "demoted"}
    ):
        subject = instance.contents
    if subject is None:
        return instance.newest_vertex(task, node)
    return subject.newest_vertex(task)


def _update_interleaved(
    first: Vertex, then: Vertex, node: Node | None, filter_: int, type_: int
) -> int:
    owner, leader = then.resource, first.resource
    assert owner is not None
    assert leader is not None
    changed = 0
    task = original_task(first)
    current = first.key.endswith(("_stopped_0", "_demoted_0"))
    for instance in owner.instances():
        partner = find_compatible(instance, leader, UNKNOWN, current=current)
        if partner is None:
            if (
                not current
                and type_ & (UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN)
                and placement.give(instance, None, 0, force=True, stop_if_fail=True)
            ):
                changed |= CHANGED_THEN
            continue
        theirs = _instance_vertex(first, partner, task, node, for_first=True)
        if theirs is None:
            continue
        ours = _instance_vertex(then, instance, then.task, node, for_first=False)
        if ours is None:
            continue
        if join(theirs, ours, type_):
            changed |= CHANGED_FIRST | CHANGED_THEN
        changed |= instance.update_ordered(
            theirs, ours, node, partner.vertex_flags(theirs, node), filter_, type_
        )
    return changed


def update_ordered(  # noqa: PLR0917
    first: Vertex, then: Vertex, node: Node | None, flags: int, filter_: int, type_: int
) -> int:
    """Let an order act on a whole: instance by instance where interleaved, else on all."""
    owner = then.resource
    if owner is None:
        return 0
    if _interleaved(first, then):
        return _update_interleaved(first, then, node, filter_, type_)
    changed = order_effects.update_pair(first, then, node, flags, filter_, type_)
    for instance in owner.instances():
        theirs = instance.newest_vertex(then.task, node)
        if theirs is None or not instance.vertex_flags(theirs, node) & RUNNABLE:
            continue
        effect = instance.update_ordered(first, theirs, node, flags, filter_, type_)
        changed |= effect
        if effect & CHANGED_THEN:
            for after in reversed(theirs.after):
                order_effects.update(after.vertex)
    return changed

"""Promotion: which instances of a clone get the promoted role.

An agent says by node attributes how good its instance would be; location constraints and
colocations of the promoted role add to that; the best ones, up to promoted-max, are promoted.
"""

from __future__ import annotations

from functools import cmp_to_key

from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import (
    colocations,
    instances,
    notifications,
    relations,
    sources,
    tickets,
    vertices,
)
from crmsh_py.scheduler.contributions import TracedScores, Trail, joined, note, trail_of
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN_GRAPHED,
    OPTIONAL,
    ORDERED,
    PROMOTED,
    STARTED,
    STOPPED,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNKNOWN,
    UNPROMOTED,
    Colocation,
    Location,
    Node,
    single_precision,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import Contribution
from crmsh_py.scheduler.state import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.clone import Clone

# ---- what the agents say -------------------------------------------------------------------------


def base_name(id_: str) -> str:
    """The id without the number of an instance."""
    name, separator, digits = id_.rpartition(":")
    return name if separator and (digits.isdecimal() or not digits) else id_


def _twins(clone: Resource, name: str) -> tuple[dict[int, Resource], set[int]]:
    """Of the instances of one resource: which one is active where, and where any was probed.

    Neither changes while instances are assigned, so it is found out once for all of them.
    """
    known = clone.state.twins.get((clone, name))
    if known is not None:
        return known
    active: dict[int, Resource] = {}
    probed: set[int] = set()
    for child in clone.children:
        stack = [child]
        while stack:
            each = stack.pop(0)
            if name in {each.id, each.xml_id}:
                for node in each.active_nodes:
                    active.setdefault(node.index, each)
                probed |= each.probed
                break
            stack = each.children + stack
    clone.state.twins[clone, name] = active, probed
    return active, probed


def _score_applies(resource: Resource, node: Node) -> bool:
    """Whether the attribute of a node is about this instance."""
    allowed = resource.scores.get(node.index, -1) >= 0
    if not resource.unique:
        active, probed = _twins(resource.topmost(), base_name(resource.id))
        there = active.get(node.index)
        if there is resource or (there is None and node.index in probed):
            return allowed
    if not resource.active_nodes and not resource.probed:
        return allowed
    return allowed and (node.index in resource.probed or resource.active_on(node))


def _attribute(resource: Resource, node: Node, name: str) -> str | None:
    holder = _holder(resource, node)
    return holder.attrs.get(f"master-{name}") if holder is not None else None


def _holder(resource: Resource, node: Node) -> Node | None:
    """The node that has the attributes: for containers maybe the host where they are."""
    target = resource.meta.get("container-attribute-target")
    launcher = node.launcher
    if launcher is None or target is None or target.lower() != "host":
        return node
    if resource.unassigned:
        return launcher.active_nodes[0] if launcher.active_nodes else None
    return launcher.assigned


def promotion_score(resource: Resource, node: Node) -> tuple[int, bool]:
    """The score that agents give an instance on a node, and whether any of them gave one."""
    if resource.children:
        parts = [promotion_score(child, node) for child in resource.children]
        return sum(score for score, _ in parts), any(given for _, given in parts)
    value = _attribute(resource, node, resource.history_name)
    if value is None and not resource.unique:
        name = base_name(resource.id)
        if name != resource.id:
            value = _attribute(resource, node, name)
    if value is None or not _score_applies(resource, node):
        return 0, False
    return resource.state.settings.score(value) or 0, True


def _promotion_sources(resource: Resource, node: Node) -> str:
    """The attributes that ``promotion_score`` looks at."""
    if resource.children:
        found = [_promotion_sources(child, node) for child in resource.children]
        return " ".join(each for each in found if each)
    holder = _holder(resource, node)
    if holder is None or not _score_applies(resource, node):
        return ""
    for name in (resource.history_name, base_name(resource.id)):
        source = sources.of_node_attribute(resource.state, holder, f"master-{name}")
        if source:
            return source
    return ""


def add_scores_of_attributes(clone: Clone) -> None:
    """Let instances run where they would make good promoted ones."""
    if clone.promotion_added:
        return
    clone.promotion_added = True
    nodes = clone.state.nodes_by_index
    for child in clone.children:
        for index in list(child.scores):
            node = nodes[index]
            if not node.available():
                continue
            score, _ = promotion_score(child, node)
            if score > 0:
                source = _promotion_sources(child, node) if child.state.traced else ""
                child.add_score(node, score, "promotion-score", source)
            child.priority = max(child.priority, score)


# ---- choosing ------------------------------------------------------------------------------------


def set_roles(clone: Clone) -> None:
    """Decide the next role of every instance."""
    clone.counts = {}
    for child in clone.children:
        _set_priority(clone, child)
    _sort(clone)
    promoted = 0
    for child in clone.children:
        promoted += _set_role(clone, child, promoted)


def _mark_unpromoted_now(resource: Resource) -> None:
    if resource.orig_role == STARTED:
        resource.orig_role = UNPROMOTED
    for child in resource.children:
        _mark_unpromoted_now(child)


def _set_priority(clone: Clone, child: Resource) -> None:
    if child.role(current=True) == STARTED:
        _mark_unpromoted_now(child)
    spots = child.assigned_locations()
    if len(spots) > 1:
        child.state.error("set_instance_priority", f"Cannot promote non-colocated child {child.id}")
    if len(spots) != 1:
        return
    chosen = spots[0][0]
    role = child.role(current=False)
    kind = ""
    if role in {STARTED, UNKNOWN}:
        score, given = promotion_score(child, chosen)
        child.priority = score if given else -1
        kind = "promotion-score" if given else "no-promotion-score"
    elif role in {UNPROMOTED, STOPPED}:
        child.priority = -INFINITY
        kind = _why_not_promoted(child)
    if child.state.traced:
        _begin_trail(child, chosen, kind)
    _apply_promoted_locations(child, child.locations, chosen)
    _apply_promoted_locations(child, clone.locations, chosen)
    for colocation in colocations.this_with(child):
        child.follow(colocation.primary, colocation)
    child.promotion_priority = INFINITY if role == PROMOTED else child.priority
    child.promotion_trail = child.priority_trail
    if role == PROMOTED and child.state.traced:
        child.promotion_trail = _only("role-promoted", INFINITY, child, child.xml_id)


def _why_not_promoted(child: Resource) -> str:
    """What kind of reason has decided for a role that is less than promoted."""
    stopped = child.role(current=False) == STOPPED
    if child.next_role_why in {"", "target-role"}:
        return "target-role" if stopped else "target-role-unpromoted"
    return "stopped" if stopped else "unpromoted"


def _only(kind: str, amount: int, child: Resource, source_id: str = "") -> Trail | None:
    if not amount:
        return None
    made = Contribution(kind=kind, amount=amount, source_id=source_id, subject=child.id)
    return Trail(made, None)


def _begin_trail(child: Resource, chosen: Node, kind: str) -> None:
    """What the priority for promotion begins with."""
    source = child.xml_id
    if kind == "promotion-score":
        source = _promotion_sources(child, chosen)
    elif kind in {"target-role", "target-role-unpromoted"}:
        source = sources.of_meta(child, "target-role")
    elif kind in {"unpromoted", "stopped"}:
        source = child.next_role_source or source
    child.priority_trail = _only(kind, child.priority, child, source) if kind else None


def _apply_promoted_locations(child: Resource, found: list[Location], chosen: Node) -> None:
    for location in reversed(found):
        score = location.scores.get(chosen.index)
        if location.role == PROMOTED and score is not None:
            child.priority = add_scores(child.priority, score)
            if child.state.traced and score:
                made = Contribution(
                    kind="location", amount=score, source_id=location.id, subject=child.id
                )
                child.priority_trail = Trail(made, child.priority_trail)


def _compare(one: Resource, other: Resource) -> int:
    if one.promotion_priority != other.promotion_priority:
        return other.promotion_priority - one.promotion_priority
    difference = other.role(current=True) - one.role(current=True)
    return difference or instances.compare(one, other)


def _sort(clone: Clone) -> None:
    """Weigh in what others wish of the promoted role, then sort, best first."""
    if clone.promotion_constrained:
        return
    clone.promotion_constrained = True
    clone.updating_nodes = True
    for child in clone.children:
        chosen = child.location(current=False)
        if child.promotion_priority >= 0 and chosen is not None:
            present = clone.scores.get(chosen.index, 0)
            clone.scores[chosen.index] = add_scores(child.promotion_priority, present)
            if isinstance(clone.scores, TracedScores):
                _add_trail(clone.scores, chosen.index, child.promotion_trail)
    for colocation in colocations.with_this(clone):
        if colocation.primary_role == PROMOTED and colocations.has_influence(colocation):
            factor = single_precision(colocation.score / INFINITY)
            changed = colocations.add_wishes(
                colocation.dependent,
                clone,
                clone.scores,
                colocation,
                factor,
                colocations.ACTIVE | colocations.NONNEGATIVE,
            )
            if changed is not None:
                clone.scores = changed
    tickets.require_for_promotion(clone)
    for child in clone.children:
        chosen = child.location(current=False)
        if not child.managed and child.next_role == PROMOTED:
            child.promotion_priority = INFINITY
            child.promotion_trail = _only(
                "unmanaged", INFINITY, child, sources.of_management(child)
            )
        elif chosen is None:
            child.promotion_priority = -INFINITY
            child.promotion_trail = _only("no-node", -INFINITY, child, clone.configured_as())
        elif child.promotion_priority >= 0:
            child.promotion_priority = clone.scores.get(chosen.index, 0)
            child.promotion_trail = trail_of(clone.scores, chosen.index)
    clone.children.sort(key=cmp_to_key(_compare))
    clone.updating_nodes = False


def _add_trail(scores: TracedScores, index: int, more: Trail | None) -> None:
    trail = joined(scores.trails.get(index), more, scores[index])
    if trail is not None:
        scores.trails[index] = trail


def _promotion_node(resource: Resource) -> Node | None:
    """The node where an instance can be promoted, if there is one."""
    if any(_promotion_node(child) is None for child in resource.children):
        return None
    node = resource.location(current=False)
    if node is None:
        return None
    if not resource.managed:
        if resource.role(current=True) != PROMOTED:
            return None
    elif resource.priority < 0 or not _can_host(node):
        return None
    clone = resource.topmost().as_clone()
    if node.index not in clone.scores:
        return None
    if resource.managed and clone.counts.get(node.index, 0) >= clone.promoted_node_max:
        return None
    return node


def _can_host(node: Node) -> bool:
    launcher = node.launcher
    return node.available() and (launcher is None or launcher.location(current=False) is not None)


def _set_role(clone: Clone, child: Resource, promoted: int) -> int:
    """Promote an instance, or not; tells how many were promoted."""
    state = clone.state
    spot = child.location(current=False)
    index = spot.index if spot is not None else NOWHERE
    trails = {index: child.promotion_trail} if child.promotion_trail is not None else {}
    state.keep_scores(
        "promotion", child.id, TracedScores({index: child.promotion_priority}, trails)
    )
    chosen = None
    if child.promotion_priority >= 0 and (promoted < clone.promoted_max or not clone.managed):
        chosen = _promotion_node(child)
    if chosen is None or (
        child.orig_role < PROMOTED
        and not state.quorate
        and state.settings.no_quorum_policy == "freeze"
    ):
        _next_unpromoted(child)
        return 0
    clone.counts[chosen.index] = clone.counts.get(chosen.index, 0) + 1
    _next_promoted(child)
    return 1


def _next_unpromoted(resource: Resource) -> None:
    if resource.assigned_locations():
        resource.set_next_role(UNPROMOTED, "unpromoted instance")
    else:
        resource.set_next_role(STOPPED, "stopped instance")
    for child in resource.children:
        _next_unpromoted(child)


def _next_promoted(resource: Resource) -> None:
    if resource.next_role == UNKNOWN:
        resource.set_next_role(PROMOTED, "promoted instance")
    for child in resource.children:
        _next_promoted(child)


# ---- vertices and orders -------------------------------------------------------------------------


def create_vertices(clone: Clone) -> None:
    """The promotions and demotions of the instances, and the points around them."""
    promoting = demoting = False
    for child in clone.children:
        child.create_vertices()
        for leaf in child.leaves():
            for vertex in leaf.vertices:
                if not vertex.flags & OPTIONAL:
                    demoting = demoting or vertex.task == "demote"
                    promoting = promoting or vertex.task == "promote"
    promote = vertices.pseudo_for(clone, "promote", optional=not promoting, runnable=True)
    promoted = vertices.pseudo_for(clone, "promoted", optional=not promoting, runnable=True)
    promoted.priority = INFINITY
    notifications.create_for_promotions(clone, promote, promoted)
    demote = vertices.pseudo_for(clone, "demote", optional=not demoting, runnable=True)
    demoted = vertices.pseudo_for(clone, "demoted", optional=not demoting, runnable=True)
    demoted.priority = INFINITY
    notifications.create_for_demotions(clone, demote, demoted)
    for child in clone.children:
        child.priority = clone.priority


def restart_order(whole: Resource) -> None:
    """Demote before stop before start before promote, for all instances together."""
    for first, then in (
        ("stopped", "start"),
        ("stopped", "promote"),
        ("demoted", "stop"),
        ("demoted", "start"),
        ("demoted", "promote"),
        ("running", "promote"),
        ("demote", "demoted"),
    ):
        relations.order(whole, first, whole, then, ORDERED)


def internal_constraints(clone: Clone) -> None:
    """Order promotions and demotions of the instances."""
    restart_order(clone)
    previous: Resource | None = None
    for child in clone.children:
        relations.order(child, "demote", child, "promote", ORDERED)
        relations.order(clone, "promote", child, "promote", ORDERED)
        relations.order(child, "promote", clone, "promoted", ORDERED)
        if previous is not None and clone.ordered:
            relations.order(previous, "promote", child, "promote", ORDERED)
        relations.order(clone, "demote", child, "demote", THEN_IMPLIES_FIRST_GRAPHED)
        relations.order(child, "demote", clone, "demoted", FIRST_IMPLIES_THEN_GRAPHED)
        if previous is not None and clone.ordered:
            relations.order(child, "demote", previous, "demote", ORDERED)
        previous = child


# ---- colocations with a role ---------------------------------------------------------------------


def lead_dependent(clone: Clone, dependent: Resource, colocation: Colocation) -> None:
    """Change the scores of what shall be with instances in a role."""
    spots: list[tuple[Node, int]] = []
    nodes = clone.state.nodes_by_index
    for child in clone.children:
        found = child.assigned_locations()
        if len(found) != 1 or child.role(current=False) != colocation.primary_role:
            continue
        if colocation.score < INFINITY:
            value = colocations.node_attribute(found[0][0], colocation.attribute, clone)
            for index, score in dependent.scores.items():
                theirs = colocations.node_attribute(nodes[index], colocation.attribute, dependent)
                if (value or "").lower() == (theirs or "").lower():
                    dependent.scores[index] = add_scores(score, colocation.score)
                    if clone.state.traced:
                        made = colocations.contribution(
                            "colocation", colocation, child, colocation.score
                        )
                        note(dependent.scores, index, made)
        spots.insert(0, found[0])
    if colocation.score >= INFINITY and not (
        colocation.dependent_role == PROMOTED and colocation.primary_role == PROMOTED
    ):
        colocations.intersect(dependent, spots, colocation, merge_scores=True)


def lead_promotion(clone: Clone, dependent: Resource, colocation: Colocation) -> int:
    """Change the priority for promotion of what shall be promoted with instances in a role."""
    partner = instances.find_compatible(
        dependent, clone, colocation.primary_role, colocation.attribute, current=False
    )
    if partner is not None:
        dependent.priority = add_scores(dependent.priority, colocation.score)
        colocations.note_priority(dependent, colocation.score, "colocation", colocation, partner)
        return colocation.score
    if colocation.score >= INFINITY:
        dependent.priority = -INFINITY
        colocations.note_priority(dependent, -INFINITY, "colocation", colocation, clone)
        return -INFINITY
    return 0

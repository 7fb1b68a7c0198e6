"""What colocations do to scores and priorities.

A colocation has two effects. Once its primary has a node, the dependent's scores there rise (or,
with a mandatory colocation, fall everywhere else). And before the primary chooses, the wishes of
the dependents are added to its own scores, weighted by the colocation's score, so that it goes
where they can follow; this runs along chains of colocations.
"""

from __future__ import annotations

from bisect import insort_left

from crmsh_py.cib.scores import INFINITY, add_scores
from crmsh_py.scheduler import relations, sources
from crmsh_py.scheduler.contributions import Trail, note, restart
from crmsh_py.scheduler.model import (
    GROUP,
    IF_REQUIRED_ON_SAME_NODE,
    PROMOTED,
    UNKNOWN,
    UNPROMOTED,
    Colocation,
    Node,
    single_precision,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import Contribution
from crmsh_py.scheduler.state import State
from crmsh_py.value import replace

# Marks a score that became negative on the way and must not be taken for a refusal.
_SPOILED = -INFINITY * 100

# Which colocations a search for wishes follows, and how.
THIS_WITH = 1
NONNEGATIVE = 2
ACTIVE = 4


def node_attribute(node: Node | None, name: str, resource: Resource | None) -> str | None:
    """A node's attribute as a colocation compares it; for containers maybe that of their host."""
    if node is None:
        return None
    launcher = node.launcher
    if launcher is not None:
        target = None
        if (
            resource is not None
            and resource.bundled
            and resource.topmost().is_clone  # it runs inside: what is around that are primitives
            and node.remote is not None
            and node.remote.bundled
        ):
            target = "host"
        elif resource is not None:
            target = resource.meta.get("container-attribute-target")
        if target is not None and target.lower() == "host":
            return launcher.assigned.attrs.get(name) if launcher.assigned is not None else None
    return node.attrs.get(name)


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or one.lower() == other.lower()


# ---- keeping them in order -----------------------------------------------------------------------


def _rank(resource: Resource) -> tuple[int, int, bool, str]:
    return (
        -resource.priority,
        -resource.kind,
        resource.is_clone and not resource.promotable,
        resource.id,
    )


def _rank_of_dependent(item: Colocation) -> tuple[int, int, bool, str]:
    return _rank(item.dependent)


def _rank_of_primary(item: Colocation) -> tuple[int, int, bool, str]:
    return _rank(item.primary)


def _insert(items: list[Colocation], item: Colocation, *, by_dependent: bool) -> None:
    """Put it before the first one that does not rank higher; priorities change meanwhile."""
    rank_of = _rank_of_dependent if by_dependent else _rank_of_primary
    rank = rank_of(item)
    place = next((n for n, other in enumerate(items) if rank_of(other) >= rank), len(items))
    items.insert(place, item)


def add_this_with(items: list[Colocation], item: Colocation) -> None:
    """Put a colocation among those in which a resource is the dependent."""
    _insert(items, item, by_dependent=False)


def add_with_this(items: list[Colocation], item: Colocation) -> None:
    """Put a colocation among those in which a resource is the primary."""
    _insert(items, item, by_dependent=True)


def extend(items: list[Colocation], more: list[Colocation], *, by_dependent: bool) -> None:
    """Add several colocations.

    To a list that has some already, Pacemaker 3 adds the first of the new ones once for each of
    them; scores are compatible only if this is done here too.
    """
    if not items:
        items.extend(more)
        return
    for _ in more:
        _insert(items, more[0], by_dependent=by_dependent)


def with_this(resource: Resource) -> list[Colocation]:
    """The colocations in which it is the primary, as far as they concern it."""
    found: list[Colocation] = []
    resource.collect_with_this(resource, found)
    return found


def this_with(resource: Resource) -> list[Colocation]:
    """The colocations in which it is the dependent, as far as they concern it."""
    found: list[Colocation] = []
    resource.collect_this_with(resource, found)
    return found


def add(state: State, colocation: Colocation) -> None:
    """Take a colocation into account; resources that must be apart also are ordered."""
    if not colocation.score:
        return
    dependent, primary = colocation.dependent, colocation.primary
    # Nothing is assigned yet, so nobody's priority has changed: the lists are in order.
    insort_left(dependent.this_with, colocation, key=_rank_of_primary)
    insort_left(primary.with_this, colocation, key=_rank_of_dependent)
    state.colocations.append(colocation)
    if colocation.score <= -INFINITY:
        _order_apart(dependent, colocation.dependent_role, primary, colocation.primary_role)
        _order_apart(primary, colocation.primary_role, dependent, colocation.dependent_role)


def _order_apart(first: Resource, first_role: int, then: Resource, then_role: int) -> None:
    """Before one comes to a node, the other leaves it."""
    firsts = ["demote"] if first_role == PROMOTED else ["stop"]
    if first_role == UNPROMOTED:
        firsts.append("promote")
    thens = ["promote"] if then_role == PROMOTED else ["start"]
    if then_role == UNPROMOTED:
        thens.append("demote")
    for first_task in firsts:
        for then_task in thens:
            relations.order(first, first_task, then, then_task, IF_REQUIRED_ON_SAME_NODE)


# ---- effects -------------------------------------------------------------------------------------


def has_influence(colocation: Colocation, resource: Resource | None = None) -> bool:
    """Whether the dependent's wishes may move the primary (or ``resource``)."""
    subject = resource if resource is not None else colocation.primary
    if (
        colocation.dependent.remote_nesting_allowed
        and not subject.failed
        and len(subject.active_nodes) == 1
    ):
        return False
    return colocation.influence or not subject.active_nodes


def _role_bearer(resource: Resource) -> Resource:
    """Whose role counts: for a bundle's container, that of what runs inside."""
    return resource.contents or resource


AFFECTS_NOTHING, AFFECTS_LOCATION, AFFECTS_ROLE = range(3)


def affects(
    dependent: Resource, primary: Resource, colocation: Colocation, *, preview: bool
) -> int:
    """What a colocation is about at this point: nodes, roles or nothing."""
    if not preview and primary.unassigned:
        return AFFECTS_NOTHING
    bearer = _role_bearer(dependent)
    if (
        colocation.dependent_role >= UNPROMOTED
        and bearer.parent is not None
        and bearer.parent.promotable
        and not bearer.unassigned
    ):
        return AFFECTS_ROLE
    if not preview and not dependent.unassigned:
        return AFFECTS_NOTHING
    if colocation.dependent_role not in {UNKNOWN, bearer.next_role}:
        return AFFECTS_NOTHING
    if colocation.primary_role not in {UNKNOWN, _role_bearer(primary).next_role}:
        return AFFECTS_NOTHING
    return AFFECTS_LOCATION


def apply_to_scores(dependent: Resource, primary: Resource, colocation: Colocation) -> None:
    """Change the dependent's scores by where the primary will be."""
    score = colocation.score
    chosen = primary.assigned
    if chosen is None and score < 0:
        return
    value = node_attribute(chosen, colocation.attribute, primary)
    state = dependent.state
    nodes = state.nodes_by_index
    simple = colocation.attribute == "#uname" and not state.have_remote_nodes
    elsewhere = 0 if score < INFINITY else -INFINITY
    here = 0 if score >= INFINITY else score
    work = dependent.scores.copy()
    for index, present in dependent.scores.items():
        if chosen is None:
            delta = -score
        elif simple:
            delta = here if index == chosen.index else elsewhere
        elif _same(node_attribute(nodes[index], colocation.attribute, dependent), value):
            delta = here
        else:
            delta = elsewhere
        if delta == 0:
            continue
        work[index] = add_scores(delta, present) if delta != -INFINITY else -INFINITY
        if state.traced:
            note(work, index, contribution("colocation", colocation, primary, delta))
    if colocation.mandatory or dependent.any_node_available(work):
        dependent.scores = work


def contribution(
    kind: str, colocation: Colocation, other: Resource, amount: int, detail: str = ""
) -> Contribution:
    """What a colocation with (or a wish of) another resource adds to a score."""
    return Contribution(
        kind=kind,
        amount=amount,
        source_id=sources.of_colocation(colocation),
        subject=other.id,
        detail=detail,
    )


def note_priority(
    resource: Resource, amount: int, kind: str, colocation: Colocation, other: Resource
) -> None:
    """Keep what a colocation changed the priority for promotion of a resource by."""
    if resource.state.traced and amount:
        made = contribution(kind, colocation, other, amount)
        resource.priority_trail = Trail(made, resource.priority_trail)


def apply_to_priority(dependent: Resource, primary: Resource, colocation: Colocation) -> int:
    """Change the dependent's priority for promotion by where the primary will be."""
    if dependent.assigned is None:
        return 0
    if primary.assigned is not None and colocation.primary_role not in {
        UNKNOWN,
        _role_bearer(primary).next_role,
    }:
        return 0
    attribute = colocation.attribute
    theirs = node_attribute(primary.assigned, attribute, primary)
    ours = node_attribute(dependent.assigned, attribute, dependent)
    sign = 1
    if not _same(ours, theirs):
        if colocation.score != INFINITY or colocation.dependent_role != PROMOTED:
            return 0
        sign = -1
    elif colocation.dependent_role == UNPROMOTED:
        sign = -1
    delta = sign * colocation.score
    dependent.priority = add_scores(delta, dependent.priority)
    note_priority(dependent, delta, "colocation", colocation, primary)
    return delta


def intersect(
    dependent: Resource,
    spots: list[tuple[Node, int]],
    colocation: Colocation,
    *,
    merge_scores: bool,
) -> None:
    """Leave the dependent only the nodes where the primary is, maybe adding their scores."""
    found = {node.index: score for node, score in reversed(spots)}
    for index in dependent.scores:
        if index not in found:
            dependent.scores[index] = -INFINITY
            delta, kind = -INFINITY, "colocation"
        elif merge_scores:
            delta, kind = found[index], "colocation-score"
            dependent.scores[index] = add_scores(dependent.scores[index], delta)
        else:
            continue
        if dependent.state.traced:
            made = contribution(kind, colocation, colocation.primary, delta)
            note(dependent.scores, index, made)


# ---- wishes of the colocated ---------------------------------------------------------------------


def _scores_to_match(source: Resource, colocation: Colocation) -> dict[int, int]:
    """The scores that a wish is made of: usually the resource's own."""
    parent = source.parent
    if not (
        source is colocation.dependent
        and colocation.explicit
        and parent is not None
        and parent.kind == GROUP
        and source is not parent.children[0]
    ):
        return source.scores
    # A member is judged with the locations of its group, which only the first member has.
    saved = source.scores
    source.scores = saved.copy()
    for location in reversed(parent.locations):
        source.apply_location(location)
    scores = source.scores
    source.scores = saved
    return scores


def _best_matching(
    source: Resource, scores: dict[int, int], attribute: str, value: str | None
) -> int:
    """The best score that ``source`` has on a node with this value of an attribute."""
    nodes = source.state.nodes_by_index
    best = -INFINITY
    for index, score in scores.items():
        node = nodes[index]
        if (
            score > best
            and node.available()
            and _same(value, node_attribute(node, attribute, source))
        ):
            best = score
    return best


def _allowed_on_one(resource: Resource) -> bool:
    return sum(score >= 0 for score in resource.scores.values()) == 1


def _weighted(score: int, factor: float) -> int:
    """A score times the weight of the colocations on the way; never 0 unless one of them is."""
    exact = single_precision(factor * score)
    delta = int(exact - 0.5) if exact < 0 else int(exact + 0.5)
    if delta == 0 and score != 0:
        delta = 1 if factor > 0 else -1 if factor < 0 else 0
    return delta


def _add_matching(
    work: dict[int, int],
    source: Resource,
    target: Resource | None,
    colocation: Colocation,
    factor: float,
    *,
    only_positive: bool,
) -> None:
    state = source.state
    nodes = state.nodes_by_index
    traced = state.traced
    scores = _scores_to_match(source, colocation)
    # Names are unique: only the node itself can match.
    simple = colocation.attribute == "#uname" and not state.have_remote_nodes
    everywhere = state.all_available
    if simple and everywhere and len(scores) == len(nodes) and not any(scores.values()):
        return  # no wish at all
    weighted: dict[int, int] = {}  # few scores occur, on many nodes
    for index, present in work.items():
        node = nodes[index]
        if simple:
            score = scores.get(index, -INFINITY) if everywhere or node.available() else -INFINITY
        else:
            value = node_attribute(node, colocation.attribute, target)
            score = _best_matching(source, scores, colocation.attribute, value)
        if score == 0 or present == _SPOILED:
            continue
        if (
            factor < 0
            and score < 0
            and (
                colocation.primary.stickiness >= -score
                or not has_influence(colocation)
                or not _allowed_on_one(colocation.dependent)
            )
        ):
            # A refusal must not become a wish for the place that is refused.
            continue
        delta = weighted.get(score)
        if delta is None:
            delta = weighted[score] = _weighted(score, factor)
        new = add_scores(delta, present)
        if only_positive and new < 0 and present > 0:
            work[index] = _SPOILED
            if traced:
                _note_spoiled(work, index, present, contribution("wish", colocation, source, delta))
        elif not (only_positive and new < 0 and present == 0):
            work[index] = new
            if traced:
                note(work, index, contribution("wish", colocation, source, delta))


def _note_spoiled(work: dict[int, int], index: int, present: int, wish: Contribution) -> None:
    """A wish takes away no more than leaves 1: others may not forbid the node."""
    limited = replace(wish, kind="wish-limited", detail=str(wish.amount))
    if present >= INFINITY:
        restart(work, index, replace(limited, amount=1))
    else:
        note(work, index, replace(limited, amount=1 - present))


def add_wishes(  # noqa: PLR0917
    source: Resource,
    target: Resource | None,
    scores: dict[int, int] | None,
    colocation: Colocation | None,
    factor: float,
    flags: int,
) -> dict[int, int] | None:
    """The scores with the wishes of ``source``, and of what is colocated with it, added.

    Without ``scores`` it begins with those of ``source``. Returns None where nothing changes.
    """
    if source.kind == GROUP:
        return _add_group_wishes(source, target, scores, colocation, factor, flags)
    if source.updating_nodes:
        return None
    source.updating_nodes = True
    try:
        if scores is None:
            work = source.scores.copy()
            target = source
        else:
            assert colocation is not None
            work = scores.copy()
            _add_matching(
                work, source, target, colocation, factor, only_positive=bool(flags & NONNEGATIVE)
            )
        if source.any_node_available(work):
            work = _follow_chain(source, target, work, factor, flags | ACTIVE)
        elif flags & ACTIVE:
            return None
    finally:
        source.updating_nodes = False
    if flags & NONNEGATIVE:
        for index, score in work.items():
            if score == _SPOILED:
                work[index] = 1
    return work


def _follow_chain(
    source: Resource, target: Resource | None, work: dict[int, int], factor: float, flags: int
) -> dict[int, int]:
    this = bool(flags & THIS_WITH)
    for constraint in this_with(source) if this else with_this(source):
        further = single_precision(single_precision(factor * constraint.score) / INFINITY)
        if this:
            other = constraint.primary
        elif not has_influence(constraint):
            continue
        else:
            other = constraint.dependent
        changed = add_wishes(other, target, work, constraint, further, flags)
        if changed is not None:
            work = changed
    return work


def _add_group_wishes(  # noqa: PLR0917
    group: Resource,
    target: Resource | None,
    scores: dict[int, int] | None,
    colocation: Colocation | None,
    factor: float,
    flags: int,
) -> dict[int, int] | None:
    if group.updating_nodes:
        return None
    group.updating_nodes = True
    member = group.children[-1] if scores is None else group.children[0]
    result = add_wishes(member, target, scores, colocation, factor, flags)
    group.updating_nodes = False
    return result


def add_dependent_wishes(colocation: Colocation, primary: Resource) -> None:
    """Add the wishes of a dependent to the scores of its primary."""
    if not has_influence(colocation):
        return
    flags = ACTIVE | (NONNEGATIVE if primary.is_clone else 0)
    factor = single_precision(colocation.score / INFINITY)
    changed = add_wishes(colocation.dependent, primary, primary.scores, colocation, factor, flags)
    if changed is not None:
        primary.scores = changed

"""Order constraints: what is started (or stopped, promoted …) before what.

A symmetrical order also holds in reverse for the opposite actions. Between sets, a sequential set
is met at its end and left at its begin; with require-all=false any one member is enough.
"""

from __future__ import annotations

from enum import Enum

from crmsh_py.cib.booleans import is_true, parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.scheduler import relations
from crmsh_py.scheduler.constraint_sets import (
    require,
    resource_in_set,
    set_for,
    sets_of,
    with_role,
)
from crmsh_py.scheduler.model import (
    ASYMMETRIC,
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    MIN_RUNNABLE,
    ORDERED,
    SERIALIZE,
    THEN_IMPLIES_FIRST,
    UNRUNNABLE_FIRST_BLOCKS,
)
from crmsh_py.scheduler.points import pseudo
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State


class Kind(Enum):
    """How binding an order is."""

    OPTIONAL = "Optional"
    MANDATORY = "Mandatory"
    SERIALIZE = "Serialize"


class Symmetry(Enum):
    """Which half of an order is meant."""

    ASYMMETRIC = 0
    FORWARD = 1
    INVERSE = 2


_OPPOSITE = {
    "start": "stop",
    "stop": "start",
    "promote": "demote",
    "demote": "promote",
    "promoted": "demoted",
    "demoted": "promoted",
    "running": "stopped",
    "stopped": "running",
}
_UP = {"start", "promote", "migrate_to", "migrate_from"}


def _kind(state: State, element: Element) -> Kind:
    text = element.attrs.get("kind")
    if text is None:
        score = element.attrs.get("score")
        if score is not None and not (state.settings.score(score) or 0):
            return Kind.OPTIONAL
        return Kind.MANDATORY
    try:
        return Kind(text)
    except ValueError:
        state.error("get_ordering_type", f"Resetting 'kind' for constraint {element.id} to "
                    f"'Mandatory' because '{text}' is not valid")  # fmt: skip
        return Kind.MANDATORY


def _symmetry(state: State, element: Element, parent: Kind, inherited: str | None) -> Symmetry:
    kind = parent
    if "kind" in element.attrs or "score" in element.attrs:
        kind = _kind(state, element)
    symmetrical = parse_boolean(element.attrs.get("symmetrical"))
    if symmetrical is None and inherited is not None:
        symmetrical = is_true(inherited)
    if symmetrical is None:
        return Symmetry.ASYMMETRIC if kind is Kind.SERIALIZE else Symmetry.FORWARD
    if not symmetrical:
        return Symmetry.ASYMMETRIC
    if kind is Kind.SERIALIZE:
        state.warn("get_ordering_symmetry", f"Ignoring symmetrical for '{element.id}' because "
                   "not valid with kind of 'Serialize'")  # fmt: skip
        return Symmetry.ASYMMETRIC
    return Symmetry.FORWARD


def _flags(kind: Kind, first_task: str, symmetry: Symmetry) -> int:
    if kind is Kind.OPTIONAL:
        return ORDERED
    if kind is Kind.SERIALIZE:
        return SERIALIZE
    if symmetry is Symmetry.ASYMMETRIC:
        return ORDERED | ASYMMETRIC
    if symmetry is Symmetry.INVERSE:
        return ORDERED | THEN_IMPLIES_FIRST
    flags = ORDERED | FIRST_IMPLIES_THEN
    return flags | UNRUNNABLE_FIRST_BLOCKS if first_task in _UP else flags


def unpack(state: State, element: Element) -> None:
    """Read an order constraint of two resources or of sets."""
    get = element.attrs.get
    kind = _kind(state, element)
    symmetry = _symmetry(state, element, kind, None)
    sets = sets_of(state, element)
    first, then = get("first"), get("then")
    if not sets and first is not None and then is not None:
        ours, theirs = require(state, element.id, first), require(state, element.id, then)
        if ours is not None or theirs is not None:
            sets = [
                with_role(set_for(first, ours), "action", get("first-action")),
                with_role(set_for(then, theirs), "action", get("then-action")),
            ]
    if not sets:
        _simple(state, element, kind, symmetry)
        return
    last: Element | None = None
    for set_ in sets:
        _within_set(state, set_, kind, get("symmetrical"))
        if last is not None:
            _between_sets(state, element.id, last, set_, kind, symmetry)
            if symmetry is Symmetry.FORWARD:
                _between_sets(state, element.id, set_, last, kind, Symmetry.INVERSE)
        last = set_


# ---- two resources -------------------------------------------------------------------------------


def _simple(state: State, element: Element, kind: Kind, symmetry: Symmetry) -> None:
    get = element.attrs.get
    found: list[Resource] = []
    for attribute in ("first", "then"):
        name = get(attribute)
        resource = state.find_constraint_resource(name)
        if resource is None:
            why = f"because resource '{name}' does not exist" if name else f"without {attribute}"
            state.error("get_ordering_resource", f"Ignoring constraint '{element.id}' {why}")
            return
        found.append(resource)
    first, then = found
    first_task = get("first-action") or "start"
    then_task = get("then-action") or first_task
    flags = _flags(kind, first_task, symmetry)
    minimum = _minimum(first, element)
    if minimum > 0:
        _order_minimum(state, element.id, first, first_task, then, then_task, flags, minimum)
    else:
        relations.order(first, first_task, then, then_task, flags)
    if symmetry is not Symmetry.FORWARD:
        return
    inverse_first, inverse_then = _OPPOSITE.get(first_task), _OPPOSITE.get(then_task)
    if inverse_first is None or inverse_then is None:
        state.warn("inverse_ordering", f"Cannot invert constraint '{element.id}' (please specify "
                   "inverse manually)")  # fmt: skip
        return
    relations.order(
        then, inverse_then, first, inverse_first, _flags(kind, inverse_first, Symmetry.INVERSE)
    )


def _minimum(first: Resource, element: Element) -> int:
    """How many instances must be up before others may follow; 0 for all that will be."""
    if not first.is_clone:
        return 0
    value = first.meta.get("clone-min")
    if value is not None:
        return max(0, whole_number(value))
    return 1 if parse_boolean(element.attrs.get("require-all")) is False else 0


def _order_minimum(  # noqa: PLR0917
    state: State,
    id_: str,
    first: Resource,
    first_task: str,
    then: Resource,
    then_task: str,
    flags: int,
    minimum: int,
) -> None:
    met = pseudo(state, f"clone-one-or-more:{id_}")
    met.required_before = minimum
    for child in first.children:
        relations.before_vertex(child, first_task, met, MIN_RUNNABLE | FIRST_IMPLIES_THEN_GRAPHED)
    relations.after_vertex(met, then, then_task, flags | UNRUNNABLE_FIRST_BLOCKS)


# ---- sets ----------------------------------------------------------------------------------------


def _members(state: State, set_: Element) -> list[Resource]:
    return [
        resource_in_set(state, set_.id, reference.id) for reference in set_.findall("resource_ref")
    ]


def _within_set(state: State, set_: Element, parent: Kind, inherited: str | None) -> None:
    get = set_.attrs.get
    task = get("action") or "start"
    kind = _kind(state, set_) if "kind" in set_.attrs else parent
    sequential = is_true(get("sequential", "1"))
    symmetry = _symmetry(state, set_, parent, inherited)
    flags = _flags(kind, task, symmetry)
    members = _members(state, set_)
    if len(members) == 1:
        return
    for place, member in enumerate(members):
        if kind is Kind.SERIALIZE:
            for later in members[place + 1 :]:
                relations.order(member, task, later, task, flags)
        elif sequential and place:
            relations.order(members[place - 1], task, member, task, flags)
    if symmetry is Symmetry.ASYMMETRIC:
        return
    opposite = _OPPOSITE.get(task, "")
    flags = _flags(kind, opposite, Symmetry.INVERSE)
    if sequential:
        for place in range(1, len(members)):
            relations.order(members[place], opposite, members[place - 1], opposite, flags)


def _between_sets(  # noqa: PLR0917
    state: State, id_: str, one: Element, other: Element, kind: Kind, symmetry: Symmetry
) -> None:
    first_task = one.attrs.get("action") or "start"
    then_task = other.attrs.get("action") or "start"
    if symmetry is Symmetry.INVERSE:
        first_task = _OPPOSITE.get(first_task, "")
        then_task = _OPPOSITE.get(then_task, "")
    require_all = parse_boolean(one.attrs.get("require-all")) is not False
    flags = _flags(kind, first_task, symmetry)
    firsts, thens = _members(state, one), _members(state, other)
    if not require_all and first_task not in {"stop", "demote"}:
        met = pseudo(state, f"one-or-more:{one.id}")
        met.required_before = 1
        for first in firsts:
            relations.before_vertex(
                first, first_task, met, MIN_RUNNABLE | FIRST_IMPLIES_THEN_GRAPHED
            )
        for then in thens:
            relations.after_vertex(met, then, then_task, flags | UNRUNNABLE_FIRST_BLOCKS)
        return
    inverse = symmetry is Symmetry.INVERSE
    if is_true(one.attrs.get("sequential")) and firsts:
        firsts = firsts[:1] if inverse else firsts[-1:]
    if is_true(other.attrs.get("sequential")) and thens:
        thens = thens[-1:] if inverse else thens[:1]
    for first in firsts:
        for then in thens:
            relations.order(first, first_task, then, then_task, flags)

"""Reading the constraints: tags and templates stand for several resources, sets for many pairs."""

from __future__ import annotations

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import (
    attribute_sets,
    colocations,
    locations,
    order_constraints,
    tickets,
)
from crmsh_py.scheduler.constraint_sets import (
    Invalid,
    require,
    resource_in_set,
    set_for,
    sets_of,
    with_role,
)
from crmsh_py.scheduler.model import STARTED, UNKNOWN, Colocation, parse_role
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def unpack_all(state: State) -> None:
    """Read all constraints in their order."""
    readers = {
        "rsc_order": order_constraints.unpack,
        "rsc_colocation": _colocation,
        "rsc_location": _location,
        "rsc_ticket": _ticket,
    }
    for element in state.cib.section("constraints").findall():
        reader = readers.get(element.tag)
        if not element.id:
            state.error("pcmk__unpack_constraints",
                        f"Ignoring <{element.tag}> constraint without id")  # fmt: skip
        elif reader is None:
            state.error("pcmk__unpack_constraints", f"Unsupported constraint type: {element.tag}")
        elif in_force(state, element):
            known = len(state.relations)
            try:
                reader(state, element)
            except Invalid:
                continue
            for relation in state.relations[known:]:
                relation.source = element.id


def in_force(state: State, element: Element) -> bool:
    """Whether any rule of a constraint's ``<lifetime>`` passes, or there is none.

    All rules are asked: the moment at which the answer may change is that of any of them.
    """
    lifetime = element.find("lifetime")
    rules = lifetime.findall("rule") if lifetime is not None else ()
    context = RuleContext(now=state.now)
    verdicts = [attribute_sets.passes(state, rule, context) for rule in rules]
    return not verdicts or any(verdicts)


# ---- location and ticket -------------------------------------------------------------------------


def _location(state: State, element: Element) -> None:
    sets = sets_of(state, element)
    name = element.attrs.get("rsc")
    if not sets and name is not None:
        members = require(state, element.id, name)
        if members is not None:
            sets = [with_role(set_for(name, members), "role", element.attrs.get("role"))]
            element = element.with_attributes({"role": None, "rsc": None})
    if not sets:
        locations.unpack(state, element)
        return
    for set_ in sets:
        for reference in set_.findall("resource_ref"):
            resource = resource_in_set(state, set_.id, reference.id)
            locations.unpack_for(
                state,
                element,
                resource,
                role=set_.attrs.get("role"),
                score=set_.attrs.get("score"),
            )


def _ticket(state: State, element: Element) -> None:
    get = element.attrs.get
    name = get("ticket")
    if not name:
        state.error("pcmk__unpack_rsc_ticket", f"Ignoring constraint '{element.id}' without "
                    "ticket")  # fmt: skip
        return
    ticket = tickets.ticket_named(state, name)
    policy = get("loss-policy")
    sets = sets_of(state, element)
    rsc = get("rsc")
    if not sets and rsc is not None:
        members = require(state, element.id, rsc)
        if members is not None:
            sets = [with_role(set_for(rsc, members), "role", get("rsc-role"))]
    for set_ in sets:
        for reference in set_.findall("resource_ref"):
            resource = resource_in_set(state, set_.id, reference.id)
            tickets.constrain(state, set_.id, resource, ticket, set_.attrs.get("role"), policy)
    if sets:
        return
    resource_found = state.find_constraint_resource(rsc)
    if resource_found is None:
        state.error("unpack_simple_rsc_ticket", f"Ignoring constraint '{element.id}' because "
                    f"resource '{rsc}' does not exist")  # fmt: skip
        return
    tickets.constrain(state, element.id, resource_found, ticket, get("rsc-role"), policy)


# ---- colocation ----------------------------------------------------------------------------------


def _colocation(state: State, element: Element) -> None:
    get = element.attrs.get
    sets = sets_of(state, element)
    rsc, with_rsc = get("rsc"), get("with-rsc")
    if not sets and rsc is not None and with_rsc is not None:
        ours = require(state, element.id, rsc)
        theirs = require(state, element.id, with_rsc)
        if ours is not None and theirs is not None:
            state.error("unpack_colocation_tags", f"Ignoring constraint '{element.id}' because "
                        "two templates or tags cannot be colocated")  # fmt: skip
            return
        if ours is not None or theirs is not None:
            sets = [
                with_role(set_for(rsc, ours), "role", get("rsc-role")),
                with_role(set_for(with_rsc, theirs), "role", get("with-rsc-role")),
            ]
    score = state.settings.score(get("score"))
    if score is None:
        state.error("pcmk__unpack_colocation", f"Ignoring colocation {element.id} because "
                    f"'{get('score')}' is not a valid score")  # fmt: skip
        return
    influence = get("influence")
    if not sets:
        _simple_colocation(state, element, score, influence)
        return
    last: Element | None = None
    for set_ in sets:
        _within_set(state, element.id, set_, score, influence)
        if last is not None and score:
            _between_sets(state, element.id, last, set_, score, influence)
        last = set_


def _influence(state: State, id_: str, resource: Resource, text: str | None) -> bool:
    value = parse_boolean(text)
    if value is None and text is not None:
        state.error("unpack_influence", f"Constraint '{id_}' has invalid value for influence "
                    "(using default)")  # fmt: skip
    return resource.critical if value is None else value


def constraint_role(state: State, id_: str, text: str | None) -> int:
    """A role in a constraint, where started means any. Raises Invalid."""
    role = parse_role(text)
    if role == UNKNOWN and text is not None:
        state.error("pcmk__parse_constraint_role", f"Ignoring constraint {id_}: Invalid role "
                    f"'{text}'")  # fmt: skip
        raise Invalid
    return UNKNOWN if role == STARTED else role


def _add(  # noqa: PLR0917
    state: State,
    id_: str,
    dependent: Resource,
    primary: Resource,
    score: int,
    roles: tuple[str | None, str | None],
    influence: str | None,
    *,
    influencer: Resource | None = None,
    attribute: str | None = None,
) -> None:
    colocations.add(
        state,
        Colocation(
            id_,
            dependent,
            primary,
            score,
            dependent_role=constraint_role(state, id_, roles[0]),
            primary_role=constraint_role(state, id_, roles[1]),
            attribute=attribute or "#uname",
            influence=_influence(state, id_, influencer or dependent, influence),
            explicit=True,
        ),
    )


def _simple_colocation(state: State, element: Element, score: int, influence: str | None) -> None:
    get = element.attrs.get
    found = []
    for name in (get("rsc"), get("with-rsc")):
        resource = state.find_constraint_resource(name)
        if resource is None:
            state.error("unpack_simple_colocation", f"Ignoring constraint '{element.id}' because "
                        f"resource '{name}' does not exist")  # fmt: skip
            return
        found.append(resource)
    _add(
        state,
        element.id,
        found[0],
        found[1],
        score,
        (get("rsc-role"), get("with-rsc-role")),
        influence,
        attribute=get("node-attribute"),
    )


def _within_set(state: State, id_: str, set_: Element, score: int, influence: str | None) -> None:
    """Each member with the one before it; with a negative score, all apart from each other."""
    get = set_.attrs.get
    own = state.settings.score(get("score"), score)
    if own is None:
        state.error("unpack_colocation_set", f"Ignoring colocation '{id_}' for set '{set_.id}' "
                    f"because '{get('score')}' is not a valid score")  # fmt: skip
        return
    if not own or parse_boolean(get("sequential")) is False:
        return
    roles = (get("role"), get("role"))
    with_previous = (get("ordering") or "group").lower() == "group"
    members: list[Resource] = []
    for reference in set_.findall("resource_ref"):
        resource = state.find_constraint_resource(reference.id)
        if resource is None:
            state.error("unpack_colocation_set", f"Ignoring {reference.id} and later resources in "
                        f"set {set_.id}: No such resource")  # fmt: skip
            return
        if own > 0:
            if members:
                pair = (resource, members[-1]) if with_previous else (members[-1], resource)
                _add(state, set_.id, *pair, own, roles, influence, influencer=resource)
        else:
            for other in members:
                if other is resource:
                    break
                _add(state, set_.id, resource, other, own, roles, influence)
        members.append(resource)


def _between_sets(  # noqa: PLR0917
    state: State, id_: str, first: Element, then: Element, score: int, influence: str | None
) -> None:
    """The first set's members follow the second's; a sequential set is met at its end."""
    roles = (first.attrs.get("role"), then.attrs.get("role"))

    def members(set_: Element, *, last: bool) -> list[str]:
        names = [reference.id for reference in set_.findall("resource_ref")]
        if parse_boolean(set_.attrs.get("sequential")) is False or not names:
            return names
        return names[-1:] if last else names[:1]

    for name in members(first, last=False):
        dependent = state.find_constraint_resource(name)
        if dependent is None:
            continue
        for other in members(then, last=True):
            primary = state.find_constraint_resource(other)
            if primary is not None:
                _add(state, id_, dependent, primary, score, roles, influence)

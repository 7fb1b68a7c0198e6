"""Constraints, from XML to values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast, facts
from crmsh_py.lang.read_sets import (
    NODE_NAME,
    Context,
    UnsayableError,
    line_value,
    only,
    plain_name,
    role_of,
    rule_of,
    said,
    score_of,
    score_or_attribute,
)


def _resource_sets(element: Element, suffix: str, context: Context) -> tuple[ast.ResourceSet, ...]:
    sets = []
    for child in element.findall("resource_set"):
        only(child, ("id", "sequential", "require-all", suffix), ("resource_ref",))
        resources = tuple(plain_name(ref.id) for ref in child.findall("resource_ref"))
        if not resources or any(len(r.attrs) != 1 or r.children for r in child.children):
            raise UnsayableError("resource_set")
        for name in ("sequential", "require-all"):
            if child.get(name, "true") not in ("true", "false"):
                raise UnsayableError(name)
        sets.append(
            ast.ResourceSet(
                resources,
                _suffix(child.get(suffix), suffix, context),
                child.get("sequential") != "false",
                child.get("require-all") != "false",
            )
        )
    for one, following in pairwise(sets):
        if one.suffix == following.suffix and one.is_plain and following.is_plain:
            raise UnsayableError("resource_set")  # side by side they would be read as one
    return tuple(sets)


def _suffix(text: str, kind: str, context: Context) -> str:
    known = facts.ACTIONS if kind == "action" else facts.ROLES
    if text and text not in known:
        raise UnsayableError(text)
    return context.check_role(text)


def _member(element: Element, name: str, suffix: str, context: Context) -> ast.Member:
    resource = plain_name(element.get(name))
    found = _suffix(element.get(f"{name}-{suffix}"), suffix, context)
    if instance := element.get(f"{name}-instance"):
        if found or not instance.isdigit():
            raise UnsayableError(instance)
        found = instance
    return ast.Member(resource, found)


def _location(element: Element, context: Context) -> ast.Location:
    known = ("id", "rsc", "rsc-pattern", "score", "node", "role", "resource-discovery")
    only(element, known, ("rule", "resource_set"))
    resource, pattern = element.get("rsc"), element.get("rsc-pattern")
    sets = _resource_sets(element, "role", context)
    if bool(resource) + bool(pattern) + bool(sets) != 1:
        raise UnsayableError("rsc")
    score = score_of(element, "score")
    rules = tuple(rule_of(child, context) for child in element.findall("rule"))
    node = element.get("node")
    if bool(rules) == bool(node) or bool(score) != bool(node):
        raise UnsayableError("rule")
    attributes = tuple(
        ast.Nvpair(name, role_of(element, name, context) if name == "role" else plain_name(value))
        for name, value in element.attrs.items()
        if name in ("role", "resource-discovery")
    )
    return ast.Location(
        plain_name(element.id),
        plain_name(resource) if resource else "",
        line_value(pattern),
        sets,
        attributes,
        score,
        said(NODE_NAME, node) if node else "",
        rules,
    )


def _colocation(element: Element, context: Context) -> ast.Colocation:
    known = ("rsc", "with-rsc", "rsc-role", "with-rsc-role", "rsc-instance", "with-rsc-instance")
    only(element, ("id", "score", "score-attribute", "node-attribute", *known), ("resource_set",))
    score = score_or_attribute(element)
    sets = _resource_sets(element, "role", context)
    if not score or bool(sets) == bool(element.get("rsc")):
        raise UnsayableError("score")
    members: tuple[ast.Member, ...] = ()
    if not sets:
        members = (
            _member(element, "rsc", "role", context),
            _member(element, "with-rsc", "role", context),
        )
    attribute = element.get("node-attribute")
    return ast.Colocation(
        plain_name(element.id), score, members, sets, line_value(attribute) if attribute else ""
    )


def _order(element: Element, context: Context) -> ast.Order:
    known = ("first", "then", "first-action", "then-action", "first-instance", "then-instance")
    only(element, ("id", "kind", "symmetrical", *known), ("resource_set",))
    kind, symmetrical = element.get("kind"), element.get("symmetrical")
    if kind not in ("", *facts.KINDS) or symmetrical.lower() != symmetrical:
        raise UnsayableError(kind)
    if symmetrical and symmetrical not in facts.BOOLEANS:
        raise UnsayableError(symmetrical)
    sets = _resource_sets(element, "action", context)
    if bool(sets) == bool(element.get("first")):
        raise UnsayableError("first")
    members: tuple[ast.Member, ...] = ()
    if not sets:
        members = (
            _member(element, "first", "action", context),
            _member(element, "then", "action", context),
        )
    return ast.Order(plain_name(element.id), kind, members, sets, symmetrical)


def _ticket(element: Element, context: Context) -> ast.Ticket:
    known = ("rsc", "rsc-role", "rsc-instance")
    only(element, ("id", "ticket", "loss-policy", *known), ("resource_set",))
    policy = element.get("loss-policy")
    if policy not in ("", *facts.LOSS_POLICIES):
        raise UnsayableError(policy)
    sets = _resource_sets(element, "role", context)
    if bool(sets) == bool(element.get("rsc")):
        raise UnsayableError("rsc")
    members = () if sets else (_member(element, "rsc", "role", context),)
    ticket = said(NODE_NAME, element.get("ticket"))
    return ast.Ticket(plain_name(element.id), ticket, members, sets, policy)


READERS: dict[str, Callable[[Element, Context], ast.ElementNode]] = {
    "rsc_location": _location,
    "rsc_colocation": _colocation,
    "rsc_order": _order,
    "rsc_ticket": _ticket,
}

"""Constraints, from values to XML."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast, facts
from crmsh_py.lang.writer import Old, Writer, make


def _resource_sets(
    out: Writer, sets: Iterable[ast.ResourceSet], owner: str, suffix: str, old: Old
) -> tuple[Element, ...]:
    made = []
    for one in sets:
        known = old.take("resource_set")
        attrs = {"id": out.keep("", known) or out.ids.numbered(owner)}
        for name, value in (("sequential", one.sequential), ("require-all", one.require_all)):
            if not value or (known is not None and name in known.attrs):
                attrs[name] = "true" if value else "false"
        if one.suffix:
            before = known.get(suffix) if known is not None else ""
            attrs[suffix] = out.role(one.suffix, before) if suffix == "role" else one.suffix
        refs = tuple(make("resource_ref", {"id": str(name)}) for name in one.resources)
        made.append(make("resource_set", attrs, refs))
    return tuple(made)


def _member(
    out: Writer, member: ast.Member, name: str, suffix: str, old: Element | None
) -> dict[str, str]:
    attrs = {name: str(member.resource)}
    if member.suffix.isdigit():
        attrs[f"{name}-instance"] = member.suffix
    elif member.suffix:
        before = old.get(f"{name}-{suffix}") if old is not None else ""
        attrs[f"{name}-{suffix}"] = (
            out.role(member.suffix, before) if suffix == "role" else str(member.suffix)
        )
    return attrs


def _location(out: Writer, node: ast.Location, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    if node.resource:
        attrs["rsc"] = str(node.resource)
    elif node.pattern:
        attrs["rsc-pattern"] = str(node.pattern)
    for pair in node.attributes:
        before = old.get(pair.name) if old is not None else ""
        value = str(pair.value or "")
        attrs[str(pair.name)] = out.role(value, before) if pair.name == "role" else value
    remaining = Old(old)
    children = _resource_sets(out, node.sets, node.id, "role", remaining)
    if node.rules:
        children += tuple(out.rule(rule, node.id, remaining.take("rule")) for rule in node.rules)
    else:
        attrs["score"] = node.score
        attrs["node"] = str(node.node)
    return make("rsc_location", attrs, children)


def _colocation(out: Writer, node: ast.Colocation, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    attrs["score" if facts.is_score(node.score) else "score-attribute"] = str(node.score)
    for member, name in zip(node.members, ("rsc", "with-rsc"), strict=False):
        attrs.update(_member(out, member, name, "role", old))
    if node.node_attribute:
        attrs["node-attribute"] = str(node.node_attribute)
    children = _resource_sets(out, node.sets, node.id, "role", Old(old))
    return make("rsc_colocation", attrs, children)


def _order(out: Writer, node: ast.Order, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    if node.kind:
        attrs["kind"] = str(node.kind)
    for member, name in zip(node.members, ("first", "then"), strict=False):
        attrs.update(_member(out, member, name, "action", old))
    if node.symmetrical:
        attrs["symmetrical"] = str(node.symmetrical)
    children = _resource_sets(out, node.sets, node.id, "action", Old(old))
    return make("rsc_order", attrs, children)


def _ticket(out: Writer, node: ast.Ticket, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id)), "ticket": str(node.ticket)}
    for member in node.members:
        attrs.update(_member(out, member, "rsc", "role", old))
    if node.loss_policy:
        attrs["loss-policy"] = str(node.loss_policy)
    children = _resource_sets(out, node.sets, node.id, "role", Old(old))
    return make("rsc_ticket", attrs, children)


WRITERS: dict[type, Callable[..., Element]] = {
    ast.Location: _location,
    ast.Colocation: _colocation,
    ast.Order: _order,
    ast.Ticket: _ticket,
}

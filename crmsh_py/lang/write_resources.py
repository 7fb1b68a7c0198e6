"""Nodes and resources, from values to XML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.element import Element
from crmsh_py.lang import ast
from crmsh_py.lang.writer import (
    SET_TAGS,
    Old,
    Writer,
    arranged,
    make,
    members_of,
    pairs_of,
    with_description,
)
from crmsh_py.value import replace

_TIMES = ("interval", "timeout", "start-delay")
_FALLBACK_INTERVAL = "10s"  # of a monitor whose agent advises none


def _node(out: Writer, node: ast.Node, old: Element | None) -> Element:
    given = node.id or (old.id if old is not None else "") or node.uname
    attrs = {"id": out.ids.take(str(given)), "uname": str(node.uname)}
    kind = node.type or ("member" if old is not None and old.get("type") == "member" else "")
    if kind:
        attrs["type"] = kind
    attrs = with_description(attrs, node.description)
    children = out.sets(node.sets, node.uname, Old(old))
    return make("node", attrs, children)


def _agent_attrs(out: Writer, agent: str) -> tuple[dict[str, str], AgentSpec]:
    spec = out.resolve(agent)
    attrs = {"class": spec.standard}
    if spec.provider:
        attrs["provider"] = spec.provider
    return {**attrs, "type": spec.type}, spec


def _primitive(out: Writer, node: ast.Primitive, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    spec: AgentSpec | None = None
    if node.template:
        attrs["template"] = str(node.template)
    else:
        kind, spec = _agent_attrs(out, node.agent)
        attrs.update(kind)
    # What is made of a template gets no units: the template's operations are written elsewhere.
    units = out.typed and not node.template
    children = _parts(out, node.parts, node.id, old, spec, units=units)
    return make("primitive", with_description(attrs, node.description), children)


def _template(out: Writer, node: ast.Template, old: Element | None) -> Element:
    kind, spec = _agent_attrs(out, node.agent)
    attrs = with_description({"id": out.ids.take(str(node.id)), **kind}, node.description)
    children = _parts(out, node.parts, node.id, old, spec, units=out.typed)
    return make("template", attrs, children)


def _parts(
    out: Writer,
    parts: Iterable[ast.AttributeSet | ast.Operations],
    owner: str,
    old: Element | None,
    spec: AgentSpec | None,
    *,
    units: bool,
) -> tuple[Element, ...]:
    remaining = Old(old)
    children = []
    for part in parts:
        if isinstance(part, ast.AttributeSet):
            known = remaining.take(SET_TAGS[part.kind])
            children.append(out.attribute_set(part, owner, known))
        else:
            known = remaining.take("operations")
            children.append(_operations(out, part, owner, known, spec, units=units))
    return tuple(children)


def _operations(
    out: Writer,
    operations: ast.Operations,
    owner: str,
    old: Element | None,
    spec: AgentSpec | None,
    *,
    units: bool,
) -> Element:
    if operations.id_ref:
        out.has_references = True
        return make("operations", {"id-ref": operations.id_ref})
    attrs = {}
    if operations.id:
        attrs["id"] = out.ids.take(str(operations.id))
    remaining = Old(old)
    ops = tuple(
        operation(out, op, operations.id or owner, remaining, spec, units=units)
        for op in operations.ops
    )
    return make("operations", attrs, ops)


def operation(
    out: Writer,
    op: ast.Operation,
    owner: str,
    old: Old,
    spec: AgentSpec | None = None,
    *,
    units: bool = False,
) -> Element:
    """One <op>; one without an interval gets the one that it must have."""
    given = pairs_of(op.attributes)
    if units:
        given = {n: f"{v}s" if n in _TIMES and v.isdigit() else v for n, v in given.items()}
    if "interval" not in given:
        interval = "0s"
        if op.name == "monitor":
            interval = out.advised_interval(spec) or _FALLBACK_INTERVAL
        given = {"interval": interval, **given}
    known = old.take("op", name=op.name, interval=given["interval"])
    if "role" in given:
        given["role"] = out.role(given["role"], known.get("role") if known is not None else "")
    name = out.keep("", known) or out.ids.operation(owner, op.name, given["interval"])
    children = out.sets(op.sets, name, Old(known))
    return make("op", {"name": str(op.name), **given, "id": name}, children)


def _group(out: Writer, node: ast.Group, old: Element | None) -> Element:
    attrs = with_description({"id": out.ids.take(str(node.id))}, node.description)
    children = (*out.sets(node.sets, node.id, Old(old)), *members_of(node.children))
    return make("group", attrs, arranged(children, old))


def _clone(out: Writer, node: ast.Clone, old: Element | None) -> Element:
    attrs = with_description({"id": out.ids.take(str(node.id))}, node.description)
    tag = "clone"
    sets = node.sets
    if node.is_ms:
        if old is not None and old.tag == "master":
            tag = "master"
        else:  # the old word for a promotable clone
            sets = _with_meta(sets, "promotable", "true", first=True)
    elif out.typed:
        if out.is_promotable(node.child):
            sets = _with_meta(sets, "promotable", "true", first=True)
        sets = _with_meta(sets, "interleave", "true", first=False)
    children = (*out.sets(sets, node.id, Old(old)), *members_of((node.child,)))
    return make(tag, attrs, arranged(children, old))


def _with_meta(
    sets: tuple[ast.AttributeSet, ...], name: str, value: str, *, first: bool
) -> tuple[ast.AttributeSet, ...]:
    """The sets with a meta attribute that nobody has set."""
    for one in sets:
        if one.kind == "meta" and (
            one.id_ref or any(isinstance(i, ast.Nvpair) and i.name == name for i in one.items)
        ):
            return sets
    pair = ast.Nvpair(name, value)
    for index, one in enumerate(sets):
        if one.kind == "meta" and not any(isinstance(i, ast.Rule) for i in one.items):
            items = (pair, *one.items) if first else (*one.items, pair)
            return (*sets[:index], replace(one, items=items), *sets[index + 1 :])
    return (*sets, ast.AttributeSet("meta", (pair,)))


def _bundle(out: Writer, node: ast.Bundle, old: Element | None) -> Element:
    name = str(node.id)
    attrs = with_description({"id": out.ids.take(name)}, node.description)
    remaining = Old(old)
    children: list[Element] = []
    for part in node.parts:
        if isinstance(part, ast.Container):
            children.append(make(part.kind, pairs_of(part.options)))
        elif isinstance(part, ast.Network):
            inner = Old(remaining.take("network"))
            ports = tuple(_mapping(out, "port-mapping", p, name, inner) for p in part.ports)
            children.append(make("network", pairs_of(part.options), ports))
        elif isinstance(part, ast.Storage):
            inner = Old(remaining.take("storage"))
            mappings = tuple(
                _mapping(out, "storage-mapping", m, name, inner) for m in part.mappings
            )
            children.append(make("storage", {}, mappings))
        elif isinstance(part, ast.BundlePrimitive):
            children += members_of((part.resource,))
        else:
            known = remaining.take("meta_attributes")
            children.append(out.attribute_set(part, name, known))
    return make("bundle", attrs, arranged(children, old))


def _mapping(out: Writer, tag: str, pairs: Sequence[ast.Nvpair], bundle: str, old: Old) -> Element:
    attrs = pairs_of(pairs)
    if "id" in attrs:
        out.ids.take(attrs["id"])
        return make(tag, attrs)
    key = "port" if tag == "port-mapping" else "target-dir"
    known = old.take(tag, **{key.replace("-", "_"): attrs.get(key, "")})
    name = out.keep("", known) or out.ids.numbered(bundle)
    return make(tag, {"id": name, **attrs})


WRITERS: dict[type, Callable[..., Element]] = {
    ast.Node: _node,
    ast.Primitive: _primitive,
    ast.Template: _template,
    ast.Group: _group,
    ast.Clone: _clone,
    ast.Bundle: _bundle,
}

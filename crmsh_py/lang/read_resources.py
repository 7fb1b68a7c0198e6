"""Nodes and resources, from XML to values."""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast, facts
from crmsh_py.lang.read_sets import (
    ATTRIBUTE_NAME,
    GROUP_SETS,
    NODE_NAME,
    NODE_SETS,
    OP_SETS,
    PREFIX,
    SET_KINDS,
    Context,
    UnsayableError,
    attribute_set,
    described,
    line_value,
    only,
    plain_name,
    said,
    sets_of,
)
from crmsh_py.regex import regex
from crmsh_py.xml_text import is_attribute_name

_AGENT = regex(r"[^\s\"'\\=:@][^\s\"'\\=:]*")


def _node(element: Element, context: Context) -> ast.Node:
    only(element, ("id", "uname", "type", "description"), NODE_SETS)
    uname, given = said(NODE_NAME, element.get("uname")), element.id
    if given != uname:
        said(PREFIX, given)
    kind = element.get("type")
    if kind not in ("", "member", "remote"):
        raise UnsayableError(kind)
    return ast.Node(
        uname,
        given if given != uname else "",
        kind if kind != "member" else "",  # what a node is unless it says otherwise
        described(element),
        sets_of(element, NODE_SETS, context),
    )


def _agent(element: Element) -> str:
    parts = [element.attrs[n] for n in ("class", "provider", "type") if n in element.attrs]
    if not parts or "class" not in element.attrs or "type" not in element.attrs:
        raise UnsayableError("agent")
    if parts[0] == "systemd" and len(parts) == 2:
        return f"systemd:{said(ATTRIBUTE_NAME, parts[1])}"
    for part in parts:
        said(_AGENT, part)
    if (parts[0] == "ocf") != (len(parts) == 3):
        raise UnsayableError(":".join(parts))
    return ":".join(parts).removeprefix("ocf:heartbeat:")


def _parts(element: Element, context: Context) -> tuple[ast.AttributeSet | ast.Operations, ...]:
    parts: list[ast.AttributeSet | ast.Operations] = []
    for child in element.children:
        if child.tag != "operations":
            parts.append(attribute_set(SET_KINDS[child.tag], child, context))
        elif any(isinstance(part, ast.Operations) for part in parts):
            raise UnsayableError("operations")
        elif child.children or child.attrs:
            parts.append(_operations(child, context))
        else:
            raise UnsayableError("operations")  # the language has no word for an empty one
    return tuple(parts)


def _operations(element: Element, context: Context) -> ast.Operations:
    only(element, ("id", "id-ref"), ("op",))
    if reference := element.get("id-ref"):
        if element.children:
            raise UnsayableError(reference)
        return ast.Operations(id_ref=plain_name(reference))
    given = plain_name(element.id) if element.id else ""
    return ast.Operations(tuple(_op(child, context) for child in element.children), given)


def _op(element: Element, context: Context) -> ast.Operation:
    only(element, ("id", "name", *facts.OP_ATTRIBUTES), OP_SETS)
    attributes = tuple(
        ast.Nvpair(name, line_value(value))
        for name, value in element.attrs.items()
        if name not in ("id", "name")
    )
    context.check_role(element.get("role"))
    return ast.Operation(
        plain_name(element.get("name")), attributes, sets_of(element, OP_SETS, context)
    )


def _primitive(element: Element, context: Context) -> ast.Primitive:
    attributes = ("id", "class", "provider", "type", "template", "description")
    only(element, attributes, (*SET_KINDS, "operations"))
    template = element.get("template")
    if template and any(n in element.attrs for n in ("class", "provider", "type")):
        raise UnsayableError(template)
    return ast.Primitive(
        plain_name(element.id),
        "" if template else _agent(element),
        plain_name(template) if template else "",
        described(element),
        _parts(element, context),
    )


def _template(element: Element, context: Context) -> ast.Template:
    attributes = ("id", "class", "provider", "type", "description")
    only(element, attributes, (*SET_KINDS, "operations"))
    return ast.Template(
        plain_name(element.id), _agent(element), described(element), _parts(element, context)
    )


def _group(element: Element, context: Context) -> ast.Group:
    only(element, ("id", "description"), (*GROUP_SETS, "primitive"))
    children = tuple(plain_name(child.id) for child in element.findall("primitive"))
    if not children:
        raise UnsayableError("group")
    return ast.Group(
        plain_name(element.id),
        children,
        described(element),
        sets_of(element, GROUP_SETS, context),
    )


def _clone(element: Element, context: Context) -> ast.Clone:
    only(element, ("id", "description"), (*GROUP_SETS, "primitive", "group"))
    children = element.findall("primitive", "group")
    if len(children) != 1:
        raise UnsayableError("clone")
    return ast.Clone(
        plain_name(element.id),
        plain_name(children[0].id),
        described(element),
        sets_of(element, GROUP_SETS, context),
        element.tag == "master",
    )


_CONTAINERS = ("docker", "podman", "rkt")
_BUNDLE_RANKS = {"network": 1, "storage": 2, "primitive": 3, "meta_attributes": 3}


def _bundle(element: Element, context: Context) -> ast.Bundle:
    tags = (*_CONTAINERS, "network", "storage", "primitive", "meta_attributes")
    only(element, ("id", "description"), tags)
    parts: list[ast.BundlePart] = []
    ranks = [_BUNDLE_RANKS.get(child.tag, 0) for child in element.children]
    if ranks != sorted(ranks):
        raise UnsayableError("order")  # crmsh would write them in its own order
    for child in element.children:
        if child.tag in _CONTAINERS:
            only(child, _anything(child), ())
            options = _as_pairs(child)
            if not any(option.name == "image" for option in options):
                raise UnsayableError("image")
            parts.append(ast.Container(child.tag, options))
        elif child.tag == "network":
            only(child, _anything(child), ("port-mapping",))
            ports = tuple(_mapping(port) for port in child.children)
            parts.append(ast.Network(_as_pairs(child), ports))
        elif child.tag == "storage":
            only(child, (), ("storage-mapping",))
            parts.append(ast.Storage(tuple(_mapping(m) for m in child.children)))
        elif child.tag == "primitive":
            parts.append(ast.BundlePrimitive(plain_name(child.id)))
        else:
            parts.append(attribute_set("meta", child, context))
    parts.sort(key=lambda part: isinstance(part, ast.BundlePrimitive))
    return ast.Bundle(plain_name(element.id), described(element), tuple(parts))


def _anything(element: Element) -> tuple[str, ...]:
    return tuple(element.attrs)


def _mapping(element: Element) -> tuple[ast.Nvpair, ...]:
    only(element, _anything(element), ())
    return tuple(pair for pair in _as_pairs(element) if pair.name != "id")


def _as_pairs(element: Element) -> tuple[ast.Nvpair, ...]:
    for name in element.attrs:
        if not is_attribute_name(name):
            raise UnsayableError(name)
    return tuple(ast.Nvpair(name, line_value(value)) for name, value in element.attrs.items())


READERS: dict[str, Callable[[Element, Context], ast.ElementNode]] = {
    "node": _node,
    "primitive": _primitive,
    "template": _template,
    "group": _group,
    "clone": _clone,
    "master": _clone,
    "bundle": _bundle,
}

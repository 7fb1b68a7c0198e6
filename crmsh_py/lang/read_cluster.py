"""What concerns the whole cluster, from XML to values.

Properties, fencing topology, tags, access control, alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast
from crmsh_py.lang.read_sets import (
    ALERT_SETS,
    NODE_NAME,
    PREFIX,
    Context,
    UnsayableError,
    described,
    items_of,
    line_value,
    only,
    plain_name,
    refuse_swallowed,
    said,
    sets_of,
    some_value,
)
from crmsh_py.whole_numbers import is_number


def property_set(kind: str, element: Element, context: Context) -> ast.PropertySet:
    """A set of properties or defaults; ``kind`` is its word in the language."""
    only(element, ("id", "id-ref"), ("nvpair", "rule"))
    if reference := element.get("id-ref"):
        return ast.PropertySet(kind, "", (), plain_name(reference))
    items = items_of(element, context)
    for item, following in pairwise(items):
        if isinstance(item, ast.Rule) and isinstance(following, ast.Nvpair):
            refuse_swallowed((item,), (following,))
    return ast.PropertySet(kind, said(PREFIX, element.id), items)


def fencing_topology(section: Element, nodes: Sequence[str]) -> ast.FencingTopology:
    """The fencing topology. ``nodes`` are the names of all nodes.

    Levels that are the same for just these nodes need not name them.
    """
    targets: dict[tuple[str, str], dict[int, tuple[str, ...]]] = {}
    only(section, (), ("fencing-level",))
    kinds = ("target", "target-attribute", "target-value", "target-pattern")
    for level in section.children:
        only(level, ("id", "index", "devices", *kinds), ())
        if node := level.get("target"):
            key = ("node", said(NODE_NAME, node))
        elif attribute := level.get("target-attribute"):
            key = ("attr", f"{plain_name(attribute)}={some_value(level.get('target-value'))}")
        else:
            key = ("pattern", line_value(level.get("target-pattern")))
        if not key[1] or sum(name in level.attrs for name in kinds) != (1 + (key[0] == "attr")):
            raise UnsayableError("target")
        devices = tuple(plain_name(device.strip()) for device in level.get("devices").split(","))
        index = level.get("index")
        levels = targets.setdefault(key, {})
        if not is_number(index) or int(index) in levels:
            raise UnsayableError(index)
        levels[int(index)] = devices
    found = []
    for (kind, value), levels in targets.items():
        if sorted(levels) != list(range(1, len(levels) + 1)):
            raise UnsayableError("index")
        found.append(ast.FencingTarget(kind, value, tuple(levels[i] for i in sorted(levels))))
    everywhere = {target.levels for target in found}
    names = [target.value for target in found]
    if len(everywhere) == 1 and len(found) == len(nodes) and {t.kind for t in found} == {"node"}:
        if sorted(names) != sorted(nodes):
            raise UnsayableError("target")  # crmsh takes as many targets as nodes for all of them
        found = [ast.FencingTarget("", "", found[0].levels)]
    return ast.FencingTopology(tuple(found))


def _tag(element: Element, context: Context) -> ast.Tag:
    only(element, ("id",), ("obj_ref",))
    if not element.children or any(len(r.attrs) != 1 or r.children for r in element.children):
        raise UnsayableError("tag")
    return ast.Tag(plain_name(element.id), tuple(plain_name(ref.id) for ref in element.children))


def _acl_role(element: Element, context: Context) -> ast.AclRole:
    only(element, ("id", "description"), ("acl_permission",))
    if not element.children:
        raise UnsayableError("acl_role")
    permissions = tuple(_permission(child) for child in element.children)
    return ast.AclRole(plain_name(element.id), permissions, described(element))


def _permission(element: Element) -> ast.Permission:
    names = ("xpath", "reference", "object-type", "attribute")
    only(element, ("id", "kind", "description", *names), ())
    if element.get("kind") not in ("read", "write", "deny"):
        raise UnsayableError("kind")
    specs = [
        ast.AclSpec(name, line_value(element.get(name))) for name in names if element.get(name)
    ]
    kinds = {spec.kind for spec in specs}
    if kinds not in ({"xpath"}, {"reference"}, {"object-type"}, {"object-type", "attribute"}):
        raise UnsayableError("acl_permission")
    specs.sort(key=lambda spec: spec.kind)
    return ast.Permission(element.get("kind"), tuple(specs), "", described(element))


def _acl_target(element: Element, context: Context) -> ast.AclTarget:
    only(element, ("id", "name"), ("role",))
    if element.get("name", element.id) != element.id or not element.children:
        raise UnsayableError("name")
    if any(len(role.attrs) != 1 or role.children for role in element.children):
        raise UnsayableError("role")
    roles = tuple(plain_name(role.id) for role in element.children)
    return ast.AclTarget(said(NODE_NAME, element.id), roles, element.tag == "acl_group")


_USER_SPECS = {"ref": "reference", "tag": "object-type"}


def _acl_user(element: Element, context: Context) -> ast.AclUser:
    only(element, ("id", "description"), ("role_ref", "read", "write", "deny"))
    roles = tuple(plain_name(child.id) for child in element.findall("role_ref"))
    permissions = []
    for child in element.findall("read", "write", "deny"):
        only(child, ("id", "xpath", "ref", "tag", "attribute"), ())
        specs = [
            ast.AclSpec(_USER_SPECS.get(n, n), line_value(v))
            for n, v in child.attrs.items()
            if n != "id"
        ]
        specs.sort(key=lambda spec: spec.kind)
        permissions.append(ast.Permission(child.tag, tuple(specs)))
    if bool(roles) == bool(permissions):
        raise UnsayableError("acl_user")
    return ast.AclUser(said(NODE_NAME, element.id), roles, tuple(permissions))


_SELECTS = {
    "select_nodes": "nodes",
    "select_fencing": "fencing",
    "select_resources": "resources",
    "select_attributes": "attributes",
}


def _alert(element: Element, context: Context) -> ast.Alert:
    tags = (*ALERT_SETS, "select", "recipient")
    only(element, ("id", "path", "description"), tags)
    ranks = [(0, 0, 1, 2)[tags.index(child.tag)] for child in element.children]
    if ranks != sorted(ranks) or len(element.findall("select")) > 1:
        raise UnsayableError("order")
    select = element.find("select")
    return ast.Alert(
        plain_name(element.id),
        some_value(element.get("path")),
        described(element),
        sets_of(element, ALERT_SETS, context),
        _select(select) if select is not None else None,
        tuple(_recipient(child, context) for child in element.findall("recipient")),
    )


def _select(element: Element) -> ast.Select:
    only(element, (), _SELECTS)
    names: list[str] = []
    for child in element.children:
        only(child, (), ("attribute",) if child.tag == "select_attributes" else ())
        for attribute in child.children:
            only(attribute, ("id", "name"), ())
            names.append(plain_name(attribute.get("name")))
    if not element.children:
        raise UnsayableError("select")
    return ast.Select(tuple(_SELECTS[child.tag] for child in element.children), tuple(names))


def _recipient(element: Element, context: Context) -> ast.Recipient:
    only(element, ("id", "value", "description"), ALERT_SETS)
    if not element.get("value") or element.get("value") in ("{", "}"):
        raise UnsayableError("recipient")
    return ast.Recipient(
        line_value(element.get("value")),
        described(element),
        sets_of(element, ALERT_SETS, context),
    )


READERS: dict[str, Callable[[Element, Context], ast.ElementNode]] = {
    "tag": _tag,
    "acl_role": _acl_role,
    "acl_target": _acl_target,
    "acl_group": _acl_target,
    "acl_user": _acl_user,
    "alert": _alert,
}

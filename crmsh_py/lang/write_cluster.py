"""What concerns the whole cluster, from values to XML.

Properties, fencing topology, tags, access control, alerts, and raw XML.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.document import REFERENCES
from crmsh_py.cib.element import Element
from crmsh_py.lang import ast
from crmsh_py.lang.writer import DEFAULT_SETS, PROPERTY_TAGS, Old, Writer, make, with_description


def _property_set(out: Writer, node: ast.PropertySet, old: Element | None) -> Element:
    tag = PROPERTY_TAGS[node.kind]
    if node.id_ref:
        out.has_references = True
        return make(tag, {"id-ref": node.id_ref})
    name = str(node.id) or (old.id if old is not None else DEFAULT_SETS[node.kind])
    out.ids.take(name)
    return make(tag, {"id": name}, out.items(node.items, name, Old(old)))


def _fencing_topology(out: Writer, node: ast.FencingTopology, old: Element | None) -> Element:
    remaining = Old(old)
    levels = []
    for target in node.targets:
        if target.kind == "attr":
            name, _, value = target.value.partition("=")
            keys = [{"target-attribute": name, "target-value": value}]
        elif target.kind == "pattern":
            keys = [{"target-pattern": str(target.value)}]
        elif target.kind == "node":
            keys = [{"target": str(target.value)}]
        else:
            keys = [{"target": node} for node in out.nodes]
        for key in keys:
            for index, devices in enumerate(target.levels, 1):
                wanted = {n.replace("-", "_"): v for n, v in key.items()}
                known = remaining.take("fencing-level", index=str(index), **wanted)
                given = out.keep("", known) or out.ids.fencing_level()
                attrs = {**key, "devices": ",".join(devices), "index": str(index), "id": given}
                levels.append(make("fencing-level", attrs))
    return make("fencing-topology", {}, tuple(levels))


def _tag(out: Writer, node: ast.Tag, old: Element | None) -> Element:
    refs = tuple(make("obj_ref", {"id": str(member)}) for member in node.members)
    return make("tag", {"id": out.ids.take(str(node.id))}, refs)


def _acl_role(out: Writer, node: ast.AclRole, old: Element | None) -> Element:
    attrs = with_description({"id": out.ids.take(str(node.id))}, node.description)
    remaining = Old(old)
    permissions = []
    for permission in node.permissions:
        specs = {spec.kind: str(spec.value) for spec in permission.specs}
        wanted = {name.replace("-", "_"): value for name, value in specs.items()}
        known = remaining.take("acl_permission", kind=permission.kind, **wanted)
        name = out.keep(permission.id, known) or out.ids.numbered(node.id)
        one = with_description(
            {"id": name, "kind": permission.kind, **specs}, permission.description
        )
        permissions.append(make("acl_permission", one))
    return make("acl_role", attrs, tuple(permissions))


def _acl_target(out: Writer, node: ast.AclTarget, old: Element | None) -> Element:
    roles = tuple(make("role", {"id": str(role)}) for role in node.roles)
    tag = "acl_group" if node.is_group else "acl_target"
    return make(tag, {"id": out.ids.take(str(node.id))}, roles)


def _acl_user(out: Writer, node: ast.AclUser, old: Element | None) -> Element:
    children = [make("role_ref", {"id": str(role)}) for role in node.roles]
    names = {"xpath": "xpath", "reference": "ref", "object-type": "tag", "attribute": "attribute"}
    remaining = Old(old)
    for permission in node.permissions:
        specs = {names[spec.kind]: str(spec.value) for spec in permission.specs}
        known = remaining.take(permission.kind)
        name = out.keep(permission.id, known) or out.ids.numbered(node.id)
        children.append(make(permission.kind, {"id": name, **specs}))
    return make("acl_user", {"id": out.ids.take(str(node.id))}, tuple(children))


def _alert(out: Writer, node: ast.Alert, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id)), "path": str(node.path)}
    remaining = Old(old)
    children = list(out.sets(node.sets, node.id, remaining))
    if node.select is not None:
        children.append(_select(out, node.select, node.id, remaining.take("select")))
    for recipient in node.recipients:
        known = remaining.take("recipient", value=recipient.value)
        name = out.keep("", known) or out.ids.recipient(node.id)
        one = with_description({"id": name, "value": str(recipient.value)}, recipient.description)
        sets = out.sets(recipient.sets, name, Old(known))
        children.append(make("recipient", one, sets))
    return make("alert", with_description(attrs, node.description), tuple(children))


def _select(out: Writer, select: ast.Select, alert: str, old: Element | None) -> Element:
    remaining = Old(old)
    children = []
    for kind in select.kinds:
        inner = Old(remaining.take(f"select_{kind}"))
        names = select.attributes if kind == "attributes" else ()
        attributes = tuple(
            make(
                "attribute",
                {
                    "name": str(name),
                    "id": out.keep("", inner.take("attribute", name=name))
                    or out.ids.numbered(alert),
                },
            )
            for name in names
        )
        children.append(make(f"select_{kind}", {}, attributes))
    return make("select", {}, tuple(children))


def _xml(out: Writer, node: ast.XmlElement, old: Element | None) -> Element:
    from crmsh_py.cib.xml import parse

    element = parse(node.text)
    for inner in element.iter():
        if inner.id and inner.tag not in REFERENCES:
            out.ids.take(inner.id)
    return element


WRITERS: dict[type, Callable[..., Element]] = {
    ast.PropertySet: _property_set,
    ast.FencingTopology: _fencing_topology,
    ast.Tag: _tag,
    ast.AclRole: _acl_role,
    ast.AclTarget: _acl_target,
    ast.AclUser: _acl_user,
    ast.Alert: _alert,
    ast.XmlElement: _xml,
}

"""What concerns the whole cluster, from words to values.

Properties, fencing topology, tags, access control, alerts, and raw XML.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.lang import ast, facts
from crmsh_py.lang.build_words import (
    Children,
    MeaningError,
    after,
    all_of,
    before,
    described,
    given_id,
    id_ref,
    new_id,
    placed,
    word_of,
    words,
)
from crmsh_py.lang.words import Word


def _whole(kind: str) -> Callable[[Children], ast.PropertySet]:
    def build(children: Children) -> ast.PropertySet:
        items = tuple(c for c in children if isinstance(c, ast.Nvpair | ast.Rule))
        return ast.PropertySet(kind, given_id(children), items, id_ref(children))

    return build


def _fencing_topology(children: Children) -> ast.FencingTopology:
    targets: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    current = ("", "")
    empty: str = ""
    for child in children:
        assert isinstance(child, Word)
        if child.kind == "FENCING_TARGET":
            current, empty = ("node", before(child, ":")), child
        elif child.kind == "ATTRIBUTE_TARGET":
            current, empty = ("attr", after(child, ":")), child
        elif child.kind == "PATTERN_TARGET":
            current, empty = ("pattern", after(child, ":")), child
        elif child.kind == "DEVICES":
            devices = tuple(name for name in child.split(",") if name)
            if not devices:
                raise MeaningError("a level needs a fencing device", child)
            targets.setdefault(current, []).append(devices)
            empty = ""
        if empty:
            targets.setdefault(current, [])
    return ast.FencingTopology(
        tuple(
            ast.FencingTarget(kind, value, tuple(levels))
            for (kind, value), levels in targets.items()
            if levels
        )
    )


def _tag(children: Children) -> ast.Tag:
    name = word_of(children, "TAG_NAME")
    return ast.Tag(before(name, ":") if name.endswith(":") else name, words(children, "TAGGED"))


def _acl_role(children: Children) -> ast.AclRole:
    return ast.AclRole(new_id(children), _permissions(children), described(children))


def _permissions(children: Children) -> tuple[ast.Permission, ...]:
    return tuple(p for c in children if isinstance(c, tuple) for p in c)


def _permission(children: Children) -> tuple[ast.Permission, ...]:
    """One permission for each thing that it is about: the CIB says one thing in each."""
    kind = word_of(children, "READ", "WRITE", "DENY").lower()
    groups: list[list[ast.AclSpec]] = []
    typed: list[ast.AclSpec] = []
    for word in children:
        if not isinstance(word, Word) or not word.kind.startswith("ACL_"):
            continue
        if word.kind == "ACL_SHORTCUT":
            path = facts.acl_shortcut_to_xpath(word)
            if path is None:
                raise MeaningError(f"“{word}” says too much or too little", word)
            groups.append([ast.AclSpec("xpath", placed(path, word))])
        elif word.kind == "ACL_XPATH":
            groups.append([ast.AclSpec("xpath", after(word, ":"))])
        elif word.kind == "ACL_REFERENCE":
            groups.append([ast.AclSpec("reference", after(word, ":"))])
        else:
            name = "object-type" if word.kind == "ACL_TYPE" else "attribute"
            typed.append(ast.AclSpec(name, after(word, ":")))
    if typed:
        if not any(spec.kind == "object-type" for spec in typed):
            raise MeaningError(
                "attr: needs a type: beside it",
                typed[0].value,
                "for example: type:nvpair attr:name",
            )
        groups.append(sorted(typed, key=lambda spec: spec.kind))
    given, description = given_id(children), described(children)
    return tuple(
        ast.Permission(kind, tuple(specs), given if i == 0 else "", description)
        for i, specs in enumerate(groups)
    )


def _acl_target(children: Children) -> ast.AclTarget:
    is_group = bool(word_of(children, "ACL_GROUP"))
    return ast.AclTarget(new_id(children), words(children, "ROLE_NAME"), is_group)


def _acl_user(children: Children) -> ast.AclUser:
    roles = tuple(after(word, ":") for word in words(children, "USER_ROLE"))
    return ast.AclUser(new_id(children), roles, _permissions(children))


def _select_attributes(children: Children) -> ast.Select:
    return ast.Select(("attributes",), words(children, "ATTRIBUTE"))


def _select(children: Children) -> ast.Select:
    kinds: list[str] = []
    attributes: tuple[str, ...] = ()
    for child in children:
        if isinstance(child, ast.Select):
            kinds.append("attributes")
            attributes += child.attributes
        elif isinstance(child, Word) and child.kind != "SELECT":
            kinds.append(child.lower())
    return ast.Select(tuple(dict.fromkeys(kinds)), attributes)


def _recipient(children: Children) -> ast.Recipient:
    return ast.Recipient(
        word_of(children, "RECIPIENT"), described(children), all_of(children, ast.AttributeSet)
    )


def _alert(children: Children) -> ast.Alert:
    select = all_of(children, ast.Select)
    return ast.Alert(
        new_id(children),
        word_of(children, "ALERT_PATH"),
        described(children),
        all_of(children, ast.AttributeSet),
        select[0] if select else None,
        all_of(children, ast.Recipient),
    )


def _xml(children: Children) -> ast.XmlElement:
    from crmsh_py.cib.xml import parse, to_xml
    from crmsh_py.errors import CrmError

    text = word_of(children, "XML_TEXT")
    try:
        element = parse(text)
    except CrmError as error:
        raise MeaningError(f"this is not XML: {error.message}", text) from None
    return ast.XmlElement(to_xml(element, indent=None), element.tag, element.id)


BUILDERS: dict[str, Callable[[Children], object]] = {
    "property": _whole("property"),
    "rsc_defaults": _whole("rsc_defaults"),
    "op_defaults": _whole("op_defaults"),
    "fencing_topology": _fencing_topology,
    "tag": _tag,
    "role": _acl_role,
    "permission": _permission,
    "user": _acl_user,
    "acl_target": _acl_target,
    "alert": _alert,
    "select": _select,
    "select_attributes": _select_attributes,
    "recipient": _recipient,
    "xml": _xml,
}

"""Nodes and resources, from words to values."""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.lang import ast, facts
from crmsh_py.lang.build_words import (
    Children,
    MeaningError,
    after,
    all_of,
    described,
    given_id,
    id_ref,
    new_id,
    one_of,
    own_attributes,
    placed,
    word_of,
    words,
)
from crmsh_py.lang.words import Word
from crmsh_py.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard


def first_set(children: Children, kind: str) -> Children:
    """The children with the attributes that stand without a keyword named as ``kind``."""
    return [
        replace(c, kind=kind) if isinstance(c, ast.AttributeSet) and c.kind == "" else c
        for c in children
    ]


def _node(children: Children) -> ast.Node:
    name = word_of(children, "NODE_UNAME")
    uname, _, kind = name.partition(":")
    if isinstance(name, Word):
        uname = name.part(uname)
    kind = "" if kind.lower() == "member" else kind
    sets = all_of(first_set(children, "attributes"), ast.AttributeSet)
    return ast.Node(uname, given_id(children), kind.lower(), described(children), sets)


def _parts(children: Children) -> tuple[ast.AttributeSet | ast.Operations, ...]:
    """Sets in their order; all operations together, where the first of them stands."""
    parts: list[ast.AttributeSet | ast.Operations] = []
    place: int | None = None
    for child in first_set(children, "params"):
        if isinstance(child, ast.AttributeSet):
            parts.append(child)
            continue
        if not isinstance(child, ast.Operation | ast.Operations):
            continue
        if place is None:
            place = len(parts)
            parts.append(ast.Operations())
        present = parts[place]
        assert isinstance(present, ast.Operations)
        if isinstance(child, ast.Operation):
            parts[place] = replace(present, ops=(*present.ops, child))
        else:
            parts[place] = replace(present, id=child.id, id_ref=child.id_ref)
    return tuple(parts)


def _primitive(children: Children) -> ast.Primitive:
    template = word_of(children, "TEMPLATE_REF")
    return ast.Primitive(
        new_id(children),
        word_of(children, "AGENT"),
        after(template, "@") if template else "",
        described(children),
        _parts(children),
    )


def _template(children: Children) -> ast.Template:
    return ast.Template(
        new_id(children), word_of(children, "AGENT"), described(children), _parts(children)
    )


def _operations(children: Children) -> ast.Operations:
    return ast.Operations((), given_id(children), id_ref(children))


def _op(children: Children) -> ast.Operation:
    sets = list(all_of(children, ast.AttributeSet))
    attributes: tuple[ast.Nvpair, ...] = ()
    if sets and sets[0].kind == "":
        bare = sets.pop(0)
        attributes = tuple([item for item in bare.items if _is_own(item)])
        names = [item.name for item in attributes]
        for place, name in enumerate(names):
            if name in names[:place]:  # there can be one only: the other would be lost
                raise MeaningError(f"{name} is given twice", name, "an operation has one of each")
        rest = tuple([item for item in bare.items if not _is_own(item)])
        if rest or bare.id_ref or bare.score:
            sets.insert(0, replace(bare, kind="op_params", items=rest))
    return ast.Operation(word_of(children, "OP_NAME"), attributes, tuple(sets))


def _is_own(item: ast.Nvpair | ast.Rule) -> TypeGuard[ast.Nvpair]:
    """Whether this is an attribute of the operation itself."""
    return (
        isinstance(item, ast.Nvpair)
        and item.name in facts.OP_ATTRIBUTES
        and not item.nvid
        and item.value is not None
    )


def _monitor(children: Children) -> ast.MonitorCommand:
    monitored, interval = word_of(children, "MONITORED"), word_of(children, "INTERVAL")
    resource, _, role = monitored.partition(":")
    every, _, timeout = interval.partition(":")
    if role:
        role = one_of(after(monitored, ":"), facts.ROLES, "a role")
    return ast.MonitorCommand(placed(resource, monitored), placed(every, interval), role, timeout)


def _group(children: Children) -> ast.Group:
    members = words(children, "CHILD")
    seen: set[str] = set()
    for member in members:
        if member in seen:
            raise MeaningError(f"“{member}” stands twice in the group", member)
        seen.add(member)
    sets = all_of(first_set(children, "params"), ast.AttributeSet)
    return ast.Group(new_id(children), members, described(children), sets)


def _clone(is_ms: bool) -> Callable[[Children], ast.Clone]:
    def build(children: Children) -> ast.Clone:
        sets = all_of(first_set(children, "params"), ast.AttributeSet)
        return ast.Clone(
            new_id(children), word_of(children, "CHILD"), described(children), sets, is_ms
        )

    return build


def _bundle(children: Children) -> ast.Bundle:
    parts = tuple(
        c
        for c in children
        if isinstance(
            c,
            ast.Container | ast.Network | ast.Storage | ast.BundlePrimitive | ast.AttributeSet,
        )
    )
    return ast.Bundle(new_id(children), described(children), parts)


def _container(children: Children) -> ast.Container:
    kind = word_of(children, "DOCKER", "PODMAN", "RKT")
    options = own_attributes(children)
    if not any(option.name == "image" for option in options):
        raise MeaningError(
            f"{kind} needs an image", kind, f"for example: {kind} image=httpd:latest"
        )
    return ast.Container(kind.lower(), options)


def _mapping(children: Children) -> tuple[ast.Nvpair, ...]:
    return own_attributes(children)


def _network(children: Children) -> ast.Network:
    return ast.Network(own_attributes(children), all_of(children, tuple))


def _storage(children: Children) -> ast.Storage:
    return ast.Storage(all_of(children, tuple))


def _bundle_primitive(children: Children) -> ast.BundlePrimitive:
    return ast.BundlePrimitive(word_of(children, "CHILD"))


BUILDERS: dict[str, Callable[[Children], object]] = {
    "node": _node,
    "primitive": _primitive,
    "rsc_template": _template,
    "operations": _operations,
    "op": _op,
    "monitor": _monitor,
    "group": _group,
    "clone": _clone(is_ms=False),
    "ms": _clone(is_ms=True),
    "bundle": _bundle,
    "container": _container,
    "network": _network,
    "port_mapping": _mapping,
    "storage": _storage,
    "storage_mapping": _mapping,
    "bundle_primitive": _bundle_primitive,
}

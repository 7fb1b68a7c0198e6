"""Larger edits that people make by hand otherwise: a template out of resources that are alike.

Pure: a document and names in, a new document out. The cluster sees no difference: what moves into
the template had the same value in every resource.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import IdMaker
from crmsh_py.errors import ConfigError, NotFound

_SETS = ("instance_attributes", "meta_attributes", "utilization")
_AGENT = ("class", "provider", "type")


def make_template(cib: Cib, names: Sequence[str]) -> tuple[Cib, str]:
    """The document with a new template of what these primitives have in common, and its id.

    Values that are the same in all of them, and operations that are, move into the template; sets
    with rules, scores or references stay where they are.

    Raises:
        ConfigError: fewer than two primitives, other resources, or ones of different agents.
        NotFound: there is no such primitive.
    """
    primitives = [_primitive(cib, name) for name in dict.fromkeys(names)]
    if len(primitives) < 2:
        raise ConfigError("a template is made of two primitives or more")
    first = primitives[0]
    for one in primitives:
        if one.get("template"):
            raise ConfigError(f"{one.id} has a template already: {one.get('template')}")
        if [one.get(name) for name in _AGENT] != [first.get(name) for name in _AGENT]:
            raise ConfigError(f"{first.id} and {one.id} have different agents")
    ids = IdMaker(cib.ids())
    name = ids.new(f"{first.get('type').replace(':', '-')}-template")
    pairs = {tag: _common_pairs(primitives, tag) for tag in _SETS}
    ops = _common_operations(primitives)
    children = [_set(ids, name, tag, common) for tag, common in pairs.items() if common]
    if ops:
        kept = [
            Element("op", {"id": ids.operation(name, op["name"], op.get("interval")), **op})
            for op in ops
        ]
        children.append(Element("operations", {}, tuple(kept)))
    agent = {key: first.get(key) for key in _AGENT if first.get(key)}
    template = Element("template", {"id": name, **agent}, tuple(children))
    shortened = {one.id: _shortened(one, name, pairs, ops) for one in primitives}
    resources = _replaced(cib.section("resources"), shortened)
    resources = resources.with_children((template, *resources.children))
    return cib.with_section("resources", resources), name


def _primitive(cib: Cib, name: str) -> Element:
    known = {e.id: e for e in cib.section("resources").iter("primitive")}
    if name not in known:
        raise NotFound(f"there is no primitive {name}", name=name, possibilities=known)
    return known[name]


def _plain_set(primitive: Element, tag: str) -> Element | None:
    """The only set of a kind, if it always counts and nothing in it is a reference."""
    sets = primitive.findall(tag)
    if len(sets) != 1 or sets[0].attrs.keys() != {"id"}:
        return None
    plain = all(p.tag == "nvpair" and "id-ref" not in p.attrs for p in sets[0].findall())
    return sets[0] if plain else None


def _common_pairs(primitives: Sequence[Element], tag: str) -> dict[str, str]:
    common: dict[str, str] | None = None
    for primitive in primitives:
        found = _plain_set(primitive, tag)
        pairs = {p.get("name"): p.get("value") for p in found.findall("nvpair")} if found else {}
        if common is None:
            common = pairs
        common = {name: value for name, value in common.items() if pairs.get(name) == value}
    return common or {}


def _plain_operations(primitive: Element) -> list[dict[str, str]]:
    """Operations without sets of their own, as attributes without the id."""
    found = primitive.find("operations")
    if found is None or "id-ref" in found.attrs:
        return []
    return [
        {k: v for k, v in op.attrs.items() if k != "id"}
        for op in found.findall("op")
        if not op.findall()
    ]


def _common_operations(primitives: Sequence[Element]) -> list[dict[str, str]]:
    first, *others = [_plain_operations(primitive) for primitive in primitives]
    return [op for op in first if all(op in operations for operations in others)]


def _set(ids: IdMaker, owner: str, tag: str, pairs: dict[str, str]) -> Element:
    name = ids.attribute_set(owner, tag)
    children = [
        Element("nvpair", {"name": key, "value": value, "id": ids.nvpair(name, key)})
        for key, value in pairs.items()
    ]
    return Element(tag, {"id": name}, tuple(children))


def _shortened(
    primitive: Element,
    template: str,
    pairs: dict[str, dict[str, str]],
    ops: Sequence[dict[str, str]],
) -> Element:
    """The primitive without what its template says."""

    def shorten(child: Element) -> Element | None:
        if child.tag in pairs:
            common = pairs[child.tag]
            kept = child.map_children(lambda p: None if p.get("name") in common else p)
        elif child.tag == "operations":
            kept = child.map_children(lambda op: None if _is_one_of(op, ops) else op)
        else:
            return child
        return kept if kept is child or kept.children else None

    attrs = {k: v for k, v in primitive.attrs.items() if k not in _AGENT}
    changed = primitive.map_children(shorten)
    return Element("primitive", {**attrs, "template": template}, changed.children)


def _is_one_of(op: Element, ops: Sequence[dict[str, str]]) -> bool:
    return not op.findall() and {k: v for k, v in op.attrs.items() if k != "id"} in ops


def _replaced(element: Element, changed: dict[str, Element]) -> Element:
    return element.map_children(
        lambda child: (
            changed[child.id]
            if child.tag == "primitive" and child.id in changed
            else _replaced(child, changed)
        )
    )

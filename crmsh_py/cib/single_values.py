"""Single values of a configuration by their paths: ``vip.ip``, ``vip.monitor.30s.timeout``.

A path begins with an object: a resource, a template, a node, a set of properties, an alert. Pure: a
document and a path in, a new document out. Only what is there can be changed; attributes of an
operation (``timeout``) always are.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from crmsh_py.cib.document import Cib
from crmsh_py.cib.edit import CONTAINERS, MEMBERS, top_level
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, PROPERTY_SET, RSC_DEFAULTS_SET
from crmsh_py.cib.options import OPERATION
from crmsh_py.cib.pairs import replaced
from crmsh_py.errors import CrmError, NotFound

OPERATION_ATTRIBUTES = tuple(name for name in OPERATION if name not in ("id", "name"))
# The word of the language for the sets of a section, and the id of its usual set.
_SETS = {
    "crm_config": ("property", PROPERTY_SET),
    "rsc_defaults": ("rsc_defaults", RSC_DEFAULTS_SET),
    "op_defaults": ("op_defaults", OP_DEFAULTS_SET),
}


def objects(cib: Cib) -> dict[str, Element]:
    """What a path can begin with; nodes by their names and by their ids."""
    return {**{node.id: node for node in cib.section("nodes").findall("node")}, **top_level(cib)}


def split(path: str, names: Container[str]) -> tuple[str, str]:
    """The object at the beginning of a path (names may have dots in them, so the longest), and what
    follows it; ('', path) if it is none of the names.
    """
    end = path.rfind(".")
    while end > 0:
        if path[:end] in names:
            return path[:end], path[end + 1 :]
        end = path.rfind(".", 0, end)
    return "", path


def pairs(owner: Element) -> Iterator[Element]:
    """The values of an object itself: neither those of its members nor those of operations."""
    for child in owner.children:
        if child.tag == "nvpair":
            if "name" in child.attrs and "id-ref" not in child.attrs:
                yield child
        elif child.tag not in (*CONTAINERS, *MEMBERS, "bundle", "operations"):
            yield from pairs(child)


def operations(owner: Element) -> list[Element]:
    """The operations of an object itself."""
    return [op for each in owner.findall("operations") for op in each.findall("op")]


def with_value(cib: Cib, path: str, value: str) -> Cib:
    """The document with another value at a path.

    Raises:
        NotFound: no such object, value or operation.
        CrmError: it has several such operations.
    """
    known = objects(cib)
    name, rest = split(path, known)
    if not name:
        name, dot, _ = path.partition(".")
        if not dot and name in known:
            raise NotFound(f"{path}: which value?", hint="set ID.NAME VALUE")
        raise NotFound(f"object {name} does not exist", name=name, possibilities=top_level(cib))
    owner = known[name]
    pair = next((p for p in pairs(owner) if p.get("name") == rest), None)
    if pair is not None:
        return _with(cib, pair, {"value": value})
    if "." in rest:
        return _with_operation(cib, owner, path, rest, value)
    names = [p.get("name") for p in pairs(owner)]
    raise NotFound(
        f"Attribute not found: {path}",
        name=rest,
        possibilities=names,
        otherwise=_way_to_add(cib, owner, rest, value)
        or (f"{name} has {', '.join(names)}" if names else f"{name} has no values to be changed"),
    )


def _with_operation(cib: Cib, owner: Element, path: str, rest: str, value: str) -> Cib:
    place, _, attribute = rest.rpartition(".")
    action, _, interval = place.partition(".")
    present = operations(owner)
    found = [op for op in present if op.get("name") == action]
    found = [op for op in found if not interval or op.get("interval") == interval]
    if not found:
        known = ", ".join(
            ".".join(filter(None, (o.get("name"), o.get("interval")))) for o in present
        )
        raise NotFound(
            f"Operation “{place}” not found for {path.removesuffix(f'.{rest}')}",
            hint=f"it has {known}" if known else "it has none",
        )
    if len(found) > 1:
        name = path.removesuffix(f".{rest}")
        raise CrmError(
            f"{name} has several operations {action}", hint=f"set {name}.{action}.INTERVAL.…"
        )
    pair = next((p for p in pairs(found[0]) if p.get("name") == attribute), None)
    if pair is not None:
        return _with(cib, pair, {"value": value})
    if attribute not in OPERATION_ATTRIBUTES:
        names = [*(p.get("name") for p in pairs(found[0])), *OPERATION_ATTRIBUTES]
        raise NotFound(f"Attribute not found: {path}", name=attribute, possibilities=names)
    return _with(cib, found[0], {attribute: value})


def _way_to_add(cib: Cib, owner: Element, name: str, value: str) -> str | None:
    """How a value that is not there yet is set."""
    shown = f'{name}="{value}"' if not value or " " in value else f"{name}={value}"
    if owner.tag == "node":
        return f"to add it: node {owner.get('uname')} attributes {shown}"
    for section, (word, usual) in _SETS.items():
        if any(owner is each for each in cib.section(section).children):
            return f"to add it: {word} {'' if owner.id == usual else f'{owner.id}: '}{shown}"
    return None


def _with(cib: Cib, old: Element, changes: dict[str, str]) -> Cib:
    configuration = replaced(cib.configuration, old, old.with_attributes(dict(changes)))
    return cib.with_section("configuration", configuration)

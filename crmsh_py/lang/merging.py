"""Typed elements that join what is there: nodes, property sets, a monitor operation."""

from __future__ import annotations

from collections.abc import MutableSet, Sequence

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.errors import did_you_mean
from crmsh_py.lang import ast
from crmsh_py.lang.draft import Draft
from crmsh_py.lang.entries import PROPERTY_SECTIONS, Entry, written
from crmsh_py.lang.read_sets import Context, UnsayableError, rule_of
from crmsh_py.lang.to_cib import to_cib
from crmsh_py.lang.write_resources import operation
from crmsh_py.lang.writer import DEFAULT_SETS, SET_TAGS, Old, Writer, with_comments


def merge_node(draft: Draft, writer: Writer, node: ast.Node) -> None:
    """A node that is new, or one whose attributes are set."""
    old = draft.find_node(node.id or "", node.uname)
    if old is None:
        draft.put("nodes", to_cib(writer, node))
        return
    draft.free(old, keep_own=True)
    if old.get("uname") != node.uname:
        draft.put("nodes", to_cib(writer, node, old))
        return
    # The id that the node has stays: others refer to it.
    children = list(old.children)
    for one in node.sets:
        _merge_set(children, writer, one, str(node.uname))
    changes: dict[str, str | None] = {}
    if node.type:
        changes["type"] = str(node.type)
    if node.description:
        changes["description"] = str(node.description)
    for child in children:
        _take_ids(writer, child)
    draft.put("nodes", old.with_attributes(changes).with_children(tuple(children)))


def _merge_set(children: list[Element], writer: Writer, one: ast.AttributeSet, owner: str) -> None:
    """Put the attributes of a set into the first plain set of its kind."""
    tag = SET_TAGS[one.kind]
    for index, child in enumerate(children):
        if child.tag == tag and not one.score and not one.id_ref and "id-ref" not in child.attrs:
            children[index] = _merged_items(writer, child, one.items)
            return
    children.append(writer.attribute_set(one, owner, None))


def _merged_items(writer: Writer, old: Element, items: Sequence[ast.Nvpair | ast.Rule]) -> Element:
    """The set with attributes overwritten by name, others and rules added at the end."""
    children = list(old.children)
    places: dict[str, int] = {}
    for index, child in enumerate(children):
        if child.tag == "nvpair":
            places.setdefault(child.get("name"), index)
    for item in items:
        if isinstance(item, ast.Rule):
            if not any(_says(child, item) for child in children):
                children.append(writer.rule(item, old.id, None))
            continue
        at = places.get(item.name)
        known = Old(Element("set", {}, (children[at],) if at is not None else ()))
        pair = writer.nvpair(item, old.id, known)
        if at is None:
            places[str(item.name)] = len(children)
            children.append(pair)
        else:
            children[at] = pair
    return old.with_children(tuple(children))


def _says(element: Element, rule: ast.Rule) -> bool:
    """Whether an element is this very rule."""
    try:
        return element.tag == "rule" and rule_of(element, Context()) == rule
    except UnsayableError:
        return False


def _example(kind: str, name: str) -> str:
    """A value that an option may have."""
    from crmsh_py.cib import options  # only mistakes need them

    tables = {
        "property": options.CLUSTER_OPTIONS,
        "rsc_defaults": options.RESOURCE_META,
        "op_defaults": options.OPERATION,
    }
    known = tables[kind].get(name)
    return (known.values[0] if known.values else known.default or "…") if known else "true"


def merge_properties(
    draft: Draft,
    writer: Writer,
    node: ast.PropertySet,
    entry: Entry,
    anew: MutableSet[str] | None = None,
) -> None:
    """Properties or defaults that join the set that they belong to.

    A set in ``anew`` is written anew instead, and taken out of it: more for the same set joins.
    """
    section = PROPERTY_SECTIONS[node.kind]
    if writer.typed:
        for item in node.items:
            if isinstance(item, ast.Nvpair) and not item.is_reference and not item.value:
                example = _example(node.kind, item.name)
                raise entry.problem(
                    f"{item.name} needs a value", item.name, f"for example: {item.name}={example}"
                )
    if node.id_ref:
        if all(one.get("id-ref") != node.id_ref for one in draft.elements(section)):
            draft.put(section, written(writer, entry, None))
        return
    old = _target_set(draft, section, node)
    if old is None:
        draft.put(section, written(writer, entry, None))
        return
    if anew and old.id in anew:
        anew.discard(old.id)
        draft.free(old, keep_own=True)
        draft.put(section, written(writer, entry, old))
        return
    merged = _merged_items(writer, old, node.items)
    if entry.line is not None and entry.line.comments and not writer.typed:
        plain = merged.map_children(lambda c: None if c.tag == COMMENT else c)
        merged = with_comments(plain, entry.line.comments, old)
    draft.put(section, merged)


def _target_set(draft: Draft, section: str, node: ast.PropertySet) -> Element | None:
    """The set that a property goes to.

    The one that is named; else the usual one; else the only one there is, if that counts always:
    a second set beside it would not count for what the first says already.
    """
    sets = [e for e in draft.elements(section) if e.id]
    name = node.id or DEFAULT_SETS[node.kind]
    for one in sets:
        if one.id == name:
            return one
    if not node.id and len(sets) == 1:
        only = sets[0]
        if not only.findall("rule") and "score" not in only.attrs:
            return only
    return None


def add_monitor(draft: Draft, writer: Writer, node: ast.MonitorCommand, entry: Entry) -> None:
    """One more monitor operation for a primitive."""
    resource = draft.resource(node.resource)
    if resource is None:
        raise entry.problem(
            f"object {node.resource} does not exist",
            node.resource,
            did_you_mean(node.resource, draft.resource_ids()),
        )
    if resource.tag != "primitive":
        raise entry.problem(f"{node.resource} is not a primitive", node.resource)
    present = resource.find("operations")
    ops = present or Element("operations")
    if any(o.get("name") == "monitor" and o.get("interval") == node.interval for o in ops.children):
        raise entry.problem(
            f"{node.resource} has a monitor operation with the interval {node.interval} already",
            node.interval,
        )
    attributes = [ast.Nvpair("interval", node.interval)]
    if node.role:
        attributes.append(ast.Nvpair("role", node.role))
    if node.timeout:
        attributes.append(ast.Nvpair("timeout", node.timeout))
    op = ast.Operation("monitor", tuple(attributes))
    made = operation(writer, op, ops.id or resource.id, Old(None))
    added = ops.append(made)
    if present is None:
        draft.put("resources", resource.append(added))
    else:
        draft.put("resources", resource.map_children(lambda c: added if c is present else c))


def _take_ids(writer: Writer, element: Element) -> None:
    for inner in element.iter():
        if inner.id:
            writer.ids.take(inner.id)

"""Elements into a document: what the configure level does with what it has read.

``apply`` takes one typed element, ``load`` a whole text. Both give a new document or raise, and
change nothing then. Members move into their groups and clones, ids are made and kept, nodes and
property sets are merged; whether the result makes sense is asked by ``cib.checks``.
"""

from __future__ import annotations

from collections.abc import Collection, MutableSet, Sequence
from functools import partial

from crmsh_py.cib.document import REFERENCES, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import is_xml_id
from crmsh_py.errors import ConfigError, Diagnostic, did_you_mean
from crmsh_py.lang import ast
from crmsh_py.lang.asking import Agents, ask
from crmsh_py.lang.contained import (
    adopt_members,
    is_same,
    refuse_other_kind,
    refuse_taken,
    store_whole,
)
from crmsh_py.lang.draft import CONTAINER_TAGS, Draft
from crmsh_py.lang.entries import Entry, article, elements_of, id_of, kind_of, section_of, written
from crmsh_py.lang.facts import has_new_roles
from crmsh_py.lang.merging import add_monitor, merge_node, merge_properties
from crmsh_py.lang.references import resolve_references
from crmsh_py.lang.to_cib import to_cib
from crmsh_py.lang.words import MOST_MISTAKES, LogicalLine
from crmsh_py.lang.writer import DEFAULT_SETS, Writer

HOW = ("update", "replace", "push")


# ---- the two ways in -----------------------------------------------------------------------------


def apply(
    cib: Cib,
    element: ast.ElementNode,
    *,
    typed: bool,
    catalogue: Agents | None = None,
    line: LogicalLine | None = None,
) -> Cib:
    """The document with one element more, or with a node or a property set merged.

    Raises ConfigError: the id is taken, a member is missing or belongs to another container, ….
    """
    draft, writer = _begin(cib, catalogue, typed=typed)
    entry = Entry(element, line)
    if isinstance(element, ast.MonitorCommand):
        add_monitor(draft, writer, element, entry)
    elif isinstance(element, ast.Node):
        merge_node(draft, writer, element)
    elif isinstance(element, ast.PropertySet):
        merge_properties(draft, writer, element, entry)
    else:
        _create(draft, writer, entry)
    return _finish(cib, draft, writer)


def load(
    cib: Cib,
    text: str,
    *,
    how: str = "update",
    origin: str | None = None,
    catalogue: Agents | None = None,
    anew: Collection[str] = (),
) -> Cib:
    """The document with a text loaded into it.

    ``update`` overwrites the elements of the text, ``replace`` erases everything but the nodes
    first, ``push`` removes what the text does not name. Properties and defaults join their sets;
    the sets ``anew`` (by id) become what the text says. All mistakes are reported together.
    """
    from crmsh_py.lang.parser import parse_elements

    entries = [
        Entry(parsed.element, parsed.line, origin) for parsed in parse_elements(text, origin=origin)
    ]
    return store(cib, entries, how=how, catalogue=catalogue, anew=anew)


def store(
    cib: Cib,
    entries: Sequence[Entry],
    *,
    how: str = "update",
    catalogue: Agents | None = None,
    anew: Collection[str] = (),
) -> Cib:
    """The document with elements stored as ``load`` does it."""
    assert how in HOW, how
    if how == "replace":
        from crmsh_py.cib.edit import erase

        cib = erase(cib)
    draft, writer = _begin(cib, catalogue, typed=False)
    _refuse_doubles(entries)
    findings: list[ConfigError] = []
    entries = sorted(entries, key=_turn)
    listed = {" ".join(_place(entry.element)).lstrip() for entry in entries}
    wrong: set[int] = set()
    for step in (partial(_store_one, anew={*anew}, listed=listed), _store_members):
        if step is _store_members and how == "push" and not findings:
            _remove_others(draft, entries)  # members of what goes may be taken over
        for entry in entries:
            if id(entry) in wrong:
                continue
            try:
                step(draft, writer, entry)
            except ConfigError as error:
                findings.append(error)
                wrong.add(id(entry))
                if len(findings) == MOST_MISTAKES:
                    raise _together(findings) from None
    if findings:
        raise _together(findings)
    return _finish(cib, draft, writer)


def _turn(entry: Entry) -> int:
    """When an element is stored: mostly in the order of the text.

    XML that may have members in it comes after their lines, what contains more later. A topology
    without targets is for every node, so the nodes have to be there first.
    """
    node = entry.element
    if isinstance(node, ast.FencingTopology):
        return 3
    if isinstance(node, ast.XmlElement) and node.tag in CONTAINER_TAGS:
        return 1 if node.tag == "group" else 2
    return 0


def _begin(cib: Cib, catalogue: Agents | None, *, typed: bool) -> tuple[Draft, Writer]:
    draft = Draft(cib)
    nodes = [node.get("uname") for node in draft.elements("nodes")]
    writer = Writer(draft.ids, has_new_roles(cib.schema), typed, nodes=nodes)
    if catalogue is not None:
        ask(writer, draft, catalogue)
    return draft, writer


def _finish(cib: Cib, draft: Draft, writer: Writer) -> Cib:
    changed = draft.finish()
    return resolve_references(cib, changed) if writer.has_references else changed


def _together(findings: Sequence[ConfigError]) -> ConfigError:
    if len(findings) == 1:
        return findings[0]
    diagnostics = [
        diagnostic
        for error in findings
        for diagnostic in (error.diagnostics or (Diagnostic(error.message, hint=error.hint),))
    ]
    return ConfigError("the text cannot be loaded", diagnostics=diagnostics[:MOST_MISTAKES])


# ---- typed elements ------------------------------------------------------------------------------


def _create(draft: Draft, writer: Writer, entry: Entry) -> None:
    node = entry.element
    section = section_of(entry, draft)
    is_topology = section == "fencing-topology"
    if is_topology and draft.elements(section):
        raise entry.problem(
            "there is a fencing topology already",
            hint="use “edit fencing_topology” to change it",
        )
    for name in _new_ids(entry, draft):
        present = draft.find(name)
        if present is not None or draft.ids.is_taken(name):
            kind = kind_of(present.tag) if present is not None else "element"
            raise entry.problem(
                f"the id {name} is taken: there is {article(kind)} with it",
                id_of(node),
                f"“set”, “edit” or “load update” change it, “delete {name}” removes it",
            )
    _check_members(draft, entry)
    made = written(writer, entry, None)
    if is_topology:
        draft.put_section(made)
        return
    draft.put(section, made)
    draft.adopt(made)


def _new_ids(entry: Entry, draft: Draft) -> Sequence[str]:
    """The ids that a typed element brings: in XML those of all that is in it."""
    node = entry.element
    if isinstance(node, ast.FencingTopology):
        return ()
    if not isinstance(node, ast.XmlElement):
        return (_checked_id(entry, draft),)
    return [e.id for e in elements_of(node) if e.id and e.tag not in REFERENCES]


def _checked_id(entry: Entry, draft: Draft) -> str:
    node = entry.element
    name = id_of(node)
    is_user = isinstance(node, ast.AclTarget) and not node.is_group  # those have any name
    if not is_user and not is_xml_id(name) and not isinstance(node, ast.XmlElement):
        raise entry.problem(
            f"“{name}” cannot be an id",
            name,
            "an id begins with a letter or _, and goes on with letters, digits, _ . and -",
        )
    return name


def _members(node: ast.ElementNode) -> tuple[str, ...]:
    if isinstance(node, ast.Group):
        return node.children
    if isinstance(node, ast.Clone):
        return (node.child,)
    if isinstance(node, ast.Bundle):
        return tuple(p.resource for p in node.parts if isinstance(p, ast.BundlePrimitive))
    return ()


_CONTAINED = {
    ast.Group: ("primitive",),
    ast.Clone: ("primitive", "group"),
    ast.Bundle: ("primitive",),
}


def _check_members(draft: Draft, entry: Entry) -> None:
    """Members exist, are of the right kind, and are nobody else's."""
    node = entry.element
    own = id_of(node)
    for member in _members(node):
        element = draft.resource(member)
        if element is None:
            raise entry.problem(
                f"{own} refers to {member}, which does not exist",
                member,
                did_you_mean(member, draft.resource_ids()),
            )
        allowed = _CONTAINED[type(node)]
        if element.tag not in allowed:
            kinds = " or a ".join(allowed)
            raise entry.problem(
                f"{member} is a {kind_of(element.tag)}; this may contain a {kinds}", member
            )
        refuse_taken(draft, entry, member, own)


# ---- loading -------------------------------------------------------------------------------------


def _refuse_doubles(entries: Sequence[Entry]) -> None:
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        node = entry.element
        if isinstance(node, ast.PropertySet | ast.MonitorCommand):
            continue
        space, name = _place(node)
        if not (space or name):
            continue
        first = seen.setdefault((space, str(name)), entry)
        if first is not entry:
            where = f" (the first is in line {first.line.line})" if first.line is not None else ""
            raise entry.problem(f"{name or space} is defined twice{where}", name)


def _place(node: ast.ElementNode) -> tuple[str, str]:
    """Where an element goes: what goes to the same place is the same."""
    if isinstance(node, ast.Node):
        return "node", node.uname
    if isinstance(node, ast.XmlElement) and node.tag == "node":
        return "node", elements_of(node)[0].get("uname")
    if isinstance(node, ast.FencingTopology) or getattr(node, "tag", "") == "fencing-topology":
        return "fencing_topology", ""
    return "", id_of(node)


def _store_one(
    draft: Draft,
    writer: Writer,
    entry: Entry,
    anew: MutableSet[str],
    listed: Collection[str],
) -> None:
    """Store an element without looking at members: those may come later in the text."""
    node = entry.element
    if isinstance(node, ast.MonitorCommand):
        add_monitor(draft, writer, node, entry)
        return
    if isinstance(node, ast.PropertySet):
        merge_properties(draft, writer, node, entry, anew)
        return
    section = section_of(entry, draft)
    if section == "fencing-topology":
        old = draft.section(section)
        draft.free(old)
        writer.nodes = [node.get("uname") for node in draft.elements("nodes")]
        draft.put_section(written(writer, entry, old))
        return
    if isinstance(node, ast.XmlElement) and section == "resources":
        store_whole(draft, writer, entry, listed)
        return
    if section == "nodes":
        known = _known_node(draft, entry, listed)
    else:
        name = id_of(node) if isinstance(node, ast.XmlElement) else _checked_id(entry, draft)
        known = draft.find(name) if name else None
    if isinstance(node, ast.XmlElement):
        made = to_cib(writer, node)
        present = draft.elements(section) if known is None else (known,)
        if any(is_same(one, made) for one in present):
            return  # comments lose their line breaks on the way: what is there is better
    if known is not None:
        draft.free(known, keep_own=not isinstance(node, ast.XmlElement))
    made = written(writer, entry, known)
    refuse_other_kind(entry, known, made)
    if known is not None and section == "nodes" and known.get("uname") == made.get("uname"):
        made = made.with_attributes({"id": known.id})  # by which others refer to it
    draft.put(section, made)


def _known_node(draft: Draft, entry: Entry, listed: Collection[str]) -> Element | None:
    """The node that a node replaces: that of its name, or else of its id."""
    _, uname = _place(entry.element)
    name = id_of(entry.element)
    known = draft.find_node(name, uname)
    if known is not None and known.get("uname") != uname and f"node {known.get('uname')}" in listed:
        raise entry.problem(
            f"the id {name} is that of {known.get('uname')}", name, "leave the id out"
        )
    return known


def _store_members(draft: Draft, writer: Writer, entry: Entry) -> None:
    node = entry.element
    if isinstance(node, ast.XmlElement):
        adopt_members(draft, elements_of(node)[0], entry)
    elif isinstance(node, ast.Group | ast.Clone | ast.Bundle):
        element = draft.resource(id_of(node))
        assert element is not None
        _check_members(draft, entry)
        draft.adopt(element)


def _remove_others(draft: Draft, entries: Sequence[Entry]) -> None:
    named: set[str] = set()
    for entry in entries:
        node = entry.element
        if isinstance(node, ast.Node):
            named.add(f"node {node.uname}")
        elif isinstance(node, ast.FencingTopology):
            named.add("fencing-topology")
        elif isinstance(node, ast.PropertySet):
            reference = f"ref {node.id_ref}" if node.id_ref else ""
            named.add(reference or node.id or DEFAULT_SETS[node.kind])
        elif isinstance(node, ast.XmlElement):
            root, *others = elements_of(node)
            named.update(e.id for e in others)
            named.add(root.id or f"ref {root.get('id-ref')}")
            if root.tag == "node":
                named.add(f"node {root.get('uname')}")
            if root.tag == "fencing-topology":
                named.add(root.tag)
        else:
            named.add(id_of(node))
    draft.keep_only({str(name) for name in named})

"""Elements into a document: what the configure level does with what it has read.

``apply`` takes one typed element, ``load`` a whole text. Both give a new document or raise, and
change nothing then. Members move into their groups and clones, ids are made and kept, nodes and
property sets are merged; whether the result makes sense is asked by ``cib.checks``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crmsh_py.agents.metadata import AgentMetadata
from crmsh_py.agents.spec import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.ids import is_xml_id
from crmsh_py.errors import ConfigError, CrmError, Diagnostic, did_you_mean
from crmsh_py.lang import ast
from crmsh_py.lang.draft import Draft
from crmsh_py.lang.facts import has_new_roles
from crmsh_py.lang.references import resolve_references
from crmsh_py.lang.to_cib import to_cib
from crmsh_py.lang.words import LogicalLine, span_of
from crmsh_py.lang.write_resources import operation
from crmsh_py.lang.writer import (
    DEFAULT_SETS,
    SET_TAGS,
    Old,
    Writer,
    resolve_plainly,
    with_comments,
)

SECTIONS: dict[type, str] = {
    ast.Node: "nodes",
    ast.Primitive: "resources",
    ast.Template: "resources",
    ast.Group: "resources",
    ast.Clone: "resources",
    ast.Bundle: "resources",
    ast.Location: "constraints",
    ast.Colocation: "constraints",
    ast.Order: "constraints",
    ast.Ticket: "constraints",
    ast.FencingTopology: "fencing-topology",
    ast.Tag: "tags",
    ast.AclRole: "acls",
    ast.AclTarget: "acls",
    ast.AclUser: "acls",
    ast.Alert: "alerts",
}
PROPERTY_SECTIONS = {
    "property": "crm_config",
    "rsc_defaults": "rsc_defaults",
    "op_defaults": "op_defaults",
}
_XML_SECTIONS = {
    "node": "nodes",
    "primitive": "resources",
    "template": "resources",
    "group": "resources",
    "clone": "resources",
    "master": "resources",
    "bundle": "resources",
    "rsc_location": "constraints",
    "rsc_colocation": "constraints",
    "rsc_order": "constraints",
    "rsc_ticket": "constraints",
    "cluster_property_set": "crm_config",
    "fencing-topology": "fencing-topology",
    "tag": "tags",
    "acl_role": "acls",
    "acl_target": "acls",
    "acl_group": "acls",
    "acl_user": "acls",
    "alert": "alerts",
}
HOW = ("update", "replace", "push")


class Agents(Protocol):
    """What is asked about agents: ``agents.catalogue.Catalogue`` answers."""

    def resolve(self, name: str | AgentSpec) -> AgentSpec:
        """The full name of an agent; raises NotFound."""

    def find(self, spec: AgentSpec) -> AgentMetadata | None:
        """What an agent says about itself, if it can be known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An element to be stored, and the line that it was written on."""

    element: ast.ElementNode
    line: LogicalLine | None = None
    origin: str | None = None

    def problem(self, message: str, word: str = "", hint: str | None = None) -> ConfigError:
        """An error about this element, with the place of ``word`` where that is known."""
        span = span_of(word)
        if self.line is None or span is None:
            return ConfigError(message, hint=hint)
        number, source = self.line.line, self.line.text
        if self.line.pieces:
            number, source, span = self.line.place(span)
        found = Diagnostic(message, source, span, hint, (), self.origin, number)
        return ConfigError(message, hint=hint, diagnostics=[found])


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
        _add_monitor(draft, writer, element, entry)
    elif isinstance(element, ast.Node):
        _merge_node(draft, writer, element)
    elif isinstance(element, ast.PropertySet):
        _merge_properties(draft, writer, element, entry)
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
) -> Cib:
    """The document with a text loaded into it.

    ``update`` overwrites the elements of the text, ``replace`` erases everything but the nodes
    first, ``push`` removes what the text does not name. All mistakes are reported together.
    """
    from crmsh_py.lang.parser import parse_elements

    entries = [
        Entry(parsed.element, parsed.line, origin) for parsed in parse_elements(text, origin=origin)
    ]
    return store(cib, entries, how=how, catalogue=catalogue)


def store(
    cib: Cib, entries: Sequence[Entry], *, how: str = "update", catalogue: Agents | None = None
) -> Cib:
    """The document with elements stored as ``load`` does it."""
    assert how in HOW, how
    if how == "replace":
        from crmsh_py.cib.edit import erase

        cib = erase(cib)
    draft, writer = _begin(cib, catalogue, typed=False)
    _refuse_doubles(entries)
    findings: list[ConfigError] = []
    for step in (_store_one, _store_members):
        for entry in entries:
            try:
                step(draft, writer, entry)
            except ConfigError as error:
                findings.append(error)
    if findings:
        raise _together(findings)
    if how == "push":
        _remove_others(draft, entries)
    return _finish(cib, draft, writer)


def _begin(cib: Cib, catalogue: Agents | None, *, typed: bool) -> tuple[Draft, Writer]:
    draft = Draft(cib)
    nodes = [node.get("uname") for node in draft.elements("nodes")]
    writer = Writer(draft.ids, has_new_roles(cib.schema), typed, nodes=nodes)
    if catalogue is not None:
        _ask(writer, draft, catalogue)
    return draft, writer


def _ask(writer: Writer, draft: Draft, catalogue: Agents) -> None:
    """Let the writer ask a catalogue about agents."""
    known: dict[str, AgentSpec] = {}

    def resolve(name: str) -> AgentSpec:
        if name not in known:
            plain = resolve_plainly(name)
            if name.count(":") < 1 or (name.startswith("ocf:") and name.count(":") == 1):
                try:
                    plain = catalogue.resolve(str(name))
                except CrmError:
                    pass  # it is said by the checks, with all that is wrong about it
            known[name] = plain
        return known[name]

    def find(spec: AgentSpec | None) -> AgentMetadata | None:
        try:
            return catalogue.find(spec) if spec is not None else None
        except CrmError:
            return None  # an agent that cannot be asked advises nothing

    def advised_interval(spec: AgentSpec | None) -> str:
        metadata = find(spec)
        action = metadata.action("monitor") if metadata is not None else None
        return action.interval if action is not None and action.interval not in ("0", "0s") else ""

    def is_promotable(resource: str) -> bool:
        members = [resource, *draft.members_of(resource)]
        for name in members:
            element = draft.resource(name)
            if element is None or element.tag != "primitive":
                continue
            template = draft.resource(element.get("template")) if element.get("template") else None
            named = template or element
            metadata = find(AgentSpec(named.get("class"), named.get("provider"), named.get("type")))
            if metadata is not None and metadata.promotable:
                return True
        return False

    writer.resolve = resolve
    writer.advised_interval = advised_interval
    writer.is_promotable = is_promotable


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
    return ConfigError("the text cannot be loaded", diagnostics=diagnostics[:50])


# ---- typed elements ------------------------------------------------------------------------------


def kind_of(tag: str) -> str:
    """An element's kind in the words of the language."""
    names = {"template": "rsc_template", "master": "ms", "acl_role": "role"}
    return names.get(tag, tag.removeprefix("rsc_"))


def _create(draft: Draft, writer: Writer, entry: Entry) -> None:
    node = entry.element
    if isinstance(node, ast.FencingTopology):
        if draft.elements("fencing-topology"):
            raise entry.problem(
                "there is a fencing topology already",
                hint="use “edit fencing_topology” to change it",
            )
        draft.put_section(_written(writer, entry, None))
        return
    name = _checked_id(entry, draft)
    present = draft.find(name)
    if present is not None or draft.ids.is_taken(name):
        kind = kind_of(present.tag) if present is not None else "element"
        raise entry.problem(
            f"the id {name} is taken: there is a {kind} with it",
            _id_of(node),
            f"“set”, “edit” or “load update” change it, “delete {name}” removes it",
        )
    section = _section(entry)
    _check_members(draft, entry)
    written = _written(writer, entry, None)
    draft.put(section, written)
    draft.adopt(written)


def _id_of(node: ast.ElementNode) -> str:
    name = getattr(node, "id", "")
    return name if isinstance(name, str) else ""


def _checked_id(entry: Entry, draft: Draft) -> str:
    name = _id_of(entry.element)
    if not is_xml_id(name) and not isinstance(entry.element, ast.XmlElement):
        raise entry.problem(
            f"“{name}” cannot be an id",
            name,
            "an id begins with a letter or _, and goes on with letters, digits, _ . and -",
        )
    return name


def _section(entry: Entry) -> str:
    node = entry.element
    if isinstance(node, ast.PropertySet):
        return PROPERTY_SECTIONS[node.kind]
    if isinstance(node, ast.XmlElement):
        section = _XML_SECTIONS.get(node.tag)
        if section is None:
            raise entry.problem(
                f"<{node.tag}> is not an element of the configuration",
                node.tag,
                did_you_mean(node.tag, _XML_SECTIONS),
            )
        return section
    return SECTIONS[type(node)]


def _written(writer: Writer, entry: Entry, old: Element | None) -> Element:
    element = to_cib(writer, entry.element, old)
    return with_comments(element, entry.line.comments if entry.line is not None else ())


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
    own = _id_of(node)
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
        container = draft.container_of(member)
        if container and container != own:
            raise entry.problem(
                f"{member} belongs to {container} already", member, f"delete {container} first"
            )


def _merge_node(draft: Draft, writer: Writer, node: ast.Node) -> None:
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
    for item in items:
        if isinstance(item, ast.Rule):
            children.append(writer.rule(item, old.id, None))
            continue
        at = next(
            (i for i, c in enumerate(children) if c.tag == "nvpair" and c.get("name") == item.name),
            None,
        )
        known = Old(Element("set", {}, (children[at],) if at is not None else ()))
        pair = writer.nvpair(item, old.id, known)
        if at is None:
            children.append(pair)
        else:
            children[at] = pair
    return old.with_children(tuple(children))


def _merge_properties(draft: Draft, writer: Writer, node: ast.PropertySet, entry: Entry) -> None:
    section = PROPERTY_SECTIONS[node.kind]
    if writer.typed:
        for item in node.items:
            if isinstance(item, ast.Nvpair) and not item.is_reference and not item.value:
                raise entry.problem(
                    f"{item.name} needs a value", item.name, f"for example: {item.name}=true"
                )
    old = _target_set(draft, section, node)
    if old is None or node.id_ref:
        draft.put(section, _written(writer, entry, None))
        return
    comments = entry.line.comments if entry.line is not None and not writer.typed else ()
    merged = _merged_items(writer, old, node.items)
    if comments:
        plain = merged.map_children(lambda c: None if c.tag == COMMENT else c)
        merged = with_comments(plain, comments)
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


def _add_monitor(draft: Draft, writer: Writer, node: ast.MonitorCommand, entry: Entry) -> None:
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


# ---- loading -------------------------------------------------------------------------------------


def _refuse_doubles(entries: Sequence[Entry]) -> None:
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        node = entry.element
        if isinstance(node, ast.PropertySet | ast.XmlElement | ast.MonitorCommand):
            continue
        name = node.uname if isinstance(node, ast.Node) else _id_of(node)
        space = "node" if isinstance(node, ast.Node) else ""
        if isinstance(node, ast.FencingTopology):
            space, name = "fencing_topology", ""
        first = seen.setdefault((space, str(name)), entry)
        if first is not entry:
            where = f" (the first is in line {first.line.line})" if first.line is not None else ""
            raise entry.problem(f"{name or space} is defined twice{where}", name)


def _store_one(draft: Draft, writer: Writer, entry: Entry) -> None:
    """Store an element without looking at members: those may come later in the text."""
    node = entry.element
    if isinstance(node, ast.MonitorCommand):
        _add_monitor(draft, writer, node, entry)
        return
    if isinstance(node, ast.PropertySet):
        _merge_properties(draft, writer, node, entry)
        return
    section = _section(entry)
    if section == "fencing-topology":
        old = draft.section(section)
        draft.free(old)
        draft.put_section(_written(writer, entry, old))
        return
    if isinstance(node, ast.Node):
        known = draft.find_node(node.id or "", node.uname)
    else:
        name = _id_of(node) if isinstance(node, ast.XmlElement) else _checked_id(entry, draft)
        known = draft.find(name) if name else None
    if known is not None and isinstance(node, ast.XmlElement):
        draft.free(known)
    elif known is not None:
        draft.free(known, keep_own=True)
    written = _written(writer, entry, known)
    if known is not None and kind_of(known.tag) != kind_of(written.tag):
        same = {"clone", "ms"}
        if {kind_of(known.tag), kind_of(written.tag)} != same:
            raise entry.problem(
                f"the id {written.id} is taken: there is a {kind_of(known.tag)} with it",
                _id_of(node),
            )
    draft.put(section, written)


def _store_members(draft: Draft, writer: Writer, entry: Entry) -> None:
    if isinstance(entry.element, ast.Group | ast.Clone | ast.Bundle):
        element = draft.resource(_id_of(entry.element))
        assert element is not None
        draft.release(element)
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
            named.add(node.id or DEFAULT_SETS[node.kind])
        elif isinstance(node, ast.XmlElement):
            named.update(e.id for e in _xml_ids(node))
            if node.tag == "node":
                named.update(f"node {e.get('uname')}" for e in _xml_ids(node))
        else:
            named.add(_id_of(node))
    draft.keep_only({str(name) for name in named})


def _xml_ids(node: ast.XmlElement) -> list[Element]:
    from crmsh_py.cib.xml import parse

    return list(parse(node.text).iter())


def _take_ids(writer: Writer, element: Element) -> None:
    for inner in element.iter():
        if inner.id:
            writer.ids.take(inner.id)

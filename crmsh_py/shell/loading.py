"""Taking a configuration from XML, or from a text that was shown and edited.

All or nothing: the text is read and turned into a new document first; on any mistake the pending
configuration is what it was (crmsh erases first, and then reads).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from crmsh_py import lang
from crmsh_py.cib import edit, xml
from crmsh_py.cib.diff import apply, diff
from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, SyntaxProblem
from crmsh_py.lang.ast import FencingTopology, PropertySet, XmlElement
from crmsh_py.lang.contained import adopt_members
from crmsh_py.lang.draft import CONTAINER_TAGS, MEMBER_TAGS, Draft
from crmsh_py.lang.entries import (
    PROPERTY_SECTIONS,
    Entry,
    article,
    elements_of,
    kind_of,
    section_of_xml,
)
from crmsh_py.lang.store import store
from crmsh_py.lang.writer import DEFAULT_SETS
from crmsh_py.shell.working import Typed
from crmsh_py.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.lang.asking import Agents
    from crmsh_py.lang.ast import ElementNode
    from crmsh_py.lang.parser import ParsedElement


def says_nothing(text: str, *, as_xml: bool) -> bool:
    """Whether a text has no element of a configuration: to take it would be to remove all."""
    if not text.strip():
        return True
    if not as_xml:
        return not any(lang.logical_lines(text))
    try:
        root = xml.parse(text)
    except SyntaxProblem:
        return False  # whoever reads it tells what is wrong with it
    configuration = root.find("configuration") if root.tag == "cib" else root
    if configuration is None or configuration.tag != "configuration":
        return False
    return not any(section.findall() for section in configuration.findall(*SECTIONS))


def load_text(
    cib: Cib, text: str, *, how: str, origin: str, catalogue: Agents
) -> tuple[Cib, dict[str, Typed]]:
    """Take a text of the crm language; returns with it where each element was defined."""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise ConfigError(f"{origin}: this is XML", hint=f"load xml {how} {origin}")
    parsed = lang.parse_elements(text, origin=origin)
    entries = [Entry(found.element, found.line, origin) for found in parsed]
    changed = store(cib, entries, how=how, catalogue=catalogue)
    return changed, _typed(parsed, origin)


def _typed(parsed: Iterable[ParsedElement], origin: str) -> dict[str, Typed]:
    """Where each element was defined."""
    return {
        _name(found.element): Typed(found.line.text, origin, found.line.line) for found in parsed
    }


def load_xml(cib: Cib, text: str, *, how: str, origin: str = "") -> Cib:
    """Take XML: a whole ``<cib>`` or ``<configuration>``, a section, or one element of it."""
    if origin and not text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise ConfigError(f"{origin}: this is no XML", hint=f"load {how} {origin}")
    root = parse_xml(text, origin)
    configuration = root.find("configuration") if root.tag == "cib" else root
    if configuration is None:
        raise ConfigError("this <cib> has no <configuration>; nothing was changed")
    if configuration.tag == "configuration":
        if how in ("replace", "push"):
            return _whole(cib, configuration, how)
        for section in configuration.findall(*SECTIONS):
            cib = _joined(cib, section.tag, section.findall())
        return cib
    if configuration.tag in SECTIONS:
        if how in ("replace", "push"):
            raise ConfigError(
                f"<{configuration.tag}> is only a section; {how} is for a whole <configuration>",
                hint=f"load xml update {origin}".rstrip(),
            )
        return _joined(cib, configuration.tag, configuration.findall())
    section_name = section_of_xml(configuration, Draft(cib))
    if configuration.tag == "fencing-level":
        section_name = "fencing-topology"
    if not section_name:
        raise ConfigError(f"<{configuration.tag}> is no element of a configuration")
    return _joined(cib, section_name, (configuration,))


def _whole(cib: Cib, configuration: Element, how: str) -> Cib:
    """The document with this configuration; ``replace`` keeps the nodes that it does not name."""
    changed = cib.with_section("configuration", configuration)
    given = changed.section("nodes").findall()
    ids, names = {node.id for node in given}, {node.get("uname") for node in given}
    kept = [
        node
        for node in cib.section("nodes").findall()
        if node.id not in ids and node.get("uname") not in names
    ]
    if how == "push" or not kept:
        return changed
    return changed.with_section("nodes", Element("nodes", {}, (*kept, *given)))


def parse_xml(text: str, origin: str) -> Element:
    """Read XML; what is wrong with it is told with the file's name and line."""
    try:
        return xml.parse(text)
    except SyntaxProblem as problem:
        found = problem.diagnostic
        message = found.message.removeprefix(f"line {found.line}: ") if origin else found.message
        raise SyntaxProblem(replace(found, message=message, origin=origin or None)) from None


def _joined(cib: Cib, section_name: str, elements: Sequence[Element]) -> Cib:
    """Elements in place of those with their ids, or at the end of their section.

    A resource stays in the group or clone that it is in, as when it is loaded as text.
    """
    if not elements:
        return cib
    if section_name == "resources":
        draft = Draft(cib)
        for element in elements:
            for one in element.iter(*CONTAINER_TAGS, *MEMBER_TAGS, "template"):
                _refuse_other_kind(draft.resource(one.id), one)
            draft.put(section_name, element)
        for element in elements:
            adopt_members(draft, element, Entry(XmlElement("", element.tag, element.id)))
        return draft.finish()
    section = cib.section(section_name)
    for element in elements:
        section = _put(section, element, merged=section_name in PROPERTY_SECTIONS.values())
    return cib.with_section(section_name, section)


def _refuse_other_kind(old: Element | None, element: Element) -> None:
    if not element.id:
        raise ConfigError(f"a <{element.tag}> has no id; nothing was changed")
    same = ("clone", "master")
    if old is None or old.tag == element.tag or (old.tag in same and element.tag in same):
        return
    kind = kind_of(old.tag)
    raise ConfigError(
        f"the id {element.id} is taken: there is {article(kind)} with it; nothing was changed"
    )


def _put(section: Element, element: Element, *, merged: bool) -> Element:
    """The section with an element in place of the one with its id, or merged into it."""
    if not element.id:  # a reference to a set
        return section if element in section.children else section.append(element)
    if not any(child.id == element.id for child in section.findall()):
        return section.append(element)
    return section.map_children(
        lambda c: c if c.id != element.id else _merged(c, element) if merged else element
    )


def _merged(old: Element, new: Element) -> Element:
    """A set with the attributes of another: by name in their places, others at the end."""
    children = list(old.children)
    for pair in new.findall():
        name = pair.get("name")
        by_name = (i for i, c in enumerate(children) if name and c.get("name") == name)
        by_id = (i for i, c in enumerate(children) if c.id and c.id == pair.id)
        at = next(by_name, next(by_id, None))
        if at is None:
            children.append(pair)
        else:
            children[at] = pair
    return Element(old.tag, {**old.attrs, **new.attrs}, tuple(children), old.text)


def replace_text(
    cib: Cib,
    before: str,
    after: str,
    *,
    as_xml: bool,
    origin: str = "",
    catalogue: Agents | None = None,
) -> tuple[Cib, list[str], dict[str, Typed]]:
    """What an editor or a filter made of a shown text: what it no longer lists is deleted.

    The text may have been a part of the configuration; what it did not show stays as it is. A set
    of properties or defaults that it showed has what is listed, and nothing else. With the document
    come notes on what had to go or to change with what was left out, and where each element was
    defined (of XML nowhere).
    """
    if as_xml:
        old, new = Cib(parse_xml(before, "")), Cib(parse_xml(after, origin))
        if new.root.tag != "cib":
            raise ConfigError(f"<{new.root.tag}> is no CIB", hint="keep the <cib> around it")
        return apply(cib, diff(old, new)), [], {}
    shown = [found.element for found in lang.parse_elements(before)]
    sets = {str(one.id) for one in shown if isinstance(one, PropertySet) and one.id}
    parsed = lang.parse_elements(after, origin=origin or None)
    listed = {_name(found.element) for found in parsed}
    left_out = {name for name in map(_name, shown) if name not in listed}
    entries = [Entry(found.element, found.line, origin or None) for found in parsed]
    left = _without_references(_emptied(cib, left_out), left_out)
    changed = store(left, entries, catalogue=catalogue, anew=sets)
    gone = left_out & edit.top_level(changed).keys()
    _refuse_contained(changed, gone)
    kept, notes = edit.delete(changed, gone)
    return kept, notes, _typed(parsed, origin)


def _emptied(cib: Cib, names: Collection[str]) -> Cib:
    """The containers of these names without their members, which follow them.

    They are going to be deleted; but before that, another one may take the members over.
    """

    def empty(element: Element) -> tuple[Element, ...]:
        kept: list[Element] = []
        freed: list[Element] = []
        for child in element.children:
            if element.tag not in CONTAINER_TAGS or child.tag not in MEMBER_TAGS:
                kept.append(child)
                continue
            inner, *others = empty(child)
            (freed if element.id in names else kept).append(inner)
            freed += others
        return element.with_children(tuple(kept)) if freed else element, *freed

    section = cib.section("resources")
    children = tuple(one for child in section.children for one in empty(child))
    changed = section.with_children(children)
    return cib if changed == section else cib.with_section("resources", changed)


def _without_references(cib: Cib, names: Collection[str]) -> Cib:
    """The document without the references to sets that have these names (see ``_name``)."""
    for section_name in PROPERTY_SECTIONS.values():
        section = cib.section(section_name)
        changed = section.map_children(
            lambda one: None if not one.id and _reference(one.get("id-ref")) in names else one
        )
        if changed is not section:
            cib = cib.with_section(section_name, changed)
    return cib


def _reference(name: str) -> str:
    return f"$id-ref={name}"


def _refuse_contained(cib: Cib, gone: Collection[str]) -> None:
    """Raise if a container is to go that another one, which stays, still has as its member."""
    for outer in cib.section("resources").iter(*CONTAINER_TAGS):
        for inner in outer.findall(*CONTAINER_TAGS):
            if inner.id in gone and outer.id not in gone:
                raise ConfigError(
                    f"{inner.id} is left out, but {outer.id} contains it",
                    hint=f"change {outer.id} in the same text",
                )


def _name(element: ElementNode) -> str:
    if isinstance(element, FencingTopology):
        return "fencing_topology"
    if isinstance(element, PropertySet):
        if element.id_ref:
            return _reference(element.id_ref)
        return str(element.id or DEFAULT_SETS[element.kind])
    if isinstance(element, XmlElement):
        root = elements_of(element)[0]
        if root.tag == "fencing-topology":
            return "fencing_topology"
        if not root.id:
            return _reference(root.get("id-ref"))
        return root.get("uname") if root.tag == "node" else root.id
    # A node's id is its number; people call it by its name.
    return str(getattr(element, "uname", "") or getattr(element, "id", "") or "")

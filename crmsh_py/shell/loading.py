"""Taking a configuration from XML, or from a text that was shown and edited.

All or nothing: the text is read and turned into a new document first; on any mistake the pending
configuration is what it was (crmsh erases first, and then reads).
"""

from __future__ import annotations

from collections.abc import Collection

from crmsh_py import lang
from crmsh_py.cib import edit, xml
from crmsh_py.cib.diff import apply, diff
from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, SyntaxProblem
from crmsh_py.lang.ast import FencingTopology, PropertySet
from crmsh_py.lang.draft import CONTAINER_TAGS, MEMBER_TAGS
from crmsh_py.lang.entries import Entry
from crmsh_py.lang.store import store
from crmsh_py.lang.writer import DEFAULT_SETS
from crmsh_py.shell.working import Typed
from crmsh_py.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.lang.asking import Agents
    from crmsh_py.lang.ast import ElementNode

_BY_SECTION = {
    "primitive": "resources", "group": "resources", "clone": "resources", "master": "resources",
    "bundle": "resources", "template": "resources", "rsc_location": "constraints",
    "rsc_colocation": "constraints", "rsc_order": "constraints", "rsc_ticket": "constraints",
    "node": "nodes", "tag": "tags", "alert": "alerts", "acl_role": "acls", "acl_target": "acls",
    "acl_group": "acls", "fencing-level": "fencing-topology",
    "cluster_property_set": "crm_config",
}  # fmt: skip


def load_text(
    cib: Cib, text: str, *, how: str, origin: str, catalogue: Agents
) -> tuple[Cib, dict[str, Typed]]:
    """Take a text of the crm language; returns with it where each element was defined."""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise ConfigError(f"{origin}: this is XML", hint=f"load xml {how} {origin}")
    parsed = lang.parse_elements(text, origin=origin)
    entries = [Entry(found.element, found.line, origin) for found in parsed]
    changed = store(cib, entries, how=how, catalogue=catalogue)
    typed = {
        _name(found.element): Typed(found.line.text, origin, found.line.line) for found in parsed
    }
    return changed, typed


def load_xml(cib: Cib, text: str, *, how: str, origin: str = "") -> Cib:
    """Take XML: a whole ``<cib>`` or ``<configuration>``, or one element of it."""
    root = parse_xml(text, origin)
    configuration = root.find("configuration") if root.tag == "cib" else root
    if configuration is None:
        raise ConfigError("this <cib> has no <configuration>; nothing was changed")
    if configuration.tag == "configuration":
        if how in ("replace", "push"):
            return cib.with_root(
                cib.root.map_children(
                    lambda child: configuration if child.tag == "configuration" else child
                )
            )
        for section in configuration.findall(*SECTIONS):
            for element in section.findall():
                cib = _put(cib, section.tag, element)
        return cib
    section_name = _BY_SECTION.get(configuration.tag)
    if section_name is None:
        raise ConfigError(f"<{configuration.tag}> is no element of a configuration")
    return _put(cib, section_name, configuration)


def parse_xml(text: str, origin: str) -> Element:
    """Read XML; what is wrong with it is told with the file's name and line."""
    try:
        return xml.parse(text)
    except SyntaxProblem as problem:
        found = problem.diagnostic
        message = found.message.removeprefix(f"line {found.line}: ") if origin else found.message
        raise SyntaxProblem(replace(found, message=message, origin=origin or None)) from None


def _put(cib: Cib, section_name: str, element: Element) -> Cib:
    """An element in place of the one with its id, or at the end of its section."""
    section = cib.section(section_name)
    if any(child.id == element.id for child in section.findall()):
        changed = section.map_children(lambda c: element if c.id == element.id else c)
    else:
        changed = section.append(element)
    return cib.with_section(section_name, changed)


def replace_text(
    cib: Cib,
    before: str,
    after: str,
    *,
    as_xml: bool,
    origin: str = "",
    catalogue: Agents | None = None,
) -> Cib:
    """What an editor or a filter made of a shown text: what it no longer lists is deleted.

    The text may have been a part of the configuration; what it did not show stays as it is. A set
    of properties or defaults that it showed has what is listed, and nothing else.
    """
    if as_xml:
        old, new = Cib(parse_xml(before, "")), Cib(parse_xml(after, origin))
        if new.root.tag != "cib":
            raise ConfigError(f"<{new.root.tag}> is no CIB", hint="keep the <cib> around it")
        return apply(cib, diff(old, new))
    shown = [found.element for found in lang.parse_elements(before)]
    sets = {str(one.id) for one in shown if isinstance(one, PropertySet) and one.id}
    parsed = lang.parse_elements(after, origin=origin or None)
    listed = {_name(found.element) for found in parsed}
    left_out = {name for name in map(_name, shown) if name not in listed}
    entries = [Entry(found.element, found.line, origin or None) for found in parsed]
    changed = store(_emptied(cib, left_out), entries, catalogue=catalogue, anew=sets)
    gone = left_out & edit.top_level(changed).keys()
    _refuse_contained(changed, gone)
    return edit.delete(changed, gone)[0] if gone else changed


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
        return str(element.id or DEFAULT_SETS[element.kind])
    # A node's id is its number; people call it by its name.
    return str(getattr(element, "uname", "") or getattr(element, "id", "") or "")

"""Taking a configuration from XML, or from a text that was shown and edited.

All or nothing: the text is read and turned into a new document first; on any mistake the pending
configuration is what it was (crmsh erases first, and then reads).
"""

from __future__ import annotations

from crmsh_py import lang
from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib import edit, xml
from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError

_BY_SECTION = {
    "primitive": "resources", "group": "resources", "clone": "resources", "master": "resources",
    "bundle": "resources", "template": "resources", "rsc_location": "constraints",
    "rsc_colocation": "constraints", "rsc_order": "constraints", "rsc_ticket": "constraints",
    "node": "nodes", "tag": "tags", "alert": "alerts", "acl_role": "acls", "acl_target": "acls",
    "acl_group": "acls", "fencing-level": "fencing-topology",
    "cluster_property_set": "crm_config",
}  # fmt: skip


def load_xml(cib: Cib, text: str, *, how: str) -> Cib:
    """Take XML: a whole ``<cib>`` or ``<configuration>``, or one element of it."""
    root = xml.parse(text)
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


def _put(cib: Cib, section_name: str, element: Element) -> Cib:
    """An element in place of the one with its id, or at the end of its section."""
    section = cib.section(section_name)
    if any(child.id == element.id for child in section.findall()):
        changed = section.map_children(lambda c: element if c.id == element.id else c)
    else:
        changed = section.append(element)
    return cib.with_section(section_name, changed)


def replace_text(
    cib: Cib, before: str, after: str, *, as_xml: bool, catalogue: Catalogue | None = None
) -> Cib:
    """What an editor or a filter made of a shown text: what it no longer lists is deleted."""
    if as_xml:
        return load_xml(cib, after, how="replace")
    changed = lang.load(cib, after, how="update", catalogue=catalogue)
    new = _listed(after)
    gone = [n for n in _listed(before) if n not in new and n in edit.top_level(changed)]
    return edit.delete(changed, gone)[0] if gone else changed


def _listed(text: str) -> set[str]:
    """The names of the elements of a text."""
    parsed = [found.element for found in lang.parse_elements(text)]
    return {str(getattr(e, "id", "") or getattr(e, "uname", "")) for e in parsed}

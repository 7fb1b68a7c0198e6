"""Taking a configuration from a text: ``load``, ``edit`` and ``filter``.

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


def load(
    cib: Cib, text: str, *, how: str, origin: str = "", catalogue: Catalogue | None = None
) -> Cib:
    """Take a text of the crm language. ``how``: ``update`` creates or overwrites what it lists,
    ``push`` also deletes what it does not list, ``replace`` begins from nothing.

    Raises ConfigError with all mistakes of the text.
    """
    parsed = lang.parse_elements(text, origin=origin or None)
    base = edit.erase(cib) if how == "replace" else cib
    changed = lang.apply_all(base, parsed, catalogue=catalogue)
    if how != "push":
        return changed
    listed = lang.names_of(parsed)
    unlisted = [n for n in edit.top_level(changed) if n not in listed and not _is_kept(n)]
    members = {m.id for e in changed.section("resources").iter(*edit.CONTAINERS) for m in e.children}
    return edit.delete(changed, [name for name in unlisted if name not in members])[0]


def _is_kept(name: str) -> bool:
    # The property set holds what the cluster itself has written; its values are merged.
    return name == "cib-bootstrap-options"


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
    cib: Cib, before: str, after: str, *, xml: bool, catalogue: Catalogue | None = None
) -> Cib:
    """What an editor or a filter made of a shown text: what it no longer lists is deleted."""
    if xml:
        return load_xml(cib, after, how="replace")
    old = lang.names_of(lang.parse_elements(before))
    parsed = lang.parse_elements(after)
    new = lang.names_of(parsed)
    changed = lang.apply_all(cib, parsed, catalogue=catalogue)
    gone = [name for name in old if name not in new and name in edit.top_level(changed)]
    return edit.delete(changed, gone)[0] if gone else changed

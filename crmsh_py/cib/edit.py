"""Edits of a configuration that follow references: delete, rename, erase, members of groups.

Pure: a document and names in, a new document (and what else had to change) out. Nothing is ever
left that names something which is gone; what was changed for that is said in notes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import PROPERTY_SET, check_id
from crmsh_py.errors import ConfigError, NotFound

CONTAINERS = ("group", "clone", "master")
MEMBERS = ("primitive", "group")
# What the cluster itself writes and would write again.
KEPT_PROPERTIES = ("dc-version", "cluster-infrastructure", "cluster-name", "have-watchdog")
# Attributes that name a resource (or a template, or a tag).
_REFERENCES = {
    "rsc_location": ("rsc",),
    "rsc_colocation": ("rsc", "with-rsc"),
    "rsc_order": ("first", "then"),
    "rsc_ticket": ("rsc",),
    "acl_permission": ("reference",),
}


def top_level(cib: Cib) -> dict[str, Element]:
    """Every element that has a name of its own in the crm language, by that name.

    Resources inside containers count; nodes are found by uname.
    """
    found: dict[str, Element] = {}
    for element in cib.section("resources").iter("primitive", "template", "bundle", *CONTAINERS):
        found[element.id] = element
    for section in ("constraints", "tags", "acls", "alerts"):
        for element in cib.section(section).findall():
            found[element.id] = element
    for section in ("crm_config", "rsc_defaults", "op_defaults"):
        for element in cib.section(section).findall():
            found[element.id] = element
    for element in cib.section("nodes").findall("node"):
        found.setdefault(element.get("uname"), element)
    topology = cib.configuration.find("fencing-topology")
    if topology is not None:
        found.setdefault("fencing_topology", topology)
    return found


def _require(cib: Cib, name: str) -> Element:
    names = top_level(cib)
    if name not in names:
        raise NotFound(f"object {name} does not exist", name=name, possibilities=names)
    return names[name]


# ---- delete --------------------------------------------------------------------------------------


def delete(cib: Cib, names: Collection[str]) -> tuple[Cib, list[str]]:
    """The document without these, and notes on what went or changed with them.

    The members of a deleted group, clone or bundle stay, by themselves. A container that is left
    empty goes too, the clone of a deleted group (it has but one member), and whatever names nothing
    but what is gone. Raises NotFound for the first name that nothing has, ConfigError for a
    template that is still used.
    """
    notes: list[str] = []
    before = _names(cib)
    for name in names:
        target = _require(cib, name)
        outer = _clone_of(cib, target) if target.tag == "group" else None
        if outer is not None and outer.id not in names:
            notes.append(f"{outer.tag}:{outer.id} of {name} deleted")
            cib = _without(cib, outer)
        cib = _without(cib, target)
    gone = _empty_containers(cib)
    while gone:
        notes += [f"empty {element.tag}:{element.id} deleted" for element in gone]
        for element in gone:
            cib = _without(cib, element)
        gone = _empty_containers(cib)
    _refuse_used_templates(cib, before - _names(cib))
    while True:  # what goes with something may be named itself
        left = _without_hanging(cib, before - _names(cib), notes)
        if left is cib:
            return cib, notes
        cib = left


def _names(cib: Cib) -> set[str]:
    """Everything that can be referred to."""
    return {*cib.ids(), *(node.get("uname") for node in cib.section("nodes").findall("node"))}


def _refuse_used_templates(cib: Cib, gone: Collection[str]) -> None:
    for primitive in cib.section("resources").iter("primitive"):
        template = primitive.get("template")
        if template in gone:
            users = [
                e.id for e in cib.section("resources").iter("primitive")
                if e.get("template") == template
            ]  # fmt: skip
            raise ConfigError(
                f"the template {template} is used by {', '.join(users)}",
                hint=f"delete {template} {' '.join(users)}",
            )


def _clone_of(cib: Cib, group: Element) -> Element | None:
    clones = cib.section("resources").findall("clone", "master")
    return next((clone for clone in clones if any(c is group for c in clone.children)), None)


def _without(cib: Cib, target: Element) -> Cib:
    if target.tag == "fencing-topology":
        return _without_empty_topology(cib.with_section(target.tag, target.with_children(())))

    def remove(element: Element) -> tuple[Element, ...]:
        if element is target:
            return element.findall(*MEMBERS) if element.tag in (*CONTAINERS, "bundle") else ()
        return (element,)

    for section in SECTIONS:
        before = cib.section(section)
        after = _expand(before, remove)
        if after is not before:
            cib = cib.with_section(section, after)
    return cib


def _expand(element: Element, change: Callable[[Element], tuple[Element, ...]]) -> Element:
    """Replace descendants by any number of others; the very same object if nothing changes."""
    children: list[Element] = []
    for child in element.children:
        replaced = change(child)
        if len(replaced) == 1 and replaced[0] is child:
            children.append(_expand(child, change))
        else:
            children.extend(replaced)
    same = len(children) == len(element.children) and all(
        a is b for a, b in zip(children, element.children, strict=True)
    )
    return element if same else element.with_children(tuple(children))


def _empty_containers(cib: Cib) -> list[Element]:
    return [
        element
        for element in cib.section("resources").iter(*CONTAINERS)
        if not element.findall(*MEMBERS)
    ]


def _without_hanging(cib: Cib, gone: Collection[str], notes: list[str]) -> Cib:
    """Take out what names something that is gone (and not what named nothing before)."""
    sections: dict[str, Callable[[Element], Element | None]] = {
        "tags": lambda tag: _remaining(tag, "obj_ref", gone, notes),
        "constraints": lambda element: _constraint(element, gone, notes),
        "fencing-topology": lambda level: _fencing_level(level, gone, notes),
        "acls": lambda holder: _remaining(holder, "role", gone, notes),
    }
    for name, change in sections.items():
        before = cib.section(name)
        after = before.map_children(change)
        if after is not before:
            cib = cib.with_section(name, after)
            if name == "fencing-topology":
                cib = _without_empty_topology(cib)
    return cib


def _without_empty_topology(cib: Cib) -> Cib:
    """Without the section of the levels where none is left: it would be shown as an object."""
    topology = cib.configuration.find("fencing-topology")
    if topology is None or topology.children:
        return cib
    kept = cib.configuration.map_children(lambda c: None if c is topology else c)
    return cib.with_section("configuration", kept)


def _remaining(
    element: Element, tag: str, gone: Collection[str], notes: list[str]
) -> Element | None:
    """The element without the references that lead nowhere; None if it had no others."""
    kept = element.map_children(lambda c: None if c.tag == tag and c.id in gone else c)
    if kept is element:
        return element
    if not kept.findall(tag):
        notes.append(f"hanging {element.tag}:{element.id} deleted")
        return None
    return kept


def _constraint(element: Element, gone: Collection[str], notes: list[str]) -> Element | None:
    kind = element.tag.removeprefix("rsc_")
    for name in _REFERENCES.get(element.tag, ()):
        if element.attrs.get(name) in gone:
            notes.append(f"hanging {kind}:{element.id} deleted")
            return None
    sets = element.findall("resource_set")
    if not sets:
        return element
    silent: list[str] = []
    kept = element.map_children(
        lambda c: _remaining(c, "resource_ref", gone, silent) if c.tag == "resource_set" else c
    )
    if kept is element:
        return element
    left = sum(len(s.findall("resource_ref")) for s in kept.findall("resource_set"))
    # A colocation or an order of one resource says nothing.
    if left < (2 if element.tag in ("rsc_colocation", "rsc_order") else 1):
        notes.append(f"hanging {kind}:{element.id} deleted")
        return None
    notes.append(f"constraint {kind}:{element.id} updated")
    return kept


def _fencing_level(level: Element, gone: Collection[str], notes: list[str]) -> Element | None:
    devices = level.get("devices").split(",")
    kept = [device for device in devices if device.strip() not in gone]
    if len(kept) == len(devices):
        return level
    notes.append(
        f"fencing level {level.id} updated" if kept else f"fencing level {level.id} deleted"
    )
    return level.with_attributes({"devices": ",".join(kept)}) if kept else None


# ---- rename and erase ----------------------------------------------------------------------------


def rename(cib: Cib, old: str, new: str) -> Cib:
    """The document with an element's id changed, and everything that names it."""
    target = _require(cib, old)
    if target.tag == "node":
        raise ConfigError(f"{old} is a node: its name is that of its machine")
    if target.tag == "fencing-topology":
        raise ConfigError("the fencing topology has no other name")
    check_id(new)
    if new in cib.ids():
        raise ConfigError(f"{new}: id is already in use")
    for section in SECTIONS:
        before = cib.section(section)
        if section == "nodes":
            continue
        after = _renamed(before, old, new)
        if after is not before:
            cib = cib.with_section(section, after)
    return cib


def _renamed(element: Element, old: str, new: str) -> Element:
    changed = element.map_children(lambda child: _renamed(child, old, new))
    names = ("id", "id-ref", "template", *_REFERENCES.get(element.tag, ()))
    changes = {name: new for name in names if element.get(name) == old}
    if element.tag == "fencing-level":
        devices = [device.strip() for device in element.get("devices").split(",")]
        if old in devices:
            changes["devices"] = ",".join(new if d == old else d for d in devices)
    return changed.with_attributes(dict(changes)) if changes else changed


def erase(cib: Cib, *, nodes: bool = False) -> Cib:
    """Nothing is configured any more; nodes stay unless ``nodes`` says otherwise.

    What the cluster itself has written (its version, its name) stays.
    """
    for name in SECTIONS:
        section = cib.section(name)
        if name == "nodes":
            erased = section.with_children(()) if nodes else section
        elif name == "crm_config":
            erased = section.map_children(_own_properties)
        else:
            erased = section.with_children(())
        if erased is not section and erased != section:
            cib = cib.with_section(name, erased)
    return _without_empty_topology(cib)


def _own_properties(element: Element) -> Element | None:
    if element.id != PROPERTY_SET:
        return None
    kept = element.map_children(
        lambda pair: pair if pair.tag == "nvpair" and pair.get("name") in KEPT_PROPERTIES else None
    )
    return kept if kept.children else None


# ---- groups --------------------------------------------------------------------------------------


def add_to_group(cib: Cib, group: str, member: str, *, place: str = "", anchor: str = "") -> Cib:
    """A free primitive becomes a member: last, or ``place`` (before, after) another one."""
    target, joining = _group(cib, group), _require(cib, member)
    if joining.tag != "primitive":
        raise ConfigError(f"a group may contain only primitives; {member} is {joining.tag}")
    if not any(joining is free for free in cib.section("resources").findall("primitive")):
        raise ConfigError(_is_held(cib, member, group))
    children = list(target.children)
    index = len(children)
    if anchor:
        index = _member_index(target, anchor) + (place == "after")
    children.insert(index, joining)
    grown = target.with_children(tuple(children))
    resources = cib.section("resources").map_children(lambda c: None if c is joining else c)
    return cib.with_section(
        "resources", _expand(resources, lambda e: (grown,) if e is target else (e,))
    )


def _is_held(cib: Cib, member: str, group: str) -> str:
    """Why a primitive cannot join a group: what holds it."""
    holder = next(
        one
        for one in cib.section("resources").iter("group", "clone", "master", "bundle")
        if any(child.id == member for child in one.findall("primitive"))
    )
    if holder.id == group:
        return f"{member} is a member of {group} already"
    return f"{member} is in the {holder.tag} {holder.id}: it cannot join {group}, too"


def remove_from_group(cib: Cib, group: str, member: str) -> Cib:
    """A member becomes free again, behind its old group's place."""
    target = _group(cib, group)
    leaving = target.children[_member_index(target, member)]
    if len(target.findall("primitive")) == 1:
        raise ConfigError(
            f"{member} is the only member of {group}", hint=f"delete {group} keeps {member}"
        )
    shrunk = target.map_children(lambda c: None if c is leaving else c)
    resources = _expand(cib.section("resources"), lambda e: (shrunk,) if e is target else (e,))
    return cib.with_section("resources", resources.append(leaving))


def _group(cib: Cib, name: str) -> Element:
    found = _require(cib, name)
    if found.tag != "group":
        raise ConfigError(f"{name} is not a group but a {found.tag}")
    return found


def _member_index(group: Element, member: str) -> int:
    for index, child in enumerate(group.children):
        if child.tag == "primitive" and child.id == member:
            return index
    raise NotFound(
        f"{member} is not member of {group.id}",
        name=member,
        possibilities=[child.id for child in group.findall("primitive")],
    )

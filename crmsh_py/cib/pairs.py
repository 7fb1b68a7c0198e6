"""Single name-value pairs of a configuration, and changes of them, as pure functions.

Input: a ``Cib`` and what shall be set or removed; output: a changed ``Cib`` (the very same object
where nothing changes). New ids follow the rules of Pacemaker's own tools, so that our changes and
theirs meet in the same elements.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, PROPERTY_SET, RSC_DEFAULTS_SET, IdMaker
from crmsh_py.errors import NotFound
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Where the pairs of a section are: the tag and the id of their set.
_SECTION_SETS = {
    "crm_config": ("cluster_property_set", PROPERTY_SET),
    "rsc_defaults": ("meta_attributes", RSC_DEFAULTS_SET),
    "op_defaults": ("meta_attributes", OP_DEFAULTS_SET),
}


@frozen
class Pair:
    """A name-value pair where it is: its own id and that of the set around it."""

    id: str
    set_id: str
    name: str
    value: str


def section_pair(cib: Cib, section: str, name: str) -> Pair | None:
    """A pair of crm_config, rsc_defaults or op_defaults; None if it is not set."""
    return pair_in(cib.section(section), _SECTION_SETS[section][0], name)


def node_pair(cib: Cib, node: str, name: str) -> Pair | None:
    """A permanent attribute of a node; None if it is not set."""
    return pair_in(find_node(cib, node), "instance_attributes", name)


def pair_in(owner: Element, tag: str, name: str) -> Pair | None:
    """The first pair called ``name`` in the owner's sets with this tag."""
    for attributes in owner.findall(tag):
        for pair in attributes.findall("nvpair"):
            if pair.get("name") == name:
                return Pair(pair.id, attributes.id, name, pair.get("value"))
    return None


def set_section_pair(cib: Cib, section: str, name: str, value: str | None) -> Cib:
    """Set a cluster property or a default, or remove it (None)."""
    tag, set_id = _SECTION_SETS[section]
    changed = with_pair(cib.section(section), tag, set_id, name, value)
    return cib if changed is cib.section(section) else cib.with_section(section, changed)


def set_node_pair(
    cib: Cib, node: str, name: str, value: str | None, *, tag: str = "instance_attributes"
) -> Cib:
    """Set a permanent attribute of a node, or its utilization, or remove it (None)."""
    owner = find_node(cib, node)
    set_id = f"nodes-{owner.id}" + ("-utilization" if tag == "utilization" else "")
    changed = with_pair(owner, tag, set_id, name, value)
    nodes = cib.section("nodes")
    if changed is not owner and all(each is not owner for each in nodes.children):
        return cib.with_section("nodes", nodes.append(changed))  # the first of a remote node
    return _with_section_child(cib, "nodes", owner, changed)


def find_node(cib: Cib, node: str) -> Element:
    """A node by its name, or by its id. Raises NotFound.

    A remote node or a guest that has no element of its own yet gives one that could be added.
    """
    nodes = known_nodes(cib)
    found = next((n for n in nodes if n.get("uname") == node), None)
    found = found or next((n for n in nodes if n.id == node), None)
    if found is None:
        names = [n.get("uname") for n in nodes]
        raise NotFound(f"there is no node '{node}'", name=node, possibilities=names)
    return found


def known_nodes(cib: Cib) -> tuple[Element, ...]:
    """The ``<node>`` elements; for remote nodes and guests without one, those that could be."""
    known = cib.section("nodes").findall("node")
    names = {node.get("uname") for node in known}
    return (*known, *(node for node in _implied_nodes(cib) if node.id not in names))


def _implied_nodes(cib: Cib) -> Iterator[Element]:
    """The nodes that are there because a resource connects with them, or brings them up."""
    for primitive in cib.section("resources").iter("primitive"):
        identity = (primitive.get("class"), primitive.get("provider"), primitive.get("type"))
        name = primitive.id if identity == ("ocf", "pacemaker", "remote") else ""
        for pair in (p for s in primitive.findall("meta_attributes") for p in s.findall("nvpair")):
            if pair.get("name") == "remote-node":
                name = pair.get("value")
        if name:
            yield Element("node", {"id": name, "type": "remote", "uname": name})


# Sections as crm_attribute calls them: those above, and the permanent ones of a node.
NODE_TAGS = {"nodes": "instance_attributes", "utilization": "utilization"}
SECTIONS = (*_SECTION_SETS, *NODE_TAGS)


def find_pair(cib: Cib, section: str, node: str, name: str) -> Pair | None:
    """A pair of one of ``SECTIONS``; ``node`` is used where it is a node's. Raises NotFound."""
    if section in NODE_TAGS:
        return pair_in(find_node(cib, node), NODE_TAGS[section], name)
    return section_pair(cib, section, name)


def set_pair(cib: Cib, section: str, node: str, name: str, value: str | None) -> Cib:
    """Set a pair of one of ``SECTIONS``, or remove it (None). Raises NotFound."""
    if section in NODE_TAGS:
        return set_node_pair(cib, node, name, value, tag=NODE_TAGS[section])
    return set_section_pair(cib, section, name, value)


def with_pair(owner: Element, tag: str, set_id: str, name: str, value: str | None) -> Element:
    """The owner with a pair set (made with its set where it is new) or removed (None).

    A pair that exists is changed where it is, whatever its set is called.
    """
    present = pair_in(owner, tag, name)
    if present is not None:

        def change_set(attributes: Element) -> Element | None:
            if attributes.tag != tag or attributes.id != present.set_id:
                return attributes
            if value is None:
                # All of that name: else another one would count from now on.
                left = attributes.map_children(lambda p: None if p.get("name") == name else p)
                return left if left.findall() else None  # an empty set says nothing
            return attributes.map_children(
                lambda p: (
                    p.with_attributes({"value": value})
                    if p.id == present.id and p.get("value") != value
                    else p
                )
            )

        return owner.map_children(change_set)
    if value is None:
        return owner
    sets = [attributes for attributes in owner.findall(tag) if not attributes.findall("rule")]
    target = next((s for s in sets if s.id == set_id), sets[0] if sets else None)
    if target is None:
        return owner.append(with_new_pair(Element(tag, {"id": set_id}), name, value))
    return replaced(owner, target, with_new_pair(target, name, value))


def with_new_pair(attributes: Element, name: str, value: str) -> Element:
    """A set with one pair more, whose id no other pair of it has.

    A name may hold what an id cannot (``#health-cpu``): there it becomes a point.
    """
    made = IdMaker(pair.id for pair in attributes.findall()).nvpair(attributes.id, name)
    return attributes.append(Element("nvpair", {"id": made, "name": name, "value": value}))


def _with_section_child(cib: Cib, section: str, old: Element, new: Element) -> Cib:
    if old is new:
        return cib
    return cib.with_section(section, replaced(cib.section(section), old, new))


def replaced(parent: Element, old: Element, new: Element) -> Element:
    """A tree with one element exchanged; branches without it stay the same objects."""
    if parent is old:
        return new
    return parent.map_children(lambda child: replaced(child, old, new))

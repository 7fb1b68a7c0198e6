"""Single name-value pairs of a configuration, and changes of them, as pure functions.

Input: a ``Cib`` and what shall be set or removed; output: a changed ``Cib`` (the very same object
where nothing changes). New ids follow the rules of Pacemaker's own tools, so that our changes and
theirs meet in the same elements.
"""

from __future__ import annotations

from functools import partial

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, PROPERTY_SET, RSC_DEFAULTS_SET, IdMaker
from crmsh_py.errors import Ambiguous, NotFound
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Where the pairs of a section are: the tag and the id of their set.
_SECTION_SETS = {
    "crm_config": ("cluster_property_set", PROPERTY_SET),
    "rsc_defaults": ("meta_attributes", RSC_DEFAULTS_SET),
    "op_defaults": ("meta_attributes", OP_DEFAULTS_SET),
}


@frozen
class Pair:
    """A name-value pair where it is: its own id and that of the set around it.

    ``conditional``: the set has a rule, and holds at some times only.
    """

    id: str
    set_id: str
    name: str
    value: str
    conditional: bool = False

    def is_changed(self, which: Which) -> bool:
        """Whether it is the one that ``with_pair`` changes, with the same choice."""
        return bool(which) or not self.conditional


@frozen
class Which:
    """Which of several pairs of a name is meant: the one in this set, with this id; '' is any."""

    set_id: str = ""
    pair_id: str = ""

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.set_id or self.pair_id)


ANY = Which()


def section_pair(cib: Cib, section: str, name: str) -> Pair | None:
    """A pair of crm_config, rsc_defaults or op_defaults; None if it is not set."""
    return pair_in(cib.section(section), _SECTION_SETS[section][0], name)


def node_pair(cib: Cib, node: str, name: str) -> Pair | None:
    """A permanent attribute of a node; None if it is not set."""
    return pair_in(find_node(cib, node), "instance_attributes", name)


def pair_in(owner: Element, tag: str, name: str, which: Which = ANY) -> Pair | None:
    """The first pair called ``name`` in the owner's sets with this tag.

    One that holds always comes before those whose set has a rule.
    """
    found = list(pairs_in(owner, tag, name, which))
    return next((pair for pair in found if not pair.conditional), found[0] if found else None)


def lasting_pair_in(owner: Element, tag: str, name: str) -> Pair | None:
    """The pair that ``with_pair`` changes if none is chosen: the first one that holds always."""
    return next((pair for pair in pairs_in(owner, tag, name) if not pair.conditional), None)


def pairs_in(owner: Element, tag: str, name: str, which: Which = ANY) -> Iterator[Pair]:
    """All pairs called ``name`` ('' is any) in the owner's sets with this tag."""
    for attributes in owner.findall(tag):
        if which.set_id in ("", attributes.id):
            conditional = _has_rule(attributes)
            for pair in attributes.findall("nvpair"):
                if name in ("", pair.get("name")) and which.pair_id in ("", pair.id):
                    named, value = pair.get("name"), pair.get("value")
                    yield Pair(pair.id, attributes.id, named, value, conditional)


def _has_rule(attributes: Element) -> bool:
    return any(child.tag == "rule" for child in attributes.children)


def only_pair(owner: Element, tag: str, name: str, which: Which = ANY) -> Pair | None:
    """The pair called ``name``; None where there is none. Raises Ambiguous for several.

    Where none is chosen, one that holds always is meant before those that hold at times.
    """
    found = list(pairs_in(owner, tag, name, which))
    if not which:
        found = [pair for pair in found if not pair.conditional] or found
    if len(found) > 1:
        listed = "".join(f"\n  Value: {pair.value} \t(id={pair.id})" for pair in found)
        raise Ambiguous(
            f"Multiple attributes match name={name}{listed}", hint="say which by its id"
        )
    return found[0] if found else None


def set_section_pair(
    cib: Cib, section: str, name: str, value: str | None, which: Which = ANY
) -> Cib:
    """Set a cluster property or a default, or remove it (None)."""
    tag, set_id = _SECTION_SETS[section]
    changed = with_pair(cib.section(section), tag, set_id, name, value, which=which)
    return cib if changed is cib.section(section) else cib.with_section(section, changed)


def set_node_pair(
    cib: Cib,
    node: str,
    name: str,
    value: str | None,
    *,
    tag: str = "instance_attributes",
    which: Which = ANY,
) -> Cib:
    """Set a permanent attribute of a node, or its utilization, or remove it (None)."""
    owner = find_node(cib, node)
    set_id = f"nodes-{owner.id}" + ("-utilization" if tag == "utilization" else "")
    changed = with_pair(owner, tag, set_id, name, value, which=which)
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
        name = primitive.id if is_remote_connection(primitive) else ""
        for pair in (p for s in primitive.findall("meta_attributes") for p in s.findall("nvpair")):
            if pair.get("name") == "remote-node":
                name = pair.get("value")
        if name:
            yield Element("node", {"id": name, "type": "remote", "uname": name})


# Sections as crm_attribute calls them: those above, and the permanent ones of a node.
NODE_TAGS = {"nodes": "instance_attributes", "utilization": "utilization"}
SECTIONS = (*_SECTION_SETS, *NODE_TAGS)


def find_pair(cib: Cib, section: str, node: str, name: str, which: Which = ANY) -> Pair | None:
    """A pair of one of ``SECTIONS``; ``node`` is used where it is a node's.

    Raises NotFound for the node, Ambiguous where several pairs are meant.
    """
    return only_pair(*sets_of(cib, section, node), name, which)


def sets_of(cib: Cib, section: str, node: str) -> tuple[Element, str]:
    """Where the pairs of one of ``SECTIONS`` are: the owner, and the tag of its sets."""
    if section in NODE_TAGS:
        return find_node(cib, node), NODE_TAGS[section]
    return cib.section(section), _SECTION_SETS[section][0]


def set_pair(
    cib: Cib, section: str, node: str, name: str, value: str | None, *, which: Which = ANY
) -> Cib:
    """Set a pair of one of ``SECTIONS``, or remove it (None). Raises as ``find_pair``."""
    find_pair(cib, section, node, name, which)
    if section in NODE_TAGS:
        return set_node_pair(cib, node, name, value, tag=NODE_TAGS[section], which=which)
    return set_section_pair(cib, section, name, value, which)


def with_pair(
    owner: Element, tag: str, set_id: str, name: str, value: str | None, *, which: Which = ANY
) -> Element:
    """The owner with a pair set (made with its set where it is new) or removed (None).

    A pair that exists is changed where it is, whatever its set is called; if one is chosen by
    ``which``, that one, or one is made that is so. What is not chosen shall hold always: a set with
    a rule is left alone then. Returns this very owner where nothing changes.
    """
    sets = owner.findall(tag)
    if not which:
        sets = tuple(attributes for attributes in sets if not _has_rule(attributes))

    def is_meant(attributes: Element, pair: Element) -> bool:
        return (
            pair.tag == "nvpair"
            and pair.get("name") == name
            and which.set_id in ("", attributes.id)
            and which.pair_id in ("", pair.id)
        )

    holder = next((s for s in sets if any(is_meant(s, pair) for pair in s.children)), None)
    if holder is not None:
        changed = _changed_set(holder, value, partial(is_meant, holder))
        return owner.map_children(lambda child: changed if child is holder else child)
    if value is None:
        return owner
    if which.set_id:
        target = next((s for s in sets if s.id == which.set_id), None)
    else:
        # Neither one that holds at some times only, nor one that is another's.
        lasting = [s for s in sets if not _has_rule(s) and not s.get("id-ref")]
        target = next((s for s in lasting if s.id == set_id), lasting[0] if lasting else None)
    if target is not None:
        return replaced(owner, target, with_new_pair(target, name, value, which.pair_id))
    # The usual id may be that of a set with a rule.
    made = which.set_id or IdMaker(element.id for element in owner.iter()).new(set_id)
    return owner.append(with_new_pair(Element(tag, {"id": made}), name, value, which.pair_id))


def _changed_set(
    holder: Element, value: str | None, is_meant: Callable[[Element], bool]
) -> Element | None:
    """A set with another value for a name, or without it; None for one that is empty then."""

    def change(pair: Element) -> Element | None:
        if not is_meant(pair) or pair.get("value") == value:
            return pair
        # All that are meant: else another one of that name would count from now on.
        return None if value is None else pair.with_attributes({"value": value})

    changed = holder.map_children(change)
    return changed if changed.findall() else None  # an empty set says nothing


def with_new_pair(attributes: Element, name: str, value: str, pair_id: str = "") -> Element:
    """A set with one pair more, whose id is the given one, or one that no other pair of it has.

    A name may hold what an id cannot (``#health-cpu``): there it becomes a point.
    """
    made = pair_id or IdMaker(p.id for p in attributes.findall()).nvpair(attributes.id, name)
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

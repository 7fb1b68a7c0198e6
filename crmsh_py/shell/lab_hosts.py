"""The remote hosts and guests that a configuration needs in a lab, and their own addresses there.

A lab that is made for a configuration (``crm lab import``, ``crm test --lab``) gets a host for
every remote node and every guest that its resources name. What the configuration says about the way
to them holds for the cluster that it comes from, so it is changed for the lab:

- a connection (``ocf:pacemaker:remote``) finds the host by its name, at the usual port;
- so does the implied one of a guest (``remote-addr``, ``remote-port``);
- a machine with ``remote-node`` becomes ``ocf:lab:guest``, which switches the guest on. Its own
  parameters stay, and mean nothing there.

``as_it_was`` takes these changes back, for what is carried from the lab to the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import CrmError
from crmsh_py.lab.config import MAX_NODES
from crmsh_py.wire.paths import check_node_name

# An address that no resolver ever knows (RFC 6761): a lab reaches for nobody's real host.
_NOWHERE = "left-out.invalid"
_PORT = "3121"  # where the lab's hosts listen
_ADDRESSES = frozenset({"server", "addr", "remote-addr"})
_PORTS = frozenset({"port", "remote-port"})
_GUEST = {"class": "ocf", "provider": "lab", "type": "guest"}


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a lab is to be given besides members; ``left_out`` are sentences about the rest."""

    remotes: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All hosts that are no members."""
        return frozenset((*self.remotes, *self.guests))


def hosts_of(cib: Cib, members: tuple[str, ...]) -> Hosts:
    """The hosts that a configuration's resources need in a lab of these members."""
    kinds: dict[str, list[str]] = {"remote node": [], "guest": []}
    left_out: list[str] = []
    taken = set(members)
    named = list(_named(cib))
    for kind, name, primitive in named:
        if name in taken:
            reason = "another node has this name"
        elif kind == "guest" and primitive.get("template"):
            reason = f"its machine {primitive.id} is made from a template"
        elif len(taken) >= MAX_NODES:
            reason = f"a lab has {MAX_NODES} nodes at most"
        else:
            reason = _cannot_be_called(name)
        if reason:
            left_out.append(f"{kind} {name}: {reason}")
        else:
            taken.add(name)
            kinds[kind].append(name)
    known = {name for _, name, _ in named}
    left_out += [
        f"remote node {node.get('uname')}: no resource connects with it"
        for node in cib.section("nodes").findall("node")
        if node.get("type") == "remote" and node.get("uname") not in known
    ]
    left_out += [
        f"bundle {bundle.id}: containers do not run in a lab"
        for bundle in cib.section("resources").findall("bundle")
    ]
    return Hosts(tuple(kinds["remote node"]), tuple(kinds["guest"]), tuple(left_out))


def _named(cib: Cib) -> Iterator[tuple[str, str, Element]]:
    """The remote nodes and guests that the cluster knows: kind, name, and the resource."""
    for element in cib.section("resources").findall("primitive", "group"):
        if _is_connection(element):
            yield "remote node", element.id, element
            continue
        for primitive in (element, *element.findall("primitive")):
            if name := _remote_node(primitive):
                yield "guest", name, primitive


def _is_connection(element: Element) -> bool:
    return element.tag == "primitive" and is_remote_connection(element)


def _remote_node(primitive: Element) -> str:
    """The guest that a resource is the machine of; '' for none."""
    sets = primitive.findall("meta_attributes") if primitive.tag == "primitive" else ()
    pairs = (pair for each in sets for pair in each.findall("nvpair"))
    return next((p.get("value") for p in pairs if p.get("name") == "remote-node"), "")


def _cannot_be_called(name: str) -> str:
    try:
        check_node_name(name)
    except CrmError as error:
        return error.message
    return ""


# ---- there and back ----------------------------------------------------------------------------


def for_lab(cib: Cib, hosts: Hosts) -> Cib:
    """The configuration with the lab's own hosts in place of the cluster's."""

    def change(element: Element) -> Element:
        if element.tag == "group":
            return element.map_children(change)
        if _is_connection(element):
            return _at(element, element.id, hosts, "instance_attributes")
        if not (name := _remote_node(element)):
            return element
        there = _at(element, name, hosts, "meta_attributes")
        return _machine(there, name) if name in hosts.guests else there

    return cib.with_section("resources", cib.section("resources").map_children(change))


def _at(element: Element, name: str, hosts: Hosts, tag: str) -> Element:
    """A resource whose pairs say where a host is in the lab."""
    address = name if name in hosts.names else _NOWHERE

    def pair(child: Element) -> Element:
        if child.get("name") in _ADDRESSES:
            return child.with_attributes({"value": address})
        if child.get("name") in _PORTS:
            return child.with_attributes({"value": _PORT})
        return child

    return element.map_children(lambda c: c.map_children(pair) if c.tag == tag else c)


def _machine(primitive: Element, name: str) -> Element:
    """What switches a guest of the lab on, in place of a machine of the cluster."""
    if _host_of_lab_guest(primitive) == name:
        return primitive
    set_id = f"{primitive.id}-lab-guest"
    pair = Element("nvpair", {"id": f"{set_id}-host", "name": "host", "value": name})
    # Before all others, which may have a parameter of that name.
    first = Element("instance_attributes", {"id": set_id, "score": "INFINITY"}, (pair,))
    return primitive.with_attributes(_GUEST).with_children((first, *primitive.children))


def _host_of_lab_guest(primitive: Element) -> str:
    if any(primitive.get(name) != value for name, value in _GUEST.items()):
        return ""
    sets = primitive.findall("instance_attributes")
    pairs = (pair for each in sets for pair in each.findall("nvpair"))
    return next((p.get("value") for p in pairs if p.get("name") == "host"), "")


def as_it_was(resources: Element, *, imported: Cib, made: Cib) -> Element:
    """A lab's resources without what ``for_lab`` changed; what somebody else changed stays.

    ``made`` is what ``for_lab`` made of ``imported``.
    """
    ours, theirs = (_by_id(cib.section("resources")) for cib in (made, imported))
    return resources.map_children(lambda child: _restored(child, ours, theirs))


def nodes_as_they_were(nodes: Element, *, imported: Cib) -> Element:
    """A lab's nodes without the remote ones that it listed itself, once they were connected.

    What somebody has written into such an entry is carried, and the entry with it.
    """
    there = _by_id(imported.section("nodes"))

    def original(node: Element) -> Element | None:
        is_bare = node.get("type") == "remote" and not node.children
        return None if is_bare and node.id not in there else node

    return nodes.map_children(original)


def _by_id(section: Element) -> dict[str, Element]:
    return {element.id: element for element in section.iter() if element.id}


def _restored(
    element: Element, ours: Mapping[str, Element], theirs: Mapping[str, Element]
) -> Element | None:
    made, original = ours.get(element.id), theirs.get(element.id)
    if made is None:
        return element.map_children(lambda child: _restored(child, ours, theirs))
    if original is None and element == made:
        return None
    changed = element.map_children(lambda child: _restored(child, ours, theirs))
    if original is None:
        return changed
    back = {
        name: original.attrs.get(name)
        for name in (*made.attrs, *original.attrs)
        if made.attrs.get(name) != original.attrs.get(name)
        and element.attrs.get(name) == made.attrs.get(name)
    }
    return changed.with_attributes(back) if back else changed

"""``crm node show`` and the lists of crm_node: nodes as text.

Input: the ``Cib`` and the ``ClusterStatus``; output: text with a newline at the end.
"""

from __future__ import annotations

from collections.abc import Collection

from crmsh_py.errors import NotFound
from crmsh_py.scheduler.result import ClusterStatus, NodeStatus
from crmsh_py.value import frozen
from crmsh_py.views.text import joined, legible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.wire.control import MembershipReply


def show(cib: Cib, status: ClusterStatus, name: str = "") -> str:
    """The nodes with their ids, states and permanent attributes, as crmsh lists them.

    Raises NotFound when there is no node called ``name``.
    """
    nodes = [node for node in status.nodes if not name or node.name == name]
    if not nodes:
        raise NotFound(
            f"node {name} not found", name=name, possibilities=(n.name for n in status.nodes)
        )
    lines = []
    for node in nodes:
        lines.append(f"{node.name}({node.id}): {node.kind}{_state(node)}")
        lines += [f"\t{key}={value}" for key, value in permanent_attributes(cib, node).items()]
    return joined(lines) + "\n"


@frozen(kw_only=True)
class Carrier:
    """A remote or guest node, the resource that carries it, and the node where that is active."""

    node: str
    kind: str
    resource: str
    server: str


@frozen(kw_only=True)
class Carriers:
    """What ``crm node server`` shows."""

    nodes: tuple[Carrier, ...]


def carriers(status: ClusterStatus, names: Collection[str] = ()) -> Carriers:
    """The remote and guest nodes, those with these names or all."""
    found = []
    for node in status.nodes:
        if node.kind == "member" or (names and node.name not in names):
            continue
        resource = node.container or node.name
        server = next(
            (n.name for n in status.nodes if resource in n.running and n.name != node.name), ""
        )
        found.append(Carrier(node=node.name, kind=node.kind, resource=resource, server=server))
    return Carriers(nodes=tuple(found))


def carriers_text(found: Carriers) -> str:
    """One line per node; a sentence when there is none."""
    lines = [
        f"{one.node}: {one.kind}, by {one.resource}"
        + (f" on {one.server}" if one.server else ", not connected")
        for one in found.nodes
    ]
    return joined(lines) or "every node is a member by itself"


def permanent_attributes(cib: Cib, node: NodeStatus) -> dict[str, str]:
    """The attributes that the configuration gives a node."""
    for element in cib.section("nodes").findall("node"):
        if element.get("uname") == node.name or element.id == node.id:
            return {
                pair.get("name"): pair.get("value")
                for attributes in element.findall("instance_attributes")
                for pair in attributes.findall("nvpair")
            }
    return {}


def members(status: ClusterStatus) -> str:
    """``crm_node -l``: id, name and member or lost."""
    return "".join(
        f"{node.id} {legible(node.name)} {'member' if node.online or node.pending else 'lost'}\n"
        for node in sorted(status.nodes, key=lambda node: node.id)
        if node.kind == "member"
    )


def partition(membership: MembershipReply) -> str:
    """``crm_node -p``: the names of the members of this partition, on one line."""
    names = sorted(member.name for member in membership.members if member.joined)
    return "".join(f"{name} " for name in names) + "\n"


def _state(node: NodeStatus) -> str:
    if node.online:
        return ""
    return "(pending)" if node.pending else "(offline)"

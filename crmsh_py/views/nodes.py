"""``crm node show`` and the lists of crm_node: nodes as text.

Input: the ``Cib`` and the ``ClusterStatus``; output: text with a newline at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmsh_py.errors import NotFound
from crmsh_py.scheduler.result import ClusterStatus, NodeStatus

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
    return "\n".join(lines) + "\n"


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
        f"{node.id} {node.name} {'member' if node.online or node.pending else 'lost'}\n"
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

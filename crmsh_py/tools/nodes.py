"""``crm_node``: names, ids and membership of nodes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import (
    Door,
    Parser,
    ToolUsageError,
    commit,
    guarded,
    local_now,
    node_name,
    open_cluster,
    parse,
    put,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster

TOOL = "crm_node"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Tell the node's name or id, the members, the partition, or quorum; forget a node."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows names, ids and membership of nodes.")
    parser.add_argument("-n", "--name", action="store_true", help="this node's name")
    parser.add_argument("-i", "--cluster-id", action="store_true", dest="id", help="this node's id")
    parser.add_argument("-l", "--list", action="store_true", help="all nodes that are known")
    parser.add_argument("-p", "--partition", action="store_true", help="members of this partition")
    parser.add_argument("-q", "--quorum", action="store_true", help="1 with quorum, else 0")
    parser.add_argument("-N", "--name-for-id", metavar="ID", dest="name_for")
    parser.add_argument("-R", "--remove", metavar="NODE")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-V", "--verbose", action="count")
    parser.add_argument("-Q", "--quiet", action="store_true")
    arguments = parse(parser, argv)
    asked = [
        arguments.name,
        arguments.id,
        arguments.list,
        arguments.partition,
        arguments.quorum,
        arguments.name_for is not None,
        arguments.remove is not None,
    ]
    if sum(asked) != 1:
        raise ToolUsageError("exactly one question is answered at a time")
    cluster = door()
    if arguments.remove is not None:
        return _remove(cluster, arguments)
    put(_answer(cluster, arguments))
    return 0


def _answer(cluster: Cluster, arguments: Namespace) -> str:
    from crmsh_py.views import nodes

    if arguments.name:
        return f"{node_name(cluster)}\n"
    if arguments.list:
        from crmsh_py.scheduler.status import cluster_status

        return nodes.members(cluster_status(cluster.read_cib(), now=local_now()))
    membership = cluster.membership()
    if arguments.id:
        return f"{membership.node_id}\n"
    if arguments.partition:
        return nodes.partition(membership)
    if arguments.quorum:
        return f"{int(membership.quorate)}\n"
    for member in membership.members:
        if str(member.node_id) == arguments.name_for:
            return f"{member.name}\n"
    for element in cluster.read_cib().section("nodes").findall("node"):
        if element.id == arguments.name_for:
            return f"{element.get('uname')}\n"
    raise NotFound(f"there is no node with id {arguments.name_for}")


def _remove(cluster: Cluster, arguments: Namespace) -> int:
    from crmsh_py.tools import edits

    name = arguments.remove
    edits.find_node(cluster.read_cib(), name)
    if any(m.joined and name in (m.name, str(m.node_id)) for m in cluster.membership().members):
        raise CrmError(f"node {name} is a member of the cluster", hint="stop it first")
    if not arguments.force:
        raise ToolUsageError("forgetting a node cannot be undone", hint="say --force to do it")

    def without(cib: Cib) -> Cib:
        def keep(node: Element) -> Element | None:
            return None if name in (node.get("uname"), node.id) else node

        return cib.with_section("nodes", cib.section("nodes").map_children(keep))

    commit(cluster, without, client=TOOL)
    return 0

"""``crm_node``: names, ids and membership of nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmsh_py.errors import CrmError
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


class UnknownIdError(CrmError):
    """No node has this id; the exit code is that of Pacemaker's, for a host that is not known."""

    exit_code = 68


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Tell the node's name or id, the members, the partition, or quorum; forget a node."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows names, ids and membership of nodes.")
    for *names, question, text in (
        ("-n", "--name", "name", "this node's name"),
        ("-i", "--cluster-id", "id", "this node's id"),
        ("-l", "--list", "list", "all nodes that are known"),
        ("-p", "--partition", "partition", "members of this partition"),
        ("-q", "--quorum", "quorum", "1 with quorum, else 0"),
    ):
        parser.add_argument(
            *names, action="store_const", const=(question, ""), dest="asked", help=text
        )
    for *names, question, metavar in (
        ("-N", "--name-for-id", "name_for", "ID"),
        ("-R", "--remove", "remove", "NODE"),
    ):
        parser.add_argument(*names, type=_asked(question), dest="asked", metavar=metavar)
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-V", "--verbose", action="count")
    parser.add_argument("-Q", "--quiet", action="store_true")
    arguments = parse(parser, argv)
    if arguments.asked is None:
        raise ToolUsageError("nothing is asked")
    # Agents ask for several things at a time (crm_node -l -p): the last one is answered.
    question, about = arguments.asked
    cluster = door()
    if question == "remove":
        return _remove(cluster, about, force=arguments.force)
    put(_answer(cluster, question, about))
    return 0


def _asked(question: str) -> Callable[[str], tuple[str, str]]:
    return lambda about: (question, about)


def _answer(cluster: Cluster, question: str, about: str) -> str:
    from crmsh_py.views import nodes

    if question == "name":
        return f"{node_name(cluster)}\n"
    if question == "list":
        from crmsh_py.scheduler.status import cluster_status

        return nodes.members(cluster_status(cluster.read_cib(), now=local_now()))
    membership = cluster.membership()
    if question == "id":
        return f"{membership.node_id}\n"
    if question == "partition":
        return nodes.partition(membership)
    if question == "quorum":
        return f"{int(membership.quorate)}\n"
    for member in membership.members:
        if str(member.node_id) == about:
            return f"{member.name}\n"
    for element in cluster.read_cib().section("nodes").findall("node"):
        if element.id == about:
            return f"{element.get('uname')}\n"
    raise UnknownIdError("Node is not known to cluster")


def _remove(cluster: Cluster, name: str, *, force: bool) -> int:
    from crmsh_py.tools import edits

    if not force:
        raise ToolUsageError("forgetting a node cannot be undone", hint="say --force to do it")
    edits.find_node(cluster.read_cib(), name)
    if any(m.joined and name in (m.name, str(m.node_id)) for m in cluster.membership().members):
        raise CrmError(f"node {name} is a member of the cluster", hint="stop it first")

    def without(cib: Cib) -> Cib:
        def keep(node: Element) -> Element | None:
            return None if name in (node.get("uname"), node.id) else node

        return cib.with_section("nodes", cib.section("nodes").map_children(keep))

    commit(cluster, without, client=TOOL)
    return 0

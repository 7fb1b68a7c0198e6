"""``corosync-cfgtool``: the networks of the node that answers, and orders to all nodes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import CrmError
from crmsh_py.tools.common import Door, Parser, guarded, open_cluster, parse, put
from crmsh_py.views import cfgtool
from crmsh_py.whole_numbers import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.wire.control import MembershipReply

TOOL = "corosync-cfgtool"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print the status of the rings, the links, or a node's addresses; or change something."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows and changes the state of this node's rings.")
    parser.add_argument("-s", action="store_true", dest="status", help="ring status")
    parser.add_argument("-b", action="store_true", dest="brief", help="with -s: one word a ring")
    parser.add_argument("-i", dest="only", metavar="ADDRESS", help="with -s: this ring alone")
    parser.add_argument("-n", action="store_true", dest="nodes", help="links to the other nodes")
    parser.add_argument(
        "-a", nargs="?", const="", dest="node_id", metavar="ID", help="addresses of a node"
    )
    parser.add_argument("-r", action="store_true", dest="enable", help="use faulty rings again")
    parser.add_argument(
        "-R", action="store_true", dest="reload", help="all nodes read corosync.conf again"
    )
    parser.add_argument(
        "-k", dest="end", type=int, metavar="ID", help="end a member at once, stopping nothing"
    )
    parser.add_argument(
        "-L", action="store_true", dest="reopen", help="this node opens its log files anew"
    )
    parser.add_argument(
        "-H", action="store_true", dest="shut_down", help="this node leaves the membership"
    )
    parser.add_argument(
        "--force", action="store_true", help="with -H: even if the cluster manager runs"
    )
    arguments = parse(parser, argv)
    orders = (arguments.enable, arguments.reload, arguments.reopen, arguments.shut_down)
    asked = (arguments.status, arguments.nodes, *orders)
    if not any(asked) and not arguments.node_id and arguments.end is None:
        parser.error("one of -s, -n, -a ID, -r, -R, -L, -H and -k ID is needed")
    cluster = door()
    _order(cluster, arguments)
    if not (arguments.status or arguments.nodes or arguments.node_id):
        return 0
    return _show(cluster.membership(), arguments)


def _order(cluster: Cluster, arguments: Namespace) -> None:
    from crmsh_py.clusters.orders import ReopenLogs, ShutDown
    from crmsh_py.wire.control import EndMember, ReenableRings, ReloadConf

    if arguments.enable:
        put("Re-enabling all failed rings.\n")
        cluster.administer(ReenableRings())
    if arguments.reload:
        put("Reloading corosync.conf...\n")
        cluster.administer(ReloadConf())
        put("Done\n")
    if arguments.reopen:
        cluster.administer(ReopenLogs())
    if arguments.shut_down:
        put("Shutting down corosync\n")
        cluster.administer(ShutDown(force=arguments.force))
    if arguments.end is not None:
        if not 0 < arguments.end < 2**32:
            raise CrmError(f"there is no member with node id {arguments.end}")
        cluster.administer(EndMember(node_id=arguments.end))


def _show(membership: MembershipReply, arguments: Namespace) -> int:
    code = 0
    if arguments.status:
        links = [
            link
            for link in membership.links
            if arguments.only in (None, link.address, str(link.number))
        ]
        if not links:
            raise CrmError(f"this node has no ring {arguments.only}")
        put(cfgtool.ring_status(membership, links, brief=arguments.brief))
        code = int(arguments.brief and any(link.faulty for link in links))
    if arguments.nodes:
        put(cfgtool.node_status(membership))
    if arguments.node_id:
        number = int(arguments.node_id) if is_number(arguments.node_id) else -1
        addresses = cfgtool.node_addresses(membership, number)
        if addresses is None:
            raise CrmError(f"there is no member with node id {arguments.node_id}")
        put(addresses)
    return code

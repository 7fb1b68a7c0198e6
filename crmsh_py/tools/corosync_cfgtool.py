"""``corosync-cfgtool``: ring status of the node that answers."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.errors import CrmError
from crmsh_py.tools.common import Door, Parser, guarded, open_cluster, parse, put
from crmsh_py.views import cfgtool

TOOL = "corosync-cfgtool"


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print the status of the ring, the links, or a node's addresses."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows the state of this node's ring.")
    parser.add_argument("-s", action="store_true", dest="status", help="ring status")
    parser.add_argument("-n", action="store_true", dest="nodes", help="links to the other nodes")
    parser.add_argument(
        "-a", nargs="?", const="", dest="node_id", metavar="ID", help="addresses of a node"
    )
    arguments = parse(parser, argv)
    if not (arguments.status or arguments.nodes or arguments.node_id):
        parser.error("one of -s, -n and -a ID is needed")
    membership = door().membership()
    if arguments.status:
        put(cfgtool.ring_status(membership))
    if arguments.nodes:
        put(cfgtool.node_status(membership))
    if arguments.node_id:
        number = int(arguments.node_id) if arguments.node_id.isdecimal() else -1
        addresses = cfgtool.node_addresses(membership, number)
        if addresses is None:
            raise CrmError(f"there is no member with node id {arguments.node_id}")
        put(addresses)
    return 0

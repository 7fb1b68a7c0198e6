"""``corosync-quorumtool``: members, votes and quorum."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.tools.common import Door, Parser, guarded, local_now, open_cluster, parse, put
from crmsh_py.views import quorumtool

TOOL = "corosync-quorumtool"
# As Corosync's own: status asked for without quorum.
EXIT_NO_QUORUM = 2


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print the quorum status (the default), or the list of members; watch with -m."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows members, votes and quorum.")
    parser.add_argument("-s", action="store_true", dest="status", help="quorum status (default)")
    parser.add_argument("-l", action="store_true", dest="members", help="the members")
    parser.add_argument("-m", action="store_true", dest="monitor", help="status at every change")
    parser.add_argument("-i", action="store_true", dest="addresses", help="addresses, not names")
    arguments = parse(parser, argv)
    cluster = door()
    membership = cluster.membership()
    if arguments.members:
        put(quorumtool.member_list(membership, addresses=arguments.addresses))
        return 0
    put(quorumtool.quorum_status(membership, now=local_now(), addresses=arguments.addresses))
    if arguments.monitor:
        ring = (membership.ring_representative, membership.ring_sequence)
        for _ in cluster.watch():
            membership = cluster.membership()
            now = (membership.ring_representative, membership.ring_sequence)
            if now != ring:
                ring = now
                put("\n" + quorumtool.quorum_status(membership, now=local_now()))
    return 0 if membership.quorate else EXIT_NO_QUORUM

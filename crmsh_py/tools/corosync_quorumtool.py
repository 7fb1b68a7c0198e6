"""``corosync-quorumtool``: members, votes and quorum, shown, watched and changed."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py import __version__
from crmsh_py.errors import CrmError
from crmsh_py.tools.common import Door, Parser, guarded, local_now, open_cluster, parse, put
from crmsh_py.views import quorumtool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.wire.control import MembershipReply

TOOL = "corosync-quorumtool"
# As Corosync's own: status asked for without quorum.
EXIT_NO_QUORUM = 2


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print the quorum status (the default), or the list of members; watch with -m."""
    return guarded(TOOL, lambda: _run(argv, door))


def _run(argv: Sequence[str] | None, door: Door) -> int:
    parser = Parser(prog=TOOL, description="Shows members, votes and quorum, or changes votes.")
    parser.add_argument("-s", action="store_true", dest="status", help="quorum status (default)")
    parser.add_argument("-l", action="store_true", dest="members", help="the members")
    parser.add_argument("-m", action="store_true", dest="monitor", help="status at every change")
    parser.add_argument("-V", action="version", version=f"corosync-quorumtool {__version__}")
    parser.add_argument("-a", action="store_true", help="(all of a node's addresses: it has one)")
    parser.add_argument("-i", action="store_true", dest="addresses", help="addresses, not names")
    parser.add_argument("-H", action="store_true", dest="hexadecimal", help="ids in hexadecimal")
    parser.add_argument("-o", choices=("a", "n", "i"), dest="order", default="a", help="order of")
    parser.add_argument("-p", action="store_true", dest="parsable", help="for programs")
    parser.add_argument("-e", metavar="VOTES", dest="expected", help="set the expected votes")
    parser.add_argument("-v", metavar="VOTES", dest="votes", help="set the votes of a node")
    parser.add_argument("-n", metavar="ID", dest="node_id", help="the node for -v (default: this)")
    parser.add_argument("-f", action="store_true", dest="drop", help="without a quorum device")
    arguments = parse(parser, argv)
    if arguments.node_id is not None and arguments.votes is None:
        parser.error("-n needs -v VOTES")
    cluster = door()
    if arguments.drop:
        from crmsh_py.clusters.orders import DropDevice

        cluster.administer(DropDevice())
    if arguments.expected is not None or arguments.votes is not None:
        _change(cluster, arguments)
        return 0
    if arguments.drop and not (arguments.status or arguments.members):
        return 0
    membership = cluster.membership()
    if arguments.members:
        put(quorumtool.member_list(membership, _style(arguments)))
        return 0
    put(quorumtool.quorum_status(membership, now=local_now(), style=_style(arguments)))
    if arguments.monitor:
        _watch(cluster, membership, arguments)
    return 0 if membership.quorate else EXIT_NO_QUORUM


def _style(arguments: Namespace) -> quorumtool.Style:
    return quorumtool.Style(
        addresses=arguments.addresses,
        hexadecimal=arguments.hexadecimal,
        order=arguments.order,
        parsable=arguments.parsable,
    )


def _change(cluster: Cluster, arguments: Namespace) -> None:
    from crmsh_py.wire.control import SetExpectedVotes, SetVotes

    if arguments.expected is not None:
        cluster.administer(SetExpectedVotes(votes=_number(arguments.expected, "votes", least=1)))
    if arguments.votes is not None:
        node_id = 0 if arguments.node_id is None else _number(arguments.node_id, "id", most=2**32)
        cluster.administer(SetVotes(votes=_number(arguments.votes, "votes"), node_id=node_id))


def _number(text: str, what: str, *, least: int = 0, most: int = 2**16) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not least <= number <= most:
        raise CrmError(f"'{text}' is no number of {what}", hint=f"{least} to {most} are possible")
    return number


def _watch(cluster: Cluster, shown: MembershipReply, arguments: Namespace) -> None:
    """The status again at every change of ring, members or votes, until the node goes."""
    sys.stdout.flush()  # whoever reads a pipe waits for this, not for the end
    for _ in cluster.watch():
        membership = cluster.membership()
        # The DC and the manager are not this program's matter, and change more often.
        if quorumtool.same(shown, membership):
            continue
        shown = membership
        put("\n" + quorumtool.quorum_status(shown, now=local_now(), style=_style(arguments)))
        sys.stdout.flush()

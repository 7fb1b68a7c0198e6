"""Whether a running cluster would have quorum after a node has gone or come back.

The votes and the quorum options are Corosync's: they come from ``cluster.membership()``. On paper
nobody has asked for anything, and more than half of the nodes are enough (``shell.events``).
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.wire.control import MembershipReply


@frozen
class Votes:
    """The votes of the members that are there, by name, and how many are needed.

    ``breaks_tie`` is the member whose half wins where the votes are split evenly; '' where none
    does.
    """

    there: Mapping[str, int]
    needed: int
    expected: int
    breaks_tie: str = ""

    @classmethod
    def of(cls, membership: MembershipReply) -> Votes:
        """What a node knows of quorum."""
        there = [member for member in membership.members if member.joined]
        breaks_tie = ""
        if "AutoTieBreaker" in membership.flags and there:
            breaks_tie = min(there, key=lambda member: member.node_id).name
        return cls(
            {member.name: member.votes for member in there},
            membership.quorum,
            membership.expected_votes,
            breaks_tie,
        )

    def enough_without(self, node: str) -> bool:
        """Whether those that are left have quorum when a node has gone."""
        left = {name: votes for name, votes in self.there.items() if name != node}
        total = sum(left.values())
        tie = total * 2 == self.expected and self.breaks_tie in left
        return total > 0 and (total >= self.needed or tie)

    def enough_with(self, node: str) -> bool:
        """Whether there is quorum when a node has come back."""
        return sum({node: 1, **self.there}.values()) >= self.needed


def votes_of(cluster: Cluster) -> Votes | None:
    """The votes of a cluster; None where no Corosync tells of them (a CIB in a file)."""
    if cluster.kind is ClusterKind.FILE:
        return None
    try:
        membership = cluster.membership()
    except CrmError:
        return None
    return Votes.of(membership) if membership.node else None

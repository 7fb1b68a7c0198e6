"""Whether the members of a view will be remembered when they are lost.

A node that is lost is fenced because the configuration lists it. A newcomer is listed by the DC,
by a commit like any other. Before a majority has that on its disks nothing may be started: the
newcomer could be cut off with something that runs, the others restart from older disks, and nobody
would know that there is a node to be fenced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crmsh_py.engine.commits import Commits
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.views import Views
from crmsh_py.wire.stream import ViewId


class Listing:
    """Watches the list of nodes, on the DC."""

    def __init__(
        self,
        replica: Replica,
        views: Views,
        commits: Commits,
        *,
        members: Callable[[], Iterable[int]],
    ) -> None:
        self._replica = replica
        self._views = views
        self._commits = commits
        self._members = members
        self._complete_in: ViewId | None = None

    def is_complete(self) -> bool:
        """Whether a majority has every member of this view on its disks.

        So it is taken to be where there is no quorum: nothing is listed there.
        """
        if not self._views.primary or self._complete_in == self._views.view:
            return True
        config = self._replica.config
        listed = {node.id for node in config.section("nodes").findall("node")}
        if not all(str(node) in listed for node in self._members()):
            return False
        if not self._commits.is_durable(config.version):
            return False
        self._complete_in = self._views.view
        return True

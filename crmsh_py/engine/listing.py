"""Whether the nodes of a view will be remembered when they are lost, and that they are listed.

A node that is lost is fenced because the configuration lists it. A newcomer is listed by the DC,
by a commit like any other. Before a majority has that on its disks nothing may be started: the
newcomer could be cut off with something that runs, the others restart from older disks, and nobody
would know that there is a node to be fenced. The same goes for a remote node that is connected for
the first time.
"""

from __future__ import annotations

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.version import Version
from crmsh_py.engine.book import StatusBook
from crmsh_py.engine.bootstrap import AUTHOR, CLIENT, left_over, missing_facts, unlisted
from crmsh_py.engine.commits import Commits
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.views import Views
from crmsh_py.wire.stream import ViewId


class Listing:
    """Watches the list of nodes, and on the DC completes it, and what else it has to write."""

    def __init__(
        self, replica: Replica, views: Views, commits: Commits, book: StatusBook, cluster_name: str
    ) -> None:
        self._replica = replica
        self._views = views
        self._commits = commits
        self._book = book
        self._cluster_name = cluster_name
        self._listed: tuple[tuple[ViewId, frozenset[str]], Version] | None = None
        self._complete: tuple[ViewId, frozenset[str]] | None = None
        self._left_over: tuple[Cib | None, list[str]] = (None, [])
        self._suggested: tuple[ViewId, int, frozenset[str], frozenset[str]] | None = None

    def is_complete(self) -> bool:
        """Whether a majority has every node of this view on its disks.

        So it is taken to be where there is no quorum: nothing is listed there.
        """
        key = (self._views.view, self._book.connected())
        if not self._views.primary or self._complete == key:
            return True
        config = self._replica.config
        if self._listed is None or self._listed[0] != key:
            ids = {node.id for node in config.section("nodes").findall("node")}
            if unlisted(config, key[1]) or not all(str(node) in ids for node in self._book.names):
                return False
            self._listed = (key, config.version)  # others may be made while disks write this one
        if not self._commits.is_durable(self._listed[1]):
            return False
        self._complete = key
        return True

    def suggest(self, *, watchdog: bool) -> None:
        """As DC: add to the configuration what only the cluster manager knows.

        ``watchdog``: nodes that get lost are reset by theirs.
        """
        config, connected = self._replica.config, self._book.connected()
        members = self._book.names.values()
        left = self._without_connection()
        gone = frozenset(name for name in left if name in members or self._book.is_over(name))
        key = (self._views.view, config.version.epoch, connected, gone)
        if self._suggested == key:
            return
        self._suggested = key
        wanted = missing_facts(
            config,
            self._book.names,
            cluster_name=self._cluster_name,
            watchdog=watchdog,
            connected=connected,
            gone=gone,
        )
        if wanted is not None:
            self._commits.submit(
                patch=diff(config, wanted).to_xml(),
                source=config.version,
                author=AUTHOR,
                client=CLIENT,
            )

    def _without_connection(self) -> list[str]:
        config = self._replica.config
        if self._left_over[0] is not config:
            self._left_over = (config, left_over(config))
        return self._left_over[1]

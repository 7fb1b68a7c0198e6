"""``crm_mon --external-agent``: a program that is run for everything that happens.

It is told by its environment (``CRM_notify_*``) and not waited for. Alerts of the cluster itself
(``crm configure alert``) miss nothing, and are what new configurations should have.
"""

from __future__ import annotations

import os
from contextlib import suppress

from crmsh_py.errors import CrmError
from crmsh_py.tools.common import ToolUsageError
from crmsh_py.views import mon_events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.views.mon_events import Event


class Agent:
    """The program, and what it has been told of. ``look`` at a cluster to have it told the rest."""

    def __init__(self, path: str, *, recipient: str, fencing: bool) -> None:
        """Raises ToolUsageError for what cannot be run."""
        self._path = os.path.abspath(path)  # a daemon moves elsewhere
        if not (os.path.isfile(self._path) and os.access(self._path, os.X_OK)):
            raise ToolUsageError(f"--external-agent {path} is no program that can be run")
        self._recipient = recipient
        self._fencing = fencing
        self._before: Cib | None = None
        self._fenced: set[str] = set()
        self._running: list[int] = []

    def look(self, cluster: Cluster) -> None:
        """Run the program for what has happened since the last look; at the first for nothing."""
        now, before = cluster.read_cib(), self._before
        self._before = now
        events = mon_events.operations(before, now) if before is not None else []
        if self._fencing:
            events += self._fencing_events(cluster, first=before is None)
        for event in events:
            self._run(event)
        self._reap()

    def _fencing_events(self, cluster: Cluster, *, first: bool) -> list[Event]:
        try:
            records = cluster.fencing().records
        except CrmError:
            return []  # the next look may find it
        found = [] if first else mon_events.fencing(self._fenced, records)
        self._fenced = {record.ident for record in records if record.ended_ms}
        return found

    def _run(self, event: Event) -> None:
        environment = {**os.environ, **event.environment(self._recipient)}
        with suppress(OSError):  # it may be gone by now: the picture is still drawn
            self._running.append(os.posix_spawn(self._path, [self._path], environment))

    def _reap(self) -> None:
        self._running = [pid for pid in self._running if os.waitpid(pid, os.WNOHANG)[0] == 0]

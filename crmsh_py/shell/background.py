"""The thread that keeps completion's picture of the cluster fresh.

The prompt never waits for a node: a refresh is asked for after every command, a look is made by a
connection of its own, and the whole picture is swapped. Looks at a large cluster take long and
make everything else slower, so they take a tenth of the time at most.

While nobody types, a lab is looked at now and then: nodes come and go, and the line below the
prompt shall not go on telling what was. A real cluster is left in peace.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError
from crmsh_py.shell.session import Session
from crmsh_py.shell.snapshot import Snapshot, Standing, names_of, states_from, with_states
from crmsh_py.value import replace
from crmsh_py.views.text import unix_clock_text
from crmsh_py.wire import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster

_SHARE = 10  # a look that took one second is followed by nine without one
_IDLE_S = 2.0  # between looks while nothing is typed …
_IDLE_SHARE = 20  # … of which each is followed by twenty times as long without one
_REVISIONS = 20  # that completion offers


class Snapshots:
    """Keeps ``current`` fresh. ``refresh`` returns at once; at most one look is under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._live = Snapshot()
        self._pending: tuple[Cib, Snapshot] | None = None
        self._wanted = threading.Event()
        self._looked = threading.Event()
        self._closed = False
        self.on_change: Callable[[], None] = lambda: None
        self._cluster: Cluster | None = None
        self._meant: tuple[str, str] = ("", "")
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    @property
    def current(self) -> Snapshot:
        """The newest picture; while something is pending, of the pending configuration."""
        pending = self._pending
        return self._live if pending is None else pending[1]

    def refresh(self) -> None:
        """Look again soon. The names of what is pending are taken over before this returns."""
        edited = self._session.edited
        if edited is None:
            self._pending = None
        elif self._pending is None or self._pending[0] is not edited:
            self._pending = (edited, states_from(names_of(edited), self._live))
        self._looked.clear()
        self._wanted.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until a look that was asked for is done; False if it takes longer."""
        return self._looked.wait(timeout_s)

    def close(self) -> None:
        """Stop looking."""
        self._closed = True
        self._wanted.set()

    def _run(self) -> None:
        rest = _IDLE_S
        while True:
            asked = self._wanted.wait(rest)
            self._wanted.clear()
            if self._closed:
                return
            if not asked and not self._is_watched():
                continue
            begin, before = (
                time.thread_time(),
                self._live.standing,
            )  # to wait for a node costs nothing
            self._look()
            if asked or self._live.standing != before:
                self.on_change()
            if not self._wanted.is_set():
                self._looked.set()
            took = time.thread_time() - begin
            rest = max(_IDLE_S, took * _IDLE_SHARE)
            if took > 0.1:  # a command that was typed meanwhile is looked at when we are rested
                time.sleep(min(took * (_SHARE - 1), 30))

    def _is_watched(self) -> bool:
        """Whether to look without being asked: at a lab, and for one that is not there yet."""
        standing = self._live.standing
        return standing.kind is ClusterKind.LOCAL or bool(standing.problem)

    def _look(self) -> None:
        try:
            self._live = self._look_at_cluster()
        except CrmError as error:
            self._forget(error.message)
        except Exception as error:  # whatever it is: a picture never takes the prompt away
            self._forget(f"the cluster cannot be looked at: {error!r}")
        if (pending := self._pending) is not None:
            self._pending = (pending[0], states_from(pending[1], self._live))

    def _forget(self, problem: str) -> None:
        self._live = replace(Snapshot(), standing=Standing(problem=problem))
        self._cluster = None

    def _look_at_cluster(self) -> Snapshot:
        """Read by a connection of our own: the session's belongs to the foreground."""
        from crmsh_py.scheduler.status import cluster_status

        cluster = self._connected()
        cib = cluster.read_cib()
        if self._live.standing.kind is None:
            self._live = names_of(cib)  # something to complete with, while the rest is found out
        status = cluster_status(cib, now=datetime.now(UTC))
        standing = Standing(
            kind=cluster.kind,
            name=paths.lab_name(self._session.environ)
            if cluster.kind is ClusterKind.LOCAL
            else cluster.label,
            node=cluster.node,
            online=sum(node.online for node in status.nodes),
            nodes=len(status.nodes),
            quorate=None if cluster.kind is ClusterKind.FILE else status.quorate,
            failures=len(status.failed_actions),
        )
        names = with_states(names_of(cib), status) if cib.status.children else names_of(cib)
        return replace(
            names,
            standing=standing,
            revisions=_revisions(cluster),
            shadows=shadows(self._session.environ),
        )

    def _connected(self) -> Cluster:
        session = self._session
        meant = (session.shadow, session.node)
        if self._cluster is None or meant != self._meant:
            self._cluster = session.choose(session.shadow, node=session.node)
            self._meant = meant
        return self._cluster


def _revisions(cluster: Cluster) -> tuple[tuple[str, str], ...]:
    try:
        stored = cluster.revisions(_REVISIONS)
    except CrmError:
        return ()  # a file has none
    return tuple(
        (
            f"{r.version[0]}.{r.version[1]}",
            f"{unix_clock_text(r.time, datetime.now(UTC).astimezone())}, {r.author} by {r.client}",
        )
        for r in stored
    )


def shadows(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the user's shadows."""
    from crmsh_py.clusters.shadow import Shadows

    try:
        return tuple(Shadows.of_environment(environ, os.getuid()).names())
    except CrmError:
        return ()

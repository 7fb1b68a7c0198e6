"""What completion knows of the cluster: an immutable picture, made anew in the background.

The prompt never waits for a node. A thread reads the CIB after every command and swaps the whole
picture; completion uses whatever is there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from crmsh_py.cib.document import Cib
from crmsh_py.errors import CrmError
from crmsh_py.shell.session import Session

_CONTAINED = ("group", "clone", "master", "bundle")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Names by kind. ``objects`` is everything that can be shown or deleted."""

    nodes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    free: tuple[str, ...] = ()  # resources that are in no container
    templates: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    agents: Mapping[str, str] = field(default_factory=dict)  # resource -> its agent
    cluster_line: str = ""


def snapshot_of(cib: Cib, cluster_line: str = "") -> Snapshot:
    """The names of a configuration."""
    from crmsh_py.cib.edit import top_level

    resources = cib.section("resources")
    primitives = list(resources.iter("primitive"))
    return Snapshot(
        nodes=tuple(n.get("uname") for n in cib.section("nodes").findall("node")),
        resources=tuple(e.id for e in resources.iter("primitive", *_CONTAINED)),
        free=tuple(e.id for e in resources.findall("primitive", "group")),
        templates=tuple(e.id for e in resources.findall("template")),
        objects=tuple(sorted(top_level(cib))),
        groups=tuple(e.id for e in resources.iter("group")),
        devices=tuple(e.id for e in primitives if e.get("class") == "stonith"),
        agents={
            e.id: ":".join(filter(None, (e.get("class"), e.get("provider"), e.get("type"))))
            for e in primitives
        },
        cluster_line=cluster_line,
    )


class Snapshots:
    """Keeps ``current`` fresh. ``refresh`` returns at once; at most one look is under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._current = Snapshot()
        self._wanted = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    @property
    def current(self) -> Snapshot:
        """The newest picture; while something is pending, of the pending configuration."""
        working = self._session.working
        if working.pending:
            return snapshot_of(working.cib(), self._current.cluster_line)
        return self._current

    def refresh(self) -> None:
        """Look again soon."""
        self._wanted.set()

    def close(self) -> None:
        """Stop looking."""
        self._closed = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed:
                return
            try:
                self._current = self._look()
            except CrmError:
                self._current = Snapshot()

    def _look(self) -> Snapshot:
        """Read by a connection of our own: the session's belongs to the foreground."""
        from crmsh_py.clusters.choose import choose

        session = self._session
        cluster = choose(
            session.environ, kind=session.options.cluster or None, shadow=session.shadow or None
        )
        line = ""
        if cluster.kind == "local":
            seen = cluster.membership()
            quorum = "with quorum" if seen.quorate else "WITHOUT quorum"
            members = ", ".join(m.name for m in seen.members if m.joined)
            line = f"partition {quorum}: {members}"
        return snapshot_of(cluster.read_cib(), line)

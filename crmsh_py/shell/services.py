"""``crm cluster start, stop, restart, enable, disable`` on a real cluster.

Nodes are named as in the configuration, or as in corosync.conf where nothing runs. All are asked at
the same time, this machine directly and the others by ssh; what goes wrong on one stops no other,
and is told with its name. When several stop, resources are not moved from one stopping node to the
next, and quorum lasts as long as anything still runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence

from crmsh_py import corosync_conf
from crmsh_py.clusters import pacemaker_services as services
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.pacemaker import PacemakerCluster
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import consent, on_nodes
from crmsh_py.shell.session import Session
from crmsh_py.value import replace

LOOK_AGAIN_S = 0.5
PATIENCE_S = 5.0
_DAEMON = "/usr/sbin/pacemakerd"


def real_cluster(session: Session) -> PacemakerCluster | None:
    """The real cluster that a command means, running or not; None where it means another kind.

    Raises ClusterUnreachable where nothing runs and nothing is installed that could.
    """
    try:
        cluster = session.cluster
    except ClusterUnreachable:
        if not _could_run(session):
            raise
        session.options = replace(session.options, cluster=ClusterKind.PACEMAKER)
        cluster = session.cluster
    return cluster if isinstance(cluster, PacemakerCluster) else None


def _could_run(session: Session) -> bool:
    """Whether this machine is a node of a real cluster that does not run, and there is no lab."""
    from crmsh_py.lab.client import Lab

    if session.environ.get("CRM_LAB") or session.environ.get("CRM_NODE"):
        return False
    if not (os.path.exists(services.CONF) and os.access(_DAEMON, os.X_OK)):
        return False
    return not Lab(environ=session.environ).place.exists()


def start(session: Session, call: CommandCall) -> int:
    """Start Corosync and Pacemaker."""
    nodes = _Nodes(session, call)

    def act(node: str) -> str:
        programs = on_nodes.programs(session, node)
        if services.running(programs).pacemaker:
            return f"The cluster manager runs on {node} already"
        services.start(programs, qdevice=nodes.qdevice)
        return f"The cluster manager was started on {node}"

    return _tell(session, on_nodes.each(session, nodes.names, act))


def stop(session: Session, call: CommandCall) -> int:
    """Let all resources leave, stop Pacemaker, then Corosync."""
    nodes = _Nodes(session, call, by_conf=False)
    seen = on_nodes.each(
        session, nodes.names, lambda node: services.running(on_nodes.programs(session, node))
    )
    active = [n for n, one in seen.items() if isinstance(one, services.Running) and one.pacemaker]
    if active:
        where = "every node" if call.has("ALL") else ", ".join(active)
        consent.require_for(session, f"All resources leave {where}")
    together = _Ending(session, active)

    def act(node: str) -> str:
        before = seen[node]
        if isinstance(before, CrmError):
            raise before
        if not (before.corosync or before.pacemaker):
            return f"The cluster manager does not run on {node}"
        together.stop(node)
        return f"The cluster manager was stopped on {node}"

    return _tell(session, on_nodes.each(session, nodes.names, act))


class _Ending:
    """Nodes that stop together, each in a thread of its own.

    Corosync stops on a node when it is of no more use to the others. That is when Pacemaker has
    ended on all of them: before, quorum may be lost, and what still stops is treated accordingly.
    Or when nothing has run any more for a while: now and then the DC of Pacemaker 3.0.2 ends only
    after the others have left the ring, or after twenty minutes (seen).
    """

    def __init__(self, session: Session, active: Sequence[str]) -> None:
        self._session = session
        self._left = set(active)
        self._looking = threading.Lock()

    def stop(self, node: str) -> None:
        """Stop both on a node. Raises CrmError kinds."""
        programs = on_nodes.programs(self._session, node)
        try:
            services.stop(programs, services.PACEMAKER)
        finally:
            self._left.discard(node)
        idle_since: float | None = None
        while self._left:
            now = time.monotonic()
            idle_since = None if self._something_runs() else idle_since or now
            if idle_since is not None and now - idle_since > PATIENCE_S:
                break
            time.sleep(LOOK_AGAIN_S)
        services.stop(programs, services.COROSYNC)

    def _something_runs(self) -> bool:
        """As a node that is still stopping has it."""
        with self._looking:
            for node in sorted(self._left):
                try:
                    return services.something_runs(on_nodes.programs(self._session, node))
                except CrmError:
                    continue  # it has just ended
        return bool(self._left)


def set_enabled(session: Session, call: CommandCall, *, enabled: bool) -> int:
    """Whether the services start with their machine."""
    nodes = _Nodes(session, call)
    what = "starts with" if enabled else "does not start with"

    def act(node: str) -> str:
        programs = on_nodes.programs(session, node)
        services.enable(programs, enabled=enabled, qdevice=nodes.qdevice)
        return f"The cluster manager {what} {node}"

    return _tell(session, on_nodes.each(session, nodes.names, act))


class _Nodes:
    """The nodes that a command names, and whether the cluster has a quorum device."""

    def __init__(self, session: Session, call: CommandCall, *, by_conf: bool = True) -> None:
        cluster = session.cluster
        assert isinstance(cluster, PacemakerCluster)
        named: Sequence[str] = call.all("NODE_NAME")
        self.names: Sequence[str] = [*dict.fromkeys(named)] or [cluster.node]
        self.qdevice = False
        if not (by_conf or named or call.has("ALL")):
            return  # a file that is damaged keeps nobody from stopping this machine
        conf = corosync_conf.parse(services.read_conf(cluster.programs), services.CONF)
        self.qdevice = any(key.name == "quorum.device.model" for key in conf.keys)
        known = [node.name for node in conf.nodes]
        if not all(known) or not known:  # then they are called as their machines are
            known = list(on_nodes.names(session, ()))
        for name in named:
            if name not in known:
                raise NotFound(f"there is no node {name}", name=name, possibilities=known)
        if call.has("ALL"):
            self.names = known


def _tell(session: Session, told: Mapping[str, str | CrmError]) -> int:
    """Say what came of it on each node; the exit code. One node's error is the command's own."""
    code = 0
    for said in told.values():
        if isinstance(said, str):
            session.console.info(said)
        elif len(told) == 1:
            raise said
        else:
            session.console.error(said)
            code = max(code, said.exit_code)
    return code

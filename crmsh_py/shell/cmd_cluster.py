"""The ``cluster`` level: the cluster manager of this or other nodes of the lab."""

from __future__ import annotations

import time

from crmsh_py.clusters.port import Cluster
from crmsh_py.errors import ClusterUnreachable, CrmError, TimedOut
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session

STARTUP_S = 10.0
LONGEST_S = 86_400.0
LOOK_AGAIN_S = 0.1


def start(session: Session, call: CommandCall) -> int:
    """Start the manager where only the membership runs."""
    for cluster in _clusters(session, call):
        if cluster.membership().manager_running:
            session.console.info(f"The cluster manager runs on {cluster.node} already")
            continue
        cluster.start_manager()
        session.console.info(f"The cluster manager was started on {cluster.node}")
    return 0


def stop(session: Session, call: CommandCall) -> int:
    """Resources leave the node, then the manager stops; the membership goes on."""
    for cluster in _clusters(session, call):
        if not cluster.membership().manager_running:
            session.console.info(f"The cluster manager does not run on {cluster.node}")
            continue
        cluster.stop_manager()
        session.console.info(f"The cluster manager was stopped on {cluster.node}")
    return 0


def restart(session: Session, call: CommandCall) -> int:
    """Stop, then start."""
    return stop(session, call) or start(session, call)


def status(session: Session, call: CommandCall) -> int:
    """The subsystems under their old and new names, alive or not."""
    from crmsh_py.views import cluster_status

    cluster = session.cluster
    reply, node = cluster.subsystems(), cluster.node
    session.show(
        cluster_status.table(reply, node=node), lambda: cluster_status.record(reply, node=node)
    )
    return 0


def wait_for_startup(session: Session, call: CommandCall) -> int:
    """Return when there is a DC; TimedOut otherwise."""
    limit = min(float(call.get("NUMBER") or STARTUP_S), LONGEST_S)
    deadline = time.monotonic() + limit
    while not _has_dc(session):
        if time.monotonic() > deadline:
            raise TimedOut(
                f"the cluster has no DC after {limit:g} s", hint="crm lab status, crm lab log"
            )
        time.sleep(LOOK_AGAIN_S)
    return 0


def _has_dc(session: Session) -> bool:
    try:
        return bool(session.cluster.membership().dc)
    except ClusterUnreachable:
        return False  # it may still come


def _clusters(session: Session, call: CommandCall) -> list[Cluster]:
    """The cluster as seen by each of the nodes that are named (default: where we sit)."""
    from crmsh_py.clusters import choose

    if call.has("ALL"):
        names = choose.running_nodes(session.environ)
        if not names:
            raise ClusterUnreachable("no node of the lab runs", hint="crm lab start")
    else:
        names = list(call.all("NODE_NAME"))
    if not names:
        return [session.cluster]
    if session.cluster.kind != "local":
        raise CrmError("nodes can be named on a lab only")
    return [
        choose.choose(dict(session.environ, CRM_NODE=name), kind="local", shadow=None)
        for name in names
    ]

"""The ``cluster`` level: the cluster manager of this or other nodes of the lab."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.port import Cluster
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, TimedOut
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import consent, files
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.lab.client import Lab
    from crmsh_py.wire.lab import LabState

STARTUP_S = 10.0
LONGEST_S = 86_400.0
LOOK_AGAIN_S = 0.1


def start(session: Session, call: CommandCall) -> int:
    """Start the manager where only the membership runs; both on a real cluster."""
    from crmsh_py.shell import services

    if services.real_cluster(session):
        return services.start(session, call)
    for cluster in _clusters(session, call):
        if cluster.membership().manager_running:
            session.console.info(f"The cluster manager runs on {cluster.node} already")
            continue
        cluster.start_manager()
        session.console.info(f"The cluster manager was started on {cluster.node}")
    return 0


def stop(session: Session, call: CommandCall) -> int:
    """Resources leave the node, then the manager stops; the membership of a lab goes on."""
    from crmsh_py.shell import services

    if services.real_cluster(session):
        return services.stop(session, call)
    for cluster in _clusters(session, call):
        if not cluster.membership().manager_running:
            session.console.info(f"The cluster manager does not run on {cluster.node}")
            continue
        consent.require_for(session, f"All resources leave {cluster.node}")
        cluster.stop_manager()
        session.console.info(f"The cluster manager was stopped on {cluster.node}")
    return 0


def restart(session: Session, call: CommandCall) -> int:
    """Stop, then start."""
    return stop(session, call) or start(session, call)


def status(session: Session, call: CommandCall) -> int:
    """The subsystems under their old and new names, alive or not."""
    from crmsh_py.shell import services
    from crmsh_py.views import cluster_status

    cluster = services.real_cluster(session) or session.cluster
    reply, node = cluster.subsystems(), cluster.node
    daemon = "pacemakerd" if cluster.kind is ClusterKind.PACEMAKER else "one daemon"
    session.show(
        cluster_status.table(reply, node=node, daemon=daemon),
        lambda: cluster_status.record(reply, node=node),
    )
    return 0


def run(session: Session, call: CommandCall) -> int:
    """A command on every node; 1 if it failed on one."""
    from crmsh_py.shell import on_nodes
    from crmsh_py.views import outcomes

    command = call.get("COMMAND_WORD") or ""
    nodes = on_nodes.names(session, call.all("NODE_NAME"))
    done = on_nodes.each(
        session, nodes, lambda node: on_nodes.run(session, node, ["sh", "-c", command])
    )
    found = [
        outcomes.outcome(node, one.exit_code, b"", str(one.message).encode())
        if isinstance(one, CrmError)
        else outcomes.outcome(node, one.code, one.out, one.err)
        for node, one in done.items()
    ]
    made = outcomes.Outcomes(outcomes=tuple(found))
    session.show(outcomes.text(made), lambda: made)
    return 1 if any(one.exit_code for one in found) else 0


def copy(session: Session, call: CommandCall) -> int:
    """A file of this machine to the same place on nodes; 1 if one could not take it."""
    from crmsh_py.shell import on_nodes

    path = os.path.abspath(call.get("FILE_NAME") or "")
    data = files.read_bytes(path)
    failed = 0
    for node in on_nodes.names(session, call.all("NODE_NAME")):
        if on_nodes.is_this_machine(session, node):
            continue  # it is that file already
        try:
            on_nodes.write_file(session, node, path, data)
            session.console.info(f"{path} is on {node}")
        except CrmError as error:
            failed = 1
            session.console.error(error)
    return failed


def diff(session: Session, call: CommandCall) -> int:
    """Where a file differs between nodes; 1 if it does."""
    import difflib
    import hashlib

    from crmsh_py.shell import on_nodes
    from crmsh_py.views.records import Text

    path = call.get("FILE_NAME") or ""
    nodes = on_nodes.names(session, call.all("NODE_NAME"))
    found: dict[str, bytes | None] = {}
    for node in nodes:
        try:
            found[node] = on_nodes.read_file(session, node, path)
        except CrmError as error:
            session.console.error(error)
    if found and all(data is None for data in found.values()):
        raise NotFound(f"no node has a file {path}")
    if call.has("CHECKSUM"):
        sums = {n: hashlib.sha256(d).hexdigest() if d is not None else "no such file"
                for n, d in found.items()}  # fmt: skip
        lines = [f"{node}  {checksum}" for node, checksum in sums.items()]
    else:
        first = next(iter(found), "")
        texts = {n: (d or b"").decode(errors="replace").splitlines() for n, d in found.items()}
        lines = [
            line
            for node in [*texts][1:]
            for line in difflib.unified_diff(
                texts[first], texts[node], f"{first}:{path}", f"{node}:{path}", lineterm="", n=2
            )
        ]
    session.show("\n".join(lines), lambda: Text(path, tuple(lines)))
    return 0 if len({*found.values()}) == 1 and len(found) == len(nodes) else 1


def health(session: Session, call: CommandCall) -> int:
    """What is not well, and what to do about it; 1 if anything is."""
    from crmsh_py.views import health as view

    cluster = session.cluster
    membership = cluster.membership() if cluster.kind is not ClusterKind.FILE else None
    cib, now = cluster.read_cib(), local_now()
    report = view.examine(
        cib,
        membership,
        now=now,
        lab=lambda: _machines(session),
        device="stonith:lab" if cluster.kind is ClusterKind.LOCAL else "stonith:AGENT",
    )
    session.show(view.text(report), lambda: report)
    return 0 if report.well else 1


def _machines(session: Session) -> LabState | None:
    """The machines of the lab's nodes; None where there is none, or it cannot be seen from here."""
    if session.cluster.kind is not ClusterKind.LOCAL:
        return None
    try:
        lab = _lab(session)
        return lab.status() if lab.place.exists() else None
    except CrmError:
        return None


def add(session: Session, call: CommandCall) -> int:
    """A node more for the lab; it is started by ``crm lab start``."""
    from crmsh_py.lab import members

    name = call.get("NEW_ID") or ""
    made = members.add(_lab(session), name, call.get("NETWORK_ADDRESS") or "")
    session.console.info(f"{name} ({made.address}) belongs to the lab: crm lab start {name}")
    session.console.info("crm corosync reload lets the running nodes know of it")
    return 0


def remove(session: Session, call: CommandCall) -> int:
    """Nodes out of the lab and out of the configuration, with their disks."""
    from crmsh_py.cib.lost import lost_nodes
    from crmsh_py.lab import members
    from crmsh_py.shell.cmd_node import forget

    lab = _lab(session)
    names = tuple(dict.fromkeys(call.all("NODE_NAME")))
    for name in names:
        members.check_removable(lab, name)  # nobody is asked about what cannot be
    for name in names:
        question = f"{name} leaves the cluster, and its disk is deleted. Do it"
        if not session.console.ask(question):
            raise CrmError(f"{name} stays", hint="-F answers yes")
        # The configuration first: without quorum that is refused, and then nothing has changed.
        if any(name == n.get("uname") for n in session.working.cib().section("nodes").findall()):
            forget(session, name)
        if name in lost_nodes(session.cluster.read_cib()):
            session.cluster.confirm_fenced(name)  # it is off: that was looked at
        members.remove(lab, name)
        session.console.info(f"{name} was removed")
    session.console.info(
        "crm corosync reload lets the running nodes know; until then all votes are expected"
    )
    return 0


def enable(session: Session, call: CommandCall) -> int:
    """The cluster manager starts whenever the node does."""
    return _starts_with_node(session, call, enabled=True)


def disable(session: Session, call: CommandCall) -> int:
    """Only the membership starts with the node; ``crm cluster start`` starts the rest."""
    return _starts_with_node(session, call, enabled=False)


def _starts_with_node(session: Session, call: CommandCall, *, enabled: bool) -> int:
    from crmsh_py.lab import members
    from crmsh_py.shell import services

    if _is_real(session):
        return services.set_enabled(session, call, enabled=enabled)
    lab = _lab(session)
    names = call.all("NODE_NAME")
    if call.has("ALL"):
        names = tuple(node.name for node in lab.place.load().members)
    elif not names:
        names = (session.cluster.node,)
    _require_managers(names, _remote_hosts(lab))
    members.start_manager_with(lab, names, enabled=enabled)
    for name in names:
        what = "starts with" if enabled else "does not start with"
        session.console.info(f"The cluster manager {what} {name}")
    return 0


def rename(session: Session, call: CommandCall) -> int:
    """Another name, in corosync.conf and in the property cluster-name."""
    from crmsh_py.corosync_conf import editing
    from crmsh_py.shell import ring_configuration as ring
    from crmsh_py.shell.changes import change
    from crmsh_py.tools import edits

    name = call.get("NEW_ID") or ""
    text = editing.with_value(ring.read(session), "totem.cluster_name", name)
    ring.judge(session, text)
    # The configuration before the file: without quorum it is refused, and nothing has changed.
    change(
        session,
        lambda cib: edits.set_section_pair(cib, "crm_config", "cluster-name", name),
        client="crm_attribute",
    )
    ring.write(session, text)
    session.console.info("crm corosync reload lets the running nodes know")
    return 0


def _is_real(session: Session) -> bool:
    from crmsh_py.shell import services

    try:
        return services.real_cluster(session) is not None
    except ClusterUnreachable:
        return False  # a lab that does not run


def _lab(session: Session) -> Lab:
    from crmsh_py.lab.client import Lab

    if _is_real(session):
        raise CrmError(
            "this is for labs only", hint="a real node joins and leaves by its system's tools"
        )
    return Lab(environ=session.environ)


# ---- what belongs to other systems ---------------------------------------------------------------


def crash_test(session: Session, call: CommandCall) -> int:
    """Not here: faults are commands of the lab."""
    raise CrmError(
        "crash_test breaks a real cluster, which this shell does not do",
        hint="on a lab: crm lab kill NODE, crm lab partition NODE, crm node fence NODE",
    )


def init(session: Session, call: CommandCall) -> int:
    """Not here: packages, ssh keys and services are the system's."""
    raise CrmError(
        "setting up machines (packages, ssh, corosync, sbd) is left to the system's own tools",
        hint="a cluster on this machine: crm lab create, crm lab start",
    )


def join(session: Session, call: CommandCall) -> int:
    """Not here, for the same reason."""
    raise CrmError(
        "a machine joins a cluster by its system's own tools",
        hint="in a lab: crm cluster add NODE, crm lab start NODE, crm corosync reload",
    )


def geo_init(session: Session, call: CommandCall) -> int:
    """Not here: clusters of clusters are booth's."""
    raise CrmError(
        "clusters of clusters are set up with booth, a program of its own",
        hint="their tickets are given and taken here: crm site ticket grant TICKET",
    )


geo_join = geo_init
geo_init_arbitrator = geo_init


def wait_for_startup(session: Session, call: CommandCall) -> int:
    """Return when there are a DC and quorum; TimedOut otherwise."""
    limit = min(float(call.get("NUMBER") or STARTUP_S), LONGEST_S)
    deadline = time.monotonic() + limit
    while missing := _missing(session):
        if time.monotonic() > deadline:
            raise TimedOut(
                f"the cluster has no {missing} after {limit:g} s",
                hint="crm cluster status, crm cluster health",
            )
        time.sleep(LOOK_AGAIN_S)
    return 0


def _missing(session: Session) -> str:
    """What the cluster still lacks before it can do anything: a DC, or quorum; '' for nothing."""
    try:
        seen = session.cluster.membership()
    except ClusterUnreachable:
        return "node that answers"  # it may still come
    return "" if seen.dc and seen.quorate else "quorum" if seen.dc else "DC"


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
    if session.cluster.kind is not ClusterKind.LOCAL:
        raise CrmError("a configuration in a file has no nodes that could be started")
    remote = _remote_hosts(_lab(session))
    if not call.has("ALL"):
        _require_managers(names, remote)
    return [
        choose.choose(dict(session.environ, CRM_NODE=name), kind=ClusterKind.LOCAL, shadow=None)
        for name in names
        if name not in remote
    ]


def _remote_hosts(lab: Lab) -> dict[str, str]:
    """The lab's hosts that are no members, with their kinds."""
    made = lab.place.load().nodes if lab.place.exists() else ()
    return {node.name: node.kind for node in made if not node.is_member}


def _require_managers(names: Sequence[str], remote: Mapping[str, str]) -> None:
    """Raise CrmError for a remote node or guest: the cluster manager runs on members only."""
    for name in names:
        if name in remote:
            hint = f"crm node server {name} names the resource that connects it"
            text = f"{name} is a {remote[name]} node: no cluster manager runs there"
            raise CrmError(text, hint=f"{hint}: crm resource start or stop that")

"""The ``node`` level: standby, maintenance and attributes of the cluster's nodes."""

from __future__ import annotations

from crmsh_py.cib import options
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.document import Cib
from crmsh_py.cib.lost import lost_nodes
from crmsh_py.clusters import operations
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import consent
from crmsh_py.shell.changes import change, require_node
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import settle
from crmsh_py.tools import edits
from crmsh_py.tools.common import local_now
from crmsh_py.views.records import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.views.resource_records import Nodes

CLIENT = "crm_attribute"


def show(session: Session, call: CommandCall) -> int:
    """Nodes with their types and attributes."""
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import nodes

    cib = session.working.cib()
    status, name = cluster_status(cib, now=local_now()), call.get("NODE_NAME") or ""
    text = nodes.show(cib, status, name)

    def record() -> Nodes:
        from crmsh_py.views import resource_records

        return resource_records.nodes(cib, status, name)

    session.show(text, record)
    return 0


def standby(session: Session, call: CommandCall) -> int:
    """Resources leave the nodes: for ever, or until they restart."""
    names = _nodes(session, call)
    if call.has("REBOOT"):
        consent.require(session, lambda cib: _standby_until_reboot(cib, names))
        for name in names:
            session.cluster.set_attribute(name, "standby", "on")
        settle(session)
        return 0
    return _set_on(session, names, "standby", "on")


def _standby_until_reboot(cib: Cib, names: tuple[str, ...]) -> Cib:
    for name in names:
        cib = operations.set_transient_attribute(cib, name, "standby", "on")
    return cib


def online(session: Session, call: CommandCall) -> int:
    """Resources may come again."""
    names = _nodes(session, call)
    _set_on(session, names, "standby", "off")
    for name in names:
        session.cluster.set_attribute(name, "standby", None)
    settle(session)
    return 0


def maintenance(session: Session, call: CommandCall) -> int:
    """The cluster leaves everything on the node as it is."""
    node = require_node(session, call.get("NODE_NAME"))
    return _set_on(session, (node,), "maintenance", "true")


def ready(session: Session, call: CommandCall) -> int:
    """The end of maintenance."""
    return _set_on(session, (require_node(session, call.get("NODE_NAME")),), "maintenance", "off")


def fence(session: Session, call: CommandCall) -> int:
    """Power-cycle a node (or switch it off, as the cluster is configured); returns when it is."""
    node = require_node(session, call.get("NODE_NAME"))
    cib = session.working.cib()
    devices = [p for p in cib.section("resources").iter("primitive") if p.get("class") == "stonith"]
    properties = cib.properties()
    if not devices and not is_true(properties.get("have-watchdog")):
        raise CrmError(
            f"{node} cannot be fenced: there is no fence device",
            hint="a lab is fenced by: crm configure primitive fence stonith:lab",
        )
    if not session.console.ask(f"Fencing {node} ends everything on it at once. Do it"):
        raise CrmError(f"{node} was not fenced", hint="-F answers yes")
    action = options.value_of(properties, "fencing-action")
    action = "off" if action in ("off", "poweroff") else "reboot"
    _seen_from_elsewhere(session, node).fence(node, action, client="crm")
    settle(session)
    return 0


def _seen_from_elsewhere(session: Session, node: str) -> Cluster:
    """The cluster by a node that will be there to answer: not the one that is fenced."""
    from crmsh_py.clusters import choose

    if session.cluster.kind is not ClusterKind.LOCAL or session.cluster.node != node:
        return session.cluster
    for other in choose.running_nodes(session.environ):
        if other != node:
            environ = dict(session.environ, CRM_NODE=other)
            return choose.choose(environ, kind=ClusterKind.LOCAL, shadow=None)
    return session.cluster


def clearstate(session: Session, call: CommandCall) -> int:
    """Forget what resources have done on a node."""
    node = require_node(session, call.get("NODE_NAME"))
    if not session.console.ask(f"The history of all resources on {node} is forgotten. Do it"):
        raise CrmError("nothing was forgotten", hint="-F answers yes")
    session.cluster.clean_resource("", node, all_history=True)
    return 0


def delete(session: Session, call: CommandCall) -> int:
    """Take a node that has left out of the configuration."""
    name = require_node(session, call.get("NODE_NAME"))
    members: list[str] = []
    runs = session.cluster.kind is not ClusterKind.FILE
    if runs:  # a file has nodes, but no members
        members = [m.name for m in session.cluster.membership().members if m.joined]
    if name in members:
        raise CrmError(f"{name} is a member", hint=f"stop it first: crm lab stop {name}")
    if runs and _is_connected(session, name):
        raise CrmError(
            f"{name} is a remote node that is connected: the cluster would list it again",
            hint=f"stop it first: crm resource stop {name}",
        )
    if runs and name in lost_nodes(session.cluster.read_cib()):
        question = f"{name} was lost. Is it off for sure, so that nothing runs there any more"
        if session.console.ask(question):
            session.cluster.confirm_fenced(name)
        else:
            session.console.warning(
                f"{name} may still run what is started elsewhere now"
                f"\n  when it is off for sure: stonith_admin --confirm {name}"
            )
    forget(session, name)
    return 0


def _is_connected(session: Session, name: str) -> bool:
    return any(
        node.name == name and node.kind == "remote" and node.online
        for node in session.cluster_status().nodes
    )


def forget(session: Session, name: str) -> None:
    """Take a node out of the configuration. That it may still run something is not forgotten."""

    def edit(cib: Cib) -> Cib:
        target = edits.find_node(cib, name)
        nodes = cib.section("nodes").map_children(lambda n: None if n is target else n)
        return cib.with_section("nodes", nodes)

    change(session, edit, client=CLIENT)


def server(session: Session, call: CommandCall) -> int:
    """Where remote and guest nodes hang: the resource that carries each, and its place."""
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import nodes

    status = cluster_status(session.working.cib(), now=local_now())
    names = tuple(require_node(session, name) for name in call.all("NODE_NAME"))
    found = nodes.carriers(status, names)
    session.show(nodes.carriers_text(found), lambda: found)
    return 0


def attribute(session: Session, call: CommandCall) -> int:
    """One lasting attribute."""
    return _attribute(session, call, "instance_attributes")


def utilization(session: Session, call: CommandCall) -> int:
    """One capacity."""
    return _attribute(session, call, "utilization")


def status_attr(session: Session, call: CommandCall) -> int:
    """One attribute that a restart of the node forgets."""
    node = require_node(session, call.get("NODE_NAME"))
    name = call.get("ATTRIBUTE") or ""
    if call.has("SET"):
        from crmsh_py.cib.check_attributes import switch_problem

        value = call.get("VALUE") or ""
        session.cluster.set_attribute(node, name, value)
        if problem := switch_problem(name, value):
            session.console.warning(f"{node}: {problem}")
        settle(session)
        return 0
    from crmsh_py.views.mon_facts import transient_attributes

    cib = session.cluster.read_cib()
    values = transient_attributes(cib, edits.find_node(cib, node).id)
    if name not in values:
        raise NotFound(f"{node} has no attribute {name}", name=name, possibilities=values)
    if call.has("DELETE"):
        session.cluster.set_attribute(node, name, None)
    else:
        session.show(
            f"scope=status  name={name} value={values[name]}",
            lambda: Value(node, "status", name, values[name]),
        )
    settle(session)
    return 0


def _nodes(session: Session, call: CommandCall) -> tuple[str, ...]:
    if call.has("ALL"):
        nodes = session.working.cib().section("nodes").findall("node")
        return tuple(node.get("uname") for node in nodes)
    named = call.all("NODE_NAME")
    return tuple(require_node(session, name) for name in named) or (require_node(session, None),)


def _set_on(session: Session, nodes: tuple[str, ...], name: str, value: str) -> int:
    def edit(cib: Cib) -> Cib:
        for node in nodes:
            cib = edits.set_node_pair(cib, node, name, value)
        return cib

    change(session, edit, client=CLIENT)
    return 0


def _attribute(session: Session, call: CommandCall, tag: str) -> int:
    node, name = require_node(session, call.get("NODE_NAME")), call.get("ATTRIBUTE") or ""
    pair = edits.pair_in(edits.find_node(session.working.cib(), node), tag, name)
    if pair is None and not call.has("SET"):
        raise NotFound(f"{node} has no attribute {name}")
    if call.has("SET", "DELETE"):
        value = (call.get("VALUE") or "") if call.has("SET") else None
        change(
            session,
            lambda cib: edits.set_node_pair(cib, node, name, value, tag=tag),
            client=CLIENT,
            checked=call.has("SET"),
        )
        return 0
    assert pair is not None
    value, scope = pair.value, "nodes" if tag == "instance_attributes" else tag
    session.show(
        f"scope={scope}  name={name} value={value}", lambda: Value(node, scope, name, value)
    )
    return 0

"""The state of the cluster as values: nodes, resources, failures.

``cluster_status`` reads the status section as the scheduler does and decides nothing.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler.bundle import Bundle
from crmsh_py.scheduler.clone import Clone
from crmsh_py.scheduler.group import Group
from crmsh_py.scheduler.history_entry import HistoryEntry
from crmsh_py.scheduler.model import ROLE_NAMES, Node
from crmsh_py.scheduler.reading import read_status
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State

_ROLES = tuple(Role(name) for name in ROLE_NAMES)


def cluster_status(cib: Cib, *, now: datetime) -> ClusterStatus:
    """What a CIB says about the cluster at a moment."""
    return status_of(read_status(upgrade(cib) if needs_upgrade(cib) else cib, now))


def status_of(state: State) -> ClusterStatus:
    """The same from a state that has been read already."""
    settings = state.settings
    return ClusterStatus(
        nodes=tuple(_node(state, node) for node in state.nodes),
        resources=tuple(_resource(resource) for resource in state.resources),
        failed_actions=tuple(_failure(entry) for entry in state.failed),
        dc=state.dc.name if state.dc is not None else "",
        dc_id=state.dc.id if state.dc is not None else state.cib.root.get("dc-uuid"),
        quorate=state.quorate,
        stack=settings.raw("cluster-infrastructure") or "",
        dc_version=settings.raw("dc-version") or "",
        fencing_enabled=settings.fencing_enabled,
        maintenance_mode=settings.maintenance_mode,
        no_quorum_policy=settings.no_quorum_policy,
        primitives_configured=state.instances,
        disabled=state.disabled_resources,
        blocked=state.blocked_resources,
        stop_all=settings.stop_all,
    )


# ---- nodes ---------------------------------------------------------------------------------------


def _node(state: State, node: Node) -> NodeStatus:
    kind = "member"
    if node.is_remote_kind:
        kind = "guest" if node.is_guest else "remote"
    launcher = node.launcher
    return NodeStatus(
        name=node.name,
        id=node.id,
        kind=kind,
        online=node.online,
        pending=node.pending,
        unclean=node.unclean,
        standby=node.standby,
        maintenance=node.maintenance,
        is_dc=node is state.dc,
        attributes={
            name: value for name, value in sorted(node.attrs.items()) if not name.startswith("#")
        },
        standby_on_fail=node.fail_standby,
        health=_health(state, node),
        feature_set=node.attrs.get("#feature-set", ""),
        shutdown=node.shutdown,
        expected_up=node.expected_up,
        container=launcher.id if launcher is not None else "",
        running=tuple(resource.printable_id for resource in node.running),
    )


def _health(state: State, node: Node) -> str:
    if state.settings.health_strategy == "none":
        return "green"
    settings = state.settings
    worst = "green"
    for name, value in node.attrs.items():
        if not name.startswith("#health"):
            continue
        if value.lower() == "red":
            return "red"
        if value.lower() == "yellow":
            worst = "yellow"
            continue
        score = settings.score(value)
        if score is None:
            continue
        if score <= settings.red:
            return "red"
        if score <= settings.yellow and settings.yellow != settings.green:
            worst = "yellow"
    return worst


# ---- resources -----------------------------------------------------------------------------------


def _resource(resource: Resource) -> ResourceStatus:
    if isinstance(resource, Bundle):
        return _bundle(resource)
    children = tuple(_resource(child) for child in resource.children)
    target = resource.meta.get("target-role", "")
    if isinstance(resource, Clone):
        nodes = resource.state.nodes_by_index
        return ResourceStatus(
            id=resource.id,
            kind=ResourceKind.PROMOTABLE if resource.promotable else ResourceKind.CLONE,
            role=_ROLES[resource.role(current=True)],
            locations={
                nodes[i].name: Role.STOPPED for i in sorted(resource.scores or resource.probed)
            },
            managed=resource.managed,
            maintenance=resource.maintenance,
            failed=resource.failed,
            orphan=resource.removed,
            target_role=target,
            disabled=resource.disabled,
            unique=resource.unique,
            instances_max=resource.clone_max,
            inner=resource.inner.id if resource.inner is not None else "",
            children=children,
        )
    if isinstance(resource, Group):
        return ResourceStatus(
            id=resource.id,
            kind=ResourceKind.GROUP,
            role=_ROLES[resource.role(current=True)],
            managed=resource.managed,
            maintenance=resource.maintenance,
            failed=resource.failed,
            orphan=resource.removed,
            target_role=target,
            disabled=resource.disabled,
            children=children,
        )
    return _primitive(resource, target)


def _primitive(resource: Resource, target: str) -> ResourceStatus:
    active = resource.active_nodes
    shown = _ROLES[resource.orig_role]
    return ResourceStatus(
        id=resource.id,
        agent=AgentSpec(resource.standard, resource.provider, resource.agent_type),
        role=shown,
        nodes=tuple(node.name for node in active),
        locations={node.name: shown for node in active},
        pending_task=resource.pending_action or "",
        pending_node=resource.pending_node.name if resource.pending_node is not None else "",
        managed=resource.managed,
        maintenance=resource.maintenance,
        failed=resource.failed,
        blocked=resource.blocked,
        orphan=resource.removed,
        target_role=target,
        standin=_stands_in(resource),
        failure_ignored=resource.ignore_failure,
        disabled=resource.disabled,
        unique=resource.unique,
        locked_to=resource.lock_node.name if resource.lock_node is not None else "",
        promotable=resource.topmost().promotable,
    )


def _stands_in(resource: Resource) -> bool:
    """Whether the last result on a node where it is active is a stand-in's."""
    for node in resource.active_nodes:
        entries = resource.state.histories.get((node.name, resource.history_name)) or []
        if any(entry.element.get("crm-standin") == "true" for entry in entries):
            return True
    return False


def _bundle(bundle: Bundle) -> ResourceStatus:
    replicas = []
    for replica in bundle.replicas:
        parts = [replica.ip, replica.child, replica.container, replica.remote]
        replicas.append(
            ResourceStatus(
                id=str(replica.offset),
                kind=ResourceKind.REPLICA,
                children=tuple(_resource(part) for part in parts if part is not None),
            )
        )
    return ResourceStatus(
        id=bundle.id,
        kind=ResourceKind.BUNDLE,
        role=_ROLES[bundle.role(current=True)],
        managed=bundle.managed,
        maintenance=bundle.maintenance,
        failed=bundle.failed,
        target_role=bundle.meta.get("target-role", ""),
        disabled=bundle.disabled,
        unique=bundle.unique,
        children=tuple(replicas),
    )


# ---- failures ------------------------------------------------------------------------------------


def _failure(entry: HistoryEntry) -> FailedAction:
    get = entry.element.get
    return FailedAction(
        resource=entry.key.removesuffix(f"_{entry.task}_{entry.interval_ms}"),
        key=entry.key,
        operation=entry.task,
        interval_ms=entry.interval_ms,
        node=entry.node_name,
        rc=whole_number(entry.raw_rc),
        status=whole_number(entry.raw_status),
        call_id=entry.call_id,
        exit_reason=entry.exit_reason,
        last_change=max(0, entry.last_change),
        queued_ms=whole_number(get("queue-time")),
        exec_ms=whole_number(get("exec-time")),
    )

"""A recorded ``crm_mon --output-as xml`` read back as the ``ClusterStatus`` that it shows.

So the views can be compared with recorded text for what they do alone: a case that differs here is
the view's fault, whatever the scheduler makes of the same CIB.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.value import replace

# Pacemaker's words for what is under way.
_PENDING = {
    "Starting": "start",
    "Stopping": "stop",
    "Promoting": "promote",
    "Demoting": "demote",
    "Migrating": "migrate_to",
    "Monitoring": "monitor",
}
_STATUS = {
    "Done": 0, "Cancelled": 1, "Timed out": 2, "Unsupported": 3, "Error": 4, "Hard error": 5,
    "Not installed": 7,
}  # fmt: skip


def orders(full: str) -> dict[str, tuple[str, ...]]:
    """The order of the resources on each node, which only the text by node tells."""
    found: dict[str, list[str]] = {}
    node = ""
    for line in full.partition("\nInactive Resources")[0].splitlines():
        if line.startswith("  * ") and "Node " in line:
            node = line.partition("Node ")[2].partition(":")[0]
        elif line.startswith("      * "):
            found.setdefault(node, []).append(line[8:].partition("\t")[0])
    return {name: tuple(resources) for name, resources in found.items()}


def cluster_status(
    shown: Element, cib: Cib, running: Mapping[str, tuple[str, ...]]
) -> ClusterStatus:
    """The state that a ``<pacemaker-result>`` of crm_mon tells."""
    summary = shown.find("summary")
    assert summary is not None
    attributes = _attributes(shown)
    resources = _resources(shown, cib)
    nodes_shown = shown.find("nodes")
    assert nodes_shown is not None
    nodes = tuple(
        replace(
            _node(element, attributes.get(element.get("name"), {}), cib),
            running=running.get(element.get("name"), ()),
        )
        for element in nodes_shown.findall("node")
    )
    dc, stack = summary.find("current_dc"), summary.find("stack")
    configured, options = summary.find("resources_configured"), summary.find("cluster_options")
    assert dc is not None
    assert stack is not None
    assert configured is not None
    assert options is not None
    return ClusterStatus(
        nodes=nodes,
        resources=tuple(
            _with_places(resource, nodes, cib, options.get("symmetric-cluster") != "false")
            for resource in resources
        ),
        failed_actions=_failures(shown),
        dc=dc.get("name"),
        dc_id=dc.get("id"),
        quorate=dc.get("with_quorum") == "true",
        stack=stack.get("type"),
        dc_version=dc.get("version"),
        fencing_enabled=options.get("fencing-enabled") == "true",
        maintenance_mode=options.get("maintenance-mode") == "true",
        no_quorum_policy=options.get("no-quorum-policy"),
        stop_all=options.get("stop-all-resources") == "true",
        primitives_configured=int(configured.get("number")),
        disabled=int(configured.get("disabled")),
        blocked=int(configured.get("blocked")),
    )


def _node(element: Element, attributes: Mapping[str, str], cib: Cib) -> NodeStatus:
    def yes(name: str) -> bool:
        return element.get(name) == "true"

    kind = element.get("type")
    if element.get("id_as_resource") or _of_bundle(element.get("name"), cib):
        kind = "guest"
    return NodeStatus(
        name=element.get("name"),
        id=element.id,
        kind=kind,
        online=yes("online"),
        pending=yes("pending"),
        unclean=yes("unclean"),
        standby=yes("standby"),
        standby_on_fail=yes("standby_onfail"),
        maintenance=yes("maintenance"),
        is_dc=yes("is_dc"),
        health=element.get("health"),
        feature_set=element.get("feature_set"),
        shutdown=yes("shutdown"),
        expected_up=yes("expected_up"),
        container=element.get("id_as_resource"),
        attributes=attributes,
    )


def _attributes(shown: Element) -> dict[str, dict[str, str]]:
    section = shown.find("node_attributes")
    return {
        node.get("name"): {a.get("name"): a.get("value") for a in node.findall("attribute")}
        for node in (section.findall("node") if section else ())
    }


def _resources(shown: Element, cib: Cib) -> list[ResourceStatus]:
    section = shown.find("resources")
    return [_resource(element, cib) for element in (section.findall() if section else ())]


def _resource(element: Element, cib: Cib, promotable: bool = False) -> ResourceStatus:
    def yes(name: str) -> bool:
        return element.get(name) == "true"

    inside = promotable or yes("multi_state")
    common = ResourceStatus(
        id=element.id,
        managed=element.get("managed") != "false",
        maintenance=yes("maintenance"),
        target_role=element.get("target_role"),
        unique=yes("unique"),
        children=tuple(_resource(c, cib, inside) for c in element.findall() if c.tag != "node"),
    )
    if element.tag == "group":
        target = "Stopped" if yes("disabled") else ""
        return replace(common, kind=ResourceKind.GROUP, target_role=target)
    if element.tag == "replica":
        return replace(common, kind=ResourceKind.REPLICA)
    if element.tag == "bundle":
        return replace(common, kind=ResourceKind.BUNDLE)
    if element.tag == "clone":
        original = cib.find_id(element.id)
        inner = original.findall("primitive", "group") if original else ()
        kind = ResourceKind.PROMOTABLE if yes("multi_state") else ResourceKind.CLONE
        name = inner[0].id if inner else ""
        return replace(common, kind=kind, inner=name)
    spec, role = element.get("resource_agent"), element.get("role")
    parts = spec.split(":", 2 if spec.startswith("ocf:") else 1)
    agent = AgentSpec(parts[0], parts[1] if len(parts) > 2 else "", parts[-1])
    return replace(
        common,
        agent=agent,
        role=Role.STARTED if role in _PENDING else Role(role),
        nodes=tuple(node.get("name") for node in element.findall("node")),
        failed=yes("failed"),
        blocked=yes("blocked"),
        orphan=yes("orphaned"),
        failure_ignored=yes("failure_ignored"),
        pending_task=_PENDING.get(element.get("pending")) or _PENDING.get(role, ""),
        locked_to=element.get("locked_to"),
        promotable=promotable,
    )


def _with_places(
    resource: ResourceStatus, nodes: tuple[NodeStatus, ...], cib: Cib, symmetric: bool
) -> ResourceStatus:
    """Where a clone may run: any node, or those that were probed in an asymmetric cluster."""
    if not resource.kind.is_clone:
        return resource
    active = _primitives([resource])
    used = {node for primitive in active for node in primitive.nodes}
    names = {primitive.id.partition(":")[0] for primitive in active}
    probed = {
        state.get("uname")
        for state in cib.status.findall("node_state")
        for entry in state.iter("lrm_resource")
        if entry.id.partition(":")[0] in names and entry.findall()
    }
    # Only what is inside of a bundle runs on the bundle's own guest nodes.
    inside = {name for name in (n.name for n in nodes) if _of_bundle(name, cib)}
    places = [n.name for n in nodes if n.name not in inside and (symmetric or n.name in probed)]
    return replace(resource, locations={name: Role.STOPPED for name in places if name not in used})


def _of_bundle(node: str, cib: Cib) -> bool:
    bundles = [element.id for element in cib.section("resources").findall("bundle")]
    return any(node.rpartition("-")[0] == bundle for bundle in bundles)


def _primitives(resources: list[ResourceStatus]) -> list[ResourceStatus]:
    found = []
    for resource in resources:
        found += (
            [resource]
            if resource.kind is ResourceKind.PRIMITIVE
            else _primitives(list(resource.children))
        )
    return found


def _failures(shown: Element) -> tuple[FailedAction, ...]:
    section = shown.find("failures")
    found = []
    for element in section.findall("failure") if section else ():
        key = element.get("op_key") or element.id
        name, operation, interval = key.rsplit("_", 2)
        for compound in ("migrate_to", "migrate_from"):
            if key.endswith(f"_{compound}_{interval}"):
                name, operation = key.removesuffix(f"_{compound}_{interval}"), compound
        found.append(
            FailedAction(
                resource=name,
                key=key,
                operation=operation,
                interval_ms=int(interval),
                node=element.get("node"),
                rc=int(element.get("exitcode")),
                status=_STATUS.get(element.get("status"), 4),
                call_id=int(element.get("call")),
                exit_reason=reason if (reason := element.get("exitreason")) != "none" else "",
                last_change=_moment(element.get("last-rc-change")),
                queued_ms=int(element.get("queued") or 0),
                exec_ms=int(element.get("exec") or 0),
            )
        )
    return tuple(found)


def _moment(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%SZ")) if text else 0

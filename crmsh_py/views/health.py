"""``crm cluster health``: what is not well in a cluster, and what to do about it.

Input: the CIB, the membership as a node sees it (None for a file), and ``now``. Output: a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache

from crmsh_py.cib import options
from crmsh_py.cib.leftovers import leftovers
from crmsh_py.scheduler.result import ResourceKind
from crmsh_py.scheduler.status import cluster_status
from crmsh_py.value import frozen
from crmsh_py.views.mon_facts import primitives
from crmsh_py.views.resource_status import nodes_in_maintenance
from crmsh_py.views.text import exit_text, joined
from crmsh_py.wire.lab import Power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.result import ClusterStatus, NodeStatus, ResourceStatus
    from crmsh_py.wire.control import MembershipReply
    from crmsh_py.wire.lab import LabState


_POWER = {Power.DIED: "ended by itself", Power.STARTING: "is starting"}


@frozen(kw_only=True)
class Ailment:
    """Something that is not as it should be. ``level`` is error, warning or notice."""

    level: str
    text: str
    hint: str


@frozen(kw_only=True)
class Health:
    """Everything that was found; ``well`` if nothing but notices was."""

    well: bool
    findings: tuple[Ailment, ...]


def examine(
    cib: Cib,
    membership: MembershipReply | None,
    *,
    now: datetime,
    lab: Callable[[], LabState | None] = lambda: None,
    device: str = "stonith:AGENT",
) -> Health:
    """Look at quorum, nodes, resources, failures, fencing and leftover constraints.

    ``lab`` tells what its supervisor sees of the nodes' machines, where there is one; it is asked
    only if a node is away. ``device`` is the agent of a fence device that would do here.
    """
    status = cluster_status(cib, now=now)
    found = (
        *_quorum(membership, status),
        *_nodes(status, cache(lab)),
        *_resources(status),
        *_failures(status),
        *_configuration(cib, status, now, device),
    )
    return Health(well=all(one.level == "notice" for one in found), findings=found)


def text(health: Health) -> str:
    """One line per finding, what to do about it below; a sentence when all is well."""
    lines = []
    for one in health.findings:
        lines.append(f"{one.level.upper()}: {one.text}")
        lines += [f"  {one.hint}"] if one.hint else []
    if health.well:
        lines.append("The cluster is well.")
    return joined(lines)


def _quorum(membership: MembershipReply | None, status: ClusterStatus) -> Iterator[Ailment]:
    if membership is None:
        return
    if not membership.quorate:
        yield Ailment(
            level="error",
            text=f"no quorum: {membership.total_votes} of {membership.expected_votes} votes",
            hint="bring nodes back, as told below; what runs now depends on no-quorum-policy",
        )
    elif membership.dc and not status.quorate:
        yield Ailment(
            level="error",
            text="there are enough votes, but the cluster manager does not count them as quorum",
            hint="in a lab: a disk is empty, perhaps wiped (crm lab log says which);"
            " start a node that has the configuration",
        )
    if membership.unequal_rules:
        yield Ailment(
            level="warning",
            text=f"the nodes' corosync.conf have different rules of quorum"
            f" ({membership.unequal_rules}): perhaps nobody provides service",
            hint="make their quorum sections equal, then crm corosync reload",
        )
    if membership.flags and membership.expected_votes == 2 and "2Node" not in membership.flags:
        yield Ailment(
            level="notice",
            text="two nodes without two_node: when one is lost, the other has no quorum",
            hint="crm corosync set quorum.two_node 1, crm corosync reload",
        )
    if not membership.dc:
        yield Ailment(level="error", text="there is no DC", hint="crm cluster start --all")


def _back(away: NodeStatus, lab: LabState | None) -> str:
    """How a node that is away comes back: a lab knows what has become of its machine."""
    name = away.name
    machine = next((node for node in lab.nodes if node.name == name), None) if lab else None
    if machine and machine.frozen:
        return f"it is frozen: crm lab thaw {name}"
    if machine and machine.state is not Power.ON and not away.container:
        return f"it {_POWER.get(machine.state, 'is off')}: crm lab start {name}"
    if machine and lab and any(node.group or node.second_group for node in lab.nodes):
        return "the network is cut: crm lab heal"
    if away.kind != "member":  # no cluster manager: a resource connects it, or switches it on
        return f"crm why {away.container or name}"
    return f"crm cluster start {name}" + (f"; crm lab log {name}" if machine else "")


def _stopped_carrier(node: NodeStatus, status: ClusterStatus) -> str:
    """The resource that would connect or carry a node, where somebody has stopped it; else ''."""
    carrier = node.container or node.name
    stopped = {part.id for part in primitives(status.resources) if part.disabled}
    return carrier if node.kind != "member" and carrier in stopped else ""


def _nodes(status: ClusterStatus, lab: Callable[[], LabState | None]) -> Iterator[Ailment]:
    aside = nodes_in_maintenance(status)
    for node in status.nodes:
        if node.unclean:
            # Who has no quorum is the one that others fence.
            fence = f"crm node fence {node.name}" if status.quorate else ""
            yield Ailment(
                level="error",
                text=f"{node.name} is unclean: nobody knows what runs there",
                hint=fence or _back(node, lab()),
            )
        elif not node.online and (carrier := _stopped_carrier(node, status)):
            yield Ailment(
                level="notice",
                text=f"{node.name} is offline, as {carrier} is stopped",
                hint=f"crm resource start {carrier}",
            )
        elif not node.online and not node.pending:
            yield Ailment(
                level="warning",
                text=f"{node.name} is offline",
                hint=_back(node, lab()),
            )
        elif node.standby:
            yield Ailment(
                level="notice",
                text=f"{node.name} is in standby",
                hint=f"crm node online {node.name}",
            )
        elif node.name in aside:
            yield Ailment(
                level="notice",
                text=f"{node.name} is in maintenance",
                hint=f"crm node ready {node.name}",
            )
        if node.health != "green":
            yield Ailment(level="warning", text=f"{node.name}: health is {node.health}", hint="")


def _is_active(resource: ResourceStatus) -> bool:
    return bool(resource.nodes) or any(map(_is_active, resource.children))


def _state(resource: ResourceStatus) -> tuple[bool, ...]:
    """What a member of a group may have for itself."""
    managed = (resource.managed, resource.maintenance)
    return (_is_active(resource), resource.failed, resource.blocked, *managed)


def _with_members(resources: Iterable[ResourceStatus]) -> Iterator[ResourceStatus]:
    """Resources, and behind a group those of its members that are not as the whole is."""
    for resource in resources:
        yield resource
        if resource.kind is ResourceKind.GROUP:
            yield from (each for each in resource.children if _state(each) != _state(resource))


def _resources(status: ClusterStatus) -> Iterator[Ailment]:
    guests = {node.name for node in status.nodes if node.kind == "guest"}
    aside = nodes_in_maintenance(status)
    for resource in _with_members(status.resources):
        if resource.blocked:
            yield Ailment(
                level="error",
                text=f"{resource.id} is blocked: the cluster can do nothing about it",
                hint=f"crm why {resource.id}; then crm resource cleanup {resource.id}",
            )
        elif resource.failed:
            yield Ailment(
                level="error", text=f"{resource.id} has failed", hint=f"crm why {resource.id}"
            )
        elif resource.id in guests:
            continue  # the connection with a guest is implied: its node and its machine tell of it
        elif not _is_active(resource) and not resource.disabled:
            yield Ailment(
                level="warning",
                text=f"{resource.id} runs nowhere",
                hint=f"crm why {resource.id}",
            )
        if resource.orphan or status.maintenance_mode or aside.intersection(resource.nodes):
            continue  # no longer configured; or its node, or all, is in maintenance, and so told
        if resource.maintenance:
            yield Ailment(
                level="notice",
                text=f"{resource.id} is in maintenance",
                hint=f"crm maintenance off {resource.id}",
            )
        elif not resource.managed:
            yield Ailment(
                level="notice",
                text=f"{resource.id} is not managed",
                hint=f"crm resource manage {resource.id}",
            )
    if status.maintenance_mode:
        yield Ailment(
            level="notice", text="the whole cluster is in maintenance", hint="crm maintenance off"
        )


def _failures(status: ClusterStatus) -> Iterator[Ailment]:
    for failure in status.failed_actions:
        reason = f": {failure.exit_reason}" if failure.exit_reason else ""
        yield Ailment(
            level="warning",
            text=f"{failure.operation} of {failure.resource} failed on {failure.node}"
            f" ({exit_text(failure.rc)}){reason}",
            hint=f"crm resource cleanup {failure.resource}",
        )


def _configuration(
    cib: Cib, status: ClusterStatus, now: datetime, device: str
) -> Iterator[Ailment]:
    defined = [*cib.section("resources").iter("primitive", "template")]
    made = any(each.get("class") == "stonith" for each in defined)
    make = "" if made else f"crm configure primitive fence {device}; "
    watchdog = options.value_of(cib.properties(), "fencing-watchdog-timeout").strip()
    if status.fencing_enabled and defined and not made and watchdog in ("", "0"):
        yield Ailment(
            level="warning",
            text="fencing is enabled, and there is no fence device: nothing is started or moved",
            hint=f"{make}or: crm configure property stonith-enabled=false",
        )
    if not status.fencing_enabled:
        yield Ailment(
            level="notice",
            text="fencing is disabled: a node that hangs keeps what it has",
            hint=f"{make}crm configure property stonith-enabled=true",
        )
    for left in leftovers(cib, now=now):
        yield Ailment(level="notice", text=str(left), hint=f"crm resource clear {left.resource}")

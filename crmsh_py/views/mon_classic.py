"""``crm_mon -1`` in the layout of Pacemaker 1.1: the default of all text output.

Input: the CIB with its status, the ``ClusterStatus`` made from it, and ``now`` in the zone in
which times are shown. Output: the whole text, with a newline at the end.

The frame is that of Pacemaker 1.1.10 as a terminal shows it: its tabs are drawn as the spaces
that they make, and the blank at the start of each resource line and at its end is left out.
What that version did not know (locks, stand-ins, disabled resources) follows the same frame.
Roles are called Master and Slave here, and agents have two colons before their provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.value import replace
from crmsh_py.views import mon_brief, mon_facts, mon_history
from crmsh_py.views.bans import Ban, find_bans
from crmsh_py.views.mon_facts import MonOptions, is_active
from crmsh_py.views.mon_history import OperationRecord
from crmsh_py.views.text import (
    bracketed,
    classic_agent,
    classic_role,
    clock_text,
    exit_text,
    joined,
    pending_flag,
    pending_state,
    status_text,
    unix_clock_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.views.mon_filter import Chosen

# Members of a group or a clone are indented under its title.
_MEMBER_INDENT = "    "


def render(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
) -> str:
    """The text of ``crm_mon -1`` with these options."""
    from crmsh_py.views import mon_filter

    options = options or MonOptions()
    chosen = mon_filter.choose(cib, status, options)
    status = chosen.status
    blocks = [_header(cib, status, now, options)] if options.headers else []
    if options.shows("nodes"):
        blocks.append(_node_block(chosen, options))
    if options.shows("resources"):
        blocks.append(_resource_block(chosen, options))
    if options.attributes:
        blocks.append(_attribute_block(chosen))
    if options.operations or options.fail_counts:
        blocks.append(_history_block(cib, chosen, now, options))
    if options.failures:
        blocks.append(_failure_block(chosen, now))
    if options.tickets:
        blocks.append(_ticket_block(cib, now))
    if options.bans is not None:
        blocks.append(_ban_block(chosen.bans(find_bans(cib, status, now=now, prefix=options.bans))))
    text = "\n\n".join(joined(block) for block in blocks if block)
    return f"{text}\n" if text else ""


def resource_lines(resource: ResourceStatus, *, inactive: bool = False) -> list[str]:
    """A resource as classic output lists it, with its members; also for ``crm_resource -L``.

    ``inactive`` also lists where the instances of a clone do not run.
    """
    return list(_resource(resource, "", inactive=inactive, with_nodes=True))


def primitive_line(resource: ResourceStatus, *, indent: str = "", with_nodes: bool = True) -> str:
    """One primitive: id, agent and state in columns."""
    text = f"{indent}{resource.id}\t({classic_agent(resource.agent)}):\t"
    text += _state(resource, with_nodes=with_nodes)
    # The original line starts with a blank, which counts for the place of its tabs.
    return f" {text}".expandtabs(8)[1:].rstrip()


def _in_columns(texts: Iterable[str]) -> list[str]:
    return [f" {text}".expandtabs(8)[1:].rstrip() for text in texts]


def _header(cib: Cib, status: ClusterStatus, now: datetime, options: MonOptions) -> list[str]:
    lines: list[str] = []
    if options.shows("times"):
        change = mon_facts.last_change(cib)
        written = f"Last change: {change.time}".rstrip()
        if change.client:
            written += f" via {change.client}"
        if change.origin:
            written += f" on {change.origin}"
        lines += [f"Last updated: {clock_text(now)}", written]
    if options.shows("stack"):
        lines.append(f"Stack: {status.stack or 'unknown'}")
    if options.shows("dc"):
        lines += _dc_lines(status)
    if options.shows("counts"):
        lines.append(f"{len(status.nodes)} Nodes configured")
        lines.append(f"{status.primitives_configured} Resources configured")
    if status.maintenance_mode and options.shows("maint-mode"):
        lines += ["", "              *** Resource management is DISABLED ***"]
        lines += ["  The cluster will not attempt to start, stop or recover services"]
    return lines


def _dc_lines(status: ClusterStatus) -> list[str]:
    version = [f"Version: {status.dc_version}"] if status.dc_version else []
    if not status.dc:
        return ["Current DC: NONE", *version]
    number = f" ({status.dc_id})" if status.dc_id and status.dc_id != status.dc else ""
    quorum = "with" if status.quorate else "WITHOUT"
    return [f"Current DC: {status.dc}{number} - partition {quorum} quorum", *version]


def node_mode(node: NodeStatus) -> str:
    """A node's state in the words of crm_mon."""
    if node.unclean:
        if node.online:
            return "UNCLEAN (online)"
        return "UNCLEAN (pending)" if node.pending else "UNCLEAN (offline)"
    if node.pending:
        return "pending"
    if node.standby_on_fail and node.online:
        return "standby (on-fail)"
    if node.standby:
        return "standby" if node.online else "OFFLINE (standby)"
    if node.maintenance:
        return "maintenance" if node.online else "OFFLINE (maintenance)"
    return "online" if node.online else "OFFLINE"


_LISTS = {
    ("member", "online"): "Online",
    ("member", "OFFLINE"): "OFFLINE",
    ("remote", "online"): "RemoteOnline",
    ("remote", "OFFLINE"): "RemoteOFFLINE",
    ("guest", "online"): "GuestOnline",
}


def _node_block(chosen: Chosen, options: MonOptions) -> list[str]:
    lines: list[str] = []
    together: dict[str, list[str]] = {title: [] for title in _LISTS.values()}
    away = mon_facts.away(chosen.status)
    for node in chosen.nodes:
        mode = node_mode(node)
        listed = _LISTS.get((node.kind, mode))
        if listed is not None and not options.by_node:
            together[listed].append(node.name)
            continue
        number = f" ({node.id})" if node.id and node.id != node.name else ""
        title = {"remote": "RemoteNode", "guest": "GuestNode"}.get(node.kind, "Node")
        lines.append(f"{title} {node.name}{number}: {mode}")
        if options.by_node:
            here = [
                primitive
                for primitive in mon_facts.primitives(chosen.around)
                if node.name in primitive.nodes
            ]
            if options.brief:
                tally = mon_brief.tally_on(node.name, here, away=away, agent_name=classic_agent)
                texts = _in_columns(tally)
            else:
                texts = [primitive_line(_as_on(p, node.name), with_nodes=False) for p in here]
            lines += [f"        {text}" for text in texts]
    lines += [f"{title}: {bracketed(names)}" for title, names in together.items() if names]
    return lines


def _resource_block(chosen: Chosen, options: MonOptions) -> list[str]:
    if options.by_node and not options.inactive:
        return []
    lines: list[str] = []
    away = mon_facts.away(chosen.status)
    wanted = [
        resource
        for resource in chosen.resources
        if not resource.orphan or is_active(chosen.whole(resource), wholly=True)
    ]
    if options.brief and not options.by_node:
        alone = [resource for resource in wanted if resource.kind is ResourceKind.PRIMITIVE]
        wanted = [resource for resource in wanted if resource.kind is not ResourceKind.PRIMITIVE]
        lines += _in_columns(
            mon_brief.tally(alone, totals=options.inactive, away=away, agent_name=classic_agent)
        )
    for resource in wanted:
        if options.by_node:
            shown = not is_active(chosen.whole(resource), wholly=True)
        else:
            shown = options.inactive or is_active(resource, wholly=False)
        if shown and options.brief and resource.kind is ResourceKind.GROUP:
            members = mon_brief.tally(
                resource.children, totals=True, away=away, agent_name=classic_agent
            )
            lines.append(f"Resource Group: {resource.id}{_flags(resource)}")
            lines += [f"{_MEMBER_INDENT}{text}" for text in _in_columns(members)]
        elif shown:
            lines += resource_lines(resource, inactive=options.inactive)
    if options.inactive:
        title = "Inactive resources:" if options.by_node else "Full list of resources:"
        return [title, "", *lines] if lines else [title]
    return lines


def _as_on(primitive: ResourceStatus, node: str) -> ResourceStatus:
    return replace(primitive, role=primitive.locations.get(node, primitive.role), nodes=(node,))


def _resource(
    resource: ResourceStatus, indent: str, *, inactive: bool, with_nodes: bool
) -> Iterator[str]:
    if resource.kind is ResourceKind.PRIMITIVE:
        yield primitive_line(resource, indent=indent, with_nodes=with_nodes)
    elif resource.kind is ResourceKind.GROUP:
        yield f"{indent}Resource Group: {resource.id}{_flags(resource)}"
        for child in resource.children:
            yield from _resource(
                child, indent + _MEMBER_INDENT, inactive=inactive, with_nodes=with_nodes
            )
    elif resource.kind is ResourceKind.BUNDLE:
        yield f"{indent}Bundle: {resource.id}{_flags(resource)}"
        for child in resource.children:
            yield from _resource(
                child, indent + _MEMBER_INDENT, inactive=inactive, with_nodes=with_nodes
            )
    else:
        yield from _clone(resource, indent, inactive=inactive)


def _clone(clone: ResourceStatus, indent: str, *, inactive: bool) -> Iterator[str]:
    title = "Master/Slave Set" if clone.kind is ResourceKind.PROMOTABLE else "Clone Set"
    inner = clone.children[0].id.split(":")[0] if clone.children else clone.inner
    unique = " (unique)" if clone.unique else ""
    yield f"{indent}{title}: {clone.id} [{inner}]{unique}{_flags(clone)}"
    deeper = indent + _MEMBER_INDENT
    nodes: dict[Role, list[str]] = {Role.PROMOTED: [], Role.UNPROMOTED: [], Role.STARTED: []}
    apart: set[str] = set()
    standin = False
    for instance in clone.children:
        parts = list(mon_facts.primitives((instance,)))
        active = [part for part in parts if part.nodes]
        ordinary = (
            not clone.unique
            and not instance.orphan
            and all(part.managed and not part.failed and not part.blocked for part in parts)
        )
        if not ordinary or (active and not is_active(instance, wholly=True)):
            if active or clone.unique or inactive:
                yield from _resource(instance, deeper, inactive=inactive, with_nodes=True)
                apart.update(node for part in active for node in part.nodes)
            continue
        for part in active[:1]:
            role = part.role if part.role in nodes else Role.STARTED
            nodes[role] += part.nodes
        standin = standin or any(part.standin for part in active)
    mark = " (stand-in)" if standin else ""
    names = {Role.PROMOTED: "Masters", Role.UNPROMOTED: "Slaves", Role.STARTED: "Started"}
    for role, members in nodes.items():
        if members:
            yield f"{deeper}{names[role]}: {bracketed(sorted(members))}{mark}"
    if inactive and not clone.unique:
        used = {node for members in nodes.values() for node in members} | apart
        idle = [name for name in _possible_nodes(clone) if name not in used]
        if idle:
            yield f"{deeper}Stopped: {bracketed(idle)}"


def _possible_nodes(clone: ResourceStatus) -> list[str]:
    """Where a clone could run but does not: its ``locations`` name those nodes as stopped."""
    return sorted(name for name, role in clone.locations.items() if role is Role.STOPPED)


def _flags(resource: ResourceStatus) -> str:
    if resource.maintenance:
        return " (maintenance)"
    flags = "" if resource.managed else " (unmanaged)"
    if mon_facts.is_disabled(resource) and resource.kind is not ResourceKind.PRIMITIVE:
        flags += " (disabled)"
    return flags


def _state(resource: ResourceStatus, *, with_nodes: bool) -> str:
    words = ["ORPHANED"] if resource.orphan else []
    if resource.failed:
        words.append("FAILED")
        if resource.role is Role.PROMOTED:
            words.append(classic_role(resource.role))
    elif pending_state(resource.pending_task):
        words.append(pending_state(resource.pending_task))
    else:
        words.append(classic_role(resource.role))
    if with_nodes and resource.nodes:
        words.append(resource.nodes[0] if len(resource.nodes) == 1 else bracketed(resource.nodes))
    if pending_flag(resource.pending_task):
        words.append(f"({pending_flag(resource.pending_task)})")
    if mon_facts.is_disabled(resource):
        words.append("(disabled)")
    if resource.blocked:
        words.append("(blocked)")
    elif resource.maintenance:
        words.append("(maintenance)")
    elif not resource.managed:
        words.append("(unmanaged)")
    if resource.failure_ignored:
        words.append("(failure ignored)")
    if resource.locked_to:
        words.append(f"(LOCKED to {resource.locked_to})")
    if resource.standin:
        words.append("(stand-in)")
    return " ".join(words)


def _attribute_block(chosen: Chosen) -> list[str]:
    lines = ["Node Attributes:"]
    for node in chosen.nodes:
        if not node.online:
            continue
        lines.append(f"* Node {node.name}:")
        for name, value in mon_facts.shown_attributes(node):
            lines.append(f"    + {name:<32}\t: {value}".expandtabs(8).rstrip())
    return lines


def _history_block(cib: Cib, chosen: Chosen, now: datetime, options: MonOptions) -> list[str]:
    lines = ["Operations:" if options.operations else "Migration summary:"]
    for node in chosen.histories(mon_history.histories(cib, chosen.status)):
        if not node.resources:
            continue
        lines.append(f"* Node {node.node}:")
        for resource in node.resources:
            name = resource.resource
            if not options.operations and not resource.fail_count:
                continue
            line = f"   {name}: {'orphan' if resource.orphan else ''}".rstrip()
            if not resource.orphan:
                line += f" migration-threshold={resource.migration_threshold}"
            if resource.fail_count:
                line += f" fail-count={mon_facts.score_text(resource.fail_count)}"
            if resource.last_failure:
                line += f" last-failure='{unix_clock_text(resource.last_failure, now)}'"
            lines.append(line)
            if options.operations:
                lines += [_operation(entry, now, options) for entry in resource.operations]
    return lines


def _operation(entry: OperationRecord, now: datetime, options: MonOptions) -> str:
    line = f"    + ({entry.call}) {entry.task}:"
    if entry.interval_ms:
        line += f" interval={entry.interval_ms}ms"
    if options.timing:
        for name, moment in (("last-rc-change", entry.last_change), ("last-run", entry.last_run)):
            if moment:
                line += f" {name}='{unix_clock_text(moment, now)}'"
        for name, duration in (("exec-time", entry.exec_ms), ("queue-time", entry.queue_ms)):
            if duration:
                line += f" {name}={duration}ms"
    return f"{line} rc={entry.rc} ({exit_text(entry.rc, classic=True)})"


def _failure_block(chosen: Chosen, now: datetime) -> list[str]:
    lines = [failed_action(entry, now) for entry in chosen.failures()]
    return ["Failed actions:", *lines] if lines else []


def failed_action(entry: FailedAction, now: datetime) -> str:
    """One line of the failed actions, with everything that is known about it."""
    details = f"call={entry.call_id}, status={status_text(entry.status, classic=True)}"
    if entry.last_change:
        details += (
            f", last-rc-change='{unix_clock_text(entry.last_change, now)}'"
            f", queued={entry.queued_ms}ms, exec={entry.exec_ms}ms"
        )
    if entry.exit_reason:
        details += f", exitreason='{entry.exit_reason}'"
    code = f"'{exit_text(entry.rc, classic=True)}' ({entry.rc})"
    return f"    {entry.key} on {entry.node} {code}: {details}"


def _ticket_block(cib: Cib, now: datetime) -> list[str]:
    lines = ["Tickets:"]
    for ticket in mon_facts.tickets(cib):
        state = "granted" if ticket.granted else "revoked"
        line = f"* {ticket.id}:\t{state}{' [standby]' if ticket.standby else ''}".expandtabs(8)
        if ticket.last_granted:
            line += f" last-granted='{unix_clock_text(ticket.last_granted, now)}'"
        lines.append(line)
    return lines


def _ban_block(bans: list[Ban]) -> list[str]:
    lines = ["Negative location constraints:"]
    for ban in bans:
        role = " (with role Master)" if ban.promoted_only else ""
        score = "-INFINITY" if ban.score <= -INFINITY else str(ban.score)
        line = f"{ban.id}\tprevents {ban.resource} from running on {ban.node}{role}"
        lines.append(line.expandtabs(8))
        if score != "-INFINITY":
            lines[-1] += f" (score {score})"
    return lines

"""``crm_mon -1`` in the layout of Pacemaker 3 (``--layout modern``).

Input: the CIB with its status, the ``ClusterStatus`` made from it, and ``now`` in the zone in
which times are shown. Output: the whole text, with a newline at the end.

The text is nested lists: sections have a title, their entries a ``*`` and two blanks of indent per
level. The rules (what is listed by name and what gets a line of its own, which flags stand in
which order) follow what Pacemaker 3 prints; a recorded collection of its output is compared with
ours in the tests. A stand-in is marked as in the classic layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crmsh_py.cib.durations import readable_ms
from crmsh_py.scheduler.result import ClusterStatus, FailedAction, NodeStatus, ResourceKind
from crmsh_py.views import mon_brief, mon_facts, mon_filter
from crmsh_py.views.mon_facts import MonOptions
from crmsh_py.views.mon_modern_resources import Drawer
from crmsh_py.views.text import (
    NO_SCHEMA,
    bracketed,
    clock_text,
    counted,
    exit_text,
    joined,
    parse_int,
    status_text,
    unix_clock_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.result import ResourceStatus
    from crmsh_py.views.bans import Ban
    from crmsh_py.views.mon_filter import Chosen
    from crmsh_py.views.mon_history import OperationRecord, ResourceHistory

_TITLES = {"remote": "RemoteNode", "guest": "GuestNode"}
_LISTS = {
    ("member", True): "Online",
    ("member", False): "OFFLINE",
    ("remote", True): "RemoteOnline",
    ("remote", False): "RemoteOFFLINE",
    ("guest", True): "GuestOnline",
}


def render(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
) -> str:
    """The text of ``crm_mon -1`` with these options."""
    text = body(cib, status, now=now, options=options or MonOptions())
    return text if cib.schema != "none" else f"{NO_SCHEMA}\n{text}"


def body(cib: Cib, status: ClusterStatus, *, now: datetime, options: MonOptions) -> str:
    """The sections alone; ``crm_simulate`` shows them under titles of its own."""
    chosen = mon_filter.choose(cib, status, options)
    status = chosen.status
    drawer = Drawer(cib, chosen, options)
    sections: list[list[str]] = []
    if options.headers:
        sections.append(_summary(cib, status, now, options))
        sections += _warnings(status) if options.shows("maint-mode") else []
    if options.shows("nodes"):
        sections.append(_nodes(chosen, options, drawer))
    if options.shows("resources"):
        sections.append(_resources(chosen, options, drawer))
    if options.attributes:
        sections.append(_attributes(cib, chosen, options))
    if options.operations:
        sections.append(_operations(cib, chosen, now, options))
    elif options.fail_counts:
        sections.append(_fail_counts(cib, chosen, now, options))
    if options.failures:
        sections.append(_failures(chosen, now, options))
    if options.tickets:
        sections.append(_tickets(cib, now))
    if options.bans is not None:
        from crmsh_py.views.bans import find_bans

        sections.append(_bans(chosen.bans(find_bans(cib, status, now=now, prefix=options.bans))))
    text = "\n\n".join(joined(section) for section in sections if section)
    return f"{text}\n" if text else ""


def resource_list(cib: Cib, status: ClusterStatus) -> list[str]:
    """All resources, as Pacemaker's ``crm_resource --list`` tells them: without their nodes."""
    options = MonOptions(inactive=True, places=False)
    chosen = mon_filter.choose(cib, status, options)
    return _resources(chosen, options, Drawer(cib, chosen, options))


def state_lines(cib: Cib, status: ClusterStatus, resource: ResourceStatus) -> list[str]:
    """The state of one resource of ``status``: its line or, of a container, those of its parts."""
    options = MonOptions()
    chosen = mon_filter.choose(cib, status, options)
    called = mon_filter.as_called(status, chosen, resource)
    own = 0 if called.kind is ResourceKind.PRIMITIVE else 1
    return [
        f"{'  ' * (depth - own - 1)}{'* ' if depth > own else ''}{text}"
        for depth, text in Drawer(cib, chosen, options).lines(called)
        if depth >= own
    ]


def _entry(depth: int, text: str) -> str:
    return f"{'  ' * depth}* {text}"


def _section(title: str, entries: Iterable[str]) -> list[str]:
    """A section with its title; none at all when it has no entries."""
    lines = list(entries)
    return [f"{title}:", *lines] if lines else []


def _named(name: str, status: ClusterStatus, options: MonOptions) -> str:
    """A node's name; with details also its id, where that says something else, and the node that
    a guest is on.
    """
    node = next((node for node in status.nodes if options.detail and node.name == name), None)
    if node is None:
        return name
    if node.kind == "guest":
        carriers = (p for p in mon_facts.primitives(status.resources) if p.id == node.container)
        return f"{name}@{''.join(next((p.nodes[:1] for p in carriers), ()))}"
    return name if node.id in ("", name) else f"{name} ({node.id})"


def _summary(cib: Cib, status: ClusterStatus, now: datetime, options: MonOptions) -> list[str]:
    lines: list[str] = []
    if options.shows("stack"):
        running = " (Pacemaker is running)" if options.live_on else ""
        lines.append(f"Stack: {status.stack or 'unknown'}{running}")
    if options.shows("dc"):
        lines.append(_dc_line(status, options))
    if options.shows("times"):
        told_by = f" on {options.live_on}" if options.live_on else ""
        lines.append(f"Last updated: {clock_text(now)}{told_by}")
        change = mon_facts.last_change(cib)
        by = (("by", change.user), ("via", change.client), ("on", change.origin))
        written = "".join(f" {word} {value}" for word, value in by if value)
        lines.append(f"Last change:  {change.time}{written}")
    if options.shows("counts"):
        lines.append(f"{counted(len(status.nodes), 'node')} configured")
        limits = [f"{status.disabled} DISABLED"] if status.disabled else []
        if status.blocked:
            limits.append(f"{status.blocked} BLOCKED from further action due to failure")
        total = counted(status.primitives_configured, "resource instance")
        limited = f" ({', '.join(limits)})" if limits else ""
        lines.append(f"{total} configured{limited}")
    return _section("Cluster Summary", (_entry(1, line) for line in lines))


def _dc_line(status: ClusterStatus, options: MonOptions) -> str:
    if not status.dc:
        return "Current DC: NONE"
    quorum = "with" if status.quorate else "WITHOUT"
    version = status.dc_version or "unknown"
    dc = _named(status.dc, status, options)
    return f"Current DC: {dc} (version {version}) - partition {quorum} quorum"


def _warnings(status: ClusterStatus) -> list[list[str]]:
    if status.maintenance_mode:
        return [
            [
                "              *** Resource management is DISABLED ***",
                "  The cluster will not attempt to start, stop or recover services",
            ]
        ]
    if status.stop_all:
        return [
            [
                "    *** Resource management is DISABLED ***",
                "  The cluster will keep all resources stopped",
            ]
        ]
    return []


def node_words(node: NodeStatus, *, busy: bool) -> str:
    """A node's state; ``busy`` tells whether anything runs there."""
    if node.unclean:
        state = "online" if node.online else "pending" if node.pending else "offline"
        words = f"UNCLEAN ({state})"
    elif node.pending:
        words = "pending"
    elif node.standby_on_fail and node.online:
        words = "standby (on-fail)"
    elif node.standby:
        if node.online:
            words = "standby (with active resources)" if busy else "standby"
        else:
            words = "OFFLINE (standby)"
    elif node.maintenance:
        words = "maintenance" if node.online else "OFFLINE (maintenance)"
    else:
        words = "online" if node.online else "OFFLINE"
    if node.health != "green":
        words += f" (health is {node.health.upper()})"
    return words


def _nodes(chosen: Chosen, options: MonOptions, drawer: Drawer) -> list[str]:
    entries: list[str] = []
    lists: dict[str, list[str]] = {}
    for node in chosen.nodes:
        here = drawer.running_on(node)
        words = node_words(node, busy=bool(here))
        if options.detail and (feature_set := mon_facts.feature_set(node)):
            words += f", feature set {feature_set}"
        if words in ("online", "OFFLINE") and not (options.by_node or options.detail):
            title = _LISTS.get((node.kind, node.online))
            if title:
                lists.setdefault(title, []).append(node.name)
            continue
        name = _named(node.name, chosen.status, options)
        line = f"{_TITLES.get(node.kind, 'Node')} {name}: {words}"
        if not options.by_node:
            entries.append(_entry(1, line))
            continue
        if options.brief:  # what is counted is told, be it only implied
            here = drawer.running_on(node, implied=True)
            texts = mon_brief.tally_on(node.name, here, away=drawer.away)
        else:
            texts = [drawer.primitive_on(primitive, node.name) for primitive in here]
        if here or not options.brief:
            entries += [_entry(1, f"{line}:"), _entry(2, "Resources:")]
            entries += [_entry(3, text) for text in texts]
    for title in _LISTS.values():
        if title in lists:
            entries.append(_entry(1, f"{title}: {bracketed(lists[title])}"))
    # Nodes on which nothing is to be counted are not listed, but they are there.
    return ["Node List:", *entries] if chosen.nodes else []


def _resources(chosen: Chosen, options: MonOptions, drawer: Drawer) -> list[str]:
    if options.by_node and not options.inactive:
        return []
    entries: list[str] = []
    counted_only = options.brief and not options.by_node
    if counted_only:
        alone = [r for r in chosen.resources if r.kind is ResourceKind.PRIMITIVE]
        tally = mon_brief.tally(alone, totals=options.inactive, away=drawer.away)
        entries += [_entry(1, text) for text in tally]
    for resource in chosen.resources:
        if counted_only and resource.kind is ResourceKind.PRIMITIVE:
            continue
        whole = drawer.whole(resource)
        if resource.orphan and not drawer.active(whole, wholly=True):
            continue
        if options.by_node:
            if drawer.active(whole, wholly=True):
                continue
        elif not options.inactive and not drawer.active(resource, wholly=False):
            continue
        if not drawer.hidden(resource):
            entries += [_entry(depth + 1, text) for depth, text in drawer.lines(resource)]
    if options.inactive:
        title = "Inactive Resources" if options.by_node else "Full List of Resources"
        nothing = "No inactive resources" if options.by_node else "No resources"
    else:
        title, nothing = "Active Resources", "No active resources"
    return _section(title, entries or [_entry(1, nothing)])


def _attributes(cib: Cib, chosen: Chosen, options: MonOptions) -> list[str]:
    entries: list[str] = []
    status = chosen.status
    for node in chosen.nodes:
        shown = mon_facts.shown_attributes(node)
        if not node.online or not shown:
            continue
        entries.append(_entry(1, f"Node: {_named(node.name, status, options)}:"))
        expected = mon_facts.expected_scores(cib, status, node)
        for name, value in shown:
            line = f"{name:<32}\t: {value:<10}"
            if name in expected:
                score = parse_int(value)
                if score <= 0:
                    line += "\t: Connectivity is lost"
                elif score < expected[name]:
                    line += f"\t: Connectivity is degraded (Expected={expected[name]})"
            entries.append(_entry(2, line))
    return _section("Node Attributes", entries)


def _history_line(resource: ResourceHistory, now: datetime) -> str:
    if resource.orphan:
        return f"{resource.resource}: orphan"
    line = f"{resource.resource}: migration-threshold={resource.migration_threshold}"
    if resource.fail_count:
        line += f" fail-count={resource.fail_count}"
    if resource.last_failure:
        line += f" last-failure='{unix_clock_text(resource.last_failure, now)}'"
    return line


def _operations(cib: Cib, chosen: Chosen, now: datetime, options: MonOptions) -> list[str]:
    from crmsh_py.views import mon_history

    lines: list[str] = []
    status = chosen.status
    nodes = chosen.histories(mon_history.histories(cib, status))
    for node in nodes:
        with_operations = [entry for entry in node.resources if entry.operations]
        if with_operations:
            lines.append(_entry(1, f"Node: {_named(node.node, status, options)}:"))
        for resource in with_operations:
            lines.append(_entry(2, f"{_history_line(resource, now)}:"))
            for record in resource.operations:
                lines.append(_entry(3, _operation(record, now, options)))
    # The title stands as soon as a node is there that could have a history.
    return ["Operations:", *lines] if nodes else []


def _operation(record: OperationRecord, now: datetime, options: MonOptions) -> str:
    values: list[tuple[str, str]] = []
    if record.interval_ms:
        values.append(("interval", f"{record.interval_ms}ms"))
    if options.timing:
        if record.last_change:
            values.append(("last-rc-change", unix_clock_text(record.last_change, now)))
        if record.exec_ms:
            values.append(("exec-time", f"{parse_int(record.exec_ms)}ms"))
        if record.queue_ms:
            values.append(("queue-time", f"{parse_int(record.queue_ms)}ms"))
    text = " ".join(f'{name}="{value}"' for name, value in values)
    if options.timing:
        text += f"{' ' if text else ''}rc={record.rc} ({exit_text(record.rc)})"
    return f"({record.call}) {record.task}{': ' if text else ''}{text}"


def _fail_counts(cib: Cib, chosen: Chosen, now: datetime, options: MonOptions) -> list[str]:
    from crmsh_py.views import mon_history

    entries: list[str] = []
    nodes = chosen.histories(mon_history.histories(cib, chosen.status))
    for node in nodes:
        failed = [entry for entry in node.resources if entry.fail_count]
        if failed:
            entries.append(_entry(1, f"Node: {_named(node.node, chosen.status, options)}:"))
            entries += [_entry(2, _history_line(entry, now)) for entry in failed]
    # The title stands as soon as a node is there that could have failures.
    return ["Migration Summary:", *entries] if nodes else []


def _failures(chosen: Chosen, now: datetime, options: MonOptions) -> list[str]:
    told = detailed_failure if options.detail else failed_action
    return _section(
        "Failed Resource Actions",
        (_entry(1, told(entry, now)) for entry in chosen.failures()),
    )


def detailed_failure(entry: FailedAction, now: datetime) -> str:
    """One failure with all that is recorded of it."""
    text = f"{entry.key} on {entry.node} '{exit_text(entry.rc)}' ({entry.rc}): "
    text += f"call={entry.call_id}, status='{status_text(entry.status)}'"
    if entry.exit_reason:
        text += f", exitreason='{entry.exit_reason}'"
    if moment := unix_clock_text(entry.last_change, now):
        text += f", last-rc-change='{moment}'"
    return f"{text}, queued={entry.queued_ms}ms, exec={entry.exec_ms}ms"


def failed_action(entry: FailedAction, now: datetime) -> str:
    """One failure as a sentence."""
    resource, operation, interval_ms = mon_facts.failed_operation(entry)
    if interval_ms:
        operation = f"{readable_ms(interval_ms)}-interval {operation}"
    elif operation == "monitor":
        operation = "probe"
    text = f"{resource} {operation} on {entry.node} "
    if entry.status == 0:
        text += f"returned '{exit_text(entry.rc)}'"
        if entry.exit_reason:
            text += f" ({entry.exit_reason})"
    else:
        reason = f": {entry.exit_reason}" if entry.exit_reason else ""
        text += f"could not be executed ({status_text(entry.status)}{reason})"
    if moment := unix_clock_text(entry.last_change, now):
        text += f" at {moment}"
    if entry.exec_ms:
        text += f" after {readable_ms(entry.exec_ms)}"
    return text


def _tickets(cib: Cib, now: datetime) -> list[str]:
    entries = []
    for ticket in mon_facts.tickets(cib):
        line = f"{ticket.id}\t{'granted' if ticket.granted else 'revoked'}"
        if ticket.standby:
            line += " [standby]"
        if ticket.last_granted:
            line += f' last-granted="{unix_clock_text(ticket.last_granted, now)}"'
        entries.append(_entry(1, line))
    return _section("Tickets", entries)


def _bans(bans: list[Ban]) -> list[str]:
    return _section(
        "Negative Location Constraints",
        (
            _entry(
                1,
                f"{ban.id}\tprevents {ban.resource} from running "
                f"{'as Promoted ' if ban.promoted_only else ''}on {ban.node}",
            )
            for ban in bans
        ),
    )

"""``crm_simulate`` as text: the state before and after, the summary, the events, the scores.

Input: the state of a plan (``scheduler.state``) and the values made from it; output: lines in the
layout of Pacemaker 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crmsh_py.cib.scores import format_score
from crmsh_py.scheduler import summary
from crmsh_py.scheduler.model import ROLE_NAMES, STARTED, UNPROMOTED
from crmsh_py.scheduler.result import ClusterStatus, ResourceStatus
from crmsh_py.scheduler.state import UTILIZATION
from crmsh_py.value import replace
from crmsh_py.views import mon_modern
from crmsh_py.views.mon_facts import MonOptions
from crmsh_py.views.text import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.injection import Changes, Counted
    from crmsh_py.scheduler.simulation import Event
    from crmsh_py.scheduler.state import State
    from crmsh_py.scheduler.summary import Line

_MAINTENANCE = (
    "\n"
    "              *** Resource management is DISABLED ***\n"
    "  The cluster will not attempt to start, stop or recover services\n"
)


def status(
    cib: Cib,
    shown: ClusterStatus,
    title: str,
    *,
    now: datetime,
    pending: bool = True,
    attributes: bool = False,
    fail_counts: bool = False,
) -> str:
    """The nodes and resources under a title, with or without what is under way."""
    if not pending:
        shown = replace(shown, resources=tuple(_settled(each) for each in shown.resources))
    options = MonOptions(
        inactive=True, headers=False, failures=False, attributes=attributes, fail_counts=fail_counts
    )
    text = mon_modern.body(cib, shown, now=now, options=options)
    lines = [f"{title}:"]
    for line in text.splitlines():
        if not line:
            lines.append("")
        elif line.startswith(" "):
            lines.append(f"  {line}")
        else:
            lines.append(f"  * {line}")
    return joined(lines) + "\n"


def _settled(resource: ResourceStatus) -> ResourceStatus:
    children = tuple(_settled(child) for child in resource.children)
    return replace(resource, pending_task="", children=children)


def limits(shown: ClusterStatus) -> str:
    """What stands before everything: maintenance, disabled and blocked instances; '' for none."""
    parts = [_MAINTENANCE] if shown.maintenance_mode else []
    if shown.disabled or shown.blocked:
        parts.append(
            f"{shown.disabled} of {shown.primitives_configured} resource instances DISABLED and "
            f"{shown.blocked} BLOCKED from further action due to failure\n"
        )
    return "\n".join(parts)


def modifications(changes: Changes, counted: Iterable[Counted] = ()) -> str:
    """What was changed before anything was decided, and the failures that were counted for it."""
    lines = ["Performing Requested Modifications:"]
    if changes.quorum is not None:
        lines.append(f"  * Setting quorum: {changes.quorum}")
    if changes.watchdog is not None:
        lines.append(f"  * Setting watchdog: {changes.watchdog}")
    lines += [f"  * Bringing node {name} online" for name in changes.nodes_up]
    lines += [f"  * Taking node {name} offline" for name in changes.nodes_down]
    lines += [f"  * Failing node {name}" for name in changes.nodes_failed]
    for ticket, attribute, value in changes.tickets:
        if attribute == "standby":
            text = f"Making ticket {ticket} standby" if value else f"Activating ticket {ticket}"
        else:
            text = f"{'Granting' if value else 'Revoking'} ticket {ticket}"
        lines.append(f"  * {text}")
    for spec in changes.operations:
        lines.append(f"  * Injecting {spec} into the configuration")
        lines += [
            f"  * Injecting attribute {each.name}={each.value} into /node_state '{each.node_id}'"
            for each in counted
            if each.spec == spec
        ]
    return joined(lines) + "\n"


# ---- the summary ---------------------------------------------------------------------------------


def transition_summary(state: State) -> str:
    """What is to be done, one line for each node and resource."""
    lines = ["Transition Summary:"]
    for what, vertex in summary.node_lines(state):
        node = vertex.node
        name = node.name if node is not None else ""
        if node is not None and node.launcher is not None:
            name += f" (resource: {node.launcher.id})"
        if vertex.reason:
            lines.append(f"  * {what} {name} '{vertex.reason}'")
    changes = [(line, _details(line), _reason(line)) for line in summary.resource_lines(state)]
    name_width = details_width = 5
    for line, details, _ in changes:
        # Not the widest name, but the last one that was too wide for what had been kept for it.
        if len(line.resource.id) > name_width:
            name_width = len(line.resource.id) + 2
        details_width = max(details_width, len(details))
    for line, details, reason in changes:
        lines.append(
            f"  * {line.change:<8}   {line.resource.id:<{name_width}}   "
            f"( {details:>{details_width}} ){'  ' if reason else ''}{reason}"
        )
    return joined(lines) + "\n"


def _reason(line: Line) -> str:
    if line.reason and line.blocked:
        return f"due to {line.reason} (blocked)"
    if line.reason:
        return f"due to {line.reason}"
    return "blocked" if line.blocked else ""


def _details(line: Line) -> str:
    """From where and which role to where and which role, leaving out what goes without saying."""
    resource = line.resource
    before, after = ROLE_NAMES[resource.orig_role], ROLE_NAMES[resource.next_role]
    with_roles = resource.orig_role > STARTED or resource.next_role > UNPROMOTED
    origin = line.origin.name if line.origin is not None else ""
    target = line.destination.name if line.destination is not None else ""
    if not origin:
        return f"{before} -> {after} {target}" if with_roles else target
    if not target:
        return f"{before} {origin}" if with_roles else origin
    same_role = before == after
    if origin == target:
        if not same_role:
            return f"{before} -> {after} {origin}"
        return f"{before} {origin}" if with_roles else origin
    if same_role:
        return f"{origin} -> {target}{f' {before}' if with_roles else ''}"
    return f"{before} {origin} -> {after} {target}"


def reasons(state: State, resource: str = "") -> str:
    """Why a traced plan is what it is: all of it, or one resource."""
    from crmsh_py.scheduler import explain

    if resource:
        lines = list(explain.of_resource(state, resource))
        return joined(["Reasons:", *lines]) + "\n"
    actions = [f"  {line}" for line in explain.actions(state)]
    parts = ["Reasons:", *explain.report(state)]
    return joined([*parts, "", "Actions and their reasons:", *actions]) + "\n"


# ---- events and scores ---------------------------------------------------------------------------


def event(happened: Event) -> str:
    """One line for something that happened."""
    from crmsh_py.scheduler.simulation import EventKind

    on = f" on {happened.node}" if happened.node else ""
    match happened.kind:
        case EventKind.PSEUDO:
            return f"  * Pseudo action:   {happened.task}{on}"
        case EventKind.FENCING:
            return f"  * Fencing {happened.node} ({happened.task})"
        case EventKind.CLUSTER if happened.resource:
            return f"  * Cluster action:  {happened.task} for {happened.resource}{on}"
        case EventKind.CLUSTER:
            return f"  * Cluster action:  {happened.task}{on}"
        case EventKind.FAILURE:
            return f"Pretending action {happened.number} failed with rc={happened.task}"
        case EventKind.ATTRIBUTE:
            return f"  * Injecting attribute {happened.task} into /node_state '{happened.node}'"
        case EventKind.RESOURCE:
            every = f"={happened.interval_ms}" if happened.interval_ms else ""
            return f"  * Resource action: {happened.resource:<15} {happened.task}{every}{on}"


def events(happened: Iterable[Event]) -> str:
    """The whole transition, line by line."""
    return joined(["Executing Cluster Transition:", *map(event, happened)]) + "\n"


def assignment_title(*, scores: bool, utilization: bool) -> str:
    """What stands over the lines of ``assignment``."""
    if scores and utilization:
        return "Assignment Scores and Utilization Information"
    return "Assignment Scores" if scores else "Utilization Information"


def assignment(
    state: State, *, scores: bool, utilization: bool, explained: bool = False
) -> list[str]:
    """The scores of every stage of the assignment in its order, maybe with what they sum up; the
    capacities of nodes before and after, and who takes what.
    """
    lines = []
    if utilization:
        lines += [f"Original: {n} capacity:{_values(c)}" for n, c in state.capacities.items()]
    lines += _kept(state, scores=scores, utilization=utilization, explained=explained)
    if utilization:
        lines += [f"Remaining: {n.name} capacity:{_values(n.utilization)}" for n in state.nodes]
    return lines


def _values(values: dict[str, int]) -> str:
    return "".join(f" {name}={value}" for name, value in values.items())


def _kept(state: State, *, scores: bool, utilization: bool, explained: bool) -> list[str]:
    from crmsh_py.scheduler import explain

    lines = []
    for kept in state.kept_scores():
        if kept.stage == UTILIZATION:
            if utilization:
                taken = _values(state.by_id[kept.resource].utilization)
                lines.append(
                    f"pcmk__finalize_assignment: {kept.resource} utilization on {kept.node}:{taken}"
                )
            continue
        if not scores:
            continue
        score = format_score(kept.score)
        if kept.stage == "promotion":
            place = f"on {kept.node}" if kept.node else "(inactive)"
            lines.append(f"{kept.resource} promotion score {place}: {score}")
        else:
            lines.append(f"{kept.stage}: {kept.resource} allocation score on {kept.node}: {score}")
        if explained:
            lines += [f"    {line}" for line in explain.sum_of(kept)]
    return lines

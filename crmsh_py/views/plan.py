"""What a plan will do, as a table of actions with their reasons."""

from __future__ import annotations

from crmsh_py.regex import regex
from crmsh_py.scheduler import reasons
from crmsh_py.scheduler.result import Change, Plan, ResourceChange
from crmsh_py.value import frozen
from crmsh_py.views.text import legible

_COLOURS = {
    Change.START: "32",
    Change.STOP: "31",
    Change.MOVE: "33",
    Change.MIGRATE: "33",
    Change.RESTART: "33",
    Change.RECOVER: "33",
    Change.RELOAD: "36",
    Change.PROMOTE: "32",
    Change.DEMOTE: "33",
    Change.FENCE: "1;31",
}
# Of what is made up nobody has to be warned: the changes tell what comes of it.
_OF_THE_EVENT = regex(
    r"Unexpected result |Scheduling node \S+ for fencing$|.* will be fenced: |\S+ is unclean$"
)


@frozen(kw_only=True)
class PlannedChange:
    """What will happen to a resource (or to a node: ``fence``), and why."""

    change: str  # start, stop, move, migrate, restart, recover, reload, promote, demote, fence
    resource: str
    from_node: str
    from_role: str
    to_node: str
    to_role: str
    blocked: bool
    because: str


@frozen(kw_only=True)
class PlanRecord:
    """A plan: the resources that change, and what was found in the configuration on the way."""

    changes: tuple[PlannedChange, ...]
    messages: tuple[str, ...]
    settled: bool  # nothing would change
    event: str  # what is supposed to have happened; '' for a plan of what is there


def plan_record(plan: Plan, *, event: str = "") -> PlanRecord:
    """The plan for programs."""
    changes = tuple(
        PlannedChange(
            change=change.change.value,
            resource=change.resource,
            from_node=change.from_node,
            from_role=change.from_role.value,
            to_node=change.to_node,
            to_role=change.to_role.value,
            blocked=change.blocked,
            because=reasons.because(change.reasons),
        )
        for change in plan.changes
        if change.change is not Change.LEAVE
    )
    messages = tuple(f"{message.level}: {message.text}" for message in plan.messages)
    return PlanRecord(changes=changes, messages=messages, settled=not changes, event=event)


def render(plan: Plan, *, colour: bool = False, event: str = "") -> str:
    """One line per resource that changes; a sentence when nothing does.

    ``event`` is what is supposed to have happened before.
    """
    changes = [change for change in plan.changes if change.change is not Change.LEAVE]
    told = [m for m in plan.messages if not (event and _OF_THE_EVENT.match(m.text))]
    lines = [f"{message.level}: {legible(message.text)}" for message in told]
    if event:
        lines.append(f"After {event}:" if changes else f"After {event}, nothing would change.")
    if not changes:
        if not event:
            lines.append("Nothing would change: the cluster is settled.")
        return "\n".join(lines)
    width = max(len(change.resource) for change in changes)
    lines += [_line(change, width, colour) for change in changes]
    stopping = sum(change.change is Change.STOP for change in changes)
    lines.append(
        f"{len(changes)} to change" + (f", {stopping} of them to stop" if stopping else "")
    )
    return "\n".join(lines)


def _line(change: ResourceChange, width: int, colour: bool) -> str:
    word = f"{change.change.value:<8}"
    if colour:
        word = f"\033[{_COLOURS.get(change.change, '0')}m{word}\033[0m"
    text = f"{change.resource:<{width}}  {_places(change)}"
    if change.blocked:
        text += "  (blocked)"
    because = reasons.because(change.reasons)
    return f"  {word} {legible(f'{text.rstrip()}  {because}'.rstrip())}"


def _places(change: ResourceChange) -> str:
    if change.from_node and change.to_node and change.from_node != change.to_node:
        return f"{change.from_node} -> {change.to_node}"
    place = change.to_node or change.from_node
    if change.change in (Change.PROMOTE, Change.DEMOTE):
        return f"{place} ({change.from_role.value} -> {change.to_role.value})"
    return place

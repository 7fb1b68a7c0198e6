"""The logs of nodes as events: ``crm history``. Pure: lines in, records and text out.

A line of a node's log is ``Jul 28 19:53:46 notice  [CRMD  ] text``; agents write theirs as
``Jul 28 19:53:46  apache(WebSite)[12]:    INFO: text``, Pacemaker and Corosync with fractions of
seconds, their host and their process. The year is not in it: it is the newest one
in which the line is not in the future of ``now``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from crmsh_py.regex import regex
from crmsh_py.value import frozen
from crmsh_py.views.text import joined

_STAMP = regex(r"(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)? ")
_OURS = regex(r"(?P<level>\w+) +\[(?P<subsystem>[^\]]*)\] ?(?P<text>.*)")
_PACEMAKER = regex(
    r"\S+ +(?P<subsystem>pacemaker[\w-]*) *\[\d+\] +\([^)]*\)\s+(?P<level>\w+): (?P<text>.*)"
)
_COROSYNC = regex(r"\[\d+\] \S+ corosync +(?P<level>\w+) +\[(?P<subsystem>[^\]]*)\] ?(?P<text>.*)")
_AGENT = regex(r" *(?P<agent>[\w.-]+)\((?P<resource>[^)]+)\)\[\d+\]:?\s*(?P<text>.*)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOMORROW = timedelta(days=1)  # clocks of nodes may differ

# What is an event for a person, and not only a step on the way to one.
_EVENTS = regex(
    r"new membership|primary component|designated controller|Members\[|"
    r"is lost|has left|fenc|[Tt]erminat|standby|maintenance|quorum|"
    r"_(?:start|stop|promote|demote|migrate_to|migrate_from)_0|"
    r"Transition \d+ is|cluster manager|failed|[Rr]efused|did not end"
)
_STEPS = regex(r"is asked for|_monitor_0\b")
_TRANSITION = regex(
    r"Transition (?P<number>\d+) is (?P<result>complete|over early|void)\b(?P<rest>.*)"
)
# Pacemaker's: done, then four kinds of not done, then how it ended.
_GRAPH = regex(
    r"Transition (?P<number>\d+) \(Complete=(?P<done>\d+), Pending=(\d+), Fired=\d+, "
    r"Skipped=(\d+), Incomplete=(\d+),[^)]*\): (?P<result>\w+)"
)
_PLANNED = "Actions: "  # before what Pacemaker plans
_REASON = regex(r" \((?P<in_brackets>.*)\): \d|: (?P<after>(?!\d+ of).*)")
_ACTIONS = regex(r"(?P<done>\d+) of (?P<all>\d+) actions")
_CHANGE = regex(r"^[\w:.-]+: \w+ .*|^\w+ [\w:.-]+$")

_PLANNERS = ("PENGINE", "pacemaker-schedulerd")
_CONTROLLERS = ("CRMD", "pacemaker-controld")
# Who decides and acts on resources.
MANAGERS = (*_PLANNERS, *_CONTROLLERS, "LRMD", "pacemaker-execd")


@frozen(kw_only=True)
class LogEntry:
    """A line that was read. ``subsystem`` is '' and ``agent`` is set for lines of agents."""

    at: datetime
    node: str
    level: str
    subsystem: str
    agent: str
    text: str
    line: str


@frozen(kw_only=True)
class EventRecord:
    """A line of a log, or a commit, for programs; ``time`` is ISO 8601."""

    time: str
    node: str
    level: str
    subsystem: str
    text: str


@frozen(kw_only=True)
class Events:
    """Events in the order of time."""

    events: tuple[EventRecord, ...]


@frozen(kw_only=True)
class TransitionRecord:
    """A transition: who ran it, what it meant to do, and how it ended."""

    number: int
    node: str
    begin: str
    end: str
    result: str  # complete, over early, void
    reason: str  # why it did not end as it was meant; '' where it did
    done: int
    actions: int
    changes: tuple[str, ...]
    revision: str  # of the configuration that it began from; '' where that is not stored


@frozen(kw_only=True)
class Transitions:
    """The transitions of the logs, oldest first."""

    transitions: tuple[TransitionRecord, ...]


@frozen(kw_only=True)
class Source:
    """What there is to look at."""

    source: str
    nodes: tuple[str, ...]
    lines: int
    begin: str
    end: str
    revisions: int
    transitions: int


def read(lines: Iterable[tuple[str, str]], *, now: datetime) -> list[LogEntry]:
    """The lines (node, text) that carry a time, in the order of time; others belong to the line
    above them and are appended to it.
    """
    found: list[LogEntry] = []
    for node, line in lines:
        entry = _entry(node, line.rstrip("\n"), now)
        if entry is not None:
            found.append(entry)
    found.sort(key=lambda entry: entry.at)
    return found


def _entry(node: str, line: str, now: datetime) -> LogEntry | None:
    stamp = _STAMP.match(line)
    at = _time_of(stamp, now) if stamp else None
    if stamp is None or at is None:
        return None
    rest = line[stamp.end() :]
    level, subsystem, agent, text = "", "", "", rest.strip()
    if ours := _OURS.match(rest) or _PACEMAKER.match(rest) or _COROSYNC.match(rest):
        level, subsystem, text = ours["level"], ours["subsystem"].strip(), ours["text"]
    elif theirs := _AGENT.match(rest):
        agent, text = (
            theirs["resource"],
            f"{theirs['agent']}({theirs['resource']}): {theirs['text']}",
        )
    return LogEntry(
        at=at, node=node, level=level, subsystem=subsystem, agent=agent, text=text, line=line
    )


def _time_of(stamp: re.Match[str], now: datetime) -> datetime | None:
    try:
        month = _MONTHS.index(stamp["month"]) + 1
        hour, minute, second = map(int, stamp["clock"].split(":"))
        for year in (now.year, now.year - 1):
            at = datetime(year, month, int(stamp["day"]), hour, minute, second, tzinfo=now.tzinfo)
            if at <= now + _TOMORROW:
                return at
    except ValueError:
        pass  # the 29th of February of the wrong year, or no time at all
    return None


# ---- choosing ------------------------------------------------------------------------------------


def is_event(entry: LogEntry) -> bool:
    """Whether a line tells that something has happened."""
    if entry.level in ("error", "crit", "alert"):
        return True
    if entry.subsystem.startswith("pacemaker") and entry.level in ("info", "debug", "trace"):
        return False
    if entry.agent or _STEPS.search(entry.text):
        return False
    return bool(_EVENTS.search(entry.text))


def is_plan(entry: LogEntry) -> bool:
    """Whether a line says what was planned."""
    if entry.subsystem == "pacemaker-schedulerd":
        return entry.text.startswith(_PLANNED)
    return entry.subsystem == "PENGINE"


def about_resource(entry: LogEntry, names: Sequence[str]) -> bool:
    """Whether a line is about one of these resources."""
    for name in names:
        if entry.agent.partition(":")[0] == name:
            return True
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?=[:_ ,)]|$)", entry.text):
            return True
    return False


def about_node(entry: LogEntry, names: Sequence[str]) -> bool:
    """Whether a line is about one of these nodes: it names it, or is of its own membership."""
    own = entry.node in names and entry.subsystem in ("TOTEM", "QUORUM", "MAIN")
    return own or any(
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", entry.text) for name in names
    )


# ---- transitions ---------------------------------------------------------------------------------


def transitions(
    entries: Sequence[LogEntry], commits: Sequence[tuple[datetime, str]] = ()
) -> list[TransitionRecord]:
    """The transitions that a DC has logged; ``commits`` are (time, revision), oldest first."""
    found = []
    planned: dict[str, list[LogEntry]] = {}
    for entry in entries:
        if is_plan(entry):
            planned.setdefault(entry.node, []).append(entry)
        ended = _end_of(entry.text) if entry.subsystem in _CONTROLLERS else None
        if ended is None:
            continue
        plans = planned.pop(entry.node, [])
        begin = plans[0].at if plans else entry.at
        found.append(
            TransitionRecord(
                number=ended.number,
                node=entry.node,
                begin=begin.isoformat(),
                end=entry.at.isoformat(),
                result=ended.result,
                reason=ended.reason,
                done=ended.done,
                actions=ended.actions,
                changes=tuple(dict.fromkeys(c for p in plans if (c := _change(p.text)))),
                revision=_revision_at(begin, commits),
            )
        )
    return found


@frozen
class _End:
    """How a transition has ended."""

    number: int
    result: str
    reason: str
    done: int
    actions: int


def _end_of(text: str) -> _End | None:
    if ended := _TRANSITION.match(text):
        actions = _ACTIONS.search(text)
        done, planned = (int(actions["done"]), int(actions["all"])) if actions else (0, 0)
        number = int(ended["number"][:9])
        return _End(number, ended["result"], _reason(ended["rest"]), done, planned)
    if graph := _GRAPH.match(text):
        done, left = int(graph["done"][:9]), sum(int(graph[n][:9]) for n in (3, 4, 5))
        result = "complete" if graph["result"] == "Complete" else "over early"
        return _End(int(graph["number"][:9]), result, "", done, done + left)
    return None


def _change(text: str) -> str:
    """What a line of the planner says that is done; '' where it is about something else."""
    if text.startswith(_PLANNED):
        return " ".join(text.removeprefix(_PLANNED).split())
    return text if _CHANGE.match(text) else ""


def _reason(rest: str) -> str:
    found = _REASON.match(rest)
    return (found["in_brackets"] or found["after"] or "") if found else ""


def _revision_at(moment: datetime, commits: Sequence[tuple[datetime, str]]) -> str:
    before = [revision for at, revision in commits if at <= moment]
    return before[-1] if before else ""


# ---- text and records ----------------------------------------------------------------------------


def events(entries: Iterable[LogEntry]) -> Events:
    """Lines for programs."""
    return Events(
        events=tuple(
            EventRecord(
                time=entry.at.isoformat(),
                node=entry.node,
                level=entry.level,
                subsystem=entry.subsystem or entry.agent,
                text=entry.text,
            )
            for entry in entries
        )
    )


def text(entries: Sequence[LogEntry]) -> str:
    """One line each: time, node, what."""
    width = max((len(entry.node) for entry in entries), default=0)
    return joined(
        f"{entry.at:%b %d %H:%M:%S} {entry.node:<{width}}  "
        f"{entry.level + ': ' if entry.level in ('error', 'warning', 'crit') else ''}{entry.text}"
        for entry in entries
    )


def transitions_text(found: Sequence[TransitionRecord]) -> str:
    """A table; what each meant to do below it."""
    lines = ["  NUMBER  NODE          BEGIN                END       ACTIONS  RESULT     FROM"]
    for one in found:
        begin, end = datetime.fromisoformat(one.begin), datetime.fromisoformat(one.end)
        lines.append(
            f"  {one.number:<7} {one.node:<13} {begin:%Y-%m-%d %H:%M:%S}  {end:%H:%M:%S}  "
            f"{f'{one.done}/{one.actions}':<8} {one.result:<10} {one.revision}".rstrip()
        )
        lines += [f"            because: {one.reason}"] if one.reason else []
        lines += [f"            {change}" for change in one.changes]
    return joined(lines) if found else "no transition is in the logs"

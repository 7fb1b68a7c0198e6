"""The ``history`` level: what has happened, from the nodes' logs and the stored commits."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from crmsh_py import lang
from crmsh_py.errors import NotFound, UsageError, did_you_mean
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import history as revisions
from crmsh_py.shell import past
from crmsh_py.shell.choice import LIVE
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views import constraint_graph, log_lines
from crmsh_py.views.log_lines import LogEntry, TransitionRecord
from crmsh_py.views.records import Text
from crmsh_py.views.text import joined

_MAX_COMPARED = 250_000  # pairs of words; blocks with more are marked as a whole


def info(session: Session, call: CommandCall) -> int:
    """What there is to look at."""
    found = past.entries(session)
    chosen = past.choice(session)
    record = log_lines.Source(
        source=chosen.source,
        nodes=past.known_nodes(found),
        lines=len(found),
        begin=found[0].at.isoformat() if found else "",
        end=found[-1].at.isoformat() if found else "",
        revisions=len(past.commits(session)),
        transitions=len(log_lines.transitions(found)),
    )
    lines = [
        f"Source:      {record.source}",
        f"Nodes:       {' '.join(record.nodes)}",
        f"Time:        {record.begin or '-'} to {record.end or '-'}",
        f"Log lines:   {record.lines}",
        f"Transitions: {record.transitions}",
        f"Commits:     {record.revisions}",
    ]
    if (begin := chosen.begin or chosen.since) or chosen.end:
        lines.append(f"Limited to:  {begin or 'the beginning'} – {chosen.end or 'now'}")
    session.show(joined(lines), lambda: record)
    return 0


def latest(session: Session, call: CommandCall) -> int:
    """The newest transition, and the log from its beginning to its end."""
    return _one_transition(session, None, with_log=True)


def limit(session: Session, call: CommandCall) -> int:
    """A part of the time; without one: all of it again."""
    words = call.all("COMMAND_WORD")
    chosen = past.choice(session)
    begin = past.moment(words[0]) if words else None
    end = past.moment(words[1]) if len(words) > 1 else None
    if begin and end and end < begin:
        raise UsageError(f"{words[1]} is before {words[0]}")
    chosen.begin, chosen.end = begin, end
    session.only_for_its_time("history")
    return 0


def source(session: Session, call: CommandCall) -> int:
    """The live logs, those of a lab or of a report; without a word: which it is."""
    chosen = past.choice(session)
    wanted = call.get("FILE_NAME") or ""
    if not wanted:
        session.show(chosen.source, lambda: Text("source", (chosen.source,)))
        return 0
    from crmsh_py.lab.client import list_labs

    chosen.lines = None
    labs = list_labs(session.environ) if wanted != LIVE and not os.path.isfile(wanted) else []
    if wanted in labs:
        chosen.lines = past.from_lab(session, wanted)
    elif wanted != LIVE and not os.path.exists(wanted):
        known = f"your labs: {', '.join(labs)}" if labs else "crm report FILE makes FILE.tar.gz"
        raise NotFound(f"there is no report or lab {wanted}", hint=known)
    elif wanted != LIVE:
        wanted = os.path.abspath(wanted)
        chosen.lines = past.from_report(wanted)
    chosen.source = wanted
    session.only_for_its_time("history")
    return 0


def refresh(session: Session, call: CommandCall) -> int:
    """Read the logs again."""
    past.choice(session).lines = None
    return 0


def detail(session: Session, call: CommandCall) -> int:
    """How much ``resource``, ``node`` and ``latest`` show: 0 important lines, 1 all."""
    past.choice(session).detail = int(call.get("COUNT") or 0)
    session.only_for_its_time("history")
    return 0


def setnodes(session: Session, call: CommandCall) -> int:
    """Only these nodes; none named: all."""
    chosen = past.choice(session)
    before, chosen.nodes = chosen.nodes, ()
    try:
        chosen.nodes = _known(session, call)
    except NotFound:
        chosen.nodes = before
        raise
    session.only_for_its_time("history")
    return 0


def exclude(session: Session, call: CommandCall) -> int:
    """Leave out what matches; ``clear`` ends that, and no word tells what is left out."""
    chosen = past.choice(session)
    if call.has("CLEAR"):
        chosen.excluded.clear()
        return 0
    pattern = call.get("COMMAND_WORD")
    if pattern is None:
        found = tuple(one.pattern for one in chosen.excluded)
        session.show("\n".join(found), lambda: Text("exclude", found))
        return 0
    try:
        chosen.excluded.append(re.compile(pattern[:1000]))
    except re.error as error:
        raise UsageError(f"“{pattern}” is no regular expression: {error}") from None
    session.only_for_its_time("history")
    return 0


def events(session: Session, call: CommandCall) -> int:
    """What has happened, commits among it."""
    found = [entry for entry in past.entries(session) if log_lines.is_event(entry)]
    return _show(session, sorted([*found, *_commits(session)], key=lambda entry: entry.at))


def resource(session: Session, call: CommandCall) -> int:
    """What has happened to resources."""
    names = call.all("RESOURCE")
    found = [e for e in past.entries(session) if log_lines.about_resource(e, names)]
    if not past.choice(session).detail:
        found = [e for e in found if log_lines.is_event(e) or log_lines.is_plan(e)]
    return _show(session, found)


def node(session: Session, call: CommandCall) -> int:
    """What has happened to nodes."""
    names = _known(session, call)
    found = [e for e in past.entries(session) if log_lines.about_node(e, names)]
    if not past.choice(session).detail:
        found = [e for e in found if log_lines.is_event(e)]
    return _show(session, found)


def log(session: Session, call: CommandCall) -> int:
    """All lines of nodes, in the order of time."""
    names = _known(session, call)
    return _show(session, [e for e in past.entries(session) if not names or e.node in names])


def _known(session: Session, call: CommandCall) -> tuple[str, ...]:
    """The nodes that are named. Raises NotFound for one without a log."""
    names = call.all("NODE_NAME")
    known = past.known_nodes(past.entries(session)) if names else ()
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are those of {', '.join(known[:10])}"
            raise NotFound(f"there is no log of {name}", hint=hint)
    return names


def _show(session: Session, found: list[LogEntry]) -> int:
    session.show(log_lines.text(found), lambda: log_lines.events(found))
    if not found:
        session.console.info("nothing of that is in the logs")
    return 0


def _commits(session: Session) -> list[LogEntry]:
    zone = local_now().tzinfo
    return [
        LogEntry(
            at=datetime.fromtimestamp(one.time, zone),
            node=one.origin,
            level="",
            subsystem="CIB",
            agent="",
            text=f"commit {one.version[0]}.{one.version[1]} by {one.author} ({one.client})",
            line="",
        )
        for one in past.commits(session)
    ]


# ---- transitions ---------------------------------------------------------------------------------


def transitions(session: Session, call: CommandCall) -> int:
    """All of them: when, what, how it ended, and from which configuration."""
    found = _transitions(session)
    record = log_lines.Transitions(transitions=tuple(found))
    session.show(log_lines.transitions_text(found), lambda: record)
    return 0


peinputs = transitions


def transition(session: Session, call: CommandCall) -> int:
    """One of them (the newest); with ``log`` the lines from its beginning to its end."""
    number = call.get("COUNT")
    wanted = int(number) if number is not None else None
    return _one_transition(session, wanted, with_log=call.has("LOG"))


def _transitions(session: Session) -> list[TransitionRecord]:
    return log_lines.transitions(past.entries(session), past.commit_times(session))


def _one_transition(session: Session, number: int | None, *, with_log: bool) -> int:
    found = _transitions(session)
    fitting = [one for one in found if number is None or one.number == number]
    if not fitting:
        raise NotFound(
            "no transition is in the logs"
            if number is None
            else f"there is no transition {number}",
            hint="crm history transitions" if found else None,
        )
    one = fitting[-1]
    text = log_lines.transitions_text([one])
    if one.revision:
        text += f"\n  its configuration: crm history show {one.revision}"
    if with_log:
        begin, end = datetime.fromisoformat(one.begin), datetime.fromisoformat(one.end)
        entries = [e for e in past.entries(session) if begin <= e.at <= end]
        if not past.choice(session).detail:
            entries = [e for e in entries if e.subsystem in log_lines.MANAGERS or e.agent]
        text += "\n" + log_lines.text(entries)
    session.show(text, lambda: log_lines.Transitions(transitions=(one,)))
    return 0


# ---- configurations ------------------------------------------------------------------------------


def show(session: Session, call: CommandCall) -> int:
    """The configuration of a revision."""
    from crmsh_py.shell import configuration

    cib = revisions.at(session, call.get("REVISION") or "")
    if session.form == "xml":
        session.console.out(cib.to_xml().rstrip("\n"))
        return 0
    session.show(lang.show(cib), lambda: configuration.record(cib))
    return 0


def graph(session: Session, call: CommandCall) -> int:
    """The constraints of a revision."""
    name = call.get("REVISION") or ""
    text = constraint_graph.text(revisions.at(session, name))
    lines = tuple(text.splitlines())
    session.show(text or "no constraint says anything", lambda: Text(name, lines))
    return 0


def diff(session: Session, call: CommandCall) -> int:
    """What changed between two revisions (from one to what is now)."""
    from crmsh_py.shell import cmd_configure_look

    return cmd_configure_look.diff(session, call)


def wdiff(session: Session, call: CommandCall) -> int:
    """The same word by word: ``[-old-]`` and ``{+new+}``."""
    names = call.all("REVISION")
    old = revisions.at(session, names[0])
    new = revisions.at(session, names[1]) if len(names) > 1 else session.working.cib()
    lines = _word_diff(lang.show(old), lang.show(new))
    session.show(joined(lines), lambda: Text(" ".join(names), tuple(lines)))
    return 0


def _word_diff(old: str, new: str) -> list[str]:
    """The lines that differ, with what was taken and what was given in brackets."""
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new))
    parts: list[str] = []
    # Lines first, words only where lines differ: words alone, blanks among them, take far too long.
    for tag, a, b, c, d in _steps(before, after):
        gone, come = before[a:b], after[c:d]
        if tag == "equal":
            parts += gone
        elif len(gone) == len(come):
            for one, other in zip(gone, come, strict=True):
                parts += _marked_words(one, other)
        else:
            parts += _marked_words("".join(gone), "".join(come))
    marked = "".join(parts).split("\n")
    kept: list[str] = []
    inside = False
    for line in marked:
        if inside or "[-" in line or "{+" in line:
            kept.append(line)
        opened = max(line.rfind("[-"), line.rfind("{+"))
        closed = max(line.rfind("-]"), line.rfind("+}"))
        inside = opened > closed if max(opened, closed) >= 0 else inside
    return kept


def _marked_words(old: str, new: str) -> Iterator[str]:
    before, after = (re.findall(r"\n|[^\s]+|[ \t]+", text) for text in (old, new))
    if len(before) * len(after) > _MAX_COMPARED:
        before, after = [old], [new]
    for tag, a, b, c, d in _steps(before, after):
        gone, come = "".join(before[a:b]), "".join(after[c:d])
        if tag == "equal":
            yield gone
            continue
        yield f"[-{gone}-]" if gone.strip() else ""
        yield f"{{+{come}+}}" if come.strip() else come


def _steps(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()

"""What ``history`` looks at: the logs of nodes and the stored commits, live or from a report.

A lab's logs are here, and are read anew by every command but in the shell; those of a real cluster
are collected from its nodes once (``collected``), and again for what lies further back.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from crmsh_py.cib.dates import parse_datetime
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ConfigError, CrmError, NotFound, UsageError
from crmsh_py.regex import regex
from crmsh_py.shell.choice import LIVE, Choice
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views import log_lines
from crmsh_py.views.log_lines import LogEntry
from crmsh_py.wire.control import Revision

MAX_LOG = 64 * 1024 * 1024  # bytes of one log in a report
_REVISIONS = 5000
_AGO = regex(r"(\d+)\s*(s|sec|second|m|min|minute|h|hour|d|day|w|week)s?(?:\s+ago)?", re.I)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CLOCK = regex(r"(\d{1,2}):(\d\d)(?::(\d\d))?")


def choice(session: Session) -> Choice:
    """The choice of this session."""
    if session.past is None:
        session.past = Choice()
    return session.past


def entries(session: Session) -> list[LogEntry]:
    """The lines that are looked at, in the order of time."""
    chosen = choice(session)
    if chosen.source == LIVE and session.cluster.kind is ClusterKind.PACEMAKER:
        _collect(session, chosen)
    elif chosen.lines is None or (chosen.source == LIVE and not session.interactive):
        chosen.lines, chosen.since = _lines(session, chosen.source), None
    found = log_lines.read(chosen.lines or (), now=local_now())
    return [
        entry
        for entry in found
        if (chosen.begin is None or entry.at >= chosen.begin)
        and (chosen.end is None or entry.at <= chosen.end)
        and (not chosen.nodes or entry.node in chosen.nodes)
        and not any(pattern.search(entry.line) for pattern in chosen.excluded)
    ]


def commits(session: Session) -> list[Revision]:
    """The stored commits of that time, oldest first; none for a report."""
    chosen = choice(session)
    if chosen.source != LIVE:
        return []
    stored = session.cluster.revisions(_REVISIONS)[::-1]
    begin = chosen.begin.timestamp() if chosen.begin else float("-inf")
    end = chosen.end.timestamp() if chosen.end else float("inf")
    return [one for one in stored if begin <= one.time <= end]


def commit_times(session: Session) -> list[tuple[datetime, str]]:
    """When each stored configuration came, oldest first."""
    if choice(session).source != LIVE:
        return []
    zone = local_now().tzinfo
    return [
        (datetime.fromtimestamp(one.time, zone), f"{one.version[0]}.{one.version[1]}")
        for one in session.cluster.revisions(_REVISIONS)[::-1]
    ]


def _lines(session: Session, source: str) -> list[tuple[str, str]]:
    if os.path.isabs(source):
        return from_report(source)
    if source != LIVE:
        return from_lab(session, source)
    if session.cluster.kind is ClusterKind.LOCAL:
        from crmsh_py.lab.client import Lab

        return Lab(environ=session.environ).log()
    raise CrmError(
        "a configuration in a file has no history",
        hint="in the shell, history source REPORT.tar.gz looks at what crm report has made",
    )


def _collect(session: Session, chosen: Choice) -> None:
    """Have the logs of a real cluster from where the choice begins."""
    from crmsh_py.shell import collected

    further = chosen.begin and chosen.since and chosen.begin < chosen.since
    if chosen.lines is None or further:
        since = chosen.begin or local_now() - collected.USUAL
        chosen.lines, chosen.since = collected.collect(session, since), since


def from_lab(session: Session, name: str) -> list[tuple[str, str]]:
    """The logs of a lab of this user, which need not run. Raises CrmError."""
    from crmsh_py.lab.client import Lab

    return Lab(environ={**session.environ, "CRM_LAB": name}).log()


def from_report(path: str) -> list[tuple[str, str]]:
    """The logs in a report that ``crm report`` has made. Raises CrmError."""
    found: list[tuple[str, str]] = []
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if not member.isfile() or name.suffix != ".log" or len(name.parts) < 2:
                    continue
                file = archive.extractfile(member)
                if file is None:
                    continue
                text = file.read(MAX_LOG).decode(errors="replace")
                found += [(name.parts[-2], line) for line in text.splitlines()]
    except tarfile.TarError:
        raise CrmError(
            f"{path} is no report, or is damaged", hint="crm report FILE makes FILE.tar.gz"
        ) from None
    except OSError as error:
        raise CrmError(f"{path} cannot be read: {error.strerror or error}") from None
    if not found:
        raise NotFound(f"{path}: there is no log in it")
    return found


def moment(text: str) -> datetime:
    """A time as a person writes it: ISO 8601, ``10:30``, ``2 hours ago``, ``5m``.

    Raises UsageError.
    """
    now = local_now()
    if text.lower() == "now":
        return now
    if ago := _AGO.fullmatch(text.strip()):
        try:
            return now - timedelta(seconds=int(ago[1][:9]) * _SECONDS[ago[2][0].lower()])
        except OverflowError:
            raise UsageError(f"“{text}” is before all time", hint="as “2 hours ago”") from None
    if clock := _CLOCK.fullmatch(text.strip()):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour < 24 and minute < 60 and second < 60:
            return now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    try:
        return parse_datetime(text, now.tzinfo)
    except ConfigError:
        raise UsageError(
            f"“{text}” is no time", hint="as 2026-11-29T10:00, 10:30, “2 hours ago”, 15m"
        ) from None


def known_nodes(found: Sequence[LogEntry]) -> tuple[str, ...]:
    """The nodes whose logs are there."""
    return tuple(sorted({entry.node for entry in found}))

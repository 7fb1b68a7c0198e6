"""What has been fenced, as crm_mon and stonith_admin tell it.

Input: the records of the cluster and ``now`` in the zone in which times are shown. The lines are
Pacemaker's, of version 2 in the classic layout and of 3 in the modern one (with whole seconds).
``Level`` is crm_mon's ``--fence-history``: failures and pending requests by default, then the
latest successes, then everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import carriable
from crmsh_py.views.text import unix_moment
from crmsh_py.wire.fencing import FencingRecord, FencingState


class Level(IntEnum):
    """How much is shown."""

    OFF = 0
    PROBLEMS = 1
    LATEST = 2
    ALL = 3


def sections(
    records: Sequence[FencingRecord], level: Level, *, now: datetime, classic: bool
) -> list[list[str]]:
    """The sections of crm_mon's text, each with its title; nothing where there is nothing."""
    if level is Level.OFF:
        return []
    if not classic:
        return _modern(records, level, now)
    shown = list(records) if level is Level.ALL else latest(records)
    failed = _failed(shown, records, unless_later=level < Level.LATEST)
    done = _of(shown, FencingState.DONE) if level >= Level.LATEST else []
    pending = _of(shown, FencingState.PENDING)
    found = []
    for title, of_it in (
        ("Failed Fencing Actions", failed),
        ("Fencing History", done),
        ("Pending Fencing Actions", pending),
    ):
        if of_it:
            lines = [
                f"* {line(r, records, now=now, full=level is Level.ALL)}" for r in reversed(of_it)
            ]
            found.append([f"{title}:", *lines])
    return found


def _modern(records: Sequence[FencingRecord], level: Level, now: datetime) -> list[list[str]]:
    """As Pacemaker 3 tells it: by default what has failed or is pending, each "last"; from LATEST
    on what is pending is part of the history.
    """
    only_problems = level is Level.PROBLEMS
    last = {(r.target, r.action, r.state, r.reason, r.client): r.ident for r in records}
    shown = [
        r
        for r in reversed(records)
        if level is Level.ALL
        or r.state is FencingState.PENDING
        or last[r.target, r.action, r.state, r.reason, r.client] == r.ident
    ]
    failed = _failed(shown, records, unless_later=only_problems)
    pending = _of(shown, FencingState.PENDING)
    done = _of(shown, FencingState.DONE)
    titled = [("Failed Fencing Actions", failed)]
    if only_problems:
        titled.append(("Pending Fencing Actions", pending))
    else:
        titled.append(("Fencing History", [*pending, *done]))
    return [
        [f"{title}:", *(f"  * {_modern_line(r, now, last=only_problems)}" for r in of_it)]
        for title, of_it in titled
        if of_it
    ]


def _of(records: Sequence[FencingRecord], state: FencingState) -> list[FencingRecord]:
    return [record for record in records if record.state is state]


def _failed(
    shown: Sequence[FencingRecord], records: Sequence[FencingRecord], *, unless_later: bool
) -> list[FencingRecord]:
    """The failures; perhaps without those after which another attempt has worked."""
    found = _of(shown, FencingState.FAILED)
    return [r for r in found if not (unless_later and _later(r, records))]


def _modern_line(record: FencingRecord, now: datetime, *, last: bool) -> str:
    by = f" by {record.delegate}" if record.delegate else ""
    ended = "successful" if record.state is FencingState.DONE else record.state.value
    failed = record.state is FencingState.FAILED
    reason = f" ({record.reason})" if failed and record.reason else ""
    pending = record.state is FencingState.PENDING
    when = "" if pending else f" at {time_text(record.ended_ms, now)}"
    return (
        f"{word(record)} of {record.target}{by} for {record.client}@{record.origin}"
        f"{' last' if last else ''} {ended}{reason}{when}"
    )


def latest(records: Sequence[FencingRecord]) -> list[FencingRecord]:
    """Of those that have ended in the same way, only the last; everything that is pending."""
    last = {(r.target, r.action, r.state, r.reason): r.ident for r in records}
    return [
        r
        for r in records
        if r.state is FencingState.PENDING or last[r.target, r.action, r.state, r.reason] == r.ident
    ]


def _later(record: FencingRecord, records: Sequence[FencingRecord]) -> bool:
    """Whether a later request for the same has worked."""
    same = ("off", "reboot") if record.action in ("off", "reboot") else (record.action,)
    return any(
        r.state is FencingState.DONE
        and r.target == record.target
        and r.action in same
        and r.ended_ms >= record.ended_ms
        for r in records
    )


def line(
    record: FencingRecord, records: Sequence[FencingRecord], *, now: datetime, full: bool
) -> str:
    """One record in words."""
    what = f"{word(record)} of {record.target}"
    asker = f"client={record.client}, origin={record.origin}"
    if record.state is FencingState.PENDING:
        return f"{what} pending: {asker}"
    when = time_text(record.ended_ms, now)
    by = f"delegate={record.delegate}, " if record.delegate else ""
    if record.state is FencingState.DONE:
        kind = "completed" if full else "last-successful"
        return f"{what} successful: {by}{asker}, {kind}='{when}'"
    reason = f" ({record.reason})" if record.reason else ""
    kind = "completed" if full else "last-failed"
    text = f"{what} failed{reason}: {by}{asker}, {kind}='{when}'"
    return f"{text} (a later attempt succeeded)" if _later(record, records) else text


def word(record: FencingRecord) -> str:
    """What is done to a node, as Pacemaker calls it."""
    return {"off": "turning off", "on": "unfencing"}.get(record.action, record.action)


def time_text(milliseconds: int, now: datetime) -> str:
    """A moment in the zone of ``now``: ``2026-11-29 08:16:33 +01:00``; '' for one that no
    calendar holds.
    """
    when = unix_moment(milliseconds / 1000, now)
    if when is None:
        return ""
    zone = when.strftime("%z")
    return (
        f"{when:%Y-%m-%d %H:%M:%S} {zone[:3]}:{zone[3:]}" if zone else f"{when:%Y-%m-%d %H:%M:%S}"
    )


def history_element(records: Sequence[FencingRecord], *, now: datetime) -> Element:
    """``<fence_history>`` of crm_mon's XML."""
    events = []
    for record in reversed(records):
        status = "success" if record.state is FencingState.DONE else record.state.value
        attributes = {"status": status}
        if record.state is FencingState.FAILED and record.reason:
            attributes["exit-reason"] = record.reason
        attributes |= {
            "action": record.action,
            "target": record.target,
            "client": record.client,
            "origin": record.origin,
        }
        if record.delegate:
            attributes["delegate"] = record.delegate
        if record.state is not FencingState.PENDING:
            attributes["completed"] = time_text(record.ended_ms, now)
        carried = {name: carriable(value) for name, value in attributes.items()}
        events.append(Element("fence_event", carried))
    return Element("fence_history", {"status": "0"}, tuple(events))

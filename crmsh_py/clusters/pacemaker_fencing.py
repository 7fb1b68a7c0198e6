"""Fencing of a running Pacemaker, as its stonith_admin does it and tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.clusters.pacemaker_programs import Answer
from crmsh_py.errors import CrmError
from crmsh_py.regex import regex
from crmsh_py.wire import control
from crmsh_py.wire.fencing import FencingRecord, FencingState

TOOL = "stonith_admin"
_REASON_LIMIT = 1000
_ACTIONS = {"reboot": "--reboot", "off": "--fence", "on": "--unfence"}
_STATES = {"success": FencingState.DONE, "failed": FencingState.FAILED}
_TIMES = ("%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%d %H:%M:%S %z", "%a %b %d %H:%M:%S %Y")

_ZONE = regex(r"[+-]\d\d:\d\d$")
_FINER = regex(r"(\.\d{6})\d+")  # than strptime reads


def fence_words(
    node: str, action: str, *, timeout_s: int, delay_s: int, tolerance_s: int
) -> list[str]:
    """The arguments by which stonith_admin fences a node."""
    words = [_ACTIONS[action], node]
    for option, value in (
        ("--timeout", timeout_s),
        ("--delay", delay_s),
        ("--tolerance", tolerance_s),
    ):
        if value:
            words += [option, str(value)]
    return words


def failure(node: str, complaint: str) -> CrmError | None:
    """The error for what stonith_admin says when no device could do it; None for all else."""
    _, failed, reason = complaint.partition(f"fence {node}: ")
    if not failed:
        return None
    return CrmError(
        f"{node} was not fenced: {reason}",
        hint=f"which devices can, and what was tried: stonith_admin --list {node},"
        f" stonith_admin --history {node} --verbose",
    )


def records(xml: str) -> list[FencingRecord]:
    """What ``stonith_admin --history '*' --output-as=xml`` tells, the oldest first."""
    events = parse(xml).iter("fence_event")
    found = [_record(number, event) for number, event in enumerate(events)]
    return sorted(found, key=lambda record: record.ended_ms or 2**53)


def names(xml: str) -> list[str]:
    """What ``--list-registered`` and ``--list-targets`` tell, with ``--output-as=xml``."""
    return [item.text.strip() for item in parse(xml).iter("item")]


def ask_device(
    run: Callable[..., Answer], device: str, *, hosts: bool, target: str
) -> control.DeviceReply:
    """What Pacemaker says of a device; ``run`` calls a program and does not judge its exit code."""
    if target:
        answer = run(TOOL, "--list", target, "--output-as=xml")
        can = answer.code == 0 and device in names(answer.out)
        return control.DeviceReply(works=True, hosts=[target] if can else [])
    words = ("--list-targets", device) if hosts else ("--query", device)
    answer = run(TOOL, *words, "--output-as=xml")
    if answer.code != 0:
        return control.DeviceReply(works=False, reason=answer.err.strip()[:_REASON_LIMIT])
    found = names(answer.out) if hosts else []
    return control.DeviceReply(works=True, hosts=found)


def _record(number: int, event: Element) -> FencingRecord:
    return FencingRecord(
        ident=str(number),
        target=event.get("target"),
        action=event.get("action"),
        client=event.get("client"),
        origin=event.get("origin"),
        delegate=event.get("delegate"),
        state=_STATES.get(event.get("status"), FencingState.PENDING),
        reason=event.get("exit-reason"),
        ended_ms=_unix_ms(event.get("completed")),
    )


def _unix_ms(text: str) -> int:
    """Unix milliseconds of a time stamp; 0 for what is none.

    Three forms occur: ``2026-11-29 11:47:37.450953 +01:00``, the same with a Z at the end (up to
    2.1.5), and, since Pacemaker 3 where the zone is UTC, ``…37.450953Z``. Fractions have any
    length.
    """
    plain = text.strip()
    if plain.endswith("Z"):
        plain = plain[:-1].rstrip()
        if not _ZONE.search(plain):
            plain += " +00:00"
    plain = _FINER.sub(r"\1", plain)
    for form in _TIMES:
        try:
            return int(datetime.strptime(plain, form).astimezone().timestamp() * 1000)
        except ValueError:
            continue
    return 0


def check_action(action: str) -> None:
    """Raise CrmError for what is no fencing action."""
    if action not in _ACTIONS:
        raise CrmError(f"a node can be fenced by {', '.join(_ACTIONS)}, not {action}")

"""Small pieces of text that several views share: times, lists, the names of exit codes.

Input: values; output: strings without a newline at the end. Nothing here reads a clock or a time
zone: a view is given ``now`` in the zone in which times shall be shown, and every other moment is
shown in that zone too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from crmsh_py.scheduler.result import Agent, Role

# OCF exit codes and op-status values by number, in the two wordings of Pacemaker (1.1 and 3):
# Pacemaker Explained, "OCF Return Codes"; the second column is what Pacemaker 3 prints.
_EXIT_TEXTS: dict[int, tuple[str, str]] = {
    0: ("ok", "OK"),
    1: ("unknown error", "error"),
    2: ("invalid parameter", "invalid parameter"),
    3: ("unimplemented feature", "unimplemented feature"),
    4: ("insufficient privileges", "insufficient privileges"),
    5: ("not installed", "not installed"),
    6: ("not configured", "not configured"),
    7: ("not running", "not running"),
    8: ("master", "promoted"),
    9: ("master (failed)", "promoted (failed)"),
    189: ("old status reply", "not connected"),
    190: ("degraded", "degraded"),
    191: ("master (degraded)", "promoted (degraded)"),
    193: ("unknown", "unknown"),
}
_STATUS_TEXTS: dict[int, str] = {
    -1: "pending",
    0: "complete",
    1: "Cancelled",
    2: "Timed Out",
    3: "NOT SUPPORTED",
    4: "Error",
    5: "Not installed",
    6: "Not connected",
    7: "No executor",
}
_CLASSIC_ROLES = {Role.PROMOTED: "Master", Role.UNPROMOTED: "Slave"}


def clock_text(moment: datetime) -> str:
    """A moment as the C library's ``ctime`` writes it: ``Mon Jul 28 20:06:15 2014``."""
    return moment.ctime()


def unix_clock_text(seconds: int, now: datetime) -> str:
    """A Unix time in the zone of ``now``; '' for 0 (never) or a time that no calendar holds."""
    if not seconds:
        return ""
    try:
        return clock_text(datetime.fromtimestamp(seconds, now.tzinfo or UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def bracketed(names: Iterable[str]) -> str:
    """A list as Pacemaker shows nodes: ``[ a b c ]``, empty as ``[ ]``."""
    return " ".join(["[", *names, "]"])


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 node``, ``3 nodes``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def classic_agent(agent: Agent | None) -> str:
    """An agent as Pacemaker 1.1 wrote it, with two colons before the provider."""
    if agent is None:
        return "unknown"
    provider = f":{agent.provider}" if agent.provider else ""
    return f"{agent.standard}:{provider}:{agent.type}" if provider else str(agent)


def classic_role(role: Role) -> str:
    """A role's name before Pacemaker 2.1: Master and Slave."""
    return _CLASSIC_ROLES.get(role, role.value)


def exit_text(rc: int, *, classic: bool = False) -> str:
    """What an agent's exit code means."""
    texts = _EXIT_TEXTS.get(rc)
    if texts is None:
        return "unknown exit code" if not classic else "unknown"
    return texts[0] if classic else texts[1]


def status_text(status: int) -> str:
    """What an op-status of the history means."""
    return _STATUS_TEXTS.get(status, "UNKNOWN!")


def parse_int(text: str, default: int = 0) -> int:
    """A whole number from a document that anybody may have written; ``default`` if it is none."""
    try:
        return int(text) if len(text) <= 20 else default
    except ValueError:
        return default

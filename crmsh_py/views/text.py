"""Small pieces of text that several views share: times, lists, the names of exit codes.

Input: values; output: strings without a newline at the end. Nothing here reads a clock or a time
zone: a view is given ``now`` in the zone in which times shall be shown, and every other moment is
shown in that zone too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.scheduler import exit_texts
from crmsh_py.scheduler.result import Role

# OCF exit codes by number in the words of Pacemaker 1.1.
_CLASSIC_EXITS: dict[int, str] = {
    0: "ok",
    1: "unknown error",
    2: "invalid parameter",
    3: "unimplemented feature",
    4: "insufficient privileges",
    5: "not installed",
    6: "not configured",
    7: "not running",
    8: "master",
    9: "master (failed)",
    189: "old status reply",
    190: "degraded",
    191: "master (degraded)",
}
# The op-status of a history entry, in both wordings (classic, modern).
_STATUS_TEXTS: dict[int, tuple[str, str]] = {
    -1: ("pending", "pending"),
    0: ("complete", "Done"),
    1: ("Cancelled", "Cancelled"),
    2: ("Timed Out", "Timed out"),
    3: ("NOT SUPPORTED", "Unsupported"),
    4: ("Error", "Error"),
    5: ("Not installed", "Hard error"),
    6: ("Fatal error", "Fatal error"),
    7: ("Not installed", "Not installed"),
    8: ("Not connected", "No internal connection"),
    9: ("Invalid", "Cannot execute now"),
    10: ("No fence device", "No fence device"),
    11: ("Missing secrets", "CIB secrets unavailable"),
}
_PENDING_STATES = {
    "start": "Starting",
    "stop": "Stopping",
    "promote": "Promoting",
    "demote": "Demoting",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
}
# What Pacemaker 3 says of a document that asks not to be validated.
NO_SCHEMA = (
    'Schema validation of configuration is disabled (support for validate-with set to "none" is '
    "deprecated and will be removed in a future release)"
)
# Not "printable" in Python's sense, though they only take room.
_BLANKS = "\t\u00a0\u3000"
_CLASSIC_ROLES = {Role.PROMOTED: "Master", Role.UNPROMOTED: "Slave"}


def clock_text(moment: datetime) -> str:
    """A moment as the C library's ``ctime`` writes it: ``Mon Jul 28 20:06:15 2014``."""
    return moment.ctime()


def unix_clock_text(seconds: int, now: datetime) -> str:
    """A Unix time in the zone of ``now``; '' for 0 (never) or a time that no calendar holds."""
    moment = unix_moment(seconds, now) if seconds else None
    return clock_text(moment) if moment is not None else ""


def unix_moment(seconds: float, now: datetime) -> datetime | None:
    """A Unix time in the zone of ``now``; None where no calendar holds it."""
    try:
        return datetime.fromtimestamp(seconds, now.tzinfo or UTC)
    except (ValueError, OverflowError, OSError):
        return None


def legible(line: str) -> str:
    """A line as a terminal may get it, whoever wrote what is in it.

    What cannot be printed becomes ``?``: ends of lines that would pass for lines of ours, control
    characters (the newer ones too), and what turns the direction of text. Tabs are the views' own.
    """
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() or char in _BLANKS else "?" for char in line)


def joined(lines: Iterable[str]) -> str:
    """Lines as one text, without a newline at the end; each is made ``legible``."""
    return "\n".join(map(legible, lines))


def bracketed(names: Iterable[str]) -> str:
    """A list as Pacemaker shows nodes: ``[ a b c ]``, empty as ``[ ]``."""
    return " ".join(["[", *names, "]"])


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 node``, ``3 nodes``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def classic_agent(agent: AgentSpec | None) -> str:
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
    if classic:
        return _CLASSIC_EXITS.get(rc, "unknown")
    return exit_texts.exit_text(rc)


def pending_state(task: str) -> str:
    """What a resource is doing while ``task`` runs, where that stands for its state; else ''."""
    return _PENDING_STATES.get(task, "")


def pending_flag(task: str) -> str:
    """What is done with a resource meanwhile, where it does not change its state; else ''."""
    return "Monitoring" if task == "monitor" else ""


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts node10 after node9, and letters without regard to case."""
    return tuple(
        (0, int(part), "") if part.isdecimal() and len(part) < 16 else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    )


def status_text(status: int, *, classic: bool = False) -> str:
    """What an op-status of the history means."""
    texts = _STATUS_TEXTS.get(status, ("UNKNOWN!", "Unknown"))
    return texts[0] if classic else texts[1]


def parse_int(text: str, default: int = 0) -> int:
    """A whole number from a document that anybody may have written; ``default`` if it is none."""
    try:
        return int(text) if len(text) <= 20 else default
    except ValueError:
        return default

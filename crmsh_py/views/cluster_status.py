"""``crm cluster status``: the subsystems of a node's daemon under both of their names.

Input: the node's ``SubsystemsReply``; output: a table with a newline at the end. Pacemaker 1.1
ran cib, stonithd, lrmd, attrd, pengine and crmd as processes; today they are called based, fenced,
execd, attrd, schedulerd and controld.
"""

from __future__ import annotations

from crmsh_py.value import frozen
from crmsh_py.views.text import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import SubsystemsReply


@frozen(kw_only=True)
class SubsystemRecord:
    """One subsystem under its old and its new name."""

    name: str
    modern_name: str
    running: bool
    detail: str


@frozen(kw_only=True)
class Subsystems:
    """A node's daemon and its subsystems."""

    node: str
    pid: int
    subsystems: tuple[SubsystemRecord, ...]


def record(reply: SubsystemsReply, *, node: str) -> Subsystems:
    """The table for programs."""
    parts = tuple(
        SubsystemRecord(
            name=part.name, modern_name=part.modern_name, running=part.alive, detail=part.detail
        )
        for part in reply.subsystems
    )
    return Subsystems(node=node, pid=reply.pid, subsystems=parts)


def table(reply: SubsystemsReply, *, node: str, daemon: str = "one daemon") -> str:
    """One line per subsystem: old name, new name, running or stopped, and a detail.

    ``daemon`` is what the process is called in which, or under which, they run.
    """
    rows = [("SUBSYSTEM", "TODAY", "STATE", "DETAIL")]
    rows += [
        (part.name, part.modern_name, "running" if part.alive else "stopped", part.detail)
        for part in reply.subsystems
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    runs = f"{daemon}, process {reply.pid}" if reply.pid else f"{daemon} does not run"
    lines = [f"Node {node}: {runs}"]
    lines += [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]
        ).rstrip()
        for row in rows
    ]
    return joined(lines) + "\n"

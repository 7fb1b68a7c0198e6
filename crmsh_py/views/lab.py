"""A lab and its nodes: ``crm lab status`` and ``crm lab log``, as text and as records.

Input: the supervisor's ``LabState``, or lines of logs; ``now`` is Unix time in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.value import frozen
from crmsh_py.views.text import joined
from crmsh_py.wire.lab import LabState, Power

_ISOLATION = {
    "root": "namespaces, as root",
    "range": "namespaces of a user with a range of ids",
    "one-user": "namespaces of one user",
    "none": "plain processes on loopback",
}


@frozen(kw_only=True)
class LabNode:
    """A node of a lab; ``seconds`` since it was switched on, 0 when it is off."""

    name: str
    address: str
    second_address: str
    state: Power
    seconds: int
    cut_off: bool
    frozen: bool  # nothing on it runs, and nothing ends
    cut_off_second: bool  # on the second network, where there is one
    reason: str
    kind: str  # member, remote, guest


@frozen(kw_only=True)
class LabRecord:
    """A lab and its nodes."""

    name: str
    on: bool
    isolation: str  # root, range, one-user, none; '' while it is off
    note: str
    nodes: tuple[LabNode, ...]


@frozen(kw_only=True)
class LogLine:
    """One line of a node's log."""

    node: str
    line: str


@frozen(kw_only=True)
class Log:
    """Lines of logs: those of one node after those of the other, or in the order of time."""

    lines: tuple[LogLine, ...]


def record(name: str, state: LabState, *, now: float) -> LabRecord:
    """The lab for programs."""
    nodes = tuple(
        LabNode(
            name=node.name,
            address=node.address,
            second_address=node.second_address,
            state=node.state,
            seconds=int(now - node.since) if node.pid else 0,
            cut_off=bool(node.group),
            frozen=node.frozen,
            cut_off_second=bool(node.second_group),
            reason=node.reason,
            kind=node.kind,
        )
        for node in state.nodes
    )
    return LabRecord(
        name=name, on=bool(state.pid), isolation=state.isolation, note=state.note, nodes=nodes
    )


def table(name: str, state: LabState, *, now: float) -> str:
    """One line for the lab, and one for each node."""
    lab = record(name, state, now=now)
    how = _ISOLATION.get(lab.isolation, lab.isolation)
    lines = [f"lab {lab.name}: {f'on ({how})' if lab.on else 'off'}"]
    width = max((len(node.name) for node in lab.nodes), default=0)
    for node in lab.nodes:
        text = f"  {node.name:<{width}}  {node.address:<15}  {_told(node.state)}"
        if node.state is Power.ON:
            text += f" for {_age(node.seconds)}"
        if node.kind != "member":
            text += f", {node.kind}"
        if node.frozen:
            text += ", frozen"
        if node.cut_off or node.cut_off_second:
            text += ", cut off"
        if node.cut_off != node.cut_off_second and node.second_address:
            text += f" on ring {int(node.cut_off_second)}"
        if node.state is Power.DIED and node.reason:
            text += f": {node.reason}"
        lines.append(text)
    return joined(lines) + "\n"


def log(lines: Sequence[tuple[str, str]]) -> Log:
    """Lines (node, line) for programs."""
    return Log(lines=tuple(LogLine(node=node, line=line) for node, line in lines))


def _told(state: Power) -> str:
    return "ended by itself" if state is Power.DIED else state.value


def _age(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

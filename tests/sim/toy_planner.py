"""A planner of a hundred lines: enough policy to drive the engine, and nothing clever.

Probe what is unknown; without quorum stop everything; a resource runs on one node, the one that
the hash of its name picks among those that may run it; a node with the attribute ``shutdown`` runs
nothing and is then told to go. A fail count of INFINITY bars a node.

With a fence device, or with watchdogs, a node that got lost is fenced, by a side with quorum,
before anything is started; fence devices themselves are not started at all.
"""

from __future__ import annotations

import zlib
from datetime import datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.status import attributes_of
from crmsh_py.scheduler.result import Action, ActionKind, Plan

MONITOR_MS = 10_000


def plan(cib: Cib, now: datetime) -> Plan:
    """What to do for this CIB."""
    work = _Work(cib)
    work.fence()
    for primitive in work.primitives:
        work.place(primitive)
    work.shut_down()
    return Plan(actions=tuple(work.actions))


class _Work:
    def __init__(self, cib: Cib) -> None:
        self.quorate = cib.root.get("have-quorum") == "1"
        self.actions: list[Action] = []
        self.stops: dict[str, list[int]] = {}
        states = [s for s in cib.status.findall("node_state") if s.get("crmd") == "online"]
        self.online = {state.get("uname"): state for state in states}
        primitives = cib.section("resources").findall("primitive")
        self.primitives = [p for p in primitives if p.get("class") != "stonith"]
        self.fenced: list[int] = []
        properties = cib.properties()
        can_fence = len(self.primitives) < len(primitives) or (
            properties.get("have-watchdog") == "true"
        )
        self.lost: list[Element] = []
        if can_fence and properties.get("stonith-enabled") != "false":
            self.lost = [
                s
                for s in cib.status.findall("node_state")
                if s.get("crmd") != "online" and s.get("expected") == "member"
            ]
            seen = {s.id for s in cib.status.findall("node_state")}
            self.lost += [n for n in cib.section("nodes").findall("node") if n.id not in seen]
        self.leaving = {name for name, s in self.online.items() if "shutdown" in attributes_of(s)}

    def fence(self) -> None:
        for state in self.lost if self.quorate else ():
            name = state.get("uname")
            number = len(self.actions) + 1
            self.actions.append(
                Action(
                    id=number,
                    kind=ActionKind.CLUSTER,
                    operation="stonith",
                    key=f"stonith-{name}-reboot",
                    node=name,
                    node_id=state.id,
                    meta={"on_node": name, "stonith_action": "reboot"},
                )
            )
            self.fenced.append(number)

    def place(self, primitive: Element) -> None:
        found = {name: _activity(state, primitive.id) for name, state in self.online.items()}
        probes = [
            self.add(primitive, "monitor", name, target_rc=7)
            for name, active in found.items()
            if active is None
        ]
        for number in probes:  # who leaves must first tell what runs on it
            self.stops.setdefault(self.actions[number - 1].node, []).append(number)
        active = sorted(name for name, is_active in found.items() if is_active)
        wanted = self._wanted(primitive, active)
        stops = []
        for name in active:
            if name != wanted or len(active) > 1 or _failed(self.online[name], primitive.id):
                stop = self.add(primitive, "stop", name, inputs=probes)
                stops.append(stop)
                self.stops.setdefault(name, []).append(stop)
        if wanted and (wanted not in active or stops):
            start = self.add(primitive, "start", wanted, inputs=[*probes, *stops, *self.fenced])
            self.add(primitive, "monitor", wanted, inputs=[start], interval_ms=MONITOR_MS)

    def _wanted(self, primitive: Element, active: list[str]) -> str:
        if not self.quorate:
            return ""
        able = sorted(
            name
            for name, state in self.online.items()
            if name not in self.leaving and not _barred(state, primitive.id)
        )
        stay = [name for name in active if name in able]
        if stay or not able:
            return stay[0] if stay else ""
        return able[zlib.crc32(primitive.id.encode()) % len(able)]

    def shut_down(self) -> None:
        for name in sorted(self.leaving):
            state = self.online[name]
            number = len(self.actions) + 1
            self.actions.append(
                Action(
                    id=number,
                    kind=ActionKind.CLUSTER,
                    operation="do_shutdown",
                    key=f"do_shutdown-{name}",
                    node=name,
                    node_id=state.id,
                    inputs=tuple(self.stops.get(name, ())),
                )
            )

    def add(
        self,
        primitive: Element,
        operation: str,
        node: str,
        *,
        inputs: list[int] | None = None,
        interval_ms: int = 0,
        target_rc: int = 0,
    ) -> int:
        number = len(self.actions) + 1
        self.actions.append(
            Action(
                id=number,
                kind=ActionKind.RESOURCE,
                operation=operation,
                key=f"{primitive.id}_{operation}_{interval_ms}",
                node=node,
                resource=primitive.id,
                agent=AgentSpec("ocf", "pacemaker", "Dummy"),
                interval_ms=interval_ms,
                target_rc=target_rc,
                inputs=tuple(inputs or ()),
            )
        )
        return number


def _activity(state: Element, resource: str) -> bool | None:
    """Whether it is active there; None where nobody knows."""
    active: bool | None = None
    history = next((r for r in state.iter("lrm_resource") if r.id == resource), None)
    entries = history.children if history else ()
    for entry in sorted(entries, key=lambda e: int(e.get("call-id"))):
        rc = int(entry.get("rc-code"))
        match entry.get("operation"):
            case "start":
                active = True
            case "stop":
                active = rc != 0
            case "monitor" if rc != 7 or entry.get("interval") == "0":
                # A recurring one that finds nothing is a failure: what is left must be stopped.
                active = rc != 7
    return active


def _failed(state: Element, resource: str) -> bool:
    """Whether the last that is known is that a recurring monitor has found nothing."""
    history = next((r for r in state.iter("lrm_resource") if r.id == resource), None)
    entries = history.children if history else ()
    last = max(entries, key=lambda e: int(e.get("call-id")), default=None)
    return last is not None and last.get("interval") != "0" and last.get("rc-code") == "7"


def _barred(state: Element, resource: str) -> bool:
    attributes = attributes_of(state)
    return any(
        value == "INFINITY" and name.startswith(f"fail-count-{resource}#")
        for name, value in attributes.items()
    )

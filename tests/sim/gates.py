"""Clusters whose nodes must be let in before they start anything (``provides=unfencing``).

The gate is what ``fence_scsi`` or a switch of a shared disk is: its ``on``, run on the node itself,
lets the life of the node in that asks; ``off`` and ``reboot`` shut it out, and the node goes on.
A power switch is there as well, which is used first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.checkers import Activity, Checker, watched
from sim.cluster import Cluster, Pace, add_device, add_resource
from sim.cluster_chaos import PACES, commit, rest
from sim.machine import SimNode
from sim.nemeses import NEMESES
from sim.power import PowerSwitch

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import OperationFinished, RunOperation
from crmsh_py.engine.controller import scheduler_plan

SIZES = (2, 3, 3, 3, 3, 4, 5)
STEPS = 20
GATE = "gate"
RESOURCES = ("S1", "S2", "S3")
_LATENCY_S = ((0.02, 0.1), (0.3, 3.0))


def add_gate(**parameters: str) -> Callable[[Cib], Cib]:
    """A change that adds a gate, or changes its parameters."""

    def change(cib: Cib) -> Cib:
        provides = Element("nvpair", {"id": "gate-p", "name": "provides", "value": "unfencing"})
        parts = [Element("meta_attributes", {"id": "gate-meta"}, (provides,))]
        pairs = tuple(
            Element("nvpair", {"id": f"gate-{key}", "name": key, "value": value})
            for key, value in parameters.items()
        )
        if pairs:
            parts.append(Element("instance_attributes", {"id": "gate-ia"}, pairs))
        gate = Element("primitive", {"id": GATE, "class": "stonith", "type": "lab"}, tuple(parts))
        section = cib.section("resources")
        others = [each for each in section.children if each.id != GATE]
        return cib.with_section("resources", section.with_children((*others, gate)))

    return change


@dataclass(slots=True, kw_only=True)
class GatedSwitch(PowerSwitch):
    """The power switch, and the gate beside it."""

    open: dict[str, object] = field(default_factory=dict)  # the lives that are let in
    gate_works: bool = True
    latency_s: tuple[float, float] = _LATENCY_S[0]

    def lets_in(self, node: SimNode) -> bool:
        """Whether it may use what is behind the gate, in the life that it is in."""
        return self.open.get(node.name) == node.life

    def run(self, by: SimNode, operation: RunOperation) -> None:
        action = operation.parameters.get("action", "")
        if operation.resource != GATE or action not in ("on", "off", "reboot"):
            PowerSwitch.run(self, by, operation)
            return
        low, high = self.latency_s
        life, target = by.life, operation.parameters.get("port", "")

        def carry_out() -> None:
            alive = by.life == life and by.core is not None
            if self.gate_works and action != "on":
                self.open.pop(target, None)
                self.log.append((self.cluster.now, f"gate-{action}", target))
            elif self.gate_works and alive and by.name == target:
                self.open[target] = life
            rc = 0 if self.gate_works else 1
            if by.life == life:
                by.feed(OperationFinished(call_id=operation.call_id, rc=rc, status=0))

        delay = low + self.cluster.network.random.random() * (high - low)
        self.cluster.network.at(self.cluster.now + delay, carry_out)


@dataclass(slots=True)
class LetIn(Activity):
    """Nothing starts on a node that is not let in, nor beside one that is."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        if operation.action != "start" or operation.standard == "stonith" or node.core is None:
            return
        gate = self.cluster.power
        assert isinstance(gate, GatedSwitch)
        assert node.core.primary, f"{node.name} starts {operation.resource} without quorum"
        pending = node.core._fencing.history.pending()  # it may be shut out before it is told so
        ends = any((each.target, each.action) == (node.name, "reboot") for each in pending)
        assert ends or gate.lets_in(node), f"{operation.resource} begins on {node.name}, shut out"
        if operation.environment.get("OCF_RESKEY_CRM_meta_clone") is not None:
            return
        for other in self.cluster.up:
            twice = other is not node and operation.resource in other.active and gate.lets_in(other)
            assert not twice, f"{operation.resource} begins on {node.name}, {other.name} has it"

    def check_once(self) -> None:
        Activity.check_once(self)
        gate = self.cluster.power
        assert isinstance(gate, GatedSwitch)
        out = [node.name for node in self.cluster.up if not gate.lets_in(node)]
        assert not out, f"at rest {out} are not let in"


def gated(
    count: int, seed: int, *changes: Callable[[Cib], Cib], pace: Pace | None = None
) -> tuple[Cluster, Checker, GatedSwitch]:
    """A settled cluster with a gate, these changes, and resources that need to be let in."""
    cluster, checker = watched(count, seed, planner=scheduler_plan, pace=pace)
    checker.activity = LetIn(cluster, fencing=True)
    gate = cluster.power = GatedSwitch(cluster)
    cluster.start()
    cluster.settle()
    for change in (*changes, add_gate(), *map(add_resource, RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(within_s=60)
    cluster.run(0.5)
    cluster.settle(within_s=60)
    return cluster, checker, gate


def broken_gate(cluster: Cluster, chance: random.Random) -> None:
    """The gate does nothing, and says so; or works again."""
    gate = cluster.power
    assert isinstance(gate, GatedSwitch)
    gate.gate_works = not gate.gate_works


def slow_gate(cluster: Cluster, chance: random.Random) -> None:
    """Its agent takes long, or is quick again."""
    gate = cluster.power
    assert isinstance(gate, GatedSwitch)
    gate.latency_s = chance.choice(_LATENCY_S)


def changed_gate(cluster: Cluster, chance: random.Random) -> None:
    """It is configured anew: all nodes must be let in anew."""
    if cluster.up:
        where = chance.choice(cluster.up).number
        cluster.commit(where, add_gate(devices=f"/dev/{chance.randint(1, 9)}"))


OWN = {each.__name__: each for each in (broken_gate, slow_gate, changed_gate)}


def run_gate_chaos(seed: int, *, nemeses: Sequence[str] = ()) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    count, pace = chance.choice(SIZES), chance.choice(PACES)
    cluster, checker, gate = gated(count, seed, add_device(), pace=pace)
    able = sorted(NEMESES.keys() - {"lying_agents"} | OWN.keys())
    names = [*nemeses] or chance.sample(able, chance.randint(2, len(able)))
    every = {**NEMESES, **OWN}
    try:
        number = 0
        for _ in range(STEPS):
            for _ in range(chance.randint(0, 2)):
                if cluster.up:
                    number += 1
                    commit(cluster, checker, chance, number, real=True)
            cluster.run(chance.choice((0.05, 0.3, 1.0, 4.0)) * chance.random())
            for name in chance.sample(names, min(len(names), chance.choice((1, 1, 2)))):
                every[name](cluster, chance)
            checker.check_now()
        gate.gate_works, gate.latency_s = True, _LATENCY_S[0]
        rest(cluster, checker, chance, names, fencing=True)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} ({len(cluster.nodes)} nodes, {' '.join(names)}):"
            f" {error}\n{cluster.tail()}"
        ) from error
    return cluster, checker

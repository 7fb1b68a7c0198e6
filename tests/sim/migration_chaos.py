"""One run of chaos with virtual machines that are migrated to and fro, with fencing.

Everything follows from the seed, as in ``cluster_chaos``. The agents are those of virtual machines:
from its first moment ``migrate_to`` has the machine on its target, and only its source knows of it;
in the end it is no longer on the source. Where the two nodes do not hear each other it fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.checkers import Activity, Checker, watched
from sim.cluster import Cluster, add_device, with_property
from sim.cluster_chaos import PACES, commit, rest
from sim.machine import FAILED, SimNode
from sim.nemeses import NEMESES

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan

SIZES = (2, 3, 3, 3, 3, 4, 5)
STEPS = 20
DELAYS_S = ((0.005, 0.03), (0.05, 0.2), (0.1, 0.6))  # of agents, until a nemesis sets another one
MACHINES = ("V1", "V2", "V3")
_NO_NEMESES = frozenset({"lying_agents"})
_META = "OCF_RESKEY_CRM_meta_"


@dataclass(slots=True)
class Once(Activity):
    """Nothing begins beside another one, nor arrives beside any but the one that it comes from."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        Activity.operation_begins(self, node, operation)
        if operation.action != "migrate_from":
            return
        source = operation.environment[f"{_META}migrate_source"]
        for other in self.cluster.up:
            assert other is node or other.name == source or operation.resource not in other.active


def send_at_once(node: SimNode) -> None:
    """Give a node the agents of virtual machines."""
    run, act = node._run, node._act
    sent: dict[int, bool] = {}

    def begin(operation: RunOperation) -> None:
        if operation.action == "migrate_to":
            target = _hears(node, operation.environment[f"{_META}migrate_target"])
            if operation.resource not in node.active:
                target = None
            sent[operation.call_id] = target is not None
            if target is not None:
                target.active.add(operation.resource)
        elif operation.action == "migrate_from":
            sent[operation.call_id] = operation.resource in node.active
        run(operation)

    def end(operation: RunOperation) -> int:
        if operation.action not in ("migrate_to", "migrate_from"):
            return act(operation)
        if not sent.pop(operation.call_id):
            if operation.action == "migrate_from":
                node.active.discard(operation.resource)
            return FAILED
        if operation.action == "migrate_to":
            node.active.discard(operation.resource)
        return act(operation)

    node._run = begin  # type: ignore[method-assign]
    node._act = end  # type: ignore[method-assign]


def _hears(node: SimNode, name: str) -> SimNode | None:
    """The node of this name, where the two hear each other."""
    target = next((each for each in node.cluster.up if each.name == name), None)
    if target is None:
        return None
    ways = {(node.address, target.address), (target.address, node.address)}
    return target if ways.isdisjoint(node.cluster.network.cut_links) else None


def machine(name: str) -> Element:
    attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    monitor = Element("op", {"id": f"{name}-m", "name": "monitor", "interval": "10s"})
    pair = Element("nvpair", {"id": f"{name}-am", "name": "allow-migrate", "value": "true"})
    meta = Element("meta_attributes", {"id": f"{name}-meta"}, (pair,))
    return Element("primitive", attributes, (meta, Element("operations", {}, (monitor,))))


def machines(*, grouped: bool) -> Callable[[Cib], Cib]:
    """V1 alone; V2 and V3 alone, or as a group."""
    first, *others = map(machine, MACHINES)
    more = (Element("group", {"id": "G"}, tuple(others)),) if grouped else tuple(others)

    def change(cib: Cib) -> Cib:
        section = cib.section("resources")
        children = (*section.children, first, *more)
        return cib.with_section("resources", section.with_children(children))

    return change


def sends(name: str, node: str) -> Callable[[Cib], Cib]:
    """It had better be there."""

    def change(cib: Cib) -> Cib:
        section = cib.section("constraints")
        wanted = {"id": f"go-{name}", "rsc": name, "node": node, "score": "500"}
        others = [each for each in section.children if each.id != wanted["id"]]
        kept = (*others, Element("rsc_location", wanted))
        return cib.with_section("constraints", section.with_children(kept))

    return change


def run_migration_chaos(seed: int, *, nemeses: Sequence[str] = ()) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    cluster, checker = watched(
        chance.choice(SIZES), seed, planner=scheduler_plan, pace=chance.choice(PACES)
    )
    checker.activity = Once(cluster, fencing=True)
    for node in cluster.nodes.values():
        send_at_once(node)
    able = sorted(NEMESES.keys() - _NO_NEMESES)
    names = [*nemeses] or chance.sample(able, chance.randint(2, len(able)))
    grouped = chance.random() < 0.5
    limits = [each for each in ("batch-limit", "migration-limit") if chance.random() < 0.5]
    cluster.agent_delay_s = chance.choice(DELAYS_S)
    try:
        cluster.start()
        cluster.settle()
        cluster.commit(1, add_device())
        cluster.settle()
        cluster.commit(1, machines(grouped=grouped))
        for limit in limits:
            cluster.settle()
            cluster.commit(1, with_property(limit, chance.choice(("1", "2"))))
        cluster.settle()
        _suffer(cluster, checker, chance, names, heads=("V1", "G") if grouped else MACHINES)
        rest(cluster, checker, chance, names, fencing=True)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} ({len(cluster.nodes)} nodes{', a group' if grouped else ''}"
            f"{''.join(f', {limit}' for limit in limits)}, {' '.join(names)}):"
            f" {error}\n{cluster.tail()}"
        ) from error
    return cluster, checker


def _suffer(
    cluster: Cluster,
    checker: Checker,
    chance: random.Random,
    names: list[str],
    *,
    heads: Sequence[str],
) -> None:
    count = 0
    for _ in range(STEPS):
        for _ in range(chance.randint(0, 2)):
            if not cluster.up:
                break
            if chance.random() < 0.7:
                where = chance.choice(list(cluster.nodes.values())).name
                change = sends(chance.choice(heads), where)
                cluster.commit(chance.choice(cluster.up).number, change)
            else:
                count += 1
                commit(cluster, checker, chance, count, real=True)
            if chance.random() < 0.5:
                cluster.run(chance.random() * 0.05)
        cluster.run(chance.choice((0.05, 0.3, 1.0, 4.0)) * chance.random())
        for name in chance.sample(names, min(len(names), chance.choice((1, 1, 2)))):
            NEMESES[name](cluster, chance)
        checker.check_now()

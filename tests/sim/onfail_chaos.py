"""One run of chaos with agents that fail in every way, and operations that answer in every way.

Everything follows from the seed, as in ``cluster_chaos``: for every operation its ``on-fail``,
for every resource ``failure-timeout`` and ``migration-threshold``, and what the cluster does about
fencing. Monitors come often, so that most faults meet a recovery that is under way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sim.checkers import Activity, Checker, runs, watched
from sim.cluster import Cluster, add_device, with_property
from sim.cluster_chaos import PACES, REST_S, comes_to_rest, commit
from sim.machine import FAILED, WALL, SimNode
from sim.nemeses import NEMESES, Nemesis, peace, wake

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import node_by_name
from crmsh_py.scheduler.result import ActionKind
from crmsh_py.wire.control import CleanResource, FailResource, SetAttribute

SIZES = (2, 3, 3, 3, 3, 4, 5)
STEPS = 20
DELAYS_S = ((0.005, 0.03), (0.05, 0.2), (0.1, 0.6))
FORGET_S = 8  # the longest failure-timeout
_NO_NEMESES = frozenset(
    {
        *("lying_agents", "set_clock", "failing_agents", "hanging_agents", "stubborn_agents"),
        "slow_agents",
    }
)
OPTIONS = {
    "priority-fencing-delay": ("", "1s"),
    "concurrent-fencing": ("", "false"),
    "shutdown-lock": ("", "true"),
    "start-failure-is-fatal": ("", "false"),
    "batch-limit": ("", "1", "2"),
}
# Who lets failures of stop or demote be ignored asks for two at a time, and gets them.
_ANY = ("", "", "restart", "stop", "block", "ignore", "standby", "fence")
ON_FAIL = {
    "start": _ANY,
    "monitor": _ANY,
    "stop": ("", "", "block", "fence"),
    "promote": (*_ANY, "demote", "demote"),
    # A demotion inherits it, and one that is ignored is tried again without end.
    "promoted": (*(each for each in _ANY if each != "ignore"), "demote", "demote"),
    "demote": ("", "", "restart", "stop", "block", "standby", "fence"),
}


@dataclass(slots=True)
class Once(Activity):
    """Nothing begins beside another one, nor is promoted beside another one."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        Activity.operation_begins(self, node, operation)
        if operation.action != "promote":
            return
        for other in self.cluster.up:
            assert other is node or operation.resource not in other.promoted, (
                f"{operation.resource} is promoted on {node.name} beside {other.name}"
            )


def _op(chance: random.Random, owner: str, name: str, interval: str = "0", role: str = "") -> str:
    kind = "promoted" if role == "Promoted" else name
    on_fail = chance.choice(ON_FAIL[kind])
    extra = f' on-fail="{on_fail}"' if on_fail else ""
    extra += f' role="{role}"' if role else ""
    return (
        f'<op id="{owner}-{name}-{interval}" name="{name}" interval="{interval}" timeout="3s"'
        f"{extra}/>"
    )


def _meta(owner: str, **pairs: str) -> str:
    made = "".join(
        f'<nvpair id="{owner}-{n}" name="{n.replace("_", "-")}" value="{v}"/>'
        for n, v in pairs.items()
        if v
    )
    return f'<meta_attributes id="{owner}-meta">{made}</meta_attributes>'


def _primitive(chance: random.Random, name: str, *, promotable: bool = False) -> str:
    wanted = [("start", "0", ""), ("stop", "0", "")]
    if promotable:
        wanted += [("promote", "0", ""), ("demote", "0", ""), ("monitor", "1100ms", "Unpromoted"),
                   ("monitor", "900ms", "Promoted")]  # fmt: skip
    else:
        wanted += [("monitor", "1s", "")]
    ops = "".join(_op(chance, name, *each) for each in wanted)
    meta = _meta(
        name,
        failure_timeout=chance.choice(("", "2s", "4s", f"{FORGET_S}s")),
        migration_threshold=chance.choice(("", "", "1", "2", "3")),
        priority=chance.choice(("", "", "5", "10")),
        resource_stickiness=chance.choice(("", "100", "1000")),
    )
    return (
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f"<operations>{ops}</operations>{meta}</primitive>"
    )


def resources(chance: random.Random) -> list[str]:
    """Primitives, a group, and clones."""
    notify = chance.choice(("true", "false"))
    inter = chance.choice(("true", "false"))
    many = [_primitive(chance, "P1"), _primitive(chance, "P2")]
    many.append(f'<group id="G">{_primitive(chance, "Ga")}{_primitive(chance, "Gb")}</group>')
    meta = _meta("M", promotable="true", notify=notify, interleave=inter)
    many.append(f'<clone id="M">{meta}{_primitive(chance, "Mp", promotable=True)}</clone>')
    if chance.random() < 0.5:
        many.append(
            f'<clone id="C">{_meta("C", interleave=inter)}{_primitive(chance, "Cp")}</clone>'
        )
    return many


OFTEN = frozenset({"P1", "P2", "Ga", "Gb", "Mp", "Cp"})  # is monitored every second
CONSTRAINTS = (
    '<rsc_colocation id="c1" rsc="P1" with-rsc="M" with-rsc-role="Promoted" score="INFINITY"/>',
    '<rsc_order id="o1" first="M" first-action="promote" then="P1" then-action="start"/>',
    '<rsc_order id="o2" first="G" then="M"/>',
    '<rsc_colocation id="c2" rsc="G" with-rsc="P2" score="INFINITY"/>',
    '<rsc_colocation id="c3" rsc="P2" with-rsc="P1" score="-INFINITY"/>',
    '<rsc_order id="o3" first="C" then="P2"/>',
    '<rsc_order id="o4" kind="Serialize" first="P1" then="P2"/>',
)


def add(section: str, *texts: str) -> Callable[[Cib], Cib]:
    """A change that adds elements to a section, or replaces those of the same ids."""

    def change(cib: Cib) -> Cib:
        old = cib.section(section)
        made = tuple(parse(text) for text in texts)
        kept = tuple(c for c in old.children if c.id not in {m.id for m in made})
        return cib.with_section(section, old.with_children((*kept, *made)))

    return change


# ---- what fails


def sick(cluster: Cluster, chance: random.Random) -> None:
    """Some operations fail on a node, before or after they have done their work, or hang."""
    node = chance.choice(list(cluster.nodes.values()))
    names = ["start", "stop", "monitor", "promote", "demote", "notify"]
    bad = set(chance.sample(names, chance.randint(1, 3)))
    share = chance.choice((0.1, 0.3, 0.8))
    hangs = chance.random() < 0.3

    def fail(operation: RunOperation) -> int | None:
        if operation.action not in bad or chance.random() > share:
            return None
        if operation.action == "monitor" and not _recurs(operation):
            return None
        if operation.action != "monitor" and chance.random() < 0.3:
            node._act(operation)
        if operation.action == "monitor" and operation.resource in node.promoted:
            return chance.choice((FAILED, 9))
        return FAILED

    node.fail = fail
    node.hang = lambda o: hangs and o.action in bad and chance.random() < share / 3


def _recurs(operation: RunOperation) -> bool:
    return operation.environment.get("OCF_RESKEY_CRM_meta_interval", "0") != "0"


def die(cluster: Cluster, chance: random.Random) -> None:
    """A service ends by itself."""
    node = chance.choice(list(cluster.nodes.values()))
    busy = {operation.resource for operation in node._running.values()}
    alive = sorted(node.active - busy)
    if alive:
        name = chance.choice(alive)
        node.active.discard(name)
        node.promoted.discard(name)


def slow(cluster: Cluster, chance: random.Random) -> None:
    """Agents take another time."""
    cluster.agent_delay_s = chance.choice(DELAYS_S)


def say_failed(cluster: Cluster, chance: random.Random) -> None:
    """Somebody says that a resource has failed."""
    if cluster.up:
        node = chance.choice(cluster.up)
        name = chance.choice(sorted(OFTEN))
        where = chance.choice(cluster.up).name
        cluster.ask(node.number, FailResource(resource=name, node=where))


def clean_one(cluster: Cluster, chance: random.Random) -> None:
    """Somebody cleans one resource up, or refreshes it."""
    if cluster.up:
        node = chance.choice(cluster.up)
        name = chance.choice(("P1", "P2", "G", "M", "Mp"))
        where = chance.choice(("", chance.choice(cluster.up).name))
        cluster.ask(
            node.number,
            CleanResource(resource=name, node=where, all_history=chance.random() < 0.3),
        )


def standby(cluster: Cluster, chance: random.Random) -> None:
    """A node goes to standby, or comes back from it."""
    if cluster.up:
        node = chance.choice(cluster.up)
        value = chance.choice(("on", "off", "off"))
        cluster.ask(node.number, SetAttribute(node="", name="standby", value=value))


def role(cluster: Cluster, chance: random.Random) -> None:
    """A promoted score changes: another one shall be promoted."""
    if cluster.up:
        node = chance.choice(cluster.up)
        value = str(chance.randint(1, 50))
        cluster.ask(node.number, SetAttribute(node="", name="master-Mp", value=value))


OWN: Mapping[str, Nemesis] = {
    each.__name__: each for each in (sick, die, slow, say_failed, clean_one, standby, role)
}
ALL: Mapping[str, Nemesis] = {**{n: f for n, f in NEMESES.items() if n not in _NO_NEMESES}, **OWN}


def run_onfail_chaos(seed: int, *, nemeses: Sequence[str] = ()) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    cluster, checker = watched(
        chance.choice(SIZES), seed, planner=scheduler_plan, pace=chance.choice(PACES)
    )
    checker.activity = Once(cluster, fencing=True)
    others = sorted(ALL.keys() - OWN.keys())
    names = [*nemeses] or [
        "sick",
        *chance.sample(sorted(OWN.keys() - {"sick"}), chance.randint(1, len(OWN) - 1)),
        *chance.sample(others, chance.randint(0, 6)),
    ]
    made = resources(chance)
    rules = [c for c in CONSTRAINTS if chance.random() < 0.25 and ('"C"' not in c or len(made) > 4)]
    options = {name: chance.choice(values) for name, values in OPTIONS.items()}
    cluster.agent_delay_s = chance.choice(DELAYS_S)
    try:
        cluster.start()
        _configure(cluster, made, rules, options)
        _suffer(cluster, checker, chance, names)
        _rest(cluster, checker, chance)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} ({len(cluster.nodes)} nodes, {options}, {rules}, {' '.join(names)}):"
            f" {error}\n{cluster.tail()}"
        ) from error
    return cluster, checker


def _configure(
    cluster: Cluster, made: list[str], rules: list[str], options: Mapping[str, str]
) -> None:
    changes = [add_device(), add("rsc_defaults", _meta("stick", resource_stickiness="1"))]
    changes += [with_property(name, value) for name, value in options.items() if value]
    changes += [add("resources", *made), add("constraints", *rules)]
    for change in changes:
        cluster.settle(within_s=60)
        cluster.commit(1, change)
    cluster.settle(within_s=60)


def _suffer(cluster: Cluster, checker: Checker, chance: random.Random, names: list[str]) -> None:
    count = 0
    for _ in range(STEPS):
        if cluster.up and chance.random() < 0.3:
            count += 1
            commit(cluster, checker, chance, count, real=True)
        cluster.run(chance.choice((0.05, 0.3, 1.0, 4.0)) * chance.random())
        for name in chance.sample(names, min(len(names), chance.choice((1, 1, 2)))):
            ALL[name](cluster, chance)
        checker.check_now()


def _rest(cluster: Cluster, checker: Checker, chance: random.Random) -> None:
    """All is well again: first with what has failed since, then with that cleaned up."""
    peace(cluster, chance)
    began = cluster.now
    for _ in range(2):
        while not comes_to_rest(cluster) and cluster.now < began + REST_S:
            wake(cluster)
        wake(cluster)
        cluster.run(0.1)
    cluster.settle(within_s=max(0.0, began + REST_S - cluster.now))
    cluster.run(FORGET_S + 2.0)
    cluster.settle(within_s=REST_S)
    at_target(cluster)
    unknown(cluster)
    for node in cluster.up:
        cluster.answer(node.number, SetAttribute(node="", name="standby", value="off"))
    cluster.answer(cluster.up[0].number, CleanResource(all_history=chance.random() < 0.5))
    cluster.run(0.1)
    cluster.settle(within_s=REST_S)
    wake(cluster)  # who could not leave before the cleaning has left
    cluster.run(FORGET_S + 2.0)
    cluster.settle(within_s=REST_S)
    checker.check_now()
    checker.commits.check_nothing_lost()
    checker.agreement.check_equal()
    checker.agreement.check_one_dc()
    at_target(cluster)
    unknown(cluster)
    checker.activity.check_once()
    monitored(cluster)


def at_target(cluster: Cluster) -> None:
    """Nothing is left to do, but to forget failures that mean nothing any more."""
    now = datetime.fromtimestamp(WALL + cluster.now, UTC)
    for node in cluster.up:
        plan = cluster.planner(cluster.cib(node.number), now)
        left = [a.key for a in plan.actions if a.kind is not ActionKind.PSEUDO]
        left = [key for key in left if "_clear_failcount_" not in key]
        # Who shall be promoted is another one as soon as all have started (Pacemaker: the same).
        if left and all(key.startswith(("Mp_", "M_")) or "_monitor_" in key for key in left):
            cluster.answer(node.number, SetAttribute(node="", name="kick", value=str(cluster.now)))
            cluster.run(0.1)
            cluster.settle(within_s=REST_S)
            continue
        assert not left, f"{node.name} is at rest, and the scheduler wants {left}"


def unknown(cluster: Cluster) -> None:
    """Nothing runs that the status does not know of."""
    for node in cluster.up:
        state = node_by_name(cluster.cib(cluster.up[0].number).status, node.name)
        assert state is not None
        told = {h.id for h in state.iter("lrm_resource") if runs(h.children)}
        assert node.active <= told, f"{node.name}: told {told}, runs {node.active}"


def monitored(cluster: Cluster) -> None:
    """All that runs is looked at."""
    seen = {node.name: len(node.operations) for node in cluster.up}
    cluster.run(3.0)
    for node in cluster.up:
        told = {(name, task) for _, name, task in node.operations[seen[node.name] :]}
        blind = {n for n in node.active & OFTEN if (n, "monitor") not in told}
        assert not blind, f"{node.name} does not look at {blind}"

"""One run of chaos: a cluster, named faults drawn from the seed, commits all the time, then peace.

Everything follows from the seed: how many nodes, which planner (the scheduler itself, or the toy),
what is configured, which nemeses work, and when. ``run_chaos(seed)`` replays a run exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from sim import toy_planner
from sim.checkers import Checker, watched
from sim.cluster import (
    Cluster,
    Pace,
    add_clone,
    add_device,
    add_group,
    add_mark,
    add_resource,
    remove_mark,
    without_fencing,
)
from sim.nemeses import NEMESES, peace, wake

from crmsh_py.cib.document import Cib
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import CleanResource

SIZES = (2, 2, *(8 * [3]), 4, 4, 4, 5, 5, 5, 5, 7, 7, 9)
# Most of a run's time is tokens that bring nothing: some rings turn much, most as little as goes.
PACES = (Pace(30, 10), Pace(3, 10), *(7 * [Pace(3, 3)]), *(7 * [Pace(1, 4)]))
STEPS = 20
REST_S = 40.0  # virtual seconds from peace to the scheduler's target state, at most
REAL_SHARE = 0.4  # of the seeds run the real scheduler,
FENCING_SHARE = 0.5  # and of these so many with fencing: a switch that takes nodes' power
CLEANING_SHARE = 0.25  # of the seeds whose agents were good end with a cleaning all the same
_BAD_AGENTS = frozenset({"lying_agents", "hanging_agents", "failing_agents"})


def run_chaos(
    seed: int, *, steps: int = STEPS, nemeses: Sequence[str] = (), fencing: bool | None = None
) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold.

    ``nemeses`` are those that work, and ``fencing`` whether there is any, instead of what the
    seed draws.
    """
    chance = random.Random(seed)
    real = chance.random() < REAL_SHARE or bool(fencing)
    drawn = real and chance.random() < FENCING_SHARE
    fencing = drawn if fencing is None else fencing
    planner = scheduler_plan if real else toy_planner.plan
    cluster, checker = watched(
        chance.choice(SIZES), seed, planner=planner, pace=chance.choice(PACES)
    )
    checker.activity.fencing = fencing
    names = [*nemeses] or chance.sample(sorted(NEMESES), chance.randint(2, len(NEMESES)))
    try:
        cluster.start()
        cluster.settle()
        _prepare(cluster, fencing=fencing)
        _suffer(cluster, checker, chance, names, steps, real=real)
        rest(cluster, checker, chance, names, fencing=fencing)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} ({len(cluster.nodes)} nodes, {'real' if real else 'toy'} planner"
            f"{', fencing' if fencing else ''},"
            f" {' '.join(names)}): {error}\n{cluster.tail()}"
        ) from error
    return cluster, checker


def _prepare(cluster: Cluster, *, fencing: bool) -> None:
    """Resources may run: there is a fence device, or nobody wants one."""
    cluster.commit(cluster.up[0].number, add_device() if fencing else without_fencing)


def _is_prepared(cib: Cib, *, fencing: bool) -> bool:
    return "fence" in cib.ids() if fencing else "stonith-enabled" in cib.properties()


def _suffer(
    cluster: Cluster,
    checker: Checker,
    chance: random.Random,
    names: list[str],
    steps: int,
    *,
    real: bool,
) -> None:
    count = 0
    for _ in range(steps):
        for _ in range(chance.randint(0, 3)):
            if not cluster.up:
                break
            count += 1
            commit(cluster, checker, chance, count, real=real)
            if chance.random() < 0.5:
                cluster.run(chance.random() * 0.005)
        cluster.run(chance.choice((0.002, 0.01, 0.1, 0.7)) * chance.random())
        for name in chance.sample(names, min(len(names), chance.choice((1, 1, 2)))):
            NEMESES[name](cluster, chance)
        checker.check_now()


def commit(
    cluster: Cluster,
    checker: Checker,
    chance: random.Random,
    count: int,
    *,
    real: bool,
    force: bool = False,
) -> None:
    """A client at some node adds something that has a name of its own, or takes a mark away."""
    node = chance.choice(cluster.up)
    seen = checker.commits.acknowledged & cluster.cib(node.number).ids()  # perhaps not all yet
    marks = sorted(mark for mark in seen if mark.startswith("m"))
    if marks and chance.random() < 0.15:
        name = chance.choice(marks)
        checker.commits.removes(cluster.next_ticket, name)
        cluster.commit(node.number, remove_mark(name), force=force)
        return
    name, change = _something(chance, count, real=real)
    checker.commits.marks[cluster.next_ticket] = name
    cluster.commit(node.number, change, force=force)


def _something(
    chance: random.Random, count: int, *, real: bool
) -> tuple[str, Callable[[Cib], Cib]]:
    kind = chance.random()
    if kind < 0.7:
        return f"m{count}", add_mark(f"m{count}")
    if real and kind < 0.75:
        return f"G{count}", add_group(f"G{count}", 2)
    if real and kind < 0.8:
        return f"C{count}", add_clone(f"C{count}", promotable=chance.random() < 0.5)
    return f"R{count}", add_resource(f"R{count}")


def comes_to_rest(cluster: Cluster) -> bool:
    """Whether the cluster settles, once it has been woken."""
    return cluster.network.run_until(cluster.settled, within_s=5.0, every_s=0.001)


def rest(
    cluster: Cluster,
    checker: Checker,
    chance: random.Random,
    names: Sequence[str],
    *,
    fencing: bool,
) -> None:
    """Every fault healed: in bounded time one cluster again, nothing lost, everything runs once."""
    peace(cluster, chance)
    began = cluster.now
    for _ in range(2):  # an orderly stop may come to its end only now, and that of all nodes too
        while not comes_to_rest(cluster) and cluster.now < began + REST_S:
            wake(cluster)
        wake(cluster)
        cluster.run(0.1)
    cluster.settle(within_s=max(0.0, began + REST_S - cluster.now))
    if not _is_prepared(cluster.cib(cluster.up[0].number), fencing=fencing):  # that was lost
        _prepare(cluster, fencing=fencing)
        cluster.run(0.1)
        cluster.settle(within_s=REST_S)
    agents_are_bad = not _BAD_AGENTS.isdisjoint(names)
    if not agents_are_bad:
        checker.activity.check_told()  # before the cleaning that would mend it
    if agents_are_bad or chance.random() < CLEANING_SHARE:
        cluster.answer(cluster.up[0].number, CleanResource(all_history=True), within_s=30)
        cluster.settle(within_s=REST_S - (cluster.now - began))
    cluster.run(0.2)  # nothing more happens
    checker.check_now()
    checker.check_rest()

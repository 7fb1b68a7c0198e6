"""Named faults for whole clusters, drawn from the seed and composed, with commits all the time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from sim import toy_planner
from sim.checkers import Checker, watched
from sim.cluster import Cluster, Disk, add_mark, add_resource, without_fencing
from sim.network import Faults

from crmsh_py.engine.api import Standing
from crmsh_py.engine.controller import Planner
from crmsh_py.wire.control import CleanResource, SetAttribute, StartManager, StopDaemon, StopManager

Nemesis = Callable[[Cluster, random.Random], None]


def crash(cluster: Cluster, chance: random.Random) -> None:
    """Power off one node; what its disk was writing may be lost."""
    if cluster.up:
        chance.choice(cluster.up).crash()


def crash_all(cluster: Cluster, chance: random.Random) -> None:
    """Power off everything, in the middle of whatever it was doing."""
    for node in cluster.up:
        node.crash()


def restart(cluster: Cluster, chance: random.Random) -> None:
    """Start a node that is down."""
    down = [node for node in cluster.nodes.values() if node.core is None]
    if down:
        chance.choice(down).start()


def bounce(cluster: Cluster, chance: random.Random) -> None:
    """Power off and on before anybody notices."""
    if cluster.up:
        node = chance.choice(cluster.up)
        node.crash()
        node.start()


def wipe(cluster: Cluster, chance: random.Random) -> None:
    """Replace the disk of a node, unless another one is still empty: it may hit a minority."""
    nodes = list(cluster.nodes.values())
    if all(node.disk.state.standing > Standing.EMPTY for node in nodes):
        node = chance.choice(nodes)
        if node.core is not None:
            node.crash()
        node.disk = Disk()


def split(cluster: Cluster, chance: random.Random) -> None:
    """Cut the nodes into two sides."""
    numbers = list(cluster.nodes)
    chance.shuffle(numbers)
    at = chance.randint(1, len(numbers) - 1)
    cluster.partition(numbers[:at], numbers[at:])


def one_way(cluster: Cluster, chance: random.Random) -> None:
    """One link loses everything, its way back does not."""
    one, other = chance.sample(sorted(cluster.nodes), 2)
    cluster.network.cut(cluster.nodes[one].address, cluster.nodes[other].address)


def heal(cluster: Cluster, chance: random.Random) -> None:
    """All links work."""
    cluster.network.heal()


def freeze(cluster: Cluster, chance: random.Random) -> None:
    """Stop a node for a while."""
    if cluster.up:
        address = chance.choice(cluster.up).address
        cluster.network.freeze(address)
        delay = chance.random() * 0.8
        cluster.network.at(cluster.now + delay, lambda: cluster.network.thaw(address))


def slow_disk(cluster: Cluster, chance: random.Random) -> None:
    """A disk takes long to sync."""
    node = chance.choice(list(cluster.nodes.values()))
    node.disk.delay_s = chance.choice(((0.05, 0.3), (0.0005, 0.004)))


def bad_agents(cluster: Cluster, chance: random.Random) -> None:
    """Operations fail on a node, or work again."""
    node = chance.choice(list(cluster.nodes.values()))
    share = chance.choice((0.0, 0.2))
    node.fail = lambda operation: (
        1 if operation.action in ("start", "monitor") and chance.random() < share else None
    )


def leave(cluster: Cluster, chance: random.Random) -> None:
    """An orderly stop of a node, or of its cluster manager only."""
    if cluster.up:
        request = chance.choice((StopDaemon(), StopManager(), StartManager()))
        cluster.ask(chance.choice(cluster.up).number, request)


def meddle(cluster: Cluster, chance: random.Random) -> None:
    """Set an attribute, or clean up."""
    if cluster.up:
        node = chance.choice(cluster.up)
        cleaning = CleanResource(all_history=chance.random() < 0.5)
        setting = SetAttribute(node="", name="color", value=str(chance.randint(1, 9)))
        cluster.ask(node.number, chance.choice((cleaning, setting)))


def storm(cluster: Cluster, chance: random.Random) -> None:
    """The network gets bad."""
    cluster.network.faults = Faults(
        loss=chance.choice((0.0, 0.02, 0.1)),
        duplication=chance.choice((0.0, 0.1)),
        straggler=chance.choice((0.0, 0.05)),
        straggler_s=chance.choice((0.005, 0.05)),
    )


def calm(cluster: Cluster, chance: random.Random) -> None:
    """The network gets good."""
    cluster.network.faults = Faults()


NEMESES: Mapping[str, Nemesis] = {
    each.__name__: each
    for each in (
        crash,
        crash_all,
        restart,
        bounce,
        wipe,
        split,
        one_way,
        heal,
        freeze,
        slow_disk,
        bad_agents,
        leave,
        meddle,
        storm,
        calm,
    )
}


def run_chaos(
    seed: int, *, steps: int = 20, planner: Planner = toy_planner.plan
) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    cluster, checker = watched(chance.choice((2, 3, 3, 3, 4, 5)), seed, planner=planner)
    try:
        _run(cluster, checker, chance, steps)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n{cluster.tail()}") from error
    return cluster, checker


def _run(cluster: Cluster, checker: Checker, chance: random.Random, steps: int) -> None:
    cluster.start()
    cluster.settle()
    cluster.commit(1, without_fencing)
    names = chance.sample(sorted(NEMESES), chance.randint(2, len(NEMESES)))
    count = 0
    for _ in range(steps):
        for _ in range(chance.randint(0, 3)):
            if not cluster.up:
                break
            count += 1
            name = f"m{count}" if chance.random() < 0.7 else f"R{count}"
            change = add_mark(name) if name[0] == "m" else add_resource(name)
            node = chance.choice(cluster.up)
            ticket = cluster.next_ticket
            checker.marks[ticket] = name
            cluster.commit(node.number, change)
            if chance.random() < 0.5:
                cluster.run(chance.random() * 0.005)
        cluster.run(chance.choice((0.002, 0.01, 0.1, 0.7)) * chance.random())
        NEMESES[chance.choice(names)](cluster, chance)
        checker.check_durable()
    rest(cluster, checker)


def rest(cluster: Cluster, checker: Checker) -> None:
    """Every fault healed: one cluster again, nothing lost, everything runs once."""
    cluster.network.faults = Faults()
    cluster.network.heal()
    for node in cluster.nodes.values():
        node.disk.delay_s = Disk().delay_s
        node.fail = lambda _: None
    cluster.run(1.0)  # the last frozen node thaws, an orderly stop comes to its end
    for node in cluster.nodes.values():
        if node.core is None:
            node.start()
        else:
            cluster.ask(node.number, StartManager())
    cluster.settle(within_s=40)
    number = cluster.up[0].number
    if "stonith-enabled" not in cluster.cib(number).properties():  # that commit was lost
        cluster.commit(number, without_fencing)
    cluster.answer(cluster.up[0].number, CleanResource(), within_s=30)
    cluster.settle(within_s=40)
    cluster.run(0.5)
    checker.check_nothing_lost()
    checker.check_equal()
    checker.check_once()

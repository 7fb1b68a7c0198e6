"""What goes wrong in a cluster, by name: every nemesis does one thing, and all can be combined.

A nemesis is a function of the cluster and of a source of chance. What it begins lasts until
another one ends it, or for a time that it draws itself; ``peace`` ends everything. Several in one
moment are several calls: ``NEMESES`` is the table that the chaos draws from.

    machines   crash crash_all restart bounce freeze leave wipe
    networks   split shatter bridge isolate one_way deaf swizzle heal
               slow_link lossy duplicate reorder storm calm
    power      broken_switch
    disks      slow_disk full_disk
    clocks     set_clock
    agents     failing_agents hanging_agents slow_agents lying_agents good_agents
    people     meddle
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from sim.cluster import AGENT_DELAY_S, Cluster
from sim.machine import Disk, SimNode
from sim.network import Faults

from crmsh_py.engine.api import RunOperation, Standing
from crmsh_py.wire.control import CleanResource, SetAttribute, StartManager, StopDaemon, StopManager

Nemesis = Callable[[Cluster, random.Random], None]


# ---- machines ------------------------------------------------------------------------------------


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


def freeze(cluster: Cluster, chance: random.Random) -> None:
    """Stop a node for a while; short pauses are not noticed, long ones are."""
    if cluster.up:
        address = chance.choice(cluster.up).address
        cluster.network.freeze(address)
        delay = chance.random() * 0.8
        cluster.network.at(cluster.now + delay, lambda: cluster.network.thaw(address))


def leave(cluster: Cluster, chance: random.Random) -> None:
    """An orderly stop of a node, or of its cluster manager only."""
    if cluster.up:
        request = chance.choice((StopDaemon(), StopManager(), StartManager()))
        cluster.ask(chance.choice(cluster.up).number, request)


def wipe(cluster: Cluster, chance: random.Random) -> None:
    """Replace the disk of a node, unless another one is still empty: it may hit a minority."""
    nodes = list(cluster.nodes.values())
    if all(node.disk.state.standing > Standing.EMPTY for node in nodes):
        chance.choice(nodes).replace_disk()


# ---- networks ------------------------------------------------------------------------------------


def split(cluster: Cluster, chance: random.Random) -> None:
    """Cut the nodes into two sides."""
    numbers = _shuffled(cluster, chance)
    at = chance.randint(1, len(numbers) - 1)
    cluster.partition(numbers[:at], numbers[at:])


def shatter(cluster: Cluster, chance: random.Random) -> None:
    """Cut the nodes into three sides or more, down to one node each."""
    numbers = _shuffled(cluster, chance)
    sides = chance.randint(min(3, len(numbers)), len(numbers))
    cluster.partition(*(numbers[side::sides] for side in range(sides)))


def bridge(cluster: Cluster, chance: random.Random) -> None:
    """Two halves that cannot hear each other, and one node that hears both."""
    middle, *others = _shuffled(cluster, chance)
    half = len(others) // 2
    cluster.partition([middle, *others[:half]], [middle, *others[half:]])


def isolate(cluster: Cluster, chance: random.Random) -> None:
    """One node alone."""
    one, *others = _shuffled(cluster, chance)
    cluster.partition([one], others)


def one_way(cluster: Cluster, chance: random.Random) -> None:
    """One link loses everything, its way back does not."""
    one, other = chance.sample(sorted(cluster.nodes), 2)
    cluster.network.cut(cluster.nodes[one].address, cluster.nodes[other].address)


def deaf(cluster: Cluster, chance: random.Random) -> None:
    """One node hears nothing any more, and everybody hears it; or the other way round."""
    one, *others = [cluster.nodes[n].address for n in _shuffled(cluster, chance)]
    mute = chance.random() < 0.5
    for other in others:
        cluster.network.cut(*((one, other) if mute else (other, one)))


def swizzle(cluster: Cluster, chance: random.Random) -> None:
    """Cut nodes off one after the other, then let them back in another order (swizzle-clogging)."""
    numbers = _shuffled(cluster, chance)
    victims = numbers[: chance.randint(1, len(numbers))]
    at = cluster.now
    for number in victims:
        at += chance.random() * 0.1
        cluster.network.at(at, lambda number=number: _clog(cluster, number))  # type: ignore[misc]
    chance.shuffle(victims)
    for number in victims:
        at += chance.random() * 0.15
        cluster.network.at(at, lambda number=number: _unclog(cluster, number))  # type: ignore[misc]


def heal(cluster: Cluster, chance: random.Random) -> None:
    """All links work."""
    cluster.network.heal()


def slow_link(cluster: Cluster, chance: random.Random) -> None:
    """One link, or all, takes longer, up to a good part of the token's timeout."""
    delay = Faults(delay_s=chance.choice((0.002, 0.01, 0.03)), jitter_s=0.005)
    if chance.random() < 0.3:
        cluster.network.faults = delay
    else:
        one, other = chance.sample(sorted(cluster.nodes), 2)
        cluster.network.links[cluster.nodes[one].address, cluster.nodes[other].address] = delay


def lossy(cluster: Cluster, chance: random.Random) -> None:
    """Datagrams are lost."""
    cluster.network.faults = Faults(loss=chance.choice((0.02, 0.1, 0.3)))


def duplicate(cluster: Cluster, chance: random.Random) -> None:
    """Datagrams come twice."""
    cluster.network.faults = Faults(duplication=chance.choice((0.1, 0.5)))


def reorder(cluster: Cluster, chance: random.Random) -> None:
    """Some datagrams come long after those that were sent after them."""
    late = chance.choice((0.005, 0.05, 0.3))
    cluster.network.faults = Faults(straggler=chance.choice((0.05, 0.3)), straggler_s=late)


def storm(cluster: Cluster, chance: random.Random) -> None:
    """All of this a little."""
    cluster.network.faults = Faults(
        loss=chance.choice((0.0, 0.02, 0.1)),
        duplication=chance.choice((0.0, 0.1)),
        straggler=chance.choice((0.0, 0.05)),
        straggler_s=chance.choice((0.005, 0.05)),
    )


def calm(cluster: Cluster, chance: random.Random) -> None:
    """The network gets good."""
    cluster.network.faults = Faults()
    cluster.network.links.clear()


def broken_switch(cluster: Cluster, chance: random.Random) -> None:
    """The power switch behind all fence devices does nothing, and says so; or works again."""
    cluster.power.works = not cluster.power.works


# ---- disks and clocks ----------------------------------------------------------------------------


def slow_disk(cluster: Cluster, chance: random.Random) -> None:
    """A disk takes long to sync."""
    node = _anybody(cluster, chance)
    node.disk.delay_s = chance.choice(((0.05, 0.3), (0.0005, 0.004)))


def full_disk(cluster: Cluster, chance: random.Random) -> None:
    """A disk takes nothing more, or again; its node must stop, and loses nothing that it said."""
    node = _anybody(cluster, chance)
    node.disk.full = not node.disk.full


def set_clock(cluster: Cluster, chance: random.Random) -> None:
    """A wall clock jumps, by seconds or by years."""
    error = chance.choice((1.0, 60.0, 3600.0, 10.0**8)) * chance.choice((-1, 1))
    _anybody(cluster, chance).set_clock(error)


# ---- agents --------------------------------------------------------------------------------------


def failing_agents(cluster: Cluster, chance: random.Random) -> None:
    """Operations fail on a node, now and then."""
    _anybody(cluster, chance).fail = lambda operation: (
        1 if operation.action != "stop" and chance.random() < 0.2 else None
    )


def stubborn_agents(cluster: Cluster, chance: random.Random) -> None:
    """Stops fail on a node, now and then, where it can be fenced for that."""
    if any("fence" in cluster.cib(node.number).ids() for node in cluster.up):
        _anybody(cluster, chance).fail = lambda operation: (
            1 if operation.action == "stop" and chance.random() < 0.3 else None
        )


def hanging_agents(cluster: Cluster, chance: random.Random) -> None:
    """Operations do not come back on a node, until their timeout ends them."""
    _anybody(cluster, chance).hang = lambda operation: (
        operation.action != "stop" and chance.random() < 0.1
    )


def slow_agents(cluster: Cluster, chance: random.Random) -> None:
    """Operations take so long that the membership changes meanwhile."""
    cluster.agent_delay_s = (0.1, 1.5)


def lying_agents(cluster: Cluster, chance: random.Random) -> None:
    """Agents tell what is not so: a start that started nothing, a monitor that sees ghosts.

    Probes and stops tell the truth: nobody could keep the promise of one place without them.
    """

    def lies(operation: RunOperation) -> bool:
        recurring = operation.environment.get("OCF_RESKEY_CRM_meta_interval", "0") != "0"
        return (operation.action == "start" or recurring) and chance.random() < 0.3

    _anybody(cluster, chance).lie = lies


def good_agents(cluster: Cluster, chance: random.Random) -> None:
    """All agents work again, and are quick."""
    cluster.agent_delay_s = AGENT_DELAY_S
    for node in cluster.nodes.values():
        node.fail, node.hang, node.lie = lambda _: None, lambda _: False, lambda _: False


# ---- people --------------------------------------------------------------------------------------


def meddle(cluster: Cluster, chance: random.Random) -> None:
    """Set an attribute, or clean up."""
    if cluster.up:
        node = chance.choice(cluster.up)
        cleaning = CleanResource(all_history=chance.random() < 0.5)
        setting = SetAttribute(node="", name="color", value=str(chance.randint(1, 9)))
        cluster.ask(node.number, chance.choice((cleaning, setting)))


NEMESES: Mapping[str, Nemesis] = {
    each.__name__: each
    for each in (
        crash,
        crash_all,
        restart,
        bounce,
        freeze,
        leave,
        wipe,
        split,
        shatter,
        bridge,
        isolate,
        one_way,
        deaf,
        swizzle,
        heal,
        slow_link,
        lossy,
        duplicate,
        reorder,
        storm,
        calm,
        broken_switch,
        slow_disk,
        full_disk,
        set_clock,
        failing_agents,
        stubborn_agents,
        hanging_agents,
        slow_agents,
        lying_agents,
        good_agents,
        meddle,
    )
}


def peace(cluster: Cluster, chance: random.Random) -> None:
    """Nothing is wrong any more, and every node runs; what was done stays done."""
    calm(cluster, chance)
    good_agents(cluster, chance)
    cluster.power.works = True
    for node in cluster.nodes.values():
        node.disk.delay_s = Disk().delay_s
        node.disk.full = False
        node.clock_error_s = 0.0
        node.set_clock(0.0)
    # The last frozen node thaws, the last clogged one is free.
    for _ in range(2):
        heal(cluster, chance)
        cluster.run(0.6)
    wake(cluster)


def wake(cluster: Cluster) -> None:
    """Start what is down: nodes, and cluster managers."""
    for node in cluster.nodes.values():
        if node.core is None:
            node.start()
        else:
            cluster.ask(node.number, StartManager())


# ---- inside --------------------------------------------------------------------------------------


def _shuffled(cluster: Cluster, chance: random.Random) -> list[int]:
    numbers = sorted(cluster.nodes)
    chance.shuffle(numbers)
    return numbers


def _anybody(cluster: Cluster, chance: random.Random) -> SimNode:
    return chance.choice(list(cluster.nodes.values()))


def _clog(cluster: Cluster, number: int) -> None:
    one = cluster.nodes[number].address
    for other in cluster.nodes.values():
        if other.address != one:
            cluster.network.cut(one, other.address)
            cluster.network.cut(other.address, one)


def _unclog(cluster: Cluster, number: int) -> None:
    one = cluster.nodes[number].address
    cut = cluster.network.cut_links
    cluster.network.cut_links = {link for link in cut if one not in link}

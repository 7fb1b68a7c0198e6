"""Named faults, drawn from the seed and composed: what a ring must survive.

A ``Nemesis`` is a function that does one thing to a lab. ``run_chaos`` lets several of them work
while all nodes keep multicasting, then heals everything and demands one ring again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from sim.network import Faults
from sim.ring import FAST, Lab, check_all

Nemesis = Callable[[Lab, random.Random], None]


def crash(lab: Lab, chance: random.Random) -> None:
    """SIGKILL one node."""
    if len(lab.up) > 1:
        lab.crash(chance.choice(lab.up).node_id)


def restart(lab: Lab, chance: random.Random) -> None:
    """Start one that is down, with its disk or without."""
    down = [node for node in lab.nodes.values() if node.totem is None]
    if down:
        node = chance.choice(down)
        lab.start(node.node_id)


def bounce(lab: Lab, chance: random.Random) -> None:
    """Kill a node and start it again before anybody can notice."""
    node = chance.choice(lab.up)
    lab.crash(node.node_id)
    lab.start(node.node_id)


def leave(lab: Lab, chance: random.Random) -> None:
    """One node goes in an orderly way."""
    if len(lab.up) > 1:
        lab.leave(chance.choice(lab.up).node_id)


def split(lab: Lab, chance: random.Random) -> None:
    """Cut the nodes into two or three sides."""
    numbers = list(lab.nodes)
    chance.shuffle(numbers)
    sides = chance.choice((2, 2, 3))
    lab.partition(*(numbers[side::sides] for side in range(sides)))


def one_way(lab: Lab, chance: random.Random) -> None:
    """One link loses everything, its way back does not."""
    one, other = chance.sample(sorted(lab.nodes), 2)
    lab.network.cut(lab.nodes[one].address, lab.nodes[other].address)


def heal(lab: Lab, chance: random.Random) -> None:
    """All links work."""
    lab.network.heal()


def freeze(lab: Lab, chance: random.Random) -> None:
    """Stop a node for a while; short pauses are not noticed, long ones are."""
    address = chance.choice(lab.up).address
    lab.network.freeze(address)
    lab.network.at(lab.now + chance.random() * 0.8, lambda: lab.network.thaw(address))


def storm(lab: Lab, chance: random.Random) -> None:
    """The network gets bad."""
    lab.network.faults = Faults(
        loss=chance.choice((0.0, 0.02, 0.1, 0.3)),
        duplication=chance.choice((0.0, 0.05, 0.3)),
        straggler=chance.choice((0.0, 0.05, 0.2)),
        straggler_s=chance.choice((0.005, 0.05)),
    )


def calm(lab: Lab, chance: random.Random) -> None:
    """The network gets good."""
    lab.network.faults = Faults()


NEMESES: Mapping[str, Nemesis] = {
    each.__name__: each
    for each in (crash, restart, bounce, leave, split, one_way, heal, freeze, storm, calm)
}


def run_chaos(seed: int, *, steps: int = 25) -> Lab:
    """One run; raises AssertionError with the seed where a property does not hold."""
    chance = random.Random(seed)
    lab = Lab(chance.choice((2, 3, 3, 4, 5)), seed, settings=FAST)
    lab.start(*sorted(lab.nodes))
    names = chance.sample(sorted(NEMESES), chance.randint(2, len(NEMESES)))
    count = 0
    for _ in range(steps):
        for _ in range(chance.randint(0, 8)):
            node = chance.choice(lab.up)
            size = chance.choice((10, 10, 10, 200, 1500, 6000))
            payload = f"{seed}/{count}/".encode().ljust(size, b".")
            lab.multicast(node.node_id, payload, safe=chance.random() < 0.5)
            count += 1
            if chance.random() < 0.5:
                lab.network.run(for_s=chance.random() * 0.003)
        lab.network.run(for_s=chance.choice((0.0005, 0.002, 0.01, 0.1, 0.6)) * chance.random())
        NEMESES[chance.choice(names)](lab, chance)
    lab.network.faults = Faults()
    lab.network.heal()
    lab.network.run(for_s=0.9)  # the last frozen node thaws
    down = [number for number, node in lab.nodes.items() if node.totem is None]
    if down:
        lab.start(*down)
    lab.form(within_s=20)
    lab.settle_deliveries()
    check_all(lab)
    return lab

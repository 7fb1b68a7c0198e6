"""A cluster that lives with a fault for minutes: who is served, and who loses its power how often.

``measure`` lets something be wrong for good with one node (``bad``), its links, or the network.
Meanwhile a client commits at every node, resources die on good nodes, and it is written down what
was acknowledged within a client's patience, how long a resource was away, and which node was
switched off how often.

    python tests/sim/lasting.py NODES BAD device|watchdog [FAULT ...]      a table

Two at once are called ``'deaf + slow disk'``.

It has the times of the simulation (a token time of 0.2 s), in which machines start within 0.3 s.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sim.cluster import (
    Cluster,
    add_device,
    add_mark,
    add_resource,
    remove_mark,
    with_property,
)
from sim.network import Faults

from crmsh_py import corosync_conf
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import Committed, StopDaemon

RESOURCES = ("R1", "R2", "R3", "R4", "R5", "R6")
PATIENCE_S = 2.0  # a client's: ten token times
_COMMIT_EVERY_S = 1.37
_DEATH_EVERY_S = 15.0
_LOOK_EVERY_S = 0.27

Fault = Callable[["Life"], None]


@dataclass(slots=True)
class Life:
    """A cluster and the node with the fault, or the link from it to ``other``."""

    cluster: Cluster
    bad: int
    seconds: float
    asked: Counter[int] = field(default_factory=Counter)  # by node
    served: Counter[int] = field(default_factory=Counter)
    rounds: int = 0
    good_rounds: int = 0  # those in which a majority of the nodes was served
    away_s: float = 0.0  # the longest time that a resource ran nowhere
    _gone: dict[str, float] = field(default_factory=dict)
    began: float = 0.0

    @property
    def count(self) -> int:
        return len(self.cluster.nodes)

    @property
    def other(self) -> int:
        return self.bad % self.count + 1

    def address(self, number: int) -> str:
        return self.cluster.nodes[number].address

    @property
    def majority(self) -> float:
        """The part of the time in which a majority was served."""
        return self.good_rounds / self.rounds

    @property
    def switched(self) -> Counter[str]:
        """How often each node lost its power to a fence device or a watchdog."""
        log = self.cluster.power.log
        return Counter(name for when, what, name in log if when > self.began and what != "on")

    def every(self, seconds: float, action: Callable[[], None], first_s: float = 0.0) -> None:
        """Again and again until the end."""

        def run() -> None:
            if self.cluster.now < self.began + self.seconds:
                action()
                self.cluster.network.at(self.cluster.now + seconds, run)

        self.cluster.network.at(self.cluster.now + first_s, run)

    # -- clients

    def commit_everywhere(self) -> None:
        tickets = {}
        for number, node in self.cluster.nodes.items():
            self.asked[number] += 1
            if node.core is None or node.address in self.cluster.network.frozen:
                continue
            name = f"M{number}"
            known = name in self.cluster.cib(number).ids()
            change = remove_mark(name) if known else add_mark(name)
            tickets[number] = self.cluster.commit(number, change)
        self.rounds += 1
        self.cluster.network.at(self.cluster.now + PATIENCE_S, lambda: self._look_at(tickets))

    def _look_at(self, tickets: dict[int, int]) -> None:
        done = []
        for number, ticket in tickets.items():
            replies = self.cluster.nodes[number].replies.get(ticket, ())
            if any(isinstance(reply, Committed) for reply in replies):
                done.append(number)
        self.served.update(done)
        self.good_rounds += 2 * len(done) > self.count

    # -- resources

    def let_one_die(self) -> None:
        """A resource on a good node; its next monitor finds it."""
        for node in self.cluster.up:
            if node.number != self.bad and node.active:
                node.active.discard(min(node.active))
                return

    def look_at_resources(self) -> None:
        now = self.cluster.now
        running = {name for node in self.cluster.up for name in node.active}
        for name in RESOURCES:
            if name in running:
                self._gone.pop(name, None)
            else:
                since = self._gone.setdefault(name, now)
                self.away_s = max(self.away_s, now - since)


# ---- faults --------------------------------------------------------------------------------------


def nothing(life: Life) -> None:
    """For comparison."""


def one_way(life: Life) -> None:
    life.cluster.network.cut(life.address(life.bad), life.address(life.other))


def one_way_back(life: Life) -> None:
    life.cluster.network.cut(life.address(life.other), life.address(life.bad))


def two_way(life: Life) -> None:
    one_way(life)
    one_way_back(life)


def deaf(life: Life) -> None:
    for number in life.cluster.nodes:
        if number != life.bad:
            life.cluster.network.cut(life.address(number), life.address(life.bad))


def mute(life: Life) -> None:
    for number in life.cluster.nodes:
        if number != life.bad:
            life.cluster.network.cut(life.address(life.bad), life.address(number))


def isolate(life: Life) -> None:
    life.cluster.partition([life.bad], [n for n in life.cluster.nodes if n != life.bad])


def bridge(life: Life) -> None:
    others = [n for n in life.cluster.nodes if n != life.bad]
    half = len(others) // 2
    life.cluster.partition([life.bad, *others[:half]], [life.bad, *others[half:]])


def flapping(life: Life) -> None:
    """The bad node's cable, in and out every second or so."""

    def flip() -> None:
        if life.cluster.network.cut_links:
            life.cluster.network.heal()
        else:
            isolate(life)

    life.every(0.7, flip)


def quick_flapping(life: Life) -> None:
    """Before anybody notices."""

    def flip() -> None:
        if life.cluster.network.cut_links:
            life.cluster.network.heal()
        else:
            isolate(life)

    life.every(0.15, flip)


def _link(**faults: float) -> Fault:
    def begin(life: Life) -> None:
        pair = (life.address(life.bad), life.address(life.other))
        life.cluster.network.links[pair] = Faults(**faults)

    return begin


def _card(**faults: float) -> Fault:
    """All of the bad node's links, both ways."""

    def begin(life: Life) -> None:
        bad = life.address(life.bad)
        for number in life.cluster.nodes:
            if number != life.bad:
                life.cluster.network.links[bad, life.address(number)] = Faults(**faults)
                life.cluster.network.links[life.address(number), bad] = Faults(**faults)

    return begin


def _network(**faults: float) -> Fault:
    def begin(life: Life) -> None:
        life.cluster.network.faults = Faults(**faults)

    return begin


def _disk(low: float, high: float) -> Fault:
    def begin(life: Life) -> None:
        life.cluster.node(life.bad).disk.delay_s = (low, high)

    return begin


def full_disk(life: Life) -> None:
    def fill() -> None:
        life.cluster.node(life.bad).disk.full = True
        if life.cluster.node(life.bad).core is None:
            life.cluster.node(life.bad).start()  # somebody, or systemd, tries again

    life.every(3.0, fill)


def frozen(life: Life) -> None:
    life.every(1.0, lambda: life.cluster.network.freeze(life.address(life.bad)))


def _stutter(stopped_s: float, going_s: float) -> Fault:
    """A machine that stands still again and again."""

    def begin(life: Life) -> None:
        network, address = life.cluster.network, life.address(life.bad)

        def stop() -> None:
            network.freeze(address)
            network.at(life.cluster.now + stopped_s, lambda: network.thaw(address))

        life.every(stopped_s + going_s, stop)

    return begin


def _loop(up_s: float, end: Callable[[Life], None]) -> Fault:
    """A node that starts and ends again and again."""

    def begin(life: Life) -> None:
        node = life.cluster.node(life.bad)
        life.every(up_s, lambda: node.start() if node.core is None else end(life))

    return begin


def _crash(life: Life) -> None:
    life.cluster.node(life.bad).crash()


def _leave(life: Life) -> None:
    life.cluster.ask(life.bad, StopDaemon())


def _crash_loop(up_s: float) -> Fault:
    return _loop(up_s, _crash)


def _leave_loop(up_s: float) -> Fault:
    return _loop(up_s, _leave)


def wiped(life: Life) -> None:
    """An empty disk again and again."""

    def wipe() -> None:
        life.cluster.node(life.bad).replace_disk()
        life.cluster.network.at(life.cluster.now + 0.3, start)

    def start() -> None:
        if life.cluster.node(life.bad).core is None:
            life.cluster.node(life.bad).start()

    life.every(4.0, wipe)


def clock(life: Life) -> None:
    life.cluster.node(life.bad).set_clock(3600.0)


def jumping_clock(life: Life) -> None:
    chance = random.Random(1)
    life.every(1.0, lambda: life.cluster.node(life.bad).set_clock(chance.uniform(-1e6, 1e6)))


def failing_agents(life: Life) -> None:
    life.cluster.node(life.bad).fail = lambda operation: 1 if operation.action != "stop" else None


def failing_stops(life: Life) -> None:
    life.cluster.node(life.bad).fail = lambda operation: 1 if operation.action == "stop" else None


def failing_all(life: Life) -> None:
    life.cluster.node(life.bad).fail = lambda operation: 1


def hanging_agents(life: Life) -> None:
    life.cluster.node(life.bad).hang = lambda operation: operation.action != "stop"


def hanging_all(life: Life) -> None:
    life.cluster.node(life.bad).hang = lambda operation: True


def lying_agents(life: Life) -> None:
    life.cluster.node(life.bad).lie = lambda operation: (
        operation.action == "start"
        or operation.environment.get("OCF_RESKEY_CRM_meta_interval", "0") != "0"
    )


def swizzle(life: Life) -> None:
    chance = random.Random(life.bad)

    def clog() -> None:
        numbers = list(life.cluster.nodes)
        chance.shuffle(numbers)
        few = numbers[: (life.count - 1) // 2]
        life.cluster.partition(*([n] for n in few), [n for n in numbers if n not in few])

    life.every(2.0, clog)


def _other_conf(text: Callable[[Life], str]) -> Fault:
    """The bad node starts anew with another corosync.conf."""

    def begin(life: Life) -> None:
        node, cluster = life.cluster.node(life.bad), life.cluster
        usual = cluster.conf
        start = node.start

        def start_with(*, manager: bool = True) -> None:
            cluster.conf = corosync_conf.parse(text(life))
            try:
                start(manager=manager)
            finally:
                cluster.conf = usual

        node.start = start_with  # type: ignore[method-assign]
        node.crash()
        cluster.network.at(cluster.now + 0.3, lambda: node.core is None and node.start())

    return begin


def _replaced(*pairs: tuple[str, str]) -> Fault:
    def text(life: Life) -> str:
        made = life.cluster.conf_text
        for old, new in pairs:
            assert old in made, old
            made = made.replace(old, new)
        return made

    return _other_conf(text)


FAULTS: dict[str, Fault] = {
    "nothing": nothing,
    "one way": one_way,
    "one way back": one_way_back,
    "two way": two_way,
    "deaf": deaf,
    "mute": mute,
    "isolate": isolate,
    "bridge": bridge,
    "flapping": flapping,
    "quick flapping": quick_flapping,
    "swizzle": swizzle,
    "slow link 30 ms": _link(delay_s=0.03, jitter_s=0.005),
    "slow link 150 ms": _link(delay_s=0.15, jitter_s=0.02),
    "slow link 250 ms": _link(delay_s=0.25, jitter_s=0.02),
    "slow card 60 ms": _card(delay_s=0.06, jitter_s=0.01),
    "slow card 150 ms": _card(delay_s=0.15, jitter_s=0.02),
    "lossy link 50": _link(loss=0.5),
    "lossy link 80": _link(loss=0.8),
    "lossy link 90": _link(loss=0.9),
    "lossy card 30": _card(loss=0.3),
    "lossy card 50": _card(loss=0.5),
    "lossy card 70": _card(loss=0.7),
    "lossy card 90": _card(loss=0.9),
    "lossy 10": _network(loss=0.1),
    "lossy 30": _network(loss=0.3),
    "duplicate": _network(duplication=0.5),
    "reorder": _network(straggler=0.3, straggler_s=0.3),
    "storm": _network(loss=0.1, duplication=0.1, straggler=0.05, straggler_s=0.05),
    "slow disk": _disk(0.05, 0.3),
    "very slow disk": _disk(0.5, 1.0),
    "hanging disk": _disk(30.0, 60.0),
    "full disk": full_disk,
    "frozen": frozen,
    "stutter 0.1": _stutter(0.1, 0.3),
    "stutter 0.3": _stutter(0.3, 0.7),
    "stutter 0.6": _stutter(0.6, 0.4),
    "stutter 1.5": _stutter(1.5, 1.5),
    "crash loop 0.5": _crash_loop(0.5),
    "crash loop 2": _crash_loop(2.0),
    "leave loop 0.5": _leave_loop(0.5),
    "leave loop 2": _leave_loop(2.0),
    "wiped": wiped,
    "clock": clock,
    "jumping clock": jumping_clock,
    "failing agents": failing_agents,
    "failing stops": failing_stops,
    "failing all": failing_all,
    "hanging agents": hanging_agents,
    "hanging all": hanging_all,
    "lying agents": lying_agents,
    "token 50": _replaced(("token: 200", "token: 50"), ("consensus: 240", "consensus: 60")),
    "token 2000": _replaced(("token: 200", "token: 2000"), ("consensus: 240", "consensus: 2400")),
    "small window": _replaced(("join: 20", "join: 20\n  window_size: 2\n  max_messages: 1")),
}


def measure(
    fault: str,
    *,
    count: int = 3,
    bad: int = 2,
    seed: int = 1,
    watchdogs: bool = False,
    seconds: float = 120.0,
) -> Life:
    """A settled cluster with six resources and a way to fence lives with a fault.

    ``FAULT + FAULT``: the second is the next node's but one.
    """
    cluster = Cluster(count, seed, planner=scheduler_plan, watchdogs=watchdogs)
    cluster.start()
    cluster.settle()
    fencing = with_property("stonith-watchdog-timeout", "2s") if watchdogs else add_device()
    for change in (*(add_resource(name) for name in RESOURCES), fencing):
        cluster.commit(1, change)
        cluster.settle()
    cluster.run(0.5)
    cluster.settle()
    life = Life(cluster, bad, seconds, began=cluster.now)
    for place, name in enumerate(fault.split(" + ")):
        FAULTS[name](replace(life, bad=(bad - 1 + 2 * place) % count + 1))
    life.every(_COMMIT_EVERY_S, life.commit_everywhere, first_s=0.05)
    life.every(_DEATH_EVERY_S, life.let_one_die, first_s=5.0)
    life.every(_LOOK_EVERY_S, life.look_at_resources)
    cluster.run(seconds + PATIENCE_S)
    return life


def describe(fault: str, life: Life) -> str:
    """A line of the table."""
    shares = " ".join(f"{100 * life.served[n] / life.asked[n]:3.0f}" for n in life.cluster.nodes)
    power = " ".join(f"{name} {times}" for name, times in sorted(life.switched.items()))
    return (
        f"{fault:17} {100 * life.majority:3.0f} % ({shares})  "
        f"away {life.away_s:5.1f} s  switched off: {power or 'none'}"
    )


def main() -> None:
    """Print the table."""
    count, bad, how, *names = sys.argv[1:]
    for fault in names or FAULTS:
        life = measure(fault, count=int(count), bad=int(bad), watchdogs=how == "watchdog")
        print(describe(fault, life), flush=True)


if __name__ == "__main__":
    main()

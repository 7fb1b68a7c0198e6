"""A remote node under random faults: nothing runs twice, and the status tells the truth at rest."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from sim.cluster import Cluster, add_resource
from sim.remote import SimRemote
from sim.test_remote_nodes import FAR, cluster_with_far, prefer_far, told

from crmsh_py.wire.control import CleanResource

Fault = Callable[[Cluster, SimRemote, random.Random], None]


def crash_holder(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    if far.core is not None and far.remote_core.member:
        node = next(n for n in cluster.nodes.values() if n.name == far.remote_core.member)
        if node.core is not None:
            node.crash()


def crash_member(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    if len(cluster.up) > 1:
        chance.choice(cluster.up).crash()


def crash_far(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    if far.core is not None:
        far.crash()


def bounce_far(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    crash_far(cluster, far, chance)
    far.start()


def restart(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    for machine in cluster.machines:
        if machine.core is None and chance.random() < 0.7:
            machine.start()


def cut_far_off(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    some = [node for node in cluster.nodes.values() if chance.random() < 0.7]
    for node in some:
        cluster.network.cut(node.address, far.address)
        cluster.network.cut(far.address, node.address)


def split(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    """One member alone; the remote node hears one of the sides, or both."""
    one, *others = chance.sample([node.address for node in cluster.nodes.values()], 3)
    sides = [[one], others]
    for side in chance.choice((sides, sides[:1], sides[1:])):
        side.append(far.address)
    cluster.network.partition(*sides)


def freeze(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    machine = chance.choice([m for m in cluster.machines if m.core is not None])
    cluster.network.freeze(machine.address)
    thaw_at = cluster.now + chance.random() * 2
    cluster.network.at(thaw_at, lambda: cluster.network.thaw(machine.address))


def heal(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    cluster.network.heal()


def fail_there(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    until = cluster.now + chance.random() * 3
    far.fail = lambda _: 1 if cluster.now < until else None


def clean(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    if cluster.up:
        of_all = CleanResource(resource="", node="", all_history=chance.random() < 0.5)
        cluster.ask(chance.choice(cluster.up).number, of_all)


def break_power(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    cluster.power.works = False
    mended_at = cluster.now + chance.random() * 6
    cluster.network.at(mended_at, lambda: setattr(cluster.power, "works", True))


def begin_anew(cluster: Cluster, far: SimRemote, chance: random.Random) -> None:
    """No member remembers anything; perhaps the remote node goes on out of reach."""
    if chance.random() < 0.7:
        cut_far_off(cluster, far, chance)
    for node in cluster.up:
        node.crash()
    cluster.run(chance.random())
    for node in cluster.nodes.values():
        if node.core is None:
            node.start()


FAULTS: tuple[Fault, ...] = (
    crash_holder, crash_member, crash_far, bounce_far, restart, restart, cut_far_off, split,
    freeze, heal, heal, fail_there, clean, break_power, begin_anew,
)  # fmt: skip


def run_chaos(seed: int, steps: int = 12) -> None:
    chance = random.Random(seed)
    cluster, far = cluster_with_far(seed, reconnect_interval=chance.choice(("4s", "20s", "60s")))
    try:
        for step in range(steps):
            if chance.random() < 0.4 and cluster.up:
                name = f"r{step}"
                number = chance.choice(cluster.up).number
                likes = prefer_far(name) if chance.random() < 0.5 else lambda cib: cib
                add = add_resource(name)
                cluster.commit(number, lambda cib, a=add, b=likes: b(a(cib)))  # type: ignore[misc]
            chance.choice(FAULTS)(cluster, far, chance)
            cluster.run(chance.choice((0.01, 0.1, 1.0, 4.0)) * chance.random())
        cluster.network.heal()
        far.fail = lambda _: None
        for machine in cluster.machines:
            cluster.network.thaw(machine.address)
            if machine.core is None:
                machine.start()
        cluster.run(15.0)
        clean(cluster, far, chance)
        check_rest(cluster)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n{cluster.tail()}") from error


def check_rest(cluster: Cluster) -> None:
    """Everything runs once, all remote nodes are connected, and the status tells the truth."""

    def restful() -> bool:
        return cluster.settled() and all(
            remote.core is not None and bool(remote.remote_core.member)
            for remote in cluster.remotes.values()
        )

    cluster.until(restful, 120, "at rest, with all connected", every_s=0.05)
    cluster.run(3.0)
    cluster.until(restful, 120, "still at rest", every_s=0.05)
    resources = cluster.cib(cluster.up[0].number).section("resources")
    for primitive in resources.iter("primitive"):
        if primitive.get("class") == "stonith" or primitive.id == FAR:
            continue
        where = [machine.name for machine in cluster.machines if primitive.id in machine.active]
        assert len(where) == 1, f"{primitive.id} is active on {where}"
    for remote in cluster.remotes.values():
        says = told(cluster, remote.name)
        assert says == remote.active, f"{remote.name}: told {says}, runs {remote.active}"


@pytest.mark.parametrize("seed", range(400 if os.environ.get("CRM_SOAK") else 3))
def test_nothing_runs_twice_whatever_happens(seed: int) -> None:
    run_chaos(seed)

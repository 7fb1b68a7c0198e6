"""Guests and remote nodes under faults: nothing runs twice, and all comes to rest."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence

import pytest
from sim.cluster import Cluster, add_device, add_resource
from sim.guests import add_container
from sim.machine import SimNode
from sim.remote import SimRemote
from sim.test_remote_chaos import check_rest
from sim.test_remote_nodes import (
    FAR,
    Once,
    add_connection,
    calm,
    prefer_far,
    told,
)

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import (
    CleanResource,
    Committed,
    Done,
    FailResource,
    FenceNode,
    SetAttribute,
    StartManager,
    StopDaemon,
    StopManager,
)

VM, GUEST = "vm", "guest"
MORE = 400 if os.environ.get("CRM_SOAK") else 3


def likes(name: str, node: str, score: str = "100") -> Callable[[Cib], Cib]:
    """A resource prefers a node; a later wish takes the place of an earlier one."""

    def change(cib: Cib) -> Cib:
        attributes = {"id": f"{name}-likes", "rsc": name, "node": node, "score": score}
        section = cib.section("constraints")
        kept = tuple(each for each in section.children if each.id != f"{name}-likes")
        return cib.with_section(
            "constraints", section.with_children((*kept, Element("rsc_location", attributes)))
        )

    return change


def made(cluster: Cluster, number: int, change: Callable[[Cib], Cib]) -> None:
    replies = cluster.node(number).replies
    ticket = cluster.commit(number, change)
    cluster.until(lambda: ticket in replies, 10, "committed")
    assert isinstance(replies[ticket][-1], Committed), replies[ticket]


def cluster_with_guest(
    seed: int = 1, *, migrates: bool = False, far: bool = False
) -> tuple[Cluster, SimRemote]:
    """Three members and a guest with a resource that likes it; with ``far`` a remote node, too."""
    observer = Once()
    cluster = Cluster(3, seed, planner=scheduler_plan, observer=observer)
    observer.cluster = cluster
    guest = cluster.guests.add(VM, GUEST)
    cluster.start()
    cluster.settle()
    changes = [
        add_device(),
        add_container(VM, GUEST, migrates=migrates),
        add_resource("inside"),
        likes("inside", GUEST),
    ]
    if far:
        cluster.add_remote(FAR).start()
        changes += [add_connection, add_resource("web"), prefer_far("web")]
    for change in changes:
        made(cluster, 1, change)
    cluster.until(lambda: "inside" in guest.active, 20, "inside runs on the guest", 0.01)
    if far:
        cluster.until(lambda: "web" in cluster.remotes[FAR].active, 20, "web runs on far", 0.01)
    calm(cluster)
    return cluster, guest


def test_a_container_that_ends_takes_what_is_inside_with_it() -> None:
    cluster, guest = cluster_with_guest()
    cluster.guests.fail(VM)
    cluster.until(lambda: "inside" in guest.active, 30, "inside is back", 0.01)
    calm(cluster)
    assert told(cluster, GUEST) == {"inside"}
    assert not cluster.power.log


def test_a_cleanup_does_not_take_a_guest_for_off() -> None:
    """Nobody knows for a moment whether the container runs: what is inside does.

    The scheduler has the guest fenced, which is a mere point in the order; before it the probes
    must say that it is there.
    """
    cluster, guest = cluster_with_guest()
    for name in (VM, GUEST):
        where = next(node.name for node in cluster.up if VM in node.active)
        assert isinstance(cluster.answer(1, FailResource(resource=name, node=where)), Done)
        cluster.run(1.0)
        calm(cluster)
    before = guest.life
    cluster.agent_delay_s = (1.0, 1.0)
    made(cluster, 1, add_resource("slow"))  # so that one plan is made for what follows
    cluster.run(0.5)
    cluster.ask(1, CleanResource(resource="", node=""))
    made(cluster, 1, likes("inside", "node3", "INFINITY"))
    cluster.until(lambda: "inside" in cluster.node(3).active, 30, "moved", 0.01)
    calm(cluster)
    assert guest.life == before


def test_what_a_cleanup_forgot_with_its_guest_is_not_started_elsewhere() -> None:
    """Nobody knows where the container is, nor that this is inside: all three had failed once."""
    cluster, _ = cluster_with_guest(far=True)
    for name in (VM, GUEST, "inside"):
        where = GUEST if name == "inside" else None
        where = where or next(node.name for node in cluster.up if VM in node.active)
        assert isinstance(cluster.answer(1, FailResource(resource=name, node=where)), Done)
        cluster.run(1.0)
        calm(cluster)
    host = next(node for node in cluster.up if VM in node.active)
    other = next(node for node in cluster.up if node is not host)
    cluster.agent_delay_s = (1.0, 1.0)
    made(cluster, 1, add_resource("slow"))  # so that one plan is made for what follows
    cluster.run(0.5)
    cluster.ask(1, CleanResource(resource="", node=""))
    made(cluster, 1, likes(VM, other.name, "INFINITY"))
    made(cluster, 1, likes("inside", FAR, "INFINITY"))
    cluster.run(20.0)
    check_rest(cluster)


def test_a_guest_that_is_lost_while_it_shuts_down_comes_back() -> None:
    """Its wish to be shut down ends with it, even where nothing tells of its loss any more."""
    cluster, guest = cluster_with_guest()
    cluster.agent_delay_s = (1.5, 1.5)
    made(cluster, 1, add_resource("slow"))  # a probe on the guest keeps the plan busy
    cluster.run(0.1)
    guest.ask(900, StopDaemon())
    cluster.run(0.1)
    guest.crash()
    guest.start()
    cluster.run(4.0)
    cluster.ask(1, CleanResource(resource="", node="", all_history=True))
    cluster.run(5.0)
    cluster.agent_delay_s = (0.005, 0.03)
    check_rest(cluster)


def test_a_guest_that_is_lost_with_its_member_while_it_shuts_down_comes_back() -> None:
    """Nobody is left who could tell that it wants nothing any more, and nothing of it is fenced."""
    cluster, guest = cluster_with_guest()
    host = next(node for node in cluster.up if VM in node.active)
    other = next(node for node in cluster.up if node is not host)
    made(cluster, 1, likes("inside", other.name, "INFINITY"))
    cluster.until(lambda: "inside" in other.active, 30, "nothing is on the guest", 0.01)
    calm(cluster)
    guest.ask(900, StopDaemon())
    cluster.run(0.001)
    host.crash()
    cluster.run(0.3)
    host.start()
    check_rest(cluster)


# ---- chaos ---------------------------------------------------------------------------------------

Fault = Callable[[Cluster, random.Random], None]


def anybody(cluster: Cluster, chance: random.Random) -> SimNode | None:
    return chance.choice(cluster.up) if cluster.up else None


def ask(cluster: Cluster, chance: random.Random, request: object) -> None:
    if (node := anybody(cluster, chance)) is not None:
        cluster.ask(node.number, request)  # type: ignore[arg-type]


def commit(cluster: Cluster, chance: random.Random, change: Callable[[Cib], Cib]) -> None:
    if (node := anybody(cluster, chance)) is not None:
        cluster.commit(node.number, change)


def crash_member(cluster: Cluster, chance: random.Random) -> None:
    if len(cluster.up) > 1:
        chance.choice(cluster.up).crash()


def crash_holder(cluster: Cluster, chance: random.Random) -> None:
    remote = chance.choice(list(cluster.remotes.values()))
    if remote.core is not None and remote.remote_core.member:
        node = next(n for n in cluster.nodes.values() if n.name == remote.remote_core.member)
        if node.core is not None:
            node.crash()


def crash_remote(cluster: Cluster, chance: random.Random) -> None:
    remote = chance.choice(list(cluster.remotes.values()))
    if remote.core is not None:
        remote.crash()


def bounce_remote(cluster: Cluster, chance: random.Random) -> None:
    remote = chance.choice(list(cluster.remotes.values()))
    if remote.core is not None:
        remote.crash()
        remote.start()


def fail_container(cluster: Cluster, chance: random.Random) -> None:
    cluster.guests.fail(VM)


def restart(cluster: Cluster, chance: random.Random) -> None:
    for machine in cluster.machines:
        if not cluster.guests.has(machine) and machine.core is None and chance.random() < 0.7:
            machine.start()
        elif isinstance(machine, SimNode) and machine.core and not isinstance(machine, SimRemote):
            cluster.ask(machine.number, StartManager())


def cut_remote(cluster: Cluster, chance: random.Random) -> None:
    remote = chance.choice(list(cluster.remotes.values()))
    for node in cluster.nodes.values():
        if chance.random() < 0.7:
            cluster.network.cut(node.address, remote.address)
            cluster.network.cut(remote.address, node.address)


def split(cluster: Cluster, chance: random.Random) -> None:
    one, *others = chance.sample([node.address for node in cluster.nodes.values()], 3)
    sides = [[one], others]
    for side in chance.choice((sides, sides[:1], sides[1:])):
        side += [remote.address for remote in cluster.remotes.values()]
    cluster.network.partition(*sides)


def freeze(cluster: Cluster, chance: random.Random) -> None:
    up = [m for m in cluster.machines if m.core is not None]
    if not up:
        return
    machine = chance.choice(up)
    frozen = [machine]
    frozen += [g for g in cluster.remotes.values() if cluster.guests.host(g) is machine]
    thaw_at = cluster.now + chance.random() * 2
    for each in frozen:
        cluster.network.freeze(each.address)
        cluster.network.at(thaw_at, lambda a=each.address: cluster.network.thaw(a))  # type: ignore[misc]


def heal(cluster: Cluster, chance: random.Random) -> None:
    cluster.network.heal()


def fail_there(cluster: Cluster, chance: random.Random) -> None:
    until = cluster.now + chance.random() * 3
    machine = chance.choice(cluster.machines)
    machine.fail = lambda _: 1 if cluster.now < until and chance.random() < 0.5 else None


def clean(cluster: Cluster, chance: random.Random) -> None:
    ask(cluster, chance, CleanResource(resource="", node="", all_history=chance.random() < 0.3))


def move(cluster: Cluster, chance: random.Random) -> None:
    """Something is to run elsewhere: a container, a connection, what runs inside."""
    name = chance.choice([*(VM, FAR, "inside", "web")])
    nodes = [*cluster.nodes.values()]
    target = chance.choice(nodes).name
    if name in ("inside", "web") and chance.random() < 0.6:
        target = chance.choice((GUEST, FAR))
    commit(cluster, chance, likes(name, target, chance.choice(("200", "INFINITY"))))


def standby(cluster: Cluster, chance: random.Random) -> None:
    node = chance.choice(cluster.machines).name
    value = chance.choice(("true", "false"))
    ask(cluster, chance, SetAttribute(node=node, name="standby", value=value))


def shoot(cluster: Cluster, chance: random.Random) -> None:
    target = chance.choice([m for m in cluster.machines if not cluster.guests.has(m)])
    ask(cluster, chance, FenceNode(node=target.name))


def leave(cluster: Cluster, chance: random.Random) -> None:
    ask(cluster, chance, chance.choice((StopManager(), StopDaemon(), StartManager())))


def leave_remote(cluster: Cluster, chance: random.Random) -> None:
    remote = chance.choice(list(cluster.remotes.values()))
    if remote.core is not None:
        remote.ask(900, StopDaemon())


def ask_failure(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice((VM, FAR, "inside", "web", GUEST))
    if cluster.up:
        machine = next((m for m in cluster.machines if name in m.active), cluster.up[0])
        ask(cluster, chance, FailResource(resource=name, node=machine.name))


def slow(cluster: Cluster, chance: random.Random) -> None:
    cluster.agent_delay_s = chance.choice(((0.005, 0.03), (0.1, 1.5)))


FAULTS: tuple[Fault, ...] = (
    crash_member, crash_holder, crash_remote, bounce_remote, fail_container, restart, restart,
    cut_remote, split, freeze, heal, heal, fail_there, clean, move, move, move, standby, shoot,
    leave, leave_remote, ask_failure, slow,
)  # fmt: skip


def suffer(
    cluster: Cluster,
    chance: random.Random,
    faults: Sequence[Fault],
    *,
    steps: int,
    newcomers: float,
) -> None:
    """Some of the faults, one after the other. ``newcomers``: how often a resource is created."""
    chosen = chance.sample(faults, chance.randint(3, len(faults)))
    for step in range(steps):
        if chance.random() < newcomers:
            commit(cluster, chance, add_resource(f"r{step}"))
        chance.choice(chosen)(cluster, chance)
        cluster.run(chance.choice((0.01, 0.1, 1.0, 4.0)) * chance.random())


def peace(cluster: Cluster, chance: random.Random) -> None:
    cluster.network.heal()
    cluster.agent_delay_s = (0.005, 0.03)
    for machine in cluster.machines:
        machine.fail = lambda _: None
        cluster.network.thaw(machine.address)
    for _ in range(3):
        for machine in cluster.machines:
            if machine.core is None and not cluster.guests.has(machine):
                machine.start()
            elif not isinstance(machine, SimRemote):
                cluster.ask(machine.number, StartManager())
        cluster.run(10.0)
    for machine in cluster.machines:
        ask(cluster, chance, SetAttribute(node=machine.name, name="standby", value="false"))
    cluster.run(5.0)
    clean(cluster, chance)


def run_chaos(seed: int, steps: int = 14) -> None:
    chance = random.Random(seed)
    cluster, _ = cluster_with_guest(seed, migrates=chance.random() < 0.5, far=True)
    try:
        suffer(cluster, chance, FAULTS, steps=steps, newcomers=0.3)
        peace(cluster, chance)
        check_rest(cluster)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n{cluster.tail()}") from error


# The first failed once: a container that migrates while nobody knows what is inside (165), a guest
# that shuts down then (513, 645), a plan that waits for itself (0, 644), a guest that was lost
# while it wanted to be shut down (663).
@pytest.mark.parametrize("seed", [165, 513, 645, 0, 644, 618, 638, 663, *range(1, MORE)])
def test_nothing_runs_twice_whatever_happens(seed: int, only_seed: int | None) -> None:
    """``--seed N`` runs one."""
    if only_seed is not None and seed != 165:
        pytest.skip("another seed is asked for")
    run_chaos(seed if only_seed is None else only_seed)

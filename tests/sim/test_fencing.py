"""Fencing in whole clusters: what is off is off, and nothing runs twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from sim.cluster import Cluster, Silent, SimNode, add_device, add_resource, with_property
from sim.network import Faults

from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.value import replace
from crmsh_py.wire.control import (
    ConfirmFenced,
    Done,
    FenceNode,
    FencingReply,
    ForgetFencing,
    ReadFencing,
    Refused,
    ReloadConf,
)
from crmsh_py.wire.fencing import FencingRecord, FencingState

DONE, FAILED = FencingState.DONE, FencingState.FAILED


@dataclass(slots=True)
class NeverTwice(Silent):
    """Nothing is started anywhere while another machine that has power has it active."""

    cluster: Cluster | None = None
    starts: list[tuple[float, str, str]] = field(default_factory=list)

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        if operation.action != "start" or operation.standard == "stonith":
            return
        assert self.cluster is not None
        self.starts.append((self.cluster.now, operation.resource, node.name))
        for other in self.cluster.nodes.values():
            twice = other is not node and operation.resource in other.active
            assert not twice, f"{operation.resource} begins on {node.name}, is on {other.name}"


RESOURCES = ("R1", "R2", "R3", "R4", "R5", "R6")


def running(
    count: int = 3, seed: int = 1, *, watchdog: str = "", device: bool = True
) -> tuple[Cluster, NeverTwice]:
    """A settled cluster with six resources and a way to fence."""
    checker = NeverTwice()
    cluster = Cluster(count, seed, observer=checker, watchdogs=bool(watchdog))
    checker.cluster = cluster
    cluster.start()
    cluster.settle()
    changes = [add_resource(name) for name in RESOURCES]
    if device:
        changes.append(add_device())
    if watchdog:
        changes.append(with_property("stonith-watchdog-timeout", watchdog))
    for change in changes:
        cluster.commit(1, change)
        cluster.settle()
    cluster.run(0.5)
    cluster.settle()
    return cluster, checker


def places(cluster: Cluster, of: tuple[str, ...] = RESOURCES) -> dict[str, list[str]]:
    return {name: [n.name for n in cluster.up if name in n.active] for name in of}


def all_run_once(cluster: Cluster) -> bool:
    return all(len(where) == 1 for where in places(cluster).values())


def history(cluster: Cluster, number: int) -> list[FencingRecord]:
    reply = cluster.answer(number, ReadFencing())
    assert isinstance(reply, FencingReply)
    return reply.records


def test_a_lost_node_is_fenced_before_its_resources_start_elsewhere() -> None:
    cluster, checker = running()
    victim = next(n for n in cluster.up if n.active and n.number != 1)
    before = len(checker.starts)
    victim.crash()
    cluster.until(lambda: bool(cluster.power.log), 5, "fenced")
    at, action, name = cluster.power.log[0]
    assert (action, name) == ("reboot", victim.name)
    cluster.until(lambda: all_run_once(cluster), 5, "recovered")
    assert checker.starts[before:]
    assert all(when > at for when, _, _ in checker.starts[before:])
    cluster.until(lambda: victim.core is not None, 5, "back after its power-cycle")
    cluster.settle(within_s=10)
    records = [history(cluster, n) for n in (1, 2, 3)]
    assert records[0] == records[1] == records[2]
    (record,) = records[0]
    assert (record.target, record.state, record.device) == (victim.name, "done", "fence")


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_side_that_is_cut_off_is_fenced_and_nothing_runs_twice(seed: int) -> None:
    cluster, _ = running(5, seed)
    cluster.partition([1, 2], [3, 4, 5])
    cluster.until(lambda: len(cluster.power.log) >= 2, 10, "both fenced")
    assert {name for _, _, name in cluster.power.log} == {"node1", "node2"}
    cluster.until(lambda: all_run_once(cluster), 10, "recovered")
    cluster.network.heal()
    cluster.run(1.0)
    cluster.settle(within_s=20)
    assert all_run_once(cluster)


def test_nothing_is_started_elsewhere_while_the_switch_does_not_work() -> None:
    cluster, checker = running()
    cluster.power.works = False
    victim = next(n for n in cluster.up if n.active and n.number != 1)
    victim.crash()
    before = len(checker.starts)
    cluster.run(6.0)
    assert len(checker.starts) == before
    assert not cluster.power.log
    assert {record.state for record in history(cluster, 1)} - {"pending"} == {"failed"}
    cluster.power.works = True
    cluster.until(lambda: all_run_once(cluster), 10, "recovered once it works again")
    assert cluster.power.log


def test_a_node_that_was_fenced_in_words_only_ends_when_it_hears_of_it() -> None:
    cluster, _ = running(3, 2)
    cluster.power.lies = True
    cluster.observer = Cluster(1).observer  # it does run twice: that is what a lie does
    cluster.partition([3], [1, 2])
    cluster.until(lambda: any(r.state is DONE for r in history(cluster, 1)), 10, "believed")
    assert cluster.node(3).core is not None
    cluster.network.heal()
    cluster.until(lambda: cluster.node(3).core is None, 10, "ended")
    assert cluster.node(3).exit_code == 1
    cluster.node(3).start()
    cluster.settle(within_s=10)
    cluster.run(1.0)
    assert cluster.node(3).core is not None, "the next life is not meant"
    assert all_run_once(cluster)


def without_power(*crash: int, device: str = "2") -> Cluster:
    """Nodes whose lost ones cannot be fenced, and ``stonith-max-attempts``."""
    cluster, _ = running(5)
    cluster.commit(1, with_property("stonith-max-attempts", device))
    cluster.settle()
    cluster.power.works = False
    for number in crash:
        cluster.node(number).crash()
    return cluster


def attempts(cluster: Cluster, number: int) -> int:
    core = cluster.node(1).core
    assert core is not None
    records = [r for r in core._fencing.history.all() if r.target == f"node{number}"]
    return len([r for r in records if r.state is FAILED])


def test_giving_up_on_one_node_is_not_giving_up_on_another() -> None:
    cluster = without_power(4)
    cluster.until(lambda: attempts(cluster, 4) >= 2, 20, "given up")
    cluster.run(5.0)
    given_up = attempts(cluster, 4)
    cluster.node(5).crash()
    cluster.until(lambda: attempts(cluster, 5) == 1, 10, "failed once, with the other one")
    assert attempts(cluster, 4) == given_up + 1
    cluster.power.works = True
    cluster.until(lambda: cluster.settled(1, 2, 3, 4, 5), 10, "fenced at the next attempt")


def test_who_has_given_up_sleeps() -> None:
    cluster = without_power(4)
    cluster.until(lambda: attempts(cluster, 4) >= 2, 20, "given up")
    cluster.run(5.0)
    core = cluster.node(1).core
    assert core is not None
    at = core._controller.next_deadline()
    assert at is not None
    assert at > cluster.now


def test_a_node_that_has_come_back_begins_with_no_attempts() -> None:
    cluster = without_power(4, device="4")
    cluster.until(lambda: attempts(cluster, 4) >= 2, 20, "failed")
    cluster.node(4).start()
    cluster.settle()
    failed = attempts(cluster, 4)
    cluster.node(4).crash()
    cluster.until(lambda: attempts(cluster, 4) == failed + 4, 20, "four attempts again")
    cluster.run(5.0)
    assert attempts(cluster, 4) == failed + 4
    assert any("node4 has failed 4 times: giving up" in line for line in cluster.node(1).log)


# ---- on request ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [1, 2])
def test_a_member_is_fenced_on_request_even_if_it_is_the_dc(target: int) -> None:
    cluster, _ = running()
    ticket = cluster.ask(3, FenceNode(node=f"node{target}"))
    node = cluster.node(3)
    cluster.until(lambda: ticket in node.replies, 10, "answered")
    assert isinstance(node.replies[ticket][0], Done), node.replies[ticket]
    assert [(action, name) for _, action, name in cluster.power.log] == [
        ("reboot", f"node{target}")
    ]
    cluster.until(lambda: cluster.settled(1, 2, 3) and all_run_once(cluster), 20, "back")
    # Where the members come to it by themselves each of them looks at its own clock.
    records = {n: [replace(r, ended_ms=0) for r in history(cluster, n)] for n in (1, 2, 3)}
    assert records[1] == records[2] == records[3]
    assert [r.client for r in records[1]] == ["stonith_admin"]


def test_off_is_not_reboot() -> None:
    cluster, _ = running()
    victim = next(n for n in cluster.up if n.active and n.number != 1)
    cluster.ask(1, FenceNode(node=victim.name, action="off"))
    cluster.until(lambda: bool(cluster.power.log), 5, "fenced")
    cluster.until(lambda: all_run_once(cluster), 2, "recovered")
    cluster.run(2.0)
    assert victim.core is None


def test_a_request_for_nobody_or_without_a_device_is_refused() -> None:
    cluster, _ = running(device=False)
    reply = cluster.answer(1, FenceNode(node="node9"))
    assert isinstance(reply, Refused)
    assert reply.kind == "NotFound"
    reply = cluster.answer(1, FenceNode(node="node2"))
    assert isinstance(reply, Refused)
    assert "node2 could not be fenced" in reply.text


def test_an_equal_request_that_was_fulfilled_a_moment_ago_is_tolerated() -> None:
    cluster, _ = running()
    assert isinstance(cluster.answer(1, FenceNode(node="node3")), Done)
    cluster.run(2.0)
    cluster.settle(within_s=10)
    done = len(cluster.power.log)
    reply = cluster.answer(1, FenceNode(node="node3", tolerance_ms=60_000))
    assert isinstance(reply, Done)
    assert len(cluster.power.log) == done
    assert isinstance(cluster.answer(1, ForgetFencing()), Done)
    cluster.run(0.1)
    assert [history(cluster, n) for n in (1, 2)] == [[], []]


def test_a_person_can_confirm_what_no_device_can_do() -> None:
    cluster, _ = running()
    cluster.power.works = False
    cluster.node(3).crash()
    cluster.run(3.0)
    lacking = [name for name, where in places(cluster).items() if not where]
    assert lacking
    assert isinstance(cluster.answer(1, ConfirmFenced(node="node3")), Done)
    cluster.until(lambda: all_run_once(cluster), 10, "recovered")
    (record,) = [r for r in history(cluster, 2) if r.state is DONE]
    assert (record.device, record.delegate) == ("manual_ack", "a human")


# ---- watchdogs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("fault", ["partition", "freeze", "bad network"])
def test_watchdogs_reset_what_others_count_as_off(fault: str, seed: int) -> None:
    cluster, _ = running(3, seed, watchdog="5s", device=False)
    assert cluster.cib(1).properties()["have-watchdog"] == "true"
    victim = next(n for n in cluster.up if n.active)
    others = [n.number for n in cluster.up if n is not victim]
    cluster.agent_delay_s = (30.0, 40.0)  # it cannot stop anything in time
    if fault == "freeze":
        cluster.network.freeze(victim.address)
    elif fault == "partition":
        cluster.partition([victim.number], others)
    else:
        cluster.network.faults = Faults(loss=0.3)
        cluster.partition([victim.number], others)
    cluster.until(lambda: bool(victim.watchdog.resets), 8, "reset")
    cluster.agent_delay_s = (0.005, 0.03)
    cluster.network.faults = Faults()
    cluster.network.heal()
    cluster.until(lambda: cluster.settled(1, 2, 3) and all_run_once(cluster), 40, "recovered")
    healthy = [cluster.node(n).watchdog.resets for n in others]
    assert healthy == [[], []]


def test_a_node_that_has_stopped_everything_in_time_is_not_reset() -> None:
    cluster, _ = running(3, 4, watchdog="5s", device=False)
    cluster.partition([3], [1, 2])
    cluster.until(lambda: not cluster.node(3).active, 5, "stopped without quorum")
    cluster.until(lambda: all_run_once(cluster), 20, "recovered by the others")
    assert not cluster.node(3).watchdog.resets
    assert [r.device for r in history(cluster, 1)] == ["watchdog"]
    # Those who have it counted as off do not take it back as it is.
    cluster.network.heal()
    cluster.until(lambda: bool(cluster.node(3).watchdog.resets), 5, "begun anew")


def test_a_member_is_fenced_by_its_watchdog_on_request() -> None:
    cluster, _ = running(3, 5, watchdog="5s", device=False)
    reply = cluster.answer(1, FenceNode(node="node2"))
    assert isinstance(reply, Done)
    assert len(cluster.node(2).watchdog.resets) == 1
    cluster.until(lambda: cluster.settled(1, 2, 3) and all_run_once(cluster), 20, "back")


def test_a_changing_membership_resets_nobody() -> None:
    cluster, _ = running(5, 6, watchdog="1s", device=False)
    for number in (5, 4):
        cluster.node(number).crash()
        cluster.run(3.0)
    cluster.settle(1, 2, 3, within_s=20)
    cluster.start(4, 5)
    cluster.settle(within_s=20)
    assert all(not node.watchdog.resets for node in cluster.nodes.values())


def test_a_ring_that_is_made_slower_while_it_runs_resets_nobody() -> None:
    """Who waits for the token for longer now must be given that time."""
    cluster, _ = running(3, 6, watchdog="10s", device=False)
    slow = cluster.conf_text.replace("token: 200", "token: 20000")
    cluster.conf_text = slow.replace("consensus: 240", "consensus: 24000")
    assert isinstance(cluster.answer(1, ReloadConf()), Done)
    cluster.run(1.0)
    cluster.settle(within_s=100)
    cluster.node(3).crash()
    cluster.until(lambda: cluster.settled(1, 2), 300, "one ring", every_s=1.0)
    assert all(not cluster.node(n).watchdog.resets for n in (1, 2))


def shake(cluster: Cluster, chance: random.Random, steps: int) -> None:
    """Random faults, one after the other: cuts, crashes, nodes that hang, a bad network."""
    numbers = list(cluster.nodes)
    for _ in range(steps):
        match chance.randrange(7):
            case 0 | 1:
                chance.shuffle(numbers)
                at = chance.randint(1, len(numbers) - 1)
                cluster.partition(numbers[:at], numbers[at:])
            case 2:
                cluster.network.heal()
            case 3 if cluster.up:
                chance.choice(cluster.up).crash()
            case 4 if cluster.up:
                address = chance.choice(cluster.up).address
                cluster.network.freeze(address)
                later = cluster.now + chance.random() * 8
                cluster.network.at(later, lambda a=address: cluster.network.thaw(a))  # type: ignore[misc]
            case 5:
                loss = chance.choice((0.0, 0.05, 0.2))
                cluster.network.faults = Faults(loss=loss, straggler=loss / 2)
            case _:
                down = [node for node in cluster.nodes.values() if node.core is None]
                if down:
                    chance.choice(down).start()
        cluster.run(chance.choice((0.05, 0.5, 2.0, 6.0)) * chance.random())


@pytest.mark.parametrize("means", ["device", "watchdog", "both"])
@pytest.mark.parametrize("seed", range(1, 5))
def test_nothing_runs_twice_whatever_happens(seed: int, means: str, only_seed: int | None) -> None:
    """``--seed N`` replays one; the checker looks at every start, on every side."""
    seed = only_seed or seed
    chance = random.Random(f"{seed} {means}")
    cluster, _ = running(
        chance.choice((3, 3, 5)),
        seed,
        watchdog="" if means == "device" else "5s",
        device=means != "watchdog",
    )
    cluster.agent_delay_s = chance.choice(((0.005, 0.03), (0.5, 3.0)))
    try:
        shake(cluster, chance, 14)
        cluster.network.faults = Faults()
        cluster.network.heal()
        cluster.run(9.0)  # the last one that hangs goes on
        for node in cluster.nodes.values():
            if node.core is None:
                node.start()
        cluster.until(lambda: cluster.settled() and all_run_once(cluster), 60, "recovered")
    except AssertionError as error:
        raise AssertionError(f"seed {seed} {means}: {error}\n{cluster.tail()}") from error


# ---- with the real scheduler ---------------------------------------------------------------------


def test_the_scheduler_has_a_lost_node_fenced_and_failed_stops_too() -> None:
    cluster = Cluster(3, 3, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    for change in (add_device(), *(add_resource(name) for name in RESOURCES)):
        cluster.commit(1, change)
        cluster.settle(within_s=30)
    cluster.until(lambda: all_run_once(cluster), 10, "running")
    victim = next(n for n in cluster.up if n.active and n.number != 1)
    name = sorted(victim.active)[0]
    victim.fail = lambda operation: 1 if operation.action == "stop" else None
    ban = with_property("stop-all-resources", "true")
    cluster.commit(1, ban)
    cluster.until(lambda: bool(cluster.power.log), 10, f"fenced because {name} cannot be stopped")
    assert cluster.power.log[0][2] == victim.name
    victim.fail = lambda _: None
    cluster.run(2.0)
    cluster.settle(within_s=20)
    assert history(cluster, 1)[0].client == "pacemaker-controld"


def test_devices_that_cannot_be_read_stop_no_node() -> None:
    cluster, _ = running()

    def broken(*_: object) -> list[FenceDevice]:
        raise ValueError("what nobody thought of")

    for node in cluster.up:
        assert node.core is not None
        node.core._fencing._read_devices = broken
    reply = cluster.answer(2, FenceNode(node="node3"))
    assert isinstance(reply, Refused)
    assert len(cluster.up) == 3
    assert any("The fence devices cannot be read" in line for line in cluster.node(1).log)

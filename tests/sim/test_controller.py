"""What the options of controller and operations do: the real scheduler in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim.cluster import Cluster, add_device, add_group, with_property, without_fencing

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.wire.control import (
    CleanResource,
    Done,
    FailResource,
    Refused,
    SetAttribute,
    StartManager,
    StopDaemon,
    StopManager,
)

Change = Callable[[Cib], Cib]


def resource(name: str = "R", *, meta: str = "", op: str = "", wrap: str = "") -> Change:
    """A Dummy; ``meta`` and ``op`` are NAME=VALUE words, the latter of its monitor."""

    def pairs(words: str, owner: str) -> str:
        made = (word.partition("=") for word in words.split())
        return "".join(f'<nvpair id="{owner}-{n}" name="{n}" value="{v}"/>' for n, _, v in made)

    extra = " ".join(f'{n}="{v}"' for n, _, v in (word.partition("=") for word in op.split()))
    text = (
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy"><operations>'
        f'<op id="{name}-m" name="monitor" interval="1s" timeout="5s" {extra}/></operations>'
        f'<meta_attributes id="{name}-ma">{pairs(meta, name)}</meta_attributes></primitive>'
    )
    if wrap:
        text = (
            f'<clone id="{name}-clone"><meta_attributes id="{name}-cm">{pairs(wrap, name + "-c")}'
            f"</meta_attributes>{text}</clone>"
        )

    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").append(parse(text)))

    return change


def location(name: str, node: str, score: str) -> Change:
    text = f'<rsc_location id="l-{node}" rsc="{name}" node="{node}" score="{score}"/>'

    def change(cib: Cib) -> Cib:
        return cib.with_section("constraints", cib.section("constraints").append(parse(text)))

    return change


def without_resources(cib: Cib) -> Cib:
    return cib.with_section("resources", Element("resources"))


def running(*changes: Change, fencing: bool = False) -> Cluster:
    """Three settled nodes with these changes."""
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    apply(cluster, add_device() if fencing else without_fencing, *changes)
    return cluster


def apply(cluster: Cluster, *changes: Change) -> None:
    for change in changes:
        ticket = cluster.commit(1, change)
        cluster.until(lambda t=ticket: t in cluster.node(1).replies, 5, "committed")
        cluster.settle(within_s=60)


def where(cluster: Cluster, name: str = "R") -> list[str]:
    return [node.name for node in cluster.up if name in node.active]


def holder(cluster: Cluster) -> str:
    (name,) = where(cluster)
    return name


def fail_once(cluster: Cluster, operation: str) -> str:
    """The next operation of that name fails where R runs; returns that node."""
    node = next(n for n in cluster.up if "R" in n.active)
    left = [1]

    def fail(run: RunOperation) -> int | None:
        if run.action == operation and left and run.resource == "R":
            left.clear()
            return 1
        return None

    node.fail = fail
    cluster.until(lambda: not left, 5, f"{operation} failed")
    return node.name


def count(cluster: Cluster, node: str) -> str:
    state = node_by_name(cluster.cib(1).status, node)
    assert state is not None
    values = [v for n, v in attributes_of(state).items() if n.startswith("fail-count-R#")]
    return values[0] if values else ""


# ---- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["restart", "stop", "block", "ignore", "standby", "fence"])
def test_what_a_failed_monitor_leads_to(policy: str) -> None:
    cluster = running(resource(op=f"on-fail={policy}"), fencing=policy == "fence")
    starts = len([o for n in cluster.up for o in n.operations if o[2] == "start"])
    node = fail_once(cluster, "monitor")
    cluster.run(4.0)
    cluster.settle(within_s=30)
    again = len([o for n in cluster.nodes.values() for o in n.operations if o[2] == "start"])
    match policy:
        case "restart":
            assert where(cluster) == [node]
            assert again == starts + 1
        case "stop":
            assert where(cluster) == []
        case "block" | "ignore":
            assert where(cluster) == [node]
            assert again == starts
        case "standby":
            assert holder(cluster) != node
        case "fence":
            assert [(a, n) for _, a, n in cluster.power.log] == [("reboot", node)]
            assert len(where(cluster)) == 1
    assert count(cluster, node) == ("" if policy == "fence" else "1")


def test_a_resource_that_is_taken_for_failed_is_recovered() -> None:
    cluster = running(resource())
    (node,) = [node for node in cluster.up if "R" in node.active]
    before = len(node.operations)
    assert isinstance(cluster.answer(1, FailResource(resource="R", node=node.name)), Done)
    cluster.settle(within_s=30)
    tasks = [task for _, name, task, *_ in node.operations[before:] if name == "R"]
    assert [task for task in tasks if task != "monitor"] == ["stop", "start"]
    assert where(cluster) == [node.name]
    assert count(cluster, node.name) == "1"
    cluster.answer(1, CleanResource(resource="R"))
    cluster.settle(within_s=30)
    assert count(cluster, node.name) == ""
    assert where(cluster) == [node.name]


def test_what_was_taken_for_failed_is_remembered_in_the_next_view() -> None:
    cluster = running(resource(meta="migration-threshold=1"))
    (node,) = [node for node in cluster.up if "R" in node.active]
    other, third = (n for n in cluster.up if n is not node)
    cluster.answer(other.number, FailResource(resource="R", node=node.name))
    cluster.until(lambda: where(cluster) not in ([], [node.name]), 5, "moved away")
    third.crash()
    cluster.settle(within_s=30)
    state = node_by_name(cluster.cib(other.number).status, node.name)
    assert state is not None
    failures = [entry for entry in state.iter("lrm_rsc_op") if entry.id == "R_last_failure_0"]
    assert [entry.get("operation") for entry in failures] == ["asyncmon"]
    assert where(cluster) == [other.name]


def test_what_is_stopped_just_now_is_not_taken_for_failed() -> None:
    """Its node knows better; and what it tells is what is remembered in the next view."""
    cluster = running(resource())
    (node,) = [node for node in cluster.up if "R" in node.active]
    other, third = (n for n in cluster.up if n is not node)
    cluster.commit(other.number, location("R", other.name, "200"))
    cluster.until(lambda: node.operations[-1][2] == "stop", 10, "it is being stopped", 0.0001)
    assert isinstance(cluster.answer(1, FailResource(resource="R", node=node.name)), Done)
    cluster.settle(within_s=30)
    assert where(cluster) == [other.name]
    before = len(other.operations)
    third.crash()
    cluster.run(5.0)
    cluster.settle(within_s=30)
    tasks = {task for _, name, task in other.operations[before:] if name == "R"}
    assert tasks <= {"monitor"}
    assert where(cluster) == [other.name]


def test_only_what_has_a_history_can_be_taken_for_failed() -> None:
    cluster = running(resource())
    (node,) = [node for node in cluster.up if "R" in node.active]
    asked = cluster.answer(1, FailResource(resource="S", node=node.name))
    assert isinstance(asked, Refused)
    assert "done nothing" in asked.text


def test_a_failure_is_forgotten_when_its_time_has_come() -> None:
    cluster = running(resource(meta="failure-timeout=30s migration-threshold=1"))
    node = fail_once(cluster, "monitor")
    cluster.until(lambda: where(cluster) not in ([], [node]), 5, "moved away")
    cluster.run(20.0)
    assert count(cluster, node) == "1"
    cluster.until(lambda: count(cluster, node) == "", 15, "forgotten")


def test_an_operation_that_hangs_fails_at_its_timeout() -> None:
    cluster = running(resource())
    node = next(n for n in cluster.up if "R" in n.active)
    node.hang = lambda run: run.action == "monitor"
    cluster.run(5.5)
    node.hang = lambda _: False
    cluster.until(lambda: count(cluster, node.name) == "1", 5, "counted")


# ---- nodes ---------------------------------------------------------------------------------------


def test_a_node_that_was_never_seen_is_given_time_before_it_is_fenced() -> None:
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    apply(cluster, add_device(), with_property("dc-deadtime", "8s"), resource())
    for node in cluster.up:
        node.crash()
    cluster.start(1, 2)
    cluster.run(5.0)
    assert not cluster.power.log, "it may be starting"
    cluster.until(lambda: bool(cluster.power.log), 6, "fenced when the time was over")
    assert cluster.power.log[0][1:] == ("reboot", "node3")


def test_a_late_node_is_not_fenced() -> None:
    cluster = Cluster(3, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    apply(cluster, add_device(), resource())
    for node in cluster.up:
        node.crash()
    cluster.start(1, 2)
    cluster.run(4.0)
    cluster.start(3)
    cluster.until(lambda: len(where(cluster)) == 1, 5, "started at once")
    cluster.run(30.0)
    assert not cluster.power.log


def of_two(*changes: Change) -> Cluster:
    """Two nodes of which one is enough, and R runs on the second: the first has lost its power."""
    cluster = Cluster(2, 1, planner=scheduler_plan)
    cluster.start()
    cluster.settle()
    ignore = with_property("no-quorum-policy", "ignore")
    apply(cluster, without_fencing, ignore, resource(), location("R", "node1", "100"), *changes)
    cluster.node(1).crash()
    cluster.until(lambda: where(cluster) == ["node2"], 10, "R has moved")
    return cluster


def test_a_node_that_starts_where_one_is_enough_looks_for_the_others_first() -> None:
    """Its ring is of one node for a moment, or as long as a cable is out."""
    cluster = of_two()
    cluster.network.partition([cluster.node(1).address], [cluster.node(2).address])
    cluster.start(1)
    cluster.run(15.0)
    assert where(cluster) == ["node2"]
    assert any("Waiting for node2" in line for line in cluster.node(1).log)
    cluster.network.heal()
    cluster.until(lambda: where(cluster) == ["node1"], 5, "moved in order, at once")


def test_a_node_that_finds_nobody_begins_when_dc_deadtime_is_over() -> None:
    cluster = of_two(with_property("dc-deadtime", "8s"))
    cluster.node(2).crash()
    cluster.start(1)
    cluster.run(7.0)
    assert where(cluster) == []
    cluster.until(lambda: where(cluster) == ["node1"], 3, "begun")


def test_a_majority_that_starts_waits_for_nobody() -> None:
    cluster = running(resource())
    for node in cluster.up:
        node.crash()
    cluster.start(1, 2)
    cluster.until(lambda: len(where(cluster)) == 1, 5, "started at once")


def test_recurring_operations_go_on_under_a_new_dc() -> None:
    cluster = running(resource(), location("R", "node3", "100"))
    cluster.settle()
    cluster.node(1).crash()
    cluster.settle(2, 3, within_s=20)
    seen = len(cluster.node(3).operations)
    cluster.run(5.0)
    assert len(cluster.node(3).operations) - seen >= 3
    node = fail_once(cluster, "monitor")
    cluster.until(lambda: count(cluster, node) != "" if cluster.node(1).core else True, 1, "")
    state = node_by_name(cluster.cib(2).status, node)
    cluster.run(1.0)
    state = node_by_name(cluster.cib(2).status, node)
    assert state is not None
    assert any(name.startswith("fail-count-R") for name in attributes_of(state))


def test_standby_and_maintenance() -> None:
    cluster = running(resource())
    first = holder(cluster)
    cluster.answer(1, SetAttribute(node=first, name="standby", value="on"))
    cluster.settle()
    second = holder(cluster)
    assert second != first
    cluster.answer(1, SetAttribute(node=second, name="maintenance", value="true"))
    cluster.settle()
    cluster.answer(1, SetAttribute(node=second, name="standby", value="on"))
    cluster.settle()
    assert holder(cluster) == second, "nobody touches it"


def test_a_shutdown_lock_keeps_resources_with_their_node_until_it_ends() -> None:
    cluster = running(
        resource(),
        with_property("shutdown-lock", "true"),
        with_property("shutdown-lock-limit", "60s"),
    )
    node = next(n for n in cluster.up if "R" in n.active)
    others = [n.number for n in cluster.up if n is not node]
    cluster.ask(node.number, StopDaemon())
    cluster.until(lambda: node.core is None, 10, "gone")
    cluster.run(10.0)
    assert where(cluster) == [], "it waits for its node"
    node.start()
    cluster.settle(within_s=10)
    cluster.until(lambda: where(cluster) == [node.name], 5, "back where it was")
    cluster.ask(node.number, StopManager())
    cluster.run(30.0)
    assert where(cluster) == []
    cluster.until(lambda: len(where(cluster)) == 1, 45, "the lock has ended")
    assert cluster.node(others[0]).core is not None
    cluster.ask(node.number, StartManager())
    cluster.settle(within_s=10)
    assert len(where(cluster)) == 1


def test_what_is_new_is_not_locked_to_a_node_that_is_shutting_down() -> None:
    """It is looked for there like everywhere, and was never there."""
    cluster = running(add_group("G", 2), with_property("shutdown-lock", "true"))
    node = next(n for n in cluster.up if "G-1" in n.active)
    cluster.agent_delay_s = (0.3, 0.3)
    cluster.ask(node.number, StopManager())
    cluster.run(0.1)
    cluster.commit(1, resource("S"))
    looks = ("S", "monitor")
    cluster.until(lambda: looks in [each[1:] for each in node.operations], 5, "looked for", 0.001)
    cluster.commit(1, with_property("batch-limit", "9"))  # what it would do next is void
    cluster.until(lambda: len(where(cluster, "S")) == 1, 60, "started elsewhere")
    assert where(cluster, "G-1") == [], "that is"


def test_what_was_cloned_is_not_locked_to_a_node_that_is_away() -> None:
    """Else it would wait for that node once it is cloned no more."""
    cluster = running(resource(wrap="interleave=true"), with_property("shutdown-lock", "true"))
    assert len(where(cluster)) == 3
    gone = next(node for node in cluster.up if node.number != 1)
    cluster.ask(gone.number, StopManager())
    cluster.run(3.0)
    stopped, alone = resource(wrap="target-role=Stopped"), resource()
    apply(cluster, lambda cib: stopped(without_resources(cib)))
    apply(cluster, lambda cib: alone(without_resources(cib)))
    assert len(where(cluster)) == 1


# ---- how things are done -------------------------------------------------------------------------


def test_a_live_migration_is_two_operations_on_two_nodes_and_no_restart() -> None:
    cluster = running(resource(meta="allow-migrate=true"), location("R", "node1", "100"))
    assert holder(cluster) == "node1"
    seen = {n.name: len(n.operations) for n in cluster.up}
    apply(cluster, location("R", "node2", "200"))
    done = {n.name: [o[2] for o in n.operations[seen[n.name] :]] for n in cluster.up}
    assert "migrate_to" in done["node1"]
    assert "migrate_from" in done["node2"]
    assert "start" not in done["node2"]
    assert done["node1"].index("migrate_to") < done["node1"].index("stop")


def test_a_clean_up_forgets_a_migration_that_failed() -> None:
    """It is in no fail count, and its entry is not that of the last failure."""
    cluster = running(resource(meta="allow-migrate=true"), location("R", "node1", "100"))
    cluster.node(1).fail = lambda run: 1 if run.action == "migrate_to" else None
    apply(cluster, location("R", "node2", "200"))
    assert where(cluster) == ["node2"]

    def failed() -> list[str]:
        migrations = (e for e in cluster.cib(1).status.iter("lrm_rsc_op") if "migrate" in e.id)
        return [e.id for e in migrations if e.get("rc-code") != "0"]

    assert failed() == ["R_migrate_to_0"]
    cluster.answer(1, CleanResource(resource="R"))
    cluster.settle(within_s=30)
    assert failed() == []
    assert where(cluster) == ["node2"]


def test_clones_are_told_of_each_other() -> None:
    seen: list[dict[str, str]] = []
    cluster = Cluster(3, 1, planner=scheduler_plan)
    for node in cluster.nodes.values():
        original = node.fail

        def watch(run: RunOperation, before: Callable[[RunOperation], int | None] = original):  # type: ignore[no-untyped-def]
            if run.action == "notify":
                seen.append(dict(run.environment))
            return before(run)

        node.fail = watch
    cluster.start()
    cluster.settle()
    apply(cluster, without_fencing, resource(wrap="notify=true"))
    prefix = "OCF_RESKEY_CRM_meta_notify_"
    post = [s for s in seen if s[f"{prefix}type"] == "post" and s[f"{prefix}operation"] == "start"]
    assert len(post) == 3
    assert all(set(s[f"{prefix}start_uname"].split()) == {"node1", "node2", "node3"} for s in post)


@pytest.mark.parametrize(("name", "most"), [("batch-limit", 2), ("node-action-limit", 1)])
def test_limits_of_what_is_done_at_once(name: str, most: int) -> None:
    changes = [resource(f"S{n}") for n in range(6)]
    cluster = running(with_property(name, str(most)))
    busy = {node.name: 0 for node in cluster.up}
    peaks = []
    for node in cluster.nodes.values():
        run, end = node._run, node._end

        def begin(operation: RunOperation, node=node, run=run) -> None:  # type: ignore[no-untyped-def]
            busy[node.name] += 1
            peaks.append((sum(busy.values()), busy[node.name]))
            run(operation)

        def finish(call_id: int, status: int = 0, node=node, end=end) -> None:  # type: ignore[no-untyped-def]
            busy[node.name] -= 1
            end(call_id, status)

        node._run, node._end = begin, finish  # type: ignore[method-assign]

    def all_at_once(cib: Cib) -> Cib:
        for change in changes:
            cib = change(cib)
        return cib

    apply(cluster, all_at_once)
    index = 0 if name == "batch-limit" else 1
    assert max(peak[index] for peak in peaks) == most


def test_a_node_leaves_only_when_it_is_known_what_runs_there() -> None:
    """The history was just cleaned up: a probe finds what has to be stopped before the end."""
    cluster = running(add_group("G", 2), location("G", "node2", "100"), fencing=True)
    node = cluster.node(2)
    assert node.active == {"G-1", "G-2"}
    cluster.agent_delay_s = (0.05, 0.1)
    cluster.ask(1, CleanResource(all_history=True))
    cluster.ask(2, StopDaemon())
    cluster.until(lambda: node.core is None or not node.active, 10, "stopped or gone")
    assert node.core is not None, "it ended with what ran there, and nobody looks at it any more"
    cluster.until(lambda: node.core is None, 10, "gone")
    assert node.exit_code == 0
    cluster.settle()
    assert len(where(cluster, "G-1")) == 1


@pytest.mark.parametrize("error_s", [-1e8, -3600.0, 3600.0, 1e8])
def test_a_clock_that_jumps_on_the_dc_stops_nothing(error_s: float) -> None:
    """And what is committed under the wrong time is committed."""
    cluster = running(resource(meta="failure-timeout=60s"), resource("S"))
    before = [where(cluster), where(cluster, "S")]
    begun = len([each for node in cluster.up for each in node.operations])
    cluster.node(1).set_clock(error_s)
    cluster.run(1.5)
    apply(cluster, with_property("x", "1"))
    cluster.node(1).set_clock(0.0)
    cluster.run(1.5)
    apply(cluster, with_property("x", "2"))
    assert [where(cluster), where(cluster, "S")] == before
    later = [each for node in cluster.up for each in node.operations][begun:]
    assert {action for _, _, action in later} <= {"monitor"}
    for number in (1, 2, 3):
        assert cluster.cib(number).properties()["x"] == "2"


# ---- values that are nonsense --------------------------------------------------------------------

NO_NUMBERS = ["²", "9" * 5000, "99999999999999999999s", f"P{'9' * 5000}S"]
_ENGINES = (
    *("node-action-limit", "batch-limit", "stonith-max-attempts", "stonith-timeout"),
    *("dc-deadtime", "cluster-recheck-interval", "shutdown-escalation", "cluster-delay"),
    *("stonith-watchdog-timeout", "shutdown-lock-limit", "priority-fencing-delay"),
)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_no_value_of_an_option_stops_a_node(value: str) -> None:
    """The next DC would read it too, and stop as well."""

    def all_options(cib: Cib) -> Cib:
        for name in _ENGINES:
            cib = with_property(name, value)(cib)
        return cib

    cluster = running(
        all_options,
        with_property("stonith-enabled", "true"),
        add_device(pcmk_reboot_retries=value, pcmk_reboot_timeout=value),
        resource(meta=f"migration-threshold={value} failure-timeout={value}"),
    )
    assert holder(cluster)
    cluster.power.works = False
    cluster.node(3).crash()
    cluster.run(1.0)
    cluster.power.works = True
    cluster.until(lambda: len(cluster.up) == 3, 10, "fenced, and back")


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_no_time_of_a_shutdown_stops_a_node(value: str) -> None:
    cluster = running(resource(), with_property("shutdown-lock", "true"))
    cluster.answer(1, SetAttribute(node=holder(cluster), name="shutdown", value=value))
    cluster.run(1.0)
    assert len(cluster.up) == 3


def test_a_recheck_that_is_due_while_disks_are_slow_spins_nobody() -> None:
    """Nothing is planned before a majority has told, in this view, that it has the nodes' list.

    That the time has come is then no reason to be woken: it was, without end, at 100 % of a CPU.
    """
    cluster = running(with_property("cluster-recheck-interval", "50ms"))
    for node in cluster.up:
        node.disk.delay_s = (0.15, 0.15)
    cluster.node(3).crash()
    cluster.run(3.0)  # the network counts
    cluster.settle()


def test_a_refresh_ends_a_monitor_that_waits_for_another_one() -> None:
    """The controller is told: it would wait for its result until the time for that is over."""
    cluster = running()
    cluster.agent_delay_s = (0.5, 0.5)
    op = '<op id="R-{0}" name="monitor" interval="{0}s" timeout="20s"/>'
    text = (
        '<primitive id="R" class="ocf" provider="pacemaker" type="Dummy"><operations>'
        f"{op.format(5)}{op.format(7)}</operations></primitive>"
    )
    cluster.commit(
        1, lambda cib: cib.with_section("resources", cib.section("resources").append(parse(text)))
    )
    begun = ("R", "monitor")
    cluster.until(lambda: bool(where(cluster)), 5, "it is started")
    node = next(each for each in cluster.up if each.name == holder(cluster))
    cluster.until(lambda: [o[1:] for o in node.operations].count(begun) == 2, 5, "one runs")
    cluster.ask(1, CleanResource(resource="R", all_history=True))
    cluster.run(0.1)
    cluster.settle(within_s=5)
    assert holder(cluster) == node.name


@pytest.mark.parametrize("whose", ["R", ""])
def test_what_was_deleted_is_stopped_though_it_is_refreshed_before(whose: str) -> None:
    """Nobody looks for what is not configured: forgotten, it would run for ever."""
    cluster = running(resource())
    assert where(cluster)
    cluster.agent_delay_s = (0.5, 0.5)
    cluster.commit(1, resource("S"))  # the DC is busy with it
    cluster.run(0.1)

    def delete(cib: Cib) -> Cib:
        rest = (each for each in cib.section("resources").children if each.id != "R")
        return cib.with_section("resources", Element("resources", {}, tuple(rest)))

    ticket = cluster.commit(1, delete)
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "committed", 0.001)
    cluster.answer(1, CleanResource(resource=whose, all_history=True))
    cluster.settle(within_s=30)
    assert where(cluster) == []
    assert where(cluster, "S")

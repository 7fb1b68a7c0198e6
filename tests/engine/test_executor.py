"""One node's operations: one per resource, recurring ones, what is told and what is not."""

from __future__ import annotations

from typing import Any

from engine.by_hand import ByHand
from msgspec import structs

from crmsh_py.engine.api import (
    AgentFacts,
    CancelOperation,
    OperationFinished,
    RunOperation,
)
from crmsh_py.engine.executor import Executor, environment
from crmsh_py.scheduler.digests import of_parameters
from crmsh_py.wire.stream import AgentName, Outcome, RunAction

VIEW = (1, 4)
DUMMY = AgentName(standard="ocf", provider="pacemaker", type="Dummy")


def action(operation: str, resource: str = "R", interval_ms: int = 0, **more: Any) -> RunAction:
    return RunAction(
        view=VIEW,
        target=1,
        transition_key=f"1:2:{more.get('target_rc', 0)}:uuid",
        key=f"{resource}_{operation}_{interval_ms}",
        operation=operation,
        resource=resource,
        agent=DUMMY,
        interval_ms=interval_ms,
        **more,
    )


class Bench(ByHand):
    """An executor with its outbox, driven by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.executor = Executor(1, "a", self.out, lambda: VIEW)

    def run(self, one: RunAction) -> list[RunOperation]:
        self.executor.run(one)
        return [each for each in self.take() if isinstance(each, RunOperation)]

    def finish(self, call_id: int, rc: int = 0, status: int = 0) -> list[RunOperation]:
        self.executor.finished(OperationFinished(call_id=call_id, rc=rc, status=status))
        return [each for each in self.take() if isinstance(each, RunOperation)]

    def outcome(self) -> Outcome:
        (outcome,) = self.told
        assert isinstance(outcome, Outcome)
        return outcome

    def pass_time(self, seconds: float) -> list[RunOperation]:
        self.out.now += seconds
        self.executor.handle_timer()
        return [each for each in self.take() if isinstance(each, RunOperation)]

    def entries(self, resource: str = "R") -> dict[str, str]:
        """Entry ids of the history with their rc."""
        for each in self.executor.state.iter("lrm_resource"):
            if each.id == resource:
                return {op.id: op.get("rc-code") for op in each.children}
        return {}


def test_operations_of_one_resource_wait_for_each_other_and_others_do_not() -> None:
    bench = Bench()
    (first,) = bench.run(action("start"))
    assert bench.run(action("stop")) == []
    (other,) = bench.run(action("start", "S"))
    assert other.resource == "S"
    (second,) = bench.finish(first.call_id)
    assert second.action == "stop"


def test_a_resource_is_stopped_with_the_parameters_that_it_was_started_with() -> None:
    """Else the old address would stay when an address is changed."""
    bench = Bench()
    (start,) = bench.run(action("start", parameters={"ip": "10.0.0.1"}))
    bench.finish(start.call_id)
    (failed,) = bench.run(action("stop", parameters={"ip": "10.0.0.2"}))
    assert failed.parameters == {"ip": "10.0.0.1"}
    bench.finish(failed.call_id, rc=1)
    (again,) = bench.run(action("stop", parameters={"ip": "10.0.0.2"}))
    assert again.parameters == {"ip": "10.0.0.1"}
    bench.finish(again.call_id)
    (new,) = bench.run(action("stop", parameters={"ip": "10.0.0.3"}))
    assert new.parameters == {"ip": "10.0.0.3"}  # nothing is known of an earlier start


def test_a_result_is_told_with_its_history_entry() -> None:
    bench = Bench()
    (run,) = bench.run(action("start"))
    bench.finish(run.call_id)
    outcome = bench.outcome()
    assert outcome.ok
    assert outcome.transition_key == "1:2:0:uuid"
    assert 'id="R_last_0"' in outcome.resource
    assert 'transition-magic="0:0;1:2:0:uuid"' in outcome.resource
    assert bench.entries() == {"R_last_0": "0"}


def test_a_failure_has_its_own_entry_and_says_what_to_count() -> None:
    bench = Bench()
    (run,) = bench.run(action("start"))
    bench.finish(run.call_id, rc=1)
    outcome = bench.outcome()
    assert not outcome.ok
    assert outcome.failure is not None
    assert outcome.failure.operation == "start"
    assert bench.entries() == {"R_last_0": "1", "R_last_failure_0": "1"}


def test_a_probe_that_finds_nothing_as_expected_is_no_failure() -> None:
    bench = Bench()
    (run,) = bench.run(action("monitor", target_rc=7))
    bench.finish(run.call_id, rc=7)
    assert bench.outcome().ok


def test_a_recurring_operation_is_told_first_and_when_it_changes() -> None:
    bench = Bench()
    (run,) = bench.run(action("monitor", interval_ms=10_000))
    bench.finish(run.call_id)
    assert bench.outcome().ok
    for _ in range(3):
        assert bench.pass_time(9.9) == []
        (run,) = bench.pass_time(0.2)
        bench.finish(run.call_id)
        assert bench.told == []
    (run,) = bench.pass_time(10.1)
    bench.finish(run.call_id, rc=7)
    assert not bench.outcome().ok
    (run,) = bench.pass_time(10.1)
    bench.finish(run.call_id, rc=7)
    assert bench.told == [], "the same failure is told once"
    assert bench.entries() == {"R_monitor_10000": "0", "R_last_failure_0": "7"}


def test_a_failure_that_lasts_is_told_again_when_somebody_has_to_look() -> None:
    """That it was told may have been forgotten: failures expire. Just now told it is not."""
    bench = Bench()
    (run,) = bench.run(action("monitor", interval_ms=1000))
    bench.finish(run.call_id, rc=1)
    assert not bench.outcome().ok
    bench.executor.look_at("R")
    (run,) = bench.pass_time(0.0)
    bench.finish(run.call_id, rc=1)
    assert bench.told == []
    bench.pass_time(5.0)
    bench.finish(run.call_id + 1, rc=1)
    assert bench.told == []
    bench.executor.look_at("R")
    (run,) = bench.pass_time(0.0)
    bench.finish(run.call_id, rc=1)
    assert not bench.outcome().ok


def test_the_interval_counts_from_the_end_of_the_run_before() -> None:
    bench = Bench()
    (run,) = bench.run(action("monitor", interval_ms=10_000))
    bench.pass_time(8.0)
    bench.finish(run.call_id)
    assert bench.pass_time(9.9) == []
    assert len(bench.pass_time(0.2)) == 1


def test_a_stop_ends_recurring_operations_even_one_that_runs() -> None:
    bench = Bench()
    (run,) = bench.run(action("monitor", interval_ms=10_000))
    bench.finish(run.call_id)
    (run,) = bench.pass_time(10.1)
    bench.executor.run(action("stop"))
    assert bench.take() == [CancelOperation(call_id=run.call_id)]
    (stop,) = bench.finish(run.call_id, rc=1, status=1)
    assert stop.action == "stop"
    assert bench.told == [], "a cancelled result is about the past"
    bench.finish(stop.call_id)
    assert bench.pass_time(60.0) == []


def test_cancel_ends_it_and_drops_its_entry() -> None:
    bench = Bench()
    (run,) = bench.run(action("monitor", interval_ms=10_000))
    bench.finish(run.call_id)
    meta = {"operation": "monitor", "interval": "10000"}
    bench.run(action("cancel", interval_ms=10_000, meta=meta))
    assert bench.outcome().forget == ["R_monitor_10000"]
    assert bench.entries() == {}
    assert bench.pass_time(60.0) == []


def test_a_delete_forgets_everything() -> None:
    bench = Bench()
    (run,) = bench.run(action("start"))
    bench.finish(run.call_id)
    bench.run(action("delete"))
    assert bench.outcome().forget_all
    assert not bench.executor.knows("R")


def test_what_has_not_begun_is_dropped_with_its_view_and_what_has_is_pending() -> None:
    bench = Bench()
    (run,) = bench.run(action("start", timeout_ms=20_000))
    bench.run(action("stop"))
    bench.out.now += 5
    assert bench.executor.pending() == {"R_start_0": 15_000}
    bench.executor.begin_view()
    assert bench.finish(run.call_id) == []
    assert bench.executor.pending() == {}
    assert bench.entries() == {"R_last_0": "0"}


def monitored(bench: Bench) -> RunOperation:
    """R runs, and its monitor is just running for the second time."""
    (start,) = bench.run(action("start"))
    bench.finish(start.call_id)
    (first,) = bench.run(action("monitor", interval_ms=10_000))
    bench.finish(first.call_id)
    (second,) = bench.pass_time(10.1)
    return second


def test_a_stop_that_is_dropped_leaves_no_monitor_that_only_seems_to_go_on() -> None:
    """It has ended the monitor: the next DC must see that nobody looks at the resource."""
    bench = Bench()
    second = monitored(bench)
    assert bench.run(action("stop")) == []
    (undone,) = bench.executor.begin_view()
    assert (undone.key, undone.ok) == ("R_stop_0", False)
    assert "R_monitor_10000" in undone.forget
    assert 'id="R_last_0"' in undone.resource, "what stands there instead of the stop"
    assert bench.entries() == {"R_last_0": "0"}
    assert bench.finish(second.call_id, rc=1, status=1) == []
    assert len(bench.run(action("monitor", interval_ms=10_000))) == 1, "as the next DC wants"


def test_a_monitor_that_is_begun_anew_and_dropped_leaves_no_entry_of_the_one_before() -> None:
    bench = Bench()
    monitored(bench)
    assert bench.run(action("monitor", interval_ms=10_000)) == []
    bench.executor.begin_view()
    assert bench.entries() == {"R_last_0": "0"}


def test_what_is_dropped_leaves_monitors_that_go_on_and_failures() -> None:
    bench = Bench()
    second = monitored(bench)
    bench.run(action("notify", meta={"notify_type": "pre", "notify_operation": "stop"}))
    (undone,) = bench.executor.begin_view()
    assert "R_monitor_10000" not in undone.forget
    bench.finish(second.call_id, rc=7)
    (third,) = bench.pass_time(10.1)
    bench.run(action("stop"))
    bench.executor.begin_view()
    assert bench.entries() == {"R_last_0": "0", "R_last_failure_0": "7"}
    bench.finish(third.call_id, rc=1, status=1)


def test_agents_get_their_variables_under_pacemakers_names() -> None:
    one = action("monitor", interval_ms=10_000, meta={"interval": "10000", "name": "monitor"})
    variables = environment(one, "a")
    assert variables["OCF_RESKEY_CRM_meta_interval"] == "10000"
    assert variables["OCF_RESKEY_CRM_meta_timeout"] == "20000"
    assert variables["OCF_RESKEY_CRM_meta_on_node"] == "a"
    assert variables["OCF_RESOURCE_INSTANCE"] == "R"
    assert variables["OCF_RESOURCE_PROVIDER"] == "pacemaker"
    assert variables["OCF_RESOURCE_TYPE"] == "Dummy"


def test_after_a_partition_without_quorum_what_was_stopped_is_looked_for_again() -> None:
    """An agent that cannot see its interface says that an address is stopped when it is not."""
    bench = Bench()
    for operation, resource, rc in (
        ("start", "running", 0),
        ("stop", "stopped", 0),
        ("monitor", "absent", 7),
    ):
        (run,) = bench.run(action(operation, resource, target_rc=rc))
        bench.finish(run.call_id, rc)
    (busy,) = bench.run(action("stop", "busy"))

    bench.executor.doubt_stopped()

    assert bench.entries("running")
    assert bench.entries("stopped") == {}
    assert bench.entries("absent") == {}
    bench.finish(busy.call_id)
    assert bench.entries("busy") == {"busy_last_0": "0"}


# ---- what an agent says of itself ----------------------------------------------------------------


def entry(bench: Bench, name: str) -> dict[str, str]:
    """The attributes of an entry of the history."""
    found = [op for op in bench.executor.state.iter("lrm_rsc_op") if op.id == name]
    return dict(found[0].attrs) if found else {}


def ended(bench: Bench, call_id: int, facts: AgentFacts, rc: int = 0) -> None:
    bench.executor.finished(OperationFinished(call_id=call_id, rc=rc, status=0, facts=facts))
    bench.take()


FACTS = AgentFacts(restart=("state",), reload="reload", private=("passwd",))
PARAMETERS = {"state": "/run/x", "fake": "1", "passwd": "secret"}


def test_the_history_says_which_parameters_need_a_restart_and_which_are_private() -> None:
    bench = Bench()
    (start,) = bench.run(action("start", parameters=PARAMETERS))
    ended(bench, start.call_id, FACTS)
    (monitor,) = bench.run(action("monitor", interval_ms=10_000, parameters=PARAMETERS))
    ended(bench, monitor.call_id, FACTS)
    kept = entry(bench, "R_last_0")
    assert kept["op-force-restart"] == "  state  "
    assert kept["op-restart-digest"] == of_parameters({"state": "/run/x"})
    assert kept["op-secure-params"] == "  passwd  "
    assert kept["op-secure-digest"] == of_parameters({"state": "/run/x", "fake": "1"})
    recurring = entry(bench, "R_monitor_10000")
    assert "op-force-restart" not in recurring
    assert recurring["op-digest"] == of_parameters(PARAMETERS, timeout_ms=20_000)


def test_an_agent_that_cannot_reload_leaves_nothing_that_would_ask_for_it() -> None:
    bench = Bench()
    (start,) = bench.run(action("start", parameters=PARAMETERS))
    ended(bench, start.call_id, AgentFacts())
    assert "op-restart-digest" not in entry(bench, "R_last_0")


def test_a_reload_is_recorded_as_a_start_with_the_new_parameters() -> None:
    bench = Bench()
    (start,) = bench.run(action("start", parameters=PARAMETERS))
    ended(bench, start.call_id, FACTS)
    changed = {**PARAMETERS, "fake": "2"}
    (reload,) = bench.run(action("reload-agent", parameters=changed))
    assert reload.action == "reload", "an agent of OCF 1.0 knows no other name"
    ended(bench, reload.call_id, FACTS)
    kept = entry(bench, "R_last_0")
    assert kept["operation"] == "start"
    assert kept["op-digest"] == of_parameters(changed)


def test_a_reload_that_fails_counts_as_a_start_that_failed() -> None:
    bench = Bench()
    (start,) = bench.run(action("start", parameters=PARAMETERS))
    ended(bench, start.call_id, FACTS)
    (reload,) = bench.run(action("reload-agent", parameters={**PARAMETERS, "fake": "2"}))
    bench.finish(reload.call_id, rc=1)
    assert entry(bench, "R_last_failure_0")["operation"] == "start"
    failure = bench.outcome().failure
    assert failure is not None
    assert failure.operation == "start"


def test_a_notification_is_in_no_history_and_cannot_fail() -> None:
    """Pacemaker's controller neither records it nor tells an alert of it."""
    bench = Bench()
    meta = {"notify_type": "pre", "notify_operation": "start"}
    (run,) = bench.run(action("notify", meta=meta))
    bench.finish(run.call_id, rc=1)
    assert bench.outcome().ok
    assert bench.outcome().resource == ""
    assert bench.entries() == {}


class Instant:
    """Connections whose monitors wait, and whose cancelled ones end at once."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def begin(self, call: int, action: RunAction) -> OperationFinished | None:
        return None if action.interval_ms else OperationFinished(call_id=call, rc=0, status=0)

    def cancel(self, call: int) -> None:
        self.executor.finished(OperationFinished(call_id=call, rc=1, status=1))


def test_a_connection_stops_while_its_monitor_waits_and_leaves_no_monitor_behind() -> None:
    bench = Bench()
    bench.executor.connections = Instant(bench.executor)
    remote = AgentName(standard="ocf", provider="pacemaker", type="remote")
    for operation, interval in (("start", 0), ("monitor", 1000), ("stop", 0)):
        one = structs.replace(action(operation, "far", interval), agent=remote)
        assert bench.run(one) == []  # no agent
    outcomes = [each for each in bench.told if isinstance(each, Outcome)]
    assert [each.key for each in outcomes] == ["far_monitor_1000", "far_stop_0"]
    assert list(bench.entries("far")) == ["far_last_0"]

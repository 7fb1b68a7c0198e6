"""Fail counts and transient attributes, as functions on a node's state."""

from __future__ import annotations

import pytest

from crmsh_py.engine.attributes import clear_failures, count_failure, failed_resources
from crmsh_py.engine.status import ONLINE, attributes_of, new_node_state, with_attribute
from crmsh_py.wire.stream import Failure

STATE = new_node_state("1", "a", ONLINE)


@pytest.mark.parametrize(
    ("operation", "interval_ms", "properties", "count"),
    [
        ("start", 0, {}, "INFINITY"),
        ("start", 0, {"start-failure-is-fatal": "false"}, "1"),
        ("stop", 0, {"start-failure-is-fatal": "false"}, "INFINITY"),
        ("monitor", 10_000, {}, "1"),
        ("promote", 0, {}, "1"),
        ("monitor", 0, {}, None),  # a probe
    ],
)
def test_what_a_failure_counts(
    operation: str, interval_ms: int, properties: dict[str, str], count: str | None
) -> None:
    failure = Failure(operation=operation, interval_ms=interval_ms, time=1234)
    found = attributes_of(count_failure(STATE, "R", failure, properties))
    assert found.get(f"fail-count-R#{operation}_{interval_ms}") == count
    assert found.get(f"last-failure-R#{operation}_{interval_ms}") == (count and "1234")


def test_what_is_ignored_has_a_time_and_no_count() -> None:
    failure = Failure(operation="start", interval_ms=0, time=1234, ignored=True)
    assert attributes_of(count_failure(STATE, "R", failure, {})) == {
        "last-failure-R#start_0": "1234"
    }


def test_failures_add_up_and_stay_at_infinity() -> None:
    failure = Failure(operation="monitor", interval_ms=10_000, time=1)
    state = STATE
    for _ in range(3):
        state = count_failure(state, "R", failure, {})
    assert attributes_of(state)["fail-count-R#monitor_10000"] == "3"
    state = with_attribute(state, "fail-count-R#monitor_10000", "INFINITY")
    state = count_failure(state, "R", failure, {})
    assert attributes_of(state)["fail-count-R#monitor_10000"] == "INFINITY"


def test_instances_of_a_clone_share_their_count() -> None:
    failure = Failure(operation="monitor", interval_ms=10_000, time=1)
    state = count_failure(STATE, "R:0", failure, {})
    assert failed_resources(state) == {"R"}


def test_failures_are_cleared_for_one_resource_one_operation_or_all() -> None:
    state = STATE
    for resource in ("R", "R2"):
        for operation, interval in (("start", 0), ("monitor", 10_000)):
            failure = Failure(operation=operation, interval_ms=interval, time=1)
            state = count_failure(state, resource, failure, {})
    state = with_attribute(state, "pingd", "100")
    assert failed_resources(clear_failures(state, "R")) == {"R2"}
    left = attributes_of(clear_failures(state, "R", "start", 0))
    assert "fail-count-R#start_0" not in left
    assert "fail-count-R#monitor_10000" in left
    assert attributes_of(clear_failures(state)) == {"pingd": "100"}


def test_an_unchanged_state_is_the_same_object() -> None:
    """So that nothing is counted as a change that is none."""
    state = with_attribute(STATE, "x", "1")
    assert with_attribute(state, "x", "1") is state
    assert with_attribute(STATE, "x", None) is STATE
    assert clear_failures(state, "R") is state

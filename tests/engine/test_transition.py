"""Walking a graph: order, limits, failures, late results."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.cib.scores import INFINITY
from crmsh_py.engine.transition import State, Transition
from crmsh_py.scheduler.result import Action, ActionKind


def action(number: int, *inputs: int, priority: int = 0, operation: str = "start") -> Action:
    return Action(
        id=number,
        kind=ActionKind.RESOURCE,
        operation=operation,
        key=f"R{number}_{operation}_0",
        node="a",
        resource=f"R{number}",
        inputs=inputs,
        priority=priority,
    )


def take(transition: Transition) -> list[int]:
    """Begin all that is ready."""
    taken = transition.take_ready()
    for each in taken:
        transition.begun(each, 100.0)
    return [each.id for each in taken]


def test_an_action_begins_when_all_its_inputs_are_done() -> None:
    graph = Transition(0, "u", [action(1), action(2), action(3, 1, 2)])
    assert take(graph) == [1, 2]
    graph.done(graph.actions[1])
    assert take(graph) == []
    graph.done(graph.actions[2])
    assert take(graph) == [3]
    assert not graph.over
    graph.done(graph.actions[3])
    assert graph.over


def test_an_input_that_is_not_in_the_graph_counts_as_done() -> None:
    assert take(Transition(0, "u", [action(1, 99)])) == [1]


def test_the_batch_limit_holds_and_priorities_go_first() -> None:
    actions = [action(1), action(2, priority=5), action(3)]
    graph = Transition(0, "u", actions, batch_limit=2)
    assert take(graph) == [2, 1]
    assert take(graph) == []
    graph.done(graph.actions[1])
    assert take(graph) == [3]


def test_a_node_is_not_given_more_than_it_may_run_at_once() -> None:
    graph = Transition(0, "u", [action(1), action(2), action(3)], node_limit=2)
    assert take(graph) == [1, 2]
    graph.done(graph.actions[2])
    assert take(graph) == [3]


def test_after_an_abort_nothing_begins_and_what_runs_is_waited_for() -> None:
    graph = Transition(0, "u", [action(1), action(2, 1), action(3)])
    take(graph)
    graph.abort("something changed")
    graph.done(graph.actions[1])
    assert take(graph) == []
    assert not graph.over
    graph.done(graph.actions[3])
    assert graph.over
    assert graph.count(State.WAITING) == 1


def test_after_an_abort_instances_are_still_told_what_was_done() -> None:
    """A plan that is made anew does not know that a notification is owed."""
    actions = [
        action(1, operation="promote"),
        action(2, 1, priority=INFINITY, operation="notify"),
        action(3, 2, operation="monitor"),
    ]
    graph = Transition(0, "u", actions)
    take(graph)
    graph.abort("an attribute has changed")
    graph.done(graph.actions[1])
    assert not graph.over
    assert take(graph) == [2]
    graph.done(graph.actions[2])
    assert take(graph) == []
    assert graph.over


def test_what_is_more_important_than_what_failed_goes_on() -> None:
    actions = [action(1), action(2, 4), action(3, 4, priority=5), action(4, priority=5)]
    graph = Transition(0, "u", actions)
    assert take(graph) == [4, 1]
    graph.failed(graph.actions[1], "rc=1")
    graph.done(graph.actions[4])
    assert take(graph) == [3]
    graph.failed(graph.actions[3], "rc=1")
    assert graph.over
    assert graph.count(State.WAITING) == 1


def test_a_failure_aborts() -> None:
    graph = Transition(0, "u", [action(1), action(2, 1)])
    take(graph)
    graph.failed(graph.actions[1], "rc=1")
    assert graph.over
    assert graph.abort_reason == "rc=1"


def test_an_action_that_takes_too_long_fails() -> None:
    graph = Transition(0, "u", [action(1)])
    take(graph)
    assert graph.next_deadline() == 100.0
    assert graph.expire(99.0) == []
    assert [each.id for each in graph.expire(100.0)] == [1]
    assert graph.over


def test_what_is_last_waits_for_everything_else() -> None:
    actions = [action(1, operation="do_shutdown"), action(2), action(3, 2)]
    graph = Transition(0, "u", actions, last=lambda each: each.operation == "do_shutdown")
    assert take(graph) == [2]
    graph.done(graph.actions[2])
    assert take(graph) == [3]
    graph.done(graph.actions[3])
    assert take(graph) == [1]


def test_only_the_key_of_an_action_under_way_is_recognised() -> None:
    graph = Transition(7, "uuid", [action(1), action(2, 1)])
    take(graph)
    key = graph.key_of(graph.actions[1])
    assert key == "1:7:0:uuid"
    assert graph.find(key) is graph.actions[1]
    for other in ("1:6:0:uuid", "1:7:0:other", "2:7:0:uuid", "9:7:0:uuid", "x", "", "a:b:c:d"):
        assert graph.find(other) is None
    graph.done(graph.actions[1])
    assert graph.find(key) is None, "a result counts once"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_action_of_any_graph_begins_once_and_after_its_inputs(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    actions = [
        action(n, *data.draw(st.sets(st.integers(1, n - 1), max_size=3) if n > 1 else st.just(())))
        for n in range(1, size + 1)
    ]
    limit = data.draw(st.integers(0, 3))
    graph = Transition(0, "u", actions, batch_limit=limit)
    under_way: list[int] = []
    done: list[int] = []
    while not graph.over or under_way:
        for number in take(graph):
            assert set(graph.actions[number].inputs) <= set(done)
            under_way.append(number)
        assert not limit or len(under_way) <= limit
        finished = data.draw(st.sampled_from(under_way))
        under_way.remove(finished)
        done.append(finished)
        graph.done(graph.actions[finished])
    assert sorted(done) == list(range(1, size + 1))


def test_a_key_that_is_none_finds_nothing() -> None:
    graph = Transition(0, "u", [action(1)])
    take(graph)
    for key in ("", "²:0:0:u", f"{'9' * 5000}:0:0:u", "1:0:0:x", "2:0:0:u"):
        assert graph.find(key) is None
    assert graph.find("1:0:0:u") is graph.actions[1]

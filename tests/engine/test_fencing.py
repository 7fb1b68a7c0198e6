"""One node's part in fencing: what it learns of requests that ended without it."""

from __future__ import annotations

import pytest

from crmsh_py.engine.bootstrap import pristine
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.value import replace
from crmsh_py.wire.fencing import FencingRecord, FencingState
from crmsh_py.wire.stream import FencingAsked

WALL = 1_800_000_000.0


def settle(fencing: Fencing, *told: FencingRecord) -> None:
    fencing.begin_view((), stayed=False)
    names = {1: "a", 2: "b"}
    fencing.settled(1, names, dict.fromkeys(names, True), told, (), primary=True)


def made(wall_offset: float = WALL, seed: int = 1) -> tuple[Fencing, Outbox]:
    """Node b, which is not the one that sees to requests, in its first primary view."""
    out = Outbox(wall_offset)
    fencing = Fencing(
        2,
        "b",
        Replica(pristine(), 0),
        out,
        seed=seed,
        view=lambda: (1, 4),
        watchdog_ms=lambda: 0,
        devices=lambda *_: (),
    )
    settle(fencing)
    return fencing, out


@pytest.mark.parametrize("state", [FencingState.DONE, FencingState.FAILED])
@pytest.mark.parametrize("was_seen", [True, False])
def test_who_waits_is_told_of_an_end_that_this_node_has_missed(state: str, was_seen: bool) -> None:
    fencing, _ = made()
    record = fencing.ask("c", "off", client="x", by_hand=True)
    answers: list[bool] = []
    fencing.when_over(record.ident, answers.append)
    if was_seen:
        fencing.on_asked(record)
    settle(fencing, replace(record, state=state, reason="so"))
    assert answers == [state == FencingState.DONE]
    fencing.on_asked(record)
    assert answers == [state == FencingState.DONE], "told once"


def test_who_waits_is_told_where_the_end_was_there_before_the_request() -> None:
    fencing, _ = made()
    record = fencing.ask("c", "off", client="x", by_hand=True)
    fencing.history.put(replace(record, state=FencingState.DONE))
    answers: list[bool] = []
    fencing.when_over(record.ident, answers.append)
    fencing.on_asked(record)
    assert answers == [True]


def test_another_run_at_the_same_time_asks_for_something_else() -> None:
    """A clock may say after a reboot what it said before."""
    before, after = (made(seed=seed)[0] for seed in (1, 2))
    done = replace(before.ask("c", "off", client="x", by_hand=True), state=FencingState.DONE)
    settle(after, done)
    record = after.ask("c", "off", client="x", by_hand=True)
    answers: list[bool] = []
    after.when_over(record.ident, answers.append)
    after.on_asked(record)
    assert not answers


def state_of(fencing: Fencing, record: FencingRecord) -> FencingState:
    known = fencing.history.find(record.ident)
    assert known is not None
    return known.state


@pytest.mark.parametrize(("target", "stays"), [("a", True), ("c", False)])
@pytest.mark.parametrize("by_hand", [True, False])
def test_the_cluster_lets_nobody_in_who_was_lost_meanwhile(
    target: str, stays: bool, by_hand: bool
) -> None:
    """Another member would do it, maybe after the node has been shut out."""
    fencing, _ = made()
    record = fencing.ask(target, "on", client="x", by_hand=by_hand)
    fencing.on_asked(record)
    settle(fencing, record)
    is_pending = state_of(fencing, record) is FencingState.PENDING
    assert is_pending == (stays or by_hand)


@pytest.mark.parametrize("by_hand", [True, False])
def test_unfencing_ends_when_the_node_is_fenced(by_hand: bool) -> None:
    fencing, _ = made()
    record = fencing.ask("a", "on", client="x", by_hand=by_hand)
    fencing.on_asked(record)
    answers: list[bool] = []
    fencing.when_over(record.ident, answers.append)
    off = fencing.ask("a", "off", client="x")
    fencing.on_asked(off)
    fencing.on_ended(replace(off, state=FencingState.DONE))
    assert (state_of(fencing, record) is FencingState.FAILED) == (not by_hand)
    assert answers == ([] if by_hand else [False])


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_the_cluster_wanted_in_a_ring_that_broke_is_not_asked_for_in_the_next(
    by_hand: bool,
) -> None:
    """Nobody has heard of it. The node may be a member by now, and the DC plans anew."""
    fencing, out = made()
    fencing.ask("a", "reboot", client="x", by_hand=by_hand)
    out.take_messages()
    settle(fencing)
    again = [each.message for each in out.take_messages()]
    assert [type(message) for message in again] == ([FencingAsked] if by_hand else [])


def test_a_pending_request_that_is_told_again_ends_nothing() -> None:
    fencing, _ = made()
    record = fencing.ask("c", "off", client="x", by_hand=True)
    answers: list[bool] = []
    fencing.when_over(record.ident, answers.append)
    for _ in range(2):
        fencing.on_asked(record)
        settle(fencing, record)
    assert record.state is FencingState.PENDING
    assert answers == []


@pytest.mark.parametrize(("asked_in", "is_meant"), [(8, True), (4, True), (0, False)])
@pytest.mark.parametrize("wrong_s", [3600.0, -3600.0])
def test_whether_this_life_was_fenced_is_no_matter_of_clocks(
    asked_in: int, is_meant: bool, wrong_s: float
) -> None:
    """Its first ring with quorum tells the lives of a node apart: here the one with number 4."""
    fencing, out = made(WALL)
    out.now = 600.0
    asked_ms = int((WALL + out.now / 2 + wrong_s) * 1000)
    settle(
        fencing,
        FencingRecord(
            ident="1", target="b", action="off", client="x", origin="a", state=FencingState.DONE,
            asked_ms=asked_ms, ended_ms=asked_ms, asked_in=asked_in,
        ),
    )  # fmt: skip
    assert bool(fencing.doomed) == is_meant

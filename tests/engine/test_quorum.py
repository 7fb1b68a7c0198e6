"""votequorum's rules, each alone and against dumb twins."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmsh_py.corosync_conf import parse
from crmsh_py.engine.quorum import (
    Quorum,
    QuorumRules,
    Voter,
    changed,
    expect,
    initial,
    votes_needed,
    window_over,
)


def members(*ids: int, ready: bool = False) -> dict[int, Voter]:
    return {each: Voter(ready=ready) for each in ids}


def started(node_id: int = 1, *, configured: tuple[int, ...] = (), **rules: object) -> Quorum:
    made = QuorumRules(**rules)  # type: ignore[arg-type]
    return initial(made, node_id, configured)


def test_more_than_half_of_the_expected_votes() -> None:
    state = changed(started(expected_votes=3), members(1))
    assert (state.quorum, state.total_votes, state.quorate) == (2, 1, False)
    state = changed(state, members(1, 2))
    assert state.quorate
    assert state.flags() == ("Quorate",)
    assert not changed(state, members(1)).quorate


@given(st.integers(1, 1000))
def test_votes_needed_is_the_least_majority(expected: int) -> None:
    """Dumb twin: count up until two groups of that size cannot both exist."""
    twin = next(votes for votes in itertools.count(1) if 2 * votes > expected)
    assert votes_needed(expected) == twin


def test_expected_votes_rise_with_what_is_seen_and_told_but_never_fall() -> None:
    state = changed(started(expected_votes=2), members(1, 2, 3))
    assert (state.expected_votes, state.highest_expected) == (3, 3)
    state = changed(state, {1: Voter(), 2: Voter(expected_votes=5)})
    assert state.expected_votes == 5
    assert not state.quorate
    assert changed(state, members(1)).expected_votes == 5


def test_votes_of_a_node_count_as_many_as_it_has() -> None:
    state = changed(started(expected_votes=4), {1: Voter(votes=3)})
    assert state.quorate
    state = changed(started(expected_votes=4), {1: Voter(votes=0), 2: Voter(), 3: Voter()})
    assert not state.quorate


def test_the_administrator_may_lower_the_expected_votes_to_what_is_there() -> None:
    state = changed(started(expected_votes=5), members(1, 2))
    assert not state.quorate
    state = expect(state, 1)
    assert (state.expected_votes, state.quorate) == (2, True)


# ---- two nodes, and waiting ------------------------------------------------------------------


def test_two_node_lets_one_of_two_go_on() -> None:
    state = started(expected_votes=2, two_node=True)
    assert changed(state, members(1)).quorate
    assert changed(state, members(1, 2)).flags() == ("2Node", "Quorate")


def test_two_node_is_for_two_votes_only() -> None:
    state = changed(started(expected_votes=2, two_node=True), members(1, 2, 3))
    assert not changed(state, members(1)).quorate


def test_wait_for_all_waits_once() -> None:
    state = changed(started(expected_votes=3, wait_for_all=True), members(1, 2))
    assert (state.waiting, state.quorate) == (True, False)
    state = changed(state, members(1, 2, 3))
    assert (state.waiting, state.quorate) == (False, True)
    assert changed(state, members(1, 2)).quorate


def test_a_node_that_waits_goes_on_when_it_meets_one_that_does_not() -> None:
    state = changed(started(3, expected_votes=3, wait_for_all=True), members(2, 3))
    assert state.waiting
    state = changed(state, {2: Voter(ready=True), 3: Voter()})
    assert state.quorate


def test_its_own_readiness_ends_no_waiting() -> None:
    state = changed(started(1, expected_votes=3, wait_for_all=True), members(1, 2))
    assert changed(state, {1: Voter(ready=True), 2: Voter()}).waiting


# ---- last man standing -----------------------------------------------------------------------


def test_last_man_standing_shrinks_after_each_window() -> None:
    state = changed(started(expected_votes=5, last_man_standing=True), members(1, 2, 3, 4, 5))
    assert not state.window_open, "nobody is missing"
    state = changed(state, members(1, 2, 3))
    assert state.window_open
    state = window_over(state)
    assert (state.expected_votes, state.window_open) == (3, False)
    state = window_over(changed(state, members(1, 2)))
    assert state.expected_votes == 2
    assert not changed(state, members(1)).quorate, "the last step needs a tie breaker"
    assert changed(state, members(1, 2, 3)).expected_votes == 3, "they may come back"


def test_a_side_without_quorum_never_shrinks() -> None:
    state = changed(started(expected_votes=5, last_man_standing=True), members(1, 2))
    assert not state.window_open
    assert window_over(state) == state


def test_last_man_and_tie_breaker_go_down_to_one() -> None:
    state = started(expected_votes=3, last_man_standing=True, auto_tie_breaker=True)
    state = changed(state, members(1, 2, 3))
    state = window_over(changed(state, members(1, 3)))
    assert state.quorate
    assert changed(state, members(1)).quorate


# ---- auto tie breaker ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "winner"), [("lowest", (1, 2)), ("highest", (3, 4)), ("9 3 1", (3, 4))]
)
def test_of_two_halves_the_one_with_the_tie_breaker_goes_on(
    wish: str, winner: tuple[int, ...]
) -> None:
    for half in ((1, 2), (3, 4)):
        rules = QuorumRules(expected_votes=4, auto_tie_breaker=True, auto_tie_breaker_node=wish)
        state = changed(initial(rules, half[0]), members(1, 2, 3, 4))
        assert changed(state, members(*half)).quorate == (half == winner)


def test_no_tie_is_broken_before_all_nodes_are_known() -> None:
    """Two nodes that start apart must not both take themselves for the lowest."""
    for node_id in (1, 2):
        apart = started(node_id, expected_votes=2, auto_tie_breaker=True)
        assert not changed(apart, members(node_id)).quorate
        listed = started(node_id, configured=(1, 2), expected_votes=2, auto_tie_breaker=True)
        assert changed(listed, members(node_id)).quorate == (node_id == 1)


# ---- what must hold of every history ---------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    votes=st.lists(st.integers(0, 3), min_size=1, max_size=7),
    tie=st.booleans(),
    wait=st.booleans(),
    cuts=st.lists(st.integers(0, 127), min_size=1, max_size=8),
)
def test_two_sides_are_never_quorate_at_once(
    votes: list[int], tie: bool, wait: bool, cuts: list[int]
) -> None:
    """Whatever partitions follow each other, under plain majority and tie breaker.

    Every node starts from the same file; a cut is a bit mask that says who is on which side.
    """
    total = sum(votes)
    assume(total > 0)
    ids = range(1, len(votes) + 1)
    rules = QuorumRules(expected_votes=total, auto_tie_breaker=tie, wait_for_all=wait)
    states = {each: initial(rules, each, ids) for each in ids}
    for cut in cuts:
        sides: dict[bool, list[int]] = {True: [], False: []}
        for each in ids:
            sides[bool(cut >> (each - 1) & 1)].append(each)
        for side in sides.values():
            told = {
                each: Voter(
                    votes=votes[each - 1],
                    expected_votes=states[each].expected_votes,
                    ready=states[each].quorate,
                )
                for each in side
            }
            for each in side:
                states[each] = changed(states[each], told)
                states[each].check_invariants()
        for side in sides.values():
            assert len({states[each].quorate for each in side}) <= 1 or wait, "one side, one mind"
        quorate = [any(states[each].quorate for each in side) for side in sides.values()]
        assert quorate.count(True) <= 1


@settings(deadline=None, max_examples=150)
@given(
    expected=st.integers(1, 6),
    histories=st.lists(st.frozensets(st.integers(2, 6)), min_size=1, max_size=8),
)
def test_plain_majority_agrees_with_a_dumb_twin(
    expected: int, histories: list[frozenset[int]]
) -> None:
    """The twin knows the highest number of nodes ever seen and counts hands."""
    state = started(expected_votes=expected)
    highest = expected
    for others in histories:
        state = changed(state, members(1, *others))
        highest = max(highest, len(others) + 1)
        assert state.quorate == (2 * (len(others) + 1) > highest)


def test_the_rules_come_from_the_file() -> None:
    conf = parse(
        "quorum {\nexpected_votes: 4\nwait_for_all: 1\nlast_man_standing: 1\n"
        "last_man_standing_window: 5000\nauto_tie_breaker: 1\nauto_tie_breaker_node: 2 3\n}\n"
    )
    rules = QuorumRules.of(conf)
    assert rules == QuorumRules(
        expected_votes=4,
        wait_for_all=True,
        last_man_standing=True,
        last_man_standing_window_ms=5000,
        auto_tie_breaker=True,
        auto_tie_breaker_node="2 3",
    )
    assert changed(initial(rules, 1), members(1, 2, 3, 4)).flags() == (
        "Quorate",
        "WaitForAll",
        "LastManStanding",
        "AutoTieBreaker",
    )


# ---- rule 7: allow_downscale -------------------------------------------------------------------


def downscaling(expected: int, count: int) -> Quorum:
    rules = QuorumRules(expected_votes=expected, allow_downscale=True)
    return changed(initial(rules, 1), {each: Voter() for each in range(1, count + 1)})


def test_who_leaves_in_order_is_expected_no_more() -> None:
    state = downscaling(3, 6)
    assert (state.expected_votes, state.quorum) == (6, 4)

    state = changed(state, {each: Voter() for each in range(1, 6)}, departed=(6,))
    assert (state.expected_votes, state.quorum) == (5, 3)


def test_the_expected_votes_never_fall_below_the_configured_ones() -> None:
    state = downscaling(3, 4)
    for left in (4, 3, 2):
        state = changed(state, {each: Voter() for each in range(1, left)}, departed=(left,))
    assert (state.expected_votes, state.quorum, state.quorate) == (3, 2, False)


def test_who_was_killed_is_expected_still() -> None:
    state = downscaling(3, 6)
    state = changed(state, {each: Voter() for each in range(1, 6)})
    assert state.expected_votes == 6


def test_without_the_rule_leaving_changes_nothing() -> None:
    state = changed(
        initial(QuorumRules(expected_votes=2), 1), {each: Voter() for each in range(1, 5)}
    )
    state = changed(state, {each: Voter() for each in range(1, 4)}, departed=(4,))
    assert state.expected_votes == 4

"""A failure is kept until it has been counted, and is counted once."""

from __future__ import annotations

from crmsh_py.engine.uncounted import Uncounted
from crmsh_py.wire.stream import Failure, Outcome, ToldFailure


def outcome(name: str = "R", node: str = "", *, at: int = 7) -> Outcome:
    failure = Failure(operation="monitor", interval_ms=1000, time=at)
    return Outcome(view=(1, 4), name=name, key="", transition_key="", node=node, failure=failure)


def names(told: list[ToldFailure]) -> list[str]:
    return [each.name for each in told]


def test_what_came_back_is_not_told_again_and_the_rest_is_until_it_has_settled() -> None:
    kept = Uncounted()
    for name in ("R", "S", "S"):
        kept.add(outcome(name))
    kept.counted(outcome("R"))
    kept.counted(outcome("S"))
    assert names(kept.tell()) == ["S"], "two equal failures are two"
    assert names(kept.tell()) == ["S"], "that ring broke before it had settled"
    kept.settled()
    assert kept.tell() == []


def test_what_fails_in_the_new_view_before_it_settles_is_not_counted_with_it() -> None:
    kept = Uncounted()
    kept.add(outcome("R"))
    kept.tell()
    kept.add(outcome("R"))
    kept.settled()
    assert names(kept.tell()) == ["R"]


def test_what_was_cleaned_up_and_what_did_not_fail_is_nothing_to_tell() -> None:
    kept = Uncounted()
    kept.add(outcome("R"))
    kept.add(outcome("R", "far"))
    kept.add(Outcome(view=(1, 4), name="R", key="", transition_key=""))
    kept.forget("R")
    (left,) = kept.tell()
    assert left.node == "far"
    kept.clear()
    assert kept.tell() == []

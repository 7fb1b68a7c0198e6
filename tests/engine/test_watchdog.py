"""The lease of a node: what renews it, when it is over, and when nobody has to watch."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.engine.api import FeedWatchdog
from crmsh_py.engine.watchdog import LEASE, Watchdog, least_ms, timeout_ms

LEAST = least_ms(1000, 1200)


def conf(token: int = 1000, more: str = "") -> CorosyncConf:
    """The corosync.conf of a ring with this token; consensus is a fifth more."""
    return corosync_conf.parse(
        f"totem {{\n version: 2\n token: {token}\n}}\n"
        f"quorum {{\n provider: corosync_votequorum\n expected_votes: 2\n {more}\n}}\n"
    )


@dataclass
class Bench:
    """One watchdog, and what it was told last."""

    watchdog: Watchdog
    until: float | None = None
    rounds: int = 0

    def look(self, now: float, *, token: bool = False, quorate: bool = True, clean: bool = False,
             alone: bool = False) -> None:  # fmt: skip
        self.rounds += token
        told = self.watchdog.look(
            now, quorate=quorate, rounds=self.rounds, alone=alone, is_clean=lambda: clean
        )
        if isinstance(told, FeedWatchdog):
            self.until = told.until


def bench(seconds: str = "10s", *, present: bool = True) -> Bench:
    made = Bench(Watchdog(present=present))
    made.watchdog.configure({"stonith-watchdog-timeout": seconds}, conf())
    return made


def test_a_full_round_in_a_quorate_ring_renews_the_lease_from_its_beginning() -> None:
    one = bench()
    one.look(100.0, token=True)
    one.look(103.0, token=True)
    assert one.until == 100.0 + 10 * LEASE
    one.look(104.0)
    assert one.until == 107.5, "time alone renews nothing"
    one.look(105.0, token=True, quorate=False)
    assert one.until == 107.5, "nor does a round of a side without quorum"


def test_nobody_watches_what_runs_nothing_and_has_no_quorum() -> None:
    one = bench()
    one.look(1.0, token=True)
    one.look(2.0, token=True)
    one.look(3.0, quorate=False, clean=False)
    assert one.until == 1.0 + 7.5
    one.look(4.0, quorate=False, clean=True)
    assert one.until is None


def test_a_time_that_is_too_short_for_the_ring_is_lengthened_on_both_sides() -> None:
    assert int(5200 / LEASE) == LEAST
    assert timeout_ms({"stonith-watchdog-timeout": "1s"}, LEAST) == LEAST
    assert timeout_ms({"fencing-watchdog-timeout": "20s"}, LEAST) == 20_000
    both = {"stonith-watchdog-timeout": "15s", "fencing-watchdog-timeout": "20s"}
    assert timeout_ms(both, LEAST) == 20_000, "the name of today counts"
    assert timeout_ms({"stonith-watchdog-timeout": "-1"}, LEAST) == 10_000
    assert timeout_ms({}, LEAST) == timeout_ms({"stonith-watchdog-timeout": "0"}, LEAST) == 0


def test_without_one_or_where_a_minority_goes_on_it_is_not_relied_upon() -> None:
    assert bench(present=False).watchdog.timeout_ms == 0
    properties = {"stonith-watchdog-timeout": "10s", "no-quorum-policy": "ignore"}
    assert timeout_ms(properties, LEAST) == 0


def test_a_slower_ring_lengthens_the_lease_and_two_node_ends_it() -> None:
    """corosync.conf is read again while the node runs."""
    one = bench()
    one.look(100.0, token=True)
    one.look(101.0, token=True)
    properties = {"stonith-watchdog-timeout": "10s"}
    one.watchdog.configure(properties, conf(20_000))
    assert one.watchdog.timeout_ms == least_ms(20_000, 24_000)
    one.look(101.1)
    assert one.until == 100.0 + one.watchdog.timeout_ms * LEASE / 1000
    one.watchdog.configure(properties, conf(20_000, "two_node: 1"))
    one.look(101.2)
    assert one.until is None
    assert one.watchdog.timeout_ms == 0


def test_a_shorter_time_ends_the_lease_earlier_at_once() -> None:
    """The others wait no longer than that; a lease of before would outlive it."""
    one = bench("60s")
    one.look(100.0, token=True)
    one.look(101.0, token=True)
    assert one.until == 145.0
    one.watchdog.configure({"stonith-watchdog-timeout": "10s"}, conf())
    one.look(101.1)
    assert one.until == 107.5


@given(st.lists(st.tuples(st.floats(0.001, 2.0), st.booleans(), st.booleans()), max_size=60))
def test_the_lease_never_outlives_what_others_wait(
    steps: list[tuple[float, bool, bool]],
) -> None:
    """Whoever loses this node after its last full round waits longer than it may live."""
    one = bench()
    one.look(999.0, token=True)
    one.look(1000.0, token=True)
    now, began, proved = 1000.0, 1000.0, 999.0
    for passed, token, quorate in steps:
        now += passed
        if token:
            proved = began if quorate else proved
            began = now
        one.look(now, token=token, quorate=quorate)
        assert one.until is not None
        assert one.until <= proved + 10.0 * LEASE + 0.001

"""What was acknowledged stays, in the few runs of events that could lose it.

Random faults seldom find these orders of events, so they are set up by hand. Each scenario is run
twice: as it is, and with the rule taken away that it is about, where it must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest
from sim.checkers import Checker, has, watched
from sim.cluster import Cluster, Disk, add_mark, add_resource, remove_mark
from sim.machine import SimNode

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.engine import views
from crmsh_py.engine.api import SaveRatified, SaveTerm, Standing, StoredState, StoreWrite
from crmsh_py.engine.commits import Commits, Fate, Pending
from crmsh_py.engine.executor import Executor
from crmsh_py.engine.replica import Replica
from crmsh_py.scheduler.result import Action, ActionKind, Plan
from crmsh_py.wire.control import Committed, Refused
from crmsh_py.wire.stream import CommitId, Summary

NEVER_S = (1000.0, 1000.0)  # a disk that does not answer any more


def committed(cluster: Cluster, checker: Checker, number: int, mark: str) -> None:
    """Commit a mark at a node, and see it acknowledged."""
    ticket = commit(cluster, checker, number, mark)
    replies = cluster.node(number).replies
    cluster.until(lambda: ticket in replies, 10, f"an answer for {mark}")
    assert isinstance(replies[ticket][0], Committed), replies[ticket]


def commit(cluster: Cluster, checker: Checker, number: int, mark: str) -> int:
    checker.commits.marks[cluster.next_ticket] = mark
    return cluster.commit(number, add_mark(mark))


def refused(cluster: Cluster, number: int, mark: str) -> Refused:
    ticket = cluster.commit(number, add_mark(mark))
    cluster.until(lambda: ticket in cluster.node(number).replies, 5, "an answer")
    reply = cluster.node(number).replies[ticket][0]
    assert isinstance(reply, Refused)
    return reply


def on_disk(cluster: Cluster, number: int, mark: str) -> Callable[[], bool]:
    disk = cluster.node(number).disk
    return lambda: disk.config is not None and has(disk.config, mark)


def alone(cluster: Cluster, *numbers: int) -> None:
    """These nodes have noticed that the others are gone, and stored all that follows from it."""
    cluster.settle(*numbers)
    cluster.run(0.1)


def comes_with_everything(cluster: Cluster, checker: Checker, number: int) -> None:
    """The node that was away starts: all three are together again, and nothing is lost."""
    cluster.start(number)
    cluster.run(0.2)
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()


def wipe(cluster: Cluster, number: int) -> None:
    """Take a node's power, and all that its disk had."""
    cluster.node(number).replace_disk()


# ---- scenarios -----------------------------------------------------------------------------------


def an_old_term_comes_back() -> None:
    """Figure 8 of the Raft paper.

    Node 1 has an unacknowledged change of an older term, node 3 one of a newer. Node 1's is gone
    on with, and acknowledged; then node 3 comes with its own.
    """
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    cluster.node(3).crash()
    alone(cluster, 1, 2)
    cluster.node(2).disk.delay_s = NEVER_S
    ticket = commit(cluster, checker, 1, "older")
    cluster.until(on_disk(cluster, 1, "older"), 1, "stored by node 1")
    cluster.network.freeze(cluster.node(1).address)
    cluster.node(2).crash(lose=True)
    cluster.node(2).disk.delay_s = Disk().delay_s
    second = cluster.node(2).disk
    promised = second.state.term
    cluster.start(2, 3)
    cluster.until(lambda: second.state.term > promised, 5, "node 2 has promised the newer term")
    second.delay_s = NEVER_S  # it does not store any more that it began with this revision
    commit(cluster, checker, 3, "newer")
    cluster.until(on_disk(cluster, 3, "newer"), 1, "stored by node 3")
    cluster.node(2).crash(lose=True)
    cluster.node(3).crash()
    cluster.node(2).disk.delay_s = Disk().delay_s
    cluster.start(2)
    cluster.run(0.5)
    cluster.network.thaw(cluster.node(1).address)
    replies = cluster.node(1).replies
    cluster.until(lambda: ticket in replies, 10, "an answer for the older change")
    assert isinstance(replies[ticket][0], Committed), replies[ticket]
    alone(cluster, 1, 2)
    cluster.node(1).crash()
    cluster.start(3)
    alone(cluster, 2, 3)
    checker.commits.check_nothing_lost()


def a_long_history_of_an_older_term_loses() -> None:
    """What one node alone has stored counts less than what a majority went on with."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    for number in (2, 3):
        cluster.node(number).disk.delay_s = NEVER_S
    for number in range(5):
        commit(cluster, checker, 1, f"lone-{number}")
    cluster.until(on_disk(cluster, 1, "lone-4"), 1, "stored by node 1")
    cluster.partition([1], [2, 3])
    for number in (2, 3):
        cluster.node(number).crash(lose=True)
        cluster.node(number).disk.delay_s = Disk().delay_s
    cluster.start(2, 3)
    alone(cluster, 2, 3)
    committed(cluster, checker, 2, "kept")
    cluster.network.heal()
    cluster.run(1.0)
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()


def a_promise_outlives_a_power_cut() -> None:
    """A side that starts anew must not number its views below those that it has forgotten."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    first, second = cluster.node(1), cluster.node(2)
    second.disk.delay_s = (0.05, 0.05)
    cluster.node(3).crash()
    cluster.until(lambda: two_and_primary(first) and two_and_primary(second), 5, "promised")
    for number in range(2):
        commit(cluster, checker, 1, f"lone-{number}")
    cluster.until(on_disk(cluster, 1, "lone-1"), 0.04, "stored by node 1 alone")
    first.crash()
    second.crash(lose=True)  # it has nothing of that term but the promise
    second.disk.delay_s = Disk().delay_s
    cluster.start(2, 3)
    alone(cluster, 2, 3)
    committed(cluster, checker, 2, "kept")
    comes_with_everything(cluster, checker, 1)


def two_and_primary(node: SimNode) -> bool:
    return node.core is not None and node.core.primary and len(node.core.members) == 2


def a_commit_is_made_once_across_views() -> None:
    """Its origin does not know what became of it, and somebody else has taken it back since."""
    cluster, _ = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    cluster.node(3).crash()
    alone(cluster, 1, 2)
    for node in cluster.up:
        node.disk.delay_s = (0.1, 0.1)
    before = cluster.cib(2)
    ticket = cluster.commit(1, add_mark("once"))
    cluster.until(lambda: has(cluster.cib(1), "once") and has(cluster.cib(2), "once"), 1, "made")
    cluster.commit(2, lambda cib: cib.with_section("crm_config", before.section("crm_config")))
    cluster.until(lambda: not has(cluster.cib(1), "once"), 1, "taken back")
    for node in cluster.up:
        node.disk.delay_s = Disk().delay_s  # of the next writes; the first takes its time
    assert ticket not in cluster.node(1).replies
    cluster.start(3)
    replies = cluster.node(1).replies
    cluster.until(lambda: ticket in replies, 20, "an answer")
    assert isinstance(replies[ticket][0], Committed), replies[ticket]
    alone(cluster, 1, 2, 3)
    assert not has(cluster.cib(1), "once")
    assert cluster.cib(1).version.epoch == before.version.epoch + 2, "each was made once"


def an_author_learns_what_became_of_its_commit() -> None:
    """It hangs while the others go on with what it has made, and takes their copy after that."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    ticket = asleep_with_a_commit(cluster, checker)
    committed(cluster, checker, 1, "more")
    cluster.network.thaw(cluster.node(3).address)
    replies = cluster.node(3).replies
    cluster.until(lambda: ticket in replies, 20, "an answer")
    assert isinstance(replies[ticket][0], Committed), replies[ticket]
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()


def what_was_taken_away_stays_away() -> None:
    """It is taken away while its author hangs, and nobody remembers its id when that wakes up."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    ticket = asleep_with_a_commit(cluster, checker)
    checker.commits.removes(cluster.next_ticket, "once")
    removal = cluster.commit(2, remove_mark("once"))
    cluster.until(lambda: removal in cluster.node(2).replies, 5, "an answer")
    for number in (1, 2):
        cluster.node(number).crash()
    cluster.start(1, 2)
    cluster.run(0.3)
    alone(cluster, 1, 2)
    cluster.network.thaw(cluster.node(3).address)
    replies = cluster.node(3).replies
    cluster.until(lambda: ticket in replies, 20, "an answer")
    reply = replies[ticket][0]
    assert isinstance(reply, Refused)
    assert "may still take effect" in reply.hint
    alone(cluster, 1, 2, 3)
    checker.commits.check_nothing_lost()


def asleep_with_a_commit(cluster: Cluster, checker: Checker) -> int:
    """Node 3 sleeps with a commit that is made and not acknowledged; returns its ticket."""
    for node in cluster.up:
        node.disk.delay_s = (0.1, 0.1)
    ticket = commit(cluster, checker, 3, "once")
    cluster.until(lambda: all(has(cluster.cib(n), "once") for n in (1, 2, 3)), 1, "made")
    cluster.network.freeze(cluster.node(3).address)
    for node in cluster.up:
        node.disk.delay_s = Disk().delay_s
    alone(cluster, 1, 2)
    return ticket


def what_waits_for_its_turn_ends_with_its_view() -> None:
    """A start that waits behind a slow probe, on a node that is cut off meanwhile."""
    cluster, _ = watched(3, 1, planner=hasty)
    cluster.agent_delay_s = (2.0, 2.0)
    cluster.start()
    alone(cluster, 1, 2, 3)
    cluster.commit(1, add_resource("R1"))
    cluster.until(lambda: bool(cluster.node(3).operations), 1, "the probe begun")
    cluster.partition([1, 2], [3])
    cluster.run(6.0)  # the checker sees every start, and in which view


def hasty(cib: Cib, now: datetime) -> Plan:
    """Probe R1 on node3, and start it there at once: the start waits behind the probe."""
    quorate = cib.root.get("have-quorum") == "1"
    if not quorate or cib.find_id("R1") is None or any(cib.status.iter("lrm_rsc_op")):
        return Plan()
    steps = (("monitor", 7), ("start", 0))
    return Plan(
        actions=tuple(
            Action(
                id=number,
                kind=ActionKind.RESOURCE,
                operation=operation,
                key=f"R1_{operation}_0",
                node="node3",
                resource="R1",
                agent=AgentSpec("ocf", "pacemaker", "Dummy"),
                target_rc=target_rc,
                priority=-number,
            )
            for number, (operation, target_rc) in enumerate(steps)
        )
    )


def a_wiped_disk_is_no_half_of_a_majority() -> None:
    """The only other node that has the change is down; the third has never seen it."""
    cluster, checker = watched(3, 1)
    cluster.start()
    alone(cluster, 1, 2, 3)
    cluster.node(3).crash()
    alone(cluster, 1, 2)
    committed(cluster, checker, 1, "kept")
    cluster.node(1).crash()
    wipe(cluster, 2)
    cluster.start(2, 3)
    cluster.settle(2, 3)
    reply = refused(cluster, 3, "other")
    assert reply.kind == "NoQuorum"
    assert "empty" in reply.text
    assert any("node2 is empty" in line for line in cluster.node(3).log)
    comes_with_everything(cluster, checker, 1)
    assert cluster.node(2).disk.state.standing is Standing.VOTER


def a_copy_from_a_side_without_quorum_makes_no_voter() -> None:
    """The wiped node takes the old configuration of one other first: that proves nothing."""
    cluster, checker = watched(5, 1)
    cluster.start()
    alone(cluster, 1, 2, 3, 4, 5)
    for number in (4, 5):
        cluster.node(number).crash()
    alone(cluster, 1, 2, 3)
    committed(cluster, checker, 1, "kept")
    for number in (1, 2):
        cluster.node(number).crash()
    wipe(cluster, 3)
    cluster.start(3, 4)
    alone(cluster, 3, 4)
    assert cluster.node(3).disk.config is not None, "it has taken what node 4 has"
    cluster.start(5)
    cluster.run(0.2)
    cluster.settle(3, 4, 5)
    assert refused(cluster, 4, "other").kind == "NoQuorum"
    cluster.start(2)
    cluster.run(0.2)
    alone(cluster, 2, 3, 4, 5)
    checker.commits.check_nothing_lost()


def a_wiped_disk_is_not_that_of_a_new_node() -> None:
    """Two of three make the cluster; the third starts for the first time beside a wiped one."""
    cluster, checker = watched(3, 1)
    cluster.start(1, 2)
    alone(cluster, 1, 2)
    committed(cluster, checker, 1, "kept")
    cluster.node(1).crash()
    wipe(cluster, 2)
    cluster.start(2, 3)
    cluster.settle(2, 3)
    assert refused(cluster, 3, "other").kind == "NoQuorum"
    comes_with_everything(cluster, checker, 1)


def a_node_may_miss_that_there_is_a_cluster() -> None:
    """It stops in the first moments of its first ring, and the others go on without it.

    (Found by seed 200627.) Then one of these is wiped while the last one is down.
    """
    cluster, checker = watched(3, 1)
    cluster.start()
    first = cluster.node(2).disk
    cluster.until(lambda: first.state.revision_term > 0, 5, "node 2 has stored the first view")
    cluster.node(2).crash(lose=True)
    alone(cluster, 1, 3)
    committed(cluster, checker, 1, "kept")
    cluster.node(3).crash()
    wipe(cluster, 1)
    cluster.start(1, 2)
    cluster.settle(1, 2)
    assert refused(cluster, 2, "other").kind == "NoQuorum"
    comes_with_everything(cluster, checker, 3)


# ---- with the rule, and without it ---------------------------------------------------------------


def _dropping(patch: pytest.MonkeyPatch, unwanted: type) -> None:
    write = Disk.write

    def forgetful(disk: Disk, writes: Sequence[StoreWrite]) -> None:
        write(disk, [each for each in writes if not isinstance(each, unwanted)])

    patch.setattr(Disk, "write", forgetful)


def no_ratifying(patch: pytest.MonkeyPatch) -> None:
    """A revision keeps the term in which it was made."""
    write = Disk.write

    def keep_term(disk: Disk, writes: Sequence[StoreWrite]) -> None:
        for each in writes:
            term = disk.state.revision_term
            write(disk, [SaveRatified(term=term) if isinstance(each, SaveRatified) else each])

    patch.setattr(Disk, "write", keep_term)
    patch.setattr(Replica, "ratify", lambda replica, term: None)


def versions_alone_decide(patch: pytest.MonkeyPatch) -> None:
    """The highest version wins, whatever history it is of."""
    decide = views.decide

    def by_version(summaries: Mapping[int, Summary]) -> views.Decision:
        equal = {n: msgspec.structs.replace(s, revision_term=1) for n, s in summaries.items()}
        return replace(decide(equal), term=decide(summaries).term)

    patch.setattr(views, "decide", by_version)


def no_durable_promise(patch: pytest.MonkeyPatch) -> None:
    """The term is remembered in memory only."""
    _dropping(patch, SaveTerm)


def no_recent_commits(patch: pytest.MonkeyPatch) -> None:
    """Summaries do not say which commits are in."""
    patch.setattr(Replica, "commits", property(lambda replica: []))


def nobody_keeps_commits_in_mind(patch: pytest.MonkeyPatch) -> None:
    """In a new view everything is sent again."""
    patch.setattr(Commits, "_fate", lambda commits, pending, included: Fate.NOT_MADE)


def what_is_unknown_is_made_again(patch: pytest.MonkeyPatch) -> None:
    """A commit that nobody remembers counts as not made."""
    fate = Commits._fate

    def hopeful(commits: Commits, pending: Pending, included: Collection[CommitId]) -> Fate:
        found = fate(commits, pending, included)
        return Fate.NOT_MADE if found is Fate.UNKNOWN else found

    patch.setattr(Commits, "_fate", hopeful)


def keep_what_waits(patch: pytest.MonkeyPatch) -> None:
    """The queues of operations outlive the view."""
    patch.setattr(Executor, "begin_view", lambda executor: None)


def empty_disks_vote(patch: pytest.MonkeyPatch) -> None:
    """Every vote counts."""
    patch.setattr(views, "weigh", lambda setting, summaries: setting)


def every_empty_disk_is_new(patch: pytest.MonkeyPatch) -> None:
    """Whoever puts a disk in says that there was never another one."""
    replace_disk = SimNode.replace_disk

    def as_new(node: SimNode) -> None:
        replace_disk(node)
        node.disk = Disk(StoredState(standing=Standing.VOTER))

    patch.setattr(SimNode, "replace_disk", as_new)


def a_node_that_knows_of_no_commit_makes_a_cluster(patch: pytest.MonkeyPatch) -> None:
    """Empty disks vote beside a node that has seen no more than the first view."""
    weigh = views.weigh

    def trusting(setting: views.ViewSetting, summaries: Mapping[int, Summary]) -> views.ViewSetting:
        began = all(summary.term <= 1 for summary in summaries.values())
        return setting if began else weigh(setting, summaries)

    patch.setattr(views, "weigh", trusting)


def a_copy_makes_a_voter(patch: pytest.MonkeyPatch) -> None:
    """Whoever holds a configuration counts, wherever it has it from."""
    write = Disk.write

    def promote(disk: Disk, writes: Sequence[StoreWrite]) -> None:
        write(disk, writes)
        if disk.config is not None and disk.state.standing is Standing.EMPTY:
            term = disk.state.revision_term
            write(disk, [SaveRatified(term=term)])

    patch.setattr(Disk, "write", promote)
    begin = views.Views.begin

    def reread(self: views.Views, *args: object, **more: object) -> None:
        if self._replica.config.version.epoch:
            self._standing = Standing.VOTER
        begin(self, *args, **more)  # type: ignore[arg-type]

    patch.setattr(views.Views, "begin", reread)


SCENARIOS = (
    (an_old_term_comes_back, no_ratifying),
    (a_long_history_of_an_older_term_loses, versions_alone_decide),
    (a_promise_outlives_a_power_cut, no_durable_promise),
    (a_commit_is_made_once_across_views, nobody_keeps_commits_in_mind),
    (an_author_learns_what_became_of_its_commit, no_recent_commits),
    (what_was_taken_away_stays_away, what_is_unknown_is_made_again),
    (what_waits_for_its_turn_ends_with_its_view, keep_what_waits),
    (a_wiped_disk_is_no_half_of_a_majority, empty_disks_vote),
    (a_copy_from_a_side_without_quorum_makes_no_voter, a_copy_makes_a_voter),
    (a_wiped_disk_is_not_that_of_a_new_node, every_empty_disk_is_new),
    (a_node_may_miss_that_there_is_a_cluster, a_node_that_knows_of_no_commit_makes_a_cluster),
)


@pytest.mark.parametrize("scenario", [each for each, _ in SCENARIOS], ids=lambda s: s.__name__)
def test_nothing_is_lost_when(scenario: Callable[[], None]) -> None:
    scenario()


@pytest.mark.parametrize(
    ("scenario", "mutation"), SCENARIOS, ids=[mutation.__name__ for _, mutation in SCENARIOS]
)
def test_the_scenario_fails_with(
    scenario: Callable[[], None],
    mutation: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutation(monkeypatch)
    with pytest.raises(AssertionError):
        scenario()

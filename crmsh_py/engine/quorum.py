"""Quorum: whether this side of the cluster may act. Pure rules of votequorum(5).

Role: ``QuorumRules`` are the settings, ``Quorum`` is the state after some history, and
``changed(...)`` gives the next one from the members of a new regular configuration. No clock: the
window of last_man_standing is a deadline that the caller gives back with ``window_over``.

Rules:
1. Quorum is more than half of the expected votes: floor(expected / 2) + 1.
2. Expected votes never fall by themselves (but see 5); they rise when more votes are seen, or
   when a member expects more.
3. ``two_node``: of two nodes one is enough. It brings ``wait_for_all`` along unless told not to,
   else two halves that start without seeing each other would both act.
4. ``wait_for_all``: after a start there is no quorum before all expected votes have been seen at
   once, or a member is met that has got over this.
5. ``last_man_standing``: when a side with quorum has lost members and kept quorum for a window of
   time (10 s), the expected votes fall to what is left. So the side may shrink step by step.
6. ``auto_tie_breaker``: of two exact halves the one with the tie-breaker node has quorum: the
   lowest (or highest) id of all nodes, or the first of a given list that exists. It holds only
   when all nodes are known: from a nodelist, or because all votes have been seen at once. (Else
   two halves that start apart would each take themselves for the half with the lowest id.)

7. ``allow_downscale``: a member that leaves in order takes its votes from the expected ones, down
   to what is configured. Who has not heard its farewell expects the old number, and the greater
   number counts: so this can fail. Where more were seen than are configured two sides may go on:
   one that was told, and one of a member that was told with those that have left.
8. An administrator may set the expected votes to a number under which this side has quorum and all
   of its votes are expected (so neither less than is here, nor so much that it stops), and the
   votes of a member; both last until it starts again or corosync.conf is read again. Votes that
   a member gets are expected as well, whoever is away: those of the absent are expected already.

Invariants (``check_invariants``): two sides of one cluster under rules 1 and 2 alone are never
quorate at once; with rule 6 neither, as only one half has the tie-breaker node. Rules 3, 5,
7 and the expected votes of 8 give this up in return for service, which docs/membership.md explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from crmsh_py.corosync_conf import CorosyncConf


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRules:
    """The settings of one cluster; equal on all of its nodes."""

    expected_votes: int = 1
    two_node: bool = False
    wait_for_all: bool = False
    last_man_standing: bool = False
    last_man_standing_window_ms: int = 10_000
    auto_tie_breaker: bool = False
    allow_downscale: bool = False
    auto_tie_breaker_node: str = "lowest"  # lowest, highest, or node ids with spaces between

    @property
    def text(self) -> str:
        """What must be equal on all nodes, else they may not agree on who has quorum."""
        named = (
            ("two_node", self.two_node),
            ("wait_for_all", self.wait_for_all),
            ("last_man_standing", self.last_man_standing),
            (f"auto_tie_breaker ({self.auto_tie_breaker_node})", self.auto_tie_breaker),
            ("allow_downscale", self.allow_downscale),
        )
        return ", ".join(name for name, is_set in named if is_set) or "none"

    @property
    def may_diverge(self) -> bool:
        """Whether two sides may go on at the same time (rules 3, 5 and 7)."""
        return self.two_node or self.last_man_standing or self.allow_downscale

    @classmethod
    def of(cls, conf: CorosyncConf) -> QuorumRules:
        """What a corosync.conf says."""
        settings = conf.quorum
        return cls(
            expected_votes=conf.expected_votes,
            two_node=settings.two_node,
            wait_for_all=settings.wait_for_all,
            last_man_standing=settings.last_man_standing,
            last_man_standing_window_ms=settings.last_man_standing_window_ms,
            auto_tie_breaker=settings.auto_tie_breaker,
            allow_downscale=settings.allow_downscale,
            auto_tie_breaker_node=settings.auto_tie_breaker_node,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """A member as the others hear of it.

    ``ready``: it is quorate and waits for nobody any more (rule 4). Unknown counts as False.
    """

    votes: int = 1
    expected_votes: int = 0  # what it expects itself; 0: not told
    ready: bool = False
    rules: str = ""  # in words, where it tells them


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """The state on one node."""

    rules: QuorumRules
    node_id: int
    members: Mapping[int, Voter] = field(default_factory=dict)
    counted: Mapping[int, int] = field(default_factory=dict)  # of each node, among the expected
    known: frozenset[int] = frozenset()  # every node that was seen or is configured
    all_known: bool = False  # ``known`` has all nodes that the expected votes stand for
    expected_votes: int = 1
    highest_expected: int = 1
    waiting: bool = False  # rule 4
    window_open: bool = False  # rule 5: ask for window_over() after the window's time
    quorate: bool = False

    @property
    def total_votes(self) -> int:
        """The votes of this side."""
        return sum(voter.votes for voter in self.members.values())

    @property
    def quorum(self) -> int:
        """The votes that are needed."""
        return votes_needed(self.expected_votes, two_node=self.two_node_now)

    @property
    def two_node_now(self) -> bool:
        """Whether rule 3 holds: it does for two votes only."""
        return self.rules.two_node and self.expected_votes == 2

    def flags(self) -> tuple[str, ...]:
        """The flags line of corosync-quorumtool."""
        named = (
            ("2Node", self.rules.two_node),
            ("Quorate", self.quorate),
            ("WaitForAll", self.rules.wait_for_all),
            ("LastManStanding", self.rules.last_man_standing),
            ("AutoTieBreaker", self.rules.auto_tie_breaker),
            ("AllowDownscale", self.rules.allow_downscale),
        )
        return tuple(name for name, is_set in named if is_set)

    def check_invariants(self) -> None:
        """What must hold of every state."""
        assert self.expected_votes >= 1, self
        assert self.highest_expected >= self.expected_votes, self
        assert not (self.quorate and self.waiting), self
        assert not self.quorate or self.members, self
        assert not self.window_open or self.rules.last_man_standing, self


def votes_needed(expected_votes: int, *, two_node: bool = False) -> int:
    """Rules 1 and 3."""
    return 1 if two_node else expected_votes // 2 + 1


def initial(rules: QuorumRules, node_id: int, configured: Iterable[int] = ()) -> Quorum:
    """The state of a node that has just started. ``configured``: the nodelist's ids."""
    listed = frozenset(configured)
    return Quorum(
        rules=rules,
        node_id=node_id,
        known=listed | {node_id},
        all_known=bool(listed),
        expected_votes=max(1, rules.expected_votes),
        highest_expected=max(1, rules.expected_votes),
        waiting=rules.wait_for_all,
    )


def changed(state: Quorum, members: Mapping[int, Voter], *, departed: Iterable[int] = ()) -> Quorum:
    """The members of the regular configuration, or what they tell, have changed.

    ``departed``: members of the one before that have left in order.
    """
    assert state.node_id in members, (state.node_id, members)
    told = max((voter.expected_votes for voter in members.values()), default=0)
    total = sum(voter.votes for voter in members.values())
    current = state.expected_votes
    if state.rules.allow_downscale:
        gone = sum(state.members[each].votes for each in departed if each in state.members)
        current = max(min(current, state.rules.expected_votes), current - gone)
    expected = max(current, told, total)
    # What is expected for a node that was counted once, it is as long as nobody gives it up.
    counts = {n: voter.votes for n, voter in members.items() if voter.expected_votes}
    return _judged(
        replace(
            state,
            members=dict(sorted(members.items())),
            counted={**counts, **state.counted},
            known=state.known | members.keys(),
            all_known=state.all_known or total >= expected,
            expected_votes=expected,
            highest_expected=max(state.highest_expected, expected),
        )
    )


def expectable(state: Quorum) -> tuple[int, int]:
    """Rule 8: the least and the greatest number of expected votes that may be set now."""
    total = max(1, state.total_votes)
    return total, 2 * total - 1


def expect(state: Quorum, votes: int) -> Quorum:
    """The administrator sets the expected votes (corosync-quorumtool -e); at least this side's."""
    expected = max(1, votes, state.total_votes)
    return _judged(
        replace(
            state,
            counted=_votes(state.members),
            expected_votes=expected,
            highest_expected=max(state.highest_expected, expected),
        )
    )


def weigh(state: Quorum, node_id: int, votes: int) -> Quorum:
    """The administrator sets the votes of a member (corosync-quorumtool -v -n)."""
    voter = state.members.get(node_id)
    if voter is None:
        return state
    state = foresee(state, node_id, votes)
    result = changed(state, {**state.members, node_id: replace(voter, votes=votes)})
    return replace(result, counted=state.counted)


def foresee(state: Quorum, node_id: int, votes: int) -> Quorum:
    """A member may have got votes: they are expected from now on, wherever they count."""
    voter = state.members.get(node_id)
    if voter is None:
        return state
    counted = state.counted.get(node_id, voter.votes)
    more = max(0, votes - counted)  # votes that were taken from it before are expected still
    expected = state.expected_votes + more
    return _judged(
        replace(
            state,
            counted={**state.counted, node_id: counted + more},
            expected_votes=expected,
            highest_expected=max(state.highest_expected, expected),
        )
    )


def reconfigured(state: Quorum, rules: QuorumRules, own_votes: int) -> Quorum:
    """corosync.conf was read again: its rules and numbers hold from now on, where they can."""
    members = dict(state.members)
    if state.node_id in members:
        members[state.node_id] = replace(members[state.node_id], votes=own_votes)
    expected = max(1, rules.expected_votes, sum(voter.votes for voter in members.values()))
    return _judged(
        replace(
            state,
            rules=rules,
            members=members,
            counted=_votes(members),
            expected_votes=expected,
            highest_expected=expected,
            waiting=state.waiting and rules.wait_for_all,
        )
    )


def window_over(state: Quorum) -> Quorum:
    """Rule 5: the window has passed without a change of the members."""
    if not state.window_open:
        return state
    if not state.quorate:
        return replace(state, window_open=False)
    # Who is gone does not count any more, not as the tie breaker either.
    return _judged(
        replace(
            state,
            counted=_votes(state.members),
            expected_votes=max(1, state.total_votes),
            known=frozenset(state.members),
            all_known=True,
        )
    )


def _votes(members: Mapping[int, Voter]) -> dict[int, int]:
    return {node: voter.votes for node, voter in members.items()}


def _judged(state: Quorum) -> Quorum:
    """Apply the rules to what is known."""
    total = state.total_votes
    waiting = state.waiting
    if waiting:
        complete = total >= state.expected_votes
        met_ready = any(
            voter.ready for node_id, voter in state.members.items() if node_id != state.node_id
        )
        waiting = not (complete or met_ready)
    enough = total >= state.quorum or _breaks_tie(state, total)
    quorate = enough and not waiting
    shrunk = total < state.expected_votes
    result = replace(
        state,
        waiting=waiting,
        quorate=quorate,
        window_open=state.rules.last_man_standing and quorate and shrunk,
    )
    result.check_invariants()
    return result


def _breaks_tie(state: Quorum, total: int) -> bool:
    """Rule 6."""
    if not state.rules.auto_tie_breaker or not state.all_known:
        return False
    return total * 2 == state.expected_votes and tie_breaker(state) in state.members


def tie_breaker(state: Quorum) -> int | None:
    """The node whose half wins."""
    wish = state.rules.auto_tie_breaker_node
    if wish == "lowest":
        return min(state.known)
    if wish == "highest":
        return max(state.known)
    return next((int(word) for word in wish.split() if int(word) in state.known), None)

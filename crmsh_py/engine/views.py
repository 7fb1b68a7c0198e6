"""From a new ring to a view in which the configuration may change.

A view is one ring of totem as the replica uses it. Its members tell each other what they hold, the
best configuration wins, everybody takes it, and (with quorum) a new term is on the disks of a
majority before anything is changed in it.

Theory of operation
    Terms number the views that had quorum. A revision is named by the term in which it was made,
    or last ratified, and its version; of two configurations the one with the higher
    (revision term, version) wins. Why nothing acknowledged is lost:

    1. A change of term T is acknowledged when a majority has it on its disks.
    2. A later primary view has a majority too, so at least one member holds that change, and
       the winner holds it or something that was made after it.
    3. Term T names one history only: before anything is made or ratified in T, a majority has
       promised T on its disk, so every other primary view finds that promise among its members
       and takes a higher term.
    4. What the winner holds may be unacknowledged still. Ratifying (the members store that this
       revision starts term T) makes it count as made in T; it is acknowledged when a majority
       has ratified. So it cannot be overtaken by a revision of an older term that a node
       with an older promise still has (the case of figure 8 in the Raft paper).

Phases (all steps are messages of the ordered stream, so all members take them together)

    EXCHANGE  until a Summary of every member has come: then the same decision everywhere
    SYNC      until the winner's configuration is here (nothing to wait for where all hold it)
              and, with quorum, TermStored from a majority has come
    ACTIVE    changes are accepted; what was accepted is counted as Stored messages come

A member whose copy turns out to be another one than the others' (the steps do not fit, or the
digests that are told with ``Stored`` differ) asks for the whole (AskCib) and is in SYNC until it
comes. The answer is what the others hold at the place of AskCib in the stream; what comes after
that place is kept and applied on top of it.

An empty disk may have held what was acknowledged: its vote does not count (``weigh``).

Without quorum there is no term: the members only agree on the best of what they hold, so that one
side has one configuration, and commits are refused (but forced ones; see ``commits``).

Sources: the viewstamped replication and Raft papers for the argument; the messages are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from crmsh_py.cib.document import Cib
from crmsh_py.engine.api import SaveRatified, SaveTerm, SetAside, Standing
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.quorum import Voter
from crmsh_py.engine.replica import Replica, bare
from crmsh_py.errors import CrmError
from crmsh_py.wire.stream import (
    MAX_COUNT,
    AskCib,
    CommitId,
    ConfigChange,
    Message,
    Missing,
    Step,
    Summary,
    TermStored,
    ViewId,
    WholeCib,
)

NO_VIEW: ViewId = (0, 0)
_MOST_STEPS = 1000  # of a difference; beyond that the whole document is sent
_MAX_ASKED = 3  # in one view; a node that still has another copy then had better go
_MAX_MISSED = 100_000  # changes while a whole CIB is on its way


class Phase(Enum):
    """How far the making of a view has come."""

    EXCHANGE = "exchange"
    SYNC = "sync"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSetting:
    """What the membership says about a ring: members with their votes, and quorum.

    Until all members have told what they expect it is an estimate; see ``Membership.judge``.
    ``hollow``: the ring has quorum, but only with the votes of empty disks, which do not count.
    """

    view: ViewId
    votes: Mapping[int, int]
    quorate: bool
    quorum: int
    expected_votes: int = 0
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all members conclude from the same summaries."""

    winner: int
    dc: int | None
    term: int
    revision_term: int
    digest: str
    num_updates: int
    losers: tuple[int, ...]  # members that hold another configuration


def weigh(setting: ViewSetting, summaries: Mapping[int, Summary]) -> ViewSetting:
    """The view without the votes of empty disks, where these could hide a loss.

    A wiped disk may have held a change that was acknowledged, so as a part of a majority it
    proves nothing. It counts from the moment on in which it has taken what a primary view holds.
    Two cases need no such care: all votes that are expected are here (nothing better can come);
    the others have the quorum among themselves. The disk of a node that has never run is none of
    these: whoever makes it says so on it, and a wiped one does not have that mark.
    """
    empty = {node for node, each in summaries.items() if each.standing == Standing.EMPTY}
    votes = setting.votes
    if not setting.quorate or not empty or sum(votes.values()) >= setting.expected_votes:
        return setting
    if sum(vote for node, vote in votes.items() if node not in empty) >= setting.quorum:
        return setting
    return replace(setting, quorate=False, hollow=True)


def decide(summaries: Mapping[int, Summary]) -> Decision:
    """The best configuration, the DC and the next term, from the summaries of all members.

    Of equal (revision term, version) with different content, the content that more members hold
    wins, then that of the lowest node id.
    """
    holders: dict[str, int] = {}
    for summary in summaries.values():
        holders[summary.digest] = holders.get(summary.digest, 0) + 1

    def rank(node: int) -> tuple[int, tuple[int, ...], int, int]:
        summary = summaries[node]
        version = tuple(summary.version[:2])
        return (summary.revision_term, version, holders[summary.digest], -node)

    winner = max(summaries, key=rank)
    best = summaries[winner]
    return Decision(
        winner=winner,
        dc=choose_dc(summaries),
        # A hostile member may claim the largest term that can be told: nobody counts past it.
        # One that has only taken a copy of a revision may not have promised the term of it.
        term=min(max(max(s.term, s.revision_term) for s in summaries.values()) + 1, MAX_COUNT),
        revision_term=best.revision_term,
        digest=best.digest,
        num_updates=max(
            s.version[2] for s in summaries.values() if s.version[:2] == best.version[:2]
        )
        + 1,
        losers=tuple(n for n in sorted(summaries) if summaries[n].digest != best.digest),
    )


def choose_dc(summaries: Mapping[int, Summary]) -> int | None:
    """Who is DC: who knows most of what was, who is it already, who has been here longest.

    The status is nowhere but in memory, and the DC tells what is known of the absent. So it must
    be a member of the newest primary view, and none that has started since. Among these the DC
    stays; else it is the one that has belonged to primary views for the longest time, as
    Pacemaker's elections go by the time that a node is up. The lowest id decides between equals.

    Only nodes with a running cluster manager count; None when no member has one.
    """
    running = [node for node in summaries if summaries[node].manager]

    def rank(node: int) -> tuple[int, int, int, int, tuple[int, ...], int]:
        summary = summaries[node]
        version = tuple(summary.version[:2])
        since = -summary.since
        return (summary.informed, summary.claim, since, summary.revision_term, version, -node)

    return max(running, key=rank, default=None)


class Views:
    """The state machine that leads from a ring to an active view, on one node."""

    def __init__(
        self,
        node_id: int,
        replica: Replica,
        outbox: Outbox,
        term: int,
        standing: Standing,
        *,
        judge: Callable[[Mapping[int, Summary]], ViewSetting],
        decided: Callable[[Decision], None],
        activated: Callable[[], None],
    ) -> None:
        self._node_id = node_id
        self._replica = replica
        self._out = outbox
        self._judge = judge
        self._decided = decided
        self._activated = activated
        self._promised = term
        self._standing = standing
        self._informed = 0  # terms of the primary views whose status this life has known:
        self._since = 0  # the newest, and the first
        self._sync: WholeCib | Missing | None = None
        self._asked = 0
        self._catching_up = False
        self._missed: list[tuple[int, ConfigChange]] = []
        self._terms: dict[int, int] = {}
        self.phase = Phase.EXCHANGE
        self.setting = ViewSetting(view=NO_VIEW, votes={}, quorate=False, quorum=0)
        self.summaries: dict[int, Summary] = {}
        self.decision: Decision | None = None

    # ---- reading -------------------------------------------------------------------------------

    @property
    def view(self) -> ViewId:
        """The ring that this view is made of."""
        return self.setting.view

    @property
    def active(self) -> bool:
        """Whether the view is made."""
        return self.phase is Phase.ACTIVE

    @property
    def primary(self) -> bool:
        """Whether changes of the configuration may be made in this view."""
        return self.active and self.setting.quorate

    @property
    def term(self) -> int:
        """The term of the last primary view that this node took part in."""
        return self._promised

    @property
    def revision_term(self) -> int:
        """The term that a revision made now belongs to."""
        if self.setting.quorate and self.decision is not None:
            return self.decision.term
        return self._replica.revision_term

    def majority(self, nodes: Mapping[int, object]) -> bool:
        """Whether these members have the votes of a quorum together."""
        votes = self.setting.votes
        return sum(votes.get(node, 0) for node in nodes) >= max(1, self.setting.quorum)

    def names(self) -> dict[int, str]:
        """The members' names, as far as they have told them."""
        return {node: summary.name for node, summary in sorted(self.summaries.items())}

    # ---- going on ------------------------------------------------------------------------------

    def begin(
        self,
        setting: ViewSetting,
        *,
        name: str,
        manager: bool,
        leads: bool,
        voter: Voter,
        tie: int,
        watchdog_ms: int = 0,
    ) -> None:
        """A new ring: tell what this node holds, and what it knows of the votes.

        ``leads``: it is the DC of the view that ends, and shall stay it where it can. The DC of a
        primary view comes before that of a side which could change nothing.
        """
        claim = 0
        if leads:
            claim = 2 if self.primary else 1
        self.setting = setting
        self.phase = Phase.EXCHANGE
        self.summaries = {}
        self.decision = None
        self._sync = None
        self._asked = 0
        self._catching_up = False
        self._missed = []
        self._terms = {}
        replica = self._replica
        self._out.multicast(
            Summary(
                view=setting.view,
                name=name,
                term=self._promised,
                revision_term=replica.revision_term,
                version=replica.version.tuple,
                digest=replica.digest,
                manager=manager,
                votes=voter.votes,
                expected_votes=voter.expected_votes,
                ready=voter.ready,
                rules=voter.rules,
                tie_breaker=tie,
                claim=claim,
                informed=self._informed,
                since=self._since,
                forced=replica.forced,
                standing=self._standing,
                watchdog_ms=watchdog_ms,
                recent=replica.commits,
            )
        )

    def handle(self, sender: int, message: Message) -> None:
        """One of the messages that make a view; those of another view are dropped."""
        if message.view != self.view or sender not in self.setting.votes:
            return
        match message:
            case Summary():
                self._on_summary(sender, message)
            case TermStored():
                self._terms[sender] = message.term
                self._go_on()
            case WholeCib(answers=asker) if asker:
                if asker == self._node_id and self._catching_up:
                    self._sync = message
                    self._go_on()
            case WholeCib() | Missing():
                if self.decision and sender == self.decision.winner and self._asked == 0:
                    self._sync = message
                    self._go_on()
            case AskCib():
                if sender == self._node_id:
                    self._catching_up = True
                    self._missed = []
                elif self.active and self._answers(sender):
                    self._send_whole(sender)
            case _:
                raise AssertionError(f"{type(message).__name__} makes no view")

    def _on_summary(self, sender: int, summary: Summary) -> None:
        self.summaries.setdefault(sender, summary)
        if self.decision is not None or len(self.summaries) < len(self.setting.votes):
            return
        self.setting = weigh(self._judge(self.summaries), self.summaries)
        self.decision = decision = decide(self.summaries)
        self.phase = Phase.SYNC
        self._report(decision)
        if self.setting.quorate:
            self._promise(decision.term)
        if decision.losers and decision.winner == self._node_id:
            self._send_difference(decision)
        self._decided(decision)
        self._go_on()

    def _promise(self, term: int) -> None:
        view = self.view
        self._promised = term

        def stored() -> None:
            if self.view == view:
                self._out.multicast(TermStored(view=view, term=term))

        self._out.persist(SaveTerm(term=term), then=stored)

    def _send_difference(self, decision: Decision) -> None:
        """What the losers need: steps where all of them hold something we remember."""
        longest: list[Step] = []
        for node in decision.losers:
            steps = self._replica.steps_from(self.summaries[node].digest)
            if steps is None or len(steps) > _MOST_STEPS:
                self._send_whole()
                return
            longest = max(longest, steps, key=len)
        self._out.multicast(
            Missing(
                view=self.view,
                steps=longest,
                revision_term=self._replica.revision_term,
                digest=self._replica.digest,
            )
        )

    def _answers(self, asker: int) -> bool:
        """Whether this node answers: two do, as one of them may be about to ask itself."""
        return self._node_id in sorted(set(self.setting.votes) - {asker})[:2]

    def ask(self) -> None:
        """This node's copy is not the others': take theirs."""
        self._asked += 1
        if self._asked > _MAX_ASKED:
            self._out.stop("this node cannot hold what the other nodes hold", 1)
            return
        self.phase = Phase.SYNC
        self._sync = None
        self._catching_up = False
        self._out.multicast(AskCib(view=self.view))

    def settled(self) -> None:
        """The status of this view is known here."""
        if self.primary and self.decision is not None:
            self._informed = self.decision.term
            self._since = self._since or self._informed

    def keep(self, sender: int, change: ConfigChange) -> None:
        """A change came while this node waits for the whole: it belongs on top of that."""
        if self._catching_up and self.phase is Phase.SYNC:
            assert len(self._missed) < _MAX_MISSED
            self._missed.append((sender, change))

    def take_missed(self) -> list[tuple[int, ConfigChange]]:
        """The changes that came while this node waited."""
        missed, self._missed = self._missed, []
        return missed

    def _send_whole(self, answers: int = 0) -> None:
        self._out.multicast(
            WholeCib(
                view=self.view,
                cib=self._replica.config.to_xml(indent=None),
                revision_term=self._replica.revision_term,
                digest=self._replica.digest,
                answers=answers,
                recent=self._replica.commits,
            )
        )

    def _go_on(self) -> None:
        """Become active as soon as nothing is missing any more."""
        decision = self.decision
        if self.phase is not Phase.SYNC or decision is None:
            return
        promised = [node for node, term in self._terms.items() if term == decision.term]
        if self.setting.quorate and not self.majority(dict.fromkeys(promised)):
            return
        again = self._asked > 0
        if again or decision.losers:
            if self._sync is None:
                return
            if (again or self._node_id in decision.losers) and not self._take(self._sync):
                return
        self.phase = Phase.ACTIVE
        self._catching_up = False
        self._replica.adopt_commits(self._included(decision))
        if self.setting.quorate:
            self._replica.ratify(decision.term)
            self._standing = Standing.VOTER
            self._out.persist(SaveRatified(term=decision.term))
        self._activated()

    def _included(self, decision: Decision) -> Sequence[CommitId]:
        """The newest commits of what is held now, by whoever held it and remembers most of them.

        The winner may have started since: what it holds is on its disk, the ids are not.
        """
        if self._asked and isinstance(self._sync, WholeCib):
            return self._sync.recent
        holders = [n for n in sorted(self.summaries) if n not in decision.losers]
        return max((self.summaries[n].recent for n in holders), key=len)

    @property
    def held_its_beginning(self) -> bool:
        """Whether this node held what the view began with, so it knows which commits are in."""
        held = self.decision is not None and self._node_id not in self.decision.losers
        return held and not self._asked  # else it may have held something else

    # ---- taking the winner's configuration -----------------------------------------------------

    @property
    def _winner_is_forced(self) -> bool:
        return self.decision is not None and self.summaries[self.decision.winner].forced

    def _take(self, sync: WholeCib | Missing) -> bool:
        """Hold the winner's configuration from now on; False: it does not fit, ask again."""
        try:
            if isinstance(sync, Missing):
                saved = self._replica.follow(
                    sync.steps, sync.digest, sync.revision_term, forced=self._winner_is_forced
                )
                if saved is not None:
                    self._out.persist(*saved)
                    return True
            else:
                config = bare(Cib.parse(sync.cib))
                if config.digest == sync.digest:
                    self._replace(config, sync.revision_term)
                    return True
        except CrmError as error:
            self._out.log("error", "CIB", f"The configuration that came does not fit: {error}")
        self.ask()
        return False

    def _replace(self, config: Cib, revision_term: int) -> None:
        replica = self._replica
        old = replica.config
        # Even an older version of the same term need not be a part of what came: it may have been
        # forced, or be that of the other of two nodes of which each went on (two_node).
        if old.version.epoch:
            reason = f"version {old.version} lost against version {config.version} of the others"
            if replica.forced:
                reason += "; it had been committed without quorum"
            self._out.persist(SetAside(cib=old.to_xml(), reason=reason))
            self._out.log("warning", "CIB", f"This node's configuration was set aside: {reason}")
        replica.adopt(config, revision_term, forced=self._winner_is_forced)
        when = int(self._out.wall)
        winner = self.decision.winner if self.decision else 0
        origin = self.summaries[winner].name if winner in self.summaries else ""
        self._out.persist(replica.saved_whole(origin=origin, time=when))
        self._out.log("notice", "CIB", f"Took configuration {config.version} from {origin}")

    def _report(self, decision: Decision) -> None:
        if self.setting.hollow:
            empty = [s.name for s in self.summaries.values() if s.standing == Standing.EMPTY]
            self._out.log(
                "warning",
                "CIB",
                f"The disk of {' and '.join(empty)} is empty and may have been wiped: without its"
                " vote there is no quorum. More nodes of the cluster are needed",
            )
        for node in decision.losers:
            if self.summaries[node].forced:
                name = self.summaries[node].name
                self._out.log(
                    "warning", "CIB", f"{name} had changed the configuration without quorum"
                )

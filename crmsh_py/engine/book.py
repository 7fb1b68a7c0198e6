"""The status section as all members keep it: begun anew in every view, then changed in step.

Theory of operation
    The status is not stored. In a new view every member tells its own part (``OwnState``: history
    and attributes), and the DC what it remembers of the nodes that are not members
    (``AbsentStates``). When all have come and the view is active, the status is *settled*: every
    member puts together the same section. Until then readers see the old one.

    What arrives between is kept, and applied when the status settles, in its order. So a change
    of the status counts in the view that it was sent in, and nothing before that view.

Rules:

1. Every replica applies the same messages to the same section by the same functions; nothing here
   depends on which node it is, but for ``own``: this node's part, to be told in the next view.
2. XML from peers is parsed and reduced to what may be there; what cannot be read is dropped on
   every node alike.
3. A remote node's part is told by the member that is connected with it; where nobody is, by the
   DC, as it was: that the connection is lost says nothing of what runs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from crmsh_py.cib import options
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.tickets import with_ticket
from crmsh_py.cib.xml import parse, to_xml
from crmsh_py.engine import clean_up, migrations, records
from crmsh_py.engine import status as st
from crmsh_py.engine.attributes import (
    SHUTDOWN,
    clear_failures,
    count_failure,
    is_counted,
)
from crmsh_py.engine.bootstrap import is_listed_remote
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.views import NO_VIEW, Decision
from crmsh_py.errors import CrmError
from crmsh_py.scheduler.history import last_failure_id
from crmsh_py.wire.fencing import FencingRecord
from crmsh_py.wire.stream import (
    AbsentStates,
    AttributeChange,
    AttributePending,
    CleanHistory,
    ClearFailures,
    FailResource,
    FencingAsked,
    FencingEnded,
    FencingForgotten,
    FencingRan,
    FencingRun,
    ManagerChanged,
    Outcome,
    OwnState,
    RemoteState,
    RemoteTold,
    RunAction,
    Summary,
    TicketChange,
    ToldFailure,
    ViewId,
)

StatusMessage = (
    Outcome
    | RemoteState
    | RunAction
    | AttributeChange
    | AttributePending
    | TicketChange
    | CleanHistory
    | FailResource
    | ClearFailures
    | ManagerChanged
    | FencingAsked
    | FencingRun
    | FencingRan
    | FencingEnded
    | FencingForgotten
)
# Of the RunActions some are written down as pending (``records.is_noted``). A FailResource
# changes nothing by itself: what comes of it is told as an outcome.
NOBODY = 0  # as the holder of a connection
MAX_KEPT = 100_000  # messages before the status has settled; beyond that the ring is broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a message did: the resources whose history it dropped, by node name.

    ``changed``: whether the section is another now; for attributes, which are often set to what
    they are, and for remote nodes, which often tell what is known. ``ended``: the entries of
    migrations that are over, by node name.
    """

    ended: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    changed: bool = True


class StatusBook:
    """The status section of one node's replica, and how it comes together."""

    def __init__(self, node_id: int, name: str, replica: Replica, outbox: Outbox) -> None:
        self._replica = replica
        self._out = outbox
        self._id = str(node_id)
        self.own = st.new_node_state(self._id, name, {})  # transient attributes; see executor
        self.settled = False
        self.names: dict[int, str] = {}
        self.managers: dict[int, bool] = {}
        self.pending: dict[tuple[int, str], int] = {}
        self.fencing: list[FencingRecord] = []  # what all members have told of it
        self.fresh: set[int] = set()  # members that have just started
        self._frozen = False  # without quorum, and what runs goes on (no-quorum-policy=freeze)
        self._left: set[int] = set()  # members that have stopped their managers in order
        self.doubted: list[tuple[str, str]] = []  # node and resource: what it said is void
        self.fenced: set[int] = set()  # members that were fenced in this view: nobody hears them
        self.holders: dict[str, int] = {}  # of the connections to remote nodes
        self.claims: dict[str, tuple[int, int]] = {}  # by which they hold them: term and date
        self._view: ViewId = NO_VIEW
        self._dc: int | None = None
        self._decided = False
        self._told: dict[int, Element] = {}
        self._remotes: dict[str, tuple[tuple[int, int], int, Element]] = {}  # claim, sender, state
        self._tickets: dict[int, Element] = {}  # as members that have not just started know them
        self._absent: Element | None = None
        self._failures: list[tuple[int, ToldFailure]] = []  # lost with a ring, to be counted
        self._kept: list[tuple[int, StatusMessage]] = []

    # ---- a new view ----------------------------------------------------------------------------

    def begin(self, view: ViewId) -> None:
        """A new ring: everybody tells his part again."""
        self._view = view
        self.settled = False
        self._decided = False
        self._dc = None
        self._told = {}
        self._remotes = {}
        self._tickets = {}
        self._absent = None
        self._failures = []
        self._kept = []
        self.holders = {}
        self.claims = {}
        self.pending = {}
        self.fencing = []
        self.fresh = set()
        self._left = set()
        self.fenced = set()

    def tell_own(
        self,
        history: Element,
        pending: Mapping[str, int],
        fencing: Sequence[FencingRecord] = (),
        *,
        fresh: bool = False,
        left: bool = False,
        remotes: Sequence[RemoteTold] = (),
        failures: Sequence[ToldFailure] = (),
    ) -> None:
        """Tell this node's part: its history (from the executor) and its attributes.

        And what it knows of fencing, of tickets and of the remote nodes that it is connected
        with, which failures may not have been counted, and whether it has just started, or has
        stopped its manager.
        """
        lrm = history.find("lrm")
        transient = self.own.find("transient_attributes")
        parts = tuple(part for part in (transient, lrm) if part is not None)
        state = to_xml(self.own.with_children(parts), indent=None)
        tickets = self._replica.status.find("tickets")
        self._out.multicast(
            OwnState(
                view=self._view,
                state=state,
                pending=dict(pending),
                fencing=list(fencing),
                tickets=to_xml(tickets, indent=None) if tickets is not None else "",
                fresh=fresh,
                left=left,
                remotes=list(remotes),
                failures=list(failures),
            )
        )

    def decided(self, decision: Decision, summaries: Mapping[int, Summary]) -> None:
        """The members are known by name; the DC tells of the others."""
        self._decided = True
        self._dc = decision.dc
        self.names = {node: summary.name for node, summary in sorted(summaries.items())}
        self.managers = {node: summary.manager for node, summary in sorted(summaries.items())}
        if decision.dc is not None and str(decision.dc) == self._id:
            absent = Element("status", {}, tuple(self._absent_states()))
            text = to_xml(absent, indent=None)
            self._out.multicast(AbsentStates(view=self._view, status=text))

    def _absent_states(self) -> list[Element]:
        states = []
        for state in self._replica.status.findall("node_state"):
            if self._is_members(state):
                before = migrations.to_remember(state)
                if before.children:  # a node that has come back knows nothing of that
                    states.append(before)
                continue
            if st.is_remote(state):
                # Whether it still wants to be shut down it tells whoever connects.
                states.append(st.without_attributes(state, lambda name: name == SHUTDOWN))
                continue
            expected = state.get("expected") == "member"
            lost = st.with_standing(state, st.LOST if expected else st.GONE)
            # The attributes of a node last as long as it is a member.
            others = tuple(c for c in lost.children if c.tag != "transient_attributes")
            states.append(lost.with_children(others))
        return states

    def _is_members(self, state: Element) -> bool:
        """Whether this is what a member was, be it with another address and so with another id.

        A machine that has started anew is no lost one beside itself.
        """
        again = state.get("uname") in self.names.values() and not st.is_remote(state)
        return again or state.id in map(str, self.names)

    def on_own_state(self, sender: int, message: OwnState) -> None:
        """A member tells its part."""
        if message.view != self._view:
            return
        try:
            state = st.checked_state(parse(message.state), str(sender))
            if message.tickets and not message.fresh:
                self._tickets[sender] = parse(message.tickets)
        except CrmError as error:
            state = None
            self._out.log("error", "CIB", f"The state of node {sender} cannot be read: {error}")
        self._told[sender] = state or st.new_node_state(str(sender), "", {})
        for key, left_ms in sorted(message.pending.items()):
            self.pending[sender, key] = left_ms
        self.fencing += message.fencing
        self._failures += [(sender, failure) for failure in message.failures]
        if message.fresh:
            self.fresh.add(sender)
        if message.left:
            self._left.add(sender)
        for remote in message.remotes:
            self._on_remote_told(sender, remote)

    def _on_remote_told(self, sender: int, message: RemoteTold) -> None:
        """After a merge, the member with the newest claim on a remote node holds the connection."""
        told = self._remotes.get(message.name)
        claim = (message.term, message.claim)
        if told is not None and told[:2] > (claim, sender):
            return
        parts = self._remote_parts(sender, message.name, message.state)
        if parts is not None:
            state = st.remote_state(message.name, up=True).with_children(parts)
            self._remotes[message.name] = (claim, sender, state)

    def _remote_parts(self, sender: int, name: str, text: str) -> tuple[Element, ...] | None:
        try:
            return st.checked_remote(parse(text), name)
        except CrmError as error:
            self._out.log("error", "CIB", f"Node {sender} tells of {name} unreadably: {error}")
            return None

    def on_absent(self, sender: int, message: AbsentStates) -> None:
        """The DC tells of the nodes that are not members."""
        if message.view != self._view or sender != self._dc:
            return
        try:
            self._absent = parse(message.status)
        except CrmError as error:
            self._absent = Element("status")
            self._out.log("error", "CIB", f"The states of absent nodes cannot be read: {error}")

    def ready(self) -> bool:
        """Whether everything has been told that this view's status is made of."""
        if self.settled or not self._decided or set(self._told) < set(self.names):
            return False
        return self._dc is None or self._absent is not None

    def settle(self, *, primary: bool) -> list[tuple[int, StatusMessage]]:
        """Put the section together; returns the messages that came meanwhile, to be applied."""
        assert self.ready()
        self._frozen = not primary and self._freezes()
        members = {str(node) for node in self.names}
        absent = self._absent or Element("status")
        section = Element("status")
        for state in absent.findall("node_state"):
            if not self._is_members(state):
                section = st.put_node_state(section, state)
        for node, name in self.names.items():
            runs = self.managers.get(node)
            left = node in self._left and not runs
            standing = st.GONE if left else self._standing(node)
            state = st.new_node_state(str(node), name, standing)
            # Who has just started, or whose manager is off, knows nothing of locks.
            knows = runs and node not in self.fresh
            locked = None if knows else st.node_by_name(absent, name)
            if runs:
                state = state.with_children(self._told[node].children)
            state = st.with_locks(state, locked)
            section = st.put_node_state(section, state)
        for name, (claim, sender, state) in sorted(self._remotes.items()):
            if name not in members:
                self.holders[name] = sender
                self.claims[name] = claim
                section = st.put_node_state(section, state)
        if (tickets := self._known_tickets()) is not None:
            section = section.append(tickets)
        self._replica.restart_status(section, self._replica.num_updates + 1)
        restarted = {self.names[node] for node in self.fresh if node in self.names}
        for state in absent.findall("node_state"):
            if state.get("uname") in restarted:
                self._doubt_targets(state)
        for sender, failure in self._failures:
            self._count(sender, failure)
        self.settled = True
        self._failures = []
        self._told = {}
        self._remotes = {}
        self._tickets = {}
        self._absent = None
        kept, self._kept = self._kept, []
        return kept

    def _freezes(self) -> bool:
        return self._replica.config.properties().get("no-quorum-policy") == "freeze"

    def config_changed(self) -> None:
        """The configuration is another one: a frozen side goes on where it shall freeze no more."""
        if not self.settled or not self._frozen or self._freezes():
            return
        self._frozen = False
        for node in self.fresh & self.managers.keys():
            standing = self._standing(node)
            self._on_node(str(node), partial(_stand, standing))

    def _standing(self, node: int) -> Mapping[str, str]:
        """How a member stands that has not left.

        Who has started on a frozen side may have been fenced: then it counts as off, and what is
        moved there as recovered elsewhere, when those are off that had it. So it takes nothing.
        """
        takes = self.managers.get(node) and not (self._frozen and node in self.fresh)
        return st.ONLINE if takes else st.IDLE

    def _count(self, sender: int, told: ToldFailure) -> None:
        properties = self._replica.config.properties()

        def change(state: Element) -> Element:
            if told.node and is_counted(state, told.name, told.failure):
                return state  # a remote node cannot know that
            return count_failure(state, told.name, told.failure, properties)

        if not told.node and self.managers.get(sender):
            self._on_node(str(sender), change)
        elif told.node and self._speaks_for(sender, told.node):
            self._on_node_name(told.node, change)

    def _known_tickets(self) -> Element | None:
        """The DC's, or, where the DC has just started and knows of none, another member's."""
        members = sorted(self.names, key=lambda node: (node != self._dc, node))
        teller = next((node for node in members if node not in self.fresh), None)
        return self._tickets.get(teller) if teller is not None else None

    def connected(self) -> frozenset[str]:
        """The remote nodes and guests that a member is connected with."""
        return frozenset(name for name, member in self.holders.items() if member != NOBODY)

    def is_over(self, name: str) -> bool:
        """Whether nobody is connected with a remote node, and nothing runs there."""
        state = st.node_by_name(self._replica.status, name)
        if state is None or not st.is_remote(state) or state.get("in_ccm") == "true":
            return False
        return st.is_all_stopped(state)

    # ---- changes -------------------------------------------------------------------------------

    def keep(self, sender: int, message: StatusMessage) -> None:
        """Keep a message until the status has settled."""
        assert len(self._kept) < MAX_KEPT
        self._kept.append((sender, message))

    def apply(self, sender: int, message: StatusMessage) -> Applied:
        """Change the section as a message of this view says."""
        if sender in self.fenced:
            return Applied()
        match message:
            case Outcome():
                return Applied(ended=tuple(self._apply_outcome(sender, message)))
            case RemoteState():
                return Applied(changed=self._apply_remote(sender, message))
            case RunAction(target=target):
                if records.is_noted(message):
                    node = message.on or self.names.get(target, "")
                    pending = records.pending_of(message, node=node)
                    self._on_node_name(node, lambda s: st.put_history(s, pending))
            case AttributeChange():
                before = self._replica.status
                self._on_node_name(
                    message.node, lambda s: st.with_attribute(s, message.name, message.value)
                )
                return Applied(changed=self._replica.status is not before)
            case TicketChange():
                changed = with_ticket(self._replica.status, message.ticket, message.attributes)
                self._replica.set_status(changed)
            case CleanHistory():
                return Applied(dropped=tuple(self._clean(message)))
            case ClearFailures():
                before = self._replica.status
                self._on_node_name(message.node, lambda s: _forget_failure(s, message))
                return Applied(changed=self._replica.status != before)
            case ManagerChanged():
                self._apply_manager(sender, running=message.running)
        return Applied()

    def _apply_remote(self, sender: int, message: RemoteState) -> bool:
        """A connection with a remote node has been made, or has ended; whether that is news."""
        name = message.name
        old = st.node_by_name(self._replica.status, name)
        if old is not None and not st.is_remote(old):
            return False  # a member is called so, and stands for itself
        if not message.up:
            if message.fenced or self._speaks_for(sender, name):
                self.holders[name] = NOBODY
                if old is None and not message.fenced and self._is_listed(name):
                    return False  # it was there once, and who could tell has begun anew
                fenced_at = int(old.get("node_fenced", "0")) if old is not None else 0
                new = st.remote_state(name, up=False, fenced_at=fenced_at)
                # Who was lost may run yet what it ran: the end of the connection fences nobody.
                kept = old.findall("lrm") if old is not None and not message.fenced else ()
                self._put_remote(new.with_children(tuple(kept)))
                # The end was asked for. But the attributes go with it: that it shall be down, too;
                # and without fencing what was lost there, and could not be stopped, is gone now.
                enabled = options.value_of(self._replica.config.properties(), "fencing-enabled")
                gone = old is not None and not is_true(enabled) and not st.is_all_stopped(old)
                return gone or (old is not None and SHUTDOWN in st.attributes_of(old))
            return False
        claim = (message.term, message.claim)
        if not self._speaks_for(sender, name) and claim < self.claims.get(name, claim):
            return False  # another one has claimed it since
        parts = self._remote_parts(sender, name, message.state)
        if parts is None:
            return False
        self.holders[name] = sender
        self.claims[name] = claim
        self.pending |= {(sender, key): left for key, left in message.pending.items()}
        transient = old.find("transient_attributes") if old is not None else None
        if transient is not None and not message.fresh:
            parts = (transient, *(part for part in parts if part.tag == "lrm"))
        new = st.remote_state(name, up=True).with_children(parts)
        self._put_remote(new)
        return new != old

    def _is_listed(self, name: str) -> bool:
        return is_listed_remote(self._replica.config, name)

    def _speaks_for(self, sender: int, name: str) -> bool:
        """Whether a member may tell of a remote node: it is connected with it, or nobody is."""
        return self.holders.get(name, NOBODY) in (sender, NOBODY)

    def _put_remote(self, state: Element) -> None:
        self._replica.set_status(st.put_node_state(self._replica.status, state))

    def _apply_outcome(self, sender: int, outcome: Outcome) -> list[tuple[str, str]]:
        ended: list[tuple[str, str]] = []
        self.pending.pop((sender, pending_key(outcome)), None)
        history: Element | None = None
        if outcome.resource:
            try:
                history = parse(outcome.resource)
            except CrmError as error:
                self._out.log("error", "CIB", f"A result of node {sender} is unreadable: {error}")
        if history is not None and (history.tag != "lrm_resource" or not history.id):
            history = None
        properties = self._replica.config.properties()

        def change(state: Element) -> Element:
            if outcome.forget_all:
                state = st.drop_history(state, outcome.name)
            if history is not None:
                state = st.put_history(state, history, outcome.forget)
            else:
                state = st.without_entries(state, outcome.name, *outcome.forget)
            over = migrations.ended(self._replica.status, state, outcome.name)
            ended.extend((state.get("uname"), entry) for entry in over)
            state = st.without_entries(state, outcome.name, *over)
            if is_true(properties.get("shutdown-lock")):
                state = st.lock_stopped(state, outcome.name, self._replica.config)
            failure = outcome.failure
            if failure is None or (outcome.retold and is_counted(state, outcome.name, failure)):
                return state
            return count_failure(state, outcome.name, failure, properties)

        if not outcome.node:
            self._on_node(str(sender), change)
        elif self._speaks_for(sender, outcome.node):
            self._on_node_name(outcome.node, change)
        else:
            return ended
        where = outcome.node or self.names.get(sender, "")
        if history is not None and outcome.ok:
            for source, entry in migrations.outdated(self._replica.status, history, where):
                self._on_node_name(source, partial(_drop_entry, history.id, entry))
                ended.append((source, entry))
        return ended

    def _apply_manager(self, sender: int, *, running: bool) -> None:
        if self.managers.get(sender) == running:
            return  # told twice around a change of view; the history must not go
        self.managers[sender] = running
        name = self.names.get(sender, "")
        standing = self._standing(sender) if running else st.GONE
        state = st.new_node_state(str(sender), name, standing)
        self._on_node(str(sender), lambda old: state.with_children(st.locked_part(old)))

    def node_fenced(self, name: str, at: int = 0) -> int | None:
        """A node is off: nothing of it is left. Returns its id, where it is a member.

        ``at``: Unix time, s; a remote node remembers it.
        """
        state = st.node_by_name(self._replica.status, name)
        if state is not None:
            self._doubt_targets(state)
        if st.is_remote(state) if state is not None else self._is_listed(name):
            self.holders[name] = NOBODY
            self._put_remote(st.remote_state(name, up=False, fenced_at=at))
        elif state is not None:
            gone = st.new_node_state(state.id, name, st.GONE)
            self._on_node(state.id, lambda _: gone)
        node = next((node for node, known in self.names.items() if known == name), None)
        if node is not None:
            self.managers[node] = False
            self.fenced.add(node)
            self.pending = {key: ms for key, ms in self.pending.items() if key[0] != node}
        return node

    def _doubt_targets(self, source: Element) -> None:
        """A node is off, or was: what it has sent elsewhere has to be looked for there."""
        for target, resource in migrations.doubted(self._replica.status, source):
            self._on_node_name(target, partial(_drop_history, resource))
            self.doubted.append((target, resource))

    def _clean(self, message: CleanHistory) -> list[tuple[str, str]]:
        """Forget the history of resources, and their failures; tells which on which node."""
        config = self._replica.config
        wanted = st.meant_by(config, message.resource)
        meant = clean_up.meant(self._replica.status, config, message, self.holders)
        for state, resources in meant:
            self._on_node(state.id, partial(clean_up.forget, resources, wanted))
        return [(state.get("uname"), each) for state, resources in meant for each in resources]

    def _on_node_name(self, name: str, change: Callable[[Element], Element]) -> None:
        state = st.node_by_name(self._replica.status, name)
        if state is not None:
            self._on_node(state.id, change)

    def _on_node(self, node_id: str, change: Callable[[Element], Element]) -> None:
        replica = self._replica
        replica.set_status(st.change_node(replica.status, node_id, change))
        if node_id == self._id:
            mine = st.node_state(replica.status, node_id)
            transient = mine.find("transient_attributes") if mine is not None else None
            self.own = self.own.with_children((transient,) if transient is not None else ())


def pending_key(outcome: Outcome) -> str:
    """By which key ``pending`` knows an operation: ``NODE/KEY`` on a remote node."""
    return f"{outcome.node}/{outcome.key}" if outcome.node else outcome.key


def _stand(standing: Mapping[str, str], state: Element) -> Element:
    return st.with_standing(state, standing)


def _drop_history(resource: str, state: Element) -> Element:
    return st.drop_history(state, resource)


def _drop_entry(resource: str, entry: str, state: Element) -> Element:
    return st.without_entries(state, resource, entry)


def _forget_failure(state: Element, message: ClearFailures) -> Element:
    state = clear_failures(state, message.resource, message.operation, message.interval_ms)
    return st.without_entries(state, message.resource, last_failure_id(message.resource))

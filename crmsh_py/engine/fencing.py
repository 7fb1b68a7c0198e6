"""Fencing: from "this node must be off" to the moment when everybody may believe it.

Every node has one of these and keeps the same table of requests (``fencing_history``). A request
comes from the DC's transition, or from a client of any node; it goes into the stream, and *one*
member sees to it: the DC, unless it is the DC that shall be fenced. That one lets devices be used
(``fencing_work`` says which, ``fencing_runner`` does it where it is asked) and tells the end to
all. With that message, in its place in the stream, the node counts as off for everybody.

Rules:

1. A request that is under way is joined, not repeated: by a person if it is for the same action,
   by the cluster if it is for off where it wants a reboot, too.
2. In a new view the request goes on where the view is primary: who sees to it now asks again, and
   nodes do not use a device twice for one request. A side without quorum gives up what no person
   asked for: it must not shoot at those who have quorum. What waits for its turn or its delay is
   begun only in a view that still wants it.
3. A member that hears of its own fencing ends at once, stopping nothing (``doomed``): others count
   on it. So does one that learns in a new view that it was fenced while it ran. One that has just
   started knows nothing and has done nothing: that it is here is proof that it was off. When it
   is lost once more that is about another life, and needs a request of its own.
4. The watchdog is a device like the others, the last one where there is no topology. A node that
   is still heard ends itself when it is to be fenced so; for one that is not, its time must pass:
   the time that it knew of (``watchdog_leases``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from crmsh_py.cib import options
from crmsh_py.cib.document import Cib
from crmsh_py.engine import fencing_devices as facts
from crmsh_py.engine import fencing_work
from crmsh_py.engine import status as st
from crmsh_py.engine.api import OperationFinished
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.fencing_history import (
    OFF_ACTIONS,
    WATCHDOG,
    FencingHistory,
    may_shut_out,
)
from crmsh_py.engine.fencing_runner import FencingRunner
from crmsh_py.engine.fencing_work import Work
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.watchdog_leases import WatchdogLeases
from crmsh_py.errors import CrmError
from crmsh_py.scheduler.result import Action, FenceDevice
from crmsh_py.value import replace
from crmsh_py.whole_numbers import whole
from crmsh_py.wire.fencing import FencingRecord, FencingState
from crmsh_py.wire.stream import (
    AttributeChange,
    FencingAsked,
    FencingEnded,
    FencingForgotten,
    FencingRan,
    FencingRun,
    ViewId,
)

Finished = Callable[[bool], None]
DevicesOf = Callable[[Cib, datetime], Sequence[FenceDevice]]
TIMEOUT_MS = 60_000  # stonith-timeout's default
_SLACK_S = 5.0  # of an answer, beyond what the device may take
_QUERY_S = 20.0  # a device may have to be asked first
CLIENT = "pacemaker-controld"
UNFENCED = "#node-unfenced"  # a member's attribute: since when (Unix time, s)


def scheduler_devices(cib: Cib, now: datetime) -> Sequence[FenceDevice]:
    """The devices, by the scheduler, which is loaded when they are asked for."""
    from crmsh_py.scheduler.fence_devices import fence_devices

    return fence_devices(cib, now)


@dataclass(slots=True)
class _Waiting:
    """The next moment of a request that this node sees to."""

    work: Work
    deadline: float


@dataclass(frozen=True, slots=True)
class _Silence:
    """Since when a target is waited for that its watchdog resets, and beside whom."""

    since: float
    members: frozenset[int]  # the target is none of them


class Fencing:
    """One node's part in fencing."""

    def __init__(
        self,
        node_id: int,
        node: str,
        replica: Replica,
        outbox: Outbox,
        *,
        seed: int,
        view: Callable[[], ViewId],
        watchdog_ms: Callable[[], int],
        devices: DevicesOf = scheduler_devices,
    ) -> None:
        self._node_id = node_id
        self._node = node
        self._replica = replica
        self._out = outbox
        self._view = view
        self._read_watchdog_ms = watchdog_ms
        self._read_devices = devices
        self.history = FencingHistory()
        self.runner = FencingRunner(outbox, seed=seed, view=view, device=self._device)
        # By which requests of this run are told from those of others. (Not its time: after a reboot
        # a clock may say what it said before, and what was done then would count as done now.)
        self._run = f"{node_id}-{seed:x}"
        self._number = 0
        self._settled = False
        self._dc: int | None = None
        self._names: Mapping[int, str] = {}
        self._managers: Mapping[int, bool] = {}
        self._works: dict[str, _Waiting] = {}
        self._callbacks: dict[str, list[Finished]] = {}
        self._unsent: dict[str, FencingRecord] = {}  # asked here, and not seen in the stream yet
        self._leases = WatchdogLeases()
        self._silences: dict[str, _Silence] = {}  # by request
        self._users: dict[tuple[str, str], int] = {}  # by request and device: who is to use it
        self._outlived: set[str] = set()  # requests whose target has started since
        self._fresh = True  # this run has seen no primary view
        self._cut_off = False  # quorum was lost, and others may have had it
        self._first = 0  # the first one's ring: what was asked before concerns an earlier run
        self.doomed = ""  # why this node must end at once

    # ---- reading -------------------------------------------------------------------------------

    @property
    def watchdog_ms(self) -> int:
        """After how long a lost node has been reset by its watchdog; 0: that is not so."""
        return self._read_watchdog_ms()

    def look(self) -> None:
        """The configuration may have changed. Whoever is lost now may not have heard of it."""
        if self.watchdog_ms != self._leases.configured_ms:
            version = self._replica.config.version.tuple
            self._leases.configure(self._names.values(), self.watchdog_ms, version)

    def on_stored(self, sender: int, version: tuple[int, ...]) -> None:
        """A member lives by what the configuration says in this version."""
        name = self._names.get(sender)
        if name is not None and self._settled:
            self._leases.stored(name, version)

    def _lease_of(self, target: str) -> int:
        """After how long a node's watchdog has reset it, ms; 0: it may have none.

        Nothing feeds a watchdog for a remote node: its host runs the executor only.
        """
        nodes = self._replica.config.section("nodes").findall("node")
        kinds = {node.get("uname"): node.get("type", "member") for node in nodes}
        return self._leases.of(target) if kinds.get(target) == "member" else 0

    def devices(self) -> Sequence[FenceDevice]:
        """The devices as the configuration has them now."""
        when = datetime.fromtimestamp(self._out.wall, UTC)
        try:
            return self._read_devices(self._replica.cib, when)
        except Exception as error:  # whatever is wrong with a configuration, the node goes on
            kind = "" if isinstance(error, CrmError) else f"{type(error).__name__}: "
            self._out.log("error", "STONITH", f"The fence devices cannot be read: {kind}{error}")
            return ()

    def _device(self, name: str) -> FenceDevice | None:
        return next((device for device in self.devices() if device.id == name), None)

    def next_deadline(self) -> float | None:
        """When a device has not answered in time, or a watchdog's time has passed."""
        times = (each.deadline for each in self._works.values())
        return soonest((self.runner.next_deadline(), *times))

    # ---- asking --------------------------------------------------------------------------------

    @property
    def _ring(self) -> int:
        """The number of the ring: of two with quorum, the later one has the higher."""
        return self._view()[1]

    def _now_ms(self) -> int:
        return int(self._out.wall * 1000)

    def begin(self, action: Action, finished: Finished) -> None:
        """For the DC's transition: have a node fenced; ``finished`` is told whether it was."""
        target = action.meta.get("on_node", action.node)
        wanted = action.meta.get("stonith_action", "reboot")
        delay = action.meta.get("priority_fencing_delay", "")
        record = self.ask(
            target,
            wanted,
            client=CLIENT,
            delay_ms=whole(delay) * 1000,
        )
        self._callbacks.setdefault(record.ident, []).append(finished)

    def ask(
        self,
        target: str,
        action: str,
        *,
        client: str,
        timeout_ms: int = 0,
        delay_ms: int = 0,
        by_hand: bool = False,
    ) -> FencingRecord:
        """Ask for a node to be fenced, or join a request that is under way; returns it."""
        # To the cluster it is all the same how a node is switched off; to a person it is not.
        same = OFF_ACTIONS if action in OFF_ACTIONS and not by_hand else {action}
        present = next(
            (
                record
                for record in (*self.history.pending(), *self._unsent.values())
                if record.target == target
                and record.action in same
                and record.state is FencingState.PENDING
                and record.ident not in self._outlived
            ),
            None,
        )
        if present is not None:
            self._out.log("notice", "STONITH", f"{action} of {target} is under way already")
            return present
        self._number += 1
        record = FencingRecord(
            ident=f"{self._run}-{self._number}",
            target=target,
            action=action,
            client=client,
            origin=self._node,
            asked_ms=self._now_ms(),
            asked_in=self._ring,
            timeout_ms=timeout_ms or self._timeout_ms(),
            delay_ms=delay_ms,
            by_hand=by_hand,
        )
        self._unsent[record.ident] = record
        if self._settled:
            self._out.multicast(FencingAsked(view=self._view(), record=record))
        return record

    def when_over(self, ident: str, finished: Finished) -> None:
        """Have ``finished`` called when a request has ended; kept over changes of the view."""
        self._callbacks.setdefault(ident, []).append(finished)

    def confirm(self, target: str, *, client: str) -> FencingRecord:
        """A person says that a node is off: that counts like a device's word."""
        self._number += 1
        record = FencingRecord(
            ident=f"{self._run}-{self._number}",
            target=target,
            action="off",
            client=client,
            origin=self._node,
            state=FencingState.DONE,
            device="manual_ack",
            delegate="a human",
            asked_ms=self._now_ms(),
            asked_in=self._ring,
            ended_ms=self._now_ms(),
            by_hand=True,
        )
        self._unsent[record.ident] = record
        if self._settled:
            self._out.multicast(FencingEnded(view=self._view(), record=record))
        return record

    def _timeout_ms(self) -> int:
        text = options.value_of(self._replica.config.properties(), "fencing-timeout")
        return facts.duration_ms(text, TIMEOUT_MS)

    # ---- views ---------------------------------------------------------------------------------

    def begin_view(self, members: Collection[int], *, stayed: bool) -> None:
        """A new ring: whoever sees to the requests finds himself anew.

        ``stayed``: most of the votes have come along from the ring before, so there was no other
        side with quorum meanwhile. Where nobody has come who may be the target, it has not lived
        on, and the time until its watchdog resets it goes on: else rings that change more often
        than that would put it off for ever.
        """
        pending = {record.ident for record in self.history.pending()}
        self._silences = {
            ident: silence
            for ident, silence in self._silences.items()
            if stayed and ident in pending and silence.members.issuperset(members)
        }
        self._users = {key: user for key, user in self._users.items() if key[0] in pending}
        self._settled = False
        self._works = {}
        self.runner.hold()

    @property
    def fresh(self) -> bool:
        """Whether there was no primary view since this node started: it has done nothing yet."""
        return self._fresh

    def settled(
        self,
        dc: int | None,
        names: Mapping[int, str],
        managers: Mapping[int, bool],
        told: Sequence[FencingRecord],
        fresh: Collection[int],
        *,
        primary: bool,
    ) -> None:
        """Everybody has told what he knows; ``fresh``: those who have done nothing yet."""
        self._settled = True
        self._dc, self._names, self._managers = dc, names, managers
        self._leases.all_know(names.values(), self.watchdog_ms)
        news = self.history.merge(told)
        if may_shut_out(self._node, *news) or (primary and self._cut_off):
            self._ask_to_be_let_in()
        self._cut_off = not primary
        for record in news:
            if not self._fresh and record.asked_in >= self._first:  # no clocks: they may differ
                self._judge(record)
            if record.state is not FencingState.PENDING:
                # It ended where this node could not hear of it.
                self._call_back(record)
        if self._fresh and primary:
            self._fresh, self._first = False, self._ring
        restarted = {names[node] for node in fresh}
        for record in self.history.pending():
            was_lost = record.target in restarted or record.target not in names.values()
            was_off = record.target in restarted and record.action in OFF_ACTIONS
            if was_off:
                self._outlived.add(record.ident)
            if was_off and (record.action == "reboot" or not record.by_hand):
                self._end_here(record, FencingState.DONE, "it has restarted")
            elif record.action == "on" and not record.by_hand and was_lost:
                # Another one would let it in, maybe after it has been shut out.
                self._end_here(record, FencingState.FAILED, "the node was lost")
            elif not primary and not record.by_hand:
                self._end_here(record, FencingState.FAILED, "quorum was lost")
            elif self._sees_to(record):
                self._begin_work(record)
        self.runner.go_on({record.ident for record in self.history.pending()})
        self._forget_unsent()
        for record in list(self._unsent.values()):
            message = FencingAsked if record.state is FencingState.PENDING else FencingEnded
            self._out.multicast(message(view=self._view(), record=record))

    def _forget_unsent(self) -> None:
        """What the DC wanted in a view before and nobody heard is void, as its plan is.

        It plans anew: by now the node may have come back, and be well.
        """
        for ident, record in list(self._unsent.items()):
            if not record.by_hand:
                del self._unsent[ident]
                self._callbacks.pop(ident, None)

    def elected(self, dc: int | None) -> None:
        """Another DC, in the same view."""
        if dc == self._dc:
            return
        self._dc = dc
        for record in self.history.pending():
            if self._sees_to(record) and record.ident not in self._works:
                self._begin_work(record)

    def _judge(self, record: FencingRecord) -> None:
        """Is it this node whose end has been told, or is being waited for?"""
        if record.target != self._node or record.action not in OFF_ACTIONS:
            return
        certain = record.state is FencingState.PENDING and record.device == WATCHDOG
        if certain or record.state is FencingState.DONE:
            self.doomed = f"fenced for {record.client} on {record.origin}"

    def _ask_to_be_let_in(self) -> None:
        """A device may have shut this node out, whatever has become of the request.

        One that has let it in (``provides=unfencing``) must do so anew before anything starts.
        """
        state = st.node_by_name(self._replica.status, self._node)
        if state is not None and UNFENCED in st.attributes_of(state):
            self._out.log("notice", "STONITH", "This node is to be unfenced: it may be shut out")
            self._out.multicast(
                AttributeChange(view=self._view(), node=self._node, name=UNFENCED, value=None)
            )

    def _end_here(self, record: FencingRecord, state: FencingState, reason: str) -> None:
        """All members come to this in the same place of the stream: nothing is to be told."""
        ended = replace(record, state=state, reason=reason, ended_ms=self._now_ms())
        self.history.put(ended)
        self._call_back(ended)

    def _sees_to(self, record: FencingRecord) -> bool:
        """Whether this member sees to a request: the DC does, or who comes after it."""
        running = [node for node in self._names if self._managers.get(node)]
        others = [node for node in running if self._names[node] != record.target]
        if self._dc in others:
            return self._dc == self._node_id
        return min(others or running, default=None) == self._node_id

    # ---- messages ------------------------------------------------------------------------------

    def on_asked(self, record: FencingRecord) -> None:
        """A request is in the stream."""
        self._unsent.pop(record.ident, None)
        if record.device == WATCHDOG and record.target not in self._names.values():
            silence = _Silence(self._out.now, frozenset(self._names))
            self._silences.setdefault(record.ident, silence)
        if not self.history.put(record):
            known = self.history.find(record.ident)
            if known is not None and known.state is not FencingState.PENDING:
                # It was told before the request was.
                self._call_back(known)
            return
        self._judge(record)
        if not record.device:
            asker = f"{record.client} on {record.origin}"
            text = f"{asker} wants {record.target} fenced ({record.action})"
            self._out.log("notice", "STONITH", text)
            if self._sees_to(record):
                self._begin_work(record)

    def on_run(self, order: FencingRun) -> None:
        """This node may be the one that shall use a device."""
        self._users[order.ident, order.device] = order.executor
        if order.executor == self._node_id:
            self.runner.run(order)

    def on_ran(self, sender: int, message: FencingRan) -> None:
        """A device has been used on a member."""
        waiting = self._works.get(message.ident)
        run = waiting.work.current if waiting is not None else None
        node = self._names.get(sender, "")
        record = self.history.find(message.ident)
        if record is not None and message.ok and may_shut_out(self._node, record):
            self._ask_to_be_let_in()
        if waiting is None or run is None:
            return
        if (run.device, run.node, run.action) != (message.device, node, message.action):
            return
        waiting.work.ran(ok=message.ok, able=message.able, reason=message.reason)
        self._advance(waiting.work)

    def on_ended(self, record: FencingRecord) -> bool:
        """A request is over; False when that was known already."""
        self._unsent.pop(record.ident, None)
        self._works.pop(record.ident, None)
        if not self.history.put(record):
            return False
        how = f"by {record.delegate or 'nobody'} with {record.device or 'no device'}"
        about = f"{record.action} of {record.target} for {record.client} on {record.origin}"
        if record.state is FencingState.DONE:
            self._out.log("notice", "STONITH", f"{about}: done {how}")
        else:
            self._out.log("error", "STONITH", f"{about}: failed: {record.reason}")
            if record.device and may_shut_out(self._node, record):  # one of several has worked
                self._ask_to_be_let_in()
        self._judge(record)
        self._call_back(record)
        if record.state is FencingState.DONE and record.action in OFF_ACTIONS:
            self._let_nobody_in(record.target)
        return True

    def _let_nobody_in(self, target: str) -> None:
        """A node is off: what the cluster wanted to unfence is no more."""
        for record in self.history.pending():
            if record.target == target and record.action == "on" and not record.by_hand:
                self._works.pop(record.ident, None)
                self._end_here(record, FencingState.FAILED, "the node was fenced meanwhile")
                self.runner.go_on({each.ident for each in self.history.pending()})

    def on_forgotten(self, message: FencingForgotten) -> None:
        """What is over is of no interest any more."""
        self.history.forget(message.target)

    def _call_back(self, record: FencingRecord) -> None:
        for finished in self._callbacks.pop(record.ident, []):
            finished(record.state is FencingState.DONE)

    # ---- seeing to it --------------------------------------------------------------------------

    def _begin_work(self, record: FencingRecord) -> None:
        online = [self._names[node] for node in self._names if self._managers.get(node)]
        topology = facts.levels(self._replica.config, record.target)
        levels = fencing_work.steps(
            record.target,
            self.devices(),
            topology,
            online,
            on_target=record.action == "on",
        )
        if not topology and self.watchdog_ms and record.action in OFF_ACTIONS:
            levels = (*levels, (fencing_work.Step(WATCHDOG, ()),))
        users = {
            d: self._names.get(n, "") for (i, d), n in self._users.items() if i == record.ident
        }
        levels = fencing_work.first_by(users, levels)
        reason = "" if levels else "no device can fence it"
        self._advance(Work(record, levels, reason=reason))

    def _advance(self, work: Work) -> None:
        """Use the next device, or tell the end."""
        record = work.record
        first = work.is_first
        run = work.next_run()
        if run is None:
            self._works.pop(record.ident, None)
            self._tell_end(work)
        elif run.device == WATCHDOG:
            self._wait_for_watchdog(work)
        else:
            self._send_run(work, run, first=first)

    def _send_run(self, work: Work, run: fencing_work.Run, *, first: bool) -> None:
        record = work.record
        executor = next((n for n, name in self._names.items() if name == run.node), None)
        device = self._device(run.device)
        if executor is None or device is None:
            work.ran(ok=False, reason=f"{run.node} is not online")
            self._advance(work)
            return
        # Only the first device waits: those after it come when time has been lost already.
        delay_ms = record.delay_ms if first else -1
        own = facts.delay(device, run.action, record.target)
        allowed_ms = facts.timeout_ms(device, run.action, record.timeout_ms)
        most_s = (max(0, delay_ms) + own.most_ms + allowed_ms) / 1000
        deadline = self._out.now + most_s + _QUERY_S + _SLACK_S
        self._works[record.ident] = _Waiting(work, deadline)
        self._out.multicast(
            FencingRun(
                view=self._view(),
                ident=record.ident,
                executor=executor,
                device=run.device,
                action=run.action,
                target=record.target,
                timeout_ms=record.timeout_ms,
                delay_ms=delay_ms,
            )
        )

    def _wait_for_watchdog(self, work: Work) -> None:
        """The node's own watchdog resets it, if it is not heard; if it is, it ends by itself."""
        allowed_ms = self._lease_of(work.record.target)
        if not allowed_ms or work.record.action not in OFF_ACTIONS:
            work.ran(ok=False, able=False, reason="there is no watchdog to rely on")
            self._advance(work)
            return
        record = replace(work.record, device=WATCHDOG)
        silence = self._silences.get(record.ident)
        since = self._out.now if silence is None else silence.since
        deadline = since + allowed_ms / 1000
        left_s = max(0.0, deadline - self._out.now)
        text = f"{record.target} counts as reset by its watchdog in {left_s:.1f} s"
        self._out.log("notice", "STONITH", text)
        self._out.multicast(FencingAsked(view=self._view(), record=record))
        self._works[record.ident] = _Waiting(work, deadline)

    def _tell_end(self, work: Work) -> None:
        record = replace(
            work.record,
            state=FencingState.DONE if work.done else FencingState.FAILED,
            device=work.used,
            delegate=work.delegate,
            reason="" if work.done else work.reason,
            ended_ms=self._now_ms(),
        )
        self._out.multicast(FencingEnded(view=self._view(), record=record))

    # ---- time ----------------------------------------------------------------------------------

    def handle_timer(self) -> None:
        """Give up devices that do not answer; believe watchdogs whose time has passed."""
        self.runner.handle_timer()
        for waiting in list(self._works.values()):
            if waiting.deadline > self._out.now:
                continue
            run = waiting.work.current
            assert run is not None
            if run.device == WATCHDOG:
                waiting.work.ran(ok=True)
                waiting.work.delegate = self._node
            else:
                waiting.work.ran(ok=False, reason=f"{run.device} gave no answer on {run.node}")
            self._advance(waiting.work)

    def finished(self, event: OperationFinished) -> None:
        """A fence agent has ended on this node."""
        self.runner.finished(event)

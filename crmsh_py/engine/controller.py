"""The designated controller (DC): decides what is to be done, and has it done.

Every node has one; it acts only on the node that all members have agreed on. Input: what has
been applied to the replica (``changed``), results, time. Output: ``RunAction`` messages, log lines,
and ``DcState``, by which every node knows whether the cluster has come to rest.

Loop (``step`` is called at the end of every event):

    not settled, or operations of an older view still run     wait
    a transition is on its way                                begin what is ready, else wait
    something has changed since the last plan                 plan, and begin a transition
    nothing to do                                             tell everybody: idle

Rules:

1. Messages that may change the CIB are counted as they are delivered, on all members alike; the
   DC is idle as of a count. When a transition ends without anything unexpected, its own results
   need no new plan.
2. A result is expected when its transition key is that of an action under way. Everything else
   that changes the CIB aborts the transition; what has begun is waited for.
3. A failing planner must not stop the node: the error is logged, and nothing is done until
   something changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from uuid import UUID

from crmsh_py.cib import options
from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.engine.book import pending_key
from crmsh_py.engine.fencing import UNFENCED, Fencing
from crmsh_py.engine.fencing_devices import duration_ms
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.records import last_order
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.transition import State, Transition, probes_before_the_end
from crmsh_py.errors import CrmError
from crmsh_py.scheduler.result import Action, ActionKind, Message, Plan, ResourceChange
from crmsh_py.whole_numbers import is_number, whole
from crmsh_py.wire.stream import (
    AgentName,
    AttributeChange,
    CleanHistory,
    ClearFailures,
    DcState,
    Outcome,
    RemoteState,
    RunAction,
    ViewId,
)

Planner = Callable[[Cib, datetime], Plan]
RECHECK_INTERVAL_MS = 15 * 60 * 1000  # cluster-recheck-interval's default
# Pacemaker takes twice the number of cores where node-action-limit is not set; a pure state
# machine knows no cores, and agents mostly wait.
NODE_ACTION_LIMIT = 8
# Beyond what an operation may take, until nobody waits for its end any more. A node tells the end
# of an agent that cannot be killed six seconds after its timeout; until then it may yet start.
_GRACE_S = 15.0
_RETRY_S = 1.0  # after a transition that could not even begin
DC_DEADTIME_MS = 20_000  # dc-deadtime's default
_FENCING_S = 3600.0  # a fencing that has not ended after that never will
MAX_ATTEMPTS = 10  # stonith-max-attempts' default
_DELETES = frozenset({"delete", "lrm_delete"})


def scheduler_plan(cib: Cib, now: datetime) -> Plan:
    """The scheduler, loaded when the first plan is made."""
    from crmsh_py.scheduler.plan import plan

    return plan(cib, now=now)


class Controller:
    """The DC's work on one node."""

    def __init__(
        self,
        node_id: int,
        replica: Replica,
        outbox: Outbox,
        *,
        seed: int,
        planner: Planner,
        fencing: Fencing,
    ) -> None:
        self._node_id = node_id
        self._replica = replica
        self._out = outbox
        self._planner = planner
        self._fencing = fencing
        name = md5(f"{seed}:{node_id}".encode(), usedforsecurity=False).digest()
        self._uuid = str(UUID(bytes=name, version=4))  # of all transitions that this run makes
        self._number = -1
        self._order = 0  # of what was asked for last
        self._view: ViewId = (0, 0)
        self._names: Mapping[int, str] = {}
        self._managers: Mapping[int, bool] = {}
        self._pending: dict[tuple[int, str], float] = {}
        self._asked: dict[tuple[int, str], float] = {}  # what any DC has begun in this view
        self._settled = False
        self._dirty = True  # something has changed since the last plan
        self._told: tuple[bool, int] | None = None
        self._recheck_at: float | None = None
        self._retry_at: float | None = None
        self._attempts: dict[str, int] = {}  # failed fencings by node
        self._began = 0.0  # when this node's ring was first complete
        self._waits_said: set[str] = set()
        self._given_up = 0  # failures of this transition for which no plan is made again
        self._delay_s = 0.0
        self._said: frozenset[Message] = frozenset()  # the findings of the last plan
        self._dc_state: DcState | None = None
        self.dc: int | None = None
        self.changes = 0
        self.transition: Transition | None = None

    # ---- reading -------------------------------------------------------------------------------

    @property
    def is_dc(self) -> bool:
        """Whether this node decides."""
        return self.dc == self._node_id

    @property
    def has_settled(self) -> bool:
        """Whether the status of this view is complete."""
        return self._settled

    @property
    def idle(self) -> bool:
        """Whether the DC has said that there is nothing to do, and nothing has changed since."""
        state = self._dc_state
        return self._settled and state is not None and state.idle and state.changes == self.changes

    def next_deadline(self) -> float | None:
        """When an action is late, an old operation is given up, or the plan must be looked at."""
        if not self.is_dc or not self._settled:
            return None
        times = [*self._pending.values()]
        times += [at for at in (self._recheck_at, self._retry_at) if at is not None]
        if self.transition and (late := self.transition.next_deadline()) is not None:
            times.append(late)
        return min(times, default=None)

    # ---- what happens --------------------------------------------------------------------------

    def begin_view(self, view: ViewId) -> None:
        """A new ring: what was planned is void."""
        if self.transition is not None:
            self._out.log("info", "CRMD", f"Transition {self._number} is void: another membership")
        self._view = view
        self._settled = False
        self.transition = None
        self._pending = {}
        self._asked = {}
        self._dc_state = None
        self._told = None
        self.changes = 0
        self._must_plan()

    def settled(
        self,
        dc: int | None,
        names: Mapping[int, str],
        managers: Mapping[int, bool],
        pending: Mapping[tuple[int, str], int],
    ) -> None:
        """The status is complete; ``managers`` and ``names`` stay those of the view."""
        self._settled = True
        self._began = self._began or self._out.now
        self._names = names
        self._managers = managers
        for name in names.values():  # it is here, however it went with fencing it
            self._attempts.pop(name, None)
        now = self._out.now
        self._pending = {key: now + ms / 1000 + _GRACE_S for key, ms in pending.items()}
        self._set_dc(dc)

    def elect(self) -> None:
        """A cluster manager has started or stopped: the DC stays, else the lowest id follows."""
        if self.dc is None or not self._managers.get(self.dc):
            running = [node for node, runs in self._managers.items() if runs]
            self._pending |= self._asked
            self._set_dc(min(running, default=None))

    def _set_dc(self, dc: int | None) -> None:
        if dc != self.dc and dc is not None:
            name = self._names.get(dc, str(dc))
            self._out.log("notice", "CRMD", f"{name} is the designated controller (DC)")
        self.dc = dc
        self._dc_state = None
        self._told = None
        self.transition = None
        self._must_plan()

    def _must_plan(self) -> None:
        self._dirty = True
        self._retry_at = None

    def clock_was_set(self) -> None:
        """The wall clock was set: what a rule or an age means now may be another thing."""
        self._must_plan()

    def count(self) -> None:
        """A message of this view has come that may change the CIB, whether or not it will."""
        self.changes += 1

    def changed(self, reason: str) -> None:
        """The CIB has changed in a way that no action of ours explains."""
        self._must_plan()
        if self.transition is not None and not self.transition.aborted:
            self._out.log("info", "CRMD", f"Transition {self._number} goes no further: {reason}")
            self.transition.abort(reason)

    def on_asked(self, action: RunAction) -> None:
        """The DC has something carried out: who follows in this view waits for its end, too."""
        self._order = max(self._order, action.order)
        if action.operation != "do_shutdown":
            key = f"{action.on}/{action.key}" if action.on else action.key
            at = self._out.now + action.timeout_ms / 1000 + _GRACE_S
            self._asked[action.target, key] = at

    def on_outcome(self, sender: int, outcome: Outcome) -> None:
        """An operation has ended on a member, and its history is in the status."""
        key = (sender, pending_key(outcome))
        self._pending.pop(key, None)
        self._asked.pop(key, None)
        action = self.transition.find(outcome.transition_key) if self.transition else None
        if action is None or self.transition is None:
            failed = "failed" if outcome.failure else "ended"
            self.changed(f"{outcome.key} {failed} on {self._names.get(sender, sender)}")
            return
        if outcome.ok:
            self.transition.done(action)
            return
        where = f"{action.key} on {action.node}"
        self._out.log(
            "notice",
            "CRMD",
            f"{where} returned {outcome.rc} where {action.target_rc} was expected",
        )
        self.transition.failed(action, f"{where} failed")

    def expect(self, node: int, key: str, why: str) -> None:
        """A member will tell an outcome of its own accord: nothing is planned before it comes."""
        self._pending[node, key] = self._out.now + _GRACE_S
        self.changed(why)

    def on_remote(self, sender: int, message: RemoteState, *, news: bool) -> None:
        """A connection with a remote node has been made, or has ended."""
        now = self._out.now
        for key, left in message.pending.items():
            self._pending[sender, key] = now + left / 1000 + _GRACE_S
        if not message.up:
            self._forget_pending(message.name)
        if news:
            what = "connected" if message.up else "down"
            self.changed(f"remote node {message.name} is {what}")

    def on_cleared(self, message: ClearFailures, *, news: bool) -> None:
        """Fail counts were cleared as the plan wanted: what they forbade, the next one may do."""
        action = self.transition.find(message.transition_key) if self.transition else None
        if action is not None and self.transition is not None:
            self.transition.done(action)
            self._dirty = self._dirty or news
        else:
            self.changed(f"failures of {message.resource} were cleared")

    def on_dc_state(self, sender: int, message: DcState) -> None:
        """The DC tells whether it has something to do."""
        if message.view == self._view and sender == self.dc:
            self._dc_state = message

    def manager_stopped(self, node: int) -> None:
        """A node has shut its cluster manager down; an action may have waited for that."""
        self._forget_pending("", node)
        if self.transition is None:
            return
        for action in self.transition.under_way():
            if action.operation == "do_shutdown" and action.node == self._names.get(node):
                self.transition.done(action)

    def _forget_pending(self, name: str, node: int | None = None) -> None:
        """Nothing is under way any more on a remote node of this name, or on this member."""
        for table in (self._pending, self._asked):
            for key in [k for k in table if k[0] == node or k[1].startswith(f"{name}/")]:
                del table[key]

    def node_fenced(self, name: str, node: int | None, *, expected: bool) -> None:
        """A node is off, with everything that was under way there."""
        self._forget_pending(name, node)
        for action in self.transition.under_way() if self.transition is not None else ():
            assert self.transition is not None
            if action.node == name and action.operation != "stonith":
                self.transition.failed(action, f"{name} was fenced")
        if not expected:
            self.changed(f"{name} was fenced")

    # ---- the loop ------------------------------------------------------------------------------

    def step(self) -> None:
        """Go on as far as possible."""
        if not self.is_dc or not self._settled:
            return
        self._give_up_pending()
        if self._retry_at is not None and self._retry_at <= self._out.now:
            self._retry_at = None
        if self._recheck_at is not None and self._recheck_at <= self._out.now:
            self._recheck_at = None  # planned for when what is under way has ended
            self._dirty = True
        if self.transition is not None and not self._walk(self.transition):
            return
        waits = self._retry_at is not None and self._retry_at > self._out.now
        if self._pending or waits:
            self._tell(idle=False)
            return
        if self._dirty:
            self._plan()
            if self.transition is not None and not self._walk(self.transition):
                self._tell(idle=False)
                return
            if self._dirty and self._retry_at is None:  # it failed at once, and would again
                self._retry_at = self._out.now + _RETRY_S
            if self._dirty:
                self._tell(idle=False)
                return
        self._tell(idle=True)

    def _walk(self, transition: Transition) -> bool:
        """Begin what is ready; True when the transition has ended."""
        for action in transition.expire(self._out.now):
            self._out.log("error", "CRMD", f"{action.key} on {action.node} gave no result in time")
        while ready := transition.take_ready():
            for action in ready:
                if transition.may_begin(action):  # one before it may have failed at once
                    self._begin(transition, action)
        if not transition.over:
            return False
        level = "info" if transition.aborted else "notice"
        stuck = transition.count(State.WAITING) and not transition.aborted
        end = "stuck" if stuck else "complete"
        if transition.aborted:
            end = f"over early ({transition.abort_reason})"
        self._out.log(
            "error" if stuck else level,
            "CRMD",
            f"Transition {transition.number} is {end}: {transition.summary()}",
        )
        # What was aborted for another reason than a failure is to be planned again already.
        self._dirty = self._dirty or transition.count(State.FAILED) > self._given_up
        self.transition = None
        return True

    def _plan(self) -> None:
        """Make a plan for the CIB as it is, and a transition of it."""
        self._dirty = False
        self._retry_at = None
        text = self._replica.config.properties().get("cluster-recheck-interval", "")
        interval = lenient_ms(text, RECHECK_INTERVAL_MS)
        self._recheck_at = self._out.now + interval / 1000 if interval > 0 else None
        when = datetime.fromtimestamp(self._out.wall, UTC)
        try:
            plan = self._planner(self._replica.cib, when)
        except Exception as error:  # whatever is wrong with a configuration, the node goes on
            kind = "" if isinstance(error, CrmError) else f"{type(error).__name__}: "
            self._out.log("error", "PENGINE", f"No plan could be made: {kind}{error}")
            return
        if plan.recheck_at is not None:
            left = max(0.0, plan.recheck_at.timestamp() - self._out.wall)
            at = self._out.now + left
            self._recheck_at = at if self._recheck_at is None else min(self._recheck_at, at)
        for message in plan.messages:  # most findings stay from plan to plan: say them once
            if message not in self._said:
                self._out.log(message.level, "PENGINE", message.text)
        self._said = frozenset(plan.messages)
        for change in plan.changes:
            self._out.log("notice", "PENGINE", _told(change))
        if not plan.actions or self._waits_for_nodes(plan):
            return
        self._number += 1
        self._order = max(self._order, last_order(self._replica.status))
        self._given_up = 0
        self.transition = Transition(
            self._number,
            self._uuid,
            probes_before_the_end(plan.actions),
            batch_limit=plan.batch_limit,
            node_limit=self._node_limit(),
            # Whoever follows as DC does not know of what is under way: nothing may be.
            last=lambda action: action.operation == "do_shutdown" and self._is_me(action),
        )
        self._delay_s = plan.cluster_delay_ms / 1000

    def _waits_for_nodes(self, plan: Plan) -> bool:
        """Whether the plan is for nodes that may only be starting (``dc-deadtime``).

        Those that this cluster has never seen are given some time before they are fenced; and
        where no majority is needed, before anything begins that may run there.
        """
        seen = {state.get("uname") for state in self._replica.status.findall("node_state")}
        members = {
            node.get("uname")
            for node in self._replica.config.section("nodes").findall("node")
            if node.get("type", "member") == "member"
        }
        unseen = {
            action.meta.get("on_node", action.node)
            for action in plan.actions
            if action.operation == "stonith"
        } - seen
        if 2 * len(self._names) <= len(members):
            unseen |= members - seen
        if not unseen:
            return False
        text = self._replica.config.properties().get("dc-deadtime", "")
        until = self._began + duration_ms(text, DC_DEADTIME_MS) / 1000
        if until <= self._out.now:
            return False
        if self._waits_said != unseen:
            self._waits_said = unseen
            names = ", ".join(sorted(unseen))
            self._out.log("notice", "CRMD", f"Waiting for {names} until dc-deadtime is over")
        self._dirty = True
        self._retry_at = until
        return True

    def _node_limit(self) -> int:
        """How many agents may run on a node at once: ``node-action-limit``, if it is set."""
        text = self._replica.config.properties().get("node-action-limit", "")
        return whole(text) or NODE_ACTION_LIMIT

    def _begin(self, transition: Transition, action: Action) -> None:
        if action.kind is ActionKind.PSEUDO:
            if action.operation == "stonith":  # a guest: it is off with its machine
                name = action.meta.get("on_node", action.node)
                self._out.multicast(RemoteState(view=self._view, name=name, up=False, fenced=True))
            transition.done(action)
            return
        deadline = self._out.now + action.timeout_ms / 1000 + max(self._delay_s, _GRACE_S)
        match action.operation:
            case "stonith":
                # Who sees to it keeps the time: how long it takes depends on the devices.
                transition.begun(action, self._out.now + _FENCING_S)
                self._fencing.begin(action, lambda ok: self._fenced(transition, action, ok=ok))
            case "clear_failcount":
                transition.begun(action, deadline)
                self._clear_failures(transition, action)
            case _:
                self._send(transition, action, deadline)

    def _is_me(self, action: Action) -> bool:
        return action.node == self._names.get(self._node_id)

    def _fenced(self, transition: Transition, action: Action, *, ok: bool) -> None:
        target = action.meta.get("on_node", action.node)
        unfencing = action.meta.get("stonith_action") == "on"
        is_current = transition is self.transition and action in transition.under_way()
        if unfencing and not is_current:
            return  # another membership: the node may have begun anew since
        if ok:
            self._attempts.pop(target, None)
            if unfencing:
                self._note_unfenced(action, target)
        else:
            self._attempts[target] = self._attempts.get(target, 0) + 1
        if not is_current:
            return
        if ok:
            transition.done(action)
            return
        transition.failed(action, f"{action.key} failed")
        limit = self._max_attempts()
        if self._attempts[target] >= limit:
            text = f"Fencing {target} has failed {self._attempts[target]} times: giving up"
            self._out.log("error", "CRMD", f"{text} until something changes")
            self._given_up += 1
        else:
            self._retry_at = self._out.now + _RETRY_S

    def _max_attempts(self) -> int:
        text = options.value_of(self._replica.config.properties(), "fencing-max-attempts")
        return max(1, int(text)) if is_number(text) else MAX_ATTEMPTS

    def _note_unfenced(self, action: Action, target: str) -> None:
        """Let the node be known as unfenced, and by which definitions of the devices."""
        values = {
            UNFENCED: str(int(self._out.wall)),
            "#digests-all": action.meta.get("digests_all", ""),
            "#digests-secure": action.meta.get("digests_secure", ""),
        }
        for name, value in values.items():
            self._out.multicast(
                AttributeChange(view=self._view, node=target, name=name, value=value)
            )

    def _clear_failures(self, transition: Transition, action: Action) -> None:
        interval = action.meta.get("interval", "0")
        self._out.multicast(
            ClearFailures(
                view=self._view,
                resource=action.resource,
                node=action.node,
                transition_key=transition.key_of(action),
                operation=action.meta.get("operation", ""),
                interval_ms=whole(interval),
            )
        )

    def _send(self, transition: Transition, action: Action, deadline: float) -> None:
        """Have a member's executor carry it out."""
        via = action.router or action.node
        target = next((n for n, name in self._names.items() if name == via), None)
        if target is None or not self._managers.get(target):
            if action.operation in _DELETES:
                self._out.multicast(  # it is a lock that ends: nobody else could forget it
                    CleanHistory(
                        view=self._view,
                        resource=action.resource,
                        node=action.node,
                        all_history=True,
                    )
                )
                transition.done(action)
            else:
                transition.failed(action, f"{action.key}: {via} is not online")
            return
        if action.kind is ActionKind.CLUSTER and action.operation not in (
            *_DELETES,
            "do_shutdown",
            "cancel",
        ):
            transition.done(action)  # nothing that this engine has to do for it
            return
        transition.begun(action, deadline)
        self._order += 1
        self._out.log("notice", "CRMD", f"{action.node} is asked for {action.key}")
        self._out.multicast(
            RunAction(
                view=self._view,
                target=target,
                transition_key=transition.key_of(action),
                key=action.key,
                operation=action.operation,
                resource=action.resource,
                agent=_agent(action),
                interval_ms=action.interval_ms,
                timeout_ms=action.timeout_ms,
                target_rc=action.target_rc,
                parameters=dict(action.parameters),
                meta=dict(action.meta),
                on=action.node if action.router else "",
                time=int(self._out.wall),
                order=self._order,
            )
        )

    def _give_up_pending(self) -> None:
        now = self._out.now
        for key in [k for k, deadline in self._pending.items() if deadline <= now]:
            del self._pending[key]
            self._out.log("error", "CRMD", f"Node {key[0]} never told the end of {key[1]}")

    def _tell(self, *, idle: bool) -> None:
        """Tell everybody whether there is something to do, if that is news."""
        if idle:
            news = self._told != (True, self.changes)
        else:
            news = self._told is not None and self._told[0]
        if news:
            self._told = (idle, self.changes)
            self._out.multicast(DcState(view=self._view, idle=idle, changes=self.changes))


def _told(change: ResourceChange) -> str:
    """What a plan does to a resource: ``ClusterIP: move from pacemaker01 to pacemaker02``."""
    one, other = change.from_node, change.to_node
    where = f" from {one} to {other}" if one and other and one != other else f" on {one or other}"
    blocked = ", which is blocked" if change.blocked else ""
    return f"{change.resource}: {change.change.value}{where if one or other else ''}{blocked}"


def _agent(action: Action) -> AgentName | None:
    agent = action.agent
    if agent is None:
        return None
    return AgentName(standard=agent.standard, provider=agent.provider, type=agent.type)

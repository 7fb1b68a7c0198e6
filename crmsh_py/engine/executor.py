"""The executor of one node: which agent runs when, and what is told about it.

Input: actions from the DC (``RunAction``), ends of operations, time. Output: ``RunOperation`` and
``CancelOperation`` instructions, and ``Outcome`` messages for the stream.

Rules:

1. One operation per resource at a time; others wait in their order.
2. A recurring operation is begun at once, and again its interval after it has ended. Its
   result is told after the first run, and when it is another than before.
3. Whatever changes a resource's state (start, stop, promote, demote, migrate) ends its recurring
   operations first, also one that is just running: its result would be about the past.
4. What a DC asked for in one view and has not begun is dropped with that view; what has begun
   goes on, is told as pending, and its result stands in this node's history.
5. A resource is stopped with the parameters that it was started with, whatever the configuration
   says by now: an address that was changed must go before the new one comes.
6. An agent of OCF 1.0 is reloaded by ``reload``, one of 1.1 by ``reload-agent``. The scheduler
   wants the latter only where the history says that the agent can.
7. A fence device is nothing that runs: starting and monitoring it asks its agent whether it works,
   stopping it asks nobody.
8. The history is memory of this run of the daemon: after a restart, probes find what runs.
9. A connection to a remote node has no agent: who holds the connections does it (``remotes``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from crmsh_py.cib.agent_name import is_remote
from crmsh_py.cib.document import FEATURE_SET
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.engine import records
from crmsh_py.engine.api import AgentFacts, CancelOperation, OperationFinished, RunOperation
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.fencing_devices import agent_parameters
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.status import (
    call_number,
    drop_history,
    history_of,
    new_node_state,
    put_history,
    without_entries,
)
from crmsh_py.engine.uncounted import Uncounted
from crmsh_py.scheduler.history import is_last_failure, last_failure_id
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.wire.stream import AgentName, Failure, Outcome, RunAction, ViewId

_NOT_RUNNING = 7
MAX_WAITING = 1000  # operations of one resource; a DC sends a handful
_TAKES_PARAMETERS = frozenset({"start", "reload", "reload-agent"})
_KEEPS_RECURRING = frozenset({"monitor", "notify", "reload", "reload-agent", "meta-data"})
_TELLS_ACTIVITY = frozenset(
    {
        *("start", "stop", "monitor", "promote", "demote", "migrate_to", "migrate_from"),
        records.FAILURE_ON_REQUEST,
    }
)


@dataclass(slots=True, kw_only=True)
class Job:
    """An operation that runs or waits for its resource. ``silent``: told only if it changes."""

    action: RunAction
    queued_at: float
    call_id: int = 0
    begun_at: float = 0.0
    silent: bool = False
    cancelled: bool = False


@dataclass(slots=True, kw_only=True)
class Recurring:
    """A recurring operation; ``due`` is None while it runs or waits in the queue."""

    action: RunAction
    due: float | None = None
    last: tuple[int, int] | None = None  # rc and status of the run before
    changed_at: int = 0


@dataclass(slots=True, kw_only=True)
class Lane:
    """The operations of one resource."""

    running: Job | None = None
    waiting: deque[Job] = field(default_factory=deque)


class Connections(Protocol):
    """What carries out the operations of connections to remote nodes: ``remotes.Remotes``."""

    def begin(self, call: int, action: RunAction) -> OperationFinished | None:
        """Begin an operation; its result at once, or None: ``Executor.finished`` will be told."""

    def cancel(self, call: int) -> None:
        """End it; that is told, too."""


class Executor:
    """Runs the actions that one node is given."""

    def __init__(
        self,
        node_id: int,
        node: str,
        outbox: Outbox,
        view: Callable[[], ViewId],
        *,
        told: Callable[[RunAction, OperationFinished], None] = lambda _, __: None,
    ) -> None:
        """``told`` is called with every result that is told to the others."""
        self._node = node
        self._out = outbox
        self._view = view
        self._told = told
        self._calls = 0
        self._lanes: dict[str, Lane] = {}
        self._by_call: dict[int, Job] = {}
        self._recurring: dict[tuple[str, str], Recurring] = {}  # resource, operation key
        self._started_with: dict[str, Mapping[str, str]] = {}  # parameters by resource
        self._facts: dict[AgentName, AgentFacts] = {}
        self._devices: set[str] = set()  # fence devices that were started here
        self.connections: Connections | None = None
        self.uncounted = Uncounted()
        self.state = new_node_state(str(node_id), node, {})

    # ---- reading -------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When the next recurring operation is due."""
        return soonest([each.due for each in self._recurring.values()])

    def pending(self) -> dict[str, int]:
        """Keys of the operations that have begun, with the milliseconds that they may still take.

        Recurring ones that nobody waits for are left out.
        """
        now = self._out.now
        return {
            job.action.key: max(0, int(job.action.timeout_ms - (now - job.begun_at) * 1000))
            for job in self._by_call.values()
            if not job.silent and not job.cancelled
        }

    def is_clean(self) -> bool:
        """Whether nothing runs on this node, for sure: what is under way may leave something.

        Fence devices are only configured; that they are started means nothing.
        """
        if any(lane.running and not _is_fencing(lane.running.action) for lane in
               self._lanes.values()):  # fmt: skip
            return False
        for entry in self.state.iter("lrm_resource"):
            newest = max(
                (op for op in entry.children if op.get("operation") in _TELLS_ACTIVITY),
                key=call_number,
                default=None,
            )
            if entry.get("class") != "stonith" and newest is not None and not _is_inactive(newest):
                return False
        return True

    def under_way(self) -> list[RunAction]:
        """The actions that have begun and not ended, but for those that nobody waits for."""
        jobs = self._by_call.values()
        return [job.action for job in jobs if not job.silent and not job.cancelled]

    def knows(self, resource: str) -> bool:
        """Whether there is a history of this resource."""
        return any(r.id == resource for r in self.state.iter("lrm_resource"))

    # ---- actions -------------------------------------------------------------------------------

    def run(self, action: RunAction) -> None:
        """Carry out an action of the DC for this node."""
        match action.operation:
            case "cancel":
                self._cancel_action(action)
            case "delete" | "lrm_delete":
                self.forget(action.resource)
                self._tell(action, forget_all=True)
            case _ if action.agent is None:
                self._tell(action, ok=False)
            case _:
                self._enqueue(action)

    def refuse(self, action: RunAction) -> None:
        """This node carries nothing out: the DC must not wait for it."""
        noted = records.pending_of(action, node=self._node) if records.is_sending(action) else None
        self._tell(action, ok=False, forget=[entry.id for entry in noted.children] if noted else [])

    def forget(self, resource: str) -> None:
        """Drop the history of a resource and its recurring operations."""
        self._cancel_recurring(resource)
        self.state = drop_history(self.state, resource)

    def forget_failure(self, resource: str) -> None:
        """Drop the entry of the last failure of a resource: one that lasts is told again."""
        self.forget_entries(resource, [last_failure_id(resource)])
        for (name, _), recurring in self._recurring.items():
            if name == resource and recurring.last != (recurring.action.target_rc, 0):
                recurring.last = None

    def forget_entries(self, resource: str, entries: Sequence[str]) -> None:
        """Drop entries of a resource."""
        self.state = without_entries(self.state, resource, *entries)

    def fail(self, resource: str, time: int) -> None:
        """Tell that a resource has failed at this Unix time, s: somebody asked for that.

        What is being done to it just now takes precedence, and so does a start that failed.
        """
        history = history_of(self.state, resource)
        lane = self._lanes.get(resource) or Lane()
        jobs = (lane.running, *lane.waiting)
        outcome = records.nothing_failed(self._view(), resource)
        idle = all(job is None or job.silent for job in jobs)
        if history is not None and idle and not records.could_not_start(history):
            self._calls += 1  # the newest of all
            entries = records.failed_on_request(
                history, node=self._node, time=time, call_id=self._calls
            )
            self.state = put_history(self.state, entries)
            outcome = records.failure_on_request(self._view(), entries, time)
            self._out.log("error", "LRMD", f"{resource} is taken for failed, as was asked for")
        self.uncounted.add(outcome)
        self._out.multicast(outcome)

    def look_at(self, resource: str) -> None:
        """Begin the recurring operations of a resource that are not under way, as soon as can be.

        Something has happened to it. What has been so for longer than their interval is told anew.
        """
        for (name, _), recurring in self._recurring.items():
            if name == resource and recurring.due is not None:
                recurring.due = self._out.now
                if self._out.wall - recurring.changed_at > 1 + recurring.action.interval_ms / 1000:
                    recurring.last = None

    def doubt_stopped(self) -> None:
        """Forget which resources are inactive, so that the DC looks for them again.

        For a node that comes back from a partition without quorum. What it was told to stop there
        may be there still: an agent that cannot see its network interface says that the address
        is stopped, and the address is back with the cable.
        """
        for entry in list(self.state.iter("lrm_resource")):
            newest = max(entry.children, key=call_number, default=None)
            if newest is not None and entry.id not in self._lanes and _is_inactive(newest):
                self.forget(entry.id)

    def begin_view(self) -> list[Outcome]:
        """The DC's plans of the view before are void: what has not begun is dropped.

        What waited had ended recurring operations already. Their entries would say that they go
        on, and nobody would begin them again: they go, too. Returned is what is true of the
        dropped ones, for those who have written down that they are under way.
        """
        undone: list[Outcome] = []
        for resource, lane in self._lanes.items():
            kept = [job for job in lane.waiting if job.silent]
            dropped = [job for job in lane.waiting if not job.silent]
            lane.waiting = deque(kept)
            for job in dropped:
                self._recurring.pop((resource, job.action.key), None)
            ended = self._ended_recurring(resource) if dropped else []
            if ended:
                self.state = without_entries(self.state, resource, *ended)
            undone += [self._undone(job.action, ended) for job in dropped]
        return undone

    def _undone(self, action: RunAction, ended: list[str]) -> Outcome:
        """An action will not begin: the history is what it was."""
        history = history_of(self.state, action.resource)
        written = records.pending_of(action, node=self._node).children
        return Outcome(
            view=self._view(),
            name=action.resource,
            key=action.key,
            transition_key=action.transition_key,
            resource=to_xml(history, indent=None) if history is not None else "",
            forget=[*ended, *(entry.id for entry in written)],
            forget_all=history is None,
            ok=False,
        )

    def _ended_recurring(self, resource: str) -> list[str]:
        """The entries of recurring operations that are begun no more; failures stay."""
        history = history_of(self.state, resource)
        return [
            entry.id
            for entry in (history.children if history is not None else ())
            if entry.get("interval", "0") != "0"
            and not is_last_failure(entry.id)
            and (resource, entry.id) not in self._recurring
        ]

    def stop(self) -> None:
        """The cluster manager ends: nothing is begun any more."""
        for resource, key in list(self._recurring):
            self._cancel_one(resource, key)
        for lane in self._lanes.values():
            lane.waiting.clear()
            job = lane.running  # of a fence device, at most: its result is nobody's business now
            if job is not None and not job.cancelled:
                job.cancelled = True
                if not job.silent:
                    self._tell(job.action, ok=False)
        self.uncounted.clear()
        self.state = self.state.with_children(())

    def _enqueue(self, action: RunAction) -> None:
        resource = action.resource
        present = self._lanes.get(resource)
        if present is not None and len(present.waiting) >= MAX_WAITING:
            self.refuse(action)
            return
        if action.operation not in _KEEPS_RECURRING:
            self._cancel_recurring(resource)
        if action.interval_ms:
            self._cancel_one(resource, action.key)
            self._recurring[resource, action.key] = Recurring(action=action)
        # Not before: what is cancelled may end at once, and the lane with it.
        lane = self._lanes.setdefault(resource, Lane())
        lane.waiting.append(Job(action=action, queued_at=self._out.now))
        self._advance(resource)

    def _cancel_action(self, action: RunAction) -> None:
        operation = action.meta.get("operation", "monitor")
        interval = action.meta.get("interval", str(action.interval_ms))
        key = f"{action.resource}_{operation}_{interval}"
        self._cancel_one(action.resource, key)
        self.state = without_entries(self.state, action.resource, key)
        self._tell(action, forget=[key])

    def _cancel_recurring(self, resource: str) -> None:
        for name, key in [k for k in self._recurring if k[0] == resource]:
            self._cancel_one(name, key)

    def _cancel_one(self, resource: str, key: str) -> None:
        if self._recurring.pop((resource, key), None) is None:
            return
        lane = self._lanes.get(resource)
        if lane is None:
            return
        job = lane.running
        for each in (job, *lane.waiting):
            if each is not None and each.action.key == key and not each.silent:
                self._tell(each.action, ok=False)  # the DC must not wait for its first result
        lane.waiting = deque(each for each in lane.waiting if each.action.key != key)
        if job is not None and job.action.key == key:
            job.cancelled = True
            if self.connections is not None and _is_connection(job.action):
                self.connections.cancel(job.call_id)
            else:
                self._out.do(CancelOperation(call_id=job.call_id))

    # ---- operations ----------------------------------------------------------------------------

    def finished(self, event: OperationFinished) -> None:
        """An operation has ended; tell its result and begin what waits for its resource."""
        job = self._by_call.pop(event.call_id, None)
        if job is None:
            return
        resource, agent = job.action.resource, job.action.agent
        if _is_connection(job.action):
            exec_ms = int((self._out.now - job.begun_at) * 1000)
            event = replace(event, exec_ms=exec_ms, started_at=self._out.wall - exec_ms / 1000)
        if event.facts is not None and agent is not None:
            self._facts[agent] = event.facts
        lane = self._lanes[resource]
        assert lane.running is job
        lane.running = None
        if not job.cancelled:
            self._record(job, event)
        self._advance(resource)
        if lane.running is None and not lane.waiting:
            self._lanes.pop(resource, None)  # what was begun may have ended at once

    def handle_timer(self) -> None:
        """Begin the recurring operations that are due."""
        for (resource, _), recurring in list(self._recurring.items()):
            if recurring.due is not None and recurring.due <= self._out.now:
                recurring.due = None
                lane = self._lanes.setdefault(resource, Lane())
                lane.waiting.append(
                    Job(action=recurring.action, queued_at=self._out.now, silent=True)
                )
                self._advance(resource)

    def _advance(self, resource: str) -> None:
        lane = self._lanes[resource]
        if lane.running is not None or not lane.waiting:
            return
        job = lane.running = lane.waiting.popleft()
        self._calls += 1
        job.call_id = self._calls
        job.begun_at = self._out.now
        self._by_call[job.call_id] = job
        action = job.action
        assert action.agent is not None
        parameters: Mapping[str, str] = action.parameters
        if records.is_sending(action):  # it is to be known in the next view, too
            self.state = put_history(self.state, records.pending_of(action, node=self._node))
        if action.operation in _TAKES_PARAMETERS:
            self._started_with[resource] = parameters
        elif action.operation == "stop":
            parameters = self._started_with.get(resource, parameters)
        facts = self._facts.get(action.agent)
        operation = action.operation
        if self.connections is not None and _is_connection(action):
            result = self.connections.begin(job.call_id, action)
            if result is not None:
                self.finished(result)
            return
        if _is_fencing(action):
            at_once = self._use_device(job)
            if at_once is not None:
                self.finished(OperationFinished(call_id=job.call_id, rc=at_once, status=0))
                return
            operation = "monitor"  # whether a device can be started is whether it answers
            parameters = agent_parameters(
                FenceDevice(id=resource, agent=action.agent.type, parameters=parameters), operation
            )
        if operation == "reload-agent" and facts is not None and facts.reload:
            operation = facts.reload
        self._out.do(
            RunOperation(
                call_id=job.call_id,
                resource=action.resource,
                standard=action.agent.standard,
                provider=action.agent.provider,
                type=action.agent.type,
                action=operation,
                timeout_ms=action.timeout_ms,
                parameters=parameters,
                environment=environment(action, self._node),
            )
        )

    def _use_device(self, job: Job) -> int | None:
        """The result of an operation on a fence device that needs no agent, else None.

        A device is started by being made known here; only its agent can tell whether it works.
        """
        action = job.action
        match action.operation:
            case "start" | "reload" | "reload-agent":
                self._devices.add(action.resource)
                return None
            case "monitor" if action.interval_ms or action.resource in self._devices:
                return None
            case "monitor":
                return _NOT_RUNNING
            case _:
                self._devices.discard(action.resource)
                return 0

    def _record(self, job: Job, event: OperationFinished) -> None:
        action = job.action
        changed_at = int(event.started_at or self._out.wall)
        recurring = self._recurring.get((action.resource, action.key))
        silent = job.silent
        if recurring is not None:
            recurring.due = self._out.now + action.interval_ms / 1000
            result = (event.rc, event.status)
            silent = job.silent and recurring.last == result
            if recurring.last != result:
                recurring.changed_at = changed_at
            recurring.last = result
            changed_at = recurring.changed_at
        if silent:
            return
        assert action.agent is not None
        if action.operation == "notify":
            # It changes nothing, so it is in no history and no alert (Pacemaker: the same).
            self._log_result(action, event, bad=False)
            self._tell(action)
            return
        element = records.history_of(
            action,
            event,
            self._facts.get(action.agent),
            node=self._node,
            call_id=job.call_id,
            queued_ms=int((job.begun_at - job.queued_at) * 1000),
            changed_at=changed_at,
        )
        bad = records.failed(action, event)
        if action.operation == "stop" and not bad:
            self._started_with.pop(action.resource, None)
        outdated = self._recurring_entries(action) if not bad else []
        self.state = put_history(self.state, element, outdated)
        self._log_result(action, event, bad=bad)
        self._told(action, event)
        self._tell(
            action,
            element,
            ok=not bad,
            rc=event.rc,
            forget=outdated,
            failure=records.failure_of(action, event, changed_at) if bad else None,
        )

    def _recurring_entries(self, action: RunAction) -> list[str]:
        """The entries of a connection's monitors, which mean nothing after its stop.

        They must go: a start that failed is forgotten after ``reconnect_interval``, and what was
        before it would count again.
        """
        if action.operation != "stop" or not _is_connection(action):
            return []
        history = history_of(self.state, action.resource)
        entries = history.children if history is not None else ()
        return [entry.id for entry in entries if entry.get("interval", "0") != "0"]

    def _log_result(self, action: RunAction, event: OperationFinished, *, bad: bool) -> None:
        took = f"after {event.exec_ms} ms"
        probe = action.operation == "monitor" and not action.interval_ms
        if probe and (event.rc, event.status) in ((0, 0), (7, 0)):
            found = "it is running" if event.rc == 0 else "it is not running"
            self._out.log("notice", "LRMD", f"{action.key}: {found} ({took})")
        elif bad:
            what = "timed out" if event.status == 2 else f"failed with rc={event.rc}"
            reason = f": {event.exit_reason}" if event.exit_reason else ""
            self._out.log("error", "LRMD", f"{action.key} {what} {took}{reason}")
        else:
            standin = " (stand-in)" if event.standin else ""
            self._out.log("notice", "LRMD", f"{action.key}{standin} done {took}")

    def _tell(
        self,
        action: RunAction,
        element: Element | None = None,
        *,
        ok: bool = True,
        rc: int = 0,
        forget: list[str] | None = None,
        forget_all: bool = False,
        failure: Failure | None = None,
    ) -> None:
        outcome = Outcome(
            view=self._view(),
            name=action.resource,
            key=action.key,
            transition_key=action.transition_key,
            resource=to_xml(element, indent=None) if element is not None else "",
            forget=forget or [],
            forget_all=forget_all,
            rc=rc,
            ok=ok,
            failure=failure,
        )
        self.uncounted.add(outcome)
        self._out.multicast(outcome)


def _is_connection(action: RunAction) -> bool:
    """Whether an action is about the connection to a remote node."""
    return action.agent is not None and is_remote(action.agent)


def _is_fencing(action: RunAction) -> bool:
    return action.agent is not None and action.agent.standard == "stonith"


def _is_inactive(entry: Element) -> bool:
    """Whether an entry says that the resource is not there: stopped, or not found."""
    result = (entry.get("operation"), entry.get("rc-code"))
    return result in (("stop", "0"), ("monitor", "7"))


def environment(action: RunAction, node: str) -> dict[str, str]:
    """The variables besides the parameters that an agent is given, as Pacemaker names them."""
    agent = action.agent
    assert agent is not None
    meta = {
        "name": action.operation,
        "timeout": str(action.timeout_ms),
        "on_node": node,
        **action.meta,
    }
    if action.interval_ms:
        meta["interval"] = str(action.interval_ms)
    variables = {f"OCF_RESKEY_CRM_meta_{name}": value for name, value in sorted(meta.items())}
    variables["OCF_RESKEY_crm_feature_set"] = FEATURE_SET
    variables["OCF_RESOURCE_INSTANCE"] = action.resource
    variables["OCF_RESOURCE_TYPE"] = agent.type
    if agent.provider:
        variables["OCF_RESOURCE_PROVIDER"] = agent.provider
    return variables

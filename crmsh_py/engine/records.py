"""From the end of an operation to what this node writes down about it.

The entries themselves are ``scheduler.history``'s, which the scheduler reads again and simulates
with. What is added here is what only the node that ran the operation knows: when, how long, and
what its agent says of its parameters. By that the digests of the entry tell later whether a
changed parameter needs a restart, a reload, or is nobody else's business.
"""

from __future__ import annotations

from crmsh_py.cib.agent_name import is_remote
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.engine.api import AgentFacts, OperationFinished
from crmsh_py.engine.status import call_number
from crmsh_py.scheduler import history as history_entries
from crmsh_py.scheduler.result import Action, ActionKind, Digests
from crmsh_py.whole_numbers import whole
from crmsh_py.wire.stream import Failure, Outcome, RunAction, ViewId

FAILURE_ON_REQUEST = "asyncmon"
_NO_CALL, _UNKNOWN, _PENDING = -1, 193, -1
_CHANGES = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from"})


def changes_state(action: RunAction) -> bool:
    """Whether a resource is another thing after this action than before, if it works."""
    return action.agent is not None and action.operation in _CHANGES


def is_noted(action: RunAction) -> bool:
    """Whether all members write down that it was asked for: its node may not live to tell.

    On remote nodes all changes are; elsewhere ``migrate_to``: it has an effect on another node.
    """
    return changes_state(action) if action.on else is_sending(action)


def is_sending(action: RunAction) -> bool:
    """Whether something is migrated to another node; a connection only has its two ends."""
    agent = action.agent
    return action.operation == "migrate_to" and agent is not None and not is_remote(agent)


def failed(action: RunAction, finished: OperationFinished) -> bool:
    """Whether the result is another than the one that was expected."""
    result = history_entries.Result(rc=finished.rc, status=finished.status)
    task = history_entries.recorded_task(action.operation, finished.status)
    return history_entries.failed(task, result, action.target_rc)


def history_of(
    action: RunAction,
    finished: OperationFinished,
    facts: AgentFacts | None,
    *,
    node: str,
    call_id: int,
    queued_ms: int,
    changed_at: int,
) -> Element:
    """The ``<lrm_resource>`` with the entries of this result; the action has an agent."""
    agent = action.agent
    assert agent is not None
    result = history_entries.Result(
        rc=finished.rc,
        status=finished.status,
        call_id=call_id,
        exit_reason=finished.exit_reason,
        run_at=changed_at,
        changed_at=changed_at,
        exec_ms=finished.exec_ms,
        queue_ms=queued_ms,
        standin=finished.standin,
    )
    entries = history_entries.entries(
        action.resource,
        Action(
            id=0,
            kind=ActionKind.RESOURCE,
            operation=action.operation,
            key=action.key,
            interval_ms=action.interval_ms,
            meta=action.meta,
            target_rc=action.target_rc,
            digests=digests_of(action, facts),
        ),
        result,
        key=action.transition_key,
        node=node,
        origin="do_update_resource",
    )
    if action.order:  # by which the entries of two nodes are told apart, not by their clocks
        order = {history_entries.ORDER: str(action.order)}
        entries = tuple(entry.with_attributes(order) for entry in entries)
    identity = {"id": action.resource, "class": agent.standard}
    if agent.provider:
        identity["provider"] = agent.provider
    return Element("lrm_resource", {**identity, "type": agent.type}, entries)


def pending_of(action: RunAction, facts: AgentFacts | None = None, *, node: str) -> Element:
    """The ``<lrm_resource>`` of an operation that has been asked for and has not ended.

    Written where ``is_noted``: who follows when a node is lost must know of it.
    """
    result = OperationFinished(call_id=_NO_CALL, rc=_UNKNOWN, status=_PENDING)
    return history_of(
        action, result, facts, node=node, call_id=_NO_CALL, queued_ms=0, changed_at=action.time
    )


def last_order(status: Element) -> int:
    """The place in the order of what was asked for last, of all that the status tells of."""
    entries = status.iter("lrm_rsc_op")
    return max((whole(entry.get(history_entries.ORDER)) for entry in entries), default=0)


def failure_key(resource: str) -> str:
    """The key of a failure that somebody asked for."""
    return f"{resource}_{FAILURE_ON_REQUEST}_0"


def failed_on_request(history: Element, *, node: str, time: int, call_id: int) -> Element:
    """The ``<lrm_resource>`` of a failure that somebody asked for; ``time`` is Unix time, s.

    Pacemaker's name for an operation that nobody began is ``asyncmon``.
    """
    failure = history_entries.Result(
        rc=1, status=0, call_id=call_id, exit_reason="Simulated failure", run_at=time
    )
    action = Action(
        id=0,
        kind=ActionKind.RESOURCE,
        operation=FAILURE_ON_REQUEST,
        key=failure_key(history.id),
    )
    key = history_entries.transition_key(0, 0, 0, history_entries.NO_CONTROLLER)
    entries = history_entries.entries(
        history.id, action, failure, key=key, node=node, origin="fail_lrm_resource"
    )
    return history.with_children(entries)


def could_not_start(history: Element) -> bool:
    """Whether the newest entry tells of a start that has failed: then nobody monitors it."""
    newest = max(history.children, key=call_number, default=None)
    if newest is None or newest.get("operation") != "start" or newest.get("call-id") == "-1":
        return False
    return newest.get("rc-code") != "0"


def failure_on_request(view: ViewId, entries: Element, time: int) -> Outcome:
    """The message that tells such a failure."""
    return Outcome(
        view=view,
        name=entries.id,
        key=failure_key(entries.id),
        transition_key="",
        resource=to_xml(entries, indent=None),
        rc=1,
        ok=False,
        failure=Failure(operation=FAILURE_ON_REQUEST, interval_ms=0, time=time),
    )


def failure_of(action: RunAction, event: OperationFinished, time: int) -> Failure:
    """What the fail counts must know of an operation that failed; ``time`` is Unix time, s.

    A reload that fails is a start that failed, for the history and so for the fail counts. Of
    on-fail=ignore the plan knows that asked for the operation; what recurs has outlived that.
    """
    return Failure(
        operation=history_entries.recorded_task(action.operation, event.status),
        interval_ms=action.interval_ms,
        time=time,
        ignored=not action.interval_ms and action.meta.get("on_fail", "").lower() == "ignore",
    )


def nothing_failed(view: ViewId, resource: str) -> Outcome:
    """The answer where nothing can be taken for failed: nobody waits any longer."""
    return Outcome(view=view, name=resource, key=failure_key(resource), transition_key="")


def digests_of(action: RunAction, facts: AgentFacts | None) -> Digests:
    """The digests of the parameters that an operation ran with."""
    # Here, and not above: it brings most of the scheduler, which a node that only listens to
    # the ring never needs.
    from crmsh_py.scheduler import digests

    facts = facts or AgentFacts()
    return digests.for_history(
        action.parameters,
        interval_ms=action.interval_ms,
        timeout_ms=action.timeout_ms,
        unique=facts.restart,
        private=facts.private,
    )

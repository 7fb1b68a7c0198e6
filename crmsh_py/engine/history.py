"""What a node writes down about an operation that has ended: entries of Pacemaker's form.

A failed operation is kept as ``RSC_last_failure_0`` (and, if it is not a recurring one, as
``RSC_last_0`` too), a recurring one under its own key, any other as ``RSC_last_0``.
``last-rc-change`` is when the result was first seen. A run of a stand-in agent is marked
``crm-standin="true"``.
(Pacemaker: ``lib/pacemaker/pcmk_sched_actions.c``, the entries that its controller writes.)
"""

from __future__ import annotations

from crmsh_py.cib.document import FEATURE_SET
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import OperationFinished
from crmsh_py.wire.stream import RunAction

CANCELLED = 1  # op-status values, as far as they are decided here
NOT_INSTALLED = 7
NO_FAILURE_STATUS = frozenset({-1, 0, CANCELLED})
DEGRADED = frozenset({190, 191})  # running, or promoted, but worse than it should be: no failure


def failed(action: RunAction, finished: OperationFinished) -> bool:
    """Whether the result is another than the one that was expected."""
    if finished.status not in NO_FAILURE_STATUS:
        return True
    if finished.status:
        return False
    if action.operation == "monitor" and finished.rc in DEGRADED:
        return False
    return finished.rc != action.target_rc


def entry_ids(action: RunAction, *, failure: bool) -> tuple[str, ...]:
    """The ids of the history entries that this result goes into."""
    if action.operation == "notify":
        return ()
    if failure:
        ids = [f"{action.resource}_last_failure_0"]
        if not action.interval_ms:
            ids.append(f"{action.resource}_last_0")
        return tuple(ids)
    if action.interval_ms:
        return (action.key,)
    return (f"{action.resource}_last_0",)


def history_of(
    action: RunAction,
    finished: OperationFinished,
    *,
    node: str,
    call_id: int,
    queued_ms: int,
    changed_at: int,
) -> Element | None:
    """The ``<lrm_resource>`` with the new entries; None for what leaves none (notifications)."""
    agent = action.agent
    ids = entry_ids(action, failure=failed(action, finished))
    if agent is None or not ids:
        return None
    key = action.transition_key
    attributes = {
        "operation_key": action.key,
        "operation": action.operation,
        "crm-debug-origin": "do_update_resource",
        "crm_feature_set": FEATURE_SET,
        "transition-key": key,
        "transition-magic": f"{finished.status}:{finished.rc};{key}",
        "exit-reason": finished.exit_reason,
        "on_node": node,
        "call-id": str(call_id),
        "rc-code": str(finished.rc),
        "op-status": str(finished.status),
        "interval": str(action.interval_ms),
        "last-rc-change": str(changed_at),
        "exec-time": str(finished.exec_ms),
        "queue-time": str(queued_ms),
    }
    for name in ("migrate_source", "migrate_target"):
        if name in action.meta and action.operation in ("migrate_to", "migrate_from"):
            attributes[name] = action.meta[name]
    if action.digests is not None:
        digests = action.digests
        attributes["op-digest"] = digests.all
        if digests.restart:
            attributes["op-force-restart"] = digests.restart_parameters
            attributes["op-restart-digest"] = digests.restart
        if digests.secure:
            attributes["op-secure-params"] = digests.secure_parameters
            attributes["op-secure-digest"] = digests.secure
    if finished.standin:
        attributes["crm-standin"] = "true"
    entries = tuple(Element("lrm_rsc_op", {"id": name, **attributes}) for name in ids)
    identity = {"id": action.resource, "class": agent.standard}
    if agent.provider:
        identity["provider"] = agent.provider
    return Element("lrm_resource", {**identity, "type": agent.type}, entries)

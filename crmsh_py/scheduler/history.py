"""History entries: what a node writes down about an operation that has ended.

Pure helpers over elements. ``entry`` makes the ``<lrm_rsc_op>`` of a result, ``put`` has it take
the place of an older one, ``without`` removes what a cleanup or the deletion of a resource removes.

Rules (facts: the entries that Pacemaker's controller writes):

1. A failure is kept as ``RSC_last_failure_0``, and as ``RSC_last_0`` too if it does not recur.
2. A success that recurs is kept under its own key, any other as ``RSC_last_0``.
3. Migrations are kept under their own keys whatever came of them, notifications under theirs.
4. A reload counts as a start.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.cib.document import FEATURE_SET
from crmsh_py.cib.element import Element
from crmsh_py.scheduler.result import Action, Digests
from crmsh_py.value import frozen

# Of an entry: the place among all that was asked for, of whatever node. Ours alone, as crm-standin.
ORDER = "crm-order"
NO_CONTROLLER = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"  # in place of a controller's uuid
_LAST_FAILURE = "_last_failure_0"
_NO_FAILURE = frozenset({-1, 0, 1})  # pending, done, cancelled
_DEGRADED = frozenset({190, 191})
_RELOADS = frozenset({"reload", "reload-agent"})
_MIGRATIONS = frozenset({"migrate_to", "migrate_from"})


@frozen(kw_only=True)
class Result:
    """How an operation ended. Times of day in Unix seconds, durations in milliseconds."""

    rc: int
    status: int = 0
    call_id: int = 1
    exit_reason: str = ""
    run_at: int = 0
    changed_at: int = 0  # when this result was first seen; 0: at ``run_at``
    exec_ms: int = 0
    queue_ms: int = 0
    standin: bool = False


def transition_key(action_id: int, transition: int, target_rc: int, uuid: str) -> str:
    """The name of an action in all transitions of a cluster."""
    return f"{action_id}:{transition}:{target_rc}:{uuid}"


def failed(operation: str, result: Result, target_rc: int) -> bool:
    """Whether a result is another than the one that was expected."""
    if result.status not in _NO_FAILURE:
        return True
    if result.status or (operation == "monitor" and result.rc in _DEGRADED):
        return False
    return result.rc != target_rc


def recorded_task(operation: str, status: int) -> str:
    """The operation as it is written down."""
    if operation in _RELOADS:
        return "start" if status == 0 else "monitor"
    return operation


def last_failure_id(resource: str) -> str:
    """The id of the entry that keeps the last failure of a resource (its history id)."""
    return f"{resource}{_LAST_FAILURE}"


def is_last_failure(entry_id: str) -> bool:
    """Whether an entry keeps the last failure of its resource."""
    return entry_id.endswith(_LAST_FAILURE)


def tells_failure(entry: Element) -> bool:
    """Whether an entry is about a failure that a clean-up forgets: also one of a migration."""
    if is_last_failure(entry.id):
        return True
    failed = entry.get("rc-code", "0") != "0" and entry.get("op-status") != "-1"
    return failed and entry.get("operation") in _MIGRATIONS


def entry_ids(resource: str, action: Action, result: Result) -> tuple[str, ...]:
    """The ids of the entries that a result goes into."""
    task = recorded_task(action.operation, result.status)
    key = f"{resource}_{task}_{action.interval_ms}"
    if task == "notify":
        kind = action.meta.get("notify_type", "")
        return (f"{resource}_{kind}_notify_{action.meta.get('notify_operation', '')}_0",)
    if task in _MIGRATIONS:
        return (key,)
    if failed(task, result, action.target_rc):
        failure = last_failure_id(resource)
        return (failure,) if action.interval_ms else (failure, f"{resource}_last_0")
    return (key,) if action.interval_ms else (f"{resource}_last_0",)


def entries(
    resource: str, action: Action, result: Result, *, key: str, node: str, origin: str
) -> tuple[Element, ...]:
    """The ``<lrm_rsc_op>`` elements of a result; ``key`` is the transition key."""
    task = recorded_task(action.operation, result.status)
    is_failure = task not in _MIGRATIONS | {"notify"} and failed(task, result, action.target_rc)
    changed = result.changed_at or result.run_at
    attributes = {
        "operation_key": f"{resource}_{task}_{action.interval_ms}",
        "operation": task,
        "crm-debug-origin": origin,
        "crm_feature_set": FEATURE_SET,
        "transition-key": key,
        "transition-magic": f"{result.status}:{result.rc};{key}",
        "exit-reason": result.exit_reason if is_failure else "",
        "on_node": node,
        "call-id": str(result.call_id),
        "rc-code": str(result.rc),
        "op-status": str(result.status),
        "interval": str(action.interval_ms),
        "last-rc-change": str(changed if action.interval_ms else result.run_at),
        "exec-time": str(result.exec_ms),
        "queue-time": str(result.queue_ms),
    }
    if task in _MIGRATIONS:
        for name in ("migrate_source", "migrate_target"):
            if name in action.meta:
                attributes[name] = action.meta[name]
    attributes.update(_digest_attributes(action.digests))
    if result.standin:
        attributes["crm-standin"] = "true"
    return tuple(
        Element("lrm_rsc_op", {"id": id_, **attributes})
        for id_ in entry_ids(resource, action, result)
    )


def _digest_attributes(digests: Digests | None) -> dict[str, str]:
    if digests is None:
        return {}
    found = {"op-digest": digests.all}
    if digests.restart:
        found["op-force-restart"] = digests.restart_parameters
        found["op-restart-digest"] = digests.restart
    if digests.secure:
        found["op-secure-params"] = digests.secure_parameters
        found["op-secure-digest"] = digests.secure
    return found


def put(history: Element, new: Iterable[Element]) -> Element:
    """An ``<lrm_resource>`` with entries added, each in the place of the one with its id."""
    children = list(history.children)
    for entry in new:
        for place, child in enumerate(children):
            if child.id == entry.id:
                children[place] = entry
                break
        else:
            children.append(entry)
    return Element(history.tag, history.attrs, tuple(children))


def without(history: Element, *, operation: str = "", interval_ms: int = 0) -> Element | None:
    """An ``<lrm_resource>`` after a cleanup; None where nothing of it is left.

    Without ``operation`` everything goes; else what is known of that operation.
    """
    if not operation:
        return None
    kept = tuple(
        child
        for child in history.children
        if child.get("operation") != operation or child.get("interval") != str(interval_ms)
    )
    return Element(history.tag, history.attrs, kept) if kept else None

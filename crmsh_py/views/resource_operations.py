"""``crm_resource --list-operations``: what has been done with resources, and what is under way.

Input: the ``Cib`` with its status, and the ``ClusterStatus`` made from it; output: values, and
lines in the words of crm_resource, of which scripts look for the last (``pending``, ``complete``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.element import Element
from crmsh_py.scheduler.result import ClusterStatus, ResourceStatus
from crmsh_py.value import frozen
from crmsh_py.views import mon_facts
from crmsh_py.views.text import (
    parse_int,
    pending_state,
    status_text,
    unix_clock_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

_BEGINNINGS = ("start", "migrate_from")


@frozen(kw_only=True)
class DoneOperation:
    """One entry of a node's history, with the state that its resource is in."""

    resource: str
    agent: AgentSpec
    state: str
    key: str
    task: str
    node: str
    call: int
    rc: int
    status: int
    last_change: int  # Unix time, s; 0 unknown
    exec_ms: str


def operations(
    cib: Cib, status: ClusterStatus, *, resource: str = "", node: str = "", every: bool = False
) -> list[DoneOperation]:
    """The operations on the nodes that are online, of one resource or node or of all, by age.

    Where there is fencing, what ran on the other nodes may run there still, and counts.
    Without ``every`` only those since a resource was started last, and none of what is stopped.
    """
    shown = mon_facts.displayable(cib, status)
    known: dict[str, ResourceStatus] = {}
    for primitive in mon_facts.primitives(shown.resources):
        known.setdefault(primitive.id, primitive)
        known.setdefault(primitive.id.partition(":")[0], primitive)
    counted = {
        n.name
        for n in status.nodes
        if (n.online or status.fencing_enabled) and node in ("", n.name)
    }
    found: list[DoneOperation] = []
    for state in cib.status.findall("node_state"):
        history = state.find("lrm", "lrm_resources")
        if history is None or state.get("uname") not in counted:
            continue
        for entry in history.findall("lrm_resource"):
            if resource in ("", entry.id):
                of_it = list(_of_resource(entry, state.get("uname"), known.get(entry.id)))
                found += of_it if every else _since_start(of_it)
    return found


def _of_resource(
    entry: Element, node: str, resource: ResourceStatus | None
) -> Iterator[DoneOperation]:
    agent = AgentSpec.of(entry)
    done = entry.findall("lrm_rsc_op")
    for operation in sorted(done, key=lambda each: _call(each) if _call(each) >= 0 else 2**53):
        yield DoneOperation(
            resource=entry.id,
            agent=agent,
            state=_state(resource, node),
            key=operation.get("operation_key") or operation.id,
            task=operation.get("operation"),
            node=node,
            call=_call(operation),
            rc=parse_int(operation.get("rc-code"), -1),
            status=parse_int(operation.get("op-status")),
            last_change=parse_int(operation.get("last-rc-change")),
            exec_ms=operation.get("exec-time"),
        )


def _call(operation: Element) -> int:
    return parse_int(operation.get("call-id"), -1)


def _state(resource: ResourceStatus | None, node: str) -> str:
    if resource is None:
        return "ORPHANED"
    role = resource.locations.get(node, resource.role).value
    words = ["ORPHANED"] if resource.orphan else []
    if resource.failed:
        words.append("FAILED")
    else:
        words.append(pending_state(resource.pending_task) or role)
    return " ".join(words)


def _since_start(done: Sequence[DoneOperation]) -> list[DoneOperation]:
    """Those since the last start; none where a stop came after it."""
    started = stopped = 0
    for position, operation in enumerate(done):
        if operation.task in _BEGINNINGS:
            started = position
        elif operation.task == "stop" and operation.status == 0:
            stopped = position + 1
    return list(done[started:]) if started >= stopped else []


def line(operation: DoneOperation, now: datetime) -> str:
    """One operation in words."""
    facts = [f"node={operation.node}", f"call={operation.call}", f"rc={operation.rc}"]
    if operation.last_change:
        facts.append(f"last-rc-change='{unix_clock_text(operation.last_change, now)}'")
        facts.append(f"exec={operation.exec_ms or 0}ms")
    return (
        f"{operation.resource}\t({operation.agent}):\t {operation.state}: {operation.key} "
        f"({', '.join(facts)}): {status_text(operation.status, classic=True)}"
    )


def element(operation: DoneOperation, now: datetime) -> Element:
    """The same as XML."""
    facts = {
        "op": operation.key,
        "node": operation.node,
        "call": str(operation.call),
        "rc": str(operation.rc),
        "status": status_text(operation.status, classic=True),
        "rsc": operation.resource,
        "agent": str(operation.agent),
    }
    if operation.last_change:
        facts["last-rc-change"] = unix_clock_text(operation.last_change, now)
        facts["exec-time"] = operation.exec_ms or "0"
    return Element("operation", facts)

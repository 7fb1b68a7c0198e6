"""The operation histories and fail counts that crm_mon lists, read from the status section.

Input: a ``Cib`` with its status section, and the ``ClusterStatus`` made from it. Output: values, in
the order in which Pacemaker lists them: nodes and resources as in the status, operations by age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cmp_to_key

from crmsh_py.cib.failures import FAIL_COUNT, LAST_FAILURE
from crmsh_py.cib.scores import INFINITY, lenient_score
from crmsh_py.regex import regex
from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.value import frozen
from crmsh_py.views.mon_facts import (
    MONITOR,
    NOT_RUNNING,
    everything,
    primitives,
    transient_attributes,
)
from crmsh_py.views.text import parse_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element

_OPERATION = regex(r".+_\d+")


@frozen(kw_only=True)
class OperationRecord:
    """One operation in a node's history."""

    call: int
    task: str  # as shown: a monitor without interval is a probe
    interval_ms: int
    rc: int
    status: int
    last_change: int  # Unix time, s; 0 unknown
    last_run: int
    exec_ms: str  # as recorded; '' unknown
    queue_ms: str
    transition: tuple[str, int] = ("", -1)  # whose action it was: a controller, and its number


@frozen(kw_only=True)
class ResourceHistory:
    """What a node remembers of one resource."""

    resource: str
    orphan: bool
    migration_threshold: int
    fail_count: int
    last_failure: int  # Unix time, s; 0 never
    operations: tuple[OperationRecord, ...]


@frozen(kw_only=True)
class NodeHistory:
    """The histories of one node, in the order of its status."""

    node: str
    resources: tuple[ResourceHistory, ...]


def histories(cib: Cib, status: ClusterStatus) -> list[NodeHistory]:
    """The operation history of every node that is online, without what says nothing.

    Notifications are left out, and probes that found nothing running (they are the normal case).
    """
    online = {node.name: node for node in status.nodes if node.online}
    known = {resource.id for resource in everything(status.resources)}
    thresholds, usual = _migration_thresholds(cib)
    numbered = {r.id for r in primitives(status.resources) if ":" in r.id}
    found = []
    for state in cib.status.findall("node_state"):
        node = online.get(state.get("uname"))
        resources = state.find("lrm", "lrm_resources")
        if node is None:
            continue
        entries = []
        for entry in resources.findall("lrm_resource") if resources else ():
            operations = tuple(_operations(entry))
            name = entry.id.partition(":")[0]
            resource = entry.id if entry.id in numbered or name not in known else name
            count, last_failure = fail_count(cib, node.id, resource)
            if operations or count:
                entries.append(
                    ResourceHistory(
                        resource=resource,
                        orphan=resource not in known,
                        migration_threshold=thresholds.get(resource.split(":")[0], usual),
                        fail_count=count,
                        last_failure=last_failure,
                        operations=operations,
                    )
                )
        found.append(NodeHistory(node=node.name, resources=tuple(entries)))
    return found


def fail_count(cib: Cib, node_id: str, resource: str, operation: str = "") -> tuple[int, int]:
    """How often a resource failed on a node, and when last (Unix s): summed over operations.

    ``operation`` and ``resource`` as with ``failure_attributes``.
    """
    counts = failure_attributes(cib, node_id, resource, operation, prefix=FAIL_COUNT)
    times = failure_attributes(cib, node_id, resource, operation, prefix=LAST_FAILURE)
    total = sum(lenient_score(value) for value in counts.values())
    return min(INFINITY, total), max(map(parse_int, times.values()), default=0)


def failure_attributes(
    cib: Cib, node_id: str, resource: str, operation: str = "", *, prefix: str
) -> dict[str, str]:
    """The attributes of a node that tell of a resource's failures.

    They are named ``fail-count-RSC#OP_INTERVAL`` and ``last-failure-…`` (Pacemaker Explained,
    "Failure counts"); a name without ``#``, from before Pacemaker 1.1.17, counts no more.
    ``operation`` is ``OP_INTERVAL``, or ``OP`` for all its intervals. A resource without an
    instance number means all its instances.
    """
    number = "" if ":" in resource else r"(:\d+)?"
    of_resource = re.compile(f"{prefix}{re.escape(resource)}{number}")
    found = {}
    for name, value in transient_attributes(cib, node_id).items():
        head, _, tail = name.partition("#")
        if not _OPERATION.fullmatch(tail) or not of_resource.fullmatch(head):
            continue
        if operation in ("", tail, tail.rpartition("_")[0]):
            found[name] = value
    return found


def _operations(entry: Element) -> Iterator[OperationRecord]:
    records = []
    for operation in entry.findall("lrm_rsc_op"):
        task = operation.get("operation")
        interval = parse_int(operation.get("interval"))
        rc = parse_int(operation.get("rc-code"), -1)
        if task == "notify":
            continue
        if task == MONITOR and not interval:
            if rc == NOT_RUNNING:
                continue
            task = "probe"
        records.append(
            OperationRecord(
                call=parse_int(operation.get("call-id")),
                task=task,
                interval_ms=interval,
                rc=rc,
                status=parse_int(operation.get("op-status")),
                last_change=parse_int(operation.get("last-rc-change")),
                last_run=parse_int(operation.get("last-run")),
                exec_ms=operation.get("exec-time"),
                queue_ms=operation.get("queue-time"),
                transition=_transition(operation.get("transition-magic")),
            )
        )
    return iter(sorted(records, key=cmp_to_key(_older)))


def _transition(magic: str) -> tuple[str, int]:
    """The controller and the number of the transition, from ``status:rc;action:NUMBER:rc:WHO``."""
    parts = magic.partition(";")[2].split(":", 3)
    return (parts[3], parse_int(parts[1], -1)) if len(parts) == 4 else ("", -1)


def _older(first: OperationRecord, second: OperationRecord) -> int:
    """Compare by age: by call id, the same one by time; without one (-1) by transition."""
    if first.call >= 0 and second.call >= 0:
        ours, theirs = (first.call, first.last_change), (second.call, second.last_change)
        return (ours > theirs) - (ours < theirs)
    (controller, number), (other_controller, other) = first.transition, second.transition
    if controller == other_controller and number != other:
        return -1 if number < other or other == -1 else 1
    return -1 if second.call < 0 else 1


def _migration_thresholds(cib: Cib) -> tuple[dict[str, int], int]:
    """By primitive, and that of what is only implied (by a bundle, or a guest node)."""
    found: dict[str, int] = {}
    default = INFINITY
    for defaults in cib.section("rsc_defaults").findall("meta_attributes"):
        default = _threshold(defaults, default)

    def walk(element: Element, inherited: int) -> None:
        for meta in element.findall("meta_attributes"):
            inherited = _threshold(meta, inherited)
        if element.tag == "primitive":
            found[element.id] = inherited
        for child in element.findall("primitive", "group", "clone", "master", "bundle"):
            walk(child, inherited)

    for element in cib.section("resources").findall():
        walk(element, default)
    return found, default


def _threshold(meta: Element, inherited: int) -> int:
    for pair in meta.findall("nvpair"):
        if pair.get("name") == "migration-threshold":
            threshold = lenient_score(pair.get("value"))
            return threshold if threshold >= 0 else INFINITY
    return inherited

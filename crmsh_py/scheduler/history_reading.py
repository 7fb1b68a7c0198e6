"""An entry of a history while it is judged, and what many judgements share."""

from __future__ import annotations

from crmsh_py.scheduler import operations
from crmsh_py.scheduler.history_entry import DONE, HistoryEntry
from crmsh_py.scheduler.model import FAIL_IGNORE, STARTED, UNPROMOTED, Node
from crmsh_py.scheduler.resource import Resource


class Reading:
    """One entry while it is judged, with what came out of the entries before it."""

    __slots__ = ("entry", "handling", "last_failure", "node", "rc", "resource", "status")

    def __init__(self, resource: Resource, node: Node) -> None:
        self.resource = resource
        self.node = node
        self.entry: HistoryEntry
        self.rc = 0
        self.status = DONE
        self.handling = FAIL_IGNORE
        self.last_failure: HistoryEntry | None = None


def set_active(resource: Resource) -> None:
    """It is active, in the role that an active one has at least."""
    resource.orig_role = UNPROMOTED if resource.topmost().promotable else STARTED


def failure_of(reading: Reading) -> tuple[int, int]:
    """How a failure is handled, and the role that follows from it."""
    entry, resource = reading.entry, reading.resource
    state = resource.state
    operation = operations.find(resource, entry.task, entry.interval_ms)
    meta = operations.meta_for(
        state, resource, reading.node, entry.task, entry.interval_ms, operation
    )
    handling = operations.failure_handling(
        state, resource, entry.task, entry.interval_ms, meta.get("on-fail")
    )
    return handling, operations.role_after_failure(resource, entry.task, handling)

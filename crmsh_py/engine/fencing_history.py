"""What every node remembers of fencing: requests under way, and how others ended.

All members keep the same table: it changes by messages of the stream only, and in a new view
everybody tells his own (``OwnState``), the tables of all become one. Like Pacemaker's it lives as
long as one node of the cluster does.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.wire.fencing import FencingRecord, FencingState

MAX_RECORDS = 500  # Pacemaker keeps as many
OFF_ACTIONS = frozenset({"off", "reboot"})
WATCHDOG = "watchdog"  # the device that is none: the node's own watchdog
_PROGRESS = {FencingState.PENDING: 0, FencingState.FAILED: 1, FencingState.DONE: 2}


class FencingHistory:
    """The records by their ident, the oldest first."""

    def __init__(self) -> None:
        self._records: dict[str, FencingRecord] = {}

    def all(self) -> list[FencingRecord]:
        """Everything, the oldest first."""
        return sorted(self._records.values(), key=lambda r: (r.asked_ms, r.ident))

    def pending(self) -> list[FencingRecord]:
        """What is under way."""
        return [record for record in self.all() if record.state is FencingState.PENDING]

    def find(self, ident: str) -> FencingRecord | None:
        """The record of a request."""
        return self._records.get(ident)

    def recent(self, target: str, action: str, since_ms: float) -> FencingRecord | None:
        """An equivalent request that ended well after ``since_ms`` (Unix time), or None."""
        same = OFF_ACTIONS if action in OFF_ACTIONS else {action}
        for record in reversed(self.all()):
            equivalent = record.target == target and record.action in same
            if equivalent and record.state is FencingState.DONE:
                return record if record.ended_ms >= since_ms else None
        return None

    def put(self, record: FencingRecord) -> bool:
        """Take a record in; True when it tells something that was not known.

        What has ended does not become pending again, nor what is done a failure.
        """
        known = self._records.get(record.ident)
        if known is not None and (
            known == record
            or _PROGRESS[known.state] > _PROGRESS[record.state]
            or known.state is record.state is not FencingState.PENDING
            or (known.state == record.state and known.device and not record.device)
        ):
            return False
        self._records[record.ident] = record
        self._limit()
        return True

    def merge(self, records: Iterable[FencingRecord]) -> list[FencingRecord]:
        """Take in what another node knows; returns what was new."""
        return [record for record in records if self.put(record)]

    def forget(self, target: str = "") -> None:
        """Drop what is over about a node ('' all)."""
        self._records = {
            ident: record
            for ident, record in self._records.items()
            if record.state is FencingState.PENDING or (target and record.target != target)
        }

    def _limit(self) -> None:
        while len(self._records) > MAX_RECORDS:
            over = [r for r in self.all() if r.state is not FencingState.PENDING] or self.all()
            del self._records[over[0].ident]


def may_shut_out(node: str, *records: FencingRecord) -> bool:
    """Whether a device may have been used against a node; what is under way is waited for."""
    return any(
        record.target == node
        and record.action in OFF_ACTIONS
        and record.state is not FencingState.PENDING
        for record in records
    )

"""What has happened between two looks at a cluster, as ``crm_mon --external-agent`` is told.

Input: the CIB before and after, and what was fenced by then. Output: ``Event``s in the order of the
document. Between two looks an operation may have begun and ended: then only its end is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmsh_py.cib.element import Element
from crmsh_py.value import frozen
from crmsh_py.views.text import exit_text, parse_int, status_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.wire.fencing import FencingRecord

_PENDING = -1
_NO_RESULT = 193


@frozen(kw_only=True)
class Event:
    """An operation of a resource on a node that has begun or ended, or a node that was fenced."""

    node: str
    resource: str
    task: str
    rc: int
    target_rc: int
    status: int
    description: str

    def environment(self, recipient: str) -> dict[str, str]:
        """How an agent is told."""
        told = {
            "recipient": recipient,
            "node": self.node,
            "rsc": self.resource,
            "task": self.task,
            "desc": self.description,
            "rc": str(self.rc),
            "target_rc": str(self.target_rc),
            "status": str(self.status),
        }
        return {f"CRM_notify_{name}": value for name, value in told.items()}


_Entries = Mapping[tuple[str, str, str], Element]


def operations(before: Cib, after: Cib) -> list[Event]:
    """The operations that have begun or ended meanwhile."""
    known = _entries(before)
    return [
        _event(node, resource, entry)
        for (node, resource, name), entry in _entries(after).items()
        if _result(known.get((node, resource, name))) != _result(entry)
    ]


def _entries(cib: Cib) -> _Entries:
    return {
        (state.get("uname"), history.id, entry.id): entry
        for state in cib.status.findall("node_state")
        for history in state.iter("lrm_resource")
        for entry in history.findall("lrm_rsc_op")
        if entry.get("transition-magic")
    }


def _result(entry: Element | None) -> tuple[str, ...]:
    """What makes an entry another one than before."""
    if entry is None:
        return ()
    return tuple(entry.get(name) for name in ("transition-magic", "call-id", "last-rc-change"))


def _event(node: str, resource: str, entry: Element) -> Event:
    rc = parse_int(entry.get("rc-code"), _NO_RESULT)
    status = parse_int(entry.get("op-status"), _PENDING)
    fields = entry.get("transition-key").split(":")
    target = parse_int(fields[2]) if len(fields) > 2 else 0
    description = "OK" if rc == target else exit_text(rc)
    return Event(
        node=node,
        resource=resource,
        task=entry.get("operation"),
        rc=rc,
        target_rc=target,
        status=status,
        description=description if status == 0 else status_text(status),
    )


def fencing(known: Iterable[str], records: Iterable[FencingRecord]) -> list[Event]:
    """The requests to fence that have ended and are not ``known`` (by their idents)."""
    seen = set(known)
    return [_fenced(record) for record in records if record.ended_ms and record.ident not in seen]


def _fenced(record: FencingRecord) -> Event:
    result = record.reason or "OK"
    by = f" by {record.delegate}" if record.delegate else ""
    return Event(
        node=record.target,
        resource="",
        task="st_notify_fence",
        rc=1 if record.reason else 0,
        target_rc=0,
        status=0,
        description=(
            f"Operation {record.action} of {record.target}{by} for {record.client}@{record.origin}"
            f": {result} (ref={record.ident})"
        ),
    )

"""Alerts: programs that are told what happens in the cluster.

Input: the ``alerts`` section of the configuration, and what the other parts tell has happened.
Output: one ``RunAlert`` per alert and recipient that wants to know, with the ``CRM_alert_*``
variables of Pacemaker (Pacemaker Explained, "Alerts").

Who tells what, so that each event is told once by somebody who knows: every node tells of the
members that it sees come and go, the node where an operation ran tells of its result (of one on a
remote node the member that is connected with it), and the DC tells of fencing and of attributes. A
probe that finds what it should is no event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import OperationFinished, RunAlert
from crmsh_py.engine.fencing_devices import duration_ms
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.scheduler.exit_texts import exit_text
from crmsh_py.wire.fencing import FencingRecord, FencingState
from crmsh_py.wire.stream import Outcome, RunAction

NODE, FENCING, RESOURCE, ATTRIBUTE = "node", "fencing", "resource", "attribute"
TIMEOUT_MS = 30_000
TIMESTAMP_FORMAT = "%H:%M:%S.%06N"
_USUAL = frozenset({NODE, FENCING, RESOURCE})  # without a selection; attributes change all the time
_SELECTIONS = {
    "select_nodes": NODE,
    "select_fencing": FENCING,
    "select_resources": RESOURCE,
    "select_attributes": ATTRIBUTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One program and one recipient ('' for none), with what it wants to know."""

    id: str
    path: str
    recipient: str = ""
    variables: Mapping[str, str]
    kinds: frozenset[str] = _USUAL
    attributes: frozenset[str] = frozenset()  # names; empty: all
    timeout_ms: int = TIMEOUT_MS
    timestamp_format: str = TIMESTAMP_FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What an operation has given, in the words of the status."""

    node: str
    resource: str
    task: str
    interval: str  # ms
    reason: str
    status: str
    target_rc: str
    rc: int
    exec_time: str  # ms


def alerts_of(config: Cib) -> tuple[Alert, ...]:
    """The alerts that are enabled, one for each recipient."""
    section = config.configuration.find("alerts")
    found: list[Alert] = []
    for element in section.findall("alert") if section is not None else ():
        kinds, attributes = _selection(element)
        recipients: Iterable[Element | None] = element.findall("recipient") or (None,)
        for recipient in recipients:
            owners = [element] if recipient is None else [element, recipient]
            meta = _pairs("meta_attributes", owners)
            if parse_boolean(meta.get("enabled")) is False:
                continue
            found.append(
                Alert(
                    id=element.id,
                    path=element.get("path"),
                    recipient=recipient.get("value") if recipient is not None else "",
                    variables=_pairs("instance_attributes", owners),
                    kinds=kinds,
                    attributes=attributes,
                    timeout_ms=duration_ms(meta.get("timeout", ""), TIMEOUT_MS),
                    timestamp_format=meta.get("timestamp-format", TIMESTAMP_FORMAT),
                )
            )
    return tuple(found)


def _selection(alert: Element) -> tuple[frozenset[str], frozenset[str]]:
    select = alert.find("select")
    if select is None or not select.children:
        return _USUAL, frozenset()
    kinds = frozenset(_SELECTIONS[c.tag] for c in select.children if c.tag in _SELECTIONS)
    return kinds, frozenset(a.get("name") for a in select.iter("attribute"))


def _pairs(tag: str, owners: Iterable[Element]) -> dict[str, str]:
    """The pairs of sets of a kind; those of later owners count more."""
    return {
        pair.get("name"): pair.get("value")
        for owner in owners
        for holder in owner.findall(tag)
        for pair in holder.findall("nvpair")
    }


class Alerts:
    """The alerts of one node."""

    def __init__(self, node: str, replica: Replica, outbox: Outbox) -> None:
        self._node = node
        self._replica = replica
        self._out = outbox
        self._config: Cib | None = None
        self._alerts: tuple[Alert, ...] = ()
        self._sequence = 0
        self._members: dict[int, str] = {}

    # ---- what happens --------------------------------------------------------------------------

    def members(self, names: Mapping[int, str]) -> None:
        """These are the members from now on."""
        before, self._members = self._members, dict(names)
        for node, name in sorted(before.items()):
            if node not in names:
                self._tell_node(node, name, "lost")
        for node, name in sorted(names.items()):
            if node not in before:
                self._tell_node(node, name, "member")

    def _tell_node(self, node: int, name: str, what: str) -> None:
        self._tell(NODE, {"node": name, "nodeid": str(node), "desc": what})

    def operation(self, action: RunAction, finished: OperationFinished) -> None:
        """An operation has ended on this node, and its result is news."""
        self._tell_result(
            _Result(
                node=self._node,
                resource=action.resource,
                task=action.operation,
                interval=str(action.interval_ms),
                reason=finished.exit_reason,
                status=str(finished.status),
                target_rc=str(action.target_rc),
                rc=finished.rc,
                exec_time=str(finished.exec_ms),
            )
        )

    def remote_operation(self, outcome: Outcome, history: Element) -> None:
        """An operation has ended on a remote node that this one is connected with.

        ``history`` is the ``<lrm_resource>`` that has its entry.
        """
        entry = next((e for e in history.children if e.get("operation_key") == outcome.key), None)
        if entry is None:
            return
        numbers_and_uuid = outcome.transition_key.split(":", 3)
        self._tell_result(
            _Result(
                node=outcome.node,
                resource=outcome.name,
                task=entry.get("operation"),
                interval=entry.get("interval", "0"),
                reason=entry.get("exit-reason"),
                status=entry.get("op-status", "0"),
                target_rc="".join(numbers_and_uuid[2:3]),
                rc=outcome.rc,
                exec_time=entry.get("exec-time", "0"),
            )
        )

    def _tell_result(self, result: _Result) -> None:
        one_shot = result.task == "monitor" and result.interval == "0"
        if one_shot and str(result.rc) == result.target_rc and result.status == "0":
            return
        self._tell(
            RESOURCE,
            {
                "node": result.node,
                "rsc": result.resource,
                "task": result.task,
                "interval": result.interval,
                "desc": result.reason or exit_text(result.rc).lower(),
                "status": result.status,
                "target_rc": result.target_rc,
                "rc": str(result.rc),
                "exec_time": result.exec_time,
            },
        )

    def fenced(self, record: FencingRecord) -> None:
        """A request to fence a node has ended."""
        done = record.state is FencingState.DONE
        self._tell(
            FENCING,
            {
                "node": record.target,
                "task": record.action,
                "rc": "0" if done else "1",
                "desc": f"Operation {record.action} of {record.target} by "
                f"{record.delegate or 'no one'} for {record.client}@{record.origin}: "
                f"{'OK' if done else record.reason or 'failed'} (ref={record.ident})",
            },
        )

    def attribute(self, node: str, name: str, value: str | None) -> None:
        """A transient attribute has changed."""
        number = next((n for n, known in self._members.items() if known == node), 0)
        self._tell(
            ATTRIBUTE,
            {
                "node": node,
                "nodeid": str(number),
                "attribute_name": name,
                "attribute_value": value or "",
            },
        )

    # ---- telling -------------------------------------------------------------------------------

    def _tell(self, kind: str, facts: Mapping[str, str]) -> None:
        if self._replica.config is not self._config:
            self._config = self._replica.config
            self._alerts = alerts_of(self._config)
        wanted = [alert for alert in self._alerts if self._wants(alert, kind, facts)]
        if not wanted:
            return
        self._sequence += 1
        for alert in wanted:
            variables = {**self._variables(alert, kind), **facts}
            environment = {f"CRM_alert_{name}": value for name, value in variables.items()}
            self._out.do(
                RunAlert(
                    alert=alert.id,
                    path=alert.path,
                    timeout_ms=alert.timeout_ms,
                    environment={**alert.variables, **environment},
                )
            )

    @staticmethod
    def _wants(alert: Alert, kind: str, facts: Mapping[str, str]) -> bool:
        if kind not in alert.kinds:
            return False
        return (
            kind != ATTRIBUTE
            or not alert.attributes
            or (facts["attribute_name"] in alert.attributes)
        )

    def _variables(self, alert: Alert, kind: str) -> dict[str, str]:
        wall = self._out.wall
        return {
            "version": "3.0",
            "kind": kind,
            "recipient": alert.recipient,
            "node_sequence": str(self._sequence),
            "timestamp": stamp(wall, alert.timestamp_format),
            "timestamp_epoch": str(int(wall)),
            "timestamp_usec": f"{int(wall % 1 * 1_000_000):06d}",
        }


def stamp(wall: float, form: str) -> str:
    """A time as the format wants it; ``%06N`` and its like are digits of the second's fraction."""
    when = datetime.fromtimestamp(wall, UTC)
    micro = f"{int(wall % 1 * 1_000_000):06d}000"
    for digits in range(1, 10):
        form = form.replace(f"%0{digits}N", micro[:digits]).replace(f"%{digits}N", micro[:digits])
    return when.strftime(form.replace("%N", micro))

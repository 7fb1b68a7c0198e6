"""A status section that was made up: what would the cluster do if …?

It belongs to the session, not to the configuration: nothing of it is ever committed. Without
changes it follows the cluster's own status.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import find_node
from crmsh_py.clusters.operations import find_resource
from crmsh_py.errors import NotFound, UsageError
from crmsh_py.value import frozen, replace
from crmsh_py.whole_numbers import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.injection import Changes

LIVE = "live"
# Names of OCF exit codes as people type them; the numbers do as well.
EXIT_CODES = {
    "success": 0, "unknown": 1, "args": 2, "unimplemented": 3, "perm": 4, "installed": 5,
    "configured": 6, "not_running": 7, "promoted": 8, "failed_promoted": 9,
    "master": 8, "failed_master": 9,
}  # fmt: skip
OP_STATUSES = {
    "pending": -1, "done": 0, "cancelled": 1, "timeout": 2, "notsupported": 3, "error": 4,
}  # fmt: skip
NODE_STATES = {"online": "nodes_up", "offline": "nodes_down", "unclean": "nodes_failed"}
TICKET_STATES = {
    "grant": ("granted", True), "revoke": ("granted", False),
    "activate": ("standby", False), "standby": ("standby", True),
}  # fmt: skip


@frozen
class Operation:
    """A result as it was typed: ``code`` by name or number, ``status`` and ``node`` may be ''."""

    task: str
    resource: str
    code: str
    status: str = ""
    node: str = ""


@frozen
class Pretended:
    """Where the status is from, what it has become (None: it is the cluster's own), and how.

    ``quorum`` is the ``have-quorum`` of the CIB; '' leaves it as it is.
    """

    origin: str = LIVE
    status: Element | None = None
    quorum: str = ""
    changes: tuple[str, ...] = ()

    def over(self, cib: Cib) -> Cib:
        """A configuration with this status."""
        if self.status is not None:
            cib = cib.with_status(self.status)
        return cib.with_attributes({"have-quorum": self.quorum}) if self.quorum else cib

    def node(self, cib: Cib, name: str, state: str, now: datetime) -> Pretended:
        """With a node online, offline or unclean (lost, with what it ran still unknown)."""
        from crmsh_py.scheduler.injection import Changes

        uname = find_node(cib, name).get("uname")
        changes = Changes(**{NODE_STATES[state]: (uname,)})  # type: ignore[arg-type]
        return self._changed(cib, changes, f"node {uname} {state}", now)

    def ticket(self, cib: Cib, name: str, state: str, now: datetime) -> Pretended:
        """With a ticket granted, revoked, active or on standby."""
        from crmsh_py.scheduler.injection import Changes

        changes = Changes(tickets=((name, *TICKET_STATES[state]),))
        return self._changed(cib, changes, f"ticket {name} {state}", now)

    def with_quorum(self, has: bool) -> Pretended:
        """With quorum or without it."""
        note = f"quorum {'true' if has else 'false'}"
        kept = tuple(c for c in self.changes if not c.startswith("quorum "))
        return replace(self, quorum="1" if has else "0", changes=(*kept, note))

    def operation(self, cib: Cib, result: Operation, now: datetime) -> Pretended:
        """With the result of an operation; without a node, of where the resource is active."""
        from crmsh_py.scheduler.injection import Changes

        rc = _exit_code(result.code)
        resource = result.resource
        element = find_resource(cib, resource)
        if element.tag != "primitive":
            raise UsageError(f"{resource} is a {element.tag}: only primitives have operations")
        if result.node:
            uname = find_node(cib, result.node).get("uname")
        else:
            uname = self._active_on(cib, resource, now)
        probe = result.task == "probe"
        task, interval = ("monitor", 0) if probe else (result.task, _interval(element, result.task))
        key = f"{resource}_{task}_{interval}"
        words = ("op", result.task, resource, result.code, result.status, uname)
        changes = Changes(operations=(f"{key}@{uname}={rc}",))
        made = self._changed(cib, changes, " ".join(filter(None, words)), now)
        if result.status in ("", "done"):
            return made
        assert made.status is not None
        status = str(OP_STATUSES[result.status])
        return replace(made, status=_with_op_status(made.status, uname, key, status))

    def _active_on(self, cib: Cib, resource: str, now: datetime) -> str:
        from crmsh_py.scheduler.status import cluster_status
        from crmsh_py.views import resource_status

        places = resource_status.places(cluster_status(self.over(cib), now=now), resource)
        nodes = [node for node, _ in places]
        if len(nodes) != 1:
            where = f"active on {', '.join(nodes)}" if nodes else "not active"
            raise UsageError(
                f"on which node? {resource} is {where}",
                hint=f"op OPERATION {resource} EXIT-CODE done NODE",
            )
        return nodes[0]

    def _changed(self, cib: Cib, changes: Changes, note: str, now: datetime) -> Pretended:
        from crmsh_py.scheduler import injection

        made = injection.apply(self.over(cib), changes, at=int(now.timestamp()), now=now)
        return replace(self, status=made.status, changes=(*self.changes, note))


def _exit_code(text: str) -> int:
    if is_number(text) and int(text) < 256:
        return int(text)
    if text.lower() in EXIT_CODES:
        return EXIT_CODES[text.lower()]
    raise NotFound(
        f"“{text}” is no exit code", name=text, possibilities=EXIT_CODES, hint=", ".join(EXIT_CODES)
    )


def _interval(primitive: Element, task: str) -> int:
    """The interval of the operation as it is configured, in milliseconds; 0 for one that is not."""
    for op in primitive.iter("op"):
        if op.get("name") == task:
            return lenient_ms(op.get("interval"), 0)
    return 0


def _with_op_status(status: Element, node: str, key: str, value: str) -> Element:
    """The status section with another ``op-status`` of one result."""

    def inside(element: Element) -> Element:
        if element.tag == "lrm_rsc_op" and key in (element.id, element.get("operation_key")):
            return element.with_attributes({"op-status": value})
        return element.map_children(inside)

    def state(element: Element) -> Element:
        return inside(element) if element.get("uname") == node else element

    return status.map_children(state)

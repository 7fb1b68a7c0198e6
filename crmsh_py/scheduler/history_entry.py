"""One entry of a resource's history on a node, read once.

``status`` is the state of execution (0 done, 1 cancelled, 2 timed out …, -1 pending), ``rc`` what
the agent returned, ``target_rc`` what had been expected of it (-1 where unknown).
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.scheduler.history import ORDER
from crmsh_py.whole_numbers import whole

PENDING = -1
DONE = 0
CANCELLED = 1
TIMEOUT = 2
NOT_SUPPORTED = 3
ERROR = 4
ERROR_HARD = 5
ERROR_FATAL = 6
NOT_INSTALLED = 7
NOT_CONNECTED = 8
INVALID = 9
NO_FENCE_DEVICE = 10
NO_SECRETS = 11
EXEC_MAX = 11

OK = 0
INVALID_PARAM = 2
UNIMPLEMENTED = 3
INSUFFICIENT_PRIVILEGES = 4
RC_NOT_INSTALLED = 5
NOT_CONFIGURED = 6
NOT_RUNNING = 7
RUNNING_PROMOTED = 8
FAILED_PROMOTED = 9
DEGRADED = 190
DEGRADED_PROMOTED = 191


def number(text: str | None, default: int) -> int:
    """A whole number, or ``default`` for none and for nonsense."""
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        return default


class HistoryEntry:
    """An ``<lrm_rsc_op>``."""

    __slots__ = (
        "call_id",
        "digest",
        "element",
        "exit_reason",
        "force_restart",
        "id",
        "interval_ms",
        "key",
        "last_change",
        "magic",
        "node_name",
        "on_node",
        "order",
        "raw_rc",
        "raw_status",
        "resource_id",
        "restart_digest",
        "target_rc",
        "task",
    )

    def __init__(self, element: Element, node_name: str) -> None:
        get = element.attrs.get
        self.element = element
        self.id = element.id
        self.task = get("operation", "")
        self.interval_ms = number(get("interval"), 0)
        self.call_id = number(get("call-id"), -1)
        self.raw_rc = get("rc-code")
        self.raw_status = get("op-status")
        self.target_rc = _target_rc(get("transition-key"))
        self.magic = get("transition-magic")
        self.last_change = number(get("last-rc-change"), -1)
        self.exit_reason = get("exit-reason", "")
        self.digest = get("op-digest")
        self.restart_digest = get("op-restart-digest")
        self.force_restart = get("op-force-restart")
        self.on_node = get("on_node")
        self.order = whole(get(ORDER, ""))
        self.key = get("operation_key") or self.id
        self.node_name = node_name
        self.resource_id = ""

    @property
    def is_probe(self) -> bool:
        """Whether it looked whether the resource was running."""
        return self.task == "monitor" and not self.interval_ms

    @property
    def masks_failure(self) -> bool:
        """Whether it is a probe that failed because the agent cannot run there at all."""
        return self.is_probe and (
            number(self.raw_rc, OK) in {RC_NOT_INSTALLED, INVALID_PARAM}
            or number(self.raw_status, DONE) == NOT_INSTALLED
        )


def _target_rc(key: str | None) -> int:
    """The result that a transition key expects: ``action:transition:target:uuid``."""
    if key is None:
        return -1
    parts = key.split(":")
    return number(parts[2], 0) if len(parts) == 4 else -1


def _magic_parts(magic: str) -> tuple[str, int] | None:
    """The graph's uuid and the transition's number out of a transition magic."""
    _, _, key = magic.partition(";")
    parts = key.split(":")
    if len(parts) != 4:
        return None
    return parts[3], number(parts[1], -1)


def newer(one: HistoryEntry, other: HistoryEntry) -> int:
    """-1, 0 or 1: whether ``one`` is older than, as old as, or newer than ``other``."""
    same_node = (one.on_node or "").lower() == (other.on_node or "").lower()
    if same_node and one.id == other.id:
        return 0
    if not same_node and one.order and other.order:  # whatever the two nodes' clocks say
        return (one.order > other.order) - (one.order < other.order)
    a, b = one.call_id, other.call_id
    if a == -1 and b == -1:
        return 0
    if same_node and 0 <= a < b:
        return -1
    if same_node and b >= 0 and a > b:
        return 1
    if a >= 0 and b >= 0:
        if 0 <= one.last_change < other.last_change:
            return -1
        return 1 if other.last_change >= 0 and one.last_change > other.last_change else 0
    return _newer_by_transition(one, other)


def _newer_by_transition(one: HistoryEntry, other: HistoryEntry) -> int:
    """Of a pending and a finished action, the one of the later transition is newer."""
    first = _magic_parts(one.magic) if one.magic is not None else None
    second = _magic_parts(other.magic) if other.magic is not None else None
    if first is None or second is None:
        return 0
    a, b = first[1], second[1]
    if first[0].lower() != second[0].lower() or a == b:
        return -1 if other.call_id == -1 else 1
    return -1 if 0 <= a < b or b == -1 else 1

"""Configured operations, and the meta table that an action gets from them.

Rules: the operation's own attributes and meta attributes win over ``op_defaults``; a probe without
a timeout takes that of the most frequent monitor; without any, 20 s (Pacemaker Explained,
"Resource Operations").
"""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true, parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.model import (
    FAIL_BAN,
    FAIL_BLOCK,
    FAIL_DEMOTE,
    FAIL_FENCE,
    FAIL_IGNORE,
    FAIL_RESET_REMOTE,
    FAIL_RESTART,
    FAIL_RESTART_CONTAINER,
    FAIL_STANDBY,
    FAIL_STOP,
    NEEDS_FENCING,
    NEEDS_NOTHING,
    NEEDS_QUORUM,
    PROMOTED,
    STARTED,
    STOPPED,
    UNKNOWN,
    UNPROMOTED,
    parse_role,
)
from crmsh_py.scheduler.settings import interval_ms, timeout_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.model import Node
    from crmsh_py.scheduler.resource import Resource
    from crmsh_py.scheduler.state import State


class Operation:
    """One ``<op>`` of a resource."""

    __slots__ = ("element", "enabled", "id", "interval_ms", "name", "role")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.id = element.id
        self.name = element.get("name")
        self.interval_ms = interval_ms(element.attrs.get("interval"))
        self.enabled = parse_boolean(element.attrs.get("enabled")) is not False
        self.role = element.attrs.get("role")


def find(
    resource: Resource, task: str, every_ms: int, *, include_disabled: bool = True
) -> Operation | None:
    """The configured operation for an action; ``migrate`` stands for both halves of one."""
    for operation in resource.operations:
        if (
            operation.name == task
            and operation.interval_ms == every_ms
            and (include_disabled or operation.enabled)
        ):
            return operation
    if task in {"migrate_to", "migrate_from"}:
        return find(resource, "migrate", 0, include_disabled=include_disabled)
    return None


def meta_for(  # noqa: PLR0917
    state: State,
    resource: Resource,
    node: Node | None,
    task: str,
    every_ms: int,
    operation: Operation | None,
) -> dict[str, str]:
    """The meta table of an action: a fresh copy that the caller may change."""
    key = (task, every_ms, operation)
    cached = resource.meta_cache.get(key)
    if cached is None:
        cached = _compute_meta(state, resource, task, every_ms, operation)
        resource.meta_cache[key] = cached
    meta = dict(cached)
    if resource.standard == "stonith" and (task == "start" or (task == "monitor" and not every_ms)):
        timeout = resource.parameters(node).get("pcmk_monitor_timeout")
        if timeout is not None:
            meta["timeout"] = str(timeout_ms(timeout))
    return meta


def _compute_meta(
    state: State, resource: Resource, task: str, every_ms: int, operation: Operation | None
) -> dict[str, str]:
    context = attribute_sets.context_for(resource, task, every_ms)
    meta: dict[str, str] = {}
    if operation is not None:
        attribute_sets.unpack(state, operation.element, "meta_attributes", context, meta)
        meta.update(operation.element.attrs)
    if task == "monitor" and not every_ms and "timeout" not in meta:
        monitor = _most_frequent_monitor(resource)
        if monitor is not None and "timeout" in monitor.element.attrs:
            meta["timeout"] = monitor.element.attrs["timeout"]
    attribute_sets.unpack_defaults(state, state.op_defaults, context, meta)
    meta.pop("id", None)
    if every_ms:
        meta["interval"] = str(every_ms)
    else:
        meta.pop("interval", None)
    meta["timeout"] = str(timeout_ms(meta.get("timeout")))
    _settle_on_fail(state, resource, task, operation, meta)
    delay = meta.get("start-delay")
    if delay is not None:
        meta["start-delay"] = str(interval_ms(delay))
    elif every_ms and meta.get("interval-origin"):
        wait = _until_next(state, meta["interval-origin"], every_ms)
        if wait is not None:
            meta["start-delay"] = str(wait)
    return meta


def _until_next(state: State, origin: str, every_ms: int) -> int | None:
    """Milliseconds until a recurrence that is counted from ``origin``."""
    from crmsh_py.cib.dates import parse_datetime
    from crmsh_py.errors import ConfigError

    try:
        begun = parse_datetime(origin)
    except ConfigError:
        state.error("unpack_operation", f"'{origin}' is not a valid interval-origin")
        return None
    every_s = max(1, every_ms // 1000)
    passed = state.epoch - int(begun.timestamp())
    rest = passed % every_s if passed >= 0 else -(-passed % every_s)
    return ((0 if rest <= 0 else every_s) - rest) * 1000


def _most_frequent_monitor(resource: Resource) -> Operation | None:
    recurring = [
        operation
        for operation in resource.operations
        if operation.name == "monitor" and operation.interval_ms and operation.enabled
    ]
    return min(recurring, key=lambda operation: operation.interval_ms, default=None)


def _promoted_role(operation: Operation) -> bool:
    return parse_role(operation.role) == PROMOTED


def _settle_on_fail(
    state: State,
    resource: Resource,
    task: str,
    operation: Operation | None,
    meta: dict[str, str],
) -> None:
    """Refuse handlings of failures that an action cannot have, and inherit a demote's."""
    value = meta.get("on-fail")
    lowered = value.lower() if value is not None else None
    if task == "stop" and lowered in {"standby", "demote", "stop"}:
        state.error(
            "unpack_operation",
            f"Resetting 'on-fail' for {resource.id} stop action to default value because "
            f"'{value}' is not allowed for stop",
        )
        del meta["on-fail"]
    elif task == "demote" and value is None:
        for other in resource.operations:
            theirs = other.element.attrs.get("on-fail")
            if (
                theirs is not None
                and other.name == "monitor"
                and _promoted_role(other)
                and other.interval_ms
                and other.enabled
                and theirs.lower() != "demote"
            ):
                meta["on-fail"] = theirs
    elif task == "lrm_delete" and lowered != "ignore":
        meta["on-fail"] = "ignore"
    elif lowered == "demote":
        fits = operation is not None and (
            operation.name == "promote"
            or (operation.name == "monitor" and operation.interval_ms and _promoted_role(operation))
        )
        if not fits:
            state.error(
                "unpack_operation",
                f"Resetting 'on-fail' for {resource.id} {operation.name if operation else None} "
                "action to default value because 'demote' is not allowed for it",
            )
            del meta["on-fail"]
    _warn_of_handling(state, resource, task, meta.get("on-fail"))


def _warn_of_handling(state: State, resource: Resource, task: str, value: str | None) -> None:
    """Say so where failures will not be handled as ``on-fail`` asks."""
    lowered = value.lower() if value is not None else None
    if lowered == "fence":
        if not state.settings.fencing_enabled:
            state.error(
                "unpack_operation",
                f"Resetting 'on-fail' for {task} of {resource.id} to 'stop' because 'fence' is "
                "not valid when fencing is disabled",
            )
    elif lowered not in {None, "restart-container", *_HANDLINGS}:
        state.error(
            "unpack_operation",
            f"Using default 'on-fail' for {task} of {resource.id} because '{value}' is not valid",
        )


_HANDLINGS = {
    "block": FAIL_BLOCK,
    "standby": FAIL_STANDBY,
    "ignore": FAIL_IGNORE,
    "nothing": FAIL_IGNORE,
    "migrate": FAIL_BAN,
    "stop": FAIL_STOP,
    "restart": FAIL_RESTART,
    "demote": FAIL_DEMOTE,
}


def failure_handling(
    state: State, resource: Resource, task: str, every_ms: int, value: str | None
) -> int:
    """What a failure of an action leads to, given its ``on-fail`` (None for the default)."""
    fencing = state.settings.fencing_enabled
    lowered = value.lower() if value is not None else None
    handling: int | None = None
    _warn_of_handling(state, resource, task, value)
    if lowered == "fence":
        handling = FAIL_FENCE if fencing else FAIL_STOP
    elif lowered == "restart-container":
        handling = FAIL_RESTART_CONTAINER if resource.launcher is not None else None
    elif lowered is not None:
        handling = _HANDLINGS.get(lowered)
    is_probe = task == "monitor" and not every_ms
    node = state.node_named(resource.id) if resource.is_remote_connection else None
    resets = node is not None and node.is_remote and not is_probe and task != "start"
    if resets and not resource.managed:
        handling = None
    if handling is not None:
        return handling
    if resource.launcher is not None:
        return FAIL_RESTART_CONTAINER
    if resets:
        return FAIL_RESET_REMOTE if resource.managed else FAIL_STOP
    if task == "stop":
        return FAIL_FENCE if fencing else FAIL_BLOCK
    return FAIL_RESTART


def role_after_failure(resource: Resource, task: str, handling: int) -> int:
    """The role that a resource is given after a failure that is handled so."""
    if handling == FAIL_STOP or (handling == FAIL_RESET_REMOTE and resource.remote_reconnect_ms):
        return STOPPED
    return UNPROMOTED if task == "promote" else STARTED


def needs(resource: Resource, task: str) -> int:
    """What an action needs: quorum, or the fencing of lost nodes, or nothing."""
    if task not in {"start", "promote"}:
        return NEEDS_NOTHING
    if resource.needs_fencing:
        return NEEDS_FENCING
    return NEEDS_QUORUM if resource.needs_quorum else NEEDS_NOTHING


def monitor_role(operation: Operation) -> int | None:
    """The role that a recurring operation is for; UNKNOWN for any, None for a bad name."""
    if operation.role is None:
        return UNKNOWN
    return parse_role(operation.role) or None


def interleaves(resource: Resource) -> bool:
    """Whether a clone's instances wait only for the instances on their own node."""
    return is_true(resource.meta.get("interleave"))

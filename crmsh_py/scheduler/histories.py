"""Where a resource is and how it fares, from the entries of its history on one node.

The entries are read in the order in which the actions were carried out. Each success moves the
role; each failure is judged by the operation's ``on-fail``; what expired is passed over. At the end
stands a role, and the most severe handling that is still due.
"""

from __future__ import annotations

from functools import cmp_to_key

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import (
    digests,
    failcounts,
    fencing,
    history_results,
    migration_history,
    vertices,
)
from crmsh_py.scheduler.history import is_last_failure
from crmsh_py.scheduler.history_entry import (
    CANCELLED,
    EXEC_MAX,
    NOT_INSTALLED,
    HistoryEntry,
    newer,
    number,
)
from crmsh_py.scheduler.history_reading import Reading
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
    FIRST_IMPLIES_THEN,
    OPTIONAL,
    STARTED,
    STOPPED,
    UNKNOWN,
    Node,
    join,
)
from crmsh_py.scheduler.resource import Resource

_AFFECTING = {
    "monitor",
    "start",
    "stop",
    "promote",
    "demote",
    "migrate_to",
    "migrate_from",
    "asyncmon",
}


def in_order(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """The entries in the order of their actions."""
    return sorted(reversed(entries), key=cmp_to_key(newer))  # noqa: C414


def active_part(entries: list[HistoryEntry]) -> tuple[int, int]:
    """The places of the start that counts and of the last stop, -1 for none."""
    start = stop = by_monitor = by_role = -1
    for place, entry in enumerate(entries):
        task = entry.task.lower()
        if task == "stop" and entry.raw_status == "0":
            stop = place
        elif task in {"start", "migrate_from"}:
            start = place
        elif task == "monitor" and by_monitor <= stop:
            if entry.raw_rc in {"0", "8"}:
                by_monitor = place
        elif task in {"promote", "demote"}:
            by_role = place
    if start == -1:
        start = by_role if by_role != -1 else by_monitor
    return start, stop


def unpack(resource: Resource, node: Node, entries: list[HistoryEntry]) -> None:
    """Read a history, and act on what it says."""
    saved = resource.orig_role
    resource.orig_role = UNKNOWN
    ordered = in_order(entries)
    reading = Reading(resource, node)
    for entry in ordered:
        entry.resource_id = resource.id
        reading.entry = entry
        _read(reading)
    start, stop = active_part(ordered)
    _read_recurring(resource, node, ordered, start, stop)
    _settle(reading)
    target = resource.target_role()
    if target is not None and (resource.next_role == UNKNOWN or target < resource.next_role):
        resource.set_next_role(target, "target-role")
    resource.orig_role = max(resource.orig_role, saved)


def _read_recurring(
    resource: Resource, node: Node, ordered: list[HistoryEntry], start: int, stop: int
) -> None:
    """Make vertices of what recurs there already, so that it need not be begun again."""
    if not node.online:
        return
    for place, entry in enumerate(ordered):
        if (start < stop and place <= stop) or place < start:
            continue
        if entry.interval_ms and entry.raw_status != "-1":
            vertices.vertex_for(
                resource, entry.task, node, optional=True, every_ms=entry.interval_ms
            )


# ---- one entry -----------------------------------------------------------------------------------


def _read(reading: Reading) -> None:
    entry, resource = reading.entry, reading.resource
    state = resource.state
    if not entry.id or not entry.task:
        state.error("unpack_rsc_op", f"Ignoring resource history entry for {resource.id} on "
                    f"{reading.node.name} without ID or operation")  # fmt: skip
        return
    if entry.task not in _AFFECTING:
        return
    status = number(entry.raw_status, -99)
    if not -1 <= status <= EXEC_MAX or status == CANCELLED:
        state.error("unpack_action_result", f"Ignoring resource history entry {entry.id} for "
                    f"{resource.id} on {reading.node.name} with invalid op-status "
                    f"'{entry.raw_status or ''}'")  # fmt: skip
        return
    rc = number(entry.raw_rc, -1)
    if not 0 <= rc <= 255:
        state.error("unpack_action_result", f"Ignoring resource history entry {entry.id} for "
                    f"{resource.id} on {reading.node.name} with invalid rc-code "
                    f"'{entry.raw_rc or ''}'")  # fmt: skip
        return
    reading.status, reading.rc = status, rc
    history_results.judge(reading, expired=_expired(reading))


def _ignores_timeout(reading: Reading) -> bool:
    """The failure of a connection does not expire before its node was fenced."""
    entry, resource = reading.entry, reading.resource
    if (
        resource.remote_reconnect_ms
        and resource.state.settings.fencing_enabled
        and entry.interval_ms
        and entry.task == "monitor"
    ):
        node = resource.state.node_named(resource.id)
        return node is not None and not node.remote_fenced
    return False


def _expired(reading: Reading) -> bool:
    """Whether an entry has lost its meaning by time; clears fail counts that have."""
    entry, resource, node = reading.entry, reading.resource, reading.node
    state = resource.state
    if reading.status == NOT_INSTALLED:
        return False
    of_last_failure = is_last_failure(entry.id)
    expiration = -(-resource.failure_expiration_ms // 1000)
    expired = False
    unexpired = 0
    why = None
    if expiration > 0 and entry.last_change >= 0:
        if state.epoch >= entry.last_change + expiration and not _ignores_timeout(reading):
            expired = True
        unexpired, last = failcounts.count(node, resource, entry=entry)
        deadline = last + expiration + 1
        if unexpired and state.epoch < deadline:
            state.recheck(deadline)
    if expired:
        if failcounts.count(node, resource, effective=False, entry=entry)[0]:
            if not unexpired:
                why = "it expired"
            else:
                expired = False
        elif of_last_failure and resource.remote_reconnect_ms:
            why = "reconnect interval is set"
    if not expired and of_last_failure and _parameters_changed(reading):
        why = "resource parameters have changed"
    if why is not None:
        clear = vertices.clear_failcount(resource, node, why)
        if state.settings.fencing_enabled and resource.remote_reconnect_ms:
            remote = state.node_named(resource.id)
            if remote is not None:
                fence = fencing.fence_vertex(state, remote, None, optional=True)
                join(fence, clear, FIRST_IMPLIES_THEN)
    # A probe that merely tells the state does not become wrong by time.
    return expired and not (entry.is_probe and reading.rc in {0, 7, 8, 190, 191})


def _parameters_changed(reading: Reading) -> bool:
    entry, resource = reading.entry, reading.resource
    if entry.task not in {"start", "monitor"}:
        return False
    if digests_later(resource):
        resource.state.param_checks.append((entry, resource, reading.node, False))
        return False
    verdict = digests.compare(resource, entry, reading.node)
    return verdict in {digests.MISMATCH, digests.RESTART}


def digests_later(resource: Resource) -> bool:
    """Whether its parameters depend on where its container will be."""
    return resource.is_remote_connection and (
        resource.parameters(None).get("addr", "").lower() == "#uname"
    )


# ---- the end of a history ------------------------------------------------------------------------


def _settle(reading: Reading) -> None:
    """Act on the role and the handling that a history has led to."""
    resource, node = reading.resource, reading.node
    known_active = resource.orig_role > STOPPED
    if resource.orig_role != UNKNOWN:
        current: Resource | None = resource
        while current is not None:
            current.probed.add(node.index)
            if current.unique:
                break
            current = current.parent
    if known_active and not node.online and not node.maintenance and resource.managed:
        _fence_where_active(resource, node)
    handling = FAIL_IGNORE if node.unclean else reading.handling
    cause = reading.last_failure.id if reading.last_failure is not None else ""
    _handle(resource, node, handling, cause, known_active=known_active)
    if resource.failed and resource.is_remote_connection:
        remote = resource.state.node_named(resource.id)
        if remote is not None and remote.unclean:
            remote.seen = True
    if known_active:
        migration_history.add_running(resource, node, failed=reading.handling != FAIL_IGNORE)
        if handling in {FAIL_DEMOTE, FAIL_BLOCK}:
            resource.failed = True
        elif handling != FAIL_IGNORE:
            resource.failed = resource.stop_if_failed = True
    elif resource.history_id is not None and ":" in resource.history_id:
        resource.history_id = None
    else:
        for stop in resource.find_vertices(f"{resource.id}_stop_0", node):
            stop.flags |= OPTIONAL
    if (
        resource.orig_role == STOPPED
        and resource.active_nodes
        and resource.migration_target is not None
        and resource.migration_source is node
    ):
        resource.orig_role = STARTED


def _fence_where_active(resource: Resource, node: Node) -> None:
    state = resource.state
    if node.is_guest:
        resource.failed = resource.stop_if_failed = True
        fencing.fence_node(state, node, f"{resource.id} is thought to be active there")
    elif state.settings.fencing_enabled:
        why = f"{resource.id} is thought to be active there"
        if node.is_remote and node.remote is not None and not node.remote.failed:
            node.seen = False
            why = (
                f"{resource.id} is active there (fencing will be revoked if remote connection "
                "can be re-established elsewhere)"
            )
        fencing.fence_node(state, node, why)


def _handle(
    resource: Resource, node: Node, handling: int, cause: str, *, known_active: bool
) -> None:
    """Handle a failure; ``cause`` is the id of the history entry."""
    state = resource.state
    if handling == FAIL_DEMOTE:
        resource.failed = True
        vertices.vertex_for(resource, "demote", node, optional=False)
    elif handling == FAIL_FENCE:
        fencing.fence_node(state, node, f"{resource.id} failed there")
    elif handling == FAIL_STANDBY:
        node.standby = node.fail_standby = True
    elif handling == FAIL_BLOCK:
        resource.managed = False
        resource.blocked = True
    elif handling == FAIL_BAN:
        resource.shift(node, -INFINITY, "failed-ban", cause)
    elif handling == FAIL_STOP:
        resource.set_next_role(STOPPED, "on-fail=stop", cause)
    elif handling == FAIL_RESTART:
        if known_active:
            resource.failed = resource.stop_if_failed = True
            vertices.stop(resource, node, optional=False)
    elif handling == FAIL_RESTART_CONTAINER:
        resource.failed = resource.stop_if_failed = True
        if resource.launcher is not None and resource.bundled:
            state.stop_needed.insert(0, resource.launcher)
            state.because("contained-failed", resource.launcher.id, cause, resource.id)
        elif resource.launcher is not None:
            state.because("contained-failed", resource.launcher.id, cause, resource.id)
            vertices.stop(resource.launcher, node, optional=False)
        elif known_active:
            vertices.stop(resource, node, optional=False)
    elif handling == FAIL_RESET_REMOTE:
        resource.failed = resource.stop_if_failed = True
        remote = state.node_named(resource.id) if resource.is_remote_connection else None
        if (
            state.settings.fencing_enabled
            and remote is not None
            and remote.is_remote
            and not remote.remote_fenced
        ):
            fencing.fence_node(state, remote, "remote connection is unrecoverable")
        if known_active:
            vertices.stop(resource, node, optional=False)
        if resource.remote_reconnect_ms:
            resource.set_next_role(STOPPED, "remote reset", cause)

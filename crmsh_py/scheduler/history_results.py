"""What one result of a history means: a new role, a failure, or nothing any more."""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import exit_texts, fencing, migration_history, vertices
from crmsh_py.scheduler.history_entry import (
    DEGRADED,
    DEGRADED_PROMOTED,
    DONE,
    ERROR,
    ERROR_FATAL,
    ERROR_HARD,
    FAILED_PROMOTED,
    INSUFFICIENT_PRIVILEGES,
    INVALID_PARAM,
    NO_FENCE_DEVICE,
    NO_SECRETS,
    NOT_CONFIGURED,
    NOT_CONNECTED,
    NOT_INSTALLED,
    NOT_RUNNING,
    NOT_SUPPORTED,
    OK,
    PENDING,
    RC_NOT_INSTALLED,
    RUNNING_PROMOTED,
    UNIMPLEMENTED,
    HistoryEntry,
    number,
)
from crmsh_py.scheduler.history_reading import Reading, failure_of, set_active
from crmsh_py.scheduler.model import (
    FAIL_BAN,
    FAIL_BLOCK,
    FAIL_DEMOTE,
    FAIL_IGNORE,
    FAIL_RESET_REMOTE,
    FAIL_RESTART,
    FAIL_RESTART_CONTAINER,
    PROMOTED,
    STARTED,
    STOPPED,
    UNKNOWN,
    UNPROMOTED,
)

_CLEARED_BY_SUCCESS = {
    FAIL_BLOCK,
    FAIL_IGNORE,
    FAIL_DEMOTE,
    FAIL_RESTART,
    FAIL_RESTART_CONTAINER,
}


def judge(reading: Reading, *, expired: bool) -> None:
    """Let one entry act on the role of its resource and on the handling that is due."""
    entry, resource, node = reading.entry, reading.resource, reading.node
    original = reading.rc
    _interpret(reading, expired=expired)
    masked = not resource.bundled and entry.masks_failure
    if expired and _pass_over(reading, original, masked=masked):
        return
    if masked:
        _mask(reading)
        return
    if reading.status == PENDING:
        _judge_pending(reading)
        return
    if reading.status == DONE:
        _succeed(reading, reading.rc)
        return
    banned = resource if resource.unique else resource.topmost()
    handling, role = failure_of(reading)
    if reading.status == NOT_INSTALLED:
        if handling == FAIL_IGNORE:
            reading.handling = FAIL_BAN
        banned.shift(node, -INFINITY, "hard-error", entry.id)
        _fail(reading, handling, role)
        return
    if reading.status == NOT_CONNECTED and node.remote is not None and node.remote.managed:
        node.remote.failed = node.remote.stop_if_failed = True
    if handling == FAIL_IGNORE or (handling == FAIL_RESTART_CONTAINER and entry.task == "stop"):
        _succeed(reading, entry.target_rc)
        resource.ignore_failure = True
        record(reading)
        if handling == FAIL_RESTART_CONTAINER and reading.handling <= FAIL_RESTART:
            reading.handling = handling
        return
    _fail(reading, handling, role)
    if reading.status == ERROR_HARD:
        if reading.rc != RC_NOT_INSTALLED:  # which is no more than a remark
            resource.state.error("unpack_rsc_op", f"Preventing {banned.id} from restarting on "
                                 f"{node.name} because of hard failure {_cause(reading)} | "
                                 f"{entry.id}")  # fmt: skip
        banned.shift(node, -INFINITY, "hard-error", entry.id)
    elif reading.status == ERROR_FATAL:
        resource.state.error("unpack_rsc_op", f"Preventing {banned.id} from restarting anywhere "
                             f"because of fatal failure {_cause(reading)} | "
                             f"{entry.id}")  # fmt: skip
        banned.shift(None, -INFINITY, "fatal-error", entry.id)


def _cause(reading: Reading) -> str:
    """Why it failed, in parentheses: what the exit code means, and what the agent said."""
    said = reading.entry.exit_reason
    return f"({exit_texts.exit_text(reading.rc)}{': ' if said else ''}{said})"


def record(reading: Reading) -> None:
    """Keep a failed entry, for those who look at the status; one per operation and node."""
    entry, node = reading.entry, reading.node
    if not node.online:
        return
    failed = reading.resource.state.failed
    if all(other.key != entry.key or other.node_name != node.name for other in failed):
        entry.node_name = node.name
        failed.append(entry)


# ---- what a result says --------------------------------------------------------------------------


def _interpret(reading: Reading, *, expired: bool) -> None:
    """Tell failures from results that only look like one, and hard failures from soft."""
    entry, resource, node = reading.entry, reading.resource, reading.node
    if reading.rc in {DEGRADED, DEGRADED_PROMOTED}:
        reading.rc = OK if reading.rc == DEGRADED else RUNNING_PROMOTED
        if not expired and (not node.shutdown or node.online):
            record(reading)
    if (
        not resource.bundled
        and entry.masks_failure
        and (reading.status != DONE or reading.rc != NOT_RUNNING)
    ):
        reading.status, reading.rc = DONE, NOT_RUNNING
    if reading.status in {NO_FENCE_DEVICE, NO_SECRETS}:
        reading.status = ERROR_HARD
        return
    if reading.status not in {DONE, ERROR}:
        return
    if entry.target_rc < 0:
        reading.status = ERROR
        resource.state.warn("remap_operation", f"Expected result not found for {entry.key} on "
                            f"{node.name} (corrupt or obsolete CIB?)")  # fmt: skip
    else:
        reading.status = DONE if reading.rc == entry.target_rc else ERROR
    _interpret_rc(reading, expired=expired)


def _interpret_rc(reading: Reading, *, expired: bool) -> None:
    entry, resource = reading.entry, reading.resource
    rc, probe = reading.rc, entry.is_probe
    if rc == OK:
        if probe and entry.target_rc == NOT_RUNNING:
            reading.status = DONE
    elif rc == NOT_RUNNING:
        if probe or entry.target_rc == rc or not resource.managed:
            reading.status = DONE
            resource.orig_role = STOPPED
            reading.handling = FAIL_IGNORE
            resource.next_role = UNKNOWN
    elif rc == RUNNING_PROMOTED:
        if probe and rc != entry.target_rc:
            reading.status = DONE
        if not expired or rc == entry.target_rc:
            resource.orig_role = PROMOTED
    elif rc == FAILED_PROMOTED:
        if not expired:
            resource.orig_role = PROMOTED
        reading.status = ERROR
    elif rc == NOT_CONFIGURED:
        reading.status = ERROR_FATAL
    elif rc == UNIMPLEMENTED and entry.interval_ms:
        reading.status = NOT_SUPPORTED
    elif rc in {UNIMPLEMENTED, RC_NOT_INSTALLED, INVALID_PARAM, INSUFFICIENT_PRIVILEGES}:
        if not expired:
            _block_failed_stop(reading)
        reading.status = ERROR_HARD
    elif reading.status == DONE:
        reading.status = ERROR


def _when(reading: Reading) -> str:
    """The time of a result, in the zone in which the cluster is looked at."""
    try:
        zone = reading.resource.state.now.tzinfo
        moment = datetime.fromtimestamp(reading.entry.last_change, zone)
    except (ValueError, OverflowError, OSError):
        return "unknown time"
    return moment.strftime("%b %d %H:%M:%S %Y")


def _block_failed_stop(reading: Reading) -> None:
    """Nothing helps where a stop fails and the node cannot be fenced."""
    state = reading.resource.state
    if reading.entry.task == "stop" and not fencing.can_fence(state, reading.node):
        state.error("block_if_unrecoverable", "No further recovery can be attempted for "
                    f"{reading.resource.id} because stop on {reading.node.name} "
                    f"failed {_cause(reading)} at {_when(reading)} | rc={reading.rc} "
                    f"id={reading.entry.id}")  # fmt: skip
        reading.resource.managed = False
        reading.resource.blocked = True


def _pass_over(reading: Reading, original: int, *, masked: bool) -> bool:
    """Whether an expired entry means nothing any more."""
    entry, resource, node = reading.entry, reading.resource, reading.node
    if masked and original != entry.target_rc:
        if resource.orig_role <= STOPPED:
            resource.orig_role = UNKNOWN
        return True
    if reading.rc == entry.target_rc:
        return False
    if not entry.interval_ms:
        return True
    if node.online and not node.unclean:
        # It is begun anew, as if its parameters had changed.
        entry.restart_digest = "calculated-failure-timeout"
        return True
    return False


def _mask(reading: Reading) -> None:
    """A probe on a node where the agent cannot run: it is not running, and shall not."""
    resource = reading.resource
    banned = resource if resource.unique else resource.topmost()
    _succeed(reading, reading.entry.target_rc)
    record(reading)
    banned.shift(reading.node, -INFINITY, "probe-failed", reading.entry.id)


# ---- pending, success, failure -------------------------------------------------------------------


def _failure_is_newer(entry: HistoryEntry, failure: HistoryEntry | None) -> bool:
    return (
        failure is not None
        and entry.task == failure.task
        and entry.interval_ms == failure.interval_ms
        and entry.last_change >= 0
        and failure.last_change >= entry.last_change
    )


def _judge_pending(reading: Reading) -> None:
    entry, resource, node = reading.entry, reading.resource, reading.node
    if _failure_is_newer(entry, reading.last_failure):
        return
    if entry.task == "start":
        resource.start_pending = True
        set_active(resource)
    elif entry.task == "promote":
        resource.orig_role = PROMOTED
    elif entry.task == "migrate_to" and node.unclean:
        target = resource.state.node_named(entry.element.attrs.get("migrate_target"))
        if target is not None:
            vertices.stop(resource, target, optional=False)
    if resource.pending_action is None and not entry.is_probe:
        resource.pending_action = entry.task
        resource.pending_node = node


def _succeed(reading: Reading, rc: int) -> None:
    entry, resource = reading.entry, reading.resource
    task = entry.task
    clears = True
    if rc == RC_NOT_INSTALLED or (not resource.bundled and entry.masks_failure):
        resource.orig_role = STOPPED
        clears = False
    elif rc == NOT_RUNNING:
        pass
    elif task == "monitor":
        clears = reading.last_failure is not None and reading.last_failure.key == entry.key
        if resource.orig_role < STARTED:
            set_active(resource)
    elif task in {"start", "migrate_from"}:
        resource.orig_role = STARTED
    elif task == "stop":
        resource.orig_role = STOPPED
    elif task == "promote":
        resource.orig_role = PROMOTED
    elif task == "demote":
        clears = reading.handling == FAIL_DEMOTE
        resource.orig_role = UNPROMOTED
    else:
        clears = False
        if task == "migrate_to":
            migration_history.read_success(reading)
        elif resource.orig_role < STARTED:
            set_active(resource)
    if not clears:
        return
    if reading.handling in _CLEARED_BY_SUCCESS or (
        reading.handling == FAIL_RESET_REMOTE and not resource.remote_reconnect_ms
    ):
        reading.handling = FAIL_IGNORE
        resource.next_role = UNKNOWN


def _fail(reading: Reading, handling: int, role: int) -> None:
    entry, resource, node = reading.entry, reading.resource, reading.node
    state = resource.state
    reading.last_failure = entry
    if state.settings.symmetric or reading.rc != RC_NOT_INSTALLED:
        task = "probe" if entry.is_probe else entry.task
        state.warn("unpack_rsc_op_failure", f"Unexpected result ({number(entry.raw_rc, 0)}) was "
                   f"recorded for {task} of {resource.id} on {node.name}")  # fmt: skip
        record(reading)
    reading.handling = max(reading.handling, handling)
    if entry.task == "stop":
        resource.shift(node, -INFINITY, "stop-failed", entry.id)
    elif entry.task == "migrate_to":
        migration_history.read_to_failure(reading)
    elif entry.task == "migrate_from":
        migration_history.read_from_failure(reading)
    elif entry.task == "promote":
        resource.orig_role = PROMOTED
    elif entry.task == "demote":
        if handling == FAIL_BLOCK:
            resource.orig_role = PROMOTED
            resource.set_next_role(STOPPED, "demote with on-fail=block", entry.id)
        elif reading.rc == NOT_RUNNING:
            resource.orig_role = STOPPED
        else:
            resource.orig_role = UNPROMOTED
    if entry.is_probe and reading.rc == RC_NOT_INSTALLED:
        resource.orig_role = STOPPED
    elif resource.orig_role < STARTED:
        set_active(resource)
    if role != STARTED and resource.next_role < role:
        resource.set_next_role(role, "failure", entry.id)
    if role == STOPPED:
        top = resource.topmost()
        banned = top if resource.parent is not None and top.is_anonymous_clone else resource
        banned.forbid_everywhere("failed-stop", entry.id)

"""Changes that are made to a CIB before a simulation: nodes, tickets, quorum, results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.errors import ConfigError
from crmsh_py.scheduler import history
from crmsh_py.scheduler.history_entry import number
from crmsh_py.scheduler.result import Action, ActionKind
from crmsh_py.scheduler.schedule import read_status
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.status_draft import StatusDraft

_SPEC = re.compile(r"(?P<resource>.+)_(?P<task>[a-z]+|migrate_to|migrate_from)_(?P<interval>\d+)"
                   r"@(?P<node>[^=]+)=(?P<rc>\d+)")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be changed; ``tickets`` are triples of ticket, attribute and value."""

    nodes_up: tuple[str, ...] = ()
    nodes_down: tuple[str, ...] = ()
    nodes_failed: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    tickets: tuple[tuple[str, str, bool], ...] = ()
    quorum: str | None = None


def apply(cib: Cib, changes: Changes, *, at: int, now: datetime) -> Cib:
    """The CIB with all of it; ``at`` is the Unix time of what happens."""
    draft = StatusDraft(cib)
    if changes.quorum is not None:
        draft.changes["have-quorum"] = changes.quorum
    for name in changes.nodes_up:
        draft.set_up(draft.node_state(name), up=True)
    for name in changes.nodes_down:
        entry = draft.node_state(name)
        draft.set_up(entry, up=False)
        entry.children = [c for c in entry.children if c.tag not in {"lrm", "transient_attributes"}]
    for name in changes.nodes_failed:
        entry = draft.node_state(name)
        draft.set_up(entry, up=True)
        entry.attrs["in_ccm"] = "false"
    for ticket, attribute, value in changes.tickets:
        draft.set_ticket(ticket, attribute, value=value)
    if changes.operations:
        state = read_status(cib, now)
        for spec in changes.operations:
            _operation(state, draft, spec, at)
    return draft.cib()


def _operation(state: State, draft: StatusDraft, spec: str, at: int) -> None:
    """Write down a result that an operation did not have."""
    found = _SPEC.fullmatch(spec)
    resource = state.find_resource(found["resource"]) if found else None
    if found is None or resource is None:
        raise ConfigError(f"'{spec}' names no operation: RESOURCE_TASK_INTERVAL@NODE=RC")
    task, interval, rc = found["task"], int(found["interval"]), int(found["rc"])
    entry = draft.node_state(found["node"])
    fatal = task == "stop" or (task == "start" and state.settings.start_failure_fatal)
    draft.count_failure(entry, found["resource"], task, interval, rc, at=at, fatal=fatal)
    agent = (resource.standard, resource.provider, resource.agent_type)
    kept = draft.history(entry, found["resource"], found["resource"], agent)
    call = 1 + max((number(op.attrs.get("call-id"), 0) for op in kept.children), default=0)
    action = Action(
        id=-1,
        kind=ActionKind.RESOURCE,
        operation=task,
        key=f"{found['resource']}_{task}_{interval}",
        interval_ms=interval,
    )
    result = history.Result(rc=rc, call_id=call, run_at=at, exit_reason="Simulated action result")
    key = history.transition_key(call, -1, 0, history.NO_CONTROLLER)
    for made in history.entries(
        found["resource"], action, result, key=key, node=found["node"], origin="crm_simulate"
    ):
        kept.put(made)

"""Changes that are made to a CIB before a simulation: nodes, tickets, quorum, results."""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import PROPERTY_SET
from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.scheduler import history
from crmsh_py.scheduler.history_entry import number
from crmsh_py.scheduler.reading import read_status
from crmsh_py.scheduler.result import Action, ActionKind
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.status_draft import StatusDraft
from crmsh_py.value import frozen

_SPEC = regex(r"(?P<resource>.+)_(?P<task>[a-z]+|migrate_to|migrate_from)_(?P<interval>\d+)"
                   r"@(?P<node>[^=]+)=(?P<rc>\d+)")  # fmt: skip


@frozen(kw_only=True)
class Changes:
    """What is to be changed; ``tickets`` are triples of ticket, attribute and value."""

    nodes_up: tuple[str, ...] = ()
    nodes_down: tuple[str, ...] = ()
    nodes_failed: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    tickets: tuple[tuple[str, str, bool], ...] = ()
    quorum: str | None = None
    watchdog: str | None = None


@frozen
class Counted:
    """An attribute that an injected failure has set on a node; ``spec`` is the failure."""

    spec: str
    node_id: str
    name: str
    value: str


def apply(cib: Cib, changes: Changes, *, at: int, now: datetime) -> Cib:
    """The CIB with all of it; ``at`` is the Unix time of what happens."""
    return apply_and_tell(cib, changes, at=at, now=now)[0]


def apply_and_tell(
    cib: Cib, changes: Changes, *, at: int, now: datetime
) -> tuple[Cib, tuple[Counted, ...]]:
    """The same, and what the failures among it have set."""
    if changes.watchdog is not None:
        cib = _with_watchdog(cib, changes.watchdog)
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
    counted: list[Counted] = []
    if changes.operations:
        state = read_status(cib, now)
        for spec in changes.operations:
            counted += _operation(state, draft, spec, at)
    return draft.cib(), tuple(counted)


def _with_watchdog(cib: Cib, value: str) -> Cib:
    """With the property that tells whether the nodes have a watchdog."""
    name, section = "have-watchdog", cib.section("crm_config")
    for each in section.iter("nvpair"):
        if each.get("name") == name:
            return cib.with_section("crm_config", _changed(section, each, value))
    pair = Element("nvpair", {"id": f"{PROPERTY_SET}-{name}", "name": name, "value": value})
    sets = section.findall("cluster_property_set")
    first = sets[0] if sets else Element("cluster_property_set", {"id": PROPERTY_SET})
    others = tuple(child for child in section.children if child is not first)
    changed = section.with_children((first.append(pair), *others))
    return cib.with_section("crm_config", changed)


def _changed(section: Element, pair: Element, value: str) -> Element:
    def change(element: Element) -> Element:
        if element is pair:
            return element.with_attributes({"value": value})
        return element.map_children(change)

    return section.map_children(change)


def _operation(state: State, draft: StatusDraft, spec: str, at: int) -> list[Counted]:
    """Write down a result that an operation did not have."""
    found = _SPEC.fullmatch(spec)
    resource = state.find_resource(found["resource"]) if found else None
    if found is None or resource is None:
        raise ConfigError(f"'{spec}' names no operation: RESOURCE_TASK_INTERVAL@NODE=RC")
    task, interval, rc = found["task"], int(found["interval"]), int(found["rc"])
    entry = draft.node_state(found["node"])
    fatal = task == "stop" or (task == "start" and state.settings.start_failure_fatal)
    counted = draft.count_failure(entry, found["resource"], task, interval, rc, at=at, fatal=fatal)
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
    return [Counted(spec, entry.attrs["id"], name, value) for name, value in counted]

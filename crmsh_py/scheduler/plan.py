"""Plan: from a CIB to what is to be done about it, as values.

``plan`` runs the steps of ``schedule`` and turns what they leave into ``result.Plan``. It is pure:
the same CIB at the same moment gives the same plan.
"""

from __future__ import annotations

from datetime import UTC, datetime

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler import digests, outgoing, summary
from crmsh_py.scheduler.causes import Causes
from crmsh_py.scheduler.contributions import unfolded
from crmsh_py.scheduler.model import ROLE_NAMES, Vertex
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import (
    Action,
    ActionKind,
    Change,
    Digests,
    Plan,
    Reason,
    ResourceChange,
    Role,
)
from crmsh_py.scheduler.schedule import schedule
from crmsh_py.scheduler.settings import interval_ms, whole_number
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.status import status_of
from crmsh_py.value import replace

_LAST_SECOND = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())
ROLES = tuple(Role(name) for name in ROLE_NAMES)
_CHANGES = {
    "Start": Change.START,
    "Stop": Change.STOP,
    "Move": Change.MOVE,
    "Migrate": Change.MIGRATE,
    "Restart": Change.RESTART,
    "Recover": Change.RECOVER,
    "Reload": Change.RELOAD,
    "Promote": Change.PROMOTE,
    "Re-promote": Change.PROMOTE,
    "Demote": Change.DEMOTE,
}


def plan(cib: Cib, *, now: datetime, traced: bool = False) -> Plan:
    """What to do about a CIB at a moment, in which order, and why.

    With ``traced``, the plan also says what its scores are made of, and the chain of causes of
    every change and action.
    """
    state = schedule(upgrade(cib) if needs_upgrade(cib) else cib, now, traced=traced)
    actions = [to_action(vertex) for vertex in state.graph]
    changes = _resource_changes(state)
    scores = [kept for kept in state.kept_scores() if kept.stage.startswith("pcmk__")]
    if traced:
        causes = Causes(state)
        actions = [
            replace(action, reasons=causes.of_action(vertex))
            for action, vertex in zip(actions, state.graph, strict=True)
        ]
        changes = [
            replace(change, reasons=causes.of(state.by_id[change.resource])) for change in changes
        ]
    return Plan(
        actions=tuple(actions),
        changes=(*_node_changes(state), *changes),
        scores={(each.resource, each.node): each.score for each in scores},
        contributions={
            (each.resource, each.node): unfolded(each.trail) for each in scores if traced
        },
        messages=tuple(state.messages),
        reasons=tuple(state.reasons),
        status=status_of(state),
        recheck_at=_recheck_at(state),
        batch_limit=max(0, whole_number(state.settings.text("batch-limit"))),
        cluster_delay_ms=interval_ms(state.settings.text("cluster-delay")) or 60000,
    )


def _recheck_at(state: State) -> datetime | None:
    moments = [when for when in (state.recheck_by, state.cycle_by) if when]
    # Histories and attributes may name any second; the calendar ends, and nobody waits that long.
    return datetime.fromtimestamp(min(*moments, _LAST_SECOND), UTC) if moments else None


def changes_of(state: State) -> tuple[ResourceChange, ...]:
    """What a decided state does to nodes and resources, in the order of the summary."""
    return (*_node_changes(state), *_resource_changes(state))


def to_action(vertex: Vertex) -> Action:
    """A vertex of the graph as a value."""
    resource = vertex.resource
    kind = outgoing.kind_of(vertex)
    located = outgoing.has_node(vertex)
    router = outgoing.router_of(vertex)
    real = resource is not None and kind is not ActionKind.PSEUDO
    name = outgoing.executor_id(resource) if resource is not None and real else ""
    parameters = outgoing.parameters_of(vertex) if real else {}
    timeout = int(vertex.meta.get("timeout", "20000"))
    made: Digests | None = None
    if kind is ActionKind.RESOURCE and vertex.task != "cancel":
        made = digests.for_history(parameters, interval_ms=vertex.interval_ms, timeout_ms=timeout)
    return Action(
        id=vertex.id,
        kind=kind,
        operation=vertex.task,
        key=outgoing.key_of(vertex, name) if name else vertex.key,
        node=vertex.node.name if located and vertex.node is not None else "",
        node_id=vertex.node.id if located and vertex.node is not None else "",
        router=router.name if router is not None else "",
        resource=name or (resource.id if resource is not None else ""),
        agent=agent_of(resource) if resource is not None else None,
        interval_ms=vertex.interval_ms,
        timeout_ms=timeout,
        parameters=parameters,
        meta={
            key.removeprefix("CRM_meta_"): value
            for key, value in outgoing.meta_of(vertex).items()
            if key.startswith("CRM_meta_")
        },
        target_rc=whole_number(vertex.meta.get("op_target_rc")),
        inputs=tuple(edge.vertex.id for edge in vertex.before if edge.graphed),
        priority=outgoing.priority_of(vertex),
        digests=made,
        reasons=_because(vertex.resource.id if vertex.resource else "", vertex.reason),
    )


def agent_of(resource: Resource) -> AgentSpec | None:
    """The agent of a primitive; None for anything else."""
    if not resource.is_primitive:
        return None
    return AgentSpec(resource.standard, resource.provider, resource.agent_type)


def _because(subject: str, text: str | None) -> tuple[Reason, ...]:
    return (Reason(kind="because", subject=subject, value=text),) if text else ()


def _node_changes(state: State) -> list[ResourceChange]:
    found = []
    for what, vertex in summary.node_lines(state):
        if what == "Shutdown" or vertex.node is None:
            continue
        found.append(
            ResourceChange(
                change=Change.FENCE,
                resource=vertex.node.name,
                from_node=vertex.node.name,
                reasons=_because(vertex.node.name, vertex.reason),
            )
        )
    return found


def _resource_changes(state: State) -> list[ResourceChange]:
    found = []
    for line in summary.resource_lines(state):
        resource = line.resource
        staying = line.change in {"Reload", "Restart", "Recover", "Promote", "Demote", "Re-promote"}
        origin = line.origin
        destination = line.destination or (origin if staying else None)
        found.append(
            ResourceChange(
                change=_CHANGES[line.change],
                resource=resource.id,
                from_node=origin.name if origin is not None else "",
                from_role=ROLES[resource.orig_role],
                to_node=destination.name if destination is not None else "",
                to_role=ROLES[resource.next_role] if destination is not None else Role.STOPPED,
                blocked=line.blocked,
                reasons=_because(resource.id, line.reason),
            )
        )
    return found

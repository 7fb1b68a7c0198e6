"""Why a resource runs where it runs, or does not: sentences from the reasons of a plan.

``why`` makes the plan anew and tells, from the general to the particular: where the resource is,
what will be done about it, what holds for it everywhere, and then for each node what speaks for
and against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.scores import INFINITY, format_score
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler import summary
from crmsh_py.scheduler.model import PROMOTED, ROLE_NAMES, STARTED, STOPPED, Node
from crmsh_py.scheduler.reasons import sentence
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import Reason
from crmsh_py.scheduler.schedule import schedule
from crmsh_py.scheduler.state import State

_EVERYWHERE = frozenset({"target-role", "fatal-error", "instance-limit", "removed", "ticket-lost",
                         "ticket-missing", "ticket-standby"})  # fmt: skip
_SILENT = frozenset({"symmetric-default", "remote-default"})


def why(cib: Cib, resource: str, node: str | None = None, *, now: datetime) -> list[str]:
    """The lines that explain a resource, on all nodes or on one; none for an unknown resource."""
    state = schedule(upgrade(cib) if needs_upgrade(cib) else cib, now)
    found = state.find_resource(resource) or _instances_of(state, resource)
    if found is None:
        return []
    lines: list[str] = []
    leaves = list(found.leaves()) if isinstance(found, Resource) else found
    for leaf in _telling(leaves):
        lines += _explain(state, leaf, node)
    return lines


def _telling(leaves: list[Resource]) -> Iterator[Resource]:
    """Of instances that are alike, those that are or will be somewhere, and one that is not."""
    idle: set[str] = set()
    for leaf in leaves:
        if leaf.active_nodes or leaf.assigned is not None:
            yield leaf
        elif leaf.unique or leaf.xml_id not in idle:
            idle.add(leaf.xml_id)
            yield leaf


def _instances_of(state: State, xml_id: str) -> list[Resource] | None:
    """The instances of what is inside of a clone, which has no number of its own."""
    found = [each for each in state.by_id.values() if each.xml_id == xml_id]
    leaves = [leaf for each in found for leaf in each.leaves()]
    return leaves or None


def _explain(state: State, resource: Resource, only: str | None) -> Iterator[str]:
    yield _where(resource)
    yield from _outlook(state, resource)
    yield from _general(state, resource)
    able = sum(_able(resource, node) for node in state.nodes)
    yield f"  {able} of {len(state.nodes)} nodes can run it"
    for node in state.nodes:
        if only is None or node.name.lower() == only.lower():
            yield f"  {node.name}: {_on_node(resource, node)}"


def _able(resource: Resource, node: Node) -> bool:
    score = resource.scores.get(node.index)
    return score is not None and score >= 0 and not _obstacle(node)


def _where(resource: Resource) -> str:
    nodes = [node.name for node in resource.active_nodes]
    if not nodes:
        return f"{resource.id} is not running"
    role = "promoted" if resource.orig_role == PROMOTED else "running"
    return f"{resource.id} is {role} on {', '.join(nodes)}"


def _outlook(state: State, resource: Resource) -> Iterator[str]:
    """What is going to be done."""
    lines = [line for line in summary.resource_lines(state) if line.resource is resource]
    for line in lines:
        origin = line.origin.name if line.origin is not None else ""
        target = line.destination.name if line.destination is not None else ""
        places = f"{origin} -> {target}" if origin and target and origin != target else (
            target or origin
        )  # fmt: skip
        text = f"  will: {line.change.lower()} on {places}"
        if line.reason:
            text += f", because of {line.reason}"
        if line.blocked:
            text += "; this is blocked"
        yield text
    if not lines:
        assigned = resource.assigned
        if assigned is not None:
            role = ROLE_NAMES[resource.next_role]
            yield f"  stays as it is: {role} on {assigned.name}"
        elif resource.next_role <= STARTED:
            yield "  stays as it is: no node may or can run it"


def _general(state: State, resource: Resource) -> Iterator[str]:
    """What holds wherever it is."""
    if not resource.managed:
        word = "in maintenance" if resource.maintenance else "unmanaged"
        yield f"  it is {word}: the cluster neither starts nor stops it"
    if resource.blocked:
        yield "  it is blocked by a failure that somebody has to look at (crm resource cleanup)"
    if resource.target_role() == STOPPED:
        yield "  its target-role is Stopped (crm resource start changes that)"
    settings = state.settings
    if settings.stop_all:
        yield "  the property stop-all-resources is set"
    if resource.needs_quorum and not state.quorate and settings.no_quorum_policy != "ignore":
        yield f"  the cluster has no quorum, and no-quorum-policy is {settings.no_quorum_policy}"
    if settings.fencing_enabled and not state.have_fencing:
        yield "  fencing is enabled, but no fencing device is configured: nothing is started"
    seen = set()
    for reasons in resource.contributions.values():
        for reason in reasons:
            text = sentence(reason)
            if reason.kind in _EVERYWHERE and text not in seen:
                seen.add(text)
                yield f"  {text}"
    for reason in state.reasons:
        if reason.subject == resource.id and reason.kind in {"failed-stop", "multiple-active"}:
            yield f"  {sentence(reason)}"


def _on_node(resource: Resource, node: Node) -> str:
    """What speaks for and against one node."""
    score = resource.scores.get(node.index)
    obstacle = _obstacle(node)
    grounds = dict.fromkeys(
        f"{_signed(reason)}: {sentence(reason)}"
        for reason in resource.contributions.get(node.index, [])
        if reason.kind not in _SILENT
    )
    because = f" ({'; '.join(grounds)})" if grounds else ""
    if score is None:
        return obstacle or "no constraint allows it here"
    text = f"score {format_score(score)}{because}"
    if obstacle:
        return f"{obstacle}, {text}"
    if score < 0:
        return f"may not run here, {text}"
    return f"chosen, {text}" if resource.assigned is node else text


def _obstacle(node: Node) -> str:
    """Why nothing can run on a node at all."""
    if node.unclean:
        return "its state is not known"
    if not node.online:
        return "it is offline"
    if node.shutdown:
        return "it is shutting down"
    if node.standby or node.fail_standby:
        return "it is in standby"
    if node.maintenance:
        return "it is in maintenance"
    return "it has not joined yet" if node.pending else ""


def _signed(reason: Reason) -> str:
    try:
        value = int(reason.value)
    except ValueError:
        return reason.value
    text = format_score(value)
    return text if value <= -INFINITY or value < 0 else f"+{text}"

"""What has changed in the configuration since the actions of the histories were carried out.

A removed operation is cancelled, one with changed parameters begun anew; a resource whose own
parameters changed is restarted, or reloaded where its agent can do that for these parameters.
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.scheduler import (
    digests,
    failcounts,
    fencing,
    histories,
    operations,
    recurring,
    relations,
    vertices,
)
from crmsh_py.scheduler.history_entry import HistoryEntry
from crmsh_py.scheduler.model import (
    ORDERED,
    THEN_CANCELS_FIRST,
    Node,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State

_CHECKED = {"monitor", "start", "promote", "migrate_from"}
_AS_START = {"monitor", "migrate_from", "promote"}


def handle_all(state: State) -> None:
    """Compare all histories of usable nodes with the configuration."""
    matching = _by_any_id(state)
    elements = {
        element.get("uname"): element
        for element in reversed(state.cib.status.findall("node_state"))
    }
    for node in state.nodes:
        if not node.maintenance and not node.available():
            continue
        element = elements.get(node.name)
        lrm = element.find("lrm", "lrm_resources") if element is not None else None
        for history in lrm.findall("lrm_resource") if lrm is not None else ():
            if not history.findall("lrm_rsc_op"):
                continue
            for resource in matching.get(history.id, ()):
                _handle(resource, node, history)


def _by_any_id(state: State) -> dict[str, list[Resource]]:
    """Primitives by their ids and by those that histories know them by, newest first."""
    found: dict[str, list[Resource]] = {}
    for resource in state.resources:
        for leaf in resource.leaves():
            if leaf.is_primitive:
                for id_ in dict.fromkeys((leaf.id, leaf.history_id)):
                    if id_ is not None:
                        found.setdefault(id_, []).insert(0, leaf)
    return found


def _handle(resource: Resource, node: Node, history: Element) -> None:
    if resource.removed:
        if not resource.topmost().is_anonymous_clone:
            schedule_cleanup(resource, node)
        return
    active = resource.active_on(node)
    if _agent_changed(resource, node, history, active=active):
        schedule_cleanup(resource, node)
    if not active:
        return
    entries = resource.state.histories.get((node.name, history.id), [])
    ordered = histories.in_order([e for e in entries if e.element in history.children])
    start, stop = histories.active_part(ordered)
    if start < stop:
        return
    for place, entry in enumerate(ordered):
        if place < start:
            continue
        if entry.interval_ms and (resource.maintenance or node.maintenance):
            recurring.schedule_cancel(
                resource,
                entry.element.get("call-id"),
                entry.task,
                entry.interval_ms,
                node,
                "maintenance mode",
            )
        elif entry.interval_ms or entry.task.lower() in _CHECKED:
            if histories.digests_later(resource):
                resource.state.param_checks.append((entry, resource, node, True))
            elif check(resource, node, entry) and failcounts.count(node, resource)[0]:
                vertices.clear_failcount(resource, node, "action definition changed")


def _agent_changed(resource: Resource, node: Node, history: Element, *, active: bool) -> bool:
    changed = False
    for name in ("type", "class", "provider"):
        if resource.element.attrs.get(name) != history.attrs.get(name):
            changed = True
            fencing.trigger_unfencing(resource.state, resource, node, "Device definition changed")
    if changed and active:
        vertices.stop(resource, node, optional=False)
        resource.start_pending = True
    return changed


def schedule_cleanup(resource: Resource, node: Node) -> None:
    """Have the history of a resource on a node deleted, after it has stopped there."""
    if resource.failed or node.unclean or not node.online:
        return
    vertices.vertex_for(resource, "delete", node, optional=False)
    relations.order(resource, "stop", resource, "delete", ORDERED)
    relations.order(resource, "delete", resource, "start", ORDERED)


def check(resource: Resource, node: Node, entry: HistoryEntry) -> bool:
    """Compare one entry with the configuration; True where anything had to be done."""
    state = resource.state
    task, every_ms = entry.task, entry.interval_ms
    if every_ms and operations.find(resource, task, every_ms, include_disabled=False) is None:
        if state.settings.cancel_removed:
            recurring.schedule_cancel(
                resource, entry.element.get("call-id"), task, every_ms, node, "removed"
            )
        return True
    if not every_ms and task in _AS_START:
        task = "start"
    verdict = digests.compare(resource, entry, node)
    if verdict == digests.MATCH or (
        state.sanitized and digests.only_private_changed(resource, entry, node)
    ):
        return False
    if verdict == digests.RESTART:
        _force_restart(resource, task, every_ms, node)
    elif every_ms:
        recurring.reschedule(resource, task, every_ms, node)
    elif entry.restart_digest is not None:
        fencing.trigger_unfencing(state, resource, node, "Device parameters changed (reload)")
        _schedule_reload(resource, node)
    else:
        _force_restart(resource, task, every_ms, node)
    return True


def _force_restart(resource: Resource, task: str, every_ms: int, node: Node) -> None:
    vertex = vertices.vertex_for(resource, task, None, optional=False, every_ms=every_ms)
    vertex.set_reason("resource definition change", overwrite=True)
    resource.state.because("changed-definition", resource.id)
    fencing.trigger_unfencing(resource.state, resource, node, "Device parameters changed")


def _schedule_reload(resource: Resource, node: Node) -> None:
    if not resource.managed or resource.failed:
        return
    if resource.start_pending:
        vertices.stop(resource, node, optional=False)
        return
    resource.reload = True
    vertex = vertices.vertex_for(resource, "reload-agent", node, optional=False)
    vertex.set_reason("resource definition change")
    relations.after_vertex(vertex, resource, "stop", ORDERED | THEN_CANCELS_FIRST)
    relations.after_vertex(vertex, resource, "demote", ORDERED | THEN_CANCELS_FIRST)


def check_later(state: State) -> None:
    """Do the comparisons that had to wait until containers have their nodes."""
    for entry, resource, node, active in state.param_checks:
        why = None
        if active:
            if check(resource, node, entry) and failcounts.count(node, resource)[0]:
                why = "action definition changed"
        elif digests.compare(resource, entry, node) in {digests.MISMATCH, digests.RESTART}:
            why = "resource parameters have changed"
        if why is not None:
            vertices.clear_failcount(resource, node, why)
    state.param_checks.clear()


def clear_failures_of_removed(state: State) -> None:
    """Forget the failures of resources that are configured no more."""
    for resource in state.resources:
        if not resource.removed or not state.settings.stop_removed:
            continue
        for node in state.nodes:
            if node.online and failcounts.count(node, resource)[0]:
                clear = vertices.clear_failcount(resource, node, "it is removed")
                relations.after_vertex(clear, resource, "stop", ORDERED)

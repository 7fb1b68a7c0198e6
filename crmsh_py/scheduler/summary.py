"""What a plan does to each resource, as one line of a summary says it."""

from __future__ import annotations

from crmsh_py.scheduler.model import (
    OPTIONAL,
    PROMOTED,
    RUNNABLE,
    STARTED,
    STOPPED,
    Node,
    Vertex,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State
from crmsh_py.value import frozen


@frozen
class Line:
    """A change of one resource: ``action`` is what is done, ``source`` what has the reason."""

    change: str
    resource: Resource
    origin: Node | None
    destination: Node | None
    action: Vertex | None
    source: Vertex | None

    @property
    def reason(self) -> str | None:
        """Why, where that is known."""
        vertex = self.source or self.action
        return vertex.reason if vertex is not None else None

    @property
    def blocked(self) -> bool:
        """Whether it cannot be done."""
        return self.action is not None and not self.action.flags & RUNNABLE


def node_lines(state: State) -> list[tuple[str, Vertex]]:
    """The shutdowns and fencings of nodes, newest first."""
    found = []
    for vertex in reversed(state.vertices):
        if vertex.resource is not None or vertex.flags & OPTIONAL:
            continue
        if vertex.task == "do_shutdown":
            found.append(("Shutdown", vertex))
        elif vertex.task == "stonith":
            found.append((f"Fence ({vertex.meta.get('stonith_action')})", vertex))
    return found


def resource_lines(state: State) -> list[Line]:
    """The changes of all resources in their order."""
    found: list[Line] = []
    for resource in state.resources:
        for leaf in resource.in_summary():
            found += _lines(leaf)
    return found


def _first(resource: Resource, task: str, node: Node | None) -> Vertex | None:
    vertices = resource.find_vertices(f"{resource.id}_{task}_0", node)
    return vertices[0] if vertices else None


def _lines(resource: Resource) -> list[Line]:
    current = None
    if resource.active_nodes:
        current = resource.current_node()
        if resource.orig_role == STOPPED:
            resource.orig_role = STARTED
    after = resource.assigned
    if current is None and resource.removed:
        return []
    if not resource.managed or (current is None and after is None):
        return []
    start = _first(resource, "start", after)
    can_start = start is not None and start.flags & RUNNABLE
    stop = _first(resource, "stop", current if can_start else None)
    if stop is None and resource.stop_unexpected:
        stop = _first(resource, "stop", None)
    promote = _first(resource, "promote", after)
    demote = _first(resource, "demote", after)
    moving = current is not None and after is not None and current is not after
    if resource.orig_role == resource.next_role:
        return _same_role(resource, current, after, start, stop, promote, demote, moving=moving)
    return _new_role(resource, current, after, start, stop, promote, demote, moving=moving)


def _same_role(  # noqa: PLR0917
    resource: Resource,
    current: Node | None,
    after: Node | None,
    start: Vertex | None,
    stop: Vertex | None,
    promote: Vertex | None,
    demote: Vertex | None,
    *,
    moving: bool,
) -> list[Line]:
    if after is None:
        return []
    migrate = _first(resource, "migrate_from", after)

    def line(
        change: str, to: Node | None, action: Vertex | None, source: Vertex | None = None
    ) -> list[Line]:
        return [Line(change, resource, current, to, action, source)]

    if migrate is not None and current is not None and migrate.flags & RUNNABLE:
        return line("Migrate", after, start)
    if resource.reload:
        return line("Reload", after, start)
    if start is None or start.flags & OPTIONAL:
        if (
            demote is not None
            and promote is not None
            and not demote.flags & OPTIONAL
            and not promote.flags & OPTIONAL
        ):
            return line("Re-promote", after, promote, demote)
        return []
    if not start.flags & RUNNABLE:
        return line("Stop", None, stop, start if stop is None or stop.reason is None else stop)
    if moving:
        return line("Recover" if resource.failed else "Move", after, stop)
    if resource.failed:
        return line("Recover", None, stop)
    return line("Restart", after, start)


def _new_role(  # noqa: PLR0917
    resource: Resource,
    current: Node | None,
    after: Node | None,
    start: Vertex | None,
    stop: Vertex | None,
    promote: Vertex | None,
    demote: Vertex | None,
    *,
    moving: bool,
) -> list[Line]:
    cannot_start = start is not None and not start.flags & RUNNABLE
    if stop is not None and (resource.next_role == STOPPED or cannot_start):
        lines = []
        for node in resource.active_nodes:
            ending = _first(resource, "stop", node)
            source = ending if ending is not None and ending.reason is not None else start
            lines.append(Line("Stop", resource, node, None, ending, source))
        return lines
    change, action, source = "", start, None
    if stop is not None and resource.failed and resource.stop_if_failed:
        change, action, source = "Recover", stop, start
    elif moving:
        change, action = "Move", stop
    elif resource.reload:
        change = "Reload"
    elif stop is not None and not stop.flags & OPTIONAL:
        change = "Restart"
    elif resource.orig_role == PROMOTED:
        change, action = "Demote", demote
    elif resource.next_role == PROMOTED:
        change, action = "Promote", promote
    elif resource.orig_role == STOPPED and resource.next_role > STOPPED:
        change = "Start"
    return [Line(change, resource, current, after, action, source)] if change else []

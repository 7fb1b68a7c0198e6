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


@frozen(kw_only=True)
class _Movement:
    """Where a resource is and will be, and the first action of each kind that brings it there."""

    resource: Resource
    current: Node | None
    after: Node | None
    start: Vertex | None
    stop: Vertex | None
    promote: Vertex | None
    demote: Vertex | None

    @property
    def moving(self) -> bool:
        """Whether it goes from one node to another."""
        here, there = self.current, self.after
        return here is not None and there is not None and here is not there

    @property
    def cannot_start(self) -> bool:
        """Whether it should be started, and that is not possible."""
        return self.start is not None and not self.start.flags & RUNNABLE

    def line(
        self, change: str, to: Node | None, action: Vertex | None, source: Vertex | None = None
    ) -> Line:
        """The line that says so."""
        return Line(change, self.resource, self.current, to, action, source)


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
    movement = _Movement(
        resource=resource,
        current=current,
        after=after,
        start=start,
        stop=stop,
        promote=_first(resource, "promote", after),
        demote=_first(resource, "demote", after),
    )
    if resource.orig_role == resource.next_role:
        line = _same_role(movement)
        return [line] if line is not None else []
    return _new_role(movement)


def _same_role(it: _Movement) -> Line | None:
    resource, start, stop = it.resource, it.start, it.stop
    if it.after is None:
        return None
    migrate = _first(resource, "migrate_from", it.after)
    if migrate is not None and it.current is not None and migrate.flags & RUNNABLE:
        return it.line("Migrate", it.after, start)
    if resource.reload:
        return it.line("Reload", it.after, start)
    if start is None or start.flags & OPTIONAL:
        both = it.demote is not None and it.promote is not None
        if both and not any(each.flags & OPTIONAL for each in (it.demote, it.promote) if each):
            return it.line("Re-promote", it.after, it.promote, it.demote)
        return None
    if it.cannot_start:
        return it.line("Stop", None, stop, start if stop is None or stop.reason is None else stop)
    if it.moving:
        return it.line("Recover" if resource.failed else "Move", it.after, stop)
    if resource.failed:
        return it.line("Recover", None, stop)
    return it.line("Restart", it.after, start)


def _new_role(it: _Movement) -> list[Line]:
    resource, start, stop = it.resource, it.start, it.stop
    if stop is not None and (resource.next_role == STOPPED or it.cannot_start):
        lines = []
        for node in resource.active_nodes:
            ending = _first(resource, "stop", node)
            source = ending if ending is not None and ending.reason is not None else start
            lines.append(Line("Stop", resource, node, None, ending, source))
        return lines
    change, action, source = "", start, None
    if stop is not None and resource.failed and resource.stop_if_failed:
        change, action, source = "Recover", stop, start
    elif it.moving:
        change, action = "Move", stop
    elif resource.reload:
        change = "Reload"
    elif stop is not None and not stop.flags & OPTIONAL:
        change = "Restart"
    elif resource.orig_role == PROMOTED:
        change, action = "Demote", it.demote
    elif resource.next_role == PROMOTED:
        change, action = "Promote", it.promote
    elif resource.orig_role == STOPPED and resource.next_role > STOPPED:
        change = "Start"
    return [it.line(change, it.after, action, source)] if change else []

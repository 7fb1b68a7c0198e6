"""Notifications: telling the instances of a clone before and after others start, stop, promote.

Around each of the four tasks stand four points: ``pre``, ``confirmed-pre``, ``post`` and
``confirmed-post``. The notify actions of the instances are made when all else is decided, since
they carry the lists of what starts and stops where.
"""

from __future__ import annotations

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    OPTIONAL,
    ORDERED,
    PROMOTED,
    PSEUDO,
    RUNNABLE,
    STARTED,
    STOPPED,
    UNPROMOTED,
    Node,
    Vertex,
    join,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.vertices import notify_key, vertex_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.clone import Clone

_TASKS = ("start", "stop", "promote", "demote")


class Notifications:
    """The points around one task of a clone, and who does what."""

    __slots__ = (
        "active",
        "allowed",
        "inactive",
        "keys",
        "planned",
        "post",
        "post_done",
        "pre",
        "pre_done",
        "promoted",
        "task",
        "unpromoted",
    )

    def __init__(self, task: str) -> None:
        self.task = task
        self.pre: Vertex | None = None
        self.pre_done: Vertex | None = None
        self.post: Vertex | None = None
        self.post_done: Vertex | None = None
        self.planned: dict[str, list[tuple[Resource, Node | None]]] = {t: [] for t in _TASKS}
        self.active: list[tuple[Resource, Node | None]] = []
        self.inactive: list[tuple[Resource, Node | None]] = []
        self.promoted: list[tuple[Resource, Node | None]] = []
        self.unpromoted: list[tuple[Resource, Node | None]] = []
        self.allowed: dict[int, int] | None = None
        self.keys: dict[str, str] = {}


# ---- points --------------------------------------------------------------------------------------


def _point(resource: Resource, around: Vertex, task: str, kind: str, of_task: str) -> Vertex:
    vertex = vertex_for(
        resource,
        task,
        None,
        optional=bool(around.flags & OPTIONAL),
        key=notify_key(resource.id, kind, around.task),
    )
    vertex.flags |= PSEUDO
    vertex.meta["notify_key_type"] = kind
    vertex.meta["notify_key_operation"] = around.task
    vertex.meta["notify_type"] = kind.removeprefix("confirmed-")
    vertex.meta["notify_operation"] = of_task
    return vertex


def _points(
    resource: Resource, task: str, begin: Vertex | None, end: Vertex | None
) -> Notifications | None:
    if not resource.notify:
        return None
    made = Notifications(task)
    if begin is not None:
        made.pre = _point(resource, begin, "notify", "pre", task)
        made.pre_done = _point(resource, begin, "notified", "confirmed-pre", task)
        made.pre.flags |= RUNNABLE
        made.pre_done.flags |= RUNNABLE
        join(made.pre, made.pre_done, ORDERED)
        join(made.pre_done, begin, ORDERED)
    if end is not None:
        made.post = _point(resource, end, "notify", "post", task)
        made.post_done = _point(resource, end, "notified", "confirmed-post", task)
        for vertex in (made.post, made.post_done):
            vertex.priority = INFINITY
            vertex.flags = (vertex.flags & ~RUNNABLE) | (end.flags & RUNNABLE)
        join(end, made.post, FIRST_IMPLIES_THEN)
        join(made.post, made.post_done, FIRST_IMPLIES_THEN)
    if begin is not None and end is not None:
        join(made.pre_done, made.post, ORDERED)
    return made


def _keep(clone: Clone, task: str, begin: Vertex, end: Vertex) -> Notifications | None:
    if task not in clone.notifications:
        made = _points(clone, task, begin, end)
        if made is not None:
            clone.notifications[task] = made
        return made
    return None


def create_for_starts(
    clone: Clone, start: Vertex, running: Vertex, stop: Vertex, stopped: Vertex
) -> None:
    """The points around starts and stops; all stops are known before any start."""
    _keep(clone, "start", start, running)
    if _keep(clone, "stop", stop, stopped) is not None and "start" in clone.notifications:
        join(
            clone.notifications["stop"].post_done,
            clone.notifications["start"].pre,
            ORDERED,
        )


def create_for_promotions(clone: Clone, promote: Vertex, promoted: Vertex) -> None:
    """The points around promotions."""
    _keep(clone, "promote", promote, promoted)


def create_for_demotions(clone: Clone, demote: Vertex, demoted: Vertex) -> None:
    """The points around demotions, and their order with all others."""
    made = _keep(clone, "demote", demote, demoted)
    known = clone.notifications
    if made is None or "promote" not in known:
        return
    for first, then in (
        ("stop", "promote"),
        ("start", "promote"),
        ("demote", "promote"),
        ("demote", "start"),
        ("demote", "stop"),
    ):
        join(known[first].post_done, known[then].pre, ORDERED)


# ---- who does what -------------------------------------------------------------------------------


def _collect(resource: Resource, made: Notifications, *, activity: bool) -> None:
    if made.allowed is None:
        made.allowed = resource.scores
    if resource.children:
        for child in resource.children:
            _collect(child, made, activity=activity)
        return
    entry = (resource, resource.active_nodes[0] if resource.active_nodes else None)
    if resource.orig_role == STOPPED:
        made.inactive.append(entry)
    elif resource.orig_role in {STARTED, UNPROMOTED, PROMOTED}:
        made.active.append(entry)
        if resource.orig_role == UNPROMOTED:
            made.unpromoted.append(entry)
        elif resource.orig_role == PROMOTED:
            made.promoted.append(entry)
    if not activity:
        return
    for vertex in resource.vertices:
        if vertex.flags & OPTIONAL or vertex.node is None or vertex.task not in made.planned:
            continue
        dead = vertex.task == "stop" and vertex.node.unclean
        if dead or vertex.flags & RUNNABLE:
            made.planned[vertex.task].append((resource, vertex.node))


def _names(entries: list[tuple[Resource, Node | None]]) -> tuple[str, str]:
    """The sorted ids and the names of their nodes, each id once; a space for none."""
    ids: list[str] = []
    nodes: list[str] = []
    for resource, node in sorted(
        entries, key=lambda entry: (entry[0].id, entry[1].id if entry[1] is not None else "")
    ):
        if node is not None and (not ids or ids[-1] != resource.id):
            ids.append(resource.id)
            nodes.append(node.name)
    return " ".join(ids) or " ", " ".join(nodes) or " "


def _add_keys(clone: Resource, made: Notifications) -> None:
    keys = made.keys
    for task in ("stop", "start", "demote", "promote"):
        keys[f"notify_{task}_resource"], keys[f"notify_{task}_uname"] = _names(made.planned[task])
    for name, entries in (
        ("active", made.active),
        ("unpromoted", made.unpromoted),
        ("slave", made.unpromoted),
        ("promoted", made.promoted),
        ("master", made.promoted),
    ):
        keys[f"notify_{name}_resource"], keys[f"notify_{name}_uname"] = _names(entries)
    ids = sorted(dict.fromkeys(resource.id for resource, _ in made.inactive))
    keys["notify_inactive_resource"] = " ".join(ids) or " "
    state = clone.state
    available = sorted(
        (state.nodes_by_index[index] for index in made.allowed or {}), key=lambda n: n.sort_key
    )
    keys["notify_available_uname"] = " ".join(node.name for node in available) or " "
    keys["notify_all_uname"] = " ".join(node.name for node in state.nodes) or " "
    if clone.meta.get("container-attribute-target") == "host":
        hosts = []
        for node in state.nodes:
            host = node.launcher.current_node() if node.launcher is not None else None
            hosts.append((host or node).name)
        keys["notify_all_hosts"] = " ".join(hosts) or " "
    if made.planned[made.task]:
        for vertex in (made.pre, made.pre_done, made.post, made.post_done):
            if vertex is not None:
                vertex.flags &= ~OPTIONAL


# ---- notify actions ------------------------------------------------------------------------------


def create(clone: Clone) -> None:
    """Make the notify actions of all tasks."""
    for task in ("start", "stop", "promote", "demote"):
        made = clone.notifications.get(task)
        if made is not None:
            _collect(clone, made, activity=True)
            _add_keys(clone, made)
            _create_for(clone, made)


def order_after_fencing(stop: Vertex, resource: Resource, fence: Vertex) -> None:
    """Tell the others that an instance was stopped by fencing its node."""
    made = _points(resource, "stop", None, fence)
    if made is None or stop.node is None:
        return
    _collect(resource, made, activity=False)
    made.keys["notify_stop_resource"] = resource.id
    made.keys["notify_stop_uname"] = stop.node.name
    _create_for(resource.topmost(), made)


def _create_for(resource: Resource, made: Notifications) -> None:
    if resource.children:
        for child in resource.children:
            _create_for(child, made)
        return
    for vertex in resource.vertices:
        if not vertex.flags & OPTIONAL and vertex.node is not None and vertex.task in _TASKS:
            vertex.meta.update(made.keys)
    task = made.task
    if task != "stop" and not made.planned[task]:
        return
    if resource.orig_role != STOPPED and task in {"stop", "demote"}:
        stop = resource.newest_vertex("stop")
        for node in resource.active_nodes:
            if stop is not None and stop.flags & PSEUDO and (node.unclean or node.remote_reset):
                continue
            _notify(resource, node, made.pre, made.pre_done, made)
            if task == "demote" or stop is None or stop.flags & OPTIONAL:
                _post_notify(resource, node, made)
    if resource.next_role != STOPPED and task in {"start", "promote"}:
        _create_for_rise(resource, made)


def _create_for_rise(resource: Resource, made: Notifications) -> None:
    start = resource.newest_vertex("start")
    if start is not None and start.node is not None and start.node.remote is not None:
        connect = start.node.remote.newest_vertex("start")
        if connect is not None and not connect.flags & RUNNABLE:
            return
    node = resource.assigned
    if node is None:
        return
    if made.task != "start" or start is None or start.flags & OPTIONAL:
        _notify(resource, node, made.pre, made.pre_done, made)
    _post_notify(resource, node, made)


def _notify(
    resource: Resource,
    node: Node,
    point: Vertex | None,
    done: Vertex | None,
    made: Notifications,
) -> Vertex | None:
    if point is None or done is None or not node.online or not point.flags & RUNNABLE:
        return None
    vertex = vertex_for(
        resource,
        point.task,
        node,
        optional=bool(point.flags & OPTIONAL),
        key=notify_key(resource.id, point.meta["notify_type"], point.meta["notify_operation"]),
    )
    for name, value in point.meta.items():
        vertex.meta.setdefault(name, value)
    vertex.meta.update(made.keys)
    join(point, vertex, ORDERED)
    join(vertex, done, ORDERED)
    return vertex


def _post_notify(resource: Resource, node: Node, made: Notifications) -> None:
    vertex = _notify(resource, node, made.post, made.post_done, made)
    if vertex is not None:
        vertex.priority = INFINITY
    if made.post_done is None:
        return
    for monitor in reversed(resource.vertices):
        if monitor.meta.get("interval", "0") != "0" and monitor.task != "cancel":
            join(made.post_done, monitor, ORDERED)

"""Remote nodes and guests: what runs there waits for the connection, and the connection for it."""

from __future__ import annotations

from enum import Enum

from crmsh_py.scheduler import fencing, relations
from crmsh_py.scheduler.model import (
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    NONE,
    ORDERED,
    PSEUDO,
    STOPPED,
    THEN_IMPLIES_FIRST,
    UNRUNNABLE_FIRST_BLOCKS,
    Edge,
    Node,
    Vertex,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


class Connection(Enum):
    """The state of a connection to a remote node."""

    UNKNOWN = 0
    ALIVE = 1
    RESTING = 2  # it moves, and works again when it has moved
    FAILED = 3
    STOPPED = 4


def _state_of(connection: Resource, node: Node) -> Connection:
    host = connection.current_node()
    if connection.next_role == STOPPED or connection.assigned is None:
        if host is not None and host.unclean:
            return Connection.FAILED
        if not connection.failed:
            return Connection.STOPPED
        if (
            connection.next_role == STOPPED
            and connection.remote_reconnect_ms
            and node.remote_fenced
            and node.attrs.get("shutdown", "0") == "0"
        ):
            return Connection.UNKNOWN
        return Connection.FAILED
    if host is None:
        return Connection.UNKNOWN
    if host.unclean or not host.online:
        return Connection.RESTING
    if (
        len(connection.active_nodes) > 1
        and connection.migration_source is not None
        and connection.migration_target is not None
    ):
        return Connection.RESTING
    return Connection.ALIVE


def connection_failed(node: Node) -> bool:
    """Whether a remote node can be reached from nowhere any more."""
    return (
        node.is_remote
        and node.remote is not None
        and _state_of(node.remote, node) is Connection.FAILED
    )


def _after_connect(connection: Resource, then: Vertex, extra: int) -> None:
    relations.before_vertex(
        connection, "start", then, GUEST_ALLOWED | UNRUNNABLE_FIRST_BLOCKS | extra
    )


def _before_disconnect(first: Vertex, connection: Resource, extra: int) -> None:
    relations.after_vertex(first, connection, "stop", GUEST_ALLOWED | extra)


def order_all(state: State) -> None:
    """Order what happens on remote nodes and guests with their connections."""
    if not state.have_remote_nodes:
        return
    for vertex in list(reversed(state.vertices)):
        resource = vertex.resource
        if resource is None:
            continue
        if resource.is_remote_connection and vertex.task == "clear_failcount":
            relations.after_vertex(vertex, resource, "start", ORDERED)
            continue
        node = vertex.node
        if node is None or not node.is_remote_kind or vertex.flags & PSEUDO or node.remote is None:
            continue
        if vertex.task == "start":
            for other in reversed(resource.vertices):
                if other.node is not node and other.task == "stop":
                    relations.before_vertex(node.remote, "start", other, ORDERED)
        if node.remote.launcher is not None:
            _order_on_guest(state, vertex, resource, node, node.remote, node.remote.launcher)
        else:
            _order_on_remote(state, vertex, node, node.remote)


def is_courtesy(vertex: Vertex, edge: Edge) -> bool:
    """Whether a stop waits only for the connection of the node where its resource goes.

    That is to save it a stop if it cannot go there, as long as nothing else is in the way.
    """
    first = edge.vertex
    return (
        edge.flags == ORDERED
        and (first.task, vertex.task) == ("start", "stop")
        and first.resource is not None
        and first.resource.is_remote_connection
    )


def _task(vertex: Vertex) -> str:
    return "stop" if vertex.task in {"migrate_to", "migrate_from"} else vertex.task


def _order_on_remote(state: State, vertex: Vertex, node: Node, connection: Resource) -> None:
    status = _state_of(connection, node)
    task = _task(vertex)
    if task in {"start", "promote"}:
        failed = status is Connection.FAILED
        _after_connect(connection, vertex, FIRST_IMPLIES_THEN if failed else NONE)
    elif task == "stop":
        if status is Connection.ALIVE:
            _before_disconnect(vertex, connection, THEN_IMPLIES_FIRST)
        elif status is Connection.FAILED:
            fencing.fence_node(state, node, "resources are active but connection is unrecoverable")
        elif connection.next_role == STOPPED:
            _before_disconnect(vertex, connection, THEN_IMPLIES_FIRST)
        else:
            _after_connect(connection, vertex, NONE)
    elif task == "demote":
        if status in {Connection.RESTING, Connection.UNKNOWN}:
            _after_connect(connection, vertex, NONE)
    elif _recurs(vertex):
        _after_connect(connection, vertex, FIRST_IMPLIES_THEN)
    else:
        host = connection.current_node()
        if task == "monitor" and status is Connection.FAILED:
            fencing.fence_node(
                state,
                node,
                "resources are in unknown state and connection is unrecoverable",
            )
        if host is not None and status is Connection.STOPPED:
            _before_disconnect(vertex, connection, UNRUNNABLE_FIRST_BLOCKS)
        else:
            _after_connect(connection, vertex, NONE)


_KNOWN = {"monitor", "stop", "start", "promote", "demote", "notify", "stonith", "do_shutdown"}


def _order_on_guest(  # noqa: PLR0917
    state: State,
    vertex: Vertex,
    resource: Resource,
    node: Node,
    connection: Resource,
    launcher: Resource,
) -> None:
    if launcher.failed:
        fencing.fence_node(state, node, "container failed")
    task = _task(vertex)
    if task in {"start", "promote"}:
        _after_connect(launcher, vertex, FIRST_IMPLIES_THEN)
        _after_connect(connection, vertex, NONE)
    elif task in {"stop", "demote"}:
        if not launcher.failed:
            _before_disconnect(vertex, connection, NONE)
    elif _recurs(vertex):
        if task in _KNOWN:
            _after_connect(connection, vertex, FIRST_IMPLIES_THEN)
    elif (
        task == "monitor"
        and connection.current_node() is not None
        and _state_of(connection, node) is Connection.STOPPED
    ):  # a guest that shuts down, while nobody knows what is inside
        _before_disconnect(vertex, connection, UNRUNNABLE_FIRST_BLOCKS)
    else:
        _after_connect(connection, vertex, NONE)


def _recurs(vertex: Vertex) -> bool:
    return vertex.meta.get("interval", "0") != "0"


def router(vertex: Vertex) -> Node | None:
    """The member through which an action on a remote node or guest is carried out."""
    node = vertex.node
    if vertex.task == "stonith" or node is None or not node.is_remote_kind:
        return None
    connection = node.remote
    if connection is None:
        return None
    began, ended = connection.current_node(), connection.assigned
    if began is None or ended is None or began is ended:
        return began or ended
    partial = connection.launcher is None and connection.migration_target is not None
    task = vertex.task
    if task == "notify":
        task = vertex.meta.get("notify_operation", "")
    leaving = {"cancel", "stop", "demote", "migrate_from", "migrate_to"}
    return began if task in leaving and not partial else ended

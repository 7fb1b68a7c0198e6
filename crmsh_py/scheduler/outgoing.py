"""What leaves the scheduler about a vertex: its kind, names, parameters and meta values.

Both the values of a plan and the text of a transition graph are written from this, so that they
cannot differ in what they say.
"""

from __future__ import annotations

from crmsh_py.scheduler import digests, remote
from crmsh_py.scheduler.model import PSEUDO, Node, Vertex
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import ActionKind
from crmsh_py.scheduler.vertices import key_for, notify_key

_LATE = {"stop", "stopped", "demote", "demoted"}
_EARLY = {"start", "started", "running", "monitor", "promote", "promoted"}


def kind_of(vertex: Vertex) -> ActionKind:
    """Who carries it out."""
    pseudo = bool(vertex.flags & PSEUDO)
    if vertex.task == "stonith":
        return ActionKind.PSEUDO if pseudo else ActionKind.CLUSTER
    if vertex.task in {"do_shutdown", "clear_failcount", "lrm_delete"}:
        return ActionKind.CLUSTER
    return ActionKind.PSEUDO if pseudo else ActionKind.RESOURCE


def executor_id(resource: Resource) -> str:
    """The name that a node's executor and history know a resource by."""
    if resource.history_id is not None:
        return resource.history_id
    return resource.id if resource.unique else resource.xml_id


def key_of(vertex: Vertex, name: str) -> str:
    """The operation key of a resource's vertex under another name of the resource."""
    if vertex.task == "notify":
        meta = vertex.meta
        return notify_key(name, meta.get("notify_type", ""), meta.get("notify_operation", ""))
    return key_for(name, vertex.cancel_task or vertex.task, int(vertex.meta.get("interval", "0")))


def has_node(vertex: Vertex) -> bool:
    """Whether it is said where it is done."""
    return vertex.node is not None and not (
        vertex.flags & PSEUDO and vertex.task not in {"stonith", "lrm_delete", "clear_failcount",
                                                      "do_shutdown"}
    )  # fmt: skip


def parameters_of(vertex: Vertex) -> dict[str, str]:
    """The agent's parameters, with those that the operation adds."""
    resource = vertex.resource
    if resource is None:
        return dict(vertex.extra)
    if vertex.node is None and not resource.is_primitive:
        return dict(vertex.extra)
    found = dict(vertex.extra)
    parameters = dict(resource.parameters(vertex.node))
    address = digests.remote_address(resource)
    if address is not None:
        parameters["addr"] = address
    for name, value in parameters.items():
        found.setdefault(name, value)
    return found


def meta_of(vertex: Vertex) -> dict[str, str]:
    """The ``CRM_meta_*`` values by their full names, and a few that have names of their own."""
    found: dict[str, str] = {}
    for name, value in vertex.meta.items():
        if "#" not in name and ":" not in name:
            found[f"CRM_meta_{name.replace('-', '_')}"] = value
    if has_node(vertex) and vertex.node is not None:
        found["CRM_meta_on_node"] = vertex.node.name
        found["CRM_meta_on_node_uuid"] = vertex.node.id
    current = vertex.resource
    while current is not None:
        current.graph_meta(found)
        current = current.parent
    if vertex.resource is not None:
        _add_host(vertex, vertex.resource, found)
    return found


def _add_host(vertex: Vertex, resource: Resource, found: dict[str, str]) -> None:
    """Actions inside of a guest are told where the guest itself is."""
    launcher = vertex.node.launcher if vertex.node is not None else None
    if launcher is None:
        return
    task = vertex.task
    if task in {"notify", "notified"}:
        task = vertex.meta.get("notify_operation", "")
    host: Node | None = None
    if task in _LATE:
        host = launcher.current_node()
    elif task in _EARLY:
        host = launcher.assigned
    if host is None:
        return
    target = resource.meta.get("container-attribute-target")
    if target is not None:
        found.setdefault("CRM_meta_container_attribute_target", target)
    found.setdefault("CRM_meta_physical_host", host.name)


def router_of(vertex: Vertex) -> Node | None:
    """The member that carries out an action on a remote node or guest."""
    return remote.router(vertex) if has_node(vertex) else None


def priority_of(vertex: Vertex) -> int:
    """How early it is to be done among those that are ready."""
    own = vertex.resource.priority if vertex.resource is not None else 0
    return max(own, vertex.priority)

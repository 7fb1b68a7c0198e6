"""A transition graph as files: the XML that a controller reads, and a drawing for Graphviz."""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.scheduler import outgoing, simulation
from crmsh_py.scheduler.model import (
    DEDUPLICATED,
    IF_ON_SAME_NODE_OR_TARGET,
    IN_GRAPH,
    NONE,
    OPTIONAL,
    PSEUDO,
    Edge,
    Vertex,
)
from crmsh_py.scheduler.settings import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.state import State

_DOWN_ACTIONS = frozenset({"off", "reboot", "poweroff"})


# ---- XML -----------------------------------------------------------------------------------------


def graph(state: State) -> Element:
    """The ``<transition_graph>``."""
    settings = state.settings
    attrs = {
        "cluster-delay": settings.text("cluster-delay"),
        "fencing-timeout": settings.text("fencing-timeout"),
        "failed-stop-offset": "INFINITY",
        "failed-start-offset": "INFINITY" if settings.start_failure_fatal else "1",
        "batch-limit": settings.text("batch-limit"),
        "transition_id": "1",
    }
    limit = settings.text("migration-limit")
    if whole_number(limit) > 0:
        attrs["migration-limit"] = limit
    if state.recheck_by > 0:
        attrs["recheck-by"] = str(state.recheck_by)
    synapses = tuple(_synapse(state, n, vertex) for n, vertex in enumerate(state.graph))
    return Element("transition_graph", attrs, synapses)


def _synapse(state: State, number: int, vertex: Vertex) -> Element:
    attrs = {"id": str(number)}
    priority = outgoing.priority_of(vertex)
    if priority > 0:
        attrs["priority"] = str(priority)
    triggers = tuple(
        Element("trigger", {}, (_head(edge.vertex),)) for edge in vertex.before if edge.graphed
    )
    action = Element("action_set", {}, (_action(state, vertex),))
    return Element("synapse", attrs, (action, Element("inputs", {}, triggers)))


def _head(vertex: Vertex) -> Element:
    """An action without its details."""
    attrs = {"mode": "cib"} if vertex.task == "lrm_delete" else {}
    attrs |= {"id": str(vertex.id), "operation": vertex.task}
    resource = vertex.resource
    attrs["operation_key"] = simulation.graph_key(vertex)
    if resource is not None and resource.history_id is not None:
        attrs["internal_operation_key"] = vertex.key
    if outgoing.has_node(vertex) and vertex.node is not None:
        attrs["on_node"] = vertex.node.name
        attrs["on_node_uuid"] = vertex.node.id
        router = outgoing.router_of(vertex)
        if router is not None:
            attrs["router_node"] = router.name
    return Element(outgoing.kind_of(vertex).value, attrs)


def _action(state: State, vertex: Vertex) -> Element:
    head = _head(vertex)
    children: list[Element] = []
    attrs = dict(head.attrs)
    resource = vertex.resource
    if resource is not None and not vertex.flags & PSEUDO:
        if _locks(vertex):
            attrs["shutdown-lock"] = str(resource.lock_time)
        name = {"id": simulation.graph_resource(vertex)}
        longer = simulation.graph_long_id(vertex)
        if longer:
            name["long-id"] = longer
        for key in ("class", "provider", "type"):
            value = resource.element.get(key)
            if value:
                name[key] = value
        children.append(Element(resource.element.tag, name))
    children.append(_attributes(vertex))
    if outgoing.has_node(vertex):
        downed = _downed(state, vertex)
        if downed is not None:
            children.append(
                Element("downed", {}, tuple(Element("node", {"id": i}) for i in downed))
            )
    if vertex.task == "maintenance_nodes":
        children.append(_maintenance(state))
    return Element(head.tag, attrs, tuple(children))


def _locks(vertex: Vertex) -> bool:
    """Whether an action leaves its resource locked to the node."""
    resource, node = vertex.resource, vertex.node
    if resource is None or node is not resource.lock_node:
        return False
    return node is None or not node.shutdown or vertex.task == "stop"


def _attributes(vertex: Vertex) -> Element:
    values: dict[str, str] = {}
    params = []
    for name, value in outgoing.parameters_of(vertex).items():
        if name[:1].isdigit():
            params.append(Element("param", {"name": name, "value": value}))
        else:
            values[name] = value
    for name, value in outgoing.meta_of(vertex).items():
        values.setdefault(name, value)
    return Element("attributes", dict(sorted(values.items())), tuple(params))


def _downed(state: State, vertex: Vertex) -> list[str] | None:
    """The nodes that go down with an action; None where none is said to."""
    node = vertex.node
    if node is None:
        return None
    if vertex.task == "do_shutdown":
        return [node.id]
    if vertex.task == "stonith":
        if vertex.meta.get("stonith_action") not in _DOWN_ACTIONS:
            return None
        guests = [
            guest.id
            for guest in state.nodes
            if guest.launcher is not None and node in guest.launcher.active_nodes
        ]
        return [node.id, *guests]
    resource = vertex.resource
    if resource is None or not resource.is_remote_connection or vertex.task != "stop":
        return None
    if any(
        edge.vertex.resource is resource and edge.vertex.task == "migrate_from"
        for edge in vertex.before
    ):
        return None
    return [resource.id]


def _maintenance(state: State) -> Element:
    nodes = tuple(
        Element("node", {"id": node.id, "node_in_maintenance": "1" if node.maintenance else "0"})
        for node in state.nodes
        if node.is_remote_kind and node.maintenance != node.remote_maintenance
    )
    return Element("maintenance", {}, nodes)


# ---- Graphviz ------------------------------------------------------------------------------------


def dot(state: State, *, everything: bool = False) -> str:
    """A drawing of the graph; with ``everything`` also what is not to be done."""
    lines = [' digraph "g" {']
    shown: set[int] = {vertex.id for vertex in state.vertices if vertex.flags & IN_GRAPH}
    for vertex in reversed(state.vertices):
        style, colour, font = "dashed", "red", "orange" if vertex.flags & PSEUDO else "black"
        hidden = False
        if vertex.flags & IN_GRAPH:
            style, colour = "bold", "green"
        elif vertex.resource is not None and not vertex.resource.managed:
            font, hidden = "purple", True
        elif vertex.flags & OPTIONAL:
            colour, hidden = "blue", True
        if hidden and not everything:
            continue
        shown.add(vertex.id)
        lines.append(f'"{_name(vertex)}" [ style={style} color="{colour}" fontcolor="{font}"]')
    for vertex in reversed(state.vertices):
        edges = vertex.before if vertex.flags & DEDUPLICATED else list(reversed(vertex.before))
        for edge in edges:
            lines += _edge(vertex, edge, shown, everything=everything)
    return "\n".join([*lines, "}"]) + "\n"


def _edge(vertex: Vertex, edge: Edge, shown: set[int], *, everything: bool) -> list[str]:
    style, needed = "dashed", False
    if edge.graphed:
        style, needed = "bold", True
    elif edge.flags == NONE:
        return []
    elif edge.vertex.id in shown and vertex.id in shown and edge.flags != IF_ON_SAME_NODE_OR_TARGET:
        needed = True
    if not needed and not everything:
        return []
    return [f'"{_name(edge.vertex)}" -> "{_name(vertex)}" [ style = {style}]']


def _name(vertex: Vertex) -> str:
    """What an action is called in a drawing."""
    place = vertex.node.name if vertex.node is not None else None
    if place is None and not vertex.flags & PSEUDO:
        place = "<none>"
    resource = vertex.resource
    if resource is not None and resource.history_id is not None:
        prefix = "Cancel " if vertex.task == "cancel" else ""
        key = _drawn_key(vertex, resource.history_id)
        return f"{prefix}{key} {place}" if place is not None else f"{prefix}{key}"
    if vertex.task == "stonith":
        return f"stonith '{vertex.meta.get('stonith_action')}' {place}"
    if place is None:
        return vertex.key
    if resource is not None:
        prefix = "Cancel " if vertex.task == "cancel" else ""
        return f"{prefix}{vertex.key} {place}"
    return f"{vertex.task} {place}"


def _drawn_key(vertex: Vertex, name: str) -> str:
    if vertex.task in {"notify", "notified"}:
        kind = vertex.meta.get("notify_key_type", "")
        return f"{name}_{kind}_notify_{vertex.meta.get('notify_key_operation', '')}_0"
    task = vertex.cancel_task if vertex.task == "cancel" else vertex.task
    return f"{name}_{task}_{vertex.meta.get('interval', '0')}"

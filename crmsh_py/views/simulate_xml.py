"""``crm_simulate --output-as xml``: the same facts as the text, by Pacemaker's schema.

Input: the state of a plan (``scheduler.state``) and the values made from it; output: elements
for ``result_xml.document``.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import format_score
from crmsh_py.regex import regex
from crmsh_py.scheduler import summary
from crmsh_py.scheduler.model import ROLE_NAMES, STARTED, UNPROMOTED
from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.scheduler.state import UTILIZATION
from crmsh_py.views import mon_xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.injection import Changes, Counted
    from crmsh_py.scheduler.model import Vertex
    from crmsh_py.scheduler.simulation import Event
    from crmsh_py.scheduler.state import State
    from crmsh_py.scheduler.summary import Line

_XML_NAME = regex(r"[A-Za-z_][A-Za-z0-9_.-]*")


def status(cib: Cib, shown: ClusterStatus, *, revised: bool = False) -> Element:
    """The nodes and resources as they are, or as they have become."""
    tag = "revised_cluster_status" if revised else "cluster_status"
    return Element(tag, {}, mon_xml.nodes_and_resources(cib, shown))


# ---- what was changed before ---------------------------------------------------------------------


def modifications(changes: Changes, counted: Iterable[Counted] = ()) -> Element:
    """What was changed before anything was decided, and the failures that were counted for it."""
    attrs = {}
    if changes.quorum is not None:
        attrs["quorum"] = changes.quorum
    if changes.watchdog is not None:
        attrs["watchdog"] = changes.watchdog
    children: list[Element] = []
    for action, names in (
        ("Online", changes.nodes_up),
        ("Offline", changes.nodes_down),
        ("Failing", changes.nodes_failed),
    ):
        children += [Element("modify_node", {"action": action, "node": name}) for name in names]
    for ticket, attribute, value in changes.tickets:
        if attribute == "standby":
            action = "Standby" if value else "Activating"
        else:
            action = "Granting" if value else "Revoking"
        children.append(Element("modify_ticket", {"action": action, "ticket": ticket}))
    for spec in changes.operations:
        children.append(Element("inject_spec", {"spec": spec}))
        children += [
            _attribute(each.node_id, each.name, each.value) for each in counted if each.spec == spec
        ]
    return Element("modifications", attrs, tuple(children))


def _attribute(node_id: str, name: str, value: str) -> Element:
    attrs = {"name": name, "value": value, "node_path": "/node_state", "cib_node": node_id}
    return Element("inject_attr", attrs)


# ---- scores and capacities -----------------------------------------------------------------------


def assignment(state: State, *, scores: bool, utilization: bool) -> Element:
    """The scores of every stage, and what nodes can carry before and after."""
    names = (["allocations"] if scores else []) + (["utilizations"] if utilization else [])
    children: list[Element] = []
    if utilization:
        children += [_capacity(n, c, "Original") for n, c in state.capacities.items()]
    for kept in state.kept_scores():
        if kept.stage == UTILIZATION:
            if utilization:
                children.append(_use(state, kept.resource, kept.node))
        elif scores and kept.stage == "promotion":
            attrs = {"id": kept.resource, "score": format_score(kept.score)}
            if kept.node:
                attrs["node"] = kept.node
            children.append(Element("promotion_score", attrs))
        elif scores:
            attrs = {"function": kept.stage, "node": kept.node}
            attrs |= {"score": format_score(kept.score), "id": kept.resource}
            children.append(Element("node_weight", attrs))
    if utilization:
        children += [_capacity(n.name, n.utilization, "Remaining") for n in state.nodes]
    return Element("_".join(names), {}, tuple(children))


def _capacity(node: str, values: dict[str, int], comment: str) -> Element:
    return Element("capacity", {"node": node, "comment": comment}, _values(values))


def _use(state: State, resource: str, node: str) -> Element:
    attrs = {"resource": resource, "node": node, "function": "pcmk__finalize_assignment"}
    return Element("utilization", attrs, _values(state.by_id[resource].utilization))


def _values(values: dict[str, int]) -> tuple[Element, ...]:
    """An element called as what is counted; one that says it where XML has no such names."""
    return tuple(
        Element(name, {}, (), str(value))
        if _XML_NAME.fullmatch(name)
        else Element("value", {"name": name}, (), str(value))
        for name, value in values.items()
    )


# ---- what is to be done --------------------------------------------------------------------------


def actions(state: State) -> Element:
    """What is to be done, for each node and resource."""
    children = [
        Element(
            "node_action", {"task": what, "node": _node_name(vertex), "reason": vertex.reason or ""}
        )
        for what, vertex in summary.node_lines(state)
        if vertex.reason
    ]
    children += [_change(line) for line in summary.resource_lines(state)]
    return Element("actions", {}, tuple(children))


def _node_name(vertex: Vertex) -> str:
    node = vertex.node
    if node is None:
        return ""
    launcher = node.launcher
    return f"{node.name} (resource: {launcher.id})" if launcher is not None else node.name


def _change(line: Line) -> Element:
    attrs = {"action": line.change.lower(), "resource": line.resource.id, **_places(line)}
    if line.reason:
        attrs["reason"] = line.reason
    if line.blocked:
        attrs["blocked"] = "true"
    return Element("rsc_action", attrs)


def _places(line: Line) -> dict[str, str]:
    """From where and which role to where and which role; only what changes is said twice."""
    resource = line.resource
    before, after = ROLE_NAMES[resource.orig_role], ROLE_NAMES[resource.next_role]
    with_roles = resource.orig_role > STARTED or resource.next_role > UNPROMOTED
    origin = line.origin.name if line.origin is not None else ""
    target = line.destination.name if line.destination is not None else ""
    role = {"role": before} if with_roles else {}
    if not origin:
        if with_roles:
            return {"role": before, "next-role": after, "dest": target}
        return {"node": target}
    if not target:
        return {**role, "node": origin}
    if before == after:
        if origin == target:
            return {**role, "source": origin}
        return {"source": origin, "dest": target, **role}
    if origin == target:
        return {"role": before, "next-role": after, "source": origin}
    return {"role": before, "source": origin, "next-role": after, "dest": target}


# ---- what happened -------------------------------------------------------------------------------


def transition(happened: Iterable[Event]) -> Element:
    """The whole transition, in its order."""
    told = (_event(event) for event in happened)
    return Element("transition", {}, tuple(each for each in told if each is not None))


def _event(event: Event) -> Element | None:
    from crmsh_py.scheduler.simulation import EventKind

    node = {"node": event.node} if event.node else {}
    match event.kind:
        case EventKind.PSEUDO:
            return Element("pseudo_action", {"task": event.task, **node})
        case EventKind.FENCING:
            return Element("fencing_action", {"target": event.node, "op": event.task})
        case EventKind.CLUSTER:
            about = {"id": event.resource} if event.resource else {}
            return Element("cluster_action", {"task": event.task, **node, **about})
        case EventKind.ATTRIBUTE:
            name, _, value = event.task.partition("=")
            return _attribute(event.node, name, value)
        case EventKind.FAILURE:
            return None  # the attributes tell of it
        case EventKind.RESOURCE:
            every = {"interval": str(event.interval_ms)} if event.interval_ms else {}
            attrs = {"resource": event.resource, "op": event.task, **node, **every}
            return Element("rsc_action", attrs)

"""The status section: tickets, nodes, and where each history says that its resource is.

Histories are read node by node, those of members first: whether a remote node is there at all
follows from the history of its connection on another node.
"""

from __future__ import annotations

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import histories, node_states, tickets, vertices
from crmsh_py.scheduler.bundle import Bundle
from crmsh_py.scheduler.clone import Clone
from crmsh_py.scheduler.configuration import link_connection
from crmsh_py.scheduler.definitions import unpack_resource
from crmsh_py.scheduler.history_entry import HistoryEntry
from crmsh_py.scheduler.model import STARTED, STOPPED, Node
from crmsh_py.scheduler.promotable import base_name
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State


def unpack_status(state: State) -> None:
    """Read the whole section."""
    section = state.cib.status
    for element in section.findall():
        if element.tag == "tickets":
            tickets.unpack_state(state, element)
        elif element.tag == "node_state":
            node_states.unpack_state(state, element)
    node_elements = section.findall("node_state")
    _index_histories(state, node_elements)
    while _unpack_histories(state, node_elements, fence=False):
        pass
    _unpack_histories(state, node_elements, fence=state.settings.fencing_enabled)
    for container in state.stop_needed:
        node = container.current_node()
        if node is not None:
            vertices.stop(container, node, optional=False)
    state.stop_needed.clear()
    for node in state.nodes:
        if node.is_remote_kind:
            if node.shutdown and node.remote is not None:
                node.remote.set_next_role(STOPPED, "remote shutdown")
            if not node.unpacked:
                node_states.determine_remote_online(node)


def _histories_of(element: Element) -> tuple[Element, ...]:
    found = element.find("lrm", "lrm_resources")
    return found.findall("lrm_resource") if found is not None else ()


def _index_histories(state: State, elements: tuple[Element, ...]) -> None:
    """Read all entries once; migrations need those of other nodes."""
    for element in elements:
        name = element.get("uname")
        node = state.node_with(element.id, name)
        for history in _histories_of(element):
            entries = [HistoryEntry(op, name) for op in history.findall("lrm_rsc_op")]
            state.histories.setdefault((name, history.id), []).extend(entries)
            if node is not None and node.name != name:
                state.histories.setdefault((node.name, history.id), []).extend(entries)


def _unpack_histories(state: State, elements: tuple[Element, ...], *, fence: bool) -> bool:
    """Read the histories of nodes of which enough is known; whether there was any."""
    any_read = False
    for element in elements:
        name = element.attrs.get("uname")
        if not element.id or name is None:
            continue
        node = state.node_with(element.id, name)
        if node is None or node.unpacked or not (fence or _can_read(state, node)):
            continue
        if node.is_remote_kind:
            node_states.determine_remote_online(node)
            node_states.unpack_remote_attributes(state, node, element)
        node.unpacked = True
        _unpack_node(state, node, element)
        any_read = True
    return any_read


def _can_read(state: State, node: Node) -> bool:
    lock = state.settings.shutdown_lock
    launcher = node.launcher
    if launcher is not None:
        assert node.remote is not None
        return node.remote.orig_role == STARTED and launcher.orig_role == STARTED
    if node.is_remote:
        return node.remote is not None and (lock or node.remote.orig_role == STARTED)
    return node.online or state.settings.fencing_enabled or lock


def _unpack_node(state: State, node: Node, element: Element) -> None:
    found_launched = False
    for history in _histories_of(element):
        if not history.id:
            state.error("unpack_lrm_resource", "Ignoring invalid lrm_resource entry: No id")
            continue
        resource = _unpack_history(state, node, history)
        found_launched = found_launched or (resource is not None and resource.removed_launched)
    if found_launched:
        _link_removed(state, element)


def _unpack_history(state: State, node: Node, element: Element) -> Resource | None:
    has_entries = bool(element.findall("lrm_rsc_op"))
    lock = state.settings.shutdown_lock
    if not has_entries and not lock:
        return None
    resource = find_for_history(state, node, element.id)
    if resource is None:
        if not has_entries:
            return None
        resource = _removed(state, element)
        if resource is None:
            return None
    if lock:
        _unpack_lock(state, resource, node, element)
    entries = state.histories.get((element_name(node), element.id), [])
    histories.unpack(resource, node, [e for e in entries if e.element in element.children])
    return resource


def element_name(node: Node) -> str:
    """The name under which a node's histories are kept."""
    return node.name


def _unpack_lock(state: State, resource: Resource, node: Node, element: Element) -> None:
    since = whole_number(element.attrs.get("shutdown-lock"))
    if not since:
        return
    limit_ms = state.settings.shutdown_lock_ms
    if limit_ms and state.epoch > since + -(-limit_ms // 1000):
        vertices.clear_history(resource, node)
    else:
        resource.lock_node = node
        resource.lock_time = since


# ---- whose history it is -------------------------------------------------------------------------


def find_for_history(state: State, node: Node, id_: str) -> Resource | None:
    """The resource that a history is about; of anonymous clones, the fitting instance."""
    resource = state.find_resource(id_)
    if resource is None:
        first = state.find_resource(f"{base_name(id_)}:0")
        if first is None or first.unique:
            return None
        resource = first
    elif not resource.is_primitive:
        return None
    parent = resource.topmost()
    if isinstance(parent, Clone) and parent.is_anonymous_clone:
        if parent.bundled:
            assert isinstance(parent.parent, Bundle)
            resource = parent.parent.replica_on(node)
        else:
            resource = _anonymous_instance(state, node, parent, base_name(id_))
    if resource is not None and id_ not in {resource.id, resource.history_id}:
        resource.history_id = id_
        state.by_history_id.setdefault(id_, resource)
    return resource


def _named_within(resource: Resource, name: str) -> Resource | None:
    if name in {resource.id, resource.xml_id}:
        return resource
    for child in resource.children:
        found = _named_within(child, name)
        if found is not None:
            return found
    return None


def _anonymous_instance(state: State, node: Node, clone: Clone, name: str) -> Resource | None:
    """The instance that is on the node already, or else an idle one, or else a new one."""
    chosen: Resource | None = None
    idle: Resource | None = None
    skip_idle = False
    for child in clone.children:
        places = child.current_locations(pending=True)
        if places:
            if places[0] is node and len(places) == 1:
                found = _named_within(child, name)
                if found is not None:
                    if found.active_nodes:
                        # A second history for the same: it becomes an instance of its own.
                        skip_idle = True
                    else:
                        chosen = found
                        break
        elif not skip_idle and idle is None and not child.blocked:
            idle = _named_within(child, name)
            if idle is not None and idle.pending_node not in {None, node}:
                idle = None
    if chosen is None and not skip_idle:
        chosen = idle
    if (
        chosen is not None
        and not chosen.needs_fencing
        and (not node.online or node.unclean)
        and not node.is_guest
        and clone.clone_max != len(state.nodes)
    ):
        chosen = None
    if chosen is None:
        top = clone.add_instance(unpack_resource)
        chosen = _named_within(top, name) if top is not None else None
    return chosen


def _removed(state: State, element: Element) -> Resource | None:
    """A resource that only histories know: it is to be stopped and forgotten."""
    attrs = dict(element.attrs)
    made = unpack_resource(state, Element("primitive", attrs), None)
    if made is None:
        return None
    if is_remote_connection(made.element):
        node = state.node_named(made.id)
        if node is None:
            node = state.add_node(made.id, made.id, remote=True)
        link_connection(state, made)
        node.shutdown = True
    if "container" in attrs:
        made.removed_launched = True
    made.removed = True
    state.resources.append(made)
    if not state.settings.stop_removed:
        made.managed = False
    else:
        made.shift(None, -INFINITY, "removed")
    return made


def _link_removed(state: State, element: Element) -> None:
    for history in _histories_of(element):
        container = history.attrs.get("container")
        launcher = state.find_resource(container)
        resource = state.find_resource(history.id)
        if (
            launcher is not None
            and resource is not None
            and resource.launcher is None
            and resource.removed_launched
        ):
            resource.launcher = launcher
            launcher.launched.append(resource)

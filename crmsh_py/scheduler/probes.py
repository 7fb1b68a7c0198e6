"""Probes: looking whether a resource is active where nothing is known of it yet."""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.scheduler import fencing, migration, relations, remote
from crmsh_py.scheduler.history_entry import NOT_RUNNING, RUNNING_PROMOTED
from crmsh_py.scheduler.model import (
    OPTIONAL,
    ORDERED,
    PROBE_EXCLUSIVE,
    PROBE_NEVER,
    PROMOTED,
    RUNNABLE,
    STOPPED,
    UNRUNNABLE_FIRST_BLOCKS,
    Node,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.vertices import expect, vertex_for


def create_all(state: State) -> None:
    """Probe all resources on every node that is up."""
    if not state.settings.probes:
        return
    for node in state.nodes:
        if not node.online:
            if remote.connection_failed(node):
                fencing.fence_node(state, node, "the connection is unrecoverable")
        elif not node.unclean and node.probes_allowed:
            probe_all(state.resources, node)


def probe_all(resources: Iterable[Resource], node: Node) -> bool:
    """Probe several resources on a node; whether any probe was needed."""
    any_made = False
    for resource in resources:
        any_made = resource.create_probe(node) or any_made
    return any_made


def _cannot_be_there(resource: Resource, node: Node) -> bool:
    """Whether a resource can never run on a remote or guest node."""
    return node.is_remote_kind and (
        resource.fence_device
        or resource.is_remote_connection
        or (node.is_guest and any(each.is_remote_connection for each in resource.launched))
    )


def _not_wanted(resource: Resource, node: Node) -> bool:
    """Whether the configuration says not to look there, or there is nothing to find out."""
    if (
        (resource.launcher is not None and not resource.is_remote_connection)
        or resource.removed
        or node.index in resource.probed
    ):
        return True
    known = node.index in resource.scores
    mode = resource.probe_mode(node) if known else node.probe_mode
    if resource.exclusive_probes or resource.topmost().exclusive_probes:
        return not known or mode != PROBE_EXCLUSIVE
    return mode == PROBE_NEVER


def probe_on(resource: Resource, node: Node) -> bool:
    """Make a probe of a resource on a node, if one is needed."""
    if not resource.state.settings.probes or _cannot_be_there(resource, node):
        return False
    if resource.children:
        return probe_all(resource.children, node)
    if _not_wanted(resource, node):
        return False
    top = resource.topmost()
    guest = node.launcher
    if guest is not None:
        if guest.orig_role == STOPPED:
            if _is_looked_for(guest):
                relations.order(guest, "monitor", top, "start", ORDERED)
            return False
        if _will_stop(guest, node) and not _may_be_moved_along(resource, guest):
            relations.order(guest, "stop", top, "start", ORDERED)
            return False
    probe = vertex_for(resource, "monitor", node, optional=False)
    probe.flags &= ~OPTIONAL
    fencing.order_unfencing(resource, node, probe, ORDERED)
    if not resource.active_on(node):
        expect(probe, NOT_RUNNING)
    elif resource.orig_role == PROMOTED:
        expect(probe, RUNNING_PROMOTED)
    if not top.is_clone:
        top = resource
    flags = ORDERED
    if not probe.flags & RUNNABLE and not top.active_nodes:
        flags |= UNRUNNABLE_FIRST_BLOCKS
    relations.after_vertex(probe, top, "start", flags)
    relations.after_vertex(probe, top, "reload-agent", ORDERED)
    return True


def _is_looked_for(guest: Resource) -> bool:
    """Whether a guest's machine may be found where nobody has looked yet, with what is inside.

    Pacemaker asks only about the node where it is to be started.
    """
    if guest.assigned is None:
        return False
    nodes = map(guest.state.nodes_by_index.__getitem__, guest.scores)
    return any(node.online and node.index not in guest.probed for node in nodes)


def _may_be_moved_along(resource: Resource, guest: Resource) -> bool:
    """Whether a guest that migrates may carry along what is known to run nowhere.

    Pacemaker takes such a guest for one that stops, and starts elsewhere what is inside. (What is
    known to run somewhere it would have found there already, were it inside too.)
    """
    return not resource.active_nodes and migration.possible(guest, guest.current_node())


def _will_stop(guest: Resource, node: Node) -> bool:
    return (
        node.remote_reset
        or node.unclean
        or guest.failed
        or guest.next_role == STOPPED
        or (
            guest.orig_role > STOPPED
            and guest.assigned is not None
            and not guest.active_on(guest.assigned)
        )
    )

"""Whether nodes are online, from what the status section says of them.

Without fencing a node is online when it is a member and its manager has joined; with fencing a
node that should be there and is not has to be fenced.
"""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true, parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import fencing
from crmsh_py.scheduler.configuration import add_attributes
from crmsh_py.scheduler.history_entry import number
from crmsh_py.scheduler.model import STARTED, STOPPED, Node
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State


def unpack_state(state: State, element: Element) -> None:
    """Read a ``<node_state>``; of remote nodes only whether they were fenced."""
    if not element.id:
        state.error("unpack_node_state", "Ignoring invalid node_state entry without id")
        return
    node = state.node_with(element.id, element.attrs.get("uname"))
    if node is None:
        return
    if node.is_remote_kind:
        node.remote_fenced = whole_number(element.attrs.get("node_fenced")) != 0
        return
    _read_transient(state, node, element)
    if _forbids_discovery(node):
        state.warn(
            "unpack_transient_attributes",
            f"Ignoring resource-discovery-enabled attribute for {node.name} because disabling "
            "resource discovery is not allowed for cluster nodes",
        )
    node.unclean = False
    node.seen = True
    if node.is_ping:
        return
    determine_online(state, node, element)
    if not state.quorate and node.online and state.settings.no_quorum_policy == "fence":
        fencing.fence_node(state, node, "cluster does not have quorum")


def _read_transient(state: State, node: Node, element: Element) -> None:
    add_attributes(state, node, element.find("transient_attributes"), overwrite=True)
    if is_true(node.attrs.get("standby")):
        node.standby = True
    if is_true(node.attrs.get("maintenance")):
        node.maintenance = True


def _forbids_discovery(node: Node) -> bool:
    value = node.attrs.get("resource-discovery-enabled")
    return value is not None and not is_true(value)


def shutdown_requested(node: Node) -> bool:
    """Whether the node has asked to leave."""
    return node.attrs.get("shutdown", "0") != "0"


def _since_member(state: State, element: Element) -> int:
    """Since when it is a member (Unix time), 0 for not, -1 where it was never seen."""
    text = element.attrs.get("in_ccm")
    if text is None:
        return -1
    value = parse_boolean(text)
    if value is None:
        since = number(text, -1)
        return since if since >= 0 else -1
    # A time of 1 is a time, though it reads like a boolean: either way it is a member.
    return state.epoch if value else 0


def _since_online(element: Element) -> int:
    text = element.attrs.get("crmd")
    if text is None or text.lower() == "offline":
        return 0
    if text.lower() == "online":
        return 1
    return max(0, number(text, 0))


def determine_online(state: State, node: Node, element: Element) -> None:
    """Decide whether a member is online, leaving, pending or lost."""
    expected = element.attrs.get("expected", "")
    node.shutdown = shutdown_requested(node)
    if not node.shutdown and expected.lower() == "member":
        node.expected_up = True
    if state.settings.fencing_enabled:
        online = _online_with_fencing(state, node, element)
    else:
        online = _online_without_fencing(state, node, element)
    if online:
        node.online = True
    if not online or node.shutdown:
        node.score = -INFINITY
    if node.unclean:
        state.warn("determine_online_status", f"{node.name} is unclean")


def _online_without_fencing(state: State, node: Node, element: Element) -> bool:
    if _since_member(state, element) <= 0:
        return False
    if _since_online(element) > 0:
        return element.get("join").lower() == "member"
    if node.expected_up:
        fencing.fence_node(state, node, "peer is unexpectedly down")
    return False


def _wants_termination(node: Node) -> bool:
    value = node.attrs.get("terminate")
    if value is None:
        return False
    flag = parse_boolean(value)
    return flag if flag is not None else number(value, 0) > 0


def _online_with_fencing(state: State, node: Node, element: Element) -> bool:
    join = element.attrs.get("join")
    expected = element.attrs.get("expected")
    member, online = _since_member(state, element), _since_online(element)
    if node.shutdown:
        return online > 0
    if member < 0:
        fencing.fence_node(state, node, "peer has not been seen by the cluster")
        return False
    lost = ""
    delay = False
    if join == "banned":
        lost = "peer failed Pacemaker membership criteria"
    elif _wants_termination(node):
        if member <= 0 and online <= 0 and join == "down":
            return False
        lost = "fencing was requested"
    elif expected in {None, "down"}:
        if _pending_too_long(state, member, online):
            lost = "peer pending timed out on joining the process group"
        elif member > 0 or online > 0:
            node.standby = True
            node.pending = True
    elif member <= 0:
        lost, delay = "peer is no longer part of the cluster", True
    elif online <= 0:
        lost = "peer process is no longer available"
    elif join == "member":
        pass
    elif join in {"pending", "down"}:
        node.standby = True
        node.pending = True
    else:
        lost = "peer was in an unknown state"
    if lost:
        fencing.fence_node(state, node, lost, priority_delay=delay)
    return member > 0


def _pending_too_long(state: State, member: int, online: int) -> bool:
    limit_ms = state.settings.node_pending_ms
    if limit_ms and member > 0 and online <= 0:
        deadline = member + -(-limit_ms // 1000)
        if state.epoch >= deadline:
            return True
        state.recheck(deadline)
    return False


# ---- remote and guest nodes ----------------------------------------------------------------------


def determine_remote_online(node: Node) -> None:
    """Decide whether a remote node or guest is online: as its connection is."""
    connection = node.remote
    if connection is None:
        node.online = False
        return
    launcher = connection.launcher
    host = None
    if launcher is not None and len(connection.active_nodes) == 1:
        host = connection.active_nodes[0]
    if connection.orig_role == STARTED:
        node.online = True
        if connection.next_role == STOPPED:
            node.shutdown = True
    if launcher is not None and launcher.failed:
        node.online = False
        node.remote_reset = True
    elif connection.failed:
        node.online = False
    elif connection.orig_role == STOPPED or (
        launcher is not None and launcher.orig_role == STOPPED
    ):
        node.online = False
        node.remote_reset = False
    elif host is not None and not host.online and host.unclean:
        node.online = False
        node.remote_reset = True


def unpack_remote_attributes(state: State, node: Node, element: Element) -> None:
    """Read the attributes of a remote node or guest, once it is known to be there."""
    node.remote_maintenance = whole_number(element.attrs.get("node_in_maintenance")) != 0
    if not node.remote_reset:
        node.unclean = False
        node.seen = True
    _read_transient(state, node, element)
    if shutdown_requested(node):
        node.shutdown = True
    if node.remote is not None and not node.remote.managed:
        node.maintenance = True
    if _forbids_discovery(node):
        state.warn(
            "unpack_handle_remote_attrs",
            "Support for the resource-discovery-enabled node attribute is deprecated and will be "
            "removed (and behave as 'true') in a future release.",
        )
        if node.is_remote and not state.settings.fencing_enabled:
            state.warn(
                "unpack_handle_remote_attrs",
                "Ignoring resource-discovery-enabled attribute on Pacemaker Remote node "
                f"{node.name} because fencing is disabled",
            )
        else:
            node.probes_allowed = False

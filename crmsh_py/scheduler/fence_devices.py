"""Which fence devices there are, and which nodes may use them.

A device need not be started to be used: any node may use it where no location constraint forbids
it there, as long as its target role is not Stopped (Pacemaker Explained, "Fencing"). Constraints
of colocation and failures count for where it is monitored, and not for this.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler import constraints
from crmsh_py.scheduler.model import STOPPED, Node
from crmsh_py.scheduler.reading import read_status
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.scheduler.state import State


def fence_devices(cib: Cib, now: datetime) -> tuple[FenceDevice, ...]:
    """The devices that are not disabled, in the order of the configuration."""
    state = read_status(upgrade(cib) if needs_upgrade(cib) else cib, now)
    constraints.unpack_all(state)
    for location in reversed(state.locations):
        location.resource.apply_location(location)
    found: dict[str, FenceDevice] = {}
    order = {p.id: place for place, p in enumerate(cib.section("resources").iter("primitive"))}
    for resource in state.resources:
        for leaf in resource.leaves():
            if leaf.fence_device and not _disabled(leaf) and leaf.xml_id not in found:
                found[leaf.xml_id] = _device(state, leaf)
    return tuple(sorted(found.values(), key=lambda device: order.get(device.id, len(order))))


def _disabled(resource: Resource) -> bool:
    current: Resource | None = resource
    while current is not None:
        if current.target_role() == STOPPED:
            return True
        current = current.parent
    return False


def _device(state: State, resource: Resource) -> FenceDevice:
    started = {node.name for node in resource.active_nodes}
    able = [node.name for node in state.nodes if _allowed(state, resource, node)]
    return FenceDevice(
        id=resource.xml_id,
        agent=resource.agent_type,
        parameters=dict(resource.parameters(None)),
        nodes=tuple(sorted(able, key=lambda name: (name not in started, name))),
        started_on=tuple(sorted(started)),
        unfences=resource.meta.get("provides", "").lower() == "unfencing",
    )


def _allowed(state: State, resource: Resource, node: Node) -> bool:
    if node.is_remote_kind:
        return False
    current: Resource | None = resource
    while current is not None:
        if node.index not in current.scores and current.parent is None:
            return state.settings.symmetric
        if current.scores.get(node.index, 0) < 0:
            return False
        current = current.parent
    return True

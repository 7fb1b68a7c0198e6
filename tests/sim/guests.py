"""Guests of a simulated cluster: remote nodes that a resource (their container) carries.

A guest has power while its container is active somewhere. It hears its host whatever becomes of the
network, hangs with it, and is gone with it; a container that migrates takes it along.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.machine import SimNode
from sim.remote import SimRemote

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation

if TYPE_CHECKING:
    from sim.cluster import Cluster


class Guests:
    """All containers of one cluster, and what is inside."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._inside: dict[str, SimRemote] = {}  # by container
        self._hosts: dict[str, SimNode] = {}  # by container

    def add(self, container: str, name: str) -> SimRemote:
        """A guest, which its container will start."""
        made = self._inside[container] = self._cluster.add_remote(name)
        return made

    def has(self, machine: SimNode) -> bool:
        """Whether a machine is a guest: nobody but its container switches it on."""
        return any(inside is machine for inside in self._inside.values())

    def host(self, guest: SimNode) -> SimNode | None:
        """The machine that a guest is on, or None."""
        found = (c for c, inside in self._inside.items() if inside is guest)
        return self._hosts.get(next(found, ""))

    def ended(self, machine: SimNode, operation: RunOperation, rc: int) -> None:
        """An operation has ended on a machine: it may be that of a container."""
        inside = self._inside.get(operation.resource)
        if inside is None or rc:
            return
        match operation.action:
            case "start":
                self._hosts[operation.resource] = machine
                if inside.core is None:
                    inside.start()
            case "migrate_from":
                self._hosts[operation.resource] = machine
            case "stop" if self._hosts.get(operation.resource) is machine:
                self._end(operation.resource)

    def fail(self, container: str) -> None:
        """A container ends by itself."""
        host = self._hosts.get(container)
        if host is not None:
            host.active.discard(container)
            self._end(container)

    def lost(self, machine: SimNode) -> None:
        """A machine is off, with all that it carries."""
        for container in [c for c, host in self._hosts.items() if host is machine]:
            self._end(container)

    def _end(self, container: str) -> None:
        del self._hosts[container]
        if self._inside[container].core is not None:
            self._inside[container].crash()


def add_container(name: str, guest: str, *, migrates: bool = False) -> Callable[[Cib], Cib]:
    """A change that adds a container and its guest; quick to notice."""
    meta = {"remote-node": guest, "remote-connect-timeout": "3s"}
    if migrates:
        meta["allow-migrate"] = "true"
    pairs = tuple(
        Element("nvpair", {"id": f"{name}-{key}", "name": key, "value": value})
        for key, value in meta.items()
    )
    monitor = {"id": f"{name}-m", "name": "monitor", "interval": "1s", "timeout": "1s"}
    attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    children = (
        Element("meta_attributes", {"id": f"{name}-meta"}, pairs),
        Element("operations", {}, (Element("op", monitor),)),
    )
    primitive = Element("primitive", attributes, children)

    def change(cib: Cib) -> Cib:
        return cib.with_section("resources", cib.section("resources").append(primitive))

    return change

"""What a bundle is made of: the primitives for containers, addresses and connections.

These are written as the elements that a person would have written without a bundle, and unpacked
like those; so everything that holds for primitives holds for them. Their parameters are facts that
histories' digests depend on.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.element import Element
from crmsh_py.scheduler.model import Node
from crmsh_py.scheduler.resource import Resource
from crmsh_py.value import field, frozen, mutable
from crmsh_py.whole_numbers import is_number

REMOTE_PORT = "3121"
_REMOTED = "/usr/sbin/pacemaker-remoted"
_AUTHKEY = "/etc/pacemaker/authkey"
_LOGS = "/var/log/pacemaker/bundles"


@frozen
class Mount:
    """A directory of the host that containers see; with ``subdir`` one for every replica."""

    source: str
    target: str
    options: str | None = None
    subdir: bool = False


@mutable
class Layout:
    """What a bundle's XML says, in plain values."""

    prefix: str
    agent: str  # docker or podman
    image: str = ""
    promoted_max: int = 0
    replicas: int = 1
    per_host: int = 1
    command: str | None = None
    options: str | None = None
    network: str | None = None
    ip_range_start: str | None = None
    netmask: str | None = None
    interface: str | None = None
    control_port: str | None = None
    add_host: bool = True
    ports: list[tuple[str, str]] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    host_entries: str = ""
    last_ip: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether what runs inside can be managed from outside."""
        return bool(self.ip_range_start or self.control_port)

    def add_implied(self) -> None:
        """What every container with a resource inside needs."""
        log_mounted = any(mount.target == "/var/log" for mount in self.mounts)
        self.mounts.append(Mount(_AUTHKEY, _AUTHKEY))
        if not log_mounted:
            self.mounts.append(Mount(_LOGS, "/var/log", None, subdir=True))
        port = self.control_port or REMOTE_PORT
        self.ports.append((port, port))

    def next_address(self, offset: int) -> str | None:
        """The address of the next replica, which all containers come to know by name."""
        if self.ip_range_start is None:
            return None
        address = _after(self.last_ip) if self.last_ip else self.ip_range_start
        self.last_ip = address
        if self.add_host:
            self.host_entries += f" --add-host={self.prefix}-{offset}:{address}"
        else:
            self.host_entries += f" --hosts-entry={address}={self.prefix}-{offset}"
        return address


def _after(address: str) -> str | None:
    parts = address.split(".")
    if len(parts) != 4 or not all(is_number(part) for part in parts):
        return None
    a, b, c, d = (int(part) for part in parts)
    if c > 253:
        return None
    if d > 253:
        return f"{a}.{b}.{c + 1}.1"
    return f"{a}.{b}.{c}.{d + 1}"


def _sanitized(id_: str) -> str:
    return id_.replace(":", ".").replace("#", ".")


def _primitive(
    id_: str, provider: str, kind: str, set_id: str, parameters: dict[str, str]
) -> Element:
    pairs = tuple(
        Element("nvpair", {"id": f"{set_id}-{name}", "name": name, "value": value})
        for name, value in parameters.items()
    )
    monitor = {"id": f"{id_}-monitor-60s", "interval": "60s", "name": "monitor"}
    return Element(
        "primitive",
        {"id": id_, "class": "ocf", "provider": provider, "type": kind},
        (
            Element("instance_attributes", {"id": set_id}, pairs),
            Element("operations", {}, (Element("op", monitor),)),
        ),
    )


def address_element(layout: Layout, offset: int, address: str) -> Element:
    """The address of a replica."""
    parameters = {"ip": address}
    if layout.interface:
        parameters["nic"] = layout.interface
    parameters["cidr_netmask"] = layout.netmask or "32"
    return _primitive(
        _sanitized(f"{layout.prefix}-ip-{address}"),
        "heartbeat",
        "IPaddr2",
        f"{layout.prefix}-attributes-{offset}",
        parameters,
    )


def container_element(
    layout: Layout, offset: int, address: str | None, *, has_child: bool
) -> Element:
    """The container of a replica."""
    options = " --restart=no" if layout.agent == "docker" else ""
    if layout.ip_range_start is not None:
        options += f" -h {layout.prefix}-{offset}"
    options += " -e PCMK_stderr=1"
    if layout.network is not None:
        options += f" --net={layout.network}"
    options += f" -e PCMK_remote_port={layout.control_port or REMOTE_PORT}"
    points: list[str] = []
    for mount in layout.mounts:
        source = mount.source
        if mount.subdir:
            source = f"{mount.source}/{layout.prefix}-{offset}"
            points.append(source)
        options += f" -v {source}:{mount.target}"
        if mount.options is not None:
            options += f":{mount.options}"
    for outside, inside in layout.ports:
        if address is not None:
            options += f" -p {address}:{outside}:{inside}"
        elif layout.network != "host":
            options += f" -p {outside}:{inside}"
    if layout.options is not None:
        options += f" {layout.options}"
    if layout.host_entries is not None:
        options += f" {layout.host_entries}"
    parameters = {
        "image": layout.image,
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": options,
        "mount_points": ",".join(points),
    }
    if layout.command is not None:
        parameters["run_cmd"] = layout.command
    elif has_child:
        parameters["run_cmd"] = _REMOTED
    parameters["monitor_cmd"] = "/bin/true"
    return _primitive(
        _sanitized(f"{layout.prefix}-{layout.agent}-{offset}"),
        "heartbeat",
        layout.agent,
        f"{layout.prefix}-attributes-{offset}",
        parameters,
    )


def clone_element(layout: Layout, primitive: Element) -> Element:
    """The clone of what runs inside: one instance for every replica."""
    suffix = "master" if layout.promoted_max > 0 else "clone"
    id_ = f"{layout.prefix}-{suffix}"
    meta = {
        "ordered": "true",
        "clone-max": str(layout.replicas),
        "clone-node-max": str(layout.per_host),
        "globally-unique": "true" if layout.per_host > 1 else "false",
    }
    if layout.promoted_max:
        meta["promotable"] = "true"
        meta["promoted-max"] = str(layout.promoted_max)
    set_id = f"{layout.prefix}-clone-meta"
    pairs = tuple(
        Element("nvpair", {"id": f"{set_id}-{name}", "name": name, "value": value})
        for name, value in meta.items()
    )
    return Element(
        "clone", {"id": id_}, (Element("meta_attributes", {"id": set_id}, pairs), primitive)
    )


class Replica:
    """One container with its address, its connection, its node and what runs inside."""

    __slots__ = ("address", "child", "container", "ip", "node", "offset", "remote")

    def __init__(self, offset: int, child: Resource | None, address: str | None) -> None:
        self.offset = offset
        self.child = child
        self.address = address
        self.container: Resource = None  # type: ignore[assignment]  # made right afterwards
        self.ip: Resource | None = None
        self.remote: Resource | None = None
        self.node: Node | None = None

    def parts(self) -> Iterator[Resource]:
        """What it is made of, in the order in which statuses look at it."""
        for part in (self.ip, self.child, self.container, self.remote):
            if part is not None:
                yield part

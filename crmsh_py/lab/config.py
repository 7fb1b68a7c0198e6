"""What a lab is: its nodes, their addresses, its network. Pure values, and their file ``lab.json``.

How a lab comes from a corosync.conf or from names is in ``design``. Without a network of its own
(plain processes) each node's address keeps its last three bytes under 127: everything there
answers on any Linux without asking.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass

from crmsh_py.errors import ConfigError, CrmError
from crmsh_py.wire.paths import check_lab_name, check_node_name

MAX_NODES = 32  # a lab is one machine; corosync itself ends at 32 to 64


MEMBER, REMOTE, GUEST = "member", "remote", "guest"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node of a lab: its name, its address, and that on the second network ('': none).

    ``kind``: a member of the cluster; a remote node, which runs the executor only; or a guest, a
    remote node that is off until a resource of the cluster switches it on.
    """

    name: str
    address: str
    second: str = ""
    kind: str = MEMBER

    @property
    def is_member(self) -> bool:
        """Whether it is a member of the cluster, with ring and CIB."""
        return self.kind == MEMBER

    @property
    def mac(self) -> str:
        """The address of its network card: made from the IP address, the same at every start."""
        return mac_for(self.address)

    @property
    def loopback(self) -> str:
        """The address that stands for its own where nodes are plain processes."""
        return loopback_for(self.address)

    def on(self, ring: int, *, loopback: bool) -> str:
        """Its address on ring 0 or 1, or the one that stands for it."""
        address = self.second if ring else self.address
        return loopback_for(address) if loopback else address


@dataclass(frozen=True, slots=True)
class LabConfig:
    """A lab as it was created. ``network`` is a CIDR; ``host`` the address of the host in it.

    ``second_network`` is the CIDR of ring 1, '' where there is one ring; the host is not in it.

    ``agents`` is 'any' (stand-ins are allowed, and marked), 'real', or 'stand-ins' (no others: in
    the copy of a real cluster). ``ocf_root`` is where nodes look for agents, '' the usual
    /usr/lib/ocf. ``daemon`` replaces the program of a node, for
    tests of the lab itself; the path of the settings is appended.
    """

    name: str
    nodes: tuple[NodeConfig, ...]
    network: str
    host: str
    agents: str = "any"
    daemon: tuple[str, ...] = ()
    ocf_root: str = ""
    without_manager: tuple[str, ...] = ()  # nodes that start the membership only
    second_network: str = ""

    @property
    def members(self) -> tuple[NodeConfig, ...]:
        """The nodes that are members of the cluster."""
        return tuple(node for node in self.nodes if node.is_member)

    @property
    def rings(self) -> tuple[int, ...]:
        """The networks that all nodes are on."""
        return (0, 1) if self.second_network else (0,)

    def prefix_of(self, ring: int) -> int:
        """A network's prefix length."""
        return int((self.second_network if ring else self.network).rpartition("/")[2])

    @property
    def prefix_length(self) -> int:
        """The network's prefix length, as in ``ip addr add A/24``."""
        return int(self.network.rpartition("/")[2])

    def node(self, name: str) -> NodeConfig | None:
        """The node of that name."""
        return next((node for node in self.nodes if node.name == name), None)

    def to_json(self) -> str:
        """The content of lab.json."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LabConfig:
        """Read lab.json.

        Raises:
            ConfigError: it is not what ``to_json`` writes.
        """
        try:
            data = json.loads(text)
            nodes = tuple(
                NodeConfig(
                    str(n["name"]),
                    str(n["address"]),
                    str(n.get("second", "")),
                    str(n.get("kind", MEMBER)),
                )
                for n in data["nodes"]
            )
            second = str(data.get("second_network", ""))
            return cls(
                name=check_lab_name(str(data["name"])),
                nodes=checked_nodes(nodes, str(data["network"]), second),
                network=str(data["network"]),
                host=str(data["host"]),
                agents=str(data["agents"]),
                daemon=tuple(str(word) for word in data["daemon"]),
                ocf_root=str(data.get("ocf_root", "")),
                without_manager=tuple(str(name) for name in data.get("without_manager", ())),
                second_network=second,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the lab's own record cannot be read: {error!r}",
                hint="remove the lab: crm lab destroy",
            ) from None


def mac_for(address: str) -> str:
    """A MAC address with the prefix of virtual machines, made from an IPv4 address."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in _bytes(address)[1:])


def loopback_for(address: str) -> str:
    """The same last three bytes, under 127."""
    return "127." + ".".join(str(byte) for byte in _bytes(address)[1:])


def _bytes(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


def checked_nodes(
    nodes: Sequence[NodeConfig], network: str, second_network: str = ""
) -> tuple[NodeConfig, ...]:
    """Nodes that can be a lab's in a network (CIDR), or in two.

    Raises:
        ConfigError: too few, too many, two of the same name or address, or one outside.
    """
    if not any(node.is_member for node in nodes):
        raise ConfigError("a lab needs at least one node", hint="--nodes node1,node2,node3")
    if len(nodes) > MAX_NODES:
        raise ConfigError(f"{len(nodes)} nodes are more than the {MAX_NODES} that a lab may have")
    seen: set[str] = set()
    for node in nodes:
        try:
            check_node_name(node.name)
        except CrmError as error:
            raise ConfigError(error.message, hint=error.hint) from None
        _check_inside(node, node.address, network)
        if second_network and (node.second or node.is_member):
            _check_inside(node, node.second, second_network)
        for word in filter(None, (node.name, node.address, node.second)):
            if word in seen:
                raise ConfigError(f"two nodes are called {word}")
            seen.add(word)
    return tuple(nodes)


def _check_inside(node: NodeConfig, text: str, network: str) -> None:
    inside = ipaddress.IPv4Network(network)
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise ConfigError(f"{node.name}: '{text}' is no address") from None
    if address not in inside or address in (inside.network_address, inside.broadcast_address):
        raise ConfigError(f"{node.name}: {address} is no address in the network {network}")

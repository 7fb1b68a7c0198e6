"""What a lab is: its nodes, their addresses, its network. Pure values and their file.

Input: a corosync.conf, or names and a network. Output: a ``LabConfig``, kept as ``lab.json`` in
the lab's state directory.

Rules:
- A corosync.conf with a nodelist names nodes and addresses itself (``ring0_addr`` may be a name:
  such nodes get addresses of the network in their order).
- One without a nodelist means pacemaker01, 02, 03 (or the names given) at .10, .11, .12 of its
  bindnetaddr: the three machines of the tutorial.
- The first address of the network is the host's, as the bridge's is on a virtual machine's host.
- Without a network of our own (plain processes) each address keeps its last three bytes under
  127: everything there answers on any Linux without asking.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass

from crmsh_py.corosync_conf import CorosyncConf, lab_nodes, new_nodes
from crmsh_py.errors import ConfigError, CrmError
from crmsh_py.wire.paths import check_lab_name, check_node_name

DEFAULT_NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
DEFAULT_NETWORK = "192.168.100.0/24"
FIRST_HOST_NUMBER = 10  # of the first node, in its network, as in the tutorial
MAX_NODES = 32  # a lab is one machine; corosync itself ends at 32 to 64


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node of a lab: its name and its address."""

    name: str
    address: str

    @property
    def mac(self) -> str:
        """The address of its network card: made from the IP address, the same at every start."""
        return mac_for(self.address)

    @property
    def loopback(self) -> str:
        """The address that stands for its own where nodes are plain processes."""
        return loopback_for(self.address)


@dataclass(frozen=True, slots=True)
class LabConfig:
    """A lab as it was created. ``network`` is a CIDR; ``host`` the address of the host in it.

    ``agents`` is 'any' (stand-ins are allowed, and marked) or 'real'. ``daemon`` replaces the
    program of a node, for tests of the lab itself; the path of the settings is appended.
    """

    name: str
    nodes: tuple[NodeConfig, ...]
    network: str
    host: str
    agents: str = "any"
    daemon: tuple[str, ...] = ()

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
            nodes = tuple(NodeConfig(str(n["name"]), str(n["address"])) for n in data["nodes"])
            return cls(
                name=check_lab_name(str(data["name"])),
                nodes=_checked(nodes, str(data["network"])),
                network=str(data["network"]),
                host=str(data["host"]),
                agents=str(data["agents"]),
                daemon=tuple(str(word) for word in data["daemon"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the lab's own record cannot be read: {error!r}",
                hint="remove the lab: crm lab destroy",
            ) from None


def from_corosync_conf(
    lab: str, conf: CorosyncConf, *, names: Sequence[str] = (), network: str = ""
) -> LabConfig:
    """The lab that a corosync.conf describes; ``names`` where it has no nodelist itself.

    Raises:
        ConfigError: names or addresses that cannot be nodes of one network.
    """
    if conf.nodes and names:
        raise ConfigError(
            "the corosync.conf has a nodelist, so the nodes cannot be named once more",
            hint="leave out --nodes, or the nodelist",
        )
    if not conf.nodes and (names or network):
        bound = conf.interfaces[0].bindnetaddr if conf.interfaces else ""
        named = names or [node.name for node in lab_nodes(conf)]
        return from_names(lab, named, network or (f"{bound}/24" if bound else DEFAULT_NETWORK))
    listed = lab_nodes(conf)
    addresses = [_as_address(node.address) for node in listed]
    known = [address for address in addresses if address is not None]
    chosen = _network(network) if network else _smallest_network(known)
    free = _AddressSource(chosen, set(known))
    # A ring0_addr that is a host name gets an address of the network.
    return _lab(
        lab,
        [
            NodeConfig(node.name, str(next(free) if address is None else address))
            for node, address in zip(listed, addresses, strict=True)
        ],
        chosen,
    )


def from_names(lab: str, names: Sequence[str], network: str = DEFAULT_NETWORK) -> LabConfig:
    """A lab of nodes with these names at .10, .11, … of a network.

    Raises:
        ConfigError: bad names, or a network that is too small.
    """
    chosen = _network(network)
    nodes = [NodeConfig(node.name, node.address) for node in new_nodes(names, str(chosen))]
    return _lab(lab, nodes, chosen)


def mac_for(address: str) -> str:
    """A MAC address with the prefix of virtual machines, made from an IPv4 address."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in _bytes(address)[1:])


def loopback_for(address: str) -> str:
    """The same last three bytes, under 127."""
    return "127." + ".".join(str(byte) for byte in _bytes(address)[1:])


def _bytes(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


def _as_address(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"'{text}' is no IPv4 network: {error}", hint="write it as 192.168.100.0/24"
        ) from None
    if not 8 <= network.prefixlen <= 28:
        raise ConfigError(
            f"a network of /{network.prefixlen} does not fit a lab", hint="use /8 to /28, as /24"
        )
    if network.is_loopback or network.is_multicast:
        raise ConfigError(f"{text} cannot be the network of machines", hint=f"as {DEFAULT_NETWORK}")
    return network


def _smallest_network(addresses: Sequence[ipaddress.IPv4Address]) -> ipaddress.IPv4Network:
    if not addresses:
        return _network(DEFAULT_NETWORK)
    for prefix_length in range(24, 7, -1):
        network = ipaddress.IPv4Network((addresses[0], prefix_length), strict=False)
        if all(address in network for address in addresses):
            return network
    raise ConfigError(
        "the nodes' addresses are not in one network", hint="name it: --network 10.0.0.0/8"
    )


class _AddressSource:
    """Addresses for nodes without one, counting from .10."""

    def __init__(self, network: ipaddress.IPv4Network, taken: set[ipaddress.IPv4Address]) -> None:
        self._network = network
        self._taken = taken
        self._next = network.network_address + FIRST_HOST_NUMBER

    def __next__(self) -> ipaddress.IPv4Address:
        while self._next in self._taken:
            self._next += 1
        address = self._next
        self._next += 1
        if address not in self._network or address == self._network.broadcast_address:
            raise ConfigError(
                f"the network {self._network} has no room for these nodes",
                hint="choose a larger one: --network 192.168.100.0/24",
            )
        return address


def _lab(lab: str, nodes: Sequence[NodeConfig], network: ipaddress.IPv4Network) -> LabConfig:
    checked = _checked(nodes, str(network))
    taken = {node.address for node in checked}
    # The host is .1, as in the tutorial; in a nodelist that uses .1 itself it is the last one free.
    candidates = (network.network_address + 1, network.broadcast_address - 1)
    host = next((str(address) for address in candidates if str(address) not in taken), None)
    if host is None:
        raise ConfigError(
            f"the first and the last address of {network} are nodes: none is left for the host"
        )
    return LabConfig(name=check_lab_name(lab), nodes=checked, network=str(network), host=host)


def _checked(nodes: Sequence[NodeConfig], network: str) -> tuple[NodeConfig, ...]:
    if not nodes:
        raise ConfigError("a lab needs at least one node", hint="--nodes node1,node2,node3")
    if len(nodes) > MAX_NODES:
        raise ConfigError(f"{len(nodes)} nodes are more than the {MAX_NODES} that a lab may have")
    inside = ipaddress.IPv4Network(network)
    seen: set[str] = set()
    for node in nodes:
        try:
            check_node_name(node.name)
        except CrmError as error:
            raise ConfigError(error.message, hint=error.hint) from None
        address = ipaddress.IPv4Address(node.address)
        if address not in inside or address in (inside.network_address, inside.broadcast_address):
            raise ConfigError(f"{node.name}: {address} is no address in the network {network}")
        for word in (node.name, node.address):
            if word in seen:
                raise ConfigError(f"two nodes are called {word}")
            seen.add(word)
    return tuple(nodes)

"""How a lab comes from a corosync.conf, or from names and a network.

Rules:
- A corosync.conf with a nodelist names nodes and addresses itself (``ring0_addr`` may be a name:
  such nodes get addresses of the network in their order).
- One without a nodelist means pacemaker01, 02, 03 (or the names given) at .10, .11, .12 of its
  bindnetaddr: the three machines of the tutorial.
- Two rings are two networks: by ``ring1_addr`` or by a second interface section.
- The first address of the network is the host's, as the bridge's is on a virtual machine's host.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable, Sequence

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import CorosyncConf, LabNode, lab_nodes, new_nodes
from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.lab.config import GUEST, MAX_NODES, REMOTE, LabConfig, NodeConfig, checked_nodes
from crmsh_py.wire.paths import check_lab_name

DEFAULT_COUNT = 3
_USUAL_NAME = "pacemaker{:02}"  # as ``lab_nodes`` has them for a file that names none
DEFAULT_NETWORK = "192.168.100.0/24"
FIRST_HOST_NUMBER = 10  # of the first node, in its network, as in the tutorial
_MAX_CONF = 1024 * 1024  # bytes


def design(
    lab: str, conf_file: str, nodes: Sequence[str], network: str, say: Callable[[str], None]
) -> tuple[LabConfig, str]:
    """The record of a new lab, and the text of its corosync.conf; warnings are said.

    One of ``nodes`` that is a number stands for so many nodes with the usual names.

    Remote nodes come later (``with_remotes``): corosync.conf knows nothing of them.

    Raises:
        NotFound, SyntaxProblem, ConfigError: the file cannot be read or taken.
        ConfigError: names or a network that cannot be.
    """
    nodes = _named(nodes)
    if not conf_file:
        made = from_names(lab, nodes or _usual_names(DEFAULT_COUNT), network or DEFAULT_NETWORK)
        listed = [LabNode(node.name, node.address) for node in made.nodes]
        return made, corosync_conf.render(listed, made.network)
    text = _read(conf_file)
    conf = corosync_conf.parse(text, conf_file)
    for warning in conf.warnings:
        say(f"WARNING: {warning.render()}")
    return from_corosync_conf(lab, conf, names=nodes, network=network), text


def _named(nodes: Sequence[str]) -> Sequence[str]:
    if len(nodes) != 1 or not (nodes[0].isascii() and nodes[0].isdigit()):
        return nodes
    count = int(nodes[0][:4])
    if not 1 <= count <= MAX_NODES:
        raise ConfigError(
            f"{nodes[0]} nodes: a lab has 1 to {MAX_NODES}",
            hint="--nodes 5, or names: --nodes alpha,beta,gamma",
        )
    return _usual_names(count)


def _usual_names(count: int) -> list[str]:
    return [_USUAL_NAME.format(position) for position in range(1, count + 1)]


def _read(conf_file: str) -> str:
    try:
        with open(conf_file, "rb") as file:
            data = file.read(_MAX_CONF + 1)
    except OSError as error:
        raise NotFound(f"{conf_file} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_CONF:
        raise CrmError(f"{conf_file} is larger than {_MAX_CONF} bytes: no corosync.conf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CrmError(f"{conf_file} is not text: byte {error.start}") from None


def with_remotes(made: LabConfig, remotes: Sequence[str], guests: Sequence[str] = ()) -> LabConfig:
    """The lab with remote nodes and guests, at the next free addresses after its members.

    Raises:
        ConfigError: a name is bad or taken, or there is no room.
    """
    network = ipaddress.IPv4Network(made.network)
    taken = {ipaddress.IPv4Address(node.address) for node in made.nodes}
    free = _AddressSource(network, taken | {ipaddress.IPv4Address(made.host)})
    for kind, names in ((REMOTE, remotes), (GUEST, guests)):
        for name in names:
            node = NodeConfig(name, str(next(free)), kind=kind)
            nodes = checked_nodes((*made.nodes, node), made.network, made.second_network)
            made = dataclasses.replace(made, nodes=nodes)
    return made


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
    if len(conf.interfaces) < 2 and not conf.nodes and (names or network):
        bound = conf.interfaces[0].bindnetaddr if conf.interfaces else ""
        named = names or [node.name for node in lab_nodes(conf)]
        return from_names(lab, named, network or (f"{bound}/24" if bound else DEFAULT_NETWORK))
    if names or (network and len(conf.interfaces) > 1):
        raise ConfigError(
            "a corosync.conf with two rings says itself where its nodes are",
            hint="leave out --nodes and --network, or name the nodes in a nodelist",
        )
    listed = lab_nodes(conf)
    second = [_as_address(node.second_address) for node in listed if node.second_address]
    addresses = [_as_address(node.address) for node in listed]
    known = [address for address in addresses if address is not None]
    chosen = _network(network) if network else _smallest_network(known)
    free = _AddressSource(chosen, set(known))
    # A ring0_addr that is a host name gets an address of the network.
    return _lab(
        lab,
        [
            NodeConfig(
                node.name, str(next(free) if address is None else address), node.second_address
            )
            for node, address in zip(listed, addresses, strict=True)
        ],
        chosen,
        _second_network(second, chosen),
    )


def _second_network(
    addresses: Sequence[ipaddress.IPv4Address | None], first: ipaddress.IPv4Network
) -> str:
    """The network of ring 1, '' where there is one ring."""
    if not addresses:
        return ""
    known = [address for address in addresses if address is not None]
    if len(known) < len(addresses):
        raise ConfigError("ring1_addr must be an IPv4 address in a lab")
    network = _smallest_network(known)
    if network.overlaps(first):
        raise ConfigError(f"both rings are in the network {first}: they would fail together")
    return str(network)


def from_names(lab: str, names: Sequence[str], network: str = DEFAULT_NETWORK) -> LabConfig:
    """A lab of nodes with these names at .10, .11, … of a network.

    Raises:
        ConfigError: bad names, or a network that is too small.
    """
    chosen = _network(network)
    nodes = [NodeConfig(node.name, node.address) for node in new_nodes(names, str(chosen))]
    return _lab(lab, nodes, chosen)


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


def _lab(
    lab: str,
    nodes: Sequence[NodeConfig],
    network: ipaddress.IPv4Network,
    second_network: str = "",
) -> LabConfig:
    checked = checked_nodes(nodes, str(network), second_network)
    taken = {node.address for node in checked}
    # The host is .1, as in the tutorial; in a nodelist that uses .1 itself it is the last one free.
    candidates = (network.network_address + 1, network.broadcast_address - 1)
    host = next((str(address) for address in candidates if str(address) not in taken), None)
    if host is None:
        raise ConfigError(
            f"the first and the last address of {network} are nodes: none is left for the host"
        )
    return LabConfig(
        name=check_lab_name(lab),
        nodes=checked,
        network=str(network),
        host=host,
        second_network=second_network,
    )

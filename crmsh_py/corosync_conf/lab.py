"""The nodes of a lab and the corosync.conf of a new one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crmsh_py.corosync_conf.values import CorosyncConf
from crmsh_py.errors import ConfigError

_FIRST_HOST = 10  # the tutorial's machines: .10, .11, .12


@dataclass(frozen=True, slots=True)
class LabNode:
    """A node that a lab makes: its host name, its address, and that on ring 1 ('': one ring)."""

    name: str
    address: str
    second_address: str = ""


def lab_nodes(conf: CorosyncConf) -> tuple[LabNode, ...]:
    """The nodes that a lab of this file has.

    Without a nodelist, as in the tutorial, they are pacemaker01, 02, … at .10, .11, … of the
    bindnetaddr, as many as expected_votes (three where it is not given).
    """
    if conf.nodes:
        return tuple(
            LabNode(node.name or f"pacemaker{position:02}", node.address, node.second_address)
            for position, node in enumerate(conf.nodes, 1)
        )
    network = conf.interfaces[0].bindnetaddr or "192.168.100.0"
    names = [
        f"pacemaker{position:02}" for position in range(1, (conf.quorum.expected_votes or 3) + 1)
    ]
    nodes = tuple(new_nodes(names, f"{network}/24"))
    if len(conf.interfaces) < 2:
        return nodes
    second = new_nodes(names, f"{conf.interfaces[1].bindnetaddr}/24")
    return tuple(
        LabNode(node.name, node.address, other.address)
        for node, other in zip(nodes, second, strict=True)
    )


def new_nodes(names: Sequence[str], network: str) -> Iterator[LabNode]:
    """Addresses for new nodes: .10, .11, … of a network in CIDR notation."""
    try:
        net = ipaddress.IPv4Network(network, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"'{network}' is not an IPv4 network", hint="such as 192.168.100.0/24"
        ) from error
    if net.num_addresses < _FIRST_HOST + len(names) + 1:
        raise ConfigError(f"network {net} is too small for {len(names)} nodes")
    for position, name in enumerate(names):
        yield LabNode(name, str(net.network_address + _FIRST_HOST + position))


def render(nodes: Sequence[LabNode], network: str, *, token_ms: int = 1000) -> str:
    """The text of a new corosync.conf for these nodes."""
    net = ipaddress.IPv4Network(network, strict=False)
    group = int(net.network_address) >> 8 & 0xFF
    entries = "".join(
        f"    node {{\n        ring0_addr: {node.address}\n        name: {node.name}\n    }}\n"
        for node in nodes
    )
    two_node = "    two_node: 1\n" if len(nodes) == 2 else ""
    return f"""\
# Written by 'crm lab create'. See corosync.conf(5).

totem {{
    version: 2
    token: {token_ms}
    # The token time is meant as it is written, however many nodes there are.
    token_coefficient: 0
    join: 60
    clear_node_high_bit: yes
    secauth: off
    interface {{
        ringnumber: 0
        bindnetaddr: {net.network_address}
        mcastaddr: 239.255.{group}.0
        mcastport: 5405
    }}
}}

nodelist {{
{entries}}}

quorum {{
    provider: corosync_votequorum
    expected_votes: {len(nodes)}
{two_node}}}

logging {{
    to_stderr: yes
    to_logfile: no
    timestamp: on
    debug: off
}}
"""

"""The lab's network as commands for ``ip -batch``: pure functions; ``iproute`` runs them.

The supervisor's network namespace is the *host*: a bridge ``lab0`` with the host's address, and a
port per node, the other end of which is the node's ``eth0``. A partition is another bridge, to
which the ports of the nodes cut off are moved: they still see each other, and their links stay up,
as behind a broken switch.

Forwarding starts at once (forward_delay 0), and multicast goes to every port (no snooping): a
membership is formed within the first second of a port.
"""

from __future__ import annotations

from crmsh_py.lab.config import LabConfig, NodeConfig, mac_for

MAIN_BRIDGE = "lab0"
NODE_LINK = "eth0"
_BRIDGE_OPTIONS = "type bridge forward_delay 0 mcast_snooping 0"


def port(index: int) -> str:
    """The name of a node's port on the host's side; ``index`` is its place in the lab."""
    return f"port{index}"


def cut_bridge(group: int) -> str:
    """The bridge of a group of nodes that are cut off; 0 is the main one."""
    return f"cut{group}" if group else MAIN_BRIDGE


def build_host(config: LabConfig) -> list[str]:
    """The host: its bridge, its address."""
    return [
        "link set lo up",
        f"link add {MAIN_BRIDGE} address {mac_for(config.host)} {_BRIDGE_OPTIONS}",
        f"addr add {config.host}/{config.prefix_length} broadcast + dev {MAIN_BRIDGE}",
        f"link set {MAIN_BRIDGE} up",
        f"route add 224.0.0.0/4 dev {MAIN_BRIDGE}",
    ]


def attach_node(node: NodeConfig, index: int, pid: int, group: int) -> list[str]:
    """A cable from the node's network namespace (that of process ``pid``) to its bridge."""
    return [
        f"link add {port(index)} type veth peer name {NODE_LINK} address {node.mac} netns {pid}",
        f"link set {port(index)} master {cut_bridge(group)} up",
    ]


def configure_node(address: str, prefix_length: int, host: str) -> list[str]:
    """What the node itself sets up: its address, and the host as its gateway.

    The default route also gives multicast its way out.
    """
    return [
        "link set lo up",
        f"addr add {address}/{prefix_length} broadcast + dev {NODE_LINK}",
        f"link set {NODE_LINK} up",
        f"route add default via {host}",
    ]


def unplug(index: int) -> list[str]:
    """Pull a node's cable."""
    return [f"link set {port(index)} down"]


def detach_node(index: int) -> list[str]:
    """Take a node's cable away; its eth0 goes with it."""
    return [f"link del {port(index)}"]


def add_cut(group: int) -> list[str]:
    """A bridge for a group of nodes that are cut off together."""
    bridge = cut_bridge(group)
    return [f"link add {bridge} {_BRIDGE_OPTIONS}", f"link set {bridge} up"]


def remove_cut(group: int) -> list[str]:
    """The end of such a bridge."""
    return [f"link del {cut_bridge(group)}"]


def move_port(index: int, group: int) -> list[str]:
    """Plug a node's cable into another bridge."""
    return [f"link set {port(index)} master {cut_bridge(group)}"]

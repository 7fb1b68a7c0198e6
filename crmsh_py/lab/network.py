"""The lab's networks as commands for ``ip -batch``: pure functions; ``iproute`` runs them.

The supervisor's network namespace is the *host*: a bridge ``lab0`` with the host's address, and a
port per node, the other end of which is the node's ``eth0``. Where corosync.conf has two rings
there is a second bridge, ``lab1``, for the nodes' ``eth1``; the host has no address there. A
partition is another bridge, to which the ports of the nodes cut off are moved: they still see each
other, and their links stay up, as behind a broken switch.

Forwarding starts at once (forward_delay 0), and multicast goes to every port (no snooping): a
membership is formed within the first second of a port.
"""

from __future__ import annotations

from crmsh_py.lab.config import LabConfig, NodeConfig, mac_for

_BRIDGE_OPTIONS = "type bridge forward_delay 0 mcast_snooping 0"


def port(index: int, ring: int) -> str:
    """The name of a node's port on the host's side; ``index`` is its place in the lab."""
    return f"port{index}r{ring}" if ring else f"port{index}"


def link(ring: int) -> str:
    """The name of a node's own end."""
    return f"eth{ring}"


def bridge(group: int, ring: int) -> str:
    """The bridge of a group of nodes that are cut off; 0 is the main one."""
    if not group:
        return f"lab{ring}"
    return f"cut{group}r{ring}" if ring else f"cut{group}"


def build_host(config: LabConfig) -> list[str]:
    """The host: its bridges, its address."""
    main = bridge(0, 0)
    lines = [
        "link set lo up",
        f"link add {main} address {mac_for(config.host)} {_BRIDGE_OPTIONS}",
        f"addr add {config.host}/{config.prefix_length} broadcast + dev {main}",
        f"link set {main} up",
        f"route add 224.0.0.0/4 dev {main}",
    ]
    for ring in config.rings[1:]:
        lines += [
            f"link add {bridge(0, ring)} {_BRIDGE_OPTIONS}",
            f"link set {bridge(0, ring)} up",
        ]
    return lines


def attach_node(node: NodeConfig, index: int, pid: int, groups: list[int]) -> list[str]:
    """Cables from the node's network namespace (that of process ``pid``) to its bridges.

    ``groups``: by ring, the group of nodes that it is cut off with.
    """
    lines = []
    for ring, group in enumerate(groups):
        if ring and not node.second:
            continue
        mac = mac_for(node.on(ring, loopback=False))
        name = port(index, ring)
        lines += [
            f"link add {name} type veth peer name {link(ring)} address {mac} netns {pid}",
            f"link set {name} master {bridge(group, ring)} up",
        ]
    return lines


def configure_node(config: LabConfig, node: NodeConfig) -> list[str]:
    """What the node itself sets up: its addresses, and the host as its gateway.

    The default route also gives multicast its way out.
    """
    lines = ["link set lo up"]
    for ring in config.rings:
        if ring and not node.second:
            continue  # remote nodes are on the first network only
        address = f"{node.on(ring, loopback=False)}/{config.prefix_of(ring)}"
        lines += [
            f"addr add {address} broadcast + dev {link(ring)}",
            f"link set {link(ring)} up",
        ]
    return [*lines, f"route add default via {config.host}"]


def unplug(index: int, rings: int) -> list[str]:
    """Pull a node's cables."""
    return [f"link set {port(index, ring)} down" for ring in range(rings)]


def detach_node(index: int, rings: int) -> list[str]:
    """Take a node's cables away; its own ends go with them."""
    return [f"link del {port(index, ring)}" for ring in range(rings)]


def add_cut(group: int, ring: int) -> list[str]:
    """A bridge for a group of nodes that are cut off together."""
    name = bridge(group, ring)
    return [f"link add {name} {_BRIDGE_OPTIONS}", f"link set {name} up"]


def remove_cut(group: int, ring: int) -> list[str]:
    """The end of such a bridge."""
    return [f"link del {bridge(group, ring)}"]


def move_port(index: int, group: int, ring: int) -> list[str]:
    """Plug a node's cable into another bridge."""
    return [f"link set {port(index, ring)} master {bridge(group, ring)}"]

"""Changes of a lab that exists: its nodes, its corosync.conf, what starts with a node.

The lab's own corosync.conf is what every node is started with. Nothing here reaches into a running
node: what it takes to make it known there is said by the commands that use these functions.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
from collections.abc import Callable, Sequence

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import editing
from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.lab.client import Lab
from crmsh_py.lab.config import LabConfig, NodeConfig, checked_nodes
from crmsh_py.lab.place import Place, locked
from crmsh_py.lab.removal import remove_tree

FIRST_HOST_NUMBER = 10  # of nodes that are given an address, as when a lab is made


def read_conf(lab: Lab) -> str:
    """The lab's corosync.conf. Raises CrmError when there is no such lab."""
    lab.place.load()
    try:
        with open(lab.place.conf, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise CrmError(f"{lab.place.conf} cannot be read: {error.strerror}") from None


def write_conf(lab: Lab, text: str) -> None:
    """Put another corosync.conf into the lab; raises what is wrong with it, and changes nothing."""
    corosync_conf.parse(text, "corosync.conf")
    with locked(lab.place):
        _write(lab.place.conf, text)


def add(lab: Lab, name: str, address: str = "") -> NodeConfig:
    """A node more, off as yet; in the nodelist of corosync.conf too, where there is one.

    Where the lab has two networks it gets an address on the second one too, with the number that
    it has on the first if that is free.

    Raises ConfigError: the name or the address is taken, or cannot be one.
    """
    with locked(lab.place):
        made = lab.place.load()
        if name in {node.name for node in made.nodes}:
            raise ConfigError(
                f"the lab has a node {name} already",
                hint=f"crm lab status shows it, crm lab start {name} switches it on",
            )
        first = address or _free_address(made.network, _taken(made))
        node = NodeConfig(name, first, _second_address(made, first))
        nodes = checked_nodes((*made.nodes, node), made.network, made.second_network)
        text = _conf_text(lab.place)
        listed = corosync_conf.parse(text).nodes
        if listed:
            text = editing.with_node(text, node.address, name)
            if node.second:
                key = f"nodelist.node.{len(listed)}.ring1_addr"
                text = editing.with_value(text, key, node.second)
        else:
            text = _with_votes(text, len(made.members) + 1)
        corosync_conf.parse(text)
        # One that was removed may have left its disk, where that was broken off.
        remove_tree(lab.place.disk(name), os.geteuid())
        _write(lab.place.conf, text)
        _save(lab.place, dataclasses.replace(made, nodes=nodes))
    return node


def _with_votes(text: str, nodes: int) -> str:
    return editing.with_votes(text, nodes, nodes=nodes)


def check_removable(lab: Lab, name: str) -> None:
    """Raise CrmError (NotFound) for a node that is on, is none, or is the last one."""
    state = {node.name: node for node in lab.status().nodes}
    if name not in state:
        raise NotFound(f"lab '{lab.name}' has no node '{name}'", name=name, possibilities=state)
    if state[name].pid:
        raise CrmError(f"{name} is on", hint=f"switch it off first: crm lab stop {name}")
    if len(state) == 1:
        raise ConfigError(f"{name} is the last node", hint="crm lab destroy ends the lab")


def remove(lab: Lab, name: str) -> None:
    """A node less, with its disk. Raises what ``check_removable`` does."""
    check_removable(lab, name)
    with locked(lab.place):
        made = lab.place.load()
        left = tuple(node for node in made.nodes if node.name != name)
        gone = next(node for node in made.nodes if node.name == name)
        text = _conf_text(lab.place)
        if not gone.is_member:
            pass  # corosync.conf knows nothing of it
        elif corosync_conf.parse(text).nodes:
            text = editing.without_node(text, gone.address)
        else:
            text = _with_votes(text, len(made.members) - 1)
        corosync_conf.parse(text)
        _write(lab.place.conf, text)
        _save(lab.place, dataclasses.replace(made, nodes=left))
        remove_tree(lab.place.disk(name), os.geteuid())


def start_manager_with(lab: Lab, names: Sequence[str], *, enabled: bool) -> None:
    """Whether the cluster manager starts whenever these nodes do."""

    def change(made: LabConfig) -> LabConfig:
        known = {node.name for node in made.nodes}
        for name in names:
            if name not in known:
                raise NotFound(
                    f"lab '{lab.name}' has no node '{name}'", name=name, possibilities=known
                )
        without = {*made.without_manager} - {*names} if enabled else {*made.without_manager, *names}
        return dataclasses.replace(made, without_manager=tuple(sorted(without & known)))

    _change(lab.place, change)


def _change(place: Place, change: Callable[[LabConfig], LabConfig]) -> None:
    with locked(place):
        _save(place, change(place.load()))


def _conf_text(place: Place) -> str:
    with open(place.conf, encoding="utf-8") as file:
        return file.read()


def _taken(made: LabConfig) -> set[str]:
    return {made.host, *(word for node in made.nodes for word in (node.address, node.second))}


def _second_address(made: LabConfig, first: str) -> str:
    """For a node with this address on the first network; '' where there is no second one.

    An address that cannot be is left to the check of all nodes.
    """
    if not made.second_network:
        return ""
    try:
        network = ipaddress.IPv4Network(made.network)
        number = int(ipaddress.IPv4Address(first)) - int(network.network_address)
    except ValueError:
        number = FIRST_HOST_NUMBER
    return _free_address(made.second_network, _taken(made), number)


def _free_address(cidr: str, taken: set[str], wanted: int = FIRST_HOST_NUMBER) -> str:
    """An address that no node has: that with the wanted number, or the first one."""
    network = ipaddress.IPv4Network(cidr)
    for number in (wanted, *range(FIRST_HOST_NUMBER, 255)):
        if 0 < number < network.num_addresses - 1:
            address = str(network.network_address + number)
            if address not in taken:
                return address
    raise ConfigError(f"the network {network} has no address left for a node")


def _save(place: Place, made: LabConfig) -> None:
    _write(place.record, made.to_json())


def _write(path: str, text: str) -> None:
    draft = f"{path}.new"
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError as error:
        raise CrmError(f"{path} cannot be written: {error.strerror}") from None

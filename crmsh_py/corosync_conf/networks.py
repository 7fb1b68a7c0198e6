"""The networks that a corosync.conf names: interfaces, the nodelist, one ring or two.

A node has an address on ring 0, and on ring 1 where there are two. Two rings come from a second
interface section, or from ``ring1_addr`` in the nodelist; ``rrp_mode`` (for transport knet:
``link_mode``) says how both are used.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from crmsh_py.corosync_conf.reader import Reader
from crmsh_py.corosync_conf.sections import Entry, Section
from crmsh_py.corosync_conf.values import (
    MAX_NODES,
    CorosyncConf,
    InterfaceSettings,
    NodeEntry,
    node_id_for,
)
from crmsh_py.errors import ConfigError

MAX_RINGS = 2


def interfaces(reader: Reader, root: Section) -> tuple[InterfaceSettings, ...]:
    """The interface sections by ring number."""
    found: dict[int, InterfaceSettings] = {}
    for totem in root.named("totem"):
        for section in totem.named("interface"):
            one = (section,)
            number = reader.integer(one, "ringnumber", reader.integer(one, "linknumber", 0))
            if number in found:
                mark = section.get("ringnumber") or Entry("interface", "", section.line)
                reader.error(f"ring {number} has a second interface section", mark)
            for key, wanted in (("bindnetaddr", "an"), ("mcastaddr", "a multicast")):
                _check_address(reader, section.get(key), key, wanted)
            found[number] = InterfaceSettings(
                ringnumber=number,
                bindnetaddr=reader.word(one, "bindnetaddr", ""),
                mcastaddr=reader.word(one, "mcastaddr", "239.192.0.1"),
                mcastport=reader.integer(one, "mcastport", 5405, 1),
                ttl=reader.integer(one, "ttl", 1),
            )
            if number >= MAX_RINGS:
                mark = section.get("ringnumber") or Entry("interface", "", section.line)
                reader.error(f"ring {number} is too much: rings 0 and 1 are possible", mark)
    found.setdefault(0, InterfaceSettings())
    if any(
        node.get("ring1_addr") for each in root.named("nodelist") for node in each.named("node")
    ):
        found.setdefault(1, InterfaceSettings(ringnumber=1))
    return tuple(found[number] for number in sorted(found))


def _check_address(reader: Reader, entry: Entry | None, key: str, wanted: str) -> None:
    if entry is None:
        return
    try:
        address = ipaddress.ip_address(entry.value)
    except ValueError:
        reader.error(f"{key} must be {wanted} address, not '{entry.value}'", entry)
        return
    if key == "mcastaddr" and not address.is_multicast:
        hint = "for IPv4: 224.0.0.0 to 239.255.255.255; 239.255.0.0 and above are local"
        reader.error(f"'{entry.value}' is not a multicast address", entry, hint)


def nodes(reader: Reader, root: Section) -> list[tuple[Section, NodeEntry]]:
    """The nodelist; ids that must come from an address are 0 until with_ids()."""
    found = []
    for nodelist in root.named("nodelist"):
        for section in nodelist.named("node"):
            one = (section,)
            address = section.get("ring0_addr")
            if address is None or not address.value:
                mark = address or Entry("node", "", section.line)
                reader.error("a node of the nodelist needs ring0_addr", mark)
                continue
            node = NodeEntry(
                name=reader.word(one, "name", ""),
                address=address.value,
                second_address=reader.word(one, "ring1_addr", ""),
                node_id=reader.integer(one, "nodeid", 0),
                votes=reader.integer(one, "quorum_votes", 1),
            )
            found.append((section, node))
    return found


def with_ids(
    reader: Reader, listed: Sequence[tuple[Section, NodeEntry]], *, clear_high_bit: bool
) -> tuple[NodeEntry, ...]:
    """The nodes with their ids; two nodes with the same name, address or id are an error."""
    result: list[NodeEntry] = []
    seen: set[tuple[str, object]] = set()
    for section, node in listed:
        mark = section.get("ring0_addr") or Entry("node", "", section.line)
        node_id = node.node_id
        if not node_id:
            try:
                node_id = node_id_for(node.address, clear_high_bit=clear_high_bit)
            except ConfigError as error:
                reader.error(error.message, mark, error.hint)
                continue
        for key, value in (
            ("ring0_addr", node.address),
            ("ring1_addr", node.second_address),
            ("nodeid", node_id),
            ("name", node.name),
        ):
            if value and (key, value) in seen:
                reader.error(f"two nodes have the same {key} {value}", section.get(key) or mark)
            seen.add((key, value))
        result.append(replace(node, node_id=node_id))
    if len(result) > MAX_NODES:
        mark = Entry("nodelist", "", listed[0][0].line)
        reader.error(f"more than {MAX_NODES} nodes in the nodelist", mark)
    return tuple(result)


def rrp_mode(reader: Reader, own: Sequence[Section], transport: str) -> str:
    """How two rings are used: active, passive, or none where nothing is said."""
    mode = reader.word(own, "rrp_mode", "none", ("none", "active", "passive"))
    link_mode = reader.word(own, "link_mode", "passive", ("passive", "active", "rr"))
    if transport == "knet" and reader.entry(own, "rrp_mode") is None:
        mode = "active" if link_mode == "active" else "passive"
    return mode


def check_rings(reader: Reader, conf: CorosyncConf) -> None:
    """Two rings need a mode, and every node an address on both."""
    second = next((each for each in conf.interfaces if each.ringnumber == 1), None)
    marks = [
        section.get("ringnumber") or Entry("interface", "", section.line)
        for totem in conf.root.named("totem")
        for section in totem.named("interface")
        if (number := section.get("ringnumber") or section.get("linknumber"))
        and number.value == "1"
    ]
    listed = [node for nodelist in conf.root.named("nodelist") for node in nodelist.named("node")]
    for node in listed:
        if node.get("ring0_addr") and second is not None and not node.get("ring1_addr"):
            mark = node.get("ring0_addr") or Entry("node", "", node.line)
            reader.error("this node has no ring1_addr, but there are two rings", mark)
        third = node.get("ring2_addr")
        if third is not None:
            reader.error("ring 2 is too much: rings 0 and 1 are possible", third)
    if second is None or reader.errors:
        return
    if conf.totem.rrp_mode == "none":
        mark = marks[0] if marks else listed[0].get("ring1_addr") or Entry("node", "", 0)
        reader.error("two rings need rrp_mode: active or passive", mark, "rrp_mode: passive")
    if not listed and not second.bindnetaddr:
        reader.error("ring 1 needs a bindnetaddr", marks[0])

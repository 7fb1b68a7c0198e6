"""The keys of corosync-cmapctl: configuration, state and live counters, typed.

Input: a ``CmapSource`` of what the node knows at this moment. Output: the keys, sorted by name,
of one of Corosync's two maps:
    icmap   what the tutorial shows: the configuration as written, ``internal_configuration``,
            ``runtime.*`` with the counters under ``runtime.totem.pg.mrp.srp`` (Corosync 2), and
            the effective timeouts under ``runtime.config.totem`` (Corosync 2.4 and later)
    stats   where Corosync 3 keeps the counters: ``stats.srp``, ``stats.pg``, ``stats.ipcs``,
            and ``stats.udp`` for our transport
Names and types are Corosync's (cmap_keys(7)). What has no counterpart here (blackbox, redundant
rings' faults, the threads of a service) has its resting value; all else counts for real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from crmsh_py.corosync_conf import CorosyncConf, TotemSettings
from crmsh_py.engine import cmap_knet
from crmsh_py.engine.api import Connection, LinkFacts
from crmsh_py.engine.quorum import Quorum
from crmsh_py.engine.redundancy import NetworkAddresses
from crmsh_py.engine.totem_values import Counters, MemberRecord
from crmsh_py.wire.control import CmapKey

# Services by id, with the number of their message kinds; 6 was never given to any in 2014.
_SERVICES = (
    (0, "cmap", 1),
    (1, "cfg", 5),
    (2, "cpg", 7),
    (3, "quorum", 0),
    (4, "pload", 2),
    (5, "votequorum", 4),
    (7, "wd", 0),
)
CPG_MULTICAST = ("cpg", 3)  # the kind of message that carries an application's payload
VOTEQUORUM_NODEINFO = ("votequorum", 0)

_NARROW = {
    "avg_backlog_calc": "u32",
    "avg_token_workload": "u32",
    "continuous_gather": "u32",
    "continuous_sendmsg_failures": "u32",
    "firewall_enabled_or_nic_failure": "u8",
    "mtt_rx_token": "u32",
}
_CONFIG = (
    ("consensus", "consensus_ms"),
    ("fail_recv_const", "fail_recv_const"),
    ("hold", "hold_ms"),
    ("join", "join_ms"),
    ("max_messages", "max_messages"),
    ("merge", "merge_ms"),
    ("seqno_unchanged_const", "seqno_unchanged_const"),
    ("token", "token_ms"),
    ("token_retransmit", "token_retransmit_ms"),
    ("token_retransmits_before_loss_const", "token_retransmits_before_loss_const"),
    ("window_size", "window_size"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CmapSource:
    """What a node knows now. ``traffic``: (service, kind) to messages (sent, received)."""

    conf: CorosyncConf
    node_id: int
    address: str
    counters: Counters
    members: tuple[MemberRecord, ...]
    quorum: Quorum
    traffic: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()
    connections_closed: int = 0
    links: tuple[LinkFacts, ...] = ()
    networks: tuple[tuple[NetworkAddresses, bool], ...] = ()  # and whether each is faulty
    now: float = 0.0  # on the clock of the ring
    token_at: float | None = None  # when the last token came
    queue_length: int = 0  # payloads that wait to be sent


def read(source: CmapSource, *, prefix: str = "", map_name: str = "icmap") -> list[CmapKey]:
    """The keys whose names start with ``prefix``; none of a map that does not exist."""
    makers = {"icmap": _icmap, "stats": _stats}
    maker = makers.get(map_name)
    if maker is None:
        return []
    found = {key.name: key for key in maker(source) if key.name.startswith(prefix)}
    return [found[name] for name in sorted(found)]


def _key(name: str, key_type: str, value: object) -> CmapKey:
    return CmapKey(name, key_type, str(value))


def _icmap(source: CmapSource) -> Iterator[CmapKey]:
    for entry in source.conf.keys:
        yield CmapKey(entry.name, entry.type, entry.value)
    addresses = [node.address for node in source.conf.nodes]
    if source.address in addresses:
        yield _key("nodelist.local_node_pos", "u32", addresses.index(source.address))
    for service_id, name, _kinds in _SERVICES:
        prefix = f"internal_configuration.service.{service_id}"
        yield _key(f"{prefix}.name", "str", f"corosync_{name}")
        yield _key(f"{prefix}.ver", "u32", 0)
    yield _key("resources.watchdog_timeout", "u32", 6)
    yield _key("runtime.blackbox.dump_flight_data", "str", "no")
    yield _key("runtime.blackbox.dump_state", "str", "no")
    yield from _config(source.conf.totem)
    yield from _connections(source)
    yield from _services(source)
    yield from _totem(source)
    yield from _votequorum(source)


def _config(settings: TotemSettings) -> Iterator[CmapKey]:
    for name, attribute in _CONFIG:
        yield _key(f"runtime.config.totem.{name}", "u32", getattr(settings, attribute))


def _services(source: CmapSource) -> Iterator[CmapKey]:
    for service_id, name, kinds in _SERVICES:
        yield _key(f"runtime.services.{name}.service_id", "u16", service_id)
        for kind in range(kinds):
            sent, received = source.traffic.get((name, kind), (0, 0))
            yield _key(f"runtime.services.{name}.{kind}.tx", "u64", sent)
            yield _key(f"runtime.services.{name}.{kind}.rx", "u64", received)


def _connections(source: CmapSource) -> Iterator[CmapKey]:
    yield _key("runtime.connections.active", "u64", len(source.connections))
    yield _key("runtime.connections.closed", "u64", source.connections_closed)
    for each in source.connections:
        name = each.name[:15]
        prefix = f"runtime.connections.{name}:{each.pid}:{each.handle:#x}"
        yield _key(f"{prefix}.client_pid", "u32", each.pid)
        yield _key(f"{prefix}.name", "str", name)
        yield _key(f"{prefix}.queue_size", "u32", each.queue_size)
        yield _key(f"{prefix}.service_id", "u32", each.service_id)
        yield from _client(prefix, each)


def _client(prefix: str, each: Connection) -> Iterator[CmapKey]:
    """What both maps say of a client."""
    yield _key(f"{prefix}.dispatched", "u64", each.dispatched)
    yield _key(f"{prefix}.flow_control", "u32", int(each.flow_control))
    yield _key(f"{prefix}.flow_control_count", "u64", each.flow_control_count)
    yield _key(f"{prefix}.invalid_request", "u64", each.invalid_request)
    yield _key(f"{prefix}.overload", "u64", each.overload)
    yield _key(f"{prefix}.recv_retries", "u64", each.recv_retries)
    yield _key(f"{prefix}.requests", "u64", each.requests)
    yield _key(f"{prefix}.responses", "u64", each.responses)
    yield _key(f"{prefix}.send_retries", "u64", each.send_retries)


def _totem(source: CmapSource) -> Iterator[CmapKey]:
    srp = "runtime.totem.pg.mrp.srp"
    faulty = [each for _, each in source.networks] or [False]
    for number, is_faulty in enumerate(faulty):
        yield _key(f"runtime.totem.pg.mrp.rrp.{number}.faulty", "u8", int(is_faulty))
    yield from _counters(srp, source)
    for member in source.members:
        # Under the names of Corosync 2, and of Corosync 3.
        yield from _member(f"{srp}.members.{member.node_id}", member, source)
        yield from _member(f"runtime.members.{member.node_id}", member, source)
    yield _key("runtime.totem.pg.msg_queue_avail", "u32", 0)
    yield _key("runtime.totem.pg.msg_reserved", "u32", source.queue_length)


def _member(prefix: str, member: MemberRecord, source: CmapSource) -> Iterator[CmapKey]:
    addresses = _addresses(member, source)
    shown = " ".join(f"r({number}) ip({each})" for number, each in enumerate(addresses))
    yield _key(f"{prefix}.config_version", "u64", 0)
    yield _key(f"{prefix}.ip", "str", shown)
    yield _key(f"{prefix}.join_count", "u32", member.join_count)
    yield _key(f"{prefix}.status", "str", "joined" if member.joined else "left")


def _addresses(member: MemberRecord, source: CmapSource) -> tuple[str, ...]:
    """A node's addresses by ring."""
    own = member.node_id == source.node_id
    rest = (
        network.address if own else network.peers.get(member.address, "")
        for network, _ in source.networks[1:]
    )
    return (member.address, *rest)


def _counters(prefix: str, source: CmapSource) -> Iterator[CmapKey]:
    counters = replace(
        source.counters,
        continuous_sendmsg_failures=max((each.lost_in_a_row for each in source.links), default=0),
    )
    for name, value in counters.values():
        yield _key(f"{prefix}.{name}", _NARROW.get(name, "u64"), value)


def _votequorum(source: CmapSource) -> Iterator[CmapKey]:
    quorum = source.quorum
    lowest = min((*quorum.members, source.node_id))
    prefix = "runtime.votequorum"
    yield _key(f"{prefix}.ev_barrier", "u32", quorum.highest_expected)
    yield _key(f"{prefix}.highest_node_id", "u32", max((*quorum.members, source.node_id)))
    yield _key(f"{prefix}.lowest_node_id", "u32", lowest)
    yield _key(f"{prefix}.this_node_id", "u32", source.node_id)
    yield _key(f"{prefix}.two_node", "u8", int(quorum.rules.two_node))


def _stats(source: CmapSource) -> Iterator[CmapKey]:
    yield from _counters("stats.srp", source)
    since = max(0.0, source.now - (source.token_at if source.token_at is not None else source.now))
    yield _key("stats.srp.time_since_token_last_received", "u64", round(since * 1000))
    yield _key("stats.pg.msg_queue_avail", "u32", 0)
    yield _key("stats.pg.msg_reserved", "u32", source.queue_length)
    for link in source.links:
        yield from _link(link)
    if source.conf.totem.transport == "knet":
        yield from _knet(source)
    yield _key("stats.ipcs.global.active", "u64", len(source.connections))
    yield _key("stats.ipcs.global.closed", "u64", source.connections_closed)
    for each in source.connections:
        prefix = f"stats.ipcs.service{each.service_id}.{each.pid}.{each.handle:#x}"
        yield _key(f"{prefix}.procname", "str", each.name[:15])
        yield _key(f"{prefix}.queued", "u32", each.queue_size)
        yield _key(f"{prefix}.queueing", "i32", 0)
        yield _key(f"{prefix}.sent", "u32", each.dispatched)
        yield from _client(prefix, each)


def _knet(source: CmapSource) -> Iterator[CmapKey]:
    """The links as Corosync 3's own transport names them, of this node and the others."""
    nodes = {record.node_id: _addresses(record, source) for record in source.members}
    faulty = {network.number for network, is_faulty in source.networks if is_faulty}
    connected = frozenset(
        (record.node_id, link.number)
        for record in source.members
        for link in source.links
        if record.joined and link.number not in faulty
    )
    return cmap_knet.keys(source.links, nodes, connected=connected, mtu=source.conf.totem.netmtu)


def _link(link: LinkFacts) -> Iterator[CmapKey]:
    """Datagrams of one network; Corosync 3 counts those of its own transport (stats.knet)."""
    prefix = f"stats.udp.link{link.number}"
    yield _key(f"{prefix}.address", "str", link.address)
    yield _key(f"{prefix}.rx_data_packets", "u64", link.received)
    yield _key(f"{prefix}.rx_invalid", "u64", link.invalid)
    yield _key(f"{prefix}.rx_replayed", "u64", link.replayed)
    yield _key(f"{prefix}.rx_unproven", "u64", link.unproven)
    yield _key(f"{prefix}.tx_data_errors", "u64", link.lost)
    yield _key(f"{prefix}.tx_data_packets", "u64", link.sent)

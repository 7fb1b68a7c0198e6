"""The keys of Corosync 3's transport, ``stats.knet``, where corosync.conf names it.

Our datagrams go over UDP whatever the file says; what both transports have is counted for real
(data that was sent and received, by node and network; encrypted packets; whether a link is used).
What only kronosnet has (pings, path MTU discovery, compression) rests at the value of a kronosnet
that does not do it. Names and types are those of a real corosync 3.1.7; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.engine.api import LinkFacts, PeerFacts
from crmsh_py.wire.control import CmapKey

_NEVER = 2**64 - 1  # the least of no times at all
_NO_LATENCY = 2**32 - 1
_HANDLE_RESTING = (
    *(("rx_compress_time_ave", 0), ("rx_compress_time_max", 0), ("rx_compress_time_min", _NEVER)),
    *(("rx_compressed_original_bytes", 0), ("rx_compressed_packets", 0)),
    *(("rx_compressed_size_bytes", 0), ("rx_crypt_time_ave", 0), ("rx_crypt_time_max", 0)),
    *(("rx_crypt_time_min", _NEVER), ("tx_compress_time_ave", 0), ("tx_compress_time_max", 0)),
    *(("tx_compress_time_min", _NEVER), ("tx_compressed_original_bytes", 0)),
    *(("tx_compressed_packets", 0), ("tx_compressed_size_bytes", 0), ("tx_crypt_time_ave", 0)),
    *(("tx_crypt_time_max", 0), ("tx_crypt_time_min", _NEVER), ("tx_uncompressed_packets", 0)),
)
_LINK_RESTING = tuple(
    (f"{way}_{kind}_{what}", "u32" if what in ("errors", "retries") else "u64")
    for kind in ("ping", "pmtu", "pong")
    for way, whats in (
        ("rx", ("bytes", "packets")),
        ("tx", ("bytes", "errors", "packets", "retries")),
    )
    for what in whats
)


def keys(
    links: tuple[LinkFacts, ...],
    nodes: dict[int, tuple[str, ...]],
    *,
    connected: frozenset[tuple[int, int]],
    mtu: int,
) -> Iterator[CmapKey]:
    """All keys. ``nodes``: addresses of each node by ring; ``connected``: (node, ring)."""
    encrypted = [link for link in links if link.overhead]
    packets = sum(link.sent for link in encrypted)
    yield _key("handle.rx_crypt_packets", "u64", sum(link.received for link in encrypted))
    yield _key("handle.tx_crypt_packets", "u64", packets)
    overhead = sum(link.sent * link.overhead for link in encrypted)
    yield _key("handle.tx_crypt_byte_overhead", "u64", overhead)
    for name, value in _HANDLE_RESTING:
        yield _key(f"handle.{name}", "u64", value)
    for node, addresses in nodes.items():
        for link, address in zip(links, addresses, strict=False):
            peer = next((p for p in link.peers if p.address == address), PeerFacts(address=address))
            up = (node, link.number) in connected
            yield from _link(f"node{node}.link{link.number}", peer, connected=up, mtu=mtu)


def _link(prefix: str, peer: PeerFacts, *, connected: bool, mtu: int) -> Iterator[CmapKey]:
    for name, key_type, value in (
        ("connected", "u8", int(connected)),
        ("down_count", "u32", 0),
        ("enabled", "u8", 1),
        ("latency_ave", "u32", 0),
        ("latency_max", "u32", 0),
        ("latency_min", "u32", _NO_LATENCY),
        ("latency_samples", "u32", 0),
        ("mtu", "u32", mtu),
        ("rx_data_bytes", "u64", peer.rx_bytes),
        ("rx_data_packets", "u64", peer.rx_packets),
        ("rx_total_bytes", "u64", peer.rx_bytes),
        ("rx_total_packets", "u64", peer.rx_packets),
        ("rx_total_retries", "u64", 0),
        ("tx_data_bytes", "u64", peer.tx_bytes),
        ("tx_data_errors", "u32", peer.tx_errors),
        ("tx_data_packets", "u64", peer.tx_packets),
        ("tx_data_retries", "u32", 0),
        ("tx_total_bytes", "u64", peer.tx_bytes),
        ("tx_total_errors", "u64", peer.tx_errors),
        ("tx_total_packets", "u64", peer.tx_packets),
        ("up_count", "u32", int(connected)),
    ):
        yield _key(f"{prefix}.{name}", key_type, value)
    for name, key_type in _LINK_RESTING:
        yield _key(f"{prefix}.{name}", key_type, 0)


def _key(name: str, key_type: str, value: int) -> CmapKey:
    return CmapKey(f"stats.knet.{name}", key_type, str(value))

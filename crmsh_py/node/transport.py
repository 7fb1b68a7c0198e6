"""Datagrams between the nodes over UDP: multicast, or unicast to every configured address.

Two sockets with multicast: one bound to the node's own address and port, which sends everything
and receives what is for this node alone; one bound to the group. A node never hears itself.

Every datagram is sealed and numbered (see ``seal`` and ``sessions``); what fails the check, or has
come before, is counted and dropped, and told at most every ten seconds. An interface
that goes down makes every send fail, which is what a partition looks like; it is told once, and
once more when it is over. A group that could not be joined, or was lost with its interface, is
joined again.

Sources: ip(7), udp(7); corosync.conf(5) for ``mcastport``, ``ttl`` and ``bindnetaddr``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crmsh_py.engine.api import EVERYBODY, DatagramReceived, LinkFacts, PeerFacts
from crmsh_py.errors import CrmError
from crmsh_py.node.ports import LogLine, Report
from crmsh_py.node.sessions import Sessions, Verdict

MAX_DATAGRAM = 65_507  # bytes of a UDP payload over IPv4
MAX_PEERS = 64  # as many as a ring has members
_RECEIVE_BUFFER = 4 * 1024 * 1024  # asked for; the kernel gives what it allows
_BURST = 64  # datagrams of one socket before others get their turn
_TELL_EVERY_S = 10.0  # between two lines about rejected datagrams
_REJOIN_S = 1.0  # between two attempts to join the group
_IP_FREEBIND = 15  # of linux/in.h; not in Python's socket module before 3.12
_IP_MULTICAST_ALL = 49  # the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where this node and the others are."""

    address: str
    port: int
    number: int = 0  # which of the redundant networks it is
    peers: tuple[str, ...]  # addresses of all configured nodes
    group: str = ""  # '' for unicast
    ttl: int = 1


@dataclass(slots=True)
class Counters:
    """What happened to datagrams since the start."""

    sent: int = 0
    received: int = 0
    invalid: int = 0  # failed their seal: another key, damaged, no datagram of ours
    replayed: int = 0
    unproven: int = 0  # kept aside until their session shows that it lives
    lost: int = 0  # could not be sent
    lost_in_a_row: int = 0


@dataclass(slots=True)
class _Peer:
    """What went to and came from one address."""

    rx_packets: int = 0
    rx_bytes: int = 0
    tx_packets: int = 0
    tx_bytes: int = 0
    tx_errors: int = 0


class Links:
    """The networks of a node, in the order of their numbers. Implements ``ports.Transport``."""

    def __init__(self, links: Sequence[UdpLink]) -> None:
        self._links = tuple(links)

    def open(self) -> None:
        """Bind all sockets; raises CrmError, and has none open then."""
        try:
            for link in self._links:
                link.open()
        except CrmError:
            self.close()
            raise

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        """Send to an address of a network, or to ``EVERYBODY`` there; never raises."""
        self._links[ring].send(destination, data)

    def facts(self) -> tuple[LinkFacts, ...]:
        """What was counted on every network so far."""
        return tuple(link.facts() for link in self._links)

    def close(self) -> None:
        """Leave all networks."""
        for link in self._links:
            link.close()


class UdpLink:
    """One network."""

    def __init__(
        self,
        network: Network,
        sessions: Sessions,
        *,
        report: Report,
        log: LogLine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network
        self._sessions = sessions
        self._report = report
        self._log = log
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._own: socket.socket | None = None
        self._group: socket.socket | None = None
        self._joined = False
        self._next_join = 0.0
        self._down = ""  # the error of the last send, '' when it went out
        self._others = tuple(p for p in network.peers if p != network.address)
        self._told_at = -_TELL_EVERY_S
        self._told = 0  # rejected datagrams that the log knows of
        self.counters = Counters()
        self._peers = {address: _Peer() for address in self._others}
        self._multicasts = _Peer()  # what went to the group: to each of them

    def open(self) -> None:
        """Bind the sockets and listen on the running loop.

        Raises:
            CrmError: an address or the port cannot be had.
        """
        network = self._network
        self._loop = asyncio.get_running_loop()
        try:
            self._own = self._bound(network.address)
            if network.group:
                interface = socket.inet_aton(network.address)
                self._own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
                self._own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, network.ttl)
                self._group = self._bound(network.group)
                self._join()
                with contextlib.suppress(OSError):  # again when it is joined, if it is down now
                    self._own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        except OSError as error:
            self.close()
            raise CrmError(
                f"cannot use {network.address} port {network.port}: {error.strerror or error}",
                hint="is another node of the same address running?",
            ) from None
        for channel in (self._own, self._group):
            if channel is not None:
                self._loop.add_reader(channel.fileno(), self._readable, channel)

    def send(self, destination: str, data: bytes) -> None:
        """Send to an address, or to ``EVERYBODY``; never raises."""
        datagram = self._sessions.close(data)
        assert len(datagram) <= MAX_DATAGRAM, f"a datagram of {len(datagram)} bytes"
        if destination != EVERYBODY:
            self._send_one(destination, datagram)
        elif self._network.group:
            if not self._joined:
                self._join()
            self._send_one(self._network.group, datagram)
        else:
            for peer in self._others:
                self._send_one(peer, datagram)

    def facts(self) -> LinkFacts:
        """What was counted since the start."""
        count = self.counters
        return LinkFacts(
            number=self._network.number,
            address=self._network.address,
            sent=count.sent,
            received=count.received,
            lost=count.lost,
            lost_in_a_row=count.lost_in_a_row,
            invalid=count.invalid,
            replayed=count.replayed,
            unproven=count.unproven,
            overhead=self._sessions.overhead,
            peers=tuple(self._peer_facts(address) for address in self._peers),
        )

    def _peer_facts(self, address: str) -> PeerFacts:
        peer, all_ = self._peers[address], self._multicasts
        return PeerFacts(
            address=address,
            rx_packets=peer.rx_packets,
            rx_bytes=peer.rx_bytes,
            tx_packets=peer.tx_packets + all_.tx_packets,
            tx_bytes=peer.tx_bytes + all_.tx_bytes,
            tx_errors=peer.tx_errors + all_.tx_errors,
        )

    def close(self) -> None:
        """Leave the network."""
        for channel in (self._own, self._group):
            if channel is not None:
                if self._loop is not None:
                    self._loop.remove_reader(channel.fileno())
                channel.close()
        self._own = self._group = None

    # ---- inside ----------------------------------------------------------------------------

    def _bound(self, address: str) -> socket.socket:
        channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            channel.setblocking(False)
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            # The interface may get its address later than we start, or lose it meanwhile.
            channel.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            if address == self._network.group:
                # Several nodes may share one network (plain processes on one interface).
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # What another socket of this machine has joined on another network is not ours.
                channel.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
            channel.bind((address, self._network.port))
        except BaseException:
            channel.close()
            raise
        return channel

    def _join(self) -> None:
        """Join the group on the interface that has our address; later again if it has not."""
        now = self._clock()
        if self._group is None or self._own is None or now < self._next_join:
            return
        self._next_join = now + _REJOIN_S
        interface = socket.inet_aton(self._network.address)
        membership = socket.inet_aton(self._network.group) + interface
        with contextlib.suppress(OSError):
            self._group.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, membership)
        try:
            self._group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            self._own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        except OSError as error:
            self._trouble(error)
            return
        self._joined = True

    def _send_one(self, address: str, datagram: bytes) -> None:
        if self._own is None:
            return
        peer = self._peers.get(address, self._multicasts)
        try:
            self._own.sendto(datagram, (address, self._network.port))
        except BlockingIOError:
            self._count_lost(peer)  # the queue of the interface is full
        except OSError as error:
            self._count_lost(peer)
            self._trouble(error)
        else:
            self.counters.sent += 1
            self.counters.lost_in_a_row = 0
            peer.tx_packets += 1
            peer.tx_bytes += len(datagram)
            if self._down:
                self._recovered()

    def _count_lost(self, peer: _Peer) -> None:
        peer.tx_errors += 1
        self.counters.lost += 1
        self.counters.lost_in_a_row += 1

    def _trouble(self, error: OSError) -> None:
        # ECONNREFUSED is a peer's answer to an earlier datagram, not a fault of our interface.
        if isinstance(error, ConnectionRefusedError):
            return
        reason = error.strerror or str(error)
        self._joined = False
        if reason != self._down:
            self._down = reason
            text = f"The network interface of {self._network.address} is down: {reason}"
            self._log("warning", "TOTEM", text)

    def _recovered(self) -> None:
        self._down = ""
        self._log("notice", "TOTEM", f"The network interface of {self._network.address} is now up")

    def _readable(self, channel: socket.socket) -> None:
        for _ in range(_BURST):
            try:
                data, (source, _port) = channel.recvfrom(MAX_DATAGRAM)
            except OSError:
                # Nothing left, or an error of an earlier send that Linux tells here.
                return
            if source == self._network.address:
                continue
            self._take(data, source)
            if channel.fileno() < 0:
                return  # what it reported has closed us

    def _take(self, data: bytes, source: str) -> None:
        """Open a datagram, and pass on what was inside."""
        opened = self._sessions.open(data, source, self._clock())
        match opened.verdict:
            case Verdict.GOOD:
                self.counters.received += 1
                self._meet(source)
                if (peer := self._peers.get(source)) is not None:
                    peer.rx_packets += 1
                    peer.rx_bytes += len(data)
            case Verdict.UNPROVEN:
                self.counters.unproven += 1
            case Verdict.INVALID:
                self.counters.invalid += 1
                self._tell_rejected(source, "a wrong key, or damaged")
            case Verdict.REPLAYED:
                self.counters.replayed += 1
                self._tell_rejected(source, "replayed")
        for answer in opened.answers:
            self._send_one(source, answer)
        for payload in opened.payloads:
            ring = self._network.number
            self._report(DatagramReceived(data=payload, source=source, ring=ring))

    def _meet(self, source: str) -> None:
        """A node that was added since this one started is among everybody, too.

        It has the key and has shown that it lives. Without multicast it would not hear us.
        """
        if source not in self._peers and len(self._peers) < MAX_PEERS:
            self._peers[source] = _Peer()
            self._others += (source,)

    def _tell_rejected(self, source: str, why: str) -> None:
        now = self._clock()
        if now - self._told_at < _TELL_EVERY_S:
            return
        rejected = self.counters.invalid + self.counters.replayed
        count, self._told, self._told_at = rejected - self._told, rejected, now
        text = f"Rejected {count} datagram(s), the last one from {source}: {why}"
        self._log("warning", "TOTEM", text)

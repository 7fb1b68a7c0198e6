"""Two networks under one ring: which datagram goes where, and when a network counts as faulty.

Totem knows one address of each node, that on ring 0. This layer sits between it and the transport:
it chooses the networks of what goes out, translates addresses, and watches what comes in. With
one network it passes everything through and needs no timer. Pure, as Totem is; Totem itself drops
what comes twice.

Modes (corosync.conf(5), rrp_mode):
    active   everything goes over both networks. The copies of a token that do not come within
             ``rrp_token_expired_timeout`` are a problem of their network.
    passive  tokens and messages take turns. A network over which much less comes than over the
             other has a problem.
What forms a membership goes over both networks in either mode, as its loss costs seconds; and
where a token had to be sent again, so do the next few, whatever the mode.

A network with more than ``rrp_problem_count_threshold`` problems is *faulty* and not used, except
that one is always left. But each may be broken between other nodes: so what forms a membership
goes over faulty ones, too, and where a token is lost again and again, everything does from then
on, until all networks work.

Problems are forgiven, one each ``rrp_problem_count_timeout``. Every node says on every network each
``rrp_autorecovery_check_timeout`` that it is there (a ``Probe``); a faulty network on which all
members have been heard again is used again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.api import EVERYBODY
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.totem_values import Reported
from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire.datagram import Kind, Probe, decode, encode, kind_of

_DOUBTFUL_TOKENS = 8  # sent over all networks after one that was lost
_LOST_REPEATS = 2  # of one token: it gets lost here, not just somewhere on the ring
_SEEN_TOKENS = 256  # so many may be on one network while their copies are on the other
_HEARD_CHECKS = 2.5  # a probe counts for so many of its intervals

_TAKES_TURNS = (Kind.TOKEN, Kind.MULTICAST, Kind.RECOVERED)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A datagram on its way: over which network, to which address there."""

    ring: int
    destination: str
    data: bytes


@dataclass(frozen=True, slots=True)
class NetworkAddresses:
    """Addresses on one network: this node's, and the others' by their address on ring 0."""

    number: int
    address: str
    peers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Network:
    """One network's state."""

    addresses: NetworkAddresses
    known_as: Mapping[str, str]  # the other way round: address here to address on ring 0
    faulty: bool = False
    tokens: int = 0  # received since the counts were equal
    messages: int = 0
    problems: int = 0  # copies of tokens that did not come
    heard: dict[str, float] = field(default_factory=dict)  # by ring 0 address: the last probe


@dataclass(slots=True)
class _Awaited:
    """A token of which copies are still expected (active mode)."""

    data: bytes
    until: float
    came_over: set[int]


class Networks:
    """All networks of one node. ``node_id`` is what its probes are signed with."""

    def __init__(
        self, node_id: int, settings: TotemSettings, networks: Sequence[NetworkAddresses]
    ) -> None:
        assert [each.number for each in networks] == list(range(len(networks))), networks
        self._node_id = node_id
        self._settings = settings
        self._active = settings.rrp_mode == "active"
        self._networks = [
            _Network(each, {there: home for home, there in each.peers.items()}) for each in networks
        ]
        self._turns = dict.fromkeys(_TAKES_TURNS, 0)
        self._last_token = b""
        self._doubtful = 0
        self._repeats = 0  # of the last token
        self._all_needed = False  # a token was lost while a network was faulty
        self._awaited: _Awaited | None = None
        self._seen: dict[bytes, None] = {}  # tokens, the newest last
        self._probe_at: float | None = None
        self._forgive_at: float | None = None
        self._reports: list[Reported] = []

    def reconfigure(self, settings: TotemSettings) -> None:
        """Other times and thresholds from now on; the mode stays what it was."""
        self._settings = settings

    def meet(self, seconds: Mapping[str, str]) -> None:
        """Nodes that were added meanwhile: their addresses on ring 1 by those on ring 0.

        Those that are known keep theirs.
        """
        for network in self._networks[1:]:
            known = {**seconds, **network.addresses.peers}
            network.addresses = replace(network.addresses, peers=known)
            network.known_as = {there: home for home, there in known.items()}

    @property
    def redundant(self) -> bool:
        """Whether there is more than one network."""
        return len(self._networks) > 1

    def statuses(self) -> tuple[tuple[NetworkAddresses, bool], ...]:
        """Every network, and whether it is faulty."""
        return tuple((each.addresses, each.faulty) for each in self._networks)

    def take_reports(self) -> list[Reported]:
        """What is to be logged since the last call."""
        taken, self._reports = self._reports, []
        return taken

    # ---- out -----------------------------------------------------------------------------------

    def send(self, destination: str, data: bytes) -> list[Outgoing]:
        """The copies of a datagram of Totem's; ``destination`` is an address on ring 0."""
        if not self.redundant:
            return [Outgoing(0, destination, data)]
        return [
            Outgoing(network.addresses.number, there, data)
            for network in self._chosen(data)
            if (there := _translated(network, destination))
        ]

    def _chosen(self, data: bytes) -> Sequence[_Network]:
        usable = self._usable()
        kind = kind_of(data)
        if kind is Kind.TOKEN:
            if data == self._last_token:  # the first copy is lost, or its successor is
                self._doubtful = _DOUBTFUL_TOKENS
                self._repeats += 1
                lost = self._repeats >= _LOST_REPEATS and len(usable) < len(self._networks)
                self._all_needed = self._all_needed or lost
            else:
                self._repeats = 0
                self._doubtful = max(0, self._doubtful - 1)
            self._last_token = data
        if kind not in self._turns or self._all_needed:
            return self._networks
        if self._active or self._doubtful:
            return usable
        self._turns[kind] += 1
        return (usable[self._turns[kind] % len(usable)],)

    def _usable(self) -> list[_Network]:
        return [each for each in self._networks if not each.faulty] or self._networks

    # ---- in ------------------------------------------------------------------------------------

    def receive(self, ring: int, source: str, data: bytes, now: float) -> str | None:
        """The sender's address on ring 0; None for what is not for Totem."""
        if not self.redundant:
            return source
        if not 0 <= ring < len(self._networks):
            return None
        network = self._networks[ring]
        known = network.known_as.get(source, source if ring == 0 else None)
        if known is None:
            return None  # on ring 1 only those are known who are configured
        kind = kind_of(data)
        if kind is Kind.PROBE:
            self._hear_probe(network, known, data, now)
            return None
        if self._active:
            if kind is Kind.TOKEN:
                self._await_copies(ring, data, now)
        elif kind is Kind.TOKEN:
            network.tokens += 1
            self._compare(now)
        elif kind in self._turns:
            network.messages += 1
            self._compare(now)
        return known

    def _await_copies(self, ring: int, data: bytes, now: float) -> None:
        """Active mode: one token after the other is followed until its copies are here."""
        awaited = self._awaited
        if awaited is not None and awaited.data == data:
            awaited.came_over.add(ring)
        elif self._seen_before(data) or awaited is not None:
            # The other copy of one that is not followed: its first one came long ago, and where
            # networks are not equally quick, a new one comes on one before the old on the other.
            return
        else:
            until = now + self._settings.rrp_token_expired_timeout_ms / 1000
            awaited = self._awaited = _Awaited(data, until, {ring})
        if len(awaited.came_over) >= len(self._usable()):
            self._awaited = None

    def _seen_before(self, data: bytes) -> bool:
        """Whether this token has come already; from now on it has."""
        if data in self._seen:
            return True
        self._seen[data] = None
        if len(self._seen) > _SEEN_TOKENS:
            del self._seen[next(iter(self._seen))]
        return False

    def _compare(self, now: float) -> None:
        """Passive mode: a network that lags far behind the other has a problem."""
        usable = self._usable()
        tokens = max(each.tokens for each in usable)
        messages = max(each.messages for each in usable)
        settings = self._settings
        for network in usable:
            if (
                tokens - network.tokens > settings.rrp_problem_count_threshold
                or messages - network.messages > settings.rrp_problem_count_mcast_threshold
            ):
                self._mark_faulty(network)
                return

    def _mark_faulty(self, network: _Network) -> None:
        if len(self._usable()) == 1 or network.faulty:
            return
        network.faulty = True
        network.heard.clear()
        for each in self._networks:
            each.tokens = each.messages = each.problems = 0
        number, address = network.addresses.number, network.addresses.address
        text = f"Marking ringid {number} interface {address} FAULTY"
        self._reports.append(Reported(level="error", text=text))

    def _hear_probe(self, network: _Network, source: str, data: bytes, now: float) -> None:
        try:
            probe = decode(data)
        except RemoteProtocolError:
            return
        if not isinstance(probe, Probe):
            return
        if len(network.heard) < len(network.known_as) + 64:
            network.heard[source] = now
        if probe.enable:
            self._enable_all("Re-enabled ring")

    def _enable_all(self, words: str) -> None:
        for network in self._networks:
            if network.faulty:
                self._enable(network, words)

    def _enable(self, network: _Network, words: str) -> None:
        network.faulty = False
        self._all_needed = self._all_needed and any(each.faulty for each in self._networks)
        for each in self._networks:
            each.tokens = each.messages = each.problems = 0
        text = f"{words} {network.addresses.number}"
        self._reports.append(Reported(level="notice", text=text))

    # ---- time ----------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin to say that we are here."""
        if self.redundant:
            self._probe_at = now
            self._forgive_at = now + self._settings.rrp_problem_count_timeout_ms / 1000

    def next_timer(self) -> float | None:
        """When to call ``handle_timer``; None for never."""
        awaited = None if self._awaited is None else self._awaited.until
        return soonest((self._probe_at, self._forgive_at, awaited))

    def handle_timer(self, now: float, others: Collection[str]) -> list[Outgoing]:
        """What is due: copies that did not come, forgiveness, probes.

        ``others`` are the ring 0 addresses of the other members.
        """
        if self._awaited is not None and self._awaited.until <= now:
            self._miss_copies(self._awaited)
        if self._forgive_at is not None and self._forgive_at <= now:
            self._forgive_at = now + self._settings.rrp_problem_count_timeout_ms / 1000
            self._forgive()
        if self._probe_at is not None and self._probe_at <= now:
            every_s = self._settings.rrp_autorecovery_check_timeout_ms / 1000
            self._probe_at = now + every_s
            self._recover(others, now - every_s * _HEARD_CHECKS)
            return list(self._probes(enable=False))
        return []

    def _miss_copies(self, awaited: _Awaited) -> None:
        self._awaited = None
        for network in self._usable():
            if network.addresses.number not in awaited.came_over:
                network.problems += 1
                if network.problems > self._settings.rrp_problem_count_threshold:
                    self._mark_faulty(network)

    def _forgive(self) -> None:
        tokens = max(each.tokens for each in self._networks)
        messages = max(each.messages for each in self._networks)
        for network in self._networks:
            network.problems = max(0, network.problems - 1)
            network.tokens = min(tokens, network.tokens + 1)
            network.messages = min(messages, network.messages + 1)

    def _recover(self, others: Collection[str], since: float) -> None:
        for network in self._networks:
            heard_all = all(network.heard.get(each, -1.0) >= since for each in others)
            if network.faulty and others and heard_all:
                self._enable(network, "Automatically recovered ring")

    def reenable(self) -> list[Outgoing]:
        """The administrator says that the networks work again (corosync-cfgtool -r)."""
        self._enable_all("Re-enabled ring")
        return [*self._probes(enable=True), *self._probes(enable=True)]

    def _probes(self, *, enable: bool) -> Iterator[Outgoing]:
        if self.redundant:
            data = encode(Probe(sender=self._node_id, enable=enable))
            for network in self._networks:
                yield Outgoing(network.addresses.number, EVERYBODY, data)


def _translated(network: _Network, destination: str) -> str | None:
    """An address on ring 0 as it is on this network; None where the node is not known here."""
    if destination == EVERYBODY:
        return EVERYBODY
    found = network.addresses.peers.get(destination)
    return destination if found is None and network.addresses.number == 0 else found

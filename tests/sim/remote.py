"""Remote nodes of a simulated cluster: machines with an executor only, and the wires to them.

A wire is a TCP connection as both ends see it: ordered and reliable; what is sent while the network
between them is cut waits until it is healed. A machine that loses its power says nothing to the
other end, one that ends in order hangs up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.machine import WALL, SimNode
from sim.ring import Life

from crmsh_py.engine.api import (
    CloseRemote,
    Event,
    OpenRemote,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    SendRemote,
    Started,
)
from crmsh_py.engine.remote_core import RemoteCore
from crmsh_py.wire import remote as messages
from crmsh_py.wire.control import Request

if TYPE_CHECKING:
    from sim.cluster import Cluster

FIRST_NUMBER = 100  # of remote nodes: their addresses are 10.0.0.100 and so on
_NO_ANSWER_S = 1.0  # until an attempt to connect to nobody is given up
_USER_TIMEOUT_S = 5.0  # until what nobody acknowledges ends a connection
_LATENCY_S = (0.000_2, 0.001)
_OWN_TICKETS = 1_000_000  # from there on
_AGAIN_S = 0.02  # between attempts to carry what waits for the network


class SimRemote(SimNode):
    """One remote node. Clients, agents and faults are those of any machine."""

    def __init__(self, cluster: Cluster, name: str, number: int) -> None:
        super().__init__(cluster, number)
        self.name = name
        self._asked = 0

    def start(self, *, manager: bool = True) -> None:
        assert self.core is None
        self.lives.append(Life(self.node_id, len(self.lives) + 1))
        self._writes, self._held, self._blocked = deque(), deque(), None
        self._datagrams, self._running = [], {}
        self.active, self.promoted = set(), set()
        self.exit_code = None
        core = RemoteCore(self.name, WALL + self.clock_error_s)
        self.core = core  # type: ignore[assignment]  # what a machine needs of a core, it has
        self.cluster.network.add(self.address, self)
        self.feed(Started(manager=True))

    def ask(self, ticket: int, request: Request) -> None:
        """The agents' own requests have tickets, too: they go over the wire."""
        self._asked += 1
        super().ask(ticket or _OWN_TICKETS + self._asked, request)

    def receive(self, data: bytes, source: str, now: float) -> None:
        """The ring's datagrams come by; nobody here reads them."""

    @property
    def remote_core(self) -> RemoteCore:
        assert isinstance(self.core, RemoteCore)
        return self.core


@dataclass(eq=False)
class _End:
    """One end of a wire: a machine, which life of it, and its number for the connection."""

    machine: SimNode
    life: tuple[int, bool]
    number: int

    @property
    def lives(self) -> bool:
        return self.machine.life == self.life

    def tell(self, event: Event) -> None:
        if self.lives:
            self.machine.feed(event)


@dataclass(eq=False)
class _Wire:
    member: _End
    remote: _End
    open: bool = True
    waiting: dict[int, deque[Event]] = field(default_factory=dict)  # by the receiving end

    def other(self, end: _End) -> _End:
        return self.remote if end is self.member else self.member


class Wires:
    """All connections between members and remote nodes of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ends: dict[tuple[str, tuple[int, bool], int], tuple[_Wire, _End]] = {}
        self._last = 0

    def do(self, machine: SimNode, instruction: OpenRemote | SendRemote | CloseRemote) -> None:
        """Carry out what a core wants."""
        key = (machine.name, machine.life, instruction.connection)
        if isinstance(instruction, OpenRemote):
            end = _End(machine, machine.life, instruction.connection)
            self._later(lambda: self._open(end, instruction.server))
            return
        found = self._ends.get(key)
        if found is None:
            return
        wire, end = found
        match instruction:
            case SendRemote(message=message):
                # Through its encoding: what cannot be sent must not arrive.
                decode = (
                    messages.decode_to_remote if end is wire.member else messages.decode_from_remote
                )
                read = decode(messages.encode(message))
                to = wire.other(end)
                self._carry(wire, to, RemoteReceived(connection=to.number, message=read))
            case CloseRemote():
                to = wire.other(end)
                del self._ends[key]
                self._carry(wire, to, RemoteClosed(connection=to.number, reason="hung up"))

    def ended(self, machine: SimNode, life: tuple[int, bool]) -> None:
        """A machine's daemon has ended in order: the kernel hangs up."""
        for key in [key for key in self._ends if key[:2] == (machine.name, life)]:
            wire, end = self._ends.pop(key)
            to = wire.other(end)
            self._carry(wire, to, RemoteClosed(connection=to.number, reason="hung up"))

    # ---- inside ----------------------------------------------------------------------------

    def _open(self, member: _End, server: str) -> None:
        remote = self._cluster.remotes.get(server)
        network = self._cluster.network
        if remote is None or remote.core is None or self._is_cut(member.machine, remote):
            why = RemoteClosed(connection=member.number, reason="no answer")
            network.at(network.now + _NO_ANSWER_S, lambda: member.tell(why))
            return
        self._last += 1
        other = _End(remote, remote.life, self._last)
        wire = _Wire(member, other)
        for end in (member, other):
            self._ends[end.machine.name, end.life, end.number] = (wire, end)
        other.tell(RemoteOpened(connection=other.number))
        member.tell(RemoteOpened(connection=member.number))

    def _is_cut(self, one: SimNode, other: SimNode) -> bool:
        if self._cluster.guests.host(other) is one:
            return False
        cut = self._cluster.network.cut_links
        return (one.address, other.address) in cut or (other.address, one.address) in cut

    def _carry(self, wire: _Wire, to: _End, event: Event) -> None:
        queue = wire.waiting.setdefault(id(to), deque())
        queue.append(event)
        if len(queue) == 1:
            self._later(lambda: self._arrive(wire, to))

    def _arrive(self, wire: _Wire, to: _End) -> None:
        queue = wire.waiting[id(to)]
        network = self._cluster.network
        if not to.lives:
            queue.clear()
            self._reset(wire, to)
            return
        host = self._cluster.guests.host(to.machine) or to.machine
        if self._is_cut(wire.member.machine, wire.remote.machine) or (
            {to.machine.address, host.address} & network.frozen
        ):
            network.at(network.now + _AGAIN_S, lambda: self._arrive(wire, to))
            return
        event = queue.popleft()
        if isinstance(event, RemoteClosed):
            self._ends.pop((to.machine.name, to.life, to.number), None)
        to.tell(event)
        if queue:
            self._later(lambda: self._arrive(wire, to))

    def _reset(self, wire: _Wire, dead: _End) -> None:
        """What was sent to an end that is no more: a machine that is on says so, else nobody."""
        end = wire.other(dead)
        key = (end.machine.name, end.life, end.number)
        if self._ends.pop(key, None) is None:
            return
        event = RemoteClosed(connection=end.number, reason="connection reset by peer")
        network = self._cluster.network
        delay = _LATENCY_S[1] if dead.machine.core is not None else _USER_TIMEOUT_S
        network.at(network.now + delay, lambda: end.tell(event))

    def _later(self, action: object) -> None:
        low, high = _LATENCY_S
        network = self._cluster.network
        delay = low + network.random.random() * (high - low)
        network.at(network.now + delay, action)  # type: ignore[arg-type]

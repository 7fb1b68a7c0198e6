"""A seeded network for machines without I/O: one priority queue, virtual time, faults.

A ``Participant`` is anything with the four moves (datagram in, timer, datagrams out, next
deadline): a bare ``Totem`` (see ``ring.py``) or a whole node core. Everything that happens is a
function of the seed and of the calls made on the network, so a failing seed replays exactly.

    network = Network(seed=7, faults=Faults(loss=0.05))
    network.add("10.0.0.1", participant)
    network.run(for_s=2.0)

Faults come by link, a pair (from, to): loss, delay and duplication by chance, reordering as the
consequence of unequal delays, partitions as cut links, one way or both.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

EVERYBODY = "*"
_MOST_STEPS = 5_000_000  # a run that needs more does not come to rest
_MOST_WAKES = 1000  # of one machine at one moment: more of them is a daemon that spins


class Participant(Protocol):
    """One machine on the network. ``now`` is the network's time in seconds."""

    def receive(self, data: bytes, source: str, now: float) -> None:
        """A datagram came in."""

    def fire(self, now: float) -> None:
        """The deadline has come."""

    def deadline(self) -> float | None:
        """When to call ``fire``."""

    def drain(self) -> list[tuple[str, bytes]]:
        """What is to be sent now: (address or EVERYBODY, data)."""


@dataclass(slots=True)
class Faults:
    """Chances and times that hold for every link; ``links`` of the network override them."""

    delay_s: float = 0.000_1  # the least
    jitter_s: float = 0.000_1  # at most so much more, evenly spread
    loss: float = 0.0
    duplication: float = 0.0
    straggler: float = 0.0  # a chance of a delay of up to straggler_s: this reorders
    straggler_s: float = 0.05


@dataclass(slots=True)
class Traffic:
    """What went over the network."""

    sent: int = 0  # datagrams, a multicast counts once
    delivered: int = 0
    lost: int = 0
    bytes: int = 0


@dataclass
class Network:
    """The network and its clock."""

    seed: int
    faults: Faults = field(default_factory=Faults)
    now: float = 0.0
    participants: dict[str, Participant] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    cut_links: set[tuple[str, str]] = field(default_factory=set)
    links: dict[tuple[str, str], Faults] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    tap: Callable[[float, str, str, bytes], None] | None = None  # sees every datagram sent

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._queue: list[tuple[float, int, str, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wakes: dict[str, float] = {}
        self._fired: dict[str, tuple[float, int]] = {}  # when a machine was woken, and how often
        self._birth: dict[str, int] = {}

    # -- who is there

    def add(self, address: str, participant: Participant) -> None:
        """Plug a machine in (again); datagrams to its former self are lost."""
        self.participants[address] = participant
        self._birth[address] = self._birth.get(address, 0) + 1
        self.frozen.discard(address)
        self.settle(address)

    def remove(self, address: str) -> None:
        """Pull the plug: no farewell."""
        self.participants.pop(address, None)
        self._birth[address] = self._birth.get(address, 0) + 1
        self._wakes.pop(address, None)

    def freeze(self, address: str) -> None:
        """Stop a machine as SIGSTOP does: what arrives waits for it."""
        self.frozen.add(address)

    def thaw(self, address: str) -> None:
        """Let it go on."""
        self.frozen.discard(address)
        self.settle(address)

    # -- links

    def partition(self, *sides: Iterable[str]) -> None:
        """Only machines of the same side hear each other."""
        groups = [set(side) for side in sides]
        addresses = sorted(set(self.participants) | set().union(*groups))
        self.cut_links = {
            (one, other)
            for one in addresses
            for other in addresses
            if one != other and not any(one in group and other in group for group in groups)
        }

    def cut(self, source: str, destination: str) -> None:
        """One way only."""
        self.cut_links.add((source, destination))

    def heal(self) -> None:
        """All links work again."""
        self.cut_links.clear()

    # -- time

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a time, for example a fault."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), "", action))

    def settle(self, address: str) -> None:
        """Take what a machine wants to send, and note when it wants to be woken."""
        participant = self.participants.get(address)
        if participant is None:
            return
        for destination, data in participant.drain():
            self._send(address, destination, data)
        deadline = participant.deadline()
        if deadline is None:
            self._wakes.pop(address, None)
        elif self._wakes.get(address) != deadline:
            self._wakes[address] = deadline
            birth = self._birth[address]
            self.at(deadline, lambda: self._wake(address, birth, deadline))

    def run(self, *, for_s: float) -> None:
        """Let so much time pass."""
        self.run_until(lambda: False, within_s=for_s, every_s=for_s)

    def run_until(
        self, condition: Callable[[], bool], *, within_s: float, every_s: float = 0.0
    ) -> bool:
        """Let time pass until the condition holds; False where it did not within that time.

        It is looked at after every step, or every ``every_s``.
        """
        end = self.now + within_s
        look_at = self.now
        for _ in range(_MOST_STEPS):
            if self.now >= look_at:
                if condition():
                    return True
                look_at = self.now + every_s
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return condition()
            self.now, _order, _name, action = heapq.heappop(self._queue)
            action()
        raise AssertionError(f"seed {self.seed}: the network does not come to rest")

    # -- inside

    def _wake(self, address: str, birth: int, deadline: float) -> None:
        if self._birth[address] != birth or self._wakes.get(address) != deadline:
            return
        del self._wakes[address]
        if address in self.frozen:
            return
        when, times = self._fired.get(address, (0.0, 0))
        times = times + 1 if when == self.now else 1
        assert times < _MOST_WAKES, f"{address} wants to be woken without end at {self.now}"
        self._fired[address] = self.now, times
        self.participants[address].fire(self.now)
        self.settle(address)

    def _send(self, source: str, destination: str, data: bytes) -> None:
        self.traffic.sent += 1
        self.traffic.bytes += len(data)
        if self.tap is not None:
            self.tap(self.now, source, destination, data)
        targets = (
            [address for address in sorted(self.participants) if address != source]
            if destination == EVERYBODY
            else [destination]
        )
        for target in targets:
            if target in self.participants:
                self._carry(source, target, data)

    def _carry(self, source: str, target: str, data: bytes) -> None:
        faults = self.links.get((source, target), self.faults)
        if (source, target) in self.cut_links or self.random.random() < faults.loss:
            self.traffic.lost += 1
            return
        copies = 2 if self.random.random() < faults.duplication else 1
        birth = self._birth[target]
        for _ in range(copies):
            delay = faults.delay_s + self.random.random() * faults.jitter_s
            if self.random.random() < faults.straggler:
                delay += self.random.random() * faults.straggler_s
            self.at(self.now + delay, lambda: self._arrive(source, target, birth, data))

    def _arrive(self, source: str, target: str, birth: int, data: bytes) -> None:
        if self._birth[target] != birth or (source, target) in self.cut_links:
            self.traffic.lost += 1
            return
        if target in self.frozen:  # it waits in the machine's socket
            self.at(self.now + 0.01, lambda: self._arrive(source, target, birth, data))
            return
        self.traffic.delivered += 1
        self.participants[target].receive(data, source, self.now)
        self.settle(target)

"""Rings of ``Totem`` machines over two simulated networks, with the redundancy layer between.

Every node has an address on each network: 10.0.0.N and 10.1.0.N. A network is cut by cutting the
links between its addresses, so ``sim.network`` needs to know nothing of this.
"""

from __future__ import annotations

from dataclasses import replace

from sim.network import EVERYBODY, Faults, Network
from sim.ring import FAST, Lab, RingNode

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.redundancy import NetworkAddresses, Networks, Outgoing
from crmsh_py.engine.totem import Reported

RINGS = (0, 1)
SETTINGS = replace(
    FAST,
    rrp_problem_count_timeout_ms=400,
    rrp_token_expired_timeout_ms=5,
    rrp_autorecovery_check_timeout_ms=100,
)


def on(ring: int, number: int) -> str:
    return f"10.{ring}.0.{number}"


class RedundantNode(RingNode):
    """One machine with two network cards."""

    def __init__(self, node_id: int, settings: TotemSettings, network: Network, count: int) -> None:
        super().__init__(node_id, settings)
        self.network = network
        self.others = [n for n in range(1, count + 1) if n != node_id]
        self.networks = self._fresh()
        self.log: list[str] = []
        self._due: list[Outgoing] = []

    def _fresh(self) -> Networks:
        addresses = [
            NetworkAddresses(ring, on(ring, self.node_id), {on(0, n): on(ring, n) for n in peers})
            for ring in RINGS
            if (peers := [self.node_id, *self.others])
        ]
        return Networks(self.node_id, self.settings, addresses)

    def start(self, now: float) -> None:
        self.networks = self._fresh()
        self.networks.start(now)
        super().start(now)

    def hear(self, ring: int, data: bytes, source: str, now: float) -> None:
        known = self.networks.receive(ring, source, data, now)
        if known is not None:
            super().receive(data, known, now)
        self.network.settle(on(1 - ring, self.node_id))

    def fire(self, now: float) -> None:
        super().fire(now)
        assert self.totem is not None
        others = [on(0, n) for n in self.totem.members if n != self.node_id]
        self._due += self.networks.handle_timer(now, others)
        self.network.settle(on(1, self.node_id))

    def deadline(self) -> float | None:
        times = (super().deadline(), self.networks.next_timer())
        return min((each for each in times if each is not None), default=None)

    def gather(self) -> None:
        for destination, data in super().drain():
            self._due += self.networks.send(destination, data)
        for report in self.networks.take_reports():
            assert isinstance(report, Reported)
            self.log.append(report.text)

    def drain_ring(self, ring: int) -> list[tuple[str, bytes]]:
        self.gather()
        mine = [each for each in self._due if each.ring == ring]
        for each in mine:
            here = each.destination == EVERYBODY or each.destination.startswith(f"10.{ring}.")
            assert here, f"{each.destination} is not on ring {ring}"
        self._due = [each for each in self._due if each.ring != ring]
        return [
            (there, each.data)
            for each in mine
            for there in (
                [on(ring, n) for n in self.others]
                if each.destination == EVERYBODY
                else [each.destination]
            )
        ]

    def faulty(self) -> list[bool]:
        return [is_faulty for _, is_faulty in self.networks.statuses()]


class Card:
    """One network card of a node, as the simulated network sees it."""

    def __init__(self, node: RedundantNode, ring: int) -> None:
        self.node = node
        self.ring = ring

    def receive(self, data: bytes, source: str, now: float) -> None:
        self.node.hear(self.ring, data, source, now)

    def fire(self, now: float) -> None:
        self.node.fire(now)

    def deadline(self) -> float | None:
        return self.node.deadline() if self.ring == 0 else None

    def drain(self) -> list[tuple[str, bytes]]:
        return self.node.drain_ring(self.ring)


class RedundantLab(Lab):
    """Some nodes on two networks."""

    def __init__(self, count: int, mode: str, seed: int = 0, faults: Faults | None = None) -> None:
        super().__init__(0, seed, faults=faults)
        settings = replace(SETTINGS, rrp_mode=mode)
        self.both = {
            number: RedundantNode(number, settings, self.network, count)
            for number in range(1, count + 1)
        }
        self.nodes.update(self.both)

    def start(self, *numbers: int) -> None:
        for number in numbers or self.nodes:
            node = self.both[number]
            node.start(self.now)
            for ring in RINGS:
                self.network.add(on(ring, number), Card(node, ring))

    def multicast(self, number: int, payload: bytes, *, safe: bool = False) -> bool:
        taken = super().multicast(number, payload, safe=safe)
        self.network.settle(on(1, number))
        return taken

    def cut_ring(self, ring: int, *numbers: int) -> None:
        """Nobody hears these nodes (all, if none is named) on a ring, and they hear nobody."""
        for number in numbers or self.nodes:
            for other in self.nodes:
                if other != number:
                    self.network.cut(on(ring, number), on(ring, other))
                    self.network.cut(on(ring, other), on(ring, number))

    def faulty(self) -> set[tuple[bool, ...]]:
        """What the nodes think of their networks."""
        return {tuple(node.faulty()) for node in self.both.values()}

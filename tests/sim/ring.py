"""Rings of bare ``Totem`` machines on the simulated network, and what must hold of them.

``RingNode`` is one machine with its disk (the ring sequence) over several lives; ``Lab`` is a set
of them on one ``Network``; the ``check_*`` functions look at the recorded histories only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sim.network import Faults, Network

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.totem import (
    ConfigurationChanged,
    ConfigurationKind,
    Delivered,
    RingId,
    RingSequenceChanged,
    State,
    Totem,
    TotemEvent,
)

FAST = TotemSettings(
    token_ms=200,
    token_retransmits_before_loss_const=10,
    token_retransmit_ms=19,
    hold_ms=15,
    join_ms=20,
    consensus_ms=240,
    merge_ms=50,
    fail_recv_const=200,
)
TUTORIAL = TotemSettings(
    token_ms=3000,
    token_retransmits_before_loss_const=10,
    token_retransmit_ms=294,
    hold_ms=225,
    join_ms=60,
    consensus_ms=3600,
    max_messages=20,
)


@dataclass(slots=True)
class Life:
    """What one life of a node told, from its start to its crash."""

    node_id: int
    number: int
    events: list[TotemEvent] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def name(self) -> str:
        return f"node {self.node_id} life {self.number}"

    @property
    def delivered(self) -> list[bytes]:
        return [each.payload for each in self.events if isinstance(each, Delivered)]

    @property
    def rings(self) -> list[ConfigurationChanged]:
        return [
            each
            for each in self.events
            if isinstance(each, ConfigurationChanged) and each.kind is ConfigurationKind.REGULAR
        ]


class RingNode:
    """A Participant around one Totem, with the little that must be on its disk."""

    def __init__(self, node_id: int, settings: TotemSettings) -> None:
        self.node_id = node_id
        self.address = f"10.0.0.{node_id}"
        self.settings = settings
        self.disk = 0
        self.lives: list[Life] = []
        self.totem: Totem | None = None
        self._events_at: list[float] = []

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def start(self, now: float) -> None:
        self.lives.append(Life(self.node_id, len(self.lives) + 1))
        self.totem = Totem(
            self.node_id,
            self.address,
            self.settings,
            ring_sequence=self.disk,
            boot=self.life.number,
        )
        self.totem.start(now)

    def crash(self) -> None:
        self.totem = None
        self.life.ended = True

    def multicast(self, payload: bytes, now: float, *, safe: bool = False) -> bool:
        assert self.totem is not None
        taken = self.totem.multicast(payload, safe=safe, now=now)
        if taken:
            self.life.sent.append(payload)
        return taken

    # -- the four moves

    def receive(self, data: bytes, source: str, now: float) -> None:
        assert self.totem is not None
        self.totem.receive_datagram(data, source, now)

    def fire(self, now: float) -> None:
        assert self.totem is not None
        self.totem.handle_timer(now)

    def deadline(self) -> float | None:
        return self.totem.next_timer() if self.totem else None

    def drain(self) -> list[tuple[str, bytes]]:
        if self.totem is None:
            return []
        while (event := self.totem.next_event()) is not None:
            if isinstance(event, RingSequenceChanged):
                assert event.sequence > self.disk, "a ring's sequence must never come twice"
                self.disk = event.sequence
            self.life.events.append(event)
        return self.totem.datagrams_to_send()


class Lab:
    """Some nodes on one network."""

    def __init__(
        self,
        count: int,
        seed: int = 0,
        *,
        settings: TotemSettings = FAST,
        faults: Faults | None = None,
    ) -> None:
        self.network = Network(seed, faults or Faults())
        self.nodes = {number: RingNode(number, settings) for number in range(1, count + 1)}

    @property
    def now(self) -> float:
        return self.network.now

    @property
    def up(self) -> list[RingNode]:
        return [node for node in self.nodes.values() if node.totem is not None]

    def totem(self, number: int) -> Totem:
        totem = self.nodes[number].totem
        assert totem is not None, f"node {number} is down"
        return totem

    def start(self, *numbers: int) -> None:
        for number in numbers or self.nodes:
            node = self.nodes[number]
            node.start(self.now)
            self.network.add(node.address, node)

    def crash(self, *numbers: int) -> None:
        for number in numbers:
            self.network.remove(self.nodes[number].address)
            self.nodes[number].crash()

    def leave(self, number: int) -> None:
        node = self.nodes[number]
        self.totem(number).leave(self.now)
        self.network.settle(node.address)
        self.crash(number)

    def multicast(self, number: int, payload: bytes, *, safe: bool = False) -> bool:
        taken = self.nodes[number].multicast(payload, self.now, safe=safe)
        self.network.settle(self.nodes[number].address)
        return taken

    def partition(self, *sides: Sequence[int]) -> None:
        self.network.partition(*([self.nodes[each].address for each in side] for side in sides))

    def formed(self, *numbers: int) -> bool:
        """These nodes, and no others, are one ring."""
        wanted = tuple(sorted(numbers))
        totems = [self.totem(number) for number in numbers]
        return all(
            totem.state is State.OPERATIONAL
            and totem.members == wanted
            and totem.ring_id == totems[0].ring_id
            for totem in totems
        )

    def form(self, *numbers: int, within_s: float = 5.0) -> float:
        """Wait for that ring; the time it took."""
        began = self.now
        wanted = numbers or tuple(node.node_id for node in self.up)
        done = self.network.run_until(lambda: self.formed(*wanted), within_s=within_s)
        assert done, f"seed {self.network.seed}: no ring of {wanted}: {self.describe()}"
        return self.now - began

    def settle_deliveries(self, within_s: float = 5.0) -> None:
        """Wait until every node that is up has delivered all that it has sent."""

        def quiet() -> bool:
            return all(set(node.life.sent) <= set(node.life.delivered) for node in self.up)

        done = self.network.run_until(quiet, within_s=within_s)
        assert done, f"seed {self.network.seed}: sent, but not delivered: {self.describe()}"
        self.network.run(for_s=0.1)

    def describe(self) -> str:
        return "; ".join(
            f"{node.node_id}: {node.totem.state.value} {node.totem.ring_id} {node.totem.members}"
            for node in self.up
            if node.totem is not None
        )

    def lives(self) -> list[Life]:
        return [life for node in self.nodes.values() for life in node.lives]


# ---- what must hold: extended virtual synchrony -------------------------------------------------


def check_all(lab: Lab) -> None:
    """Every property; the message of a failure names the seed."""
    lives = lab.lives()
    try:
        check_memberships(lives)
        check_order(lives)
        check_no_duplicates(lives)
        check_same_set_together(lives)
        check_safe(lives)
    except AssertionError as error:
        raise AssertionError(f"seed {lab.network.seed}: {error}") from error


def check_memberships(lives: Sequence[Life]) -> None:
    """One ring id, one set of members, on whatever node; and every node is in its own rings."""
    known: dict[object, tuple[int, ...]] = {}
    for life in lives:
        previous = -1
        for ring in life.rings:
            assert life.node_id in ring.members, (life.name, ring)
            assert known.setdefault(ring.ring, ring.members) == ring.members, (life.name, ring)
            assert ring.ring.sequence > previous, f"{life.name}: rings must follow each other"
            previous = ring.ring.sequence


def check_order(lives: Sequence[Life]) -> None:
    """The same place in the order holds the same payloads everywhere; places only ascend."""
    known: dict[object, tuple[int, bytes]] = {}
    for life in lives:
        last = (RingId(0, 0), -1)
        index = 0
        for event in life.events:
            if not isinstance(event, Delivered):
                continue
            place = (event.ring, event.sequence)
            index = index + 1 if place == last else 0
            assert place >= last, f"{life.name}: {place} after {last}"
            last = place
            content = (event.sender, event.payload)
            assert known.setdefault((place, index), content) == content, (life.name, place)


def check_no_duplicates(lives: Sequence[Life]) -> None:
    """A payload is delivered once at most (the tests' payloads are all different)."""
    for life in lives:
        assert len(life.delivered) == len(set(life.delivered)), f"{life.name}: twice"


def _stages(life: Life) -> list[tuple[ConfigurationChanged, tuple[int, ...], list[bytes], int]]:
    """Per finished regular ring: it, who went on together, all delivered in it, and how much of
    that before the transitional configuration."""
    stages = []
    ring: ConfigurationChanged | None = None
    together: tuple[int, ...] = ()
    payloads: list[bytes] = []
    before = 0
    for event in life.events:
        if isinstance(event, Delivered):
            payloads.append(event.payload)
        elif isinstance(event, ConfigurationChanged):
            if event.kind is ConfigurationKind.TRANSITIONAL:
                together, before = event.members, len(payloads)
            else:
                if ring is not None:
                    stages.append((ring, together, payloads, before))
                ring, payloads = event, []
    return stages


def check_same_set_together(lives: Sequence[Life]) -> None:
    """Nodes that go together from one ring to the next delivered the same, in both halves."""
    known: dict[object, tuple[str, list[bytes], int]] = {}
    for life in lives:
        rings = life.rings
        for position, (ring, together, payloads, before) in enumerate(_stages(life)):
            key = (ring.ring, rings[position + 1].ring, together)
            name, other, boundary = known.setdefault(key, (life.name, payloads, before))
            assert payloads == other, f"{life.name} and {name} differ in ring {ring.ring}"
            assert before == boundary, f"{life.name} and {name} differ in where {ring.ring} ended"


def check_safe(lives: Sequence[Life]) -> None:
    """A safe payload delivered in a regular ring reaches every member of it that does not end.

    Call it when the network has been quiet for long enough.
    """
    delivered = {life.name: set(life.delivered) for life in lives}
    installed: dict[object, list[Life]] = {}
    for life in lives:
        for ring in life.rings:
            installed.setdefault(ring.ring, []).append(life)
    for life in lives:
        ring: ConfigurationChanged | None = None
        for event in life.events:
            if isinstance(event, ConfigurationChanged):
                ring = event if event.kind is ConfigurationKind.REGULAR else None
            elif isinstance(event, Delivered) and event.safe and ring is not None:
                for other in installed[ring.ring]:
                    if not other.ended:
                        assert event.payload in delivered[other.name], (
                            f"{other.name} lacks a safe message of {life.name} in {ring.ring}"
                        )
                members = {other.node_id for other in installed[ring.ring]}
                alive = {other.node_id for other in lives if not other.ended}
                for member in ring.members:
                    ended = any(each.node_id == member and each.ended for each in lives)
                    assert member in members or member not in alive or ended, (
                        f"node {member} never installed {ring.ring}, "
                        f"in which {life.name} delivered a safe message"
                    )

"""Whole clusters of node cores: simulated disks, agents and clients on the simulated network.

``SimNode`` is one machine over several lives. It carries out a core's instructions as the daemon
does: in order, and what stands behind a ``Persist`` waits until that is on the disk. ``Cluster`` is
a set of them; ``Checker`` (see ``checkers``) watches from outside and knows nothing of the
engine's inside but its view.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sim import toy_planner
from sim.network import Faults, Network

from crmsh_py import corosync_conf
from crmsh_py.cib.apply import apply
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.engine.api import (
    CancelOperation,
    DatagramReceived,
    Event,
    Instruction,
    Log,
    OperationFinished,
    Persist,
    Persisted,
    ReplyTo,
    RequestReceived,
    RunOperation,
    SaveEstablished,
    SaveRatified,
    SaveRevision,
    SaveRing,
    SaveTerm,
    SendDatagram,
    SetAside,
    Standing,
    Started,
    StopNode,
    StoredState,
    StoreWrite,
    TimerFired,
)
from crmsh_py.engine.controller import Planner
from crmsh_py.engine.core import NodeCore
from crmsh_py.wire.control import Commit, Reply, Request, WaitIdle
from crmsh_py.wire.settings import NodeSettings

WALL = 1_800_000_000.0  # the network's time 0 in Unix seconds
MONITOR_OK, MONITOR_STOPPED = 0, 7


def conf_text(count: int) -> str:
    """A corosync.conf with quick timeouts and plain majority quorum."""
    return f"""
totem {{
  version: 2
  token: 200
  token_retransmits_before_loss_const: 10
  join: 20
  consensus: 240
  merge: 50
  interface {{
    ringnumber: 0
    bindnetaddr: 10.0.0.0
    mcastaddr: 239.255.1.1
    mcastport: 5405
  }}
}}
quorum {{
  provider: corosync_votequorum
  expected_votes: {count}
}}
"""


@dataclass(slots=True)
class Disk:
    """What survives a crash. A write is applied when it ends; a crash may lose those under way."""

    state: StoredState = field(default_factory=StoredState)
    config: Cib | None = None
    aside: list[SetAside] = field(default_factory=list)
    delay_s: tuple[float, float] = (0.0005, 0.004)
    strict: bool = True  # False where a test has damaged the configuration in memory

    def write(self, writes: Sequence[StoreWrite]) -> None:
        for each in writes:
            match each:
                case SaveRing(sequence=sequence):
                    self.state = replace(self.state, ring_sequence=sequence)
                case SaveTerm(term=term):
                    self.state = replace(self.state, term=term)
                case SaveRatified(term=term):
                    standing = max(self.state.standing, Standing.MEMBER)
                    self.state = replace(self.state, revision_term=term, standing=standing)
                case SaveEstablished():
                    self.state = replace(self.state, standing=Standing.ESTABLISHED)
                case SaveRevision():
                    self._save(each)
                case SetAside():
                    self.aside.append(each)

    def _save(self, revision: SaveRevision) -> None:
        assert bool(revision.cib) != bool(revision.patch)
        if revision.cib:
            self.config = Cib.parse(revision.cib)
        else:
            assert self.config is not None, "the first revision must be whole"
            patch = Patch.from_xml(revision.patch)
            changed = apply(self.config.with_version(patch.source), patch)
            self.config = changed.with_version(Version(*revision.version))
        if self.strict:
            assert self.config.digest == revision.digest, "the patch does not lead there"
        self.state = replace(self.state, revision_term=revision.term, cib=self.config.to_xml())


class Observer(Protocol):
    """Who watches a cluster from outside."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        """An agent is started."""

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        """A client got its answer."""


class SimNode:
    """One machine: a core, its disk, its agents' resources, its clients."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.name = f"node{number}"
        self.address = f"10.0.0.{number}"
        self.disk = Disk()
        self.core: NodeCore | None = None
        self.active: set[str] = set()
        self.replies: dict[int, list[Reply]] = {}
        self.log: list[str] = []
        self.fail: Callable[[RunOperation], int | None] = lambda _: None
        self.operations: list[tuple[float, str, str]] = []
        self.exit_code: int | None = None
        self._life = 0
        self._writes: deque[Persist] = deque()
        self._held: deque[Instruction] = deque()
        self._blocked: int | None = None
        self._datagrams: list[tuple[str, bytes]] = []
        self._running: dict[int, RunOperation] = {}

    # -- life and death

    def start(self, *, manager: bool = True) -> None:
        assert self.core is None
        self._life += 1
        self._writes, self._held, self._blocked = deque(), deque(), None
        self._datagrams, self._running = [], {}
        self.active = set()
        self.exit_code = None
        self.core = NodeCore(
            self.cluster.settings(self.number),
            self.cluster.conf,
            self.disk.state,
            WALL,
            self.cluster.network.seed,
            planner=self.cluster.planner,
        )
        self.cluster.network.add(self.address, self)
        self.feed(Started(manager=manager))

    def crash(self, *, lose: bool = False) -> None:
        """Power off. Of the writes under way, a random number has reached the disk, in order.

        With ``lose`` none has.
        """
        chance = self.cluster.network.random
        for persist in self._writes:
            if lose or chance.random() < 0.5:
                break
            self.disk.write(persist.writes)
        self.stop()

    def stop(self) -> None:
        self.cluster.network.remove(self.address)
        self.core = None
        self._life += 1
        self.active = set()

    def feed(self, event: Event) -> None:
        """Something happens."""
        if self.core is None:
            return
        instructions = self.core.handle(event, self.cluster.network.now)
        if isinstance(event, Persisted) and event.token == self._blocked:
            self._blocked = None
            held, self._held = self._held, deque()
            self._carry_out([*held, *instructions])
        elif self._blocked is not None:
            self._held.extend(instructions)
        else:
            self._carry_out(instructions)
        if self.core is not None:
            self.cluster.network.settle(self.address)

    def ask(self, ticket: int, request: Request) -> None:
        self.feed(RequestReceived(ticket=ticket, request=request))

    # -- the four moves

    def receive(self, data: bytes, source: str, now: float) -> None:
        self.feed(DatagramReceived(data=data, source=source))

    def fire(self, now: float) -> None:
        self.feed(TimerFired())

    def deadline(self) -> float | None:
        return self.core.next_deadline() if self.core else None

    def drain(self) -> list[tuple[str, bytes]]:
        taken, self._datagrams = self._datagrams, []
        return taken

    # -- instructions

    def _carry_out(self, instructions: Sequence[Instruction]) -> None:
        for number, instruction in enumerate(instructions, 1):
            self._do(instruction)
            if self.core is None:
                return
            if isinstance(instruction, Persist) and number < len(instructions):
                self._blocked = instruction.token
                self._held.extend(instructions[number:])
                return

    def _do(self, instruction: Instruction) -> None:
        match instruction:
            case SendDatagram(destination=destination, data=data):
                self._datagrams.append((destination, data))
            case Persist():
                self._writes.append(instruction)
                if len(self._writes) == 1:
                    self._begin_write()
            case RunOperation():
                self._run(instruction)
            case CancelOperation(call_id=call_id):
                self._later(0.0, lambda: self._end(call_id, status=1))
            case ReplyTo(ticket=ticket, reply=reply):
                self.replies.setdefault(ticket, []).append(reply)
                self.cluster.observer.replied(self, ticket, reply)
            case Log(level=level, subsystem=subsystem, text=text):
                line = f"{self.cluster.network.now:9.4f} {self.name} {level} [{subsystem}] {text}"
                self.log.append(line)
                self.cluster.trace.append(line)
            case StopNode(exit_code=code):
                for destination, data in self.drain():
                    self._datagrams.append((destination, data))
                self.cluster.network.settle(self.address)
                for persist in self._writes:
                    self.disk.write(persist.writes)
                self.exit_code = code
                self.stop()

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        life = self._life

        def run() -> None:
            if self._life == life:
                action()

        self.cluster.network.at(self.cluster.network.now + delay_s, run)

    def _begin_write(self) -> None:
        low, high = self.disk.delay_s
        delay = low + self.cluster.network.random.random() * (high - low)
        self._later(delay, self._end_write)

    def _end_write(self) -> None:
        persist = self._writes.popleft()
        self.disk.write(persist.writes)
        if self._writes:
            self._begin_write()
        self.feed(Persisted(token=persist.token))

    def _run(self, operation: RunOperation) -> None:
        self.cluster.observer.operation_begins(self, operation)
        self.operations.append((self.cluster.network.now, operation.resource, operation.action))
        self._running[operation.call_id] = operation
        if operation.action == "start":
            self.active.add(operation.resource)  # it may be from now on
        low, high = self.cluster.agent_delay_s
        delay = low + self.cluster.network.random.random() * (high - low)
        self._later(delay, lambda: self._end(operation.call_id))

    def _end(self, call_id: int, status: int = 0) -> None:
        operation = self._running.pop(call_id, None)
        if operation is None:
            return
        rc = self.fail(operation) or 0
        if not rc:
            match operation.action:
                case "stop":
                    self.active.discard(operation.resource)
                case "monitor" if operation.resource not in self.active:
                    rc = MONITOR_STOPPED
        started = WALL + self.cluster.network.now
        self.feed(OperationFinished(call_id=call_id, rc=rc, status=status, started_at=started))


class Silent:
    """An observer that looks away."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        pass

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        pass


class Cluster:
    """Some nodes on one network."""

    def __init__(
        self,
        count: int = 3,
        seed: int = 0,
        *,
        planner: Planner = toy_planner.plan,
        observer: Observer | None = None,
        faults: Faults | None = None,
        expected_votes: int | None = None,
    ) -> None:
        self.network = Network(seed, faults or Faults())
        self.conf = corosync_conf.parse(conf_text(expected_votes or count))
        self.planner = planner
        self.observer: Observer = observer or Silent()
        self.agent_delay_s = (0.005, 0.03)
        self.trace: list[str] = []
        self._count = count
        self._ticket = 0
        self.nodes = {number: SimNode(self, number) for number in range(1, count + 1)}

    def settings(self, number: int) -> NodeSettings:
        return NodeSettings(
            lab="sim",
            node=f"node{number}",
            address=f"10.0.0.{number}",
            corosync_conf="",
            control_socket="",
            store="",
            log="",
            key="",
            peers={f"10.0.0.{n}": f"node{n}" for n in range(1, self._count + 1)},
        )

    # -- reading

    @property
    def now(self) -> float:
        return self.network.now

    @property
    def chance(self) -> random.Random:
        return self.network.random

    @property
    def up(self) -> list[SimNode]:
        return [node for node in self.nodes.values() if node.core is not None]

    def node(self, number: int) -> SimNode:
        return self.nodes[number]

    def cib(self, number: int) -> Cib:
        core = self.nodes[number].core
        assert core is not None, f"node {number} is down"
        return core.replica.cib

    def digests(self) -> dict[str, str]:
        return {node.name: node.core.replica.digest for node in self.up if node.core}

    # -- doing

    def start(self, *numbers: int) -> None:
        for number in numbers or self.nodes:
            self.nodes[number].start()

    def run(self, for_s: float) -> None:
        self.network.run(for_s=for_s)

    def until(self, condition: Callable[[], bool], within_s: float, what: str) -> float:
        """Let time pass until the condition holds; the time it took."""
        began = self.now
        if not self.network.run_until(condition, within_s=within_s):
            raise AssertionError(
                f"seed {self.network.seed}: not {what} in {within_s} s\n{self.tail()}"
            )
        return self.now - began

    def partition(self, *sides: Sequence[int]) -> None:
        self.network.partition(*([self.nodes[n].address for n in side] for side in sides))

    @property
    def next_ticket(self) -> int:
        """The ticket that the next request will have."""
        return self._ticket + 1

    def ask(self, number: int, request: Request) -> int:
        """Send a request; returns the ticket under which the replies come."""
        self._ticket += 1
        self.nodes[number].ask(self._ticket, request)
        return self._ticket

    def answer(self, number: int, request: Request, within_s: float = 30.0) -> Reply:
        """Send a request and wait for its answer."""
        node = self.nodes[number]
        ticket = self.ask(number, request)
        self.until(lambda: ticket in node.replies, within_s, f"an answer to {request}")
        return node.replies[ticket][-1]

    def commit(self, number: int, change: Callable[[Cib], Cib], *, force: bool = False) -> int:
        """Send a commit of this change against what the node holds; returns the ticket."""
        cib = self.cib(number)
        patch = diff(cib, change(cib)).to_xml()
        return self.ask(number, Commit(patch=patch, client="test", force_no_quorum=force))

    def settled(self, *numbers: int) -> bool:
        """These nodes are one view, their DC has nothing to do, and all know it."""
        cores = [self.nodes[n].core for n in numbers or [node.number for node in self.up]]
        views = {core.view for core in cores if core}
        return (
            all(core is not None and core.idle for core in cores)
            and len(views) == 1
            and all(len(core.members) == len(cores) for core in cores if core)
        )

    def settle(self, *numbers: int, within_s: float = 20.0) -> float:
        return self.until(lambda: self.settled(*numbers), within_s, f"settled: {numbers or 'all'}")

    def wait_idle(self, number: int) -> Reply:
        return self.answer(number, WaitIdle())

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.trace[-lines:])


def add_resource(name: str) -> Callable[[Cib], Cib]:
    """A change that adds a primitive."""

    def change(cib: Cib) -> Cib:
        attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
        section = cib.section("resources")
        return cib.with_section("resources", section.append(Element("primitive", attributes)))

    return change


def add_mark(name: str) -> Callable[[Cib], Cib]:
    """A change that leaves a mark: a property set of its own."""

    def change(cib: Cib) -> Cib:
        pair = Element("nvpair", {"id": f"{name}-nv", "name": name, "value": "1"})
        marks = Element("cluster_property_set", {"id": name}, (pair,))
        return cib.with_section("crm_config", cib.section("crm_config").append(marks))

    return change


def without_fencing(cib: Cib) -> Cib:
    """The change that lets resources run where no fence device exists."""
    pair = Element("nvpair", {"id": "no-fencing", "name": "stonith-enabled", "value": "false"})
    section = cib.section("crm_config")
    return cib.with_section(
        "crm_config", section.map_children(lambda s: s.append(pair) if "boot" in s.id else s)
    )

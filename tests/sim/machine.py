"""One simulated machine: a core, its disk, its agents and its clients, over several lives.

``SimNode`` carries out a core's instructions as the daemon does: in order, and what stands behind a
``Persist`` waits until that is on the disk. What is wrong with the machine (a slow or full disk,
agents that fail, hang or lie, a clock that is off) are attributes that a nemesis sets.
"""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from sim.power import Watchdog
from sim.ring import Life

from crmsh_py.cib.apply import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.engine.api import (
    CancelOperation,
    ClockSet,
    CloseRemote,
    ConfRead,
    DatagramReceived,
    Event,
    FeedWatchdog,
    Instruction,
    Log,
    OpenRemote,
    OperationFinished,
    Persist,
    Persisted,
    ReadConf,
    ReplyTo,
    RequestReceived,
    RunAlert,
    RunOperation,
    SaveRatified,
    SaveRevision,
    SaveRing,
    SaveTerm,
    SendDatagram,
    SendRemote,
    SetAside,
    Standing,
    Started,
    StopNode,
    StoredState,
    StoreFailed,
    StoreWrite,
    TimerFired,
)
from crmsh_py.engine.core import NodeCore
from crmsh_py.engine.totem import ConfigurationChanged, ConfigurationKind, Delivered, RingId
from crmsh_py.wire.control import Reply, Request, SetAttribute

if TYPE_CHECKING:
    from sim.cluster import Cluster

WALL = 1_800_000_000.0  # the network's time 0 in Unix seconds
OK, FAILED, STOPPED, PROMOTED = 0, 1, 7, 8  # exit codes of agents
TIMED_OUT = 2  # an operation's status
_MOST_READ = 256  # revisions
_CLIENTLESS = 0  # the ticket of the agents' own requests: nobody reads the answers


class _Read:
    """What stored revisions lead to. All disks store the same ones: each is read once."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str], tuple[Cib | None, Cib, str]] = OrderedDict()

    def next(self, config: Cib | None, revision: SaveRevision) -> tuple[Cib, str]:
        """The configuration after this revision of ``config``, and its text."""
        base = None if revision.cib else config
        key = (id(base), revision.cib or f"{revision.version} {revision.patch}")
        if key not in self._known:  # which holds ``base``, so that no other one gets its id
            new = self._read(base, revision)
            self._known[key] = (base, new, new.to_xml())
            if len(self._known) > _MOST_READ:
                self._known.popitem(last=False)
        return self._known[key][1:]

    def _read(self, base: Cib | None, revision: SaveRevision) -> Cib:
        if revision.cib:
            return Cib.parse(revision.cib)
        assert base is not None, "the first revision must be whole"
        patch = Patch.from_xml(revision.patch)
        changed = apply(base.with_version(patch.source), patch)
        return changed.with_version(Version(*revision.version))


_READ = _Read()


@dataclass(slots=True)
class Disk:
    """What survives a crash. A write is applied when it ends; a crash may lose those under way."""

    state: StoredState = field(default_factory=StoredState)
    config: Cib | None = None
    ratified: int = 0  # the newest term that a primary view began with here
    aside: list[SetAside] = field(default_factory=list)
    delay_s: tuple[float, float] = (0.0005, 0.004)
    full: bool = False  # every write fails from now on
    strict: bool = True  # False where a test has damaged the configuration in memory

    def write(self, writes: Sequence[StoreWrite]) -> None:
        for each in writes:
            match each:
                case SaveRing(sequence=sequence):
                    self.state = replace(self.state, ring_sequence=sequence)
                case SaveTerm(term=term):
                    self.state = replace(self.state, term=term)
                case SaveRatified(term=term):
                    self.ratified = max(self.ratified, term)
                    self._set_term(term)
                    self.state = replace(self.state, standing=Standing.VOTER, forced=False)
                case SaveRevision():
                    self._save(each)
                case SetAside():
                    self.aside.append(each)

    def _save(self, revision: SaveRevision) -> None:
        assert bool(revision.cib) != bool(revision.patch)
        self.config, text = _READ.next(self.config, revision)
        if self.strict:
            assert self.config.digest == revision.digest, "the patch does not lead there"
        self.state = replace(self.state, cib=text, forced=revision.forced)
        self._set_term(revision.term)

    def _set_term(self, term: int) -> None:
        """As the store reads it: a revision that came after, or what was ratified after it."""
        self.state = replace(self.state, revision_term=max(term, self.ratified))


class Observer(Protocol):
    """Who watches a cluster from outside."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        """An agent is started."""

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        """A client got its answer."""

    def settled(self, node: SimNode) -> None:
        """A node knows the status of the quorate ring that it is in."""


class SimNode:
    """One machine: a core, its disk, its agents' resources, its clients."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.name = f"node{number}"
        self.address = f"10.0.0.{number}"
        self.node_id = cluster.conf.node_id(self.address)
        self.disk = Disk(StoredState(standing=Standing.VOTER))  # marked as that of a new node
        self.lost_disks: list[Disk] = []
        self.core: NodeCore | None = None
        self.clock_error_s = 0.0  # of the wall clock
        self.active: set[str] = set()  # what really runs here, whatever agents say of it
        self.promoted: set[str] = set()
        self.replies: dict[int, list[Reply]] = {}
        self.log: list[str] = []
        self.conf_text = ""  # of the corosync.conf that it reads again; '' the cluster's
        self.read_delay_s = 0.0  # of its corosync.conf
        self.fail: Callable[[RunOperation], int | None] = lambda _: None
        self.hang: Callable[[RunOperation], bool] = lambda _: False
        self.lie: Callable[[RunOperation], bool] = lambda _: False
        self.operations: list[tuple[float, str, str]] = []
        self.lives: list[Life] = []  # what the ring told the core, by life
        self.ring: RingId | None = None  # that the core is in
        self._settled_in: RingId | None = None
        self.saved_rings: dict[int, int] = {}  # on the disk when a life ended
        self.exit_code: int | None = None
        self.watchdog = Watchdog(self)
        self.alerts: list[RunAlert] = []
        self._writes: deque[Persist] = deque()
        self._wrecked = False  # a write of this life has failed: nothing is written after it
        self._held: deque[Instruction] = deque()
        self._blocked: int | None = None
        self._datagrams: list[tuple[str, bytes]] = []
        self._running: dict[int, RunOperation] = {}

    # -- life and death

    @property
    def life(self) -> tuple[int, bool]:
        """Which life this is, and whether it goes on: equal as long as nothing has ended."""
        return len(self.lives), self.core is not None

    def start(self, *, manager: bool = True) -> None:
        assert self.core is None
        self.lives.append(Life(self.node_id, len(self.lives) + 1))
        self._writes, self._held, self._blocked = deque(), deque(), None
        self._wrecked = False
        self._datagrams, self._running = [], {}
        self.active, self.promoted = set(), set()
        self.exit_code = None
        self.core = NodeCore(
            self.cluster.settings(self.number),
            self.cluster.conf,
            self.disk.state,
            WALL + self.clock_error_s,
            _drawn(self.cluster.network.seed, self.number, len(self.lives)),
            planner=self.cluster.planner,
        )
        self.ring = None
        self._tap(self.core, self.lives[-1])
        self.cluster.network.add(self.address, self)
        self.feed(Started(manager=manager))

    def _tap(self, core: NodeCore, life: Life) -> None:
        """Write down what the core's ring tells it: the core itself shows only what follows."""
        membership = core._membership
        inner = membership.next_event

        def next_event() -> ConfigurationChanged | Delivered | None:
            event = inner()
            if event is not None:
                life.events.append(event)
            if isinstance(event, ConfigurationChanged) and event.kind is ConfigurationKind.REGULAR:
                self._look_for_status(core)  # it may have come together at the end of the old ring
                self.ring = event.ring
            return event

        membership.next_event = next_event  # type: ignore[method-assign]

    def crash(self, *, lose: bool = False) -> None:
        """Power off. Of the writes under way, a random number has reached the disk, in order.

        With ``lose`` none has.
        """
        chance = self.cluster.network.random
        for persist in self._writes:
            if lose or self.disk.full or self._wrecked or chance.random() < 0.5:
                break
            self.disk.write(persist.writes)
        self.stop()

    def stop(self) -> None:
        self.cluster.network.remove(self.address)
        self.core = None
        self.watchdog.until = None
        self.lives[-1].ended = True
        self.saved_rings[self.lives[-1].number] = self.disk.state.ring_sequence
        self.active, self.promoted = set(), set()
        self.cluster.guests.lost(self)

    def replace_disk(self) -> None:
        """Somebody puts an empty disk in."""
        if self.core is not None:
            self.crash()
        self.lost_disks.append(self.disk)
        self.disk = Disk()

    def feed(self, event: Event) -> None:
        """Something happens. What a frozen machine should see waits until it goes on."""
        if self.core is None:
            return
        if self.address in self.cluster.network.frozen:
            self._later(0.01, lambda: self.feed(event))
            return
        self._handle(event)
        self.cluster.network.settle(self.address)

    def _handle(self, event: Event) -> None:
        if self.core is None:
            return
        made = self.core.handle(event, self.cluster.network.now)
        self._look_for_status(self.core)
        # A watchdog is fed whatever the disk does.
        for each in made:
            if isinstance(each, FeedWatchdog):
                self.watchdog.feed(each)
        instructions = [each for each in made if not isinstance(each, FeedWatchdog)]
        if isinstance(event, Persisted) and event.token == self._blocked:
            self._blocked = None
            held, self._held = self._held, deque()
            self._carry_out([*held, *instructions])
        elif self._blocked is not None and not isinstance(event, StoreFailed):
            self._held.extend(instructions)
        else:
            self._carry_out(instructions)

    def _look_for_status(self, core: NodeCore) -> None:
        if self.ring is not self._settled_in and core.settled and core.primary:
            self._settled_in = self.ring
            self.cluster.observer.settled(self)

    def ask(self, ticket: int, request: Request) -> None:
        self.feed(RequestReceived(ticket=ticket, request=request))

    def set_clock(self, error_s: float) -> None:
        """Somebody sets the wall clock; how wrong it is from now on."""
        self.clock_error_s = error_s
        self.feed(ClockSet(wall_offset=WALL + error_s))

    # -- the four moves: the network settles after each

    def receive(self, data: bytes, source: str, now: float) -> None:
        self._handle(DatagramReceived(data=data, source=source))

    def fire(self, now: float) -> None:
        self._handle(TimerFired())

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
            case OpenRemote() | SendRemote() | CloseRemote():
                self.cluster.wires.do(self, instruction)
            case RunAlert():
                self.alerts.append(instruction)
            case ReplyTo(ticket=ticket, reply=reply):
                self.replies.setdefault(ticket, []).append(reply)
                self.cluster.observer.replied(self, ticket, reply)
            case ReadConf(ticket=ticket):
                text = self.conf_text or self.cluster.conf_text
                read = ConfRead(ticket=ticket, path="corosync.conf", text=text)
                self._later(self.read_delay_s, lambda: self.feed(read))
            case Log(level=level, subsystem=subsystem, text=text):
                line = f"{self.cluster.network.now:9.4f} {self.name} {level} [{subsystem}] {text}"
                self.log.append(line)
                self.cluster.trace.append(line)
            case StopNode(exit_code=code):
                self._stop_in_order(code)

    def _stop_in_order(self, code: int) -> None:
        self.cluster.network.settle(self.address)  # the farewell goes out
        if not self.disk.full and not self._wrecked:
            for persist in self._writes:
                self.disk.write(persist.writes)
        watched = self.watchdog.until is not None
        life = self.life
        self.stop()
        self.cluster.wires.ended(self, life)
        self.exit_code = code
        if watched:
            self.watchdog.reset()

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        life = self.lives[-1]

        def run() -> None:
            if self.core is not None and self.lives[-1] is life:
                action()

        self.cluster.network.at(self.cluster.network.now + delay_s, run)

    # -- the disk

    def _begin_write(self) -> None:
        low, high = self.disk.delay_s
        delay = low + self.cluster.network.random.random() * (high - low)
        self._later(delay, self._end_write)

    def _end_write(self) -> None:
        persist = self._writes.popleft()
        if self.disk.full:
            self._wrecked = True
            self.feed(StoreFailed(token=persist.token, message="database or disk is full"))
            return
        self.disk.write(persist.writes)
        if self._writes:
            self._begin_write()
        self.feed(Persisted(token=persist.token))

    # -- agents

    def _run(self, operation: RunOperation) -> None:
        self.cluster.observer.operation_begins(self, operation)
        self.operations.append((self.cluster.network.now, operation.resource, operation.action))
        if operation.standard == "stonith":
            self.cluster.power.run(self, operation)
            return
        self._running[operation.call_id] = operation
        if operation.action in ("start", "migrate_from"):
            self.active.add(operation.resource)  # it may be from now on
        if self.hang(operation):
            late = operation.timeout_ms / 1000
            self._later(late, lambda: self._end(operation.call_id, status=TIMED_OUT))
            return
        low, high = self.cluster.agent_delay_s
        delay = low + self.cluster.network.random.random() * (high - low)
        self._later(delay, lambda: self._end(operation.call_id))

    def _end(self, call_id: int, status: int = 0) -> None:
        operation = self._running.pop(call_id, None)
        if operation is None:
            return
        rc = FAILED if status else self.fail(operation) or self._act(operation)
        if not status and self.lie(operation):
            rc = self._pretend(operation, rc)
        if not status:
            self.cluster.guests.ended(self, operation, rc)
        started = WALL + self.clock_error_s + self.cluster.network.now
        self.feed(OperationFinished(call_id=call_id, rc=rc, status=status, started_at=started))

    def _act(self, operation: RunOperation) -> int:
        """What a good agent does, and its exit code."""
        resource = operation.resource
        match operation.action:
            case "start" if "OCF_RESKEY_CRM_meta_promoted_max" in operation.environment:
                score = SetAttribute(node="", name=f"master-{resource}", value=str(self.number))
                self._later(0.0, lambda: self.ask(_CLIENTLESS, score))
            case "stop":
                self.active.discard(resource)
                self.promoted.discard(resource)
            case "promote" if resource in self.active:
                self.promoted.add(resource)
            case "demote" if resource in self.active:
                self.promoted.discard(resource)
            case "monitor" if resource in self.promoted:
                return PROMOTED
            case "promote" | "demote" | "monitor" if resource not in self.active:
                return STOPPED
        return OK

    def _pretend(self, operation: RunOperation, rc: int) -> int:
        """What a lying agent tells instead: that a start worked, that it runs, that it does not."""
        if operation.action == "start":
            self.active.discard(operation.resource)
            return OK
        if operation.action == "monitor":
            return STOPPED if rc == OK else OK
        return rc


def _drawn(seed: int, number: int, life: int) -> int:
    """What a daemon draws when it starts."""
    return random.Random(f"{seed}/{number}/{life}").getrandbits(64)

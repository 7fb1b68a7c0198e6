"""The order in which instructions are carried out, and what a bug does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from crmsh_py.engine.api import (
    CancelOperation,
    ClockSet,
    ConfRead,
    Event,
    Instruction,
    LinkFacts,
    Log,
    Persist,
    Persisted,
    RunOperation,
    SaveTerm,
    SendDatagram,
    Started,
    StopNode,
    StoreFailed,
    StoreWrite,
    TimerFired,
)
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.node.loop import MIN_DELAY_S, NodeLoop
from crmsh_py.wire.control import Reply, Revision

Script = Callable[[Event], list[Instruction]]


class World:
    """All ports at once: writes down what it is told to do."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        self.done.append(f"send {data.decode()}")

    def facts(self) -> tuple[LinkFacts, ...]:
        return (LinkFacts(address="10.0.0.1"),)

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        self.done.append(f"write {token}")

    def read_revisions(self, limit: int, answer: Callable[[list[Revision]], None]) -> None:
        answer([])

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        answer(NotFound(f"no {admin_epoch}.{epoch}"))

    def run(self, operation: RunOperation) -> None:
        self.done.append(f"run {operation.call_id}")

    def cancel(self, cancel: CancelOperation) -> None:
        self.done.append(f"cancel {cancel.call_id}")

    def reply(self, ticket: int, reply: Reply) -> None:
        self.done.append(f"reply {ticket}")

    def log(self, level: str, subsystem: str, text: str) -> None:
        self.done.append(f"{level}: {text}")

    def close(self) -> None:
        """Nothing is open."""


class ScriptedCore:
    """Answers every event as the test says."""

    def __init__(self, script: Script, deadline: float | None = None) -> None:
        self.script = script
        self.deadline = deadline
        self.events: list[Event] = []

    def handle(self, event: Event, now: float) -> list[Instruction]:
        self.events.append(event)
        return self.script(event)

    def next_deadline(self) -> float | None:
        return self.deadline


def node_loop(
    core: ScriptedCore,
    world: World,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
) -> NodeLoop:
    return NodeLoop(
        core,
        transport=world,
        disk=world,
        agents=world,
        clients=world,
        log=world.log,
        read_conf=lambda ticket: ConfRead(ticket=ticket, path="corosync.conf", text="text"),
        use_conf=lambda conf: world.done.append(f"use {conf.origin}"),
        clock=clock,
        wall_clock=wall_clock,
    )


def play(script: Script, *events: Event) -> tuple[list[str], int | None]:
    """Report events one after the other; return what was done and the exit code."""

    async def run() -> tuple[list[str], int | None]:
        world = World()
        loop = node_loop(ScriptedCore(script), world)
        for event in events:
            loop.report(event)
        return world.done, loop.stopped.result() if loop.stopped.done() else None

    return asyncio.run(run())


def send(text: str) -> SendDatagram:
    return SendDatagram(destination="*", data=text.encode())


def operation(call_id: int) -> RunOperation:
    return RunOperation(
        call_id=call_id,
        resource="vip",
        standard="ocf",
        provider="heartbeat",
        type="IPaddr2",
        action="start",
        parameters={},
        environment={},
        timeout_ms=20_000,
    )


def persist(token: int) -> Persist:
    return Persist(token=token, writes=(SaveTerm(term=token),))


def test_what_follows_a_write_waits_for_the_disk() -> None:
    def script(event: Event) -> list[Instruction]:
        return [send("a"), persist(1), send("b")] if isinstance(event, Started) else []

    before, _ = play(script, Started(manager=True))
    after, _ = play(script, Started(manager=True), Persisted(token=1))

    assert before == ["send a", "write 1"]
    assert after == ["send a", "write 1", "send b"]


def test_later_lists_do_not_overtake_what_waits() -> None:
    """A message of a ring may not leave before the ring is on the disk."""

    def script(event: Event) -> list[Instruction]:
        match event:
            case Started():
                return [persist(1), send("b")]
            case TimerFired():
                return [send("c")]
            case Persisted():
                return [send("d")]
        return []

    done, _ = play(script, Started(manager=True), TimerFired(), Persisted(token=1))

    assert done == ["write 1", "send b", "send c", "send d"]


def test_a_write_at_the_end_of_its_list_holds_nothing_back() -> None:
    def script(event: Event) -> list[Instruction]:
        return [persist(1)] if isinstance(event, Started) else [send("c")]

    done, _ = play(script, Started(manager=True), TimerFired())

    assert done == ["write 1", "send c"]


def test_writes_behind_writes_are_let_go_one_by_one() -> None:
    def script(event: Event) -> list[Instruction]:
        if isinstance(event, Started):
            return [persist(1), send("b"), persist(2), send("c")]
        return [persist(3)] if isinstance(event, TimerFired) else []

    events = [Started(manager=True), TimerFired(), Persisted(token=1), Persisted(token=2)]

    assert play(script, *events[:3])[0] == ["write 1", "send b", "write 2"]
    assert play(script, *events)[0] == ["write 1", "send b", "write 2", "send c", "write 3"]


def test_a_failed_disk_stops_the_node_though_others_wait_for_it() -> None:
    def script(event: Event) -> list[Instruction]:
        if isinstance(event, Started):
            return [persist(1), send("never")]
        return [StopNode(reason="the disk is full", exit_code=1)]

    failed = StoreFailed(token=1, message="the disk is full")
    done, code = play(script, Started(manager=True), failed)

    assert done == ["write 1", "error: Stopping: the disk is full"]
    assert code == 1


def test_a_node_that_must_end_waits_for_no_disk_and_begins_nothing() -> None:
    """Others count it as off: a start that waited for the disk must not come when that answers."""

    def script(event: Event) -> list[Instruction]:
        match event:
            case Started():
                return [persist(1), send("b")]
            case TimerFired():
                return [operation(7)]
            case ClockSet():
                stop = StopNode(reason="it was fenced", exit_code=1)
                return [operation(8), send("last words"), persist(2), stop]
        return []

    fenced = ClockSet(wall_offset=0.0)
    held = play(script, Started(manager=True), TimerFired(), fenced, Persisted(token=1))
    assert held == (["write 1", "write 2", "error: Stopping: it was fenced"], 1)
    done, code = play(script, fenced)
    assert done == ["send last words", "write 2", "error: Stopping: it was fenced"]
    assert code == 1


def test_a_bug_ends_the_node_and_is_told_with_its_place() -> None:
    def script(event: Event) -> list[Instruction]:
        raise AssertionError("two rings at once")

    done, code = play(script, Started(manager=True), TimerFired())

    assert code == 1
    assert "two rings at once" in done[0]
    assert "test_loop.py" in done[0]


def test_after_a_stop_nothing_is_handled() -> None:
    def script(event: Event) -> list[Instruction]:
        return [StopNode(reason="asked for")]

    done, code = play(script, Started(manager=True), TimerFired())

    assert (done, code) == (["notice: Stopping: asked for"], 0)


def test_a_deadline_in_the_past_fires_without_taking_the_processor() -> None:
    """As often as time goes on, however often the loop has turned meanwhile."""

    async def run() -> tuple[int, int]:
        now = [50.0]
        asyncio.get_running_loop().time = lambda: now[0]  # type: ignore[method-assign]
        core = ScriptedCore(lambda _: [], deadline=0.0)
        loop = node_loop(core, World(), clock=lambda: now[0], wall_clock=lambda: now[0])
        loop.report(Started(manager=True))
        for _ in range(100):
            await asyncio.sleep(0)
        at_once = core.events.count(TimerFired())
        for _ in range(100):
            now[0] += 2 * MIN_DELAY_S
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        loop.stop(0)
        return at_once, core.events.count(TimerFired())

    assert asyncio.run(run()) == (0, 100)


def test_what_is_reported_while_handling_comes_after_it() -> None:
    seen: list[str] = []

    async def run() -> None:
        world = World()

        def script(event: Event) -> list[Instruction]:
            seen.append(type(event).__name__)
            if isinstance(event, Started):
                loop.report(TimerFired())
                seen.append("end of Started")
            return [Log(level="notice", subsystem="MAIN", text="x")]

        core = ScriptedCore(script)
        loop = node_loop(core, world)
        loop.report(Started(manager=True))

    asyncio.run(run())

    assert seen == ["Started", "end of Started", "TimerFired"]


def test_a_wall_clock_that_was_set_is_told_to_the_core() -> None:
    wall = [1_000_000.0]

    def script(event: Event) -> list[Instruction]:
        if isinstance(event, TimerFired):
            wall[0] = 1_003_600.0
        return [StopNode(reason="seen")] if isinstance(event, ClockSet) else []

    async def run() -> list[Event]:
        world = World()
        core = ScriptedCore(script, deadline=0.0)
        loop = node_loop(core, world, clock=lambda: 50.0, wall_clock=lambda: wall[0])
        loop.report(Started(manager=True))
        await asyncio.wait_for(loop.stopped, 5)
        return core.events

    started, fired, told = asyncio.run(run())

    assert (started, fired) == (Started(manager=True), TimerFired())
    assert told == ClockSet(wall_offset=1_003_550.0)

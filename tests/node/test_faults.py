"""Injected faults: the network and the disk that a lab takes away from a node."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from waiting import comes_true

from crmsh_py.engine.api import Event, LinkFacts, SaveTerm, StoreFailed, StoreWrite
from crmsh_py.errors import CrmError
from crmsh_py.node.faults import Faults, FaultyDisk, FaultyTransport
from crmsh_py.wire.control import InjectFaults, Revision


class Wire:
    """A transport that writes down what is sent."""

    def __init__(self, wanted: int = 0) -> None:
        self.sent: list[bytes] = []
        self.complete = asyncio.Event()
        self._wanted = wanted

    def send(self, destination: str, data: bytes, ring: int = 0) -> None:
        self.sent.append(data)
        if len(self.sent) == self._wanted:
            self.complete.set()

    def facts(self) -> tuple[LinkFacts, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


class Platter:
    """A disk that writes down the tokens of its writes."""

    def __init__(self) -> None:
        self.tokens: list[int] = []

    def submit(self, token: int, writes: Sequence[StoreWrite]) -> None:
        self.tokens.append(token)

    def read_revisions(
        self, limit: int, answer: Callable[[list[Revision] | CrmError], None]
    ) -> None:
        answer([])

    def read_revision(
        self, admin_epoch: int, epoch: int, answer: Callable[[str | CrmError], None]
    ) -> None:
        answer("<cib/>")

    def close(self) -> None:
        """Nothing is open."""


def sent(faults: Faults, count: int = 1000, wanted: int = 0) -> list[bytes]:
    """What goes out of so many datagrams, in its order: at once, or when so many are wanted."""

    async def run() -> list[bytes]:
        wire = Wire(wanted)
        transport = FaultyTransport(wire, faults, chance=random.Random(1))
        for number in range(count):
            transport.send("*", str(number).encode())
        await asyncio.sleep(0)
        if wanted:
            await asyncio.wait_for(wire.complete.wait(), 10)
        return wire.sent

    return asyncio.run(run())


def test_without_faults_everything_goes_out_at_once_and_in_order() -> None:
    assert sent(Faults()) == [str(number).encode() for number in range(1000)]


def test_datagrams_are_lost_and_doubled_by_the_percents_that_were_asked_for() -> None:
    assert 850 < len(sent(Faults(loss=10))) < 950
    assert 1150 < len(sent(Faults(duplicate=20))) < 1250
    assert sent(Faults(loss=100)) == []


def test_datagrams_that_come_late_overtake_each_other() -> None:
    assert sent(Faults(delay_ms=60_000)) == []
    late = sent(Faults(delay_ms=30), count=50, wanted=50)
    assert len(late) == 50
    assert late != sorted(late, key=int)


def test_a_request_changes_what_it_names() -> None:
    faults = Faults()
    faults.change(InjectFaults(loss=10, disk_full=True))
    faults.change(InjectFaults(delay_ms=5, disk_full=False))
    assert faults == Faults(loss=10, delay_ms=5)


def test_a_full_disk_fails_and_a_slow_one_keeps_its_order() -> None:
    async def run() -> tuple[list[int], list[Event]]:
        told: list[Event] = []
        platter, faults = Platter(), Faults(disk_delay_ms=40)
        disk = FaultyDisk(platter, faults, told.append)
        disk.submit(1, [SaveTerm(term=1)])
        assert platter.tokens == []
        faults.disk_delay_ms = 0
        disk.submit(2, [SaveTerm(term=2)])  # not before the first
        assert platter.tokens == []
        await comes_true(lambda: platter.tokens == [1, 2])
        faults.disk_full = True
        disk.submit(3, [SaveTerm(term=3)])
        await comes_true(lambda: told != [])
        return platter.tokens, told

    tokens, told = asyncio.run(run())
    assert tokens == [1, 2]
    (failed,) = told
    assert isinstance(failed, StoreFailed)
    assert failed.token == 3


def test_writes_that_are_due_at_one_time_keep_their_order() -> None:
    """A loop's timers do not: here all wait for the first, after the disk is quick again."""

    async def run() -> list[int]:
        platter, faults = Platter(), Faults(disk_delay_ms=20)
        disk = FaultyDisk(platter, faults, lambda _: None)
        disk.submit(0, [SaveTerm(term=1)])
        faults.disk_delay_ms = 0
        for token in range(1, 50):
            disk.submit(token, [SaveTerm(term=1)])
        await comes_true(lambda: len(platter.tokens) == 50)
        return platter.tokens

    assert asyncio.run(run()) == list(range(50))

"""A child process with a time limit: it always ends for whoever waits, and it ends once."""

from __future__ import annotations

import asyncio
import signal

import pytest

from crmsh_py.node import process
from crmsh_py.node.process import ChildProcess, Ended

PATH = {"PATH": "/usr/bin:/bin"}


class Stuck(ChildProcess):
    """A process that waits for a disk: no signal reaches it."""

    def _signal(self, number: signal.Signals) -> None:
        pass


@pytest.fixture
def ends() -> list[Ended]:
    return []


def run(ends: list[Ended], made: type[ChildProcess], command: str, *, cancel: bool = False) -> None:
    """Begin it with a limit of 50 ms, and wait until it has really gone."""

    async def begin() -> None:
        told = asyncio.Event()

        def on_end(ended: Ended) -> None:
            ends.append(ended)
            told.set()

        child = made(["sh", "-c", command], PATH, timeout_s=0.05, on_end=on_end)
        if cancel:
            child.cancel()
        async with asyncio.timeout(20):
            await told.wait()
            while child._pidfd >= 0:  # noqa: ASYNC110  (nobody is told of that)
                await asyncio.sleep(0.01)

    asyncio.run(begin())


@pytest.mark.parametrize("cancel", [False, True])
def test_what_no_signal_reaches_is_told_all_the_same(
    ends: list[Ended], monkeypatch: pytest.MonkeyPatch, cancel: bool
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.05)
    monkeypatch.setattr(process, "STUCK_S", 0.05)
    run(ends, Stuck, "echo begun; sleep 0.7", cancel=cancel)
    (ended,) = ends
    assert (ended.rc, ended.cancelled) == (-signal.SIGKILL, cancel)
    assert ended.timed_out or cancel
    assert ended.output in ("begun\n", "")
    assert ended.exec_ms < 700, "before it has gone"


def test_what_can_be_killed_is_told_when_it_has_gone(ends: list[Ended]) -> None:
    run(ends, ChildProcess, "exec sleep 60")
    (ended,) = ends
    assert (ended.rc, ended.timed_out) == (-signal.SIGTERM, True)

"""The watchdog's process: real pipes, and a kill that only writes down whom it would have hit."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from crmsh_py.lab import watchdog

NAME, PID = "pacemaker01", 4_000_001


class Guarded:
    """A watchdog in a thread, with one node that it watches."""

    def __init__(self) -> None:
        self.killed: list[tuple[str, int]] = []
        self.supervisor, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.supervisor.settimeout(10)
        self._theirs = theirs
        process = watchdog._Process(theirs, lambda name, pid: self.killed.append((name, pid)))
        self.thread = threading.Thread(target=process.run)
        self.thread.start()
        self.feed = self.watch(NAME, PID)

    def watch(self, name: str, pid: int) -> int:
        theirs, ours = os.pipe()
        socket.send_fds(self.supervisor, [f"watch {name} {pid}".encode()], [theirs])
        os.close(theirs)
        return ours

    def say(self, line: str) -> None:
        os.write(self.feed, f"{line}\n".encode())

    def close(self) -> None:
        self.supervisor.close()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self._theirs.close()
        os.close(self.feed)


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setattr(watchdog, "_hurry", lambda: None)
    made = Guarded()
    yield made
    made.close()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "said",
    [
        "until 3000000",  # a month ahead: poll(2) takes 24 days
        "until 1e308",
        "until inf",
        "until nan",
    ],
)
def test_nothing_that_a_node_says_ends_the_watchdog_of_all(guarded: Guarded, said: str) -> None:
    if said == "until 3000000":
        said = f"until {time.monotonic() + 3_000_000}"
    guarded.say(said)
    # Another node, which the watchdog can only reset if it is still there.
    late = guarded.watch("pacemaker02", PID + 1)
    os.write(late, f"until {time.monotonic()}\n".encode())
    assert guarded.supervisor.recv(4096) == f"reset pacemaker02 {PID + 1}".encode()
    assert guarded.killed == [("pacemaker02", PID + 1)]
    os.close(late)


def test_a_node_of_the_far_past_is_late(guarded: Guarded) -> None:
    guarded.say("until -1e308")
    assert guarded.supervisor.recv(4096) == f"reset {NAME} {PID}".encode()

"""What the supervisor does when something goes wrong: nodes are fakes, no process is started."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmsh_py.errors import CrmError
from crmsh_py.lab import boot, commands, hosting, iproute, spawn, supervisor
from crmsh_py.lab.client import Lab
from crmsh_py.lab.config import GUEST, NodeConfig, mac_for
from crmsh_py.lab.hosting import Hosting
from crmsh_py.lab.iproute import NetworkError
from crmsh_py.lab.isolation import Attempt, Isolation
from crmsh_py.wire import lab as wire

KILL_ALL = hosting._kill_all  # the real one
NODES = tuple(NodeConfig(name, f"192.168.100.{10 + i}") for i, name in enumerate("abc"))


class FakeInit:
    """A node's first process: it says at once that all is well, and does what a test tells it."""

    pids = iter(range(4_000_001, 5_000_000))  # above what Linux gives to processes

    def __init__(self, words: str = f"{boot.UNSHARED}\n{boot.READY} 1\n") -> None:
        self.pid = next(self.pids)
        self.hangs = False
        self.feed, self.to_init = os.pipe()
        self.from_init, self._said = os.pipe()
        self.code: int | None = None
        self.say(words)

    def say(self, words: str) -> None:
        os.write(self._said, words.encode())

    def end(self, code: int) -> None:
        self.code = code
        os.close(self._said)
        self._said = -1

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout_s: float) -> bool:
        return not self.hangs

    def tell(self, line: str) -> None:
        pass

    def close(self) -> None:
        if self._said >= 0:
            self.end(-9)
        for descriptor in (self.to_init, self.from_init):
            os.close(descriptor)


class FakeWatchdog:
    gone = False
    pid = 0

    def __init__(self, kill: object) -> None:
        self._ends = socket.socketpair()
        self.told: list[tuple[str, int]] = []

    def fileno(self) -> int:
        return self._ends[0].fileno()

    def watch(self, name: str, pid: int, pipe: int) -> None:
        os.close(pipe)

    def close(self) -> None:
        for end in self._ends:
            end.close()

    def wake(self) -> None:
        """It is awake."""

    def resets(self) -> list[tuple[str, int]]:
        return self.told


class Bench:
    """A hosting with fakes at its ports; ``inits`` are what the next starts get."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        environ = {"CRM_STATE_DIR": str(home / "s"), "CRM_RUNTIME_DIR": str(home / "r")}
        self.lab = Lab(environ=environ, lab="t")
        self.config = self.lab.create(nodes=["a", "b"])
        self.inits: list[FakeInit | OSError] = []
        self.ip: NetworkError | None = None
        self.lines: list[str] = []  # what ip was told
        patch.setattr(hosting, "Watchdog", FakeWatchdog)
        patch.setattr(hosting, "spawn_init", self._spawn)
        patch.setattr(hosting, "_kill_all", lambda *_, **__: None)
        patch.setattr(hosting, "reap_strays", lambda _: None)
        patch.setattr(hosting, "run_ip", self._run_ip)
        attempt = Attempt(Isolation.ROOT, own_pids=True)
        self.hosting = Hosting(self.config, self.lab.place, attempt)

    @property
    def watchdog(self) -> FakeWatchdog:
        watchdog = self.hosting._watchdog
        assert isinstance(watchdog, FakeWatchdog)
        return watchdog

    def _spawn(self, *, own_pids: bool) -> FakeInit:
        init = self.inits.pop(0)
        if isinstance(init, OSError):
            raise init
        return init

    def _run_ip(self, lines: list[str], *, go_on: bool = False) -> None:
        self.lines += lines
        if self.ip is not None:
            raise self.ip

    def states(self) -> dict[str, tuple[str, str]]:
        return {n.name: (n.state, n.reason) for n in self.hosting.state("").nodes}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.ip = None
    made.hosting.kill(made.hosting.names())
    made.hosting._watchdog.close()


def test_a_daemon_killed_by_a_signal_without_a_name_is_a_node_that_died(bench: Bench) -> None:
    """``kill -40`` in a node: Python has a name for the first and the last of these only."""
    init = FakeInit()
    bench.inits = [init]
    assert bench.hosting.start(["a"], manager=True) == (["a"], "")
    init.say(f"{boot.ENDED} -40\n")
    init.end(1)
    bench.hosting.notice_ends()
    assert bench.states()["a"] == ("died", "its daemon was killed by signal 40")


def test_a_node_that_cannot_be_started_keeps_no_other_from_it(bench: Bench) -> None:
    bench.inits = [FakeInit(), OSError(11, "Resource temporarily unavailable")]
    started, failure = bench.hosting.start(["a", "b"], manager=True)
    assert (started, failure) == (["a"], "b: Resource temporarily unavailable")
    assert bench.states() == {"a": ("on", ""), "b": ("died", "Resource temporarily unavailable")}
    bench.inits = [FakeInit()]
    assert bench.hosting.start(["a", "b"], manager=True) == (["b"], "")


def test_no_node_is_left_starting_whatever_happens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    bench.inits = [FakeInit()]
    with monkeypatch.context() as patch:
        patch.setattr(bench.hosting, "_plug_in", broken)
        with pytest.raises(ValueError, match="a bug"):
            bench.hosting.start(["a"], manager=True)
    assert bench.states()["a"][0] == "died"
    bench.inits = [FakeInit()]
    assert bench.hosting.start(["a"], manager=True) == (["a"], "")


def test_a_node_that_is_off_leaves_no_closed_pipe_to_look_at(bench: Bench) -> None:
    bench.inits = [FakeInit()]
    bench.hosting.start(["a"], manager=True)
    before = len(bench.hosting.descriptors())
    bench.ip = NetworkError("'ip' did not end within 10 s")
    with pytest.raises(NetworkError):
        bench.hosting._switch_off(bench.hosting._nodes["a"], reason="killed", state=wire.Power.OFF)
    assert len(bench.hosting.descriptors()) == before - 1
    assert bench.states()["a"] == ("off", "killed")


def test_a_start_that_the_machine_refuses_leaves_no_pipe_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="temporarily"):
        spawn.spawn_init(own_pids=False)
    assert len(os.listdir("/proc/self/fd")) == before


_SLOW_CHILD_BETWEEN = """
import os, time
from pathlib import Path
from crmsh_py.lab import linux, processes, spawn

end, before = os._exit, os.getpid()

def sleeps(pid):
    fields = processes._stat(pid)
    return fields[0] == "S" and b"crmsh_py.lab.init" in Path(f"/proc/{pid}/cmdline").read_bytes()

def late(code):  # when init waits for its specification, and for nothing else
    pid, = processes.descendants(os.getpid())
    seen = deadline = time.monotonic() + 20
    while time.monotonic() < min(deadline, seen + 0.3):
        if not sleeps(pid):
            seen = deadline
        elif seen == deadline:
            seen = time.monotonic()
        time.sleep(0.01)
    end(code)

linux.adopt_orphans()
os._exit = late
init = spawn.spawn_init(own_pids=False)
os.close(init.to_init)
print(init.wait(20), init.code)
"""


def test_a_node_does_not_die_with_the_child_that_made_it() -> None:
    """On a busy machine that may end later than init asks to die with its parent."""
    done = subprocess.run(
        [sys.executable, "-c", _SLOW_CHILD_BETWEEN],
        env={"PYTHONPATH": commands.python_path(), "PATH": commands.SYSTEM_PATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "True 1\n", f"init was told nothing, and so has failed: {done.stderr}"


def test_a_node_that_was_removed_and_added_has_its_new_address(bench: Bench) -> None:
    init = FakeInit()
    bench.inits = [init]
    bench.hosting.start(["b"], manager=True)
    moved = tuple(
        dataclasses.replace(node, address=f"192.168.100.{90 + number}")
        for number, node in enumerate(bench.config.nodes)
    )
    bench.hosting.take(dataclasses.replace(bench.config, nodes=moved))
    addresses = {node.name: node.address for node in bench.hosting.state("").nodes}
    assert addresses == {"a": "192.168.100.90", "b": "192.168.100.11"}, "b runs where it was"


def test_a_node_more_has_a_cable_on_each_network(bench: Bench) -> None:
    nodes = [dataclasses.replace(n, second=f"10.9.0.{10 + i}") for i, n in enumerate(NODES)]
    two = dataclasses.replace(bench.config, second_network="10.9.0.0/24", nodes=tuple(nodes))
    bench.hosting.take(two)
    bench.inits = [FakeInit() for _ in nodes]
    bench.hosting.start([node.name for node in nodes], manager=True)
    for node in nodes:
        attached = [line for line in bench.lines if f"address {mac_for(node.second)} " in line]
        assert len(attached) == 1, f"{node.name} on the second network"


@pytest.mark.parametrize(
    "error", [subprocess.TimeoutExpired("ip", 10), OSError(11, "Resource temporarily unavailable")]
)
def test_taking_cables_away_goes_on_whatever_ip_says(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", failing)
    iproute.run(["link del port0"], go_on=True)
    assert "link del port0: 'ip' " in capfd.readouterr().err
    with pytest.raises(NetworkError):
        iproute.run(["link add port0"])


def test_a_node_that_is_switched_off_stays_so_though_its_reset_is_told_late(bench: Bench) -> None:
    """The supervisor was busy: the fence agent's ``off`` comes to it before the watchdog's word."""
    init = FakeInit()
    bench.inits = [init, FakeInit()]
    bench.hosting.start(["a"], manager=True)
    init.end(-9)
    bench.hosting.switch_power(["a"], "off")
    bench.watchdog.told = [("a", init.pid)]
    bench.hosting.switch_on_late()
    assert len(bench.inits) == 1, "it has not been started again"
    assert bench.states()["a"][0] != "on"


def test_an_id_that_was_given_to_a_process_of_the_machine_kills_nothing(bench: Bench) -> None:
    """The watchdog may be late with a node that has ended, and knows it by its id alone."""
    with subprocess.Popen(["sleep", "60"]) as other:
        KILL_ALL(bench.lab.place, "a", other.pid, own_pids=True)
        assert other.poll() is None
        other.terminate()
        assert other.wait() == -signal.SIGTERM


def test_a_node_of_which_something_hangs_is_not_off(bench: Bench) -> None:
    """It waits for a disk in the kernel and may yet write: nobody must rely on its end."""
    init = FakeInit()
    bench.inits = [init, FakeInit()]
    with subprocess.Popen(["sleep", "60"]) as hanging:
        init.pid, init.hangs = hanging.pid, True
        bench.hosting.start(["a"], manager=True)
        for action in ("off", "reboot"):
            with pytest.raises(CrmError, match="a is not off"):
                bench.hosting.switch_power(["a"], action)
            bench.hosting.switch_on_late()
            assert bench.states()["a"][0] == "on"
        assert "hangs in the kernel" in bench.hosting.start(["a"], manager=True)[1]
        hanging.kill()
    assert bench.states()["a"][0] != "on"
    bench.hosting.switch_power(["a"], "reboot")
    bench.hosting.switch_on_late()
    assert bench.states()["a"] == ("on", "")
    assert not bench.inits


def test_a_watchdog_that_ends_switches_no_guest_on(bench: Bench) -> None:
    guest = NodeConfig("g", "192.168.100.30", kind=GUEST)
    nodes = (*bench.config.nodes, guest)
    bench.hosting.take(dataclasses.replace(bench.config, nodes=nodes))
    bench.inits = [FakeInit() for _ in range(4)]
    bench.hosting.start(["a"], manager=True)
    bench.hosting.switch_power(["g"], "on", "a")
    bench.hosting.switch_on_late()
    assert bench.states()["g"][0] == "on"
    bench.watchdog.gone = True
    bench.hosting.switch_on_late()
    assert bench.states()["a"][0] == "on", "it was reset, as nothing guarded it"
    assert bench.states()["g"][0] == "off", "the cluster starts it, where it wants it"


# ---- the supervisor --------------------------------------------------------------------------


class FakeHosting:
    """One that fails at everything once, and at being asked every time."""

    def __init__(self, *_: object) -> None:
        self.failures = {"notice_ends", "switch_on_late", "descriptors"}

    def _fail_once(self, name: str) -> None:
        if name in self.failures:
            self.failures.remove(name)
            raise ValueError(f"{name} is broken")

    def descriptors(self) -> list[int]:
        self._fail_once("descriptors")
        return []

    def notice_ends(self) -> None:
        self._fail_once("notice_ends")

    def switch_on_late(self) -> None:
        self._fail_once("switch_on_late")

    def names(self) -> list[str]:
        return []

    def kill(self, _: object) -> list[str]:
        return []

    def heal(self) -> list[str]:
        raise KeyError("no such thing")


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[supervisor.Supervisor]:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    lab = Lab(environ=environ, lab="t")
    config = lab.create()
    monkeypatch.setattr(supervisor, "Hosting", FakeHosting)
    monkeypatch.setattr(supervisor, "_TROUBLE_PAUSE_S", 0.0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    made = supervisor.Supervisor(config, lab.place, Attempt(Isolation.ROOT), note="")
    made._socket.bind(lab.place.socket)
    made._socket.listen()
    yield made
    made._socket.close()


def _ask(path: str, request: wire.LabRequest) -> wire.LabReply:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(wire.encode(request))
        with client.makefile("rb") as answer:
            return wire.decode_reply(answer.readline())


def test_a_supervisor_outlives_what_it_did_not_expect(
    serving: supervisor.Supervisor, capfd: pytest.CaptureFixture[str]
) -> None:
    path = serving._place.socket
    replies: list[wire.LabReply] = []

    def client() -> None:
        replies.append(_ask(path, wire.Heal()))
        replies.append(_ask(path, wire.EndLab()))

    thread = threading.Thread(target=client)
    thread.start()
    assert serving.serve() == 0
    thread.join()
    refused, ended = replies
    assert isinstance(refused, wire.LabRefused)
    assert "KeyError" in refused.text
    assert "supervisor.log" in refused.hint
    assert ended == wire.LabDone(nodes=[])
    log = capfd.readouterr().err
    for name in ("notice_ends", "switch_on_late", "descriptors"):
        assert f"ValueError: {name} is broken" in log
    assert "no such thing" in log


def test_what_nobody_waits_for_any_more_is_not_done(
    serving: supervisor.Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fence agent that ended while the supervisor was busy: its node was told that it failed."""
    cut: list[str] = []

    def switch_power(_: object, names: list[str], *__: object) -> list[str]:
        cut.extend(names)
        return names

    monkeypatch.setattr(FakeHosting, "switch_power", switch_power, raising=False)
    monkeypatch.setattr(FakeHosting, "names", lambda _: ["a", "b"])
    for name in ("a", "b"):
        gone = socket.socket(socket.AF_UNIX)
        gone.connect(serving._place.socket)
        gone.sendall(wire.encode(wire.SwitchPower(nodes=[name], action="off")))
        if name == "a":
            gone.close()
        else:
            with gone:
                thread = threading.Thread(target=_ask, args=(serving._place.socket, wire.EndLab()))
                thread.start()
                assert serving.serve() == 0
                thread.join()
    assert cut == ["b"]


def test_a_log_on_a_full_disk_ends_no_supervisor(
    serving: supervisor.Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervisor, "print", told, raising=False)
    thread = threading.Thread(target=_ask, args=(serving._place.socket, wire.EndLab()))
    thread.start()
    assert serving.serve() == 0
    thread.join()


def test_the_end_of_a_supervisor_is_told_in_the_log(tmp_path: Path) -> None:
    """In a process of its own, for it ends without a word by any other way."""
    program = (
        "import os\n"
        "from crmsh_py.lab import supervisor\n"
        "def broken(*_, **__): raise ValueError('a bug')\n"
        "supervisor.isolation.enter = broken\n"
        "become = supervisor._become\n"
        "supervisor._end_with(lambda: become(None, None, None, [], said=1, told=0))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "ValueError: a bug" in done.stderr
    assert done.stdout == "ValueError: a bug\n", "whoever waits for the supervisor is told too"

"""A lab where no namespaces are to be had: plain processes on loopback, after saying so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.harness import NODES, Driver, RefusedError, no_namespaces, reachable_python
from waiting import until

from crmsh_py.lab import processes

pytestmark = pytest.mark.e2e


@pytest.fixture
def forbidding() -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it runs where namespaces are forbidden."""
    with no_namespaces() as prefix:
        yield prefix


@pytest.fixture
def plain(forbidding: tuple[str, ...]) -> Iterator[Driver]:
    """A lab of three nodes where namespaces are forbidden."""
    home = Path(tempfile.mkdtemp(prefix="crm-lab-", dir="/tmp"))  # paths of sockets are short
    python = reachable_python()
    if not python:
        pytest.skip("no Python of this version that a root without rights can start")
    (home / "run").mkdir(mode=0o700)
    driver = Driver("plain", python, home, prefix=forbidding)
    driver.create()
    yield driver
    driver.do("destroy")
    shutil.rmtree(home)


def test_nodes_are_processes_on_loopback_and_that_is_said(plain: Driver) -> None:
    said = plain.answer("start")["said"]
    assert any("plain processes on loopback" in line and "help" in line for line in said)
    status = plain.do("status")
    assert status["isolation"] == "none"
    assert [node["address"] for node in status["nodes"]] == [
        "127.168.100.10",
        "127.168.100.11",
        "127.168.100.12",
    ]
    assert plain.output("pacemaker02", "sh", "-c", "echo $CRM_NODE; pwd").split() == [
        "pacemaker02",
        str(plain.state / "nodes/pacemaker02/root"),
    ]
    with pytest.raises(RefusedError, match="no cables"):
        plain.do("partition", ["pacemaker01"])


def test_a_kill_ends_all_of_a_node_and_nothing_else(plain: Driver) -> None:
    plain.do("start")
    plain.output("pacemaker01", "sh", "-c", "setsid sleep 777 >/dev/null 2>&1 &")
    marks = [f"CRM_STATE_DIR={plain.state.parent}", "CRM_NODE=pacemaker01"]
    assert len(_marked(marks)) >= 2
    assert plain.do("kill", ["pacemaker01"]) == ["pacemaker01"]
    assert until(lambda: not _marked(marks))
    assert [n["state"] for n in plain.do("status")["nodes"]] == ["off", "on", "on"]
    assert plain.do("start") == ["pacemaker01"]


def test_a_command_in_a_frozen_node_is_stopped_and_goes_on_with_it(plain: Driver) -> None:
    """It is no descendant of the node's first process."""
    plain.do("start")
    command = subprocess.Popen(
        plain.command("execute", "pacemaker01", ["sleep", "776"]),
        env=plain.environment,
        stdin=subprocess.DEVNULL,
    )

    def state() -> str:
        (sleeping,) = _sleeping("776") or [0]
        return Path(f"/proc/{sleeping}/stat").read_text().rpartition(")")[2].split()[0]

    try:
        assert until(lambda: _sleeping("776") != [])
        assert plain.do("freeze", ["pacemaker01"]) == ["pacemaker01"]
        assert until(lambda: state() == "T")
        assert plain.do("thaw", ["pacemaker01"]) == ["pacemaker01"]
        assert until(lambda: state() == "S")
        processes.send(_sleeping("776")[0], signal.SIGTERM)
        assert command.wait(10), "who waits for it goes on too"
    finally:
        plain.do("kill", ["pacemaker01"])
        command.kill()
        command.wait()


def _sleeping(seconds: str) -> list[int]:
    found = []
    for pid in processes.all_pids():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if line == b"sleep\0" + seconds.encode() + b"\0":
            found.append(pid)
    return found


def test_what_ran_before_a_loss_of_power_leaves_no_trace_for_agents(plain: Driver) -> None:
    plain.do("start")
    trace = plain.state / "nodes/pacemaker01/run/resource-agents/standin-ip.address"
    trace.write_text("127.168.100.100")
    plain.do("kill", ["pacemaker01"])
    plain.do("start")
    assert not trace.exists()


def test_nothing_outlives_a_killed_supervisor(plain: Driver) -> None:
    assert plain.do("start") == list(NODES)
    os.kill(plain.do("status")["pid"], signal.SIGKILL)
    assert until(lambda: not _marked([f"CRM_STATE_DIR={plain.state.parent}"]))


def test_a_start_after_a_killed_supervisor_ends_what_its_nodes_had_left(plain: Driver) -> None:
    """Also of a node that is not started: its addresses may be somebody else's by now."""
    plain.do("start")
    plain.output("pacemaker01", "sh", "-c", "setsid sleep 778 >/dev/null 2>&1 &")
    plain.output("host", "sh", "-c", "setsid sleep 779 >/dev/null 2>&1 &")
    os.kill(plain.do("status")["pid"], signal.SIGKILL)
    plain.do("start", ["pacemaker02"])
    marks = [f"CRM_STATE_DIR={plain.state.parent}"]
    assert not _marked([*marks, "CRM_NODE=pacemaker01"])
    assert any(b"779" in Path(f"/proc/{p}/cmdline").read_bytes() for p in _marked(marks))


def _marked(marks: list[str]) -> list[int]:
    return [pid for pid in processes.all_pids() if processes.environment_has(pid, marks)]

"""What a lab promises as a whole: it is made, found, used by several, and taken away entirely."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from lab.harness import NODES, Driver, RefusedError
from waiting import until

from crmsh_py.lab import linux, processes

pytestmark = pytest.mark.e2e


def remains(driver: Driver) -> list[str]:
    """Processes that have anything to do with a driver's labs, and files."""
    found = []
    home = str(driver.home).encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            texts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        except OSError:
            continue
        if any(home in text for text in texts) and int(pid) != os.getpid():
            found.append(f"{pid}: {texts[0]!r}")
    found += [str(path) for path in driver.home.rglob("*crmsh-py*")]
    found += [
        line
        for line in Path("/proc/self/mounts").read_text().splitlines()
        if str(driver.home) in line
    ]
    return found


def inhabitants(driver: Driver) -> set[processes.Process]:
    """Every process in one of the lab's network namespaces."""
    state = driver.do("status")
    inside = {
        linux.namespace_id(pid, "net")
        for pid in (state["pid"], *(node["pid"] for node in state["nodes"]))
    }
    inside.discard(0)  # a node that is off, or a process that nobody may look at
    found = (
        processes.identify(p)
        for p in processes.all_pids()
        if linux.namespace_id(p, "net") in inside
    )
    return {process for process in found if process is not None}


@pytest.mark.alone
def test_create_and_start_are_quick(driver: Driver) -> None:
    """Less than 2 s for three machines; 1 s is for a busy test machine."""
    began = time.monotonic()
    driver.create()
    driver.do("start")
    took = time.monotonic() - began
    driver.do("destroy")
    assert took < 3.0


def test_destroy_leaves_nothing(driver: Driver) -> None:
    held = Path("/proc/self/mounts").read_text().count("nsfs")
    driver.create()
    driver.do("start")
    driver.output("pacemaker01", "sh", "-c", "mkdir -m 0 /root/shut; touch '/root/a b'")
    driver.output("host", "sh", "-c", "setsid sleep 999 >/dev/null 2>&1 &")
    assert remains(driver)
    inside = inhabitants(driver)
    assert len(inside) >= 8, "a supervisor, three inits, three daemons and the sleep"
    driver.do("destroy")
    assert remains(driver) == []
    # A namespace lasts as long as a process, a mount or an open file holds it.
    assert not any(processes.is_alive(process) for process in inside)
    assert Path("/proc/self/mounts").read_text().count("nsfs") == held
    assert driver.do("list_labs") == []
    with pytest.raises(RefusedError, match="there is no lab"):
        driver.do("destroy")


def test_nodes_die_with_their_supervisor_and_destroy_works_without_it(driver: Driver) -> None:
    driver.create()
    driver.do("start")
    state = driver.do("status")
    pids = [node["pid"] for node in state["nodes"]]
    os.kill(state["pid"], signal.SIGKILL)
    assert until(lambda: not any(_alive(pid) for pid in pids))
    assert driver.do("status")["pid"] == 0
    assert driver.do("start") == list(NODES), "a start brings all of it back"
    os.kill(driver.do("status")["pid"], signal.SIGKILL)
    driver.do("destroy")
    assert remains(driver) == []


def test_a_program_with_another_environment_does_not_hold_the_lab(driver: Driver) -> None:
    """Nor does one that was started before the supervisor was killed."""
    for kill in (False, True):
        driver.create()
        driver.do("start")
        command = "exec env -i /bin/sh -c 'setsid sleep 998 >/dev/null 2>&1 & echo $!'"
        pids = [int(driver.output("host", "sh", "-c", command))]
        driver.output("pacemaker01", "sh", "-c", command)
        inside = inhabitants(driver)
        assert pids[0] in {process.pid for process in inside}
        if kill:
            os.kill(driver.do("status")["pid"], signal.SIGKILL)
        driver.do("destroy")
        assert not any(processes.is_alive(process) for process in inside)
        assert remains(driver) == []


def test_a_stuck_node_does_not_hold_the_lab(driver: Driver) -> None:
    """Stopped as by a debugger: its daemon, its init, all of another node."""
    driver.create()
    driver.do("start")
    inside = inhabitants(driver)
    nodes = {node["name"]: node["pid"] for node in driver.do("status")["nodes"]}
    for pid in processes.descendants(nodes["pacemaker01"]):
        os.kill(pid, signal.SIGSTOP)
    for pid in (nodes["pacemaker02"], *processes.descendants(nodes["pacemaker02"])):
        os.kill(pid, signal.SIGSTOP)
    driver.do("destroy")
    assert not any(processes.is_alive(process) for process in inside)
    assert remains(driver) == []


def test_a_stuck_supervisor_does_not_hold_the_lab(driver: Driver) -> None:
    driver.create()
    driver.do("start", ["pacemaker01"])
    inside = inhabitants(driver)
    os.kill(driver.do("status")["pid"], signal.SIGSTOP)
    driver.do("destroy")
    assert not any(processes.is_alive(process) for process in inside)
    assert remains(driver) == []


def test_clients_that_say_nothing_hold_up_nobody(driver: Driver) -> None:
    """A power cut would wait for them, two seconds for each."""
    driver.create()
    driver.do("start", ["pacemaker01"])
    path = driver.home / "run/crmsh-py" / driver.name / "lab.sock"
    silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    try:
        for number, each in enumerate(silent):
            each.connect(str(path))
            with suppress(BrokenPipeError):  # another user's lab has hung up at once
                each.sendall(b"{" * (number % 2))
        began = time.monotonic()
        driver.do("kill", ["pacemaker01"])
        assert time.monotonic() - began < 10
        assert all(until(lambda each=each: _is_dropped(each)) for each in silent)  # type: ignore[misc]
    finally:
        for each in silent:
            each.close()
    driver.do("destroy")


def _is_dropped(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("missing", ["lab.json", "key", "nodes", "bin", "runtime", "state"])
def test_half_a_lab_can_be_destroyed(driver: Driver, missing: str) -> None:
    """As a creation leaves it that was killed, or somebody who removed files by hand."""
    driver.create()
    runtime = driver.home / "run/crmsh-py" / driver.name
    path = {"runtime": runtime, "state": driver.state}.get(missing, driver.state / missing)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    driver.do("destroy")
    assert remains(driver) == []
    driver.create()
    driver.do("destroy")


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_start_and_stop_can_be_said_twice(driver: Driver) -> None:
    driver.create()
    assert driver.do("stop") == []
    assert driver.do("start", ["pacemaker02"]) == ["pacemaker02"]
    assert driver.do("start") == ["pacemaker01", "pacemaker03"]
    assert driver.do("start") == []
    assert driver.do("stop", ["pacemaker01"]) == ["pacemaker01"]
    assert driver.do("stop", ["pacemaker01"]) == []
    assert sorted(driver.do("stop")) == ["pacemaker02", "pacemaker03"]
    assert driver.do("status")["pid"] == 0, "with all nodes off, nothing runs"
    assert driver.do("stop") == []
    driver.do("destroy")


def test_two_commands_at_once_do_not_disturb_each_other(driver: Driver) -> None:
    driver.create()
    started = [
        subprocess.Popen(
            driver.command("start"), env=driver.environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in started]
    assert sorted(name for answer in answers for name in answer["result"]) == list(NODES)
    driver.do("destroy")


def test_labs_live_side_by_side(driver: Driver) -> None:
    """Two labs have the same addresses and do not see each other."""
    driver.create()
    driver.do("start")
    driver.environment["CRM_LAB"] = "second"
    driver.create(nodes=["alpha", "beta"])
    driver.do("start")
    assert driver.do("list_labs") == ["second", "t"]
    assert driver.output("alpha", "hostname") == "alpha"
    assert not driver.pings("alpha", "192.168.100.12")
    driver.do("destroy")
    driver.environment["CRM_LAB"] = "t"
    assert driver.output("pacemaker03", "hostname") == "pacemaker03"
    driver.do("destroy")
    assert remains(driver) == []


def test_a_lab_of_the_same_name_elsewhere_is_left_alone(driver: Driver) -> None:
    """The same user with another HOME (sudo, su) has the same sockets."""
    other = replace(driver)
    other.environment["XDG_STATE_HOME"] = str(driver.home / "elsewhere")
    other.create()
    driver.create()
    driver.do("start")
    for method in ("start", "status", "stop", "destroy"):
        with pytest.raises(RefusedError, match="another lab 't' of yours is running") as refused:
            other.do(method)
        assert str(driver.state) in refused.value.message
    assert {node["state"] for node in driver.do("status")["nodes"]} == {"on"}
    driver.do("stop")
    other.do("start")
    with pytest.raises(RefusedError, match="another lab"):
        driver.do("start")
    other.do("destroy")
    driver.do("start")
    driver.do("destroy")


def test_it_survives_the_terminal_that_started_it(driver: Driver) -> None:
    driver.create()
    process = subprocess.Popen(
        driver.command("start"),
        env=driver.environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.wait(30)
    try:
        os.killpg(process.pid, signal.SIGHUP)  # what a closing terminal sends to its session
    except ProcessLookupError:
        pass  # nobody is left in it: just so
    supervisor = driver.do("status")["pid"]
    assert supervisor
    assert os.getsid(supervisor) == supervisor
    driver.do("destroy")


def test_who_ignores_the_end_of_children_can_start_it(driver: Driver) -> None:
    """That is inherited: no agent of a node would have an exit code."""
    ignore = (
        "import os,signal,sys;signal.signal(17, signal.SIG_IGN);os.execvp(sys.argv[1],sys.argv[1:])"
    )

    def under_it(method: str, *positional: object) -> int:
        done = subprocess.run(
            [driver.python, "-c", ignore, *driver.command(method, *positional)],
            env=driver.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode

    driver.create()
    assert under_it("start") == 0
    assert under_it("execute", "pacemaker01", ["sh", "-c", "(exit 3)"]) == 3
    first = driver.node("pacemaker01")["pid"]
    ignored = Path(f"/proc/{first}/status").read_text().partition("SigIgn:\t")[2].split()[0]
    assert not int(ignored, 16) & 1 << (signal.SIGCHLD - 1)
    driver.do("destroy")


def test_it_ends_when_its_directory_is_taken_away(driver: Driver) -> None:
    driver.create()
    driver.do("start")
    supervisor = driver.do("status")["pid"]
    (driver.state / "lab.json").unlink()
    assert until(lambda: not _alive(supervisor))
    driver.do("destroy")
    assert remains(driver) == []


def test_the_tutorials_file_makes_the_tutorials_machines(driver: Driver) -> None:
    file = Path(__file__).resolve().parents[2] / "examples" / "corosync.conf"
    answer = driver.create(conf_file=str(file))
    assert any("amf.mode" in line for line in answer["said"]), "keys without effect are named"
    nodes = driver.do("status")["nodes"]
    assert [(n["name"], n["address"], n["state"]) for n in nodes] == [
        ("pacemaker01", "192.168.100.10", "off"),
        ("pacemaker02", "192.168.100.11", "off"),
        ("pacemaker03", "192.168.100.12", "off"),
    ]
    driver.do("start", ["pacemaker01"])
    assert driver.output("pacemaker01", "cat", "/etc/corosync/corosync.conf") == (
        file.read_text().strip()
    )
    driver.do("destroy")


@pytest.mark.parametrize(
    ("named", "match"),
    [
        ({"conf_file": "/no/such/file"}, "cannot be read"),
        ({"nodes": ["a", "a"]}, "two nodes"),
        ({"nodes": ["host"]}, "host"),
        ({"nodes": ["bad name"]}, "no name for a node"),
        ({"network": "10.0.0.0/33"}, "network"),
        ({"network": "10.0.0.0/30"}, "30"),
        ({"agents": "some"}, "agents"),
    ],
)
def test_bad_wishes_make_nothing(driver: Driver, named: dict[str, object], match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        driver.create(**named)
    assert driver.do("list_labs") == []
    assert remains(driver) == []


def test_bad_names_get_one_clear_error(driver: Driver) -> None:
    with pytest.raises(RefusedError, match="there is no lab"):
        driver.do("start")
    driver.create()
    with pytest.raises(RefusedError, match="exists"):
        driver.create()
    with pytest.raises(RefusedError, match="did you mean pacemaker0"):
        driver.do("start", ["pacemaker9"])
    with pytest.raises(RefusedError, match="which nodes"):
        driver.do("kill", [])
    with pytest.raises(RefusedError, match="is off"):
        driver.do("heal")
    assert driver.run("pacemaker01", "true").returncode == 102
    driver.do("destroy")

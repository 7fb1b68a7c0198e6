"""What a node is: a machine of its own in everything that the tutorial's machines are."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest
from lab.harness import NODES, Driver, RefusedError
from waiting import until

from crmsh_py.lab import linux, processes

pytestmark = pytest.mark.e2e

MULTICAST = """
import socket, struct, sys
group, port = "239.255.100.0", 5405
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "receive":
    s.bind(("", port))
    own = socket.inet_aton(sys.argv[2])
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + own)
    s.settimeout(10)
    print("listening", flush=True)
    print(s.recv(100).decode(), flush=True)
else:
    s.sendto(b"hello to all", (group, port))
"""


def test_has_its_own_name_address_and_processes(up: Driver) -> None:
    for number, node in enumerate(NODES):
        assert up.output(node, "hostname") == node
        assert up.output(node, "cat", "/etc/hostname") == node
        addresses = up.output(node, "ip", "-brief", "-4", "addr", "show", "eth0")
        assert f"192.168.100.{10 + number}/24" in addresses
        assert up.output(node, "id", "-u") == "0"
        pids = [int(p) for p in up.output(node, "ls", "/proc").split() if p.isdigit()]
        assert len(pids) < 10, "only the node's own processes are to be seen"
    macs = {up.output(node, "cat", "/sys/class/net/eth0/address") for node in NODES}
    assert len(macs) == 3


def test_reaches_the_others_and_the_host_by_name(up: Driver) -> None:
    assert up.pings("pacemaker01", "pacemaker03")
    assert up.pings("pacemaker02", "192.168.100.1")
    assert up.pings("host", "pacemaker02")


def test_does_not_reach_the_network_of_the_machine(up: Driver) -> None:
    links = up.output("pacemaker01", "ip", "-brief", "link")
    assert [line.split()[0].split("@")[0] for line in links.splitlines()] == ["lo", "eth0"]
    own = {name for name in os.listdir("/sys/class/net") if name != "lo"}
    host = up.output("host", "ip", "-brief", "link")
    seen = {line.split()[0].split("@")[0] for line in host.splitlines()}
    assert not own & seen


def test_multicast_goes_from_node_to_node(up: Driver) -> None:
    python = up.python
    receivers = [
        subprocess.Popen(
            up.command(
                "execute", node, [python, "-c", MULTICAST, "receive", f"192.168.100.{10 + i}"]
            ),
            env=up.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i, node in enumerate(NODES[1:], 1)
    ]
    for receiver in receivers:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "listening\n"
    up.output("pacemaker01", python, "-c", MULTICAST, "send")
    for receiver in receivers:
        heard, _ = receiver.communicate(timeout=15)
        assert heard == "hello to all\n"


def test_exit_codes_and_streams_are_the_commands_own(up: Driver) -> None:
    assert up.run("pacemaker01", "sh", "-c", "exit 7").returncode == 7
    assert up.run("pacemaker01", "sh", "-c", "kill -KILL $$").returncode == 137
    missing = up.run("pacemaker01", "no-such-program")
    assert (missing.returncode, "no-such-program" in missing.stderr) == (127, True)
    assert up.run("pacemaker01", "/etc/hosts").returncode == 126
    assert up.run("pacemaker01", "cat", stdin="to and fro").stdout == "to and fro"
    told = up.run("pacemaker01", "sh", "-c", "echo out; echo err >&2")
    assert (told.stdout, told.stderr) == ("out\n", "err\n")
    assert up.output("pacemaker01", "pwd") == "/root"
    assert up.output("pacemaker01", "printf", "%s|", "a b", "", "$x") == "a b||$x|"


def test_the_environment_says_where_it_is(up: Driver) -> None:
    told = up.output("pacemaker02", "sh", "-c", "echo $CRM_LAB $CRM_NODE $HOME")
    assert told == f"{up.name} pacemaker02 /root"
    path = up.output("pacemaker02", "sh", "-c", "echo $PATH").split(":")
    assert path[0] == str(up.state / "bin")
    assert path[-1] == str(up.state / "bin-last")
    assert up.output("pacemaker02", "sh", "-c", "command -v crm_mon") == f"{path[0]}/crm_mon"
    assert "crmsh-py" in up.output("pacemaker02", f"{path[-1]}/curl", "--version")
    assert "crmsh-py" in up.output("pacemaker02", f"{path[-1]}/ping", "--version")


def test_our_own_small_ping_and_curl_work_without_root(up: Driver) -> None:
    small = up.output("pacemaker01", "sh", "-c", "${PATH##*:}/ping -c1 -W2 pacemaker02")
    assert "1 received" in small
    failed = up.run("pacemaker01", "sh", "-c", "${PATH##*:}/curl -sS http://pacemaker02")
    assert failed.returncode == 7


def test_a_terminal_reaches_the_command(up: Driver) -> None:
    """The user's own terminal: its size, its line editing, Ctrl-C for the command alone."""
    ours, theirs = pty.openpty()
    script = "test -t 0 && echo terminal; trap 'echo caught; exit 3' INT; echo ready; read line"
    process = subprocess.Popen(
        # setsid --ctty makes the terminal the controlling one, as a login does.
        ["setsid", "--ctty", "--wait", *up.command("execute", "pacemaker01", ["sh", "-c", script])],
        env=up.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = _read_until(ours, b"ready")
    assert b"terminal" in seen
    os.write(ours, b"\x03")
    _read_until(ours, b"caught")
    assert process.wait(10) == 3
    os.close(ours)


def _read_until(descriptor: int, wanted: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + 60
    while wanted not in seen and time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.2)[0]:
            seen += os.read(descriptor, 4096)
    assert wanted in seen, seen
    return seen


def test_the_machine_is_safe_from_a_node(up: Driver) -> None:
    """Real root in a node must not be able to change the machine."""
    for path in ("/usr/crm-test", "/crm-test", "/run/host/etc/crm-test"):
        assert up.run("pacemaker01", "touch", path).returncode != 0, path
    for path in ("/etc/crm-test", "/var/lib/crm-test", "/root/crm-test", f"{up.home}/crm-test"):
        up.run("pacemaker01", "touch", path)
        assert not Path(path).exists(), "what a node may write is its own"
    disks = [name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme"))]
    for name in disks:
        assert up.run("pacemaker01", "test", "-e", f"/dev/{name}").returncode == 1
    assert up.run("pacemaker01", "date", "-s", "2001-01-01").returncode != 0
    assert up.run("pacemaker01", "sh", "-c", "echo 1 > /proc/sys/vm/swappiness").returncode != 0


def test_a_disk_lasts_and_everything_else_is_gone_after_a_power_failure(up: Driver) -> None:
    up.output("pacemaker01", "sh", "-c", "echo mine > /root/kept; echo n > /etc/new; touch /tmp/t")
    up.output("pacemaker01", "sh", "-c", "echo changed > /var/www/html/index.html; touch /run/r")
    up.do("kill", ["pacemaker01"])
    up.do("start", ["pacemaker01"])
    assert up.output("pacemaker01", "cat", "/root/kept", "/etc/new") == "mine\nn"
    assert up.output("pacemaker01", "cat", "/var/www/html/index.html") == "changed"
    assert up.run("pacemaker01", "ls", "/tmp/t").returncode != 0
    assert up.run("pacemaker01", "ls", "/run/r").returncode != 0
    assert up.run("pacemaker02", "ls", "/root/kept").returncode != 0


def test_a_wiped_disk_is_a_new_one(up: Driver) -> None:
    up.output("pacemaker02", "touch", "/root/old")
    with pytest.raises(RefusedError, match="is on"):
        up.do("wipe", ["pacemaker02"])
    up.do("kill", ["pacemaker02"])
    up.do("wipe", ["pacemaker02"])
    up.do("start", ["pacemaker02"])
    assert up.run("pacemaker02", "ls", "/root/old").returncode != 0
    site = up.output("pacemaker02", "cat", "/var/www/html/index.html")
    assert site == "<html>\n<body>My Test Site - pacemaker02</body>\n</html>"


def test_a_kill_ends_every_process_of_the_node(up: Driver) -> None:
    marker = f"31{os.getpid()}"
    up.output("pacemaker03", "sh", "-c", f"setsid sleep {marker} >/dev/null 2>&1 &")
    assert _runs(marker)
    assert up.do("kill", ["pacemaker03"]) == ["pacemaker03"]
    assert until(lambda: not _runs(marker))
    assert up.node("pacemaker03")["state"] == "off"
    assert not up.pings("pacemaker01", "pacemaker03")
    assert up.do("kill", ["pacemaker03"]) == []


def _runs(marker: str) -> bool:
    wanted = f"sleep\0{marker}\0".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes() == wanted:
                return True
        except OSError:
            continue
    return False


def test_a_stopped_command_in_a_node_does_not_hold_its_power_cut_up(up: Driver) -> None:
    """Ctrl-Z stops the half of it that is outside, which then waits for none of its children."""
    command = subprocess.Popen(
        up.command("execute", "pacemaker02", ["sleep", "997"]),
        env=up.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def inside() -> list[int]:
        below = processes.descendants(command.pid)
        return [p for p in below if Path(f"/proc/{p}/cmdline").read_bytes() == b"sleep\x00997\x00"]

    try:
        assert until(lambda: len(inside()) == 1)
        os.kill(processes.parent_of(inside()[0]), signal.SIGSTOP)
        assert up.do("kill", ["pacemaker02"]) == ["pacemaker02"]
        assert up.node("pacemaker02")["reason"] == "killed"
        assert command.wait(30)
    finally:
        for pid in (*processes.descendants(command.pid), command.pid):
            processes.send(pid, signal.SIGKILL)
        command.wait()


def test_a_frozen_node_is_neither_started_nor_waited_for_to_stop(up: Driver) -> None:
    up.do("freeze", ["pacemaker02"])
    try:
        for method in ("stop", "start"):
            for nodes in (["pacemaker02"], []):
                with pytest.raises(RefusedError, match="pacemaker02 is frozen") as refused:
                    up.do(method, nodes)
                assert "crm lab thaw pacemaker02" in refused.value.message
        assert up.node("pacemaker01")["pid"], "with it all were left alone"
    finally:
        up.do("thaw", ["pacemaker02"])
    assert up.do("start", ["pacemaker02"]) == []


def test_nothing_of_a_frozen_node_runs(up: Driver) -> None:
    """Neither a command in it, nor what has been forked while the node was being stopped."""
    forks = "for i in 1 2 3 4; do while :; do /bin/true; done & done; wait"
    command = subprocess.Popen(
        up.command("execute", "pacemaker02", ["sh", "-c", forks]),
        env=up.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    first = up.node("pacemaker02")["pid"]
    inside = linux.namespace_id(first, "pid")

    def states() -> dict[int, str]:
        found = [p for p in processes.all_pids() if linux.namespace_id(p, "pid") == inside]
        return {pid: _process_state(pid) for pid in found if processes.identify(pid)}

    try:
        assert until(lambda: len(states()) >= 6)
        assert up.do("freeze", ["pacemaker02"]) == ["pacemaker02"]
        # D: the parent of a stopped child waits for it to become another program (vfork).
        assert until(lambda: set(states().values()) <= {"T", "Z", "D"}, 5), states()
        still = states()
        assert all(states() == still for _ in range(20))
        assert up.do("thaw", ["pacemaker02"]) == ["pacemaker02"]
        assert until(lambda: "T" not in states().values())
        command.terminate()
        assert command.wait(10), "what waited for the command goes on too"
    finally:
        up.do("kill", ["pacemaker02"])
        command.kill()
        command.wait()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_in_a_node_are_a_machines_under_any_umask(driver: Driver, umask: int) -> None:
    other = replace(driver, name=f"umask{umask}")
    before = os.umask(umask)
    try:
        other.create()
        other.do("start")
        made = other.output(
            "pacemaker01", "sh", "-c", "umask; cd; echo >a; mkdir b; stat -c %a a b"
        )
    finally:
        os.umask(before)
    try:
        assert made.split() == ["0022", "644", "755"]
        known = ("/etc", "/etc/hosts", "/var", "/var/lib", "/var/log", "/root")
        modes = other.output("pacemaker01", "stat", "-c", "%a", *known).split()
        assert modes == ["755", "644", "755", "755", "755", "700"]
    finally:
        other.do("destroy")


def test_a_watchdog_that_somebody_stops_goes_on(up: Driver) -> None:
    """Nothing would guard the nodes, and nobody would notice."""
    supervisor = up.do("status")["pid"]
    (guard,) = [
        pid
        for pid in processes.descendants(supervisor)
        if processes.parent_of(pid) == supervisor
        and b"crmsh_py.lab.supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(guard, signal.SIGSTOP)
    assert until(lambda: _process_state(guard) not in "Tt")
    assert processes.parent_of(guard) == supervisor, "the same goes on, and no node was reset"


def _process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_partition_leaves_both_sides_to_themselves(up: Driver) -> None:
    up.do("partition", ["pacemaker01", "pacemaker02"])
    assert up.pings("pacemaker01", "pacemaker02")
    assert not up.pings("pacemaker01", "pacemaker03")
    assert not up.pings("host", "pacemaker01")
    assert up.pings("host", "pacemaker03")
    assert up.node("pacemaker01")["group"] == up.node("pacemaker02")["group"] != 0
    up.do("partition", ["pacemaker02"])
    assert not up.pings("pacemaker01", "pacemaker02")
    up.do("kill", ["pacemaker01"])
    up.do("start", ["pacemaker01"])
    assert not up.pings("host", "pacemaker01"), "a start does not plug the cable in elsewhere"
    assert sorted(up.do("heal")) == ["pacemaker01", "pacemaker02"]
    assert until(lambda: up.pings("pacemaker01", "pacemaker03"))
    assert until(lambda: up.pings("pacemaker02", "pacemaker01"))
    assert up.do("heal") == []


def test_a_link_taken_down_inside_is_a_partition(up: Driver) -> None:
    up.output("pacemaker02", "ip", "link", "set", "eth0", "down")
    assert not up.pings("host", "pacemaker02")
    assert up.node("pacemaker02")["state"] == "on"
    up.output("pacemaker02", "ip", "link", "set", "eth0", "up")
    assert until(lambda: up.pings("host", "pacemaker02"))


def test_a_node_that_dies_by_itself_is_noticed(up: Driver) -> None:
    # What kills it is inside as well, and may die with it before it can say that it has.
    up.run("pacemaker01", "sh", "-c", "kill -KILL $(pidof -x fake_daemon.py || echo 3)")
    assert until(lambda: up.node("pacemaker01")["state"] == "died")
    assert "SIGKILL" in up.node("pacemaker01")["reason"]
    refused = up.run("pacemaker01", "true")
    assert (refused.returncode, "pacemaker01 is off" in refused.stdout) == (102, True)
    assert up.do("start") == ["pacemaker01"]


def test_a_node_that_cannot_start_says_why(up: Driver) -> None:
    up.output("pacemaker03", "touch", "/var/lib/crmsh-py/fail")
    up.do("stop", ["pacemaker03"])
    with pytest.raises(RefusedError, match="exit code 3") as refused:
        up.do("start")
    assert "this disk is bad" in refused.value.message
    assert up.node("pacemaker01")["state"] == "on"
    up.do("start", ["pacemaker03"], wipe=True)
    assert up.node("pacemaker03")["state"] == "on"


def test_a_node_whose_disk_cannot_be_made_ready_says_why(up: Driver) -> None:
    """And not what came of it: that there is no process to give a cable to."""
    up.do("stop", ["pacemaker03"])
    up.do("wipe", ["pacemaker03"])
    disk = up.state / "nodes/pacemaker03"
    disk.write_text("no directory")
    with pytest.raises(RefusedError, match="File exists"):
        up.do("start")
    disk.unlink()
    up.do("start")


def test_the_log_is_read_from_outside(up: Driver) -> None:
    assert ["pacemaker02", "pacemaker02 started"] in up.do("log", ["pacemaker02"])
    assert len(up.do("log", ["pacemaker02"], lines=1)) == 1


def test_a_shell_in_a_node_is_like_a_login(up: Driver) -> None:
    """Its prompt names the node; what is typed there is done there; exit ends it."""
    words = up.command("shell", "pacemaker02")
    shell = pexpect.spawn(
        words[0],
        words[1:],
        env=up.environment,  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=20,
        dimensions=(24, 80),
    )
    shell.expect_exact("[root@pacemaker02 ~]# ")
    shell.sendline("hostname; stty size")
    shell.expect(r"pacemaker02\r\n24 80\r\n")
    shell.expect_exact("[root@pacemaker02 ~]# ")
    shell.sendline("sh -c 'echo it ru\"\"ns; exec sleep 100'")
    shell.expect_exact("it runs")  # before it does, Ctrl-C would be the shell's own
    shell.sendintr()
    shell.expect_exact("[root@pacemaker02 ~]# ")
    shell.sendline("exit 5")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 5

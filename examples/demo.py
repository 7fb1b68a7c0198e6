"""The tutorial as a demonstration: three nodes, a virtual address, a web site that moves.

Run by ``make demo``. Every command is echoed and really run, and its real output is shown; the
script only waits, between the commands, for what a person would wait for. It uses a lab of its
own and leaves nothing behind.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LAB = f"demo-{os.getpid()}"
ENVIRONMENT = dict(os.environ, CRM_LAB=LAB, PATH=f"{BIN}:{os.environ.get('PATH', '')}")
ENVIRONMENT.pop("CRM_NODE", None)
ENVIRONMENT.pop("CIB_file", None)
NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
ADDRESS = "192.168.100.100"
LOOPBACK = "127.168.100.100"  # what stands for it where nodes are plain processes
COLOUR = sys.stdout.isatty()


def heading(text: str) -> None:
    """Say what comes next."""
    print(f"\n\033[1;36m=== {text}\033[0m" if COLOUR else f"\n=== {text}", flush=True)


def echo(command: str) -> None:
    """Show a command the way a terminal does."""
    print(f"\033[1;32m$\033[0m {command}" if COLOUR else f"$ {command}", flush=True)


def run(command: str, *, fails: bool = False, only: str = "", head: int = 0) -> str:
    """Echo and run one command, show its output (lines with ``only``; the first ``head``).

    A command that unexpectedly fails (or, with ``fails``, succeeds) ends the demonstration.
    """
    echo(command + (f" | grep {shlex.quote(only)}" if only else ""))
    done = subprocess.run(
        shlex.split(command),
        env=ENVIRONMENT,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if only in line]
    if head and len(lines) > head:
        lines = [*lines[:head], f"… {len(lines) - head} more lines"]
    if lines:
        print("\n".join(lines), flush=True)
    if (done.returncode != 0) is not fails:
        raise SystemExit(f"demo: exit code {done.returncode} was not expected: {command}")
    return done.stdout


def quiet(command: str) -> str:
    """The output of a command that is only a look at the state while waiting."""
    done = subprocess.run(
        shlex.split(command),
        env=ENVIRONMENT,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def wait_for(what: str, condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Wait until ``condition`` holds, and say how long that took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > limit_s:
            raise SystemExit(f"demo: after {limit_s:.0f} s still not true: {what}")
        time.sleep(0.1)
    print(f"  … {what} ({time.monotonic() - begin:.1f} s)", flush=True)


def started_on(resource: str, node: str = "") -> Callable[[], bool]:
    """A condition: the resource is started (on that node)."""

    def condition() -> bool:
        for line in quiet("crm_mon -1").splitlines():
            if line.startswith(resource):
                return f"Started {node}".rstrip() in line and "FAILED" not in line
        return False

    return condition


def all_online() -> bool:
    """All three nodes are members and there is a DC."""
    return f"Online: [ {' '.join(NODES)} ]" in quiet("crm_mon -1")


def isolated() -> bool:
    """Whether nodes have a network of their own (the lab says so when they have not)."""
    return "plain processes" not in quiet("crm lab status")


def site() -> str:
    """Where the web site is: plain processes of a user without rights serve on another port."""
    if isolated():
        return f"http://{ADDRESS}"
    curl = f"crm lab exec host -- curl -s -m 2 http://{LOOPBACK}"
    return f"http://{LOOPBACK}{':8080' if 'My Test Site' not in quiet(curl) else ''}"


def answers(node: str = "") -> Callable[[], bool]:
    """A condition: the web site answers (from that node)."""
    return lambda: "My Test Site - " + node in quiet(f"crm lab exec host -- curl -s -m 2 {site()}")


def machines() -> None:
    """Three machines and their membership."""
    heading("Three machines, from the tutorial's own corosync.conf")
    run("crm lab create --config examples/corosync.conf")
    for node in NODES:
        run(f"crm lab start --corosync-only {node}")
    wait_for(
        "three members",
        lambda: (
            quiet("crm lab exec pacemaker01 -- corosync-quorumtool -l").count("pacemaker0") == 3
        ),
    )
    run("crm lab log pacemaker01", only="[")
    run("crm lab exec pacemaker01 -- corosync-cfgtool -s -a")
    run("crm lab exec pacemaker01 -- corosync-cmapctl", only="runtime.totem.pg.mrp.srp.members")
    run("crm lab exec pacemaker01 -- corosync-quorumtool -l")


def manager() -> None:
    """The cluster manager, its status and its checks."""
    heading("The cluster manager")
    run("crm cluster start --all")
    wait_for("three nodes online with a DC", all_online)
    run("crm cluster status")
    run("crm_mon -1")
    run("crm_verify -L -V", fails=True)
    run("crm configure property stonith-enabled=false")
    run("crm_verify -L -V")
    run("crm configure show xml")


def agents() -> None:
    """What can be managed."""
    heading("Resource agents")
    run("crm ra classes")
    run("crm ra list ocf heartbeat")
    run("crm ra info ocf:heartbeat:IPaddr2", head=24)


def resources() -> None:
    """An address, a web site, and what holds them together."""
    heading("A virtual address that answers")
    run(
        "crm configure primitive ClusterIP ocf:heartbeat:IPaddr2"
        " params ip=192.168.100.100 cidr_netmask=24 op monitor interval=30s"
    )
    wait_for("ClusterIP is started", started_on("ClusterIP"))
    run("crm_mon -1")
    node = next(n for n in NODES if started_on("ClusterIP", n)())
    if isolated():
        run(f"crm lab exec {node} -- ip -4 addr show eth0")
        run(f"crm lab exec host -- ping -c 1 {ADDRESS}")
    else:
        print(f"  … plain processes have no cards: {LOOPBACK} stands for {ADDRESS},")
        print("    and answers a ping on any Linux; what tells is the web site.")

    heading("A web site on top of it")
    run("crm configure rsc_defaults resource-stickiness=100")
    run("crm configure op_defaults timeout=240s")
    run(
        "crm configure primitive WebSite ocf:heartbeat:apache"
        " params configfile=/etc/apache2/apache2.conf"
        ' statusurl="http://127.0.0.1/server-status" op monitor interval=1min'
    )
    run("crm configure colocation website-with-ip INFINITY: WebSite ClusterIP")
    run("crm configure order apache-after-ip mandatory: ClusterIP WebSite")
    wait_for("the web site answers", answers())
    run("crm configure show")
    run(f"crm lab exec host -- curl -s {site()}")


def movement() -> None:
    """A move by hand, then a failure."""
    heading("Move it")
    run("crm resource move WebSite pacemaker02")
    wait_for("the web site answers from pacemaker02", answers("pacemaker02"))
    run("crm_mon -1")
    run(f"crm lab exec host -- curl -s {site()}")
    run("crm resource clear WebSite")

    heading("Pull the plug of the node it runs on")
    run("crm lab kill pacemaker02")
    wait_for(
        "token and consensus have run out, the site answers again",
        lambda: answers()() and not answers("pacemaker02")(),
    )
    run("crm_mon -1")
    run(f"crm lab exec host -- curl -s {site()}")

    heading("It comes back, and nothing moves back: resource-stickiness=100")
    run("crm lab start pacemaker02")
    wait_for("three nodes online", all_online)
    run("crm_mon -1")
    run("crm lab status")


def destroy() -> None:
    """Leave nothing behind, also when nobody reads our output any more (make demo | head)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        heading("Leave nothing behind")
        run("crm lab destroy")
    except OSError:
        quiet("crm lab destroy")


def end(number: int, _: object) -> None:
    """A signal ends the demonstration the way an error does: its lab is destroyed."""
    raise SystemExit(128 + number)


def main() -> int:
    """Run the whole demonstration; always destroy its lab."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    begin = time.monotonic()
    try:
        machines()
        manager()
        agents()
        resources()
        movement()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until we end
        return 128 + signal.SIGPIPE
    finally:
        destroy()
    print(f"\nThe whole tutorial took {time.monotonic() - begin:.0f} s.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

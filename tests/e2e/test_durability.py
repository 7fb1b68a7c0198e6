"""Each node holds its own CIB, and an acknowledged commit is never missing (step 10)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from e2e.harness import NODES, Lab

pytestmark = pytest.mark.e2e


def configuration(lab: Lab, node: str) -> str:
    """The configuration as one node's own copy has it."""
    return lab.run("crm", "configure", "show", "xml", node=node, check=False).stdout


def equal_everywhere(lab: Lab) -> bool:
    """Whether all three copies are the same, and not empty."""
    copies = {configuration(lab, node) for node in NODES}
    return len(copies) == 1 and copies != {""}


def test_a_commit_is_on_every_node_and_survives_stop_start_and_a_wiped_disk(lab: Lab) -> None:
    """Stop and start of everything; a wiped node gets the CIB back when it rejoins."""
    lab.up()
    lab.crm("configure", "primitive", "keep", "ocf:pacemaker:Dummy")
    lab.wait("equal on all three", lambda: equal_everywhere(lab))
    lab.crm("lab", "stop")
    lab.crm("lab", "start")
    lab.wait("all online", lambda: lab.online(*NODES))
    assert "primitive keep" in lab.crm("configure", "show")

    lab.crm("lab", "kill", "pacemaker02")
    lab.crm("lab", "wipe", "pacemaker02")
    lab.crm("lab", "start", "pacemaker02")
    lab.wait("all online", lambda: lab.online(*NODES))
    lab.wait("the wiped one has it", lambda: "keep" in configuration(lab, "pacemaker02"))
    lab.wait("equal on all three", lambda: equal_everywhere(lab))


def test_what_was_acknowledged_survives_sigkill_of_everything_in_the_middle(lab: Lab) -> None:
    """Writers commit as fast as they can while every process is killed at once."""
    lab.up()
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        for number in range(1, 200):
            if stop.is_set():
                return
            done = lab.run("crm", "configure", "property", f"x-{number}=1", check=False)
            if done.returncode == 0:
                acknowledged.append(f"x-{number}=1")

    writer = threading.Thread(target=write)
    writer.start()
    lab.wait("some commits are acknowledged", lambda: len(acknowledged) >= 5, 30, 0.01)
    lab.crm("lab", "kill", *NODES)
    stop.set()
    writer.join(timeout=60)
    kept = list(acknowledged)
    lab.crm("lab", "start")
    lab.wait("all online", lambda: lab.online(*NODES))
    shown = lab.crm("configure", "show")
    assert [line for line in kept if line not in shown] == []


def test_destroy_leaves_no_process_namespace_mount_or_file(lab: Lab) -> None:
    """Also when the supervisor itself was killed before."""
    before = Path("/proc/mounts").read_text()
    lab.up()
    lab.crm("lab", "destroy")
    assert Path("/proc/mounts").read_text() == before
    assert lab.name not in lab.crm("lab", "list")

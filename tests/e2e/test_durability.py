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


def test_a_wiped_node_and_one_that_has_never_run_are_no_new_cluster(lab: Lab) -> None:
    """The only disk that has the commit is that of the node that is off."""
    lab.crm("lab", "create", "--config", "examples/corosync.conf")
    lab.crm("lab", "start", "pacemaker01", "pacemaker02")
    lab.wait("a quorum is online", lambda: lab.online("pacemaker01", "pacemaker02"))
    lab.crm("configure", "property", "stonith-enabled=false")
    lab.crm("configure", "primitive", "kept", "ocf:pacemaker:Dummy")
    lab.crm("lab", "kill", "pacemaker01", "pacemaker02")
    lab.crm("lab", "wipe", "pacemaker02")
    lab.crm("lab", "start", "pacemaker02", "pacemaker03")
    words = ("crm", "configure", "primitive", "other", "ocf:pacemaker:Dummy")
    refused = lab.run(*words, node="pacemaker03", check=False)
    assert refused.returncode != 0
    assert "whose disks are empty, perhaps wiped" in refused.stderr, refused.stderr
    lab.crm("lab", "start", "pacemaker01")
    lab.wait("all online", lambda: lab.online(*NODES))
    lab.wait("equal on all three", lambda: equal_everywhere(lab))
    assert "primitive kept" in lab.crm("configure", "show")


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

"""A disk that is really full, under one node of three: it stops, and comes back when there is room.

The disk is a small file system of its own (a tmpfs, mounted where the supervisor of the lab looks),
so it is the kernel that says ENOSPC, in the middle of what SQLite does.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from e2e.harness import NODES, Lab

pytestmark = pytest.mark.e2e

VICTIM = "pacemaker03"
FILL = "/var/tmp/fill"


def supervisor(lab: Lab) -> int:
    """The process in whose mount namespace the disks of the nodes are."""
    mark = f"HOME={lab.home}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            ours = mark in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if ours and any(b"supervisor" in word for word in words):
            return int(entry.name)
    pytest.fail("the lab has no supervisor")


@pytest.fixture
def small(lab: Lab) -> Lab:
    """A running lab in which one node's disk has sixteen megabytes."""
    if lab.plain:
        pytest.skip("only root mounts a file system")
    lab.up()
    lab.crm("lab", "stop", VICTIM)
    (disk,) = lab.home.rglob(f"nodes/{VICTIM}")
    inside = ("nsenter", "-t", str(supervisor(lab)), "-m", "--")
    script = f"cp -a {disk} {disk}.old && mount -t tmpfs -o size=16m tmpfs {disk}"
    script += f" && cp -a {disk}.old/. {disk}/ && rm -rf {disk}.old"
    subprocess.run([*inside, "sh", "-ec", script], check=True, timeout=30)
    lab.crm("lab", "start", VICTIM)
    lab.wait("all nodes online", lambda: lab.online(*NODES))
    return lab


def test_a_node_whose_disk_is_full_stops_and_comes_back_when_there_is_room(small: Lab) -> None:
    lab = small
    kept = []

    def commit() -> bool:
        name = f"x-{len(kept)}"
        text = "x" * 3000  # a revision needs a page or two
        done = lab.run("crm", "configure", "property", f"{name}={text}", check=False)
        if done.returncode == 0:
            kept.append(name)
        return lab.online(*NODES[:2], seen_by=NODES[0])

    lab.on(VICTIM, "sh", "-c", f"cat /dev/zero > {FILL}", check=False)
    lab.wait(f"{VICTIM} has stopped", commit, 30, 0.0)
    # Its log has no room either; then the last words go where its output goes, as far as they fit.
    (disk,) = lab.home.rglob(f"nodes/{VICTIM}")
    inside = ("nsenter", "-t", str(supervisor(lab)), "-m", "--")
    read = [*inside, "cat", f"{disk}/var/log/crm-node.out"]
    output = subprocess.run(read, check=True, capture_output=True, text=True, timeout=30).stdout
    assert "Stopping: the disk failed" in output
    assert "Traceback" not in output
    assert kept, "the others go on meanwhile"
    commit()
    subprocess.run([*inside, "rm", f"{disk}{FILL}"], check=True, timeout=30)
    lab.crm("lab", "start", VICTIM)
    lab.wait("all nodes online", lambda: lab.online(*NODES))
    shown = lab.run("crm", "configure", "show", node=VICTIM).stdout
    assert [name for name in kept if f"{name}=" not in shown] == []

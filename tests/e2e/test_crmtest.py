"""A test file on a real lab: the same promises, kept by real daemons and agents."""

from __future__ import annotations

import pytest
from e2e.harness import Lab

pytestmark = pytest.mark.e2e

FILE = """\
nodes one two
configuration {
    property stonith-enabled=false
    primitive web ocf:pacemaker:Dummy op monitor interval=10s
}
test it finds another node, and nothing else happens
    expect web runs on one
    node standby one
    expect web runs on two
    expect web moved
    expect web not restarted
    resource fail web
    expect web restarted
    expect web runs on two
    node kill two
    expect node two not online
    node online one
    expect web runs on one
    expect web stopped
"""


def test_promises_are_kept_for_real_and_broken_ones_are_told(lab: Lab) -> None:
    file = lab.home / "it.crmtest"
    file.write_text(FILE, encoding="utf-8")
    done = lab.run("crm", "test", "--lab", str(file), check=False)
    told = [line.strip() for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr
    assert f"{file}:19: expect web stopped" in told, done.stdout + done.stderr
    assert sum(f"{file}:" in line and "expect" in line for line in told) == 1, done.stdout
    assert "web runs on one" in told
    assert lab.run("crm", "lab", "list").stdout.strip() == "", "its lab was not destroyed"


REMOTE = """\
nodes one two
configuration {
    property stonith-enabled=false
    primitive far ocf:pacemaker:remote params server=192.0.2.7 reconnect_interval=4s \\
        op monitor interval=1s timeout=2s op start interval=0 timeout=2s
    primitive machine ocf:heartbeat:Xen params xmfile=/etc/xen/vm meta remote-node=vm
    primitive web ocf:pacemaker:Dummy
    primitive mail ocf:pacemaker:Dummy
    location web-on-far web 100: far
    location mail-in-vm mail inf: vm
}
test a remote node and a guest run resources
    expect web runs on far
    expect mail runs on vm
    node kill far
    expect node far not online
    expect web not on far
    expect mail runs on vm
"""


def test_remote_nodes_and_guests_are_hosts_of_a_tests_lab(lab: Lab) -> None:
    file = lab.home / "far.crmtest"
    file.write_text(REMOTE, encoding="utf-8")
    done = lab.run("crm", "test", "--lab", str(file), check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""A host that is no member of the cluster and runs resources: one story of its life."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2e.harness import Lab, close_lab, make_lab

pytestmark = pytest.mark.e2e

CONFIGURATION = """
property stonith-enabled=false
primitive far ocf:pacemaker:remote params server=far reconnect_interval=4s \
    op monitor interval=1s timeout=2s op start interval=0 timeout=2s
primitive web ocf:pacemaker:Dummy op monitor interval=2s
location far-by-alpha far 10: alpha
location web-on-far web 100: far
"""

GUEST = """
primitive machine ocf:lab:guest params host=vm meta remote-node=vm op monitor interval=2s
primitive mail ocf:pacemaker:Dummy
location machine-by-gamma machine 10: gamma
location mail-in-vm mail inf: vm
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = make_lab("plain", f"f{os.getpid()}")
    yield lab
    close_lab(lab)


def remote_online(lab: Lab) -> bool:
    return "RemoteOnline: [ far ]" in lab.mon("beta")


def lines_of_web(lab: Lab) -> list[str]:
    log = lab.crm("lab", "log", "far")
    return [line for line in log.splitlines() if " web_st" in line]


def test_a_remote_node_from_its_first_start_to_its_return(lab: Lab) -> None:
    lab.crm("lab", "create", "--nodes", "alpha,beta,gamma", "--remote", "far", "--guest", "vm")
    lab.crm("lab", "start")
    lab.wait("all nodes online", lambda: lab.online("alpha", "beta", "gamma"))
    assert "far" not in lab.crm("cluster", "start", "--all")  # there is no cluster manager to start
    lab.run("crm", "configure", "load", "update", "-", stdin=CONFIGURATION)
    lab.wait("web runs on far", lambda: lab.where("web", "beta") == "far")
    assert remote_online(lab)
    refusals = {"cluster stop": "crm node server far", "node delete": "crm resource stop far"}
    for of_members, hint in refusals.items():
        refused = lab.run("crm", *of_members.split(), "far", check=False)
        assert refused.returncode == 1
        assert hint in refused.stderr
    assert lab.where("far", "beta") == "alpha"
    assert len(lines_of_web(lab)) == 1

    # What is asked there is answered by the cluster, in the name of the node.
    lab.on("far", "attrd_updater", "-n", "colour", "-U", "red")
    assert 'host="far" value="red"' in lab.on("far", "attrd_updater", "-n", "colour", "-Q")
    assert "RemoteOnline: [ far ]" in lab.on("far", "crm_mon", "-1")

    # The member with the connection dies: another one takes over, and web never notices.
    lab.crm("lab", "kill", "alpha")
    lab.wait("another member is connected", lambda: lab.where("far", "beta") in ("beta", "gamma"))
    lab.wait("web is known to run there", lambda: lab.where("web", "beta") == "far")
    assert len(lines_of_web(lab)) == 1
    assert 'value="red"' in lab.on("beta", "attrd_updater", "-n", "colour", "-Q", "-N", "far")

    # A failure there is counted there.
    lab.on("far", "sh", "-c", "rm -f /run/Dummy-web.state /run/resource-agents/Dummy-web.state")
    lab.wait("web was started again", lambda: len(lines_of_web(lab)) == 3)
    assert "value=1" in lab.crm("resource", "failcount", "web", "show", "far")

    # It loses its power, and comes back as another life of the node.
    lab.crm("lab", "kill", "far")
    lab.wait("far is given up", lambda: "RemoteOFFLINE: [ far ]" in lab.mon("beta"))
    lab.crm("lab", "start", "far")
    lab.wait("web runs on far again", lambda: lab.where("web", "beta") == "far")
    assert "red" not in lab.on("beta", "attrd_updater", "-n", "colour", "-Q", "-A", check=False)

    # Switched off in order, its resources leave first.
    lab.crm("lab", "stop", "far")
    lab.wait("web runs on a member", lambda: lab.where("web", "beta") in ("beta", "gamma"))
    assert " web_stop_0 done" in lines_of_web(lab)[-1]

    # A guest: a resource switches the host on, and it shares the fate of the node that it is on.
    assert "vm " in lab.crm("lab", "status")
    lab.run("crm", "configure", "load", "update", "-", stdin=GUEST)
    lab.wait("mail runs in the guest", lambda: lab.where("mail", "beta") == "vm")
    assert "GuestOnline: [ vm ]" in lab.mon("beta")
    assert lab.where("machine", "beta") == "gamma"
    lab.crm("lab", "kill", "gamma")
    status = lab.crm("lab", "status").splitlines()
    assert [" off" in line for line in status if line.split()[0] == "vm"] == [True]
    lab.crm("lab", "start", "alpha")  # for the quorum
    lab.wait("it is up elsewhere", lambda: lab.where("machine", "beta") in ("alpha", "beta"))
    lab.wait("the guest is up again", lambda: lab.where("mail", "beta") == "vm")

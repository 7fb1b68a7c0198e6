"""A fence agent of the machine in a lab, nodes that must be let in, alerts, and shutdown locks.

The device is Debian's ``fence_dummy``: it writes what it was told into a file of the node where it
runs, so a test reads who has used which device for what.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from e2e.harness import Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

NODES = ("n1", "n2", "n3")
POWER, GATE = "/tmp/power.status", "/tmp/gate.status"
ALERT = "/var/log/alert.sh"
HEARD = "/var/log/alerts.log"
SCRIPT = f"""cat >{ALERT} <<'END'
#!/bin/sh
to="$CRM_alert_recipient: $CRM_alert_kind"
echo "$to $CRM_alert_node $CRM_alert_desc $CRM_alert_task" >>{HEARD}
END
chmod 755 {ALERT}
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three nodes, a power switch and a gate that are files, and a resource."""
    if shutil.which("fence_dummy", path="/usr/sbin") is None:
        pytest.skip("needs fence_dummy (package fence-agents)")
    lab = make_lab(users()[0], f"d{os.getpid()}")
    try:
        lab.crm("lab", "create", "--nodes", ",".join(NODES))
        lab.crm("lab", "start")
        lab.wait("all nodes online", lambda: lab.online(*NODES))
        for node in NODES:
            lab.on(node, "sh", "-c", SCRIPT)
        lab.crm("configure", "load", "update", "-", stdin=configuration())
        lab.wait("it runs", lambda: lab.where("app") and lab.where("gate"))
        yield lab
    finally:
        close_lab(lab)


def configuration() -> str:
    """What the module's lab is configured to do."""
    hosts = f'pcmk_host_list="{" ".join(NODES)}"'
    return f"""
        primitive power stonith:fence_dummy params status_file={POWER} {hosts}
        primitive gate stonith:fence_dummy params status_file={GATE} {hosts} meta provides=unfencing
        primitive app ocf:pacemaker:Dummy
        location app-first app 100: n3
        alert heard {ALERT} to everybody
        """


def told(lab: Lab, node: str, path: str) -> str:
    """What the device behind a file was told last on a node; empty for nothing."""
    return lab.on(node, "cat", path, check=False).strip()


def test_each_node_is_let_in_by_the_gate_and_by_itself(lab: Lab) -> None:
    for node in NODES:
        assert told(lab, node, GATE) == "on"
        assert told(lab, node, POWER) == "", "a power switch lets nobody in"
    history = lab.on("n1", "stonith_admin", "--history", "*")
    assert all(f"unfencing of {node} successful: delegate={node}" in history for node in NODES)


def test_what_devices_say_of_themselves(lab: Lab) -> None:
    assert lab.on("n1", "stonith_admin", "-l", "n2") == "power\ngate\n2 fence devices found\n"
    targets = lab.on("n1", "stonith_admin", "-s", "gate").split()[:3]
    assert sorted(targets) == list(NODES), "in whatever order they have joined"
    lab.on("n1", "stonith_admin", "-Q", "power")
    # Without hosts that are configured its agent is asked, and this one has no list.
    lab.crm("configure", "primitive", "asked", "stonith:fence_dummy", "params", "type=fail")
    said = lab.run("stonith_admin", "-s", "asked", node="n1", check=False)
    assert said.returncode != 0
    assert "asked cannot list its hosts: Unrecognised action 'list'" in said.stderr
    lab.crm("configure", "delete", "--force", "asked")


def test_a_lost_node_is_switched_off_by_the_agent_and_alerts_tell_of_it(lab: Lab) -> None:
    lab.wait("it runs where it likes to", lambda: lab.where("app") == "n3")
    lab.crm("lab", "kill", "n3")
    lab.wait("it runs elsewhere", lambda: lab.where("app", "n1") in ("n1", "n2"))
    history = lab.on("n1", "stonith_admin", "--history", "n3", "--verbose")
    assert "reboot of n3 successful" in history
    assert any(told(lab, node, POWER) == "on" for node in ("n1", "n2")), "off, and on again"
    heard = lab.on("n1", "cat", HEARD) + lab.on("n2", "cat", HEARD)
    assert "everybody: node n3 lost" in heard
    assert "everybody: fencing n3" in heard
    assert any(line.split()[1:2] == ["resource"] for line in heard.splitlines() if "start" in line)
    lab.crm("lab", "start", "n3")
    lab.wait("it is let in and takes it back", lambda: lab.where("app") == "n3")


def test_what_a_node_ran_waits_for_it_when_it_was_stopped_on_purpose(lab: Lab) -> None:
    lab.wait("it runs where it likes to", lambda: lab.where("app") == "n3")
    lab.crm("configure", "property", "shutdown-lock=true")
    lab.on("n3", "crm", "cluster", "stop")
    lab.wait("n3 has left", lambda: lab.online("n1", "n2", seen_by="n1"))
    assert "LOCKED" in lab.run("crm_mon", "-1", "-r", "--layout", "modern", node="n1").stdout
    assert lab.where("app", "n1") == ""
    lab.on("n3", "crm", "cluster", "start")
    lab.wait("it runs there again", lambda: lab.where("app") == "n3")

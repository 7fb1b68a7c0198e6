"""A lab that is a copy of a saved configuration: nothing of the machine runs, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.harness import Lab, give

pytestmark = pytest.mark.e2e

SAVED = """\
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="0" epoch="15"
     num_updates="7" have-quorum="1" dc-uuid="12">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="p1" name="cluster-name" value="production"/>
        <nvpair id="p2" name="dc-version" value="2.1.5-a3f44794f94"/>
        <nvpair id="p3" name="no-quorum-policy" value="ignore"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="11" uname="db1"/>
      <node id="12" uname="db2"/>
    </nodes>
    <resources>
      <primitive id="ipmi" class="stonith" type="fence_ipmilan">
        <instance_attributes id="ipmi-params">
          <nvpair id="ipmi-ip" name="ip" value="192.0.2.1"/>
          <nvpair id="ipmi-map" name="pcmk_host_map" value="db1:7;db2:8"/>
        </instance_attributes>
      </primitive>
      <group id="store">
        <primitive id="base" class="ocf" provider="inhouse" type="DataBase"/>
        <primitive id="front" class="systemd" type="frontend"/>
      </group>
    </resources>
    <constraints>
      <rsc_location id="home" rsc="store" node="db1" score="100"/>
    </constraints>
  </configuration>
  <status/>
</cib>
"""


# A remote node and a virtual machine with a node in it, as a real cluster has them.
FAR = """\
<primitive id="far" class="ocf" provider="pacemaker" type="remote">
  <instance_attributes id="far-params">
    <nvpair id="far-server" name="server" value="192.0.2.7"/>
    <nvpair id="far-port" name="port" value="4000"/>
  </instance_attributes>
  <operations><op id="far-m" name="monitor" interval="2s" timeout="5s"/></operations>
</primitive>
<primitive id="machine" class="ocf" provider="heartbeat" type="VirtualDomain">
  <instance_attributes id="machine-params">
    <nvpair id="machine-config" name="config" value="/etc/libvirt/qemu/vm.xml"/>
  </instance_attributes>
  <meta_attributes id="machine-meta">
    <nvpair id="machine-remote" name="remote-node" value="vm"/>
    <nvpair id="machine-addr" name="remote-addr" value="192.0.2.8"/>
  </meta_attributes>
</primitive>
<primitive id="web" class="systemd" type="web"/>
<primitive id="mail" class="systemd" type="mail"/>
"""
ON_FAR = """\
<rsc_location id="web-on-far" rsc="web" node="far" score="INFINITY"/>
<rsc_location id="mail-in-vm" rsc="mail" node="vm" score="INFINITY"/>
"""


@pytest.fixture
def saved(lab: Lab) -> Path:
    path = lab.home / "saved.xml"
    path.write_text(SAVED)
    give(lab, path)
    return path


def test_a_change_and_a_failure_are_tried_and_taken_back(lab: Lab, saved: Path) -> None:
    said = lab.crm("lab", "import", str(saved))
    assert "services run as stand-ins" in said

    def runs_on(node: str) -> bool:
        text = " ".join(lab.mon().split())
        agents = ("base (ocf::inhouse:DataBase)", "front (systemd:frontend)")
        return all(f"{agent}: Started {node} (stand-in)" in text for agent in agents)

    lab.wait("the group runs as stand-ins", lambda: runs_on("db1"))
    shown = lab.crm("configure", "show")
    assert "node 11: db1" in shown
    assert "stonith:fence_ipmilan" in shown

    # What has moved stays: db1 is back within a second, and a look might come too late.
    lab.crm("configure", "rsc_defaults", "resource-stickiness=200")
    lab.crm("lab", "kill", "db1")
    lab.wait("the group runs on the other node", lambda: runs_on("db2"))
    lab.wait("the lab's switch has fenced db1", lambda: lab.online("db1", "db2"))

    lab.crm("resource", "meta", "store", "set", "priority", "5")
    asked = lab.run("crm", "-n", "plan", "--apply-to", str(saved), check=False)
    assert asked.returncode == 1
    assert "+\tresource-stickiness=200" in asked.stdout
    assert "priority=5" in asked.stdout
    assert saved.read_text() == SAVED

    lab.crm("-F", "plan", "--apply-to", str(saved))
    text = saved.read_text()
    assert 'name="resource-stickiness" value="200"' in text
    assert 'value="2.1.5-a3f44794f94"' in text, "what the cluster says about itself stays"
    again = lab.run("crm", "-F", "plan", "--apply-to", str(saved), check=False)
    assert again.returncode == 1, "the target is not what was imported any more"
    assert "somebody else changed it meanwhile" in again.stderr
    assert saved.read_text() == text


def test_remote_nodes_and_guests_are_hosts_of_the_lab(lab: Lab, saved: Path) -> None:
    text = SAVED.replace("<group", f"{FAR}<group").replace(
        "</constraints>", f"{ON_FAR}</constraints>"
    )
    text = text.replace("</nodes>", '<node id="old" uname="old" type="remote"/></nodes>')
    saved.write_text(text)
    done = lab.run("crm", "lab", "import", str(saved))
    assert "far (192.168.100.12, remote), vm (192.168.100.13, guest)" in done.stdout
    assert "left out: remote node old: no resource connects with it" in done.stderr
    lab.wait("web runs on far", lambda: lab.where("web", "db1") == "far")
    lab.wait("mail runs in vm", lambda: lab.where("mail", "db1") == "vm")

    again = lab.run("crm", "-F", "plan", "--apply-to", str(saved))
    assert "nothing was changed in the lab's configuration" in again.stdout + again.stderr
    lab.crm("resource", "meta", "web", "set", "priority", "5")
    lab.crm("-F", "plan", "--apply-to", str(saved))
    text = saved.read_text()
    assert 'name="priority" value="5"' in text
    assert all(each in text for each in ("192.0.2.7", "4000", "VirtualDomain", "192.0.2.8"))
    assert "lab-guest" not in text


def test_what_cannot_be_imported_leaves_nothing(lab: Lab, saved: Path) -> None:
    saved.write_text(SAVED.replace("pacemaker-3.9", "pacemaker-9.9"))
    refused = lab.run("crm", "lab", "import", str(saved), check=False)
    assert refused.returncode == 1
    assert "the schema pacemaker-9.9 is not known here; no lab was made" in refused.stderr
    saved.write_text(SAVED.replace('<node id="12" uname="db2"/>', "").replace(
        '<node id="11" uname="db1"/>', ""))  # fmt: skip
    refused = lab.run("crm", "lab", "import", str(saved), check=False)
    assert "there are no nodes" in refused.stderr
    assert lab.crm("lab", "list").strip() == ""
    unknown = lab.run("crm", "plan", "--apply-to", str(saved), check=False)
    assert unknown.returncode == 2

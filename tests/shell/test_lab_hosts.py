"""What a lab is given for the remote nodes and guests of a cluster, and what comes back of it."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.shell.lab_hosts import Hosts, as_it_was, for_lab, hosts_of
from crmsh_py.shell.lab_import import changes

FAR = """
<primitive id="far" class="ocf" provider="pacemaker" type="remote">
  <instance_attributes id="far-ia">
    <nvpair id="far-server" name="server" value="192.0.2.7"/>
    <nvpair id="far-port" name="port" value="4000"/>
    <nvpair id="far-wait" name="reconnect_interval" value="60s"/>
  </instance_attributes>
</primitive>
"""
MACHINE = """
<group id="machines">
  <primitive id="vm-disk" class="systemd" type="disk"/>
  <primitive id="vm-machine" class="ocf" provider="heartbeat" type="VirtualDomain">
    <instance_attributes id="vm-ia">
      <nvpair id="vm-config" name="config" value="/etc/libvirt/vm.xml"/>
      <nvpair id="vm-host" name="host" value="elsewhere"/>
    </instance_attributes>
    <meta_attributes id="vm-meta">
      <nvpair id="vm-remote" name="remote-node" value="vm"/>
      <nvpair id="vm-addr" name="remote-addr" value="vm.example.com"/>
    </meta_attributes>
  </primitive>
</group>
"""


def cib(resources: str, nodes: str = "") -> Cib:
    return Cib.parse(
        '<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">'
        '<configuration><crm_config/><nodes><node id="1" uname="one"/>'
        f"{nodes}</nodes><resources>{resources}</resources><constraints/>"
        "</configuration><status/></cib>"
    )


def pairs(element: Element) -> dict[str, str]:
    return {pair.id: pair.get("value") for pair in element.iter("nvpair")}


def hosts(document: Cib) -> Hosts:
    return hosts_of(document, ("one",))


def test_connections_and_machines_name_hosts() -> None:
    assert hosts(cib(FAR + MACHINE)) == Hosts(remotes=("far",), guests=("vm",))


@pytest.mark.parametrize(
    ("resources", "nodes", "sentence"),
    [
        (FAR.replace('id="far"', 'id="one"'), "", "remote node one: another node has this name"),
        (FAR.replace('id="far"', 'id="f_.."'), "",
         "remote node f_..: 'f_..' is no name for a node"),
        ("", '<node id="old" uname="old" type="remote"/>',
         "remote node old: no resource connects with it"),
        ('''<template id="t" class="ocf" provider="heartbeat" type="Xen"/>
            <primitive id="m" template="t"><meta_attributes id="a">
            <nvpair id="b" name="remote-node" value="vm"/></meta_attributes></primitive>''', "",
         "guest vm: its machine m is made from a template"),
        ('<bundle id="web"><docker image="i"/></bundle>', "",
         "bundle web: containers do not run in a lab"),
    ],
)  # fmt: skip
def test_what_a_lab_cannot_have_is_named(resources: str, nodes: str, sentence: str) -> None:
    assert hosts(cib(resources, nodes)) == Hosts(left_out=(sentence,))


def test_a_lab_has_no_more_hosts_than_it_can() -> None:
    many = "".join(FAR.replace("far", f"far{number}") for number in range(40))
    found = hosts(cib(many))
    assert len(found.remotes) == 31
    assert found.left_out[0] == "remote node far31: a lab has 32 nodes at most"


def test_in_the_lab_its_own_hosts_are_meant() -> None:
    document = cib(FAR + MACHINE)
    made = for_lab(document, hosts(document)).section("resources")
    found = pairs(made)
    assert (found["far-server"], found["far-port"], found["far-wait"]) == ("far", "3121", "60s")
    assert found["vm-addr"] == "vm"
    machine = next(each for each in made.iter("primitive") if each.id == "vm-machine")
    assert (machine.get("provider"), machine.get("type")) == ("lab", "guest")
    first = machine.children[0]
    assert first.get("score") == "INFINITY"
    assert [(pair.get("name"), pair.get("value")) for pair in first.children] == [("host", "vm")]


def test_a_machine_of_a_lab_stays_as_it_is() -> None:
    own = MACHINE.replace("heartbeat", "lab").replace("VirtualDomain", "guest")
    document = cib(own.replace("elsewhere", "vm").replace("vm.example.com", "vm"))
    assert for_lab(document, hosts(document)) == document


def test_a_lab_reaches_for_no_host_that_it_does_not_have() -> None:
    document = cib(FAR.replace('id="far"', 'id="f_.."'))
    made = for_lab(document, hosts(document)).section("resources")
    assert pairs(made)["far-server"] == "left-out.invalid"


def test_nothing_of_the_labs_own_is_taken_back() -> None:
    document = cib(FAR + MACHINE)
    made = for_lab(document, hosts(document))
    back = as_it_was(made.section("resources"), imported=document, made=made)
    assert back == document.section("resources")
    assert not changes(document, made)


def test_a_remote_node_that_the_lab_has_listed_is_not_taken_back() -> None:
    document = cib(FAR, '<node id="old" uname="old" type="remote"/>')
    made = for_lab(document, hosts(document)).to_xml()
    listed = made.replace("</nodes>", '<node id="far" uname="far" type="remote"/></nodes>')
    assert not changes(document, Cib.parse(listed))
    standby = """<node id="far" uname="far" type="remote"><instance_attributes id="far-a">
        <nvpair id="far-standby" name="standby" value="on"/></instance_attributes></node></nodes>"""
    assert changes(document, Cib.parse(made.replace("</nodes>", standby)))


def test_what_was_changed_in_the_lab_is_taken_back() -> None:
    document = cib(FAR + MACHINE)
    made = for_lab(document, hosts(document))
    tried = made.to_xml().replace('value="60s"', 'value="90s"').replace('"3121"', '"3122"')
    tried = tried.replace("vm.xml", "new.xml").replace('id="vm-disk"', 'id="other"')
    back = as_it_was(Cib.parse(tried).section("resources"), imported=document, made=made)
    expected = document.to_xml().replace('value="60s"', 'value="90s"').replace("4000", "3122")
    expected = expected.replace("vm.xml", "new.xml").replace('id="vm-disk"', 'id="other"')
    assert back == Cib.parse(expected).section("resources")

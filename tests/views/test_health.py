"""What ``cluster health`` finds, and what it says to do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.value import replace
from crmsh_py.views import health
from crmsh_py.wire.lab import LabState, NodeState, Power

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_votes_that_the_cluster_manager_does_not_count_are_told() -> None:
    """Corosync counts the vote of a node with an empty disk; the replica does not."""
    fake = FakeCluster()
    seen = replace(fake.membership(), dc="pacemaker01")
    without = fake.cib.with_attributes({"have-quorum": "0"})
    found = health.examine(without, seen, now=NOW)
    assert not found.well
    assert "enough votes" in health.text(found)
    assert "enough votes" not in health.text(health.examine(fake.cib, seen, now=NOW))


@pytest.mark.parametrize(
    ("votes", "flags", "told"),
    [
        (2, ["Quorate"], True),
        (2, ["2Node", "Quorate", "WaitForAll"], False),
        (3, ["Quorate"], False),
        (2, [], False),  # where Corosync was not asked
    ],
)
def test_two_nodes_are_told_of_two_node(votes: int, flags: list[str], told: bool) -> None:
    fake = FakeCluster()
    seen = replace(fake.membership(), expected_votes=votes, flags=flags)
    found = health.text(health.examine(fake.cib, seen, now=NOW))
    assert ("two nodes without two_node" in found) is told


def test_rules_of_quorum_that_differ_are_told() -> None:
    fake = FakeCluster()
    seen = replace(fake.membership(), unequal_rules="node1: two_node; node2: none")
    found = health.text(health.examine(fake.cib, seen, now=NOW))
    assert "node1: two_node; node2: none" in found
    assert "crm corosync reload" in found


def machine(state: Power = Power.ON, **more: Any) -> NodeState:
    return NodeState(name="pacemaker02", address="10.0.0.2", state=state, **more)


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (machine(frozen=True), "it is frozen: crm lab thaw pacemaker02"),
        (machine(group=1), "the network is cut: crm lab heal"),
        (machine(second_group=1), "the network is cut: crm lab heal"),
        (machine(Power.OFF), "it is off: crm lab start pacemaker02"),
        (machine(Power.DIED), "it ended by itself: crm lab start pacemaker02"),
        (machine(), "crm cluster start pacemaker02; crm lab log pacemaker02"),
        (None, "crm cluster start pacemaker02"),
    ],
)
def test_a_node_that_is_away_comes_back_in_the_way_that_its_machine_needs(
    machine: NodeState | None, told: str
) -> None:
    fake = FakeCluster()
    text = fake.cib.to_xml().replace('in_ccm="true" crmd="online" join="member"', "", 2)
    cib = Cib.parse(text.replace('join="member"', 'join="down"'))
    lab = machine and LabState(
        pid=1, started=1, isolation="root", own_pids=True, note="", nodes=[machine]
    )
    found = health.text(health.examine(cib, fake.membership(), now=NOW, lab=lambda: lab))
    assert f"pacemaker02 is offline\n  {told}\n" in found


RUNNING = '<lrm_resource id="ClusterIP"'


def grouped(*, web_runs: bool, ip_runs: bool, meta: str = "", of: str = "site") -> str:
    """What is told of a group of ClusterIP and WebSite, one of which has this meta attribute."""
    fake = FakeCluster()
    pairs = (
        f'<meta_attributes id="m"><nvpair id="mm" name="{meta}" value="true"/></meta_attributes>'
    )
    resources = fake.cib.section("resources")
    if meta:
        resources = resources.map_children(lambda e: e.append(parse(pairs)) if e.id == of else e)
    group = Element("group", {"id": "site"}, resources.children)
    if meta and of == "site":
        group = group.append(parse(pairs))
    cib = fake.cib.with_section("resources", Element("resources", {}, (group,)))
    text = cib.with_section("constraints", Element("constraints")).to_xml()
    entry = text[text.index(RUNNING) : text.index("</lrm_resource>")] + "</lrm_resource>"
    web = entry.replace("ClusterIP", "WebSite")
    text = text.replace(entry, (entry if ip_runs else "") + (web if web_runs else ""))
    return health.text(health.examine(Cib.parse(text), fake.membership(), now=NOW))


def test_of_a_group_that_is_told_which_is_not_as_the_whole_is() -> None:
    assert "runs nowhere" not in grouped(web_runs=True, ip_runs=True)
    half = grouped(web_runs=False, ip_runs=True)
    assert "WebSite runs nowhere\n  crm why WebSite" in half
    assert "site runs nowhere" not in half
    nothing = grouped(web_runs=False, ip_runs=False)
    assert "site runs nowhere\n  crm why site" in nothing
    assert "WebSite runs nowhere" not in nothing


@pytest.mark.parametrize("of", ["site", "WebSite"])
def test_what_is_in_maintenance_is_told_once_and_how_it_ends(of: str) -> None:
    told = grouped(web_runs=True, ip_runs=True, meta="maintenance", of=of)
    assert f"NOTICE: {of} is in maintenance\n  crm maintenance off {of}\n" in told
    assert told.count("is in maintenance") == 1


def test_where_nothing_is_managed_no_resource_is_told_of_singly() -> None:
    fake = FakeCluster()
    cib = fake.cib.with_section(
        "crm_config",
        parse(
            '<crm_config><cluster_property_set id="p">'
            '<nvpair id="pm" name="maintenance-mode" value="true"/>'
            "</cluster_property_set></crm_config>"
        ),
    )
    told = health.text(health.examine(cib, fake.membership(), now=NOW))
    assert "the whole cluster is in maintenance\n  crm maintenance off" in told
    assert "not managed" not in told
    assert "ClusterIP is in maintenance" not in told


def test_who_has_no_quorum_is_not_told_to_fence_the_others() -> None:
    """It may be the one that is cut off; then they are well."""
    fake = FakeCluster()
    text = fake.cib.with_attributes({"have-quorum": "0"}).to_xml()
    text = text.replace('"stonith-enabled" value="false"', '"stonith-enabled" value="true"')
    lost = 'uname="pacemaker02" in_ccm="false" crmd="offline"'
    cib = Cib.parse(text.replace('uname="pacemaker02" in_ccm="true" crmd="online"', lost))
    cut = machine(), machine(group=1)
    lab = LabState(pid=1, started=1, isolation="root", own_pids=True, note="", nodes=list(cut))
    seen = replace(fake.membership(), quorate=False)
    told = health.text(health.examine(cib, seen, now=NOW, lab=lambda: lab))
    assert "is unclean: nobody knows what runs there\n  the network is cut: crm lab heal" in told
    assert "crm node fence" not in told


def test_fencing_is_switched_on_by_the_device_that_there_is() -> None:
    fake = FakeCluster()
    switch = "crm configure property stonith-enabled=true"
    told = health.text(health.examine(fake.cib, fake.membership(), now=NOW, device="stonith:lab"))
    assert f"\n  crm configure primitive fence stonith:lab; {switch}" in told
    device = parse('<primitive id="f" class="stonith" type="lab"/>')
    cib = fake.cib.with_section("resources", fake.cib.section("resources").append(device))
    told = health.text(health.examine(cib, fake.membership(), now=NOW, device="stonith:lab"))
    assert f"\n  {switch}" in told


def test_without_a_device_nothing_is_started_as_long_as_fencing_is_enabled() -> None:
    fake = FakeCluster()
    text = fake.cib.to_xml().replace('stonith-enabled" value="false"', 'stonith-enabled" value="1"')
    told = health.text(health.examine(Cib.parse(text), fake.membership(), now=NOW))
    assert "WARNING: fencing is enabled, and there is no fence device" in told
    watchdog = '<nvpair id="w" name="stonith-watchdog-timeout" value="10s"/></cluster_property_set>'
    text = text.replace("</cluster_property_set>", watchdog)
    told = health.text(health.examine(Cib.parse(text), fake.membership(), now=NOW))
    assert "no fence device" not in told


def test_what_runs_on_a_node_in_maintenance_is_told_of_with_the_node() -> None:
    fake = FakeCluster()
    text = fake.cib.to_xml()
    pairs = '<nvpair id="nm" name="maintenance" value="true"/>'
    attributes = f'<instance_attributes id="n">{pairs}</instance_attributes></node>'
    bare = re.search(r'<node [^>]*uname="pacemaker01"[^>]*/>', text)
    assert bare is not None
    text = text.replace(bare[0], bare[0].removesuffix("/>") + ">" + attributes)
    told = health.text(health.examine(Cib.parse(text), fake.membership(), now=NOW))
    assert "pacemaker01 is in maintenance\n  crm node ready pacemaker01\n" in told
    assert "crm maintenance off" not in told


def with_far(*, meta: str = "", whole: str = "", connected: bool = False) -> Cib:
    """A remote node; ``meta`` is what its connection has, ``whole`` an option of the cluster."""
    cib = FakeCluster().cib
    pairs = f'<meta_attributes id="fm"><nvpair id="fmm" {meta}/></meta_attributes>' if meta else ""
    far = '<primitive id="far" class="ocf" provider="pacemaker" type="remote">'
    options = f'<nvpair id="wo" {whole}/>' if whole else ""
    for section, more in (
        ("nodes", '<node id="far" uname="far" type="remote"/>'),
        ("resources", f"{far}{pairs}</primitive>"),
        ("crm_config", f'<cluster_property_set id="w">{options}</cluster_property_set>'),
        ("status", '<node_state id="far" uname="far" remote_node="true" in_ccm="true"/>'),
    ):
        cib = cib.with_section(section, cib.section(section).append(parse(more)))
    text = cib.to_xml()
    entry = text[text.index(RUNNING) : text.index("</lrm_resource>")] + "</lrm_resource>"
    far = entry.replace("ClusterIP", "far").replace("heartbeat", "pacemaker")
    text = text.replace(entry, entry + far.replace("IPaddr2", "remote")) if connected else text
    return Cib.parse(text)


def test_a_remote_node_comes_back_by_its_connection() -> None:
    """The cluster manager is started on members only."""
    seen = FakeCluster().membership()
    told = health.text(health.examine(with_far(), seen, now=NOW))
    assert "WARNING: far is offline\n  crm why far\n" in told
    stopped = with_far(meta='name="target-role" value="Stopped"')
    told = health.text(health.examine(stopped, seen, now=NOW))
    assert "NOTICE: far is offline, as far is stopped\n  crm resource start far\n" in told


@pytest.mark.parametrize(
    ("there", "told", "ends"),
    [
        ({"meta": 'name="is-managed" value="0"'}, "far is not managed", "crm resource manage far"),
        (
            {"whole": 'name="maintenance-mode" value="1"'},
            "the whole cluster is in maintenance",
            "crm maintenance off",
        ),
    ],
)
def test_a_remote_node_that_is_in_maintenance_by_its_connection_is_not_told_of_twice(
    there: dict[str, str], told: str, ends: str
) -> None:
    cib = with_far(**there, connected=True)  # type: ignore[arg-type]
    found = health.text(health.examine(cib, FakeCluster().membership(), now=NOW))
    assert f"{told}\n  {ends}\n" in found
    assert "far is in maintenance" not in found
    assert "far is offline" not in found


def test_the_connection_with_a_guest_is_no_resource_that_could_be_managed() -> None:
    """It is implied by the guest's machine."""
    fake = FakeCluster()
    pairs = (("remote-node", "vm"), ("is-managed", "false"))
    meta = "".join(
        f'<nvpair id="m-{name}" name="{name}" value="{value}"/>' for name, value in pairs
    )
    machine = '<primitive id="machine" class="ocf" provider="lab" type="guest">'
    machine += f'<meta_attributes id="m">{meta}</meta_attributes></primitive>'
    cib = fake.cib.with_section("resources", fake.cib.section("resources").append(parse(machine)))
    found = health.text(health.examine(cib, fake.membership(), now=NOW))
    assert "vm is offline\n  crm why machine\n" in found
    assert "machine is not managed\n  crm resource manage machine\n" in found
    assert "vm is not managed" not in found
    assert "vm runs nowhere" not in found

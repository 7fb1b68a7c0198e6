"""crm_mon's classic layout: the tutorial's texts byte for byte, and the states beyond them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.views import mon_classic
from crmsh_py.views.mon_facts import MonOptions

NAMES = ("pacemaker01", "pacemaker02", "pacemaker03")
NODES = tuple(
    NodeStatus(name=name, id=str(1084777482 + i), online=True, is_dc=i == 0)
    for i, name in enumerate(NAMES)
)
IP = AgentSpec("ocf", "heartbeat", "IPaddr2")
WEB = AgentSpec("ocf", "heartbeat", "apache")
DUMMY = AgentSpec("ocf", "pacemaker", "Dummy")
NOW = datetime(2014, 7, 28, 20, 6, 15, tzinfo=UTC)

CIB = """<cib num_updates="5" dc-uuid="1084777482" update-origin="pacemaker01"
 validate-with="pacemaker-3.9" update-client="crmd" epoch="5" admin_epoch="0"
 cib-last-written="Mon Jul 28 19:58:58 2014" have-quorum="1" crm_feature_set="3.19.0">
 <configuration><crm_config/><nodes/><resources>
  <primitive id="ClusterIP" class="ocf" provider="heartbeat" type="IPaddr2">
   <meta_attributes id="m"><nvpair id="m1" name="migration-threshold" value="3"/></meta_attributes>
  </primitive></resources>
  <constraints>
   <rsc_location id="cli-ban-x" rsc="ClusterIP" node="pacemaker02" score="-INFINITY"/>
   <rsc_ticket id="t" ticket="tick" rsc="ClusterIP"/>
  </constraints></configuration>
 <status>
  <node_state id="1084777482" uname="pacemaker01">
   <transient_attributes id="1084777482"><instance_attributes id="status-1084777482">
    <nvpair id="a" name="fail-count-ClusterIP#monitor_30000" value="2"/>
    <nvpair id="b" name="last-failure-ClusterIP#monitor_30000" value="1406577600"/>
    <nvpair id="c" name="pingd" value="1000"/>
   </instance_attributes></transient_attributes>
   <lrm id="1084777482"><lrm_resources>
    <lrm_resource id="ClusterIP" class="ocf" provider="heartbeat" type="IPaddr2">
     <lrm_rsc_op id="ClusterIP_last_0" operation="start" interval="0" call-id="6" rc-code="0"
      op-status="0" last-rc-change="1406577600" last-run="1406577600" exec-time="35"
      queue-time="0"/>
     <lrm_rsc_op id="ClusterIP_monitor_30000" operation="monitor" interval="30000" call-id="7"
      rc-code="0" op-status="0" last-rc-change="1406577601" exec-time="12" queue-time="0"/>
    </lrm_resource>
   </lrm_resources></lrm>
  </node_state>
 </status></cib>"""


def started(name: str, agent: AgentSpec, *nodes: str, **more: object) -> ResourceStatus:
    return ResourceStatus(id=name, agent=agent, role=Role.STARTED, nodes=nodes, **more)  # type: ignore[arg-type]


def cluster(*resources: ResourceStatus, **more: object) -> ClusterStatus:
    fields: dict[str, object] = {
        "nodes": NODES,
        "resources": resources,
        "dc": "pacemaker01",
        "dc_id": "1084777482",
        "quorate": True,
        "stack": "corosync",
        "dc_version": "1.1.10-42f2063",
        "primitives_configured": len(resources),
    }
    return ClusterStatus(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def cib() -> Cib:
    return Cib.parse(CIB)


def test_the_empty_cluster_is_shown_as_in_the_tutorial(cib: Cib) -> None:
    assert mon_classic.render(cib, cluster(), now=NOW) == (
        "Last updated: Mon Jul 28 20:06:15 2014\n"
        "Last change: Mon Jul 28 19:58:58 2014 via crmd on pacemaker01\n"
        "Stack: corosync\n"
        "Current DC: pacemaker01 (1084777482) - partition with quorum\n"
        "Version: 1.1.10-42f2063\n"
        "3 Nodes configured\n"
        "0 Resources configured\n"
        "\n"
        "Online: [ pacemaker01 pacemaker02 pacemaker03 ]\n"
    )


def test_resources_stand_in_the_tutorials_columns(cib: Cib) -> None:
    status = cluster(started("ClusterIP", IP, NAMES[1]), started("WebSite", WEB, NAMES[1]))
    text = mon_classic.render(cib, status, now=NOW)
    assert text.endswith(
        "2 Resources configured\n"
        "\n"
        "Online: [ pacemaker01 pacemaker02 pacemaker03 ]\n"
        "\n"
        "ClusterIP      (ocf::heartbeat:IPaddr2):       Started pacemaker02\n"
        "WebSite        (ocf::heartbeat:apache):        Started pacemaker02\n"
    )


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, "Started pacemaker01"),
        ({"standin": True}, "Started pacemaker01 (stand-in)"),
        ({"managed": False}, "Started pacemaker01 (unmanaged)"),
        ({"managed": False, "maintenance": True}, "Started pacemaker01 (maintenance)"),
        ({"failed": True}, "FAILED pacemaker01"),
        ({"failed": True, "role": Role.PROMOTED}, "FAILED Master pacemaker01"),
        ({"failed": True, "blocked": True, "managed": False}, "FAILED pacemaker01 (blocked)"),
        ({"orphan": True}, "ORPHANED Started pacemaker01"),
        ({"nodes": ("a", "b")}, "Started [ a b ]"),
        ({"pending_task": "start"}, "Starting pacemaker01"),
        ({"failure_ignored": True}, "Started pacemaker01 (failure ignored)"),
        ({"role": Role.STOPPED, "nodes": (), "disabled": True}, "Stopped (disabled)"),
    ],
)
def test_every_state_of_a_primitive_has_its_words(change: dict[str, object], shown: str) -> None:
    fields: dict[str, object] = {"role": Role.STARTED, "nodes": ("pacemaker01",), **change}
    resource = ResourceStatus(id="d1", agent=DUMMY, **fields)  # type: ignore[arg-type]
    assert mon_classic.primitive_line(resource) == f"d1     (ocf::pacemaker:Dummy): {shown}"


@pytest.mark.parametrize(
    ("change", "mode"),
    [
        ({"online": True}, "online"),
        ({}, "OFFLINE"),
        ({"unclean": True}, "UNCLEAN (offline)"),
        ({"unclean": True, "online": True}, "UNCLEAN (online)"),
        ({"pending": True}, "pending"),
        ({"online": True, "standby": True}, "standby"),
        ({"online": True, "standby": True, "standby_on_fail": True}, "standby (on-fail)"),
        ({"standby": True}, "OFFLINE (standby)"),
        ({"online": True, "maintenance": True}, "maintenance"),
        ({"maintenance": True}, "OFFLINE (maintenance)"),
    ],
)
def test_every_state_of_a_node_has_its_words(change: dict[str, bool], mode: str) -> None:
    assert mon_classic.node_mode(NodeStatus(name="n", id="1", **change)) == mode  # type: ignore[arg-type]


def crowded() -> ClusterStatus:
    def instance(number: int, role: Role, *nodes: str, **more: object) -> ResourceStatus:
        fields = {"agent": DUMMY, "role": role, "nodes": nodes, **more}
        return ResourceStatus(id=f"st:{number}", **fields)  # type: ignore[arg-type]

    group = ResourceStatus(
        id="g1",
        kind=ResourceKind.GROUP,
        children=(started("g-a", DUMMY, NAMES[0]), ResourceStatus(id="g-b", agent=DUMMY)),
    )
    clone = ResourceStatus(
        id="cd-clone",
        kind=ResourceKind.CLONE,
        locations={NAMES[2]: Role.STOPPED},
        children=tuple(started(f"cd:{i}", DUMMY, NAMES[i]) for i in range(2)),
    )
    promotable = ResourceStatus(
        id="ms",
        kind=ResourceKind.PROMOTABLE,
        children=(
            instance(0, Role.PROMOTED, NAMES[1]),
            instance(1, Role.UNPROMOTED, NAMES[0]),
            instance(2, Role.UNPROMOTED, NAMES[2], failed=True),
        ),
    )
    stopped = ResourceStatus(id="WebSite", agent=WEB, disabled=True, target_role="Stopped")
    failure = FailedAction(
        resource="st",
        key="st_monitor_10000",
        operation="monitor",
        interval_ms=10000,
        node=NAMES[2],
        rc=1,
        status=4,
        call_id=9,
        exit_reason="gone",
        last_change=1406577600,
        exec_ms=17,
    )
    nodes = (
        NODES[0],
        NodeStatus(name=NAMES[1], id=NODES[1].id, online=True, standby=True),
        NodeStatus(name=NAMES[2], id=NODES[2].id, online=True, attributes={"pingd": "1000"}),
        NodeStatus(name="far", id="far", kind="remote", unclean=True),
        NodeStatus(name="lost", id="5"),
    )
    return cluster(
        started("ClusterIP", IP, NAMES[0]),
        group,
        clone,
        promotable,
        stopped,
        nodes=nodes,
        failed_actions=(failure,),
        primitives_configured=10,
        quorate=False,
    )


EVERYTHING = MonOptions(
    inactive=True, operations=True, timing=True, fail_counts=True, attributes=True, tickets=True,
    bans="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain", MonOptions()),
        ("inactive", MonOptions(inactive=True)),
        ("by_node", MonOptions(by_node=True)),
        ("by_node_inactive", MonOptions(by_node=True, inactive=True)),
        ("fail_counts", MonOptions(fail_counts=True, headers=False)),
        ("everything", EVERYTHING),
    ],
)
def test_a_crowded_cluster(
    cib: Cib, golden: Callable[[str, str], None], name: str, options: MonOptions
) -> None:
    golden(f"mon_classic_{name}.txt", mon_classic.render(cib, crowded(), now=NOW, options=options))


def test_no_quorum_and_no_dc_are_said(cib: Cib) -> None:
    without = mon_classic.render(cib, cluster(quorate=False), now=NOW)
    assert "Current DC: pacemaker01 (1084777482) - partition WITHOUT quorum\n" in without
    assert "Current DC: NONE\n" in mon_classic.render(cib, cluster(dc="", dc_id=""), now=NOW)


def test_the_dc_of_a_cluster_that_has_listed_no_node_yet_has_its_name() -> None:
    """The first node of three runs alone: it writes nothing down before it has quorum."""
    cib = Cib.parse(CIB).with_attributes({"have-quorum": "0"})
    status = ClusterStatus(nodes=(), dc_id="1084777482", quorate=False)
    shown = mon_classic.render(cib, status, now=NOW).splitlines()
    assert "Current DC: pacemaker01 (1084777482) - partition WITHOUT quorum" in shown

"""crm resource status, locate, constraints; crm node show; crm configure revisions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from views.test_mon_classic import DUMMY, IP, NAMES, NODES, WEB, cluster, crowded, started

from crmsh_py.cib.document import Cib
from crmsh_py.errors import NotFound
from crmsh_py.scheduler.result import Change, Plan, ResourceChange, ResourceStatus, Role
from crmsh_py.value import replace
from crmsh_py.views import nodes, resource_status, revisions
from crmsh_py.views.plan import render
from crmsh_py.wire.control import Member, MembershipReply, Revision

CIB = Cib.parse("""<cib admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/>
 <nodes><node id="1084777482" uname="pacemaker01"/>
  <node id="1084777483" uname="pacemaker02"><instance_attributes id="nodes-2">
   <nvpair id="x" name="standby" value="on"/></instance_attributes></node></nodes>
 <resources/><constraints>
  <rsc_colocation id="c1" score="INFINITY" rsc="WebSite" with-rsc="ClusterIP"/>
  <rsc_order id="o1" first="ClusterIP" then="WebSite"/>
  <rsc_location id="l1" rsc="ClusterIP" node="pacemaker01" score="100"/>
  <rsc_location id="l2" rsc="ClusterIP"><rule id="r" score="5"/></rsc_location>
  <rsc_ticket id="t1" ticket="tick" rsc="ClusterIP"/>
  <rsc_colocation id="s1"><resource_set id="set"><resource_ref id="ClusterIP"/></resource_set>
  </rsc_colocation>
 </constraints></configuration><status/></cib>""")


def test_all_resources_are_listed_with_their_parts() -> None:
    assert resource_status.listing(CIB, crowded()).splitlines()[:4] == [
        "ClusterIP      (ocf::heartbeat:IPaddr2):       Started pacemaker01",
        "Resource Group: g1",
        "    g-a        (ocf::pacemaker:Dummy): Started pacemaker01",
        "    g-b        (ocf::pacemaker:Dummy): Stopped",
    ]
    assert resource_status.listing(CIB, cluster()) == "NO resources configured\n"


def test_a_resource_is_located_by_its_own_or_its_clones_name() -> None:
    status = crowded()
    one = ["resource ClusterIP is running on: pacemaker01"]
    assert resource_status.location_lines(status, "ClusterIP") == one
    assert resource_status.location_lines(status, "ms") == [
        "resource ms is running on: pacemaker02 Master",
        "resource ms is running on: pacemaker01",
        "resource ms is running on: pacemaker03",
    ]
    assert resource_status.location_lines(status, "st", classic=False)[0].endswith("02 Promoted")
    assert resource_status.location_lines(status, "WebSite") == []


def test_an_unknown_resource_is_named_with_the_near_one() -> None:
    with pytest.raises(NotFound) as caught:
        resource_status.places(crowded(), "ClusterPI")
    assert caught.value.hint == "did you mean ClusterIP?"


def test_orders_and_tickets_are_told() -> None:
    assert resource_status.orders_and_tickets(CIB, "ClusterIP") == (
        "Other constraints of ClusterIP:\n"
        "  * starts before WebSite (Mandatory) (id=o1)\n"
        "  * ticket tick (id=t1)\n"
    )
    assert resource_status.orders_and_tickets(CIB, "other") == ""


def test_nodes_are_shown_with_state_and_attributes() -> None:
    gone = replace(NODES[2], online=False)
    status = cluster(nodes=(*NODES[:2], gone))
    assert nodes.show(CIB, status) == (
        "pacemaker01(1084777482): member\n"
        "pacemaker02(1084777483): member\n"
        "\tstandby=on\n"
        "pacemaker03(1084777484): member(offline)\n"
    )
    assert nodes.show(CIB, status, "pacemaker01") == "pacemaker01(1084777482): member\n"
    assert nodes.members(status).splitlines()[2] == "1084777484 pacemaker03 lost"
    with pytest.raises(NotFound, match="pacemaker9"):
        nodes.show(CIB, status, "pacemaker9")


def test_no_value_draws_a_line_of_its_own() -> None:
    name = "a\nb(1): member"
    hostile = replace(NODES[0], name=name)
    assert nodes.show(CIB, cluster(nodes=(hostile,))).splitlines()[0].startswith("a?b(1): member(")
    plan = Plan(changes=(ResourceChange(change=Change.START, resource=name, to_node=name),))
    assert render(plan, colour=True).splitlines()[0].startswith("  \033[32mstart   \033[0m a?b(1)")


def test_a_partition_is_one_line() -> None:
    members = [Member(node_id=i, name=NAMES[i], address="") for i in (1, 0)]
    reply = MembershipReply(
        node=NAMES[0], node_id=0, ring_representative=0, ring_sequence=4, state="operational",
        members=members, quorate=True, expected_votes=3, highest_expected=3, total_votes=2,
        quorum=2,
    )  # fmt: skip
    assert nodes.partition(reply) == "pacemaker01 pacemaker02 \n"


def test_revisions_are_a_table_that_marks_forced_ones() -> None:
    stored = [
        Revision(version=(0, 8, 0), author="root", client="crm", origin="pacemaker01",
                 time=1406577600, patch="", forced=True),
        Revision(version=(0, 7, 0), author="", client="", origin="pacemaker02", time=0, patch=""),
    ]  # fmt: skip
    assert revisions.table(stored, now=datetime(2014, 7, 29, tzinfo=UTC)).splitlines() == [
        "VERSION  TIME                      AUTHOR  VIA  ON",
        "0.8      Mon Jul 28 20:00:00 2014  root    crm  pacemaker01 (without quorum)",
        "0.7                                -       -    pacemaker02",
    ]


def test_roles_of_one_resource_on_two_nodes_are_told_apart() -> None:
    twice = ResourceStatus(
        id="ip", agent=IP, role=Role.STARTED, nodes=NAMES[:2],
        locations={NAMES[0]: Role.PROMOTED, NAMES[1]: Role.UNPROMOTED},
    )  # fmt: skip
    places = resource_status.places(cluster(twice, started("w", WEB), started("d", DUMMY)), "ip")
    assert places == [(NAMES[0], Role.PROMOTED), (NAMES[1], Role.UNPROMOTED)]

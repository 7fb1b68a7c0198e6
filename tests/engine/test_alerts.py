"""Alerts: who is told what, with which variables."""

from __future__ import annotations

from typing import Any

from sim.cluster import Cluster, add_resource, without_fencing

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.engine.alerts import alerts_of, stamp
from crmsh_py.wire.control import SetAttribute

ALERTS = """<alerts>
 <alert id="all" path="/bin/all">
  <meta_attributes id="m"><nvpair id="m1" name="timeout" value="5s"/></meta_attributes>
  <instance_attributes id="i"><nvpair id="i1" name="colour" value="red"/></instance_attributes>
  <recipient id="r1" value="/one"/>
  <recipient id="r2" value="/two">
   <instance_attributes id="i2"><nvpair id="i3" name="colour" value="blue"/></instance_attributes>
   <meta_attributes id="m2"><nvpair id="m3" name="timestamp-format" value="%s"/></meta_attributes>
  </recipient>
 </alert>
 <alert id="some" path="/bin/some"><select><select_attributes>
  <attribute id="a" name="color"/></select_attributes></select></alert>
 <alert id="none" path="/bin/none"><meta_attributes id="m4">
  <nvpair id="m5" name="enabled" value="false"/></meta_attributes></alert>
</alerts>"""


def with_alerts(cib: Cib) -> Cib:
    return cib.with_section("alerts", parse(ALERTS))


def told(cluster: Cluster, **facts: str) -> list[tuple[str, dict[str, str]]]:
    """Alerts with these variables, by the node that ran them."""
    return [
        (node.name, dict(alert.environment))
        for node in cluster.nodes.values()
        for alert in node.alerts
        if all(alert.environment.get(f"CRM_alert_{n}") == v for n, v in facts.items())
    ]


def running() -> Cluster:
    cluster = Cluster(3, 1)
    cluster.start()
    cluster.settle()
    changes: tuple[Any, ...] = (without_fencing, with_alerts, add_resource("R1"))
    for change in changes:
        cluster.commit(1, change)
        cluster.settle()
    cluster.run(0.5)
    return cluster


def test_recipients_inherit_from_their_alert_and_override_it() -> None:
    one, two, some = alerts_of(with_alerts(Cib.new()))
    assert (one.recipient, one.variables["colour"], one.timeout_ms) == ("/one", "red", 5000)
    assert (two.recipient, two.variables["colour"]) == ("/two", "blue")
    assert two.timestamp_format == "%s"
    assert (some.kinds, some.attributes) == ({"attribute"}, {"color"})


def test_a_result_is_told_once_by_the_node_where_it_came_about_and_probes_are_no_news() -> None:
    cluster = running()
    starts = told(cluster, kind="resource", rsc="R1", task="start", recipient="/one")
    assert len(starts) == 1
    (node, variables) = starts[0]
    assert "R1" in next(n for n in cluster.up if n.name == node).active
    assert variables["CRM_alert_rc"] == "0"
    assert variables["CRM_alert_desc"] == "ok"
    assert variables["colour"] == "red"
    assert not told(cluster, kind="resource", task="monitor", interval="0")
    assert told(cluster, kind="resource", task="monitor", interval="10000")


def test_members_that_go_are_told_and_attributes_only_to_who_wants_them() -> None:
    cluster = running()
    cluster.answer(2, SetAttribute(node="", name="color", value="7"))
    cluster.answer(2, SetAttribute(node="", name="size", value="8"))
    cluster.settle()
    (change,) = told(cluster, kind="attribute")
    assert change[1]["CRM_alert_attribute_value"] == "7"
    assert change[1]["CRM_alert_node"] == "node2"
    cluster.node(3).crash()
    cluster.run(2.0)
    lost = told(cluster, kind="node", node="node3", desc="lost", recipient="/two")
    assert [name for name, _ in lost] == ["node1", "node2"]


def test_times_are_written_as_the_format_wants() -> None:
    wall = 1_800_000_000.123456
    assert stamp(wall, "%H:%M:%S.%06N") == "08:00:00.123456"
    assert stamp(wall, "%Y %3N") == "2027 123"

"""What move, ban and clear write, and attributes of resources and nodes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.clusters import operations
from crmsh_py.errors import ConfigError, NotFound

NOW = datetime(2014, 7, 29, 10, 7, 44, tzinfo=UTC)


@pytest.fixture
def cib() -> Cib:
    return Cib.parse("""
<cib admin_epoch="0" epoch="5" num_updates="0" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config/>
    <nodes><node id="1" uname="pacemaker01"/><node id="2" uname="pacemaker02"/></nodes>
    <resources>
      <primitive id="WebSite" class="ocf" provider="heartbeat" type="apache"/>
      <clone id="c"><primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/></clone>
    </resources>
    <constraints><rsc_location id="mine" rsc="WebSite" node="pacemaker01" score="50"/></constraints>
  </configuration>
  <status>
    <node_state id="1" uname="pacemaker01"><lrm id="1"><lrm_resources>
      <lrm_resource id="WebSite"/><lrm_resource id="d:0"/>
    </lrm_resources></lrm>
    <transient_attributes id="1"><instance_attributes id="status-1">
      <nvpair id="a" name="fail-count-d#monitor_10000" value="3"/>
      <nvpair id="b" name="fail-count-WebSite#monitor_60000" value="1"/>
    </instance_attributes></transient_attributes></node_state>
    <node_state id="2" uname="pacemaker02"><lrm id="2"><lrm_resources>
      <lrm_resource id="d:1"/>
    </lrm_resources></lrm></node_state>
  </status>
</cib>""")


def constraints(cib: Cib) -> list[dict[str, str]]:
    return [dict(c.attrs) for c in cib.section("constraints").findall() if c.id != "mine"]


def test_move_prefers_the_node_as_crm_resource_writes_it(cib: Cib) -> None:
    moved = operations.move(cib, "WebSite", "pacemaker02")

    assert constraints(moved) == [
        {
            "id": "cli-prefer-WebSite",
            "rsc": "WebSite",
            "role": "Started",
            "node": "pacemaker02",
            "score": "INFINITY",
        }
    ]


def test_a_second_move_replaces_the_first_and_a_ban_of_the_target(cib: Cib) -> None:
    cib = operations.ban(cib, "WebSite", "pacemaker01")
    cib = operations.move(cib, "WebSite", "pacemaker02")
    cib = operations.move(cib, "WebSite", "pacemaker01")

    assert [(c["id"], c["node"]) for c in constraints(cib)] == [
        ("cli-prefer-WebSite", "pacemaker01")
    ]


def test_ban_keeps_it_off_the_node(cib: Cib) -> None:
    (constraint,) = constraints(operations.ban(cib, "WebSite", "pacemaker02", promoted=True))

    assert constraint["id"] == "cli-ban-WebSite-on-pacemaker02"
    assert (constraint["score"], constraint["role"]) == ("-INFINITY", "Promoted")


def test_a_lifetime_becomes_a_rule_that_ends(cib: Cib) -> None:
    moved = operations.move(cib, "WebSite", "pacemaker02", lifetime="PT5M", now=NOW)

    rule = moved.section("constraints").findall()[-1].find("rule")
    assert rule is not None
    expression, date = rule.findall()
    assert (expression.get("attribute"), expression.get("value")) == ("#uname", "pacemaker02")
    assert (date.get("operation"), date.get("end")) == ("lt", "2014-07-29 10:12:44Z")


def test_a_lifetime_that_is_none_is_refused(cib: Cib) -> None:
    with pytest.raises(ConfigError):
        operations.move(cib, "WebSite", "pacemaker02", lifetime="soon", now=NOW)


def test_clear_takes_back_all_of_ours_and_nothing_else(cib: Cib) -> None:
    before = cib
    cib = operations.ban(cib, "WebSite", "pacemaker01")
    cib = operations.move(cib, "WebSite", "pacemaker02", lifetime="PT5M", now=NOW)

    assert operations.clear(cib, "WebSite") == before


def test_clear_of_one_node_leaves_the_others(cib: Cib) -> None:
    cib = operations.ban(cib, "WebSite", "pacemaker01")
    cib = operations.ban(cib, "WebSite", "pacemaker02")

    (left,) = constraints(operations.clear(cib, "WebSite", "pacemaker01"))

    assert left["node"] == "pacemaker02"


def test_clear_of_nothing_changes_nothing(cib: Cib) -> None:
    assert operations.clear(cib, "WebSite") is cib


def test_unknown_names_come_with_the_near_ones(cib: Cib) -> None:
    with pytest.raises(NotFound) as caught:
        operations.move(cib, "Website", "pacemaker02")
    assert caught.value.hint == "did you mean WebSite?"
    with pytest.raises(NotFound, match="pacemaker9"):
        operations.move(cib, "WebSite", "pacemaker9")


def test_a_meta_attribute_is_set_changed_and_deleted(cib: Cib) -> None:
    stopped = operations.target_role(cib, "WebSite", "Stopped")
    started = operations.target_role(stopped, "WebSite", "Started")

    pair = started.find_id("WebSite-meta_attributes-target-role")
    assert pair is not None
    assert pair.get("value") == "Started"
    assert operations.target_role(started, "WebSite", None).configuration == cib.configuration
    assert operations.target_role(started, "WebSite", "Started") is started


def test_a_resource_inside_a_clone_is_found(cib: Cib) -> None:
    changed = operations.set_meta(cib, "d", "is-managed", "false")

    pair = changed.find_id("d-meta_attributes-is-managed")
    assert pair is not None
    assert pair.get("value") == "false"


def test_standby_and_maintenance_are_attributes_of_the_node(cib: Cib) -> None:
    changed = operations.maintenance(operations.standby(cib, "pacemaker02", True), "2", True)

    standby, maintenance = (changed.find_id(f"nodes-2-{n}") for n in ("standby", "maintenance"))
    assert standby is not None
    assert maintenance is not None
    assert (standby.get("value"), maintenance.get("value")) == ("on", "true")
    back = operations.maintenance(operations.standby(changed, "2", None), "2", None)
    assert back.configuration == cib.configuration


def test_a_remote_node_gets_its_first_attribute(cib: Cib) -> None:
    remote = {"id": "far", "class": "ocf", "provider": "pacemaker", "type": "remote"}
    section = cib.section("resources").append(Element("primitive", remote))
    cib = cib.with_section("resources", section)

    changed = operations.standby(cib, "far", True)

    assert [n.get("uname") for n in changed.section("nodes").findall("node")][-1] == "far"
    pair = changed.find_id("nodes-far-standby")
    assert pair is not None
    assert pair.get("value") == "on"


def test_a_transient_attribute_is_in_the_status_and_nowhere_else(cib: Cib) -> None:
    changed = operations.set_transient_attribute(cib, "pacemaker02", "pingd", "100")

    assert changed.configuration is cib.configuration
    pair = changed.find_id("status-2-pingd")
    assert pair is not None
    assert pair.get("value") == "100"


def test_history_of_one_resource_goes_with_its_fail_counts(cib: Cib) -> None:
    cleaned = operations.without_history(cib, "c")
    assert operations.without_history(cib, "d:1") == cleaned

    left = [e.id for e in cleaned.status.iter("lrm_resource")]
    names = [e.get("name") for e in cleaned.status.iter("nvpair")]
    assert left == ["WebSite"]
    assert names == ["fail-count-WebSite#monitor_60000"]


def test_a_clean_up_keeps_the_history_of_what_has_not_failed(cib: Cib) -> None:
    """On the second node the clone has not failed; a failure may be known without a count."""
    text = cib.to_xml().replace(
        '<lrm_resource id="d:0"/>',
        '<lrm_resource id="d:0"/><lrm_resource id="e"><lrm_rsc_op id="e_last_failure_0"/>'
        "</lrm_resource>",
    )
    more = '<resources><primitive id="e" class="ocf" provider="pacemaker" type="Dummy"/>'
    cib = Cib.parse(text.replace("<resources>", more))
    cleaned = operations.without_history(cib, "c", only_failed=True)

    assert [e.id for e in cleaned.status.iter("lrm_resource")] == ["WebSite", "e", "d:1"]
    cleaned = operations.without_history(cib, only_failed=True)

    assert [e.id for e in cleaned.status.iter("lrm_resource")] == ["d:1"]
    assert [e.get("name") for e in cleaned.status.iter("nvpair")] == []


def test_a_failure_of_one_operation_is_forgotten_and_others_stay(cib: Cib) -> None:
    more = '<nvpair id="e" name="last-failure-d#stop_0" value="9"/>'
    more += '<nvpair id="f" name="fail-count-d#stop_0" value="INFINITY"/>'
    cib = Cib.parse(cib.to_xml().replace('<nvpair id="b"', more + '<nvpair id="b"'))
    others = {"last-failure-d#stop_0": "9", "fail-count-d#stop_0": "INFINITY"}
    there = operations.FailedAt("pacemaker01", "d", others)
    assert operations.failed_at(cib, "c", "", "monitor_10000") == [there]
    assert operations.failed_at(cib, "d:0", "pacemaker01", "monitor_10000") == [there]
    assert operations.failed_at(cib, "c", "pacemaker02", "monitor_10000") == []
    assert operations.failed_at(cib, "", "", "monitor_0") == [], "another interval"

    cleaned = operations.without_failure(cib, "c", "", "monitor_10000")

    assert [e.id for e in cleaned.status.iter("lrm_resource")] == ["WebSite", "d:1"]
    left = {e.get("name"): e.get("value") for e in cleaned.status.iter("nvpair")}
    assert left == {**others, "fail-count-WebSite#monitor_60000": "1"}


def test_history_of_one_node_goes(cib: Cib) -> None:
    cleaned = operations.without_history(cib, node="pacemaker01")

    assert [e.id for e in cleaned.status.iter("lrm_resource")] == ["d:1"]

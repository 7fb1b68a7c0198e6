"""What a live cluster needs first: the tutorial's cluster from its first plan to every mishap."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from scheduler.clusters import CLUSTER_IP, NODES, NOW, Lab, find, make, operations, waits_for

from crmsh_py.cib.document import Cib
from crmsh_py.scheduler.explain import why
from crmsh_py.scheduler.model import natural_key
from crmsh_py.scheduler.result import ActionKind, Change


def test_everything_is_probed_everywhere_before_anything_starts() -> None:
    made = Lab().plan()
    probes = [action for action in made.actions if action.key.endswith("_monitor_0")]
    assert {(p.resource, p.node) for p in probes} == {
        (resource, node) for resource in ("ClusterIP", "WebSite") for node in NODES
    }
    assert all(probe.target_rc == 7 for probe in probes)
    start = find(made, "ClusterIP_start_0")
    assert {p.id for p in probes if p.resource == "ClusterIP"} <= set(start.inputs)
    assert waits_for(made, "WebSite_start_0", "ClusterIP_start_0")
    assert waits_for(made, "ClusterIP_monitor_30000", "ClusterIP_start_0")
    assert find(made, "WebSite_start_0").node == start.node


def test_an_action_carries_all_that_its_agent_needs() -> None:
    action = find(Lab().plan(), "ClusterIP_start_0")
    assert action.kind is ActionKind.RESOURCE
    assert str(action.agent) == "ocf:heartbeat:IPaddr2"
    assert action.parameters == {"ip": "192.168.0.120", "cidr_netmask": "24"}
    assert action.timeout_ms == 20_000
    assert action.meta["timeout"] == "20000"
    assert action.digests is not None
    monitor = find(Lab().plan(), "WebSite_monitor_60000")
    assert (monitor.interval_ms, monitor.timeout_ms) == (60_000, 40_000)


def test_a_settled_cluster_has_nothing_to_do() -> None:
    lab = Lab().settle()
    assert lab.plan().actions == ()
    assert lab.plan().changes == ()
    places = lab.places()
    assert places["ClusterIP"] == places["WebSite"] != ()


def test_the_same_input_gives_the_same_plan() -> None:
    assert Lab().plan() == Lab().plan()


def test_a_move_stops_from_the_top_and_starts_from_the_bottom() -> None:
    lab = Lab().settle()
    (here,) = lab.places()["ClusterIP"]
    made = lab.attribute(here, "standby", "on").plan()
    for later, earlier in [
        ("ClusterIP_stop_0", "WebSite_stop_0"),
        ("ClusterIP_start_0", "ClusterIP_stop_0"),
        ("WebSite_start_0", "ClusterIP_start_0"),
    ]:
        assert waits_for(made, later, earlier)
    assert [change.change for change in made.changes] == [Change.MOVE, Change.MOVE]
    assert here not in lab.settle().places()["WebSite"]


def test_what_a_lost_node_ran_is_recovered_elsewhere() -> None:
    lab = Lab().settle()
    (here,) = lab.places()["WebSite"]
    number = NODES.index(here) + 1
    lab.change(f'id="{number}" uname="{here}" in_ccm="true" crmd="online"',
               f'id="{number}" uname="{here}" in_ccm="false" crmd="offline"')  # fmt: skip
    made = lab.plan()
    assert not [action for action in made.actions if action.node == here]
    assert find(made, "WebSite_start_0").node != here
    lab.settle()
    assert lab.places()["WebSite"] == lab.places()["ClusterIP"] != (here,)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("stop", ["ClusterIP_stop_0", "WebSite_stop_0"]), ("ignore", []), ("freeze", [])],
)
def test_without_quorum(policy: str, expected: list[str]) -> None:
    lab = Lab(make(properties={"no-quorum-policy": policy})).settle()
    made = lab.change('have-quorum="1"', 'have-quorum="0"').plan()
    assert sorted(a.key for a in made.actions if a.kind is ActionKind.RESOURCE) == expected


def test_nothing_starts_while_fencing_is_wanted_but_not_there() -> None:
    made = Lab(make(properties={"stonith-enabled": "true"})).plan()
    assert not [action for action in made.actions if action.operation == "start"]
    (message,) = [m for m in made.messages if m.level == "error"]
    assert message.where == "unpack_resources"
    assert message.text.startswith("Resource start-up disabled since no ")


def test_a_failed_monitor_means_stop_and_start() -> None:
    lab = Lab().settle()
    (here,) = lab.places()["ClusterIP"]
    made = lab.inject(operations=(f"ClusterIP_monitor_30000@{here}=7",)).plan()
    assert waits_for(made, "ClusterIP_start_0", "ClusterIP_stop_0")
    assert find(made, "ClusterIP_start_0").node == here
    assert waits_for(made, "ClusterIP_stop_0", "WebSite_stop_0")
    status = made.status
    assert status is not None
    assert [f.key for f in status.failed_actions] == ["ClusterIP_monitor_30000"]


def test_migration_threshold_sends_it_away() -> None:
    resource = CLUSTER_IP.replace(
        "<operations>",
        '<meta_attributes id="m"><nvpair id="m-t" name="migration-threshold" value="1"/>'
        "</meta_attributes><operations>",
    )
    lab = Lab(make(resource, "")).settle()
    (here,) = lab.places()["ClusterIP"]
    made = lab.inject(operations=(f"ClusterIP_monitor_30000@{here}=1",)).plan()
    assert find(made, "ClusterIP_start_0").node != here
    assert made.scores["ClusterIP", here] == -1_000_000


def test_a_failed_start_is_fatal_by_default() -> None:
    lab = Lab(make(CLUSTER_IP, ""))
    (node,) = {a.node for a in lab.plan().actions if a.operation == "start"}
    made = lab.inject(operations=(f"ClusterIP_start_0@{node}=1",)).plan()
    assert made.scores["ClusterIP", node] == -1_000_000


LIKES_3 = '<rsc_location id="l" rsc="ClusterIP" node="pacemaker03" score="5">{}</rsc_location>'


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        ('<rsc_location id="l" rsc="ClusterIP" node="pacemaker03" score="50"/>', {"pacemaker03"}),
        (
            '<rsc_location id="cli-ban-ClusterIP-on-pacemaker01" rsc="ClusterIP" role="Started" '
            'node="pacemaker01" score="-INFINITY"/>',
            {"pacemaker02", "pacemaker03"},
        ),
        (
            '<rsc_location id="cli-prefer-ClusterIP" rsc="ClusterIP" role="Started" '
            'node="pacemaker02" score="INFINITY"/>',
            {"pacemaker02"},
        ),
        (
            '<rsc_location id="r" rsc="ClusterIP"><rule id="r1" score="-INFINITY">'
            '<expression id="e" attribute="#uname" operation="ne" value="pacemaker03"/>'
            "</rule></rsc_location>",
            {"pacemaker03"},
        ),
        (  # every rule counts
            '<rsc_location id="r" rsc="ClusterIP"><rule id="r1" score="100">'
            '<expression id="e1" attribute="#uname" operation="eq" value="pacemaker01"/></rule>'
            '<rule id="r2" score="-INFINITY">'
            '<expression id="e2" attribute="pingd" operation="not_defined"/></rule></rsc_location>',
            set(),
        ),
    ],
)
def test_locations(constraint: str, allowed: set[str]) -> None:
    assert set(Lab(make(CLUSTER_IP, constraint)).settle().places()["ClusterIP"]) <= allowed


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        (["end"], True),
        (["over"], False),
        (["over", "end"], True),  # any of them is enough
        (["node"], False),  # a lifetime knows of no node
    ],
)
def test_a_constraint_lasts_as_long_as_its_lifetime_says(rules: list[str], holds: bool) -> None:
    inside = {
        "end": '<date_expression id="e1" operation="lt" end="2026-01-02"/>',
        "over": '<date_expression id="e2" operation="lt" end="2025-01-02"/>',
        "node": '<expression id="e3" attribute="#uname" operation="eq" value="pacemaker03"/>',
    }
    told = "".join(f'<rule id="{name}" score="INFINITY">{inside[name]}</rule>' for name in rules)
    constraint = LIKES_3.format(f"<lifetime>{told}</lifetime>")
    made = Lab(make(CLUSTER_IP, constraint)).plan()
    assert (find(made, "ClusterIP_start_0").node == "pacemaker03") is holds
    assert (made.recheck_at == datetime(2026, 1, 2, tzinfo=UTC)) is ("end" in rules)


def test_nothing_runs_on_a_ping_node() -> None:
    lab = Lab(make(CLUSTER_IP, LIKES_3.format("")))
    lab.change('uname="pacemaker03"/>', 'uname="pacemaker03" type="ping"/>')
    made = lab.plan()
    assert {action.node for action in made.actions if action.resource} == set(NODES[:2])


@pytest.mark.parametrize("value", ["junk", ""])
def test_a_health_score_that_is_none_is_the_default(value: str) -> None:
    properties = {"node-health-strategy": "custom", "node-health-red": value}
    lab = Lab(make(CLUSTER_IP, "", properties=properties))
    made = lab.attribute("pacemaker01", "#health-disk", "red").plan()
    assert made.scores["ClusterIP", "pacemaker01"] == -1_000_000
    assert any("'node-health-red'" in message.text for message in made.messages)


@pytest.mark.parametrize(
    ("name", "value", "started"),
    [
        ("clone-max", "abc", 0),
        ("clone-max", "", 0),
        ("clone-node-max", "INFINITY", 0),
        ("clone-max", "2 or so", 2),
    ],
)
def test_a_limit_of_clones_that_is_no_number_is_none_at_all(
    name: str, value: str, started: int
) -> None:
    """As Pacemaker reads it; it is told."""
    clone = f"""<clone id="c"><meta_attributes id="c-meta">
<nvpair id="c-max" name="{name}" value="{value}"/></meta_attributes>{CLUSTER_IP}</clone>"""
    made = Lab(make(clone, "")).plan()
    assert len([a for a in made.actions if a.operation == "start" and a.agent]) == started
    assert any(name in message.text for message in made.messages) is (started == 0)


def test_an_opt_in_cluster_runs_only_what_is_allowed() -> None:
    lab = Lab(make(CLUSTER_IP, "", properties={"symmetric-cluster": "false"}))
    assert lab.settle().places()["ClusterIP"] == ()


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [("target-role", "Stopped", "stop"), ("is-managed", "false", ""), ("maintenance", "true", "")],
)
def test_meta_attributes(name: str, value: str, left: str) -> None:
    lab = Lab(make(CLUSTER_IP, "")).settle()
    made = lab.change(
        "<operations>",
        f'<meta_attributes id="m"><nvpair id="m-n" name="{name}" value="{value}"/>'
        "</meta_attributes><operations>",
    ).plan()
    tasks = {a.operation for a in made.actions if a.operation not in {"monitor", "cancel"}}
    assert tasks - {"all_stopped"} == ({left} if left else set())


def test_what_must_not_happen_with_a_start_does_not_wait_for_one_that_never_comes() -> None:
    """Pacemaker 2 waits for ever: first is not promoted, hence A is not started."""
    dummy = '<primitive id="{}" class="ocf" provider="pacemaker" type="Dummy"/>'
    orders = """<rsc_order id="o1" first="first" first-action="promote" then="A" \
then-action="start"/><rsc_order id="o2" first="A" then="B" kind="Serialize"/>"""
    lab = Lab(make("".join(map(dummy.format, ("first", "A", "B"))), orders)).settle()
    assert {name for name, nodes in lab.places().items() if nodes} == {"first", "B"}


def test_maintenance_mode_leaves_everything_alone() -> None:
    lab = Lab().settle().change(
        'name="stonith-enabled"', 'name="maintenance-mode" value="true"/><nvpair id="o-f" '
        'name="stonith-enabled"'
    )  # fmt: skip
    assert {a.operation for a in lab.plan().actions} <= {"cancel"}


def test_a_changed_interval_replaces_the_monitor() -> None:
    lab = Lab().settle().change('interval="30s"', 'interval="10s"')
    keys = {action.key: action for action in lab.plan().actions}
    assert keys["ClusterIP_monitor_30000"].operation == "cancel"
    assert keys["ClusterIP_monitor_10000"].operation == "monitor"
    assert set(keys) == {"ClusterIP_monitor_30000", "ClusterIP_monitor_10000"}


def test_a_changed_parameter_restarts() -> None:
    made = Lab().settle().change("192.168.0.120", "192.168.0.121").plan()
    assert waits_for(made, "ClusterIP_start_0", "ClusterIP_stop_0")
    assert waits_for(made, "WebSite_start_0", "ClusterIP_start_0")


def test_what_is_configured_no_more_is_stopped_and_forgotten() -> None:
    lab = Lab(make(constraints="")).settle()
    text = lab.cib.to_xml()
    start, end = text.index('<primitive id="WebSite"'), text.index("</resources>")
    lab.change(text[start:end], "")
    made = lab.plan()
    (where,) = {a.node for a in made.actions if a.key == "WebSite_stop_0"}
    deletions = [a for a in made.actions if a.operation in {"delete", "lrm_delete"}]
    assert where in {a.node for a in deletions}
    assert "WebSite_stop_0" in {line.split()[0] for line in operations(made)}


def test_why_tells_constraints_and_obstacles() -> None:
    lab = Lab().settle()
    (here,) = lab.places()["WebSite"]
    other = next(name for name in NODES if name != here)
    lines = why(lab.cib, "WebSite", other, now=NOW)
    assert any("website-with-ip" in line for line in lines)
    lab.attribute(other, "standby", "on")
    assert any("standby" in line for line in why(lab.cib, "ClusterIP", other, now=NOW))


def test_an_absurd_number_of_instances_does_no_harm() -> None:
    clone = f"""<clone id="c"><meta_attributes id="c-meta">
<nvpair id="c-max" name="clone-max" value="99999999999999"/></meta_attributes>
{CLUSTER_IP}</clone>"""
    made = Lab(make(clone, "")).plan()
    assert {a.node for a in made.actions if a.operation == "start" and a.agent} == set(NODES)
    assert any("clone-max" in message.text for message in made.messages)


def test_a_referenced_pair_gets_the_name_that_is_given_with_the_reference() -> None:
    pair = '<nvpair id-ref="ip-ip" name="listen"/><nvpair id-ref="ip-mask"/>'
    other = f"""<primitive id="Other" class="ocf" provider="pacemaker" type="Dummy">
<instance_attributes id="other-params">{pair}</instance_attributes></primitive>"""
    start = find(Lab(make(CLUSTER_IP + other, "")).plan(), "Other_start_0")
    assert start.parameters == {"listen": "192.168.0.120", "cidr_netmask": "24"}


@pytest.mark.parametrize(
    ("value", "action", "wrong"),
    [
        ("off", "off", False),
        ("poweroff", "off", False),
        ("OFF", "reboot", True),  # the engine compares exactly, and so does Pacemaker
        ("banana", "reboot", True),
    ],
)
def test_what_is_done_to_a_lost_node(value: str, action: str, wrong: bool) -> None:
    fence = '<primitive id="fence" class="stonith" type="fence_apc"/>'
    properties = {"stonith-enabled": "true", "stonith-action": value}
    lab = Lab(make(CLUSTER_IP + fence, "", properties=properties))
    lab.change('id="3" uname="pacemaker03" in_ccm="true" crmd="online"',
               'id="3" uname="pacemaker03" in_ccm="false" crmd="offline"')  # fmt: skip
    made = lab.plan()
    assert [a.meta["stonith_action"] for a in made.actions if a.operation == "stonith"] == [action]
    assert any("'fencing-action'" in message.text for message in made.messages) is wrong


@pytest.mark.parametrize("name", ["İ", "n" + "1" * 5000])
def test_a_node_may_have_any_name(name: str) -> None:
    text = make(CLUSTER_IP, "").to_xml().replace("pacemaker02", name)
    assert find(Lab(Cib.parse(text)).plan(), "ClusterIP_monitor_0", name).target_rc == 7


def test_names_of_nodes_are_sorted_as_people_count() -> None:
    names = ["n10", "N9", "n009", "n1", "m", "é"]
    assert sorted(names, key=natural_key) == ["m", "n1", "N9", "n009", "n10", "é"]


def test_a_moment_beyond_the_calendar_is_one_that_nobody_waits_for() -> None:
    properties = {"shutdown-lock": "true", "shutdown-lock-limit": "5min"}
    lab = Lab(make(CLUSTER_IP, "", properties=properties)).settle()
    (here,) = lab.places()["ClusterIP"]
    recheck_at = lab.attribute(here, "shutdown", "9" * 15).plan().recheck_at
    assert recheck_at is not None
    assert recheck_at.year == 9999


@pytest.mark.parametrize("grouped", [True, False])
def test_long_chains_are_planned(grouped: bool) -> None:
    """They are followed by recursion, deeper than Python allows by itself."""
    names = [f"r{number}" for number in range(500)]
    resources = "".join(
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy"/>' for name in names
    )
    constraints = "".join(
        f'<rsc_colocation id="c-{one}" rsc="{one}" with-rsc="{other}" score="INFINITY"/>'
        for one, other in pairwise(names)
    )
    limit = sys.getrecursionlimit()
    cib = (
        make(f'<group id="g">{resources}</group>', "") if grouped else make(resources, constraints)
    )
    made = Lab(cib).plan()
    assert len({find(made, f"{name}_start_0").node for name in names}) == 1
    assert sys.getrecursionlimit() == limit

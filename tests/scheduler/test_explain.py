"""What ``crm why`` and ``crm_simulate --why`` say, on clusters that are made here."""

from __future__ import annotations

import doctest
import time
from pathlib import Path

import pytest
from scheduler.clusters import CLUSTER_IP, NODES, NOW, TOGETHER, WEB_SITE, Lab, make, with_instances

from crmsh_py.clusters.operations import target_role
from crmsh_py.errors import NotFound
from crmsh_py.scheduler.contributions import TracedScores, joined, note, total, unfolded
from crmsh_py.scheduler.explain import why
from crmsh_py.scheduler.plan import plan
from crmsh_py.scheduler.result import Contribution
from crmsh_py.tools import crm_simulate
from crmsh_py.views.plan import render

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "scheduler"
PREFER = '<rsc_location id="likes-3" rsc="ClusterIP" node="pacemaker03" score="50"/>'
FENCING = '<primitive id="fence" class="stonith" type="fence_apc"/>'
BAN = '<rsc_location id="loc-vip" rsc="ClusterIP"><rule id="loc-vip-rule" score="-INFINITY">' \
    '<expression id="loc-vip-e" attribute="#uname" operation="ne" value="pacemaker01"/></rule>' \
    "</rsc_location>"  # fmt: skip


def settled() -> Lab:
    """The tutorial's cluster, both resources on pacemaker01."""
    lab = Lab().settle()
    assert lab.places()["WebSite"] == ("pacemaker01",)
    return lab


def lost(lab: Lab) -> Lab:
    """pacemaker01 is gone."""
    return lab.change('id="1" uname="pacemaker01" in_ccm="true" crmd="online"',
                      'id="1" uname="pacemaker01" in_ccm="false" crmd="offline"')  # fmt: skip


def promotable() -> Lab:
    """A promotable clone whose best instance is not the promoted one any more."""
    clone = """<clone id="db-clone"><meta_attributes id="db-meta">
<nvpair id="db-promotable" name="promotable" value="true"/>
<nvpair id="db-max" name="clone-max" value="2"/></meta_attributes>
<primitive id="db" class="ocf" provider="pacemaker" type="Stateful"/></clone>"""
    lab = Lab(make(clone, "")).settle()
    for node, score in zip(NODES[:2], ("5", "10"), strict=True):
        lab.attribute(node, "master-db", score)
    lab.settle()
    return lab.change('name="master-db" value="5"', 'name="master-db" value="20"')


CASES = {
    "settled": settled,
    "standby": lambda: settled().attribute("pacemaker01", "standby", "on"),
    "lost": lambda: lost(settled()),
    "target-role": lambda: settled().change(
        'type="IPaddr2">',
        'type="IPaddr2"><meta_attributes id="ip-meta">'
        '<nvpair id="ip-target" name="target-role" value="Stopped"/></meta_attributes>',
    ),
    "fenced": lambda: lost(Lab(make(
        CLUSTER_IP + WEB_SITE + FENCING, TOGETHER, properties={"stonith-enabled": "true"}
    )).settle()),
    "no-quorum": lambda: settled().change('have-quorum="1"', 'have-quorum="0"'),
    "failed-monitor": lambda: settled().inject(
        operations=("ClusterIP_monitor_30000@pacemaker01=7",)
    ),
    "changed-parameter": lambda: settled().change("192.168.0.120", "192.168.0.121"),
    "excluded": lambda: Lab(make(CLUSTER_IP + WEB_SITE, TOGETHER + BAN)).attribute(
        "pacemaker01", "standby", "on"
    ),
    "preferred": lambda: settled().change("</constraints>", f"{PREFER}</constraints>").change(
        'name="resource-stickiness" value="100"', 'name="resource-stickiness" value="10"'
    ),
    "promotion": promotable,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_agreed_one(name: str) -> None:
    """Delete a file under tests/golden/scheduler to have it written anew, and read it."""
    lab = CASES[name]()
    told = []
    for element in lab.cib.section("resources").findall():
        told += why(lab.cib, element.id, now=NOW)
    text = "\n".join(told) + "\n"
    path = GOLDEN / f"{name}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        pytest.fail(f"{path.name} was written: look at it")
    assert text == path.read_text()


def test_the_chain_of_causes() -> None:
    lab = settled().attribute("pacemaker01", "standby", "on")
    assert (
        "  WebSite moves to pacemaker02 because ClusterIP moves (website-with-ip), because "
        "pacemaker01 is in standby"
    ) in why(lab.cib, "WebSite", now=NOW)


def test_who_is_demoted_is_told_of_its_target_role() -> None:
    lab = Lab(with_instances())
    lab.cib = target_role(lab.cib, "main", "Unpromoted")
    said = "its target-role is Unpromoted (main-meta-target-role)"
    assert said in render(plan(lab.cib, now=NOW, traced=True))
    assert said in "\n".join(why(lab.cib, "main", now=NOW))


def test_one_node_only() -> None:
    lines = why(settled().cib, "WebSite", "pacemaker02", now=NOW)
    assert [line for line in lines if line.startswith("  pacemaker")] == [
        "  pacemaker02: score -INFINITY"
    ]


def test_an_unknown_resource_is_nothing_and_an_unknown_node_a_mistake() -> None:
    assert why(settled().cib, "nope", now=NOW) == []
    with pytest.raises(NotFound, match="there is no node nowhere"):
        why(settled().cib, "WebSite", "nowhere", now=NOW)


def test_a_plan_tells_its_contributions_only_when_asked() -> None:
    lab = settled()
    assert lab.plan().contributions == {}
    made = plan(lab.cib, now=NOW, traced=True)
    assert made.scores == lab.plan().scores
    assert set(made.contributions) == set(made.scores)
    (stickiness,) = made.contributions["WebSite", "pacemaker01"]
    assert stickiness == Contribution(kind="stickiness", amount=100, source_id="stick")


def test_every_action_of_a_traced_plan_has_a_reason() -> None:
    for make_lab in CASES.values():
        made = plan(make_lab().cib, now=NOW, traced=True)
        assert all(action.reasons for action in made.actions)
        assert all(change.reasons for change in made.changes)


def test_tracing_changes_nothing() -> None:
    for make_lab in CASES.values():
        cib = make_lab().cib
        plain, traced = plan(cib, now=NOW), plan(cib, now=NOW, traced=True)
        assert plain.scores == traced.scores
        assert [a.inputs for a in plain.actions] == [a.inputs for a in traced.actions]
        assert [a.node for a in plain.actions] == [a.node for a in traced.actions]


@pytest.mark.parametrize(
    ("element", "contribution"),
    [
        ('<rsc_location id="x" rsc="ClusterIP" node="pacemaker01" score="7"/>', 7),
        (
            '<rsc_location id="l" rsc="ClusterIP"><rule id="x" score="-9"><expression id="e" '
            'attribute="#uname" operation="eq" value="pacemaker01"/></rule></rsc_location>',
            -9,
        ),
        ('<rsc_colocation id="x" rsc="ClusterIP" with-rsc="WebSite" score="30"/>', 30),
        ('<rsc_colocation id="x" rsc="ClusterIP" with-rsc="WebSite" score="-30"/>', -30),
    ],
)
def test_an_element_is_worth_what_it_is_said_to_be(element: str, contribution: int) -> None:
    # WebSite is held where it is; what ClusterIP's score is there depends on the element alone.
    hold = '<rsc_location id="hold" rsc="WebSite" node="pacemaker01" score="INFINITY"/>'
    lab = Lab(make(CLUSTER_IP + WEB_SITE, hold)).settle()
    before = lab.plan().scores["ClusterIP", "pacemaker01"]
    made = plan(lab.change("</constraints>", f"{element}</constraints>").cib, now=NOW, traced=True)
    (part,) = [p for p in made.contributions["ClusterIP", "pacemaker01"] if p.source_id == "x"]
    assert part.amount == contribution
    assert made.scores["ClusterIP", "pacemaker01"] - before == contribution


def test_the_plan_of_the_shell_says_why() -> None:
    text = render(
        plan(settled().attribute("pacemaker01", "standby", "on").cib, now=NOW, traced=True)
    )
    assert "because ClusterIP moves (website-with-ip), because pacemaker01 is in standby" in text


def test_crm_simulate_explains_one_resource_or_all() -> None:
    lab = settled().attribute("pacemaker01", "standby", "on")
    parser = crm_simulate.parser()
    one = crm_simulate.simulate(lab.cib, parser.parse_args(["--why=WebSite"])).text
    assert "ClusterIP runs on" not in one
    assert "WebSite runs on pacemaker01" in one
    every = crm_simulate.simulate(lab.cib, parser.parse_args(["-s", "--why"])).text
    assert "ClusterIP runs on pacemaker01" in every
    assert "  ClusterIP_start_0 on pacemaker02: pacemaker01 is in standby" in every
    assert "         +100  it runs here, and resource-stickiness holds it (stick)" in every


def test_the_example_of_the_documentation_runs() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "scheduler.md"
    outcome = doctest.testfile(str(path), module_relative=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_a_trail_is_shared_until_it_differs() -> None:
    table = TracedScores({1: 5})
    note(table, 1, Contribution(kind="location", amount=5, source_id="a"))
    copy = table.copy()
    note(copy, 1, Contribution(kind="location", amount=2, source_id="b"))
    assert total(unfolded(table.trails[1])) == 5
    assert total(unfolded(copy.trails[1])) == 7
    # Beyond the infinities the parts of a sum cannot be told apart: it is kept as a whole.
    high = TracedScores({1: 0})
    for amount in (900_000, 900_000, -900_000):
        note(high, 1, Contribution(kind="location", amount=amount, source_id="c"))
    assert total(unfolded(high.trails[1])) == 1_000_000
    assert total(unfolded(joined(table.trails[1], high.trails[1], 1_000_000))) == 1_000_000


def test_a_long_trail_is_unfolded_in_one_pass() -> None:
    """A chain of colocations adds every ban of every member to the next one's."""
    table = TracedScores({1: -1_000_000})
    for number in range(5000):
        for _ in range(2):
            ban = Contribution(kind="colocation", amount=-1_000_000, source_id=f"c{number}")
            note(table, 1, ban)
    began = time.process_time()
    assert len(unfolded(table.trails[1])) == 5000
    assert time.process_time() - began < 0.5

"""What crm_mon leaves out with ``--node`` and ``--resource``: as Pacemaker 2.1.5 does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.value import replace
from crmsh_py.views import mon_classic, mon_modern, mon_state, mon_xml
from crmsh_py.views.mon_facts import MonOptions

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
PLACES = {
    "n1": ("vip", "c", "p", "u:1", "x", "y"),
    "n2": ("c", "p", "u:0", "u:2", "x", "y"),
    "n3": ("a", "b", "p", "x", "y"),
}
FAILED = {("n1", "vip"), ("n2", "p"), ("n3", "b")}
PRIMITIVE = '<primitive id="{}" class="ocf" provider="pacemaker" type="{}"/>'


def cib() -> Cib:
    """Three nodes with a group, a clone, a promotable and a unique one, and a cloned group."""
    made = {n: PRIMITIVE.format(n, "Stateful" if n == "p" else "Dummy") for n in (
        "vip", "off", "a", "b", "c", "p", "u", "x", "y")}  # fmt: skip
    state = "".join(node_state(number, node) for number, node in enumerate(PLACES, 1))
    return Cib.parse(f"""<cib admin_epoch="0" epoch="1" num_updates="1" have-quorum="1"
     validate-with="pacemaker-3.8" dc-uuid="1"><configuration><crm_config>
      <cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>
      </cluster_property_set></crm_config>
     <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
     <resources>{made["vip"]}{made["off"]}
      <group id="g">{made["a"]}{made["b"]}</group><clone id="cl">{made["c"]}</clone>
      <clone id="pr"><meta_attributes id="pr-m"><nvpair id="pr-p" name="promotable" value="true"/>
       </meta_attributes>{made["p"]}</clone>
      <clone id="uc"><meta_attributes id="uc-m"><nvpair id="uc-u" name="globally-unique"
       value="true"/><nvpair id="uc-n" name="clone-node-max" value="2"/></meta_attributes>
       {made["u"]}</clone>
      <clone id="cg"><group id="gg">{made["x"]}{made["y"]}</group></clone></resources>
     <constraints><rsc_location id="l1" rsc="g" node="n2" score="-INFINITY"/>
      <rsc_location id="l2" rsc="b" node="n1" score="-5"/>
      <rsc_location id="l3" rsc="cl" node="n3" score="-INFINITY"/></constraints>
     <tags><tag id="tg"><obj_ref id="a"/><obj_ref id="cl"/></tag>
      <tag id="tn"><obj_ref id="1"/><obj_ref id="3"/></tag></tags></configuration>
     <status>{state}</status></cib>""")


def node_state(number: int, node: str) -> str:
    """A node that is online, with what runs on it."""
    histories = "".join(history(node, name) for name in PLACES[node])
    return (
        f'<node_state id="{number}" uname="{node}" in_ccm="true" crmd="online" join="member"'
        f' expected="member"><lrm id="{number}"><lrm_resources>{histories}</lrm_resources></lrm>'
        "</node_state>"
    )


def history(node: str, name: str) -> str:
    """A start that worked, and for some a monitor that failed."""
    kind = "Stateful" if name == "p" else "Dummy"
    operations = [("last", "start", 0, 0)]
    if (node, name) in FAILED:
        operations.append(("last_failure", "monitor", 10000, 1))
    entries = "".join(
        f'<lrm_rsc_op id="{name}_{which}_0" operation_key="{name}_{task}_{interval}"'
        f' operation="{task}" interval="{interval}" call-id="{interval + 1}" rc-code="{rc}"'
        f' op-status="0" transition-key="1:1:0:x" transition-magic="0:{rc};1:1:0:x"/>'
        for which, task, interval, rc in operations
    )
    resource = f'id="{name}" class="ocf" provider="pacemaker" type="{kind}"'
    return f"<lrm_resource {resource}>{entries}</lrm_resource>"


def shown(document: Cib | None = None, **options: object) -> list[str]:
    """The modern layout without its titles."""
    document, status = mon_state.read(document or cib(), now=NOW, with_constraints=True)
    asked = replace(MonOptions(inactive=True, headers=False, bans=""), **options)
    text = mon_modern.render(document, status, now=NOW, options=asked)
    return [line.strip(" *") for line in text.splitlines() if line.startswith(" ")]


BANS = [
    "l3\tprevents cl from running on n3",
    "l2\tprevents b from running on n1",
    "l1\tprevents g from running on n2",
]


@pytest.mark.parametrize("node", ["n2", "N2"])
def test_of_a_node_only_what_runs_there_or_nowhere(node: str) -> None:
    lines = shown(only_node=node)
    assert lines[0] == "Online: [ n2 ]"
    assert lines[1].startswith("off\t")
    assert lines[2:] == [
        "Clone Set: cl [c]:",
        "Started: [ n2 ]",
        "Clone Set: pr [p] (promotable):",
        "p\t(ocf:pacemaker:Stateful):\t FAILED n2",
        "Clone Set: uc [u] (unique):",
        "u:0\t(ocf:pacemaker:Dummy):\t Started n2",
        "u:2\t(ocf:pacemaker:Dummy):\t Started n2",
        "Clone Set: cg [gg]:",
        "Started: [ n2 ]",
        "p 10s-interval monitor on n2 returned 'Error occurred'",
        *BANS,
    ]


def test_a_tag_names_several_nodes_and_a_stranger_none() -> None:
    lines = shown(only_node="tn")
    assert lines[0] == "Online: [ n1 n3 ]"
    assert "Stopped: [ n3 ]" in lines, "of a clone that does not run on one of them"
    assert shown(only_node="n9")[0].startswith("off\t")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", ["Resource Group: g:", "a\t(ocf:pacemaker:Dummy):\t Started n3"]),
        ("cl", ["Clone Set: cl [c]:", "Started: [ n1 n2 ]", "Stopped: [ n3 ]", BANS[0]]),
        ("c", ["Clone Set: cl [c]:", "Started: [ n1 n2 ]", "Stopped: [ n3 ]"]),
        ("c:0", ["Clone Set: cl [c]:", "Started: [ n1 ]", "Stopped: [ n3 ]"]),
        ("c:2", ["Clone Set: cl [c]:", "Stopped: [ n3 ]"]),
        ("x:1", ["Clone Set: cg [gg]:", "Started: [ n2 ]"]),
        ("gg", ["Clone Set: cg [gg]:", "Started: [ n1 n2 n3 ]"]),
        ("u:1", ["Clone Set: uc [u] (unique):", "u:1\t(ocf:pacemaker:Dummy):\t Started n1"]),
        ("u", ["Clone Set: uc [u] (unique):", "u:0\t(ocf:pacemaker:Dummy):\t Started n2"]),
        ("b", ["Resource Group: g:", "b\t(ocf:pacemaker:Dummy):\t FAILED n3",
               "b 10s-interval monitor on n3 returned 'Error occurred'", BANS[1]]),
        ("g", ["Resource Group: g:", "a\t(ocf:pacemaker:Dummy):\t Started n3",
               "b\t(ocf:pacemaker:Dummy):\t FAILED n3", *BANS[1:]]),
        ("tg", ["Resource Group: g:", "a\t(ocf:pacemaker:Dummy):\t Started n3",
                "Clone Set: cl [c]:", "Started: [ n1 n2 ]", "Stopped: [ n3 ]", BANS[0]]),
        ("nothing", ["No resources"]),
    ],
)  # fmt: skip
def test_of_a_resource_what_is_meant_by_its_name(name: str, expected: list[str]) -> None:
    assert shown(only_resource=name) == ["Online: [ n1 n2 n3 ]", *expected]


def test_histories_are_those_of_the_whole_clone_and_of_one_member() -> None:
    def told(name: str) -> set[str]:
        lines = shown(only_resource=name, operations=True)
        return {line.partition(": migration")[0] for line in lines if ": migration" in line}

    assert told("a") == {"a"}
    assert told("g") == {"a", "b"}
    assert told("x:1") == {"x", "y"}
    assert told("u:1") == {"u:0", "u:1", "u:2"}


def test_below_nodes_the_whole_group_is_listed() -> None:
    lines = shown(only_resource="a", by_node=True)
    assert [line[0] for line in lines if line[1:2] == "\t"] == ["a", "b"]
    assert lines[-1] == "No inactive resources"


def test_the_classic_layout_leaves_out_the_same() -> None:
    document, status = mon_state.read(cib(), now=NOW)
    options = MonOptions(headers=False, only_node="n1", only_resource="c")
    text = mon_classic.render(document, status, now=NOW, options=options)
    assert text == "Online: [ n1 ]\n\nClone Set: cl [c]\n    Started: [ n1 ]\n"


def test_programs_are_told_the_same() -> None:
    document, status = mon_state.read(cib(), now=NOW, with_constraints=True)
    options = MonOptions(inactive=True, only_resource="a", only_node="n3")
    made = parse(mon_xml.render(document, status, now=NOW, options=options))
    resources = made.find("resources")
    assert resources is not None
    assert [e.id for e in resources.iter("group", "clone", "resource")] == ["g", "a"]
    assert resources.children[0].get("number_resources") == "2", "with the one not asked for"
    nodes, histories = made.find("nodes"), made.find("node_history")
    assert nodes is not None
    assert histories is not None
    assert [e.get("name") for e in nodes.findall()] == ["n3"]
    assert nodes.children[0].get("resources_running") == "5"
    assert [e.id for e in histories.iter("resource_history")] == ["a"]
    assert made.find("failures") is made.find("bans") is None


def test_details_tell_the_feature_set_and_all_of_a_failure() -> None:
    lines = shown(detail=True, only_node="n1", only_resource="vip")
    assert lines == [
        "Node n1 (1): online, feature set <3.15.1",
        "vip\t(ocf:pacemaker:Dummy):\t FAILED n1",
        "vip_monitor_10000 on n1 'Error occurred' (1): call=10001, status='Done', "
        "queued=0ms, exec=0ms",
    ]


def test_what_is_removed_may_be_called_like_a_clone() -> None:
    """Its history says nothing of the clone's instances: c runs on every node but n3."""
    text = cib().to_xml().replace('<lrm_resource id="vip"', '<lrm_resource id="cl"')
    lines = shown(Cib.parse(text), only_resource="cl")
    place = lines.index("Clone Set: cl [c]:")
    assert lines[place + 1 : place + 3] == ["Started: [ n1 n2 ]", "Stopped: [ n3 ]"]
    assert any(line.startswith("cl\t") and "ORPHANED" in line for line in lines)


def test_a_ban_whose_lifetime_is_over_is_none() -> None:
    over = """<lifetime><rule id="l1-r" score="INFINITY">
<date_expression id="l1-e" operation="lt" end="2026-01-01"/></rule></lifetime>"""
    ban = '<rsc_location id="l1" rsc="g" node="n2" score="-INFINITY"'
    text = cib().to_xml()
    assert f"{ban}/>" in text
    lines = shown(Cib.parse(text.replace(f"{ban}/>", f"{ban}>{over}</rsc_location>")))
    assert [line for line in lines if "prevents" in line] == BANS[:2]

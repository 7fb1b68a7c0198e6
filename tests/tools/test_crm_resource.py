"""crm_resource: what people and agents ask, and what they change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from scheduler.clusters import NODES, with_instances
from tools.fakes import FakeCluster

from crmsh_py import __version__
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import set_pair
from crmsh_py.cib.xml import parse
from crmsh_py.tools import crm_node, crm_resource

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


def test_a_parameter_is_set_read_and_deleted(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-r", "ClusterIP", "-g", "ip") == 0
    assert run(cluster, "-r", "ClusterIP", "-p", "nic", "-v", "eth0") == 0
    assert run(cluster, "-r", "ClusterIP", "-g", "nic") == 0
    assert run(cluster, "-r", "ClusterIP", "-d", "nic") == 0
    assert capsys.readouterr().out == (
        "192.168.100.100\n"
        "Set 'ClusterIP' option: id=ClusterIP-instance_attributes-nic "
        "set=ClusterIP-instance_attributes name=nic value=eth0\n"
        "eth0\n"
        "Deleted 'ClusterIP' option: id=ClusterIP-instance_attributes-nic name=nic\n"
    )
    assert run(cluster, "-r", "ClusterIP", "-g", "nic") == 105


def test_a_meta_attribute_is_another_set(cluster: FakeCluster) -> None:
    words = ("-r", "WebSite", "--meta", "-p", "target-role", "-v", "Stopped", "-Q")
    assert run(cluster, *words) == 0
    assert cluster.find("WebSite-meta_attributes-target-role").get("value") == "Stopped"
    assert cluster.done == [("commit", "crm_resource")]


def test_a_resource_is_taken_for_failed_where_it_runs(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "--fail", "-r", "ClusterIP", "-N", "pacemaker01") == 0
    assert run(cluster, "-F", "-r", "ClusterIP") == 0
    assert cluster.done == [("fail", "ClusterIP", "pacemaker01")] * 2
    assert run(cluster, "-F", "-r", "ClusterIP", "-N", "pacemaker02") == 64
    assert "'ClusterIP' does not run on pacemaker02" in capsys.readouterr().err
    assert run(cluster, "-F", "-r", "ClusterI") == 105
    assert run(cluster, "-F") == 64


def test_of_a_clone_what_is_inside_is_taken_for_failed_on_one_node(
    cluster: FakeCluster, capsys: Capture
) -> None:
    cluster.cib = with_instances()
    assert run(cluster, "-F", "-r", "everywhere") == 64
    assert "name it: loner" in capsys.readouterr().err
    assert run(cluster, "-F", "-r", "loner") == 64
    assert "name a node" in capsys.readouterr().err
    assert run(cluster, "-F", "-r", "loner", "-N", NODES[1]) == 0
    assert cluster.done == [("fail", "loner", NODES[1])], "as the node's history names it"


def test_raw_names_and_waiting(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-l") == 0
    assert capsys.readouterr().out == "ClusterIP\nWebSite\n"
    assert run(cluster, "--wait", "-T", "5s") == 0
    assert run(cluster, "--wait", "-T", "9999999999") == 0
    assert cluster.done == [("wait", 5.0), ("wait", 1_000_000_000)], "longer than any clock counts"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-W"], 64),
        (["-r", "NoSuch", "-g", "ip"], 105),
        (["-r", "ClusterIP", "-p", "ip"], 64),
        (["-L", "-l"], 64),
    ],
)
def test_bad_questions(cluster: FakeCluster, words: list[str], code: int, capsys: Capture) -> None:
    assert run(cluster, *words) == code
    assert cluster.done == []
    assert capsys.readouterr().err.startswith("crm_resource: ")


def test_where_it_runs_is_told_to_people_and_to_scripts(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "-W", "-r", "ClusterIP") == 0
    assert run(cluster, "-W", "-Q", "-r", "ClusterIP") == 0
    assert run(cluster, "-W", "-r", "WebSite") == 0
    told = capsys.readouterr()
    assert told.out == "resource ClusterIP is running on: pacemaker01\npacemaker01\n"
    assert told.err == "resource WebSite is NOT running\n"
    assert run(cluster, "-W", "-r", "WebSit") == 105
    assert "did you mean WebSite?" in capsys.readouterr().err


def test_a_move_prefers_the_node_and_clear_takes_it_back(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "--move", "-r", "ClusterIP", "-N", "pacemaker02") == 0
    assert cluster.find("cli-prefer-ClusterIP").get("node") == "pacemaker02"
    assert cluster.done == [("commit", "crm_resource")]
    assert run(cluster, "--clear", "-r", "ClusterIP") == 0
    assert cluster.cib.find_id("cli-prefer-ClusterIP") is None
    assert capsys.readouterr().out == "Removing constraint: cli-prefer-ClusterIP\n"


def test_a_move_to_where_it_is_needs_force(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "--move", "-r", "ClusterIP", "-N", "pacemaker01") == 108
    assert "already active on pacemaker01" in capsys.readouterr().err
    assert run(cluster, "--move", "-r", "ClusterIP", "-N", "pacemaker01", "--force") == 0
    assert run(cluster, "--move", "-r", "ClusterIP", "-N", "nowhere") == 105


def test_a_ban_without_a_node_is_of_the_one_where_it_runs(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "--ban", "-r", "ClusterIP") == 0
    assert cluster.find("cli-ban-ClusterIP-on-pacemaker01").get("score") == "-INFINITY"
    assert capsys.readouterr().out.startswith(
        "WARNING: Creating rsc_location constraint 'cli-ban-ClusterIP-on-pacemaker01' with a score "
        "of -INFINITY for resource ClusterIP on pacemaker01.\n"
    )
    assert run(cluster, "--ban", "-r", "WebSite") == 64
    assert run(cluster, "--move", "-r", "WebSite") == 64
    assert run(cluster, "--ban", "-r", "WebSite", "-N", "pacemaker02", "-u", "soon") == 64


def test_a_ban_of_instances_without_a_node_is_of_the_only_promoted_one(
    cluster: FakeCluster, capsys: Capture
) -> None:
    cluster.cib = with_instances()
    assert run(cluster, "--ban", "-r", "everywhere") == 64
    assert "not moved: active on 3 nodes" in capsys.readouterr().err
    assert run(cluster, "--ban", "-r", "main") == 0
    assert cluster.find("cli-ban-main-on-pacemaker01").get("role") == "Started"


def test_cleaning_up_names_every_node(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-C", "-r", "ClusterIP") == 0
    assert run(cluster, "-R", "-r", "ClusterIP", "-N", "pacemaker02") == 0
    assert capsys.readouterr().out == (
        "Cleaned up ClusterIP on pacemaker01\n"
        "Cleaned up ClusterIP on pacemaker02\n"
        "Cleaned up ClusterIP on pacemaker02\n"
    )
    assert cluster.done == [
        ("clean", "ClusterIP", "", False),
        ("clean", "ClusterIP", "pacemaker02", True),
    ]
    assert run(cluster, "-C", "-r", "nosuch") == 105
    assert run(cluster, "-C") == 0
    assert run(cluster, "-C", "-N", "pacemaker01") == 0
    assert capsys.readouterr().out == (
        "Cleaned up all resources on all nodes\nCleaned up all resources on pacemaker01\n"
    )


def test_a_member_is_cleaned_up_with_its_group_unless_forced(
    cluster: FakeCluster, capsys: Capture
) -> None:
    text = cluster.cib.to_xml()
    text = text.replace("<resources>", '<resources><group id="g">')
    cluster.cib = Cib.parse(text.replace("</resources>", "</group></resources>"))
    assert run(cluster, "-C", "-r", "ClusterIP", "-N", "pacemaker01") == 0
    told = [f"Cleaned up {name} on pacemaker01" for name in ("ClusterIP", "WebSite")]
    assert capsys.readouterr().out.splitlines() == told
    assert run(cluster, "-R", "-f", "-r", "ClusterIP", "-N", "pacemaker01") == 0
    assert capsys.readouterr().out.splitlines() == told[:1]
    assert cluster.done == [
        ("clean", "g", "pacemaker01", False),
        ("clean", "ClusterIP", "pacemaker01", True),
    ]


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        (("-n", "monitor", "-I", "30s"), ("monitor_30000",)),
        (("-n", "start"), ("start_0",)),
        (("-I", "30s"), ()),  # an interval of nothing
    ],
)
def test_failures_of_one_operation_are_cleaned_up(
    cluster: FakeCluster, words: tuple[str, ...], operation: tuple[str, ...]
) -> None:
    assert run(cluster, "-C", "-r", "ClusterIP", *words) == 0
    assert run(cluster, "-R", "-r", "ClusterIP", *words) == 0
    assert cluster.done == [
        ("clean", "ClusterIP", "", False, *operation),
        ("clean", "ClusterIP", "", True),
    ]


def test_lists_of_resources_agents_and_nodes(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-L") == 0
    assert capsys.readouterr().out.splitlines()[2].endswith("Stopped")
    assert run(cluster, "-q", "-r", "WebSite", "-Q") == 0
    assert capsys.readouterr().out.startswith('<primitive id="WebSite" ')
    assert run(cluster, "--list-ocf-providers", "IPaddr2") == 0
    assert "heartbeat" in capsys.readouterr().out.splitlines()
    assert run(cluster, "--list-agents", "ocf:heartbeat") == 0
    assert "IPaddr2" in capsys.readouterr().out.splitlines()
    assert crm_node.main(["-l"], door=cluster) == 0
    assert capsys.readouterr().out == "1 pacemaker01 member\n2 pacemaker02 member\n"


def with_a_clone(cluster: FakeCluster) -> None:
    clone = """<clone id="cl"><meta_attributes id="m"/><group id="g">
     <primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></group></clone>"""
    cib = cluster.cib
    resources = cib.section("resources").append(parse(clone))
    location = Element("rsc_location", {"id": "l", "rsc": "g", "node": "n", "score": "5"})
    constraints = cib.section("constraints").append(location)
    cluster.cib = cib.with_section("resources", resources).with_section("constraints", constraints)


def test_what_is_cloned_shares_the_meta_attributes_of_its_clone(
    cluster: FakeCluster, capsys: Capture
) -> None:
    """As with Pacemaker's, unless it has one of that name itself, or --force is said."""
    with_a_clone(cluster)
    words = ("-m", "-p", "target-role", "-v", "Stopped")
    assert run(cluster, "-r", "g", *words) == 0
    assert cluster.find("m-target-role").get("value") == "Stopped"
    assert capsys.readouterr().out == (
        "Performing update of 'target-role' on 'cl', the parent of 'g'\n"
        "Set 'cl' option: id=m-target-role set=m name=target-role value=Stopped\n"
    )
    assert run(cluster, "-r", "g", "-m", "-d", "target-role") == 0
    assert cluster.cib.find_id("m-target-role") is None
    assert run(cluster, "-r", "g", "--force", *words) == 0
    assert run(cluster, "-r", "cl", "-m", "-p", "target-role", "-v", "Started") == 0
    assert cluster.find("g-meta_attributes-target-role").get("value") == "Started"
    assert "already exists in child 'g'" in capsys.readouterr().out
    assert run(cluster, "-r", "a", "-m", "-p", "priority", "-v", "3") == 0
    assert cluster.find("a-meta_attributes-priority").get("value") == "3"


def test_operations_are_told_as_agents_read_them(cluster: FakeCluster, capsys: Capture) -> None:
    """The last word says whether it is under way: an agent waits until none is pending."""
    assert run(cluster, "--list-operations", "-N", "pacemaker01") == 0
    line = capsys.readouterr().out
    assert line.startswith(
        "ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started: ClusterIP_start_0 (node=pacemaker01, "
        "call=6, rc=0, last-rc-change='"
    )
    assert line.endswith("2014', exec=30ms): complete\n")
    assert run(cluster, "-O", "-N", "pacemaker02") == 0
    assert capsys.readouterr().out == ""
    assert run(cluster, "-O", "-N", "pacemaker03") == 105

    def pending(entry: Element) -> Element:
        changed = entry.map_children(pending)
        if entry.tag != "lrm_rsc_op":
            return changed
        return changed.with_attributes({"op-status": "-1", "rc-code": "193"})

    cluster.cib = cluster.cib.with_status(pending(cluster.cib.status))
    assert run(cluster, "-O") == 0
    assert capsys.readouterr().out.endswith("): pending\n")


def test_with_fencing_the_operations_of_a_node_that_is_away_count(
    cluster: FakeCluster, capsys: Capture
) -> None:
    """It may still run there. An entry without a key is named by its id."""
    text = cluster.cib.to_xml().replace('crmd="online"', 'crmd="offline"', 1)
    cluster.cib = Cib.parse(text.replace(' operation_key="ClusterIP_start_0"', ""))
    for option in ("-O", "-o"):
        assert run(cluster, option) == 0
        assert capsys.readouterr().out == ""
    cluster.cib = set_pair(cluster.cib, "crm_config", "", "stonith-enabled", "true")
    for option in ("-O", "-o"):
        assert run(cluster, option) == 0
        assert " ClusterIP_last_0 (node=pacemaker01, call=6, " in capsys.readouterr().out


def test_what_was_stopped_since_has_no_operations_any_more(
    cluster: FakeCluster, capsys: Capture
) -> None:
    def stopped(entry: Element) -> Element:
        changed = entry.map_children(stopped)
        if entry.tag != "lrm_resource":
            return changed
        facts = {"id": "s", "operation_key": "ClusterIP_stop_0", "operation": "stop"}
        return changed.append(Element("lrm_rsc_op", {**facts, "call-id": "7", "rc-code": "0"}))

    cluster.cib = cluster.cib.with_status(stopped(cluster.cib.status))
    assert run(cluster, "-O") == 0
    assert capsys.readouterr().out == ""
    assert run(cluster, "-o") == 0
    keys = [line.split()[3] for line in capsys.readouterr().out.splitlines()]
    assert keys == ["ClusterIP_start_0", "ClusterIP_stop_0"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["-r", "ClusterIP", "-W"], "<node>pacemaker01</node>"),
        (["-r", "ClusterIP", "-g", "ip"], '<item name="ip">192.168.100.100</item>'),
        (["-l"], '<item name="resource">WebSite</item>'),
        (["-L"], '<resource id="WebSite" resource_agent="ocf:heartbeat:apache" role="Stopped"'),
        (["-O"], '<operation op="ClusterIP_start_0" node="pacemaker01" call="6" rc="0"'),
        (["--list-agents", "ocf:pacemaker"], "<agent>Dummy</agent>"),
        (["--list-standards"], "<item>ocf</item>"),
    ],
)
def test_answers_in_xml(
    cluster: FakeCluster, words: list[str], answer: str, capsys: Capture
) -> None:
    assert run(cluster, *words, "--output-as", "xml") == 0
    text = capsys.readouterr().out
    assert answer in text
    assert f'request="crm_resource {" ".join(words)} --output-as xml"' in text
    assert '<status code="0" message="OK"/>' in text


def test_a_resource_is_deleted_by_name_and_type(cluster: FakeCluster) -> None:
    assert run(cluster, "-D", "-r", "WebSite") == 64
    assert run(cluster, "-D", "-r", "WebSite", "-t", "primitive") == 0
    assert cluster.cib.find_id("WebSite") is None


def test_no_agents_of_that_kind(cluster: FakeCluster) -> None:
    assert run(cluster, "--list-agents", "nope") == 1


def test_every_tool_tells_its_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as end:
        crm_resource.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"crm_resource {__version__}\n"


GROUP_AND_CLONE = """<group id="g" description="two of them"><primitive id="a" class="ocf"
 provider="heartbeat" type="Dummy"/></group><clone id="c"><primitive id="i" class="ocf"
 provider="heartbeat" type="Dummy" description="one each"/></clone>"""


@pytest.fixture
def crowd(cluster: FakeCluster) -> FakeCluster:
    """What the cluster has, a group and a clone of which nothing runs."""
    text = cluster.cib.to_xml().replace("</resources>", f"{GROUP_AND_CLONE}</resources>")
    cluster.cib = Cib.parse(text)
    return cluster


def test_all_resources_are_listed_as_pacemaker_lists_them(
    crowd: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(crowd) == 0
    assert capsys.readouterr().out == (
        "Full List of Resources:\n"
        "  * ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started\n"
        "  * WebSite\t(ocf:heartbeat:apache):\t Stopped\n"
        "  * Resource Group: g (two of them):\n"
        "    * a\t(ocf:heartbeat:Dummy):\t Stopped\n"
        "  * Clone Set: c [i]:\n"
        "    * Stopped: [ pacemaker01 pacemaker02 ]\n"
    )
    old = "ClusterIP      (ocf::heartbeat:IPaddr2):       Started pacemaker01\n"
    assert run(crowd, "-L", "--layout", "classic") == 0
    assert capsys.readouterr().out.startswith(old)
    monkeypatch.setenv("CRM_LAYOUT", "classic")
    assert run(crowd, "--list") == 0
    assert capsys.readouterr().out.startswith(old)


def test_the_names_are_those_of_all_instances(crowd: FakeCluster, capsys: Capture) -> None:
    assert run(crowd, "-l") == 0
    assert capsys.readouterr().out.split() == ["ClusterIP", "WebSite", "a", "i:0", "i:1"]
    assert run(crowd, "-l", "--output-as=xml") == 0
    assert '<list name="resource names" count="5">' in capsys.readouterr().out


def test_where_there_is_nothing_the_code_says_so(cluster: FakeCluster, capsys: Capture) -> None:
    cluster.cib = Cib.parse(
        '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">'
        "<configuration><crm_config/><nodes/><resources/><constraints/></configuration>"
        "<status/></cib>"
    )
    assert run(cluster, "-L") == 105
    assert capsys.readouterr().out == "Full List of Resources:\n  * No resources\n"
    assert run(cluster, "-l") == 105
    assert capsys.readouterr() == ("", "NO resources configured\n")
    assert run(cluster, "-l", "--output-as=xml") == 105
    assert '<status code="105" message="No such object"/>' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ClusterIP", ["ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started pacemaker01"]),
        ("g", []),
        ("i:1", ["i\t(ocf:heartbeat:Dummy):\t Stopped"]),
    ],
)
def test_one_resource_has_its_state_before_its_xml(
    crowd: FakeCluster, capsys: Capture, name: str, state: list[str]
) -> None:
    assert run(crowd, "-q", "-r", name) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(state) + 1] == [*state, "Resource XML:"]
    assert run(crowd, "-q", "-r", name, "--output-as", "xml") == 0
    shown = parse(capsys.readouterr().out).find("resource_config")
    assert shown is not None
    state_of, configured = shown.findall()
    assert state_of.id == name.partition(":")[0]
    assert configured.text.splitlines()[0] == lines[len(state) + 1]


def test_who_asks_in_xml_is_told_of_mistakes_in_xml(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-W", "-r", "Nosuch", "--output-as=xml") == 105
    told = capsys.readouterr()
    assert told.err == ""
    status = parse(told.out).find("status")
    assert status is not None
    assert status.attrs == {"code": "105", "message": "No such object"}
    errors = status.find("errors")
    assert errors is not None
    assert errors.findall()[0].text == "crm_resource: Resource 'Nosuch' not found"


# ---- why, and what agents say -------------------------------------------------------------------


def test_why_something_runs_or_does_not(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "--why") == 0
    running, stopped, *reasons = capsys.readouterr().out.splitlines()
    assert (running, stopped) == (
        "Resource ClusterIP is running", "Resource WebSite is not running"
    )  # fmt: skip
    assert reasons
    assert run(cluster, "-Y", "-r", "ClusterIP", "-N", "pacemaker01") == 0
    assert capsys.readouterr().out == "Resource ClusterIP is running on host pacemaker01\n"


def test_an_agent_describes_itself(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "--show-metadata", "ocf:heartbeat:IPaddr2") == 0
    assert '<resource-agent name="IPaddr2"' in capsys.readouterr().out
    assert run(cluster, "--show-metadata", "ocf:heartbeat:Nosuch") == 105


def test_a_change_answers_in_xml_whether_it_was_done(cluster: FakeCluster, capsys: Capture) -> None:
    words = ("-r", "ClusterIP", "--output-as=xml")
    for command in (("-p", "nic", "-v", "eth1"), ("-M", "-N", "pacemaker02"), ("-U",), ("-C",)):
        assert run(cluster, *command, *words) == 0
        document = parse(capsys.readouterr().out)
        assert [child.tag for child in document.findall()] == ["status"]
    assert run(cluster, "-M", "-N", "nosuch", *words) == 105
    assert 'code="105"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("resource", "value"),
    [("own", "1"), ("x", "2"), ("grouped", "3"), ("cloned", "4"), ("alone", "5"), ("ruled", "5")],
)
def test_a_meta_attribute_may_come_from_what_is_around_a_resource(
    cluster: FakeCluster, capsys: Capture, resource: str, value: str
) -> None:
    """Its own, then its template's, its group's and clone's, then the default; rules aside."""

    def meta(owner: str, number: int, rule: str = "") -> str:
        return (
            f'<meta_attributes id="{owner}-m">{rule}<nvpair id="{owner}-p" name="priority"'
            f' value="{number}"/></meta_attributes>'
        )

    def primitive(name: str, inside: str = "", how: str = 'class="ocf" type="Dummy"') -> str:
        return f'<primitive id="{name}" {how}>{inside}</primitive>'

    rule = '<rule id="r" score="1"><expression id="e" attribute="a" operation="defined"/></rule>'
    resources = (
        primitive("own", meta("own", 1))
        + f'<template id="tpl" class="ocf" type="Dummy">{meta("tpl", 2)}</template>'
        + primitive("x", how='template="tpl"')
        + f'<group id="g">{meta("g", 3)}{primitive("grouped")}</group>'
        + f'<clone id="c">{meta("c", 4)}<group id="cg">{primitive("cloned")}</group></clone>'
        + primitive("alone")
        + primitive("ruled", meta("ruled", 9, rule))
    )
    text = cluster.cib.to_xml().replace("</resources>", f"{resources}</resources>")
    defaults = f"<rsc_defaults>{meta('all', 5)}</rsc_defaults></configuration>"
    cluster.cib = Cib.parse(text.replace("</configuration>", defaults))
    assert run(cluster, "-r", resource, "--meta", "-g", "priority") == 0
    assert capsys.readouterr().out == f"{value}\n"
    assert run(cluster, "-r", "alone", "-g", "priority") == 105


@pytest.mark.parametrize("option", ["--help-all", "-?", "--help"])
def test_help_is_given_by_all_the_names_that_people_know(option: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        crm_resource.main([option])
    assert left.value.code == 0
    assert "--resource" in capsys.readouterr().out


def test_what_has_expired_is_cleared_of_one_or_of_all(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ban = ("-B", "-N", "pacemaker02")
    assert run(cluster, *ban, "-r", "ClusterIP", "-u", "PT1M") == 0
    assert "Migration will take effect until: 20" in capsys.readouterr().out
    for words in (("-N", "pacemaker01", "-r", "ClusterIP"), ("-N", "2", "-r", "WebSite")):
        assert run(cluster, "-B", *words, "-u", "PT1M", "-Q") == 0
    assert capsys.readouterr().out == ""
    assert run(cluster, "-U", "--expired") == 0
    assert capsys.readouterr().out == "", "not yet"
    later = crm_resource.local_now() + timedelta(hours=1)
    monkeypatch.setattr(crm_resource, "local_now", lambda: later)
    assert run(cluster, "-U", "-e", "-r", "ClusterIP", "-N", "pacemaker02") == 0
    assert capsys.readouterr().out == "Removing constraint: cli-ban-ClusterIP-on-pacemaker02\n"
    assert run(cluster, "-U", "-e", "-Q") == 0
    assert not [c.id for c in cluster.cib.section("constraints").findall() if "cli-" in c.id]
    assert run(cluster, "--expired", "-C") == 64
    assert run(cluster, "-U") == 64

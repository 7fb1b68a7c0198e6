"""crm_attribute, crm_master, attrd_updater, crm_standby, crm_failcount: as agents call them."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.tools import attrd_updater, crm_attribute, crm_failcount, crm_master, crm_standby

Capture = pytest.CaptureFixture[str]


def test_a_property_is_read_with_its_scope_or_alone(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-G", "-n", "stonith-enabled"], door=cluster) == 0
    assert crm_attribute.main(["-G", "-n", "stonith-enabled", "-q"], door=cluster) == 0
    assert capsys.readouterr().out == "scope=crm_config  name=stonith-enabled value=false\nfalse\n"


def test_an_absent_attribute_ends_with_105(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-G", "-n", "nosuch"], door=cluster) == 105
    assert capsys.readouterr().err == (
        "crm_attribute: Error performing operation: No such device or address\n"
    )


def test_a_default_stands_in_for_an_absent_attribute(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-G", "-n", "nosuch", "-d", "7", "-q"], door=cluster) == 0
    assert capsys.readouterr().out == "7\n"


def test_a_property_is_set_where_it_is(cluster: FakeCluster) -> None:
    assert crm_attribute.main(["-n", "stonith-enabled", "-v", "true"], door=cluster) == 0
    assert cluster.find("p3").get("value") == "true"
    assert cluster.done == [("commit", "crm_attribute")]


def test_setting_what_is_set_commits_nothing(cluster: FakeCluster) -> None:
    assert crm_attribute.main(["-n", "stonith-enabled", "-v", "false"], door=cluster) == 0
    assert cluster.done == []


def test_a_default_of_resources_makes_its_set(cluster: FakeCluster, capsys: Capture) -> None:
    words = ["-t", "rsc_defaults", "-n", "resource-stickiness"]
    assert crm_attribute.main([*words, "-v", "100"], door=cluster) == 0
    assert cluster.find("rsc-options-resource-stickiness").get("value") == "100"
    assert crm_attribute.main([*words, "-G"], door=cluster) == 0
    assert capsys.readouterr().out == ("scope=rsc_defaults  name=resource-stickiness value=100\n")


def test_a_permanent_attribute_of_a_node(cluster: FakeCluster, capsys: Capture) -> None:
    words = ["-N", "pacemaker01", "-n", "standby"]
    assert crm_attribute.main([*words, "-v", "on", "-l", "forever"], door=cluster) == 0
    assert cluster.find("nodes-1-standby").get("value") == "on"
    assert crm_attribute.main([*words, "-G"], door=cluster) == 0
    assert capsys.readouterr().out == "scope=nodes  name=standby value=on\n"
    assert crm_attribute.main([*words, "-D"], door=cluster) == 0
    assert cluster.cib.find_id("nodes-1-standby") is None


@pytest.mark.parametrize("option", ["-v", "--update", "--attr-value"])
def test_a_score_may_be_minus_infinity(cluster: FakeCluster, option: str) -> None:
    """As resource-agents' ocf_promotion_score writes it for PostgreSQL."""
    words = ["--promotion=db", "-N", "pacemaker01", option, "-INFINITY"]
    assert crm_attribute.main(words, door=cluster) == 0
    words = ["-r", "db", "-N", "pacemaker01", "-l", "reboot", option, "-INFINITY"]
    assert crm_master.main(words, door=cluster) == 0
    assert cluster.done == [("attribute", "pacemaker01", "master-db", "-INFINITY")] * 2


def test_an_unknown_node_is_named_with_the_near_one(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-N", "pacemaker9", "-n", "x", "-v", "1"], door=cluster) == 105
    assert "did you mean" in capsys.readouterr().err


def test_a_transient_attribute_goes_to_the_attribute_manager(cluster: FakeCluster) -> None:
    assert crm_attribute.main(["-n", "pingd", "-v", "5", "-l", "reboot"], door=cluster) == 0
    assert cluster.done == [("attribute", "pacemaker01", "pingd", "5")]


def test_a_lost_race_is_run_again(cluster: FakeCluster) -> None:
    cluster.conflicts = 2
    assert crm_attribute.main(["-n", "stonith-enabled", "-v", "true"], door=cluster) == 0
    assert cluster.find("p3").get("value") == "true"


def test_an_agent_sets_its_promotion_score(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "db")
    assert crm_master.main(["-v", "100", "-l", "reboot"], door=cluster) == 0
    assert crm_attribute.main(["--promotion", "-v", "5"], door=cluster) == 0
    assert crm_master.main(["-D", "-l", "reboot", "-Q"], door=cluster) == 0
    assert cluster.done == [
        ("attribute", "pacemaker01", "master-db", "100"),
        ("attribute", "pacemaker01", "master-db", "5"),
        ("attribute", "pacemaker01", "master-db", None),
    ]


def test_outside_an_agent_a_resource_must_be_named(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("OCF_RESOURCE_INSTANCE", raising=False)
    assert crm_master.main(["-v", "100"], door=cluster) == 64
    assert "no resource is named" in capsys.readouterr().err
    assert crm_master.main(["-r", "db", "-v", "100"], door=cluster) == 0


def test_crm_master_means_the_lasting_score_where_no_lifetime_is_said(
    cluster: FakeCluster, capsys: Capture
) -> None:
    words = ["-r", "db", "-N", "pacemaker01"]
    assert crm_master.main([*words, "-v", "100"], door=cluster) == 0
    assert cluster.find("nodes-1-master-db").get("value") == "100"
    assert crm_master.main([*words, "-G", "-q"], door=cluster) == 0
    assert capsys.readouterr().out == "100\n"
    assert crm_master.main([*words, "-D"], door=cluster) == 0
    assert cluster.cib.find_id("nodes-1-master-db") is None
    assert cluster.done == [("commit", "crm_master")] * 2, "the transient one is another"


def test_attrd_updater_sets_queries_and_deletes(cluster: FakeCluster, capsys: Capture) -> None:
    assert attrd_updater.main(["-n", "pingd", "-U", "9", "-d", "5s"], door=cluster) == 0
    assert attrd_updater.main(["-n", "pingd", "-D", "-N", "pacemaker02"], door=cluster) == 0
    assert cluster.done == [
        ("attribute", "pacemaker01", "pingd", "9", 5000, False, False),
        ("attribute", "pacemaker02", "pingd", None),
    ]
    assert attrd_updater.main(["-n", "pingd", "-Q"], door=cluster) == 0
    assert attrd_updater.main(["-n", "pingd", "-Q", "-A", "-q"], door=cluster) == 0
    assert capsys.readouterr().out == 'name="pingd" host="pacemaker01" value="1000"\n1000\n'
    assert attrd_updater.main(["-n", "pingd", "-Q", "-N", "pacemaker02"], door=cluster) == 78


def test_standby_is_a_node_attribute_that_is_off_by_default(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert crm_standby.main(["-G", "-N", "pacemaker02"], door=cluster) == 0
    assert crm_standby.main(["-v", "on", "-N", "pacemaker02"], door=cluster) == 0
    assert crm_standby.main(["-G", "-N", "pacemaker02", "-q"], door=cluster) == 0
    assert capsys.readouterr().out == "scope=status  name=standby value=off\non\n"


def test_standby_may_end_with_the_nodes_next_start(cluster: FakeCluster, capsys: Capture) -> None:
    """Without a lifetime both are meant, and the lasting one is asked for first."""
    words = ("-N", "pacemaker02")
    assert crm_standby.main(["-v", "on", "-l", "reboot", *words], door=cluster) == 0
    assert cluster.done == [("attribute", "pacemaker02", "standby", "on")]
    assert crm_standby.main(["-v", "on", *words], door=cluster) == 0
    assert crm_standby.main([*words, "-q"], door=cluster) == 0
    assert crm_standby.main(["-D", *words], door=cluster) == 0
    assert capsys.readouterr().out == (
        "on\nDeleted nodes attribute: id=nodes-2-standby name=standby\n"
    )
    assert cluster.done[-1] == ("attribute", "pacemaker02", "standby", None)
    assert crm_standby.main(["-N", "nosuch"], door=cluster) == 105

    def door() -> FakeCluster:
        raise ClusterUnreachable("no cluster runs here")

    assert crm_standby.main([], door=door) == 102


def test_fail_counts_are_summed_and_forgotten(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_failcount.main(["-r", "ClusterIP", "-G"], door=cluster) == 0
    assert crm_failcount.main(["-r", "ClusterIP", "-G", "-N", "pacemaker02"], door=cluster) == 0
    assert capsys.readouterr().out == (
        "scope=status  name=fail-count-ClusterIP value=2\n"
        "scope=status  name=fail-count-ClusterIP value=0\n"
    )
    assert crm_failcount.main(["-r", "ClusterIP", "-D"], door=cluster) == 0
    assert cluster.done == [("clean", "ClusterIP", "pacemaker01", False)]


def test_a_fail_count_is_asked_for_by_all_its_names(cluster: FakeCluster, capsys: Capture) -> None:
    count = ["-r", "ClusterIP", "-G"]
    told = "scope=status  name=fail-count-ClusterIP"
    for words in (
        [*count, "-U", "pacemaker01", "-V", "-i", "x", "-l", "reboot"],
        ["--resource-id=ClusterIP", "--uname=pacemaker01", "--get-value", "--verbose"],
        [*count, "-n", "monitor", "-I", "30s"],
        [*count, "-n", "start"],
    ):
        assert crm_failcount.main(words, door=cluster) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{told} value=2",
        f"{told} value=2",
        f"{told}#monitor_30000 value=2",
        f"{told}#start_0 value=0",
    ]
    assert crm_failcount.main(["-r", "ClusterIP", "--delete-attr"], door=cluster) == 0
    one = ["-r", "ClusterIP", "-D", "-n", "monitor", "-I", "30s"]
    assert crm_failcount.main(one, door=cluster) == 0
    assert cluster.done == [
        ("clean", "ClusterIP", "pacemaker01", False),
        ("clean", "ClusterIP", "pacemaker01", False, "monitor_30000"),
    ]


@pytest.mark.parametrize(
    "words",
    [["-n"], ["--nosuch"], ["-v", "1"], ["-G", "-v", "1"], ["-t", "wrong", "-n", "x"]],
)
def test_a_bad_command_line_is_64_and_changes_nothing(
    cluster: FakeCluster, words: list[str], capsys: Capture
) -> None:
    assert crm_attribute.main(words, door=cluster) == 64
    assert cluster.done == []
    assert capsys.readouterr().err.startswith("crm_attribute: ")


def test_of_several_commands_crm_attribute_does_the_last(
    cluster: FakeCluster, capsys: Capture
) -> None:
    words = ["-n", "stonith-enabled", "-q"]
    for question in (["-v", "true", "-G"], ["-D", "-G"], ["-G", "-v", "a", "-D", "-G"]):
        assert crm_attribute.main([*words, *question], door=cluster) == 0
        assert capsys.readouterr().out == "false\n"
    assert cluster.done == []
    assert crm_attribute.main([*words, "-D", "-G", "-v", "true"], door=cluster) == 0
    assert cluster.find("p3").get("value") == "true"
    assert crm_attribute.main([*words, "-v", "false", "--delete"], door=cluster) == 0
    assert cluster.cib.find_id("p3") is None


def test_of_several_commands_attrd_updater_does_the_last(cluster: FakeCluster) -> None:
    """A fence agent says ``-Q -N NODE -U VALUE``."""
    words = ["-p", "-n", "evacuate", "-Q", "-N", "pacemaker02", "-U", "yes"]
    assert attrd_updater.main(words, door=cluster) == 0
    assert cluster.done[-1][:4] == ("attribute", "pacemaker02", "evacuate", "yes")


def test_attrd_updater_counts_dampens_and_keeps_things_private(cluster: FakeCluster) -> None:
    cluster.set_attribute("pacemaker01", "n", "4")
    cluster.attribute_values = lambda name: {"pacemaker01": "4"}  # type: ignore[method-assign]
    cluster.done.clear()
    for words in (
        ("-U", "value++"),
        ("-U", "value+=-9"),
        ("-U", "value-=1"),
        ("-B", "7", "-d", "2"),
        ("-Y", "-d", "3"),
        ("-U", "x", "--private"),
        ("-S", "status", "-d", "0", "-v", "y"),  # as ocf:pacemaker:SysInfo says it
    ):
        assert attrd_updater.main(["-n", "n", *words], door=cluster) == 0
    assert [(each[3], *each[4:]) for each in cluster.done] == [
        ("5",),
        ("-5",),
        ("3",),
        ("7", 2000, True, False),
        ("4", 3000, True, False),
        ("x", 0, False, True),
        ("y",),
    ]
    assert attrd_updater.main(["-n", "n", "-B", "7"], door=cluster) == 64


def test_a_value_counts_from_what_is_there(cluster: FakeCluster) -> None:
    """As attrd_updater does: what a script adds to is no text to be stored."""
    words = ["-N", "pacemaker02", "-n", "n"]
    for value, sum_of_it in (("value++", "1"), ("value+=41", "42"), ("value+=-2", "40")):
        assert crm_attribute.main([*words, "-v", value], door=cluster) == 0
        assert cluster.find("nodes-2-n").get("value") == sum_of_it
    assert crm_attribute.main([*words, "-z", "-v", "value+=4"], door=cluster) == 0
    assert cluster.find("nodes-2-utilization-n").get("value") == "4"
    assert crm_attribute.main(["-n", "batch-limit", "-v", "value+=7"], door=cluster) == 0
    assert cluster.find("cib-bootstrap-options-batch-limit").get("value") == "7"
    words = ["-N", "pacemaker01", "-l", "reboot", "-n", "pingd"]
    assert crm_attribute.main([*words, "-v", "value++"], door=cluster) == 0
    assert cluster.done[-1] == ("attribute", "pacemaker01", "pingd", "1001")
    assert crm_attribute.main([*words, "-v", "value of it"], door=cluster) == 0
    assert cluster.done[-1] == ("attribute", "pacemaker01", "pingd", "value of it")


def test_a_name_may_hold_what_an_id_cannot(cluster: FakeCluster) -> None:
    for name, made in (("#health-x", ".health-x"), ("a:b#c", "a.b.c"), ("a b#c", "a.b.c-0")):
        assert crm_attribute.main(["-N", "pacemaker02", "-n", name, "-v", "red"], door=cluster) == 0
        assert cluster.find(f"nodes-2-{made}").get("name") == name


# ---- all of a section, and those that a pattern finds --------------------------------------------


def test_a_query_without_a_name_tells_all(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-G"], door=cluster) == 0
    assert capsys.readouterr().out == (
        "scope=crm_config  name=dc-version value=1.1.10-42f2063\n"
        "scope=crm_config  name=cluster-infrastructure value=corosync\n"
        "scope=crm_config  name=stonith-enabled value=false\n"
    )
    assert crm_attribute.main(["-G", "-N", "pacemaker02"], door=cluster) == 0
    assert capsys.readouterr().out == "scope=nodes  name=site value=north\n"
    assert crm_attribute.main(["-G", "-N", "pacemaker01"], door=cluster) == 105
    assert crm_attribute.main([], door=cluster) == 64
    for words in (["-N", "pacemaker02"], ["-i", "p3"], ["-t", "crm_config", "-q"]):
        assert crm_attribute.main(words, door=cluster) == 0, "a place says enough of a question"
    assert crm_attribute.main(["-N", "pacemaker02", "-D"], door=cluster) == 64
    assert crm_attribute.main(["-N", "pacemaker02", "-v", "1"], door=cluster) == 64
    assert cluster.done == []


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("ping", ["pingd"]),
        ("^(p|f)", ["pingd", "fail-count-ClusterIP#monitor_30000"]),
        ("_[[:digit:]]+$", ["fail-count-ClusterIP#monitor_30000"]),
    ],
)
def test_a_pattern_finds_names_as_an_extended_expression(
    cluster: FakeCluster, capsys: Capture, pattern: str, names: list[str]
) -> None:
    assert crm_attribute.main(["-G", "-l", "reboot", "-P", pattern], door=cluster) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("name=")[1].split()[0] for line in shown] == names
    assert crm_attribute.main(["-l", "reboot", "-P", pattern, "-v", "7"], door=cluster) == 0
    assert cluster.done == [("attribute", "pacemaker01", name, "7") for name in names]
    cluster.done.clear()
    assert attrd_updater.main(["-P", pattern, "-D"], door=cluster) == 0
    assert cluster.done == [("attribute", "pacemaker01", name, None) for name in names]


def test_a_pattern_that_finds_nothing_changes_nothing(cluster: FakeCluster) -> None:
    assert crm_attribute.main(["-P", "PING", "-l", "reboot", "-D"], door=cluster) == 0
    assert attrd_updater.main(["-P", "PING", "-U", "1"], door=cluster) == 0
    assert crm_attribute.main(["-P", "PING", "-G"], door=cluster) == 105
    assert cluster.done == []


@pytest.mark.parametrize(
    "words",
    [
        ["-P", "site", "-N", "pacemaker02", "-v", "1"],
        ["-P", "a", "-n", "a", "-G"],
        ["-P", "(", "-l", "reboot", "-v", "1"],
    ],
)
def test_what_a_pattern_is_not_for(cluster: FakeCluster, words: list[str]) -> None:
    assert crm_attribute.main(words, door=cluster) == 64
    assert cluster.done == []


def test_the_attribute_manager_is_not_asked_by_a_pattern(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert attrd_updater.main(["-P", "ping", "-Q"], door=cluster) == 64
    assert "crm_attribute -G asks by a pattern" in capsys.readouterr().err
    assert attrd_updater.main(["-Q"], door=cluster) == 64


def test_what_was_deleted_is_told(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-D", "-n", "stonith-enabled"], door=cluster) == 0
    assert capsys.readouterr().out == "Deleted crm_config option: id=p3 name=stonith-enabled\n"
    assert crm_attribute.main(["-D", "-n", "site", "-N", "pacemaker02"], door=cluster) == 0
    assert capsys.readouterr().out == "Deleted nodes attribute: id=nodes-2-site name=site\n"
    assert crm_attribute.main(["-D", "-n", "dc-version", "-q"], door=cluster) == 0
    assert crm_attribute.main(["-D", "-n", "nosuch"], door=cluster) == 0
    assert capsys.readouterr().out == ""


def test_attributes_as_xml(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-G", "-P", "cluster", "--output-as=xml"], door=cluster) == 0
    assert (
        '<attribute name="cluster-infrastructure" value="corosync" scope="crm_config"/>'
        in capsys.readouterr().out
    )
    assert attrd_updater.main(["-Q", "-n", "pingd", "--output-as=xml"], door=cluster) == 0
    assert '<attribute name="pingd" value="1000" host="pacemaker01"/>' in capsys.readouterr().out
    assert crm_attribute.main(["-n", "a", "-v", "1", "--output-as=xml"], door=cluster) == 0
    assert '<status code="0" message="OK"/>' in capsys.readouterr().out
    assert crm_attribute.main(["-G", "-n", "nosuch", "--output-as=xml"], door=cluster) == 105
    told = capsys.readouterr()
    assert "No such device or address" in told.out
    assert told.err == ""


def test_a_person_asks_all_nodes_and_an_agent_its_own(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.node = "pacemaker02"
    assert attrd_updater.main(["-Q", "-n", "pingd"], door=cluster) == 0
    assert capsys.readouterr().out == 'name="pingd" host="pacemaker01" value="1000"\n'
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "ping")
    assert attrd_updater.main(["-Q", "-n", "pingd"], door=cluster) == 78


TWICE = '<cluster_property_set id="second"><nvpair id="q3" name="stonith-enabled" value="yes"/>'


@pytest.fixture
def twice(cluster: FakeCluster) -> FakeCluster:
    """A cluster where a property is set in two sets."""
    text = cluster.cib.to_xml().replace(
        "</crm_config>", f"{TWICE}</cluster_property_set></crm_config>"
    )
    cluster.cib = Cib.parse(text)
    return cluster


def test_of_several_pairs_all_are_told_and_none_is_changed(
    twice: FakeCluster, capsys: Capture
) -> None:
    assert crm_attribute.main(["-n", "stonith-enabled", "-G", "-q"], door=twice) == 0
    assert capsys.readouterr().out == "false\nyes\n"
    before = twice.cib
    for change in (["-v", "true"], ["-v", "value++"], ["-D"]):
        assert crm_attribute.main(["-n", "stonith-enabled", *change], door=twice) == 109
        told = capsys.readouterr().err
        assert "Value: false \t(id=p3)\n  Value: yes \t(id=q3)\n" in told
        assert "by its id" in told
    assert twice.cib is before


@pytest.mark.parametrize("which", [("-s", "second"), ("-i", "q3"), ("--set-name=second", "-iq3")])
def test_one_of_several_pairs_can_be_named(
    twice: FakeCluster, which: tuple[str, str], capsys: Capture
) -> None:
    words = ["-n", "stonith-enabled", *which]
    assert crm_attribute.main([*words, "-G", "-q"], door=twice) == 0
    assert crm_attribute.main([*words, "-v", "true"], door=twice) == 0
    assert (twice.find("p3").get("value"), twice.find("q3").get("value")) == ("false", "true")
    assert crm_attribute.main([*words, "-D"], door=twice) == 0
    assert twice.cib.find_id("q3") is None
    assert twice.find("p3").get("value") == "false"
    told = capsys.readouterr().out.splitlines()
    within = "" if which[0] == "-i" else " set=second"
    assert told == ["yes", f"Deleted crm_config option: id=q3{within} name=stonith-enabled"]
    assert crm_attribute.main([*words, "-G"], door=twice) == 105
    assert crm_attribute.main([*words, "-D"], door=twice) == 0


def test_what_is_named_and_not_there_is_made_so(twice: FakeCluster) -> None:
    for more in (["-s", "third"], ["-i", "mine"], ["-s", "second", "-i", "other"]):
        assert crm_attribute.main(["-n", "a", "-v", "1", *more], door=twice) == 0
    sets = twice.cib.section("crm_config").findall()
    assert [each.id for each in sets] == ["cib-bootstrap-options", "second", "third"]
    assert [[p.id for p in each.findall()] for each in sets] == [
        ["p1", "p2", "p3", "mine"],
        ["q3", "other"],
        ["third-a"],
    ]


def test_a_query_by_an_id_tells_it(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_attribute.main(["-n", "stonith-enabled", "-i", "p3"], door=cluster) == 0
    line = "scope=crm_config id=p3 name=stonith-enabled value=false\n"
    assert capsys.readouterr().out == line

"""Values that crm_resource tells and sets: scores, rules and references of sets, instances."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_resource

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


SETS = """<primitive id="x" class="ocf" provider="pacemaker" type="Dummy">
 <instance_attributes id="low" score="1"><nvpair id="low-a" name="a" value="low"/>
  <nvpair id="low-b" name="b" value="of-low"/></instance_attributes>
 <instance_attributes id="high" score="100"><nvpair id="high-a" name="a" value="high"/>
 </instance_attributes>
 <instance_attributes id="ruled" score="10"><rule id="ru" score="0"><date_expression id="de"
  operation="gt" start="2010-01-01"/></rule><nvpair id="ruled-c" name="c" value="now"/>
 </instance_attributes>
 <instance_attributes id="never" score="200"><rule id="nv" score="0"><date_expression id="dn"
  operation="lt" start="2010-01-01" end="2010-01-01"/></rule>
  <nvpair id="never-a" name="a" value="then"/></instance_attributes>
 <meta_attributes id="x-m"><nvpair id-ref="y-p"/></meta_attributes></primitive>
<clone id="yc"><primitive id="y" class="ocf" provider="pacemaker" type="Dummy">
 <instance_attributes id-ref="low"/>
 <meta_attributes id="y-m"><nvpair id="y-p" name="priority" value="7"/></meta_attributes>
</primitive></clone>"""


def with_sets(cluster: FakeCluster) -> None:
    cluster.cib = Cib.parse(cluster.cib.to_xml().replace("</resources>", f"{SETS}</resources>"))


@pytest.mark.parametrize(
    ("resource", "name", "value"),
    [
        ("x", "a", "high"),
        ("x", "b", "of-low"),
        ("x", "c", "now"),
        ("y", "a", "low"),
        ("y:0", "a", "low"),
    ],
)
def test_of_several_sets_that_counts_which_counts_in_the_cluster(
    cluster: FakeCluster, resource: str, name: str, value: str, capsys: Capture
) -> None:
    """The score of a set, its rule, and a set that is another's."""
    with_sets(cluster)
    assert run(cluster, "-r", resource, "-g", name) == 0
    assert capsys.readouterr().out == f"{value}\n"


def test_which_of_several_pairs_is_changed_has_to_be_said(
    cluster: FakeCluster, capsys: Capture
) -> None:
    with_sets(cluster)
    before = cluster.cib
    for change in (["-p", "a", "-v", "new"], ["-d", "a"]):
        assert run(cluster, "-r", "x", *change) == 109
        assert "Value: high \t(id=high-a)\n" in capsys.readouterr().err
    assert cluster.cib is before
    assert run(cluster, "-r", "x", "-p", "a", "-v", "new", "-s", "high") == 0
    assert (cluster.find("high-a").get("value"), cluster.find("low-a").get("value")) == (
        "new",
        "low",
    )
    assert run(cluster, "-r", "x", "-d", "a", "-i", "low-a") == 0
    assert run(cluster, "-r", "x", "-d", "a", "--set-name", "never") == 0
    assert cluster.cib.find_id("low-a") is None
    assert cluster.cib.find_id("never-a") is None
    assert capsys.readouterr().out == (
        "Set 'x' option: id=high-a set=high name=a value=new\n"
        "Deleted 'x' option: id=low-a name=a\n"
        "Deleted 'x' option: id=never-a set=never name=a\n"
    )


def test_an_instance_has_the_parameters_of_its_clone(cluster: FakeCluster, capsys: Capture) -> None:
    with_sets(cluster)
    assert run(cluster, "-r", "y:0", "-p", "b", "-v", "set") == 0
    assert cluster.find("y-instance_attributes-b").get("value") == "set"
    assert run(cluster, "-r", "y:0", "-d", "b") == 0
    assert run(cluster, "-r", "y:1", "-m", "-p", "clone-max", "-v", "2") == 0
    assert cluster.find("yc-meta_attributes-clone-max").get("value") == "2"
    assert run(cluster, "-r", "y:0", "-a") == 0
    capsys.readouterr()
    for words in (("-g", "a"), ("-p", "a", "-v", "1"), ("-d", "a"), ("-a",)):
        assert run(cluster, "-r", "x:0", *words) == 105, "it is in no clone"
        assert "x" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-M", "-N", "pacemaker02"], ["-M"], ["-B"], ["-U"]])
def test_an_instance_cannot_be_moved(
    cluster: FakeCluster, words: list[str], capsys: Capture
) -> None:
    with_sets(cluster)
    assert run(cluster, "-r", "y:0", *words) == 2
    assert "say --resource y for all" in capsys.readouterr().err
    assert cluster.done == []


def test_a_pair_may_be_anothers(cluster: FakeCluster, capsys: Capture) -> None:
    with_sets(cluster)
    assert run(cluster, "-r", "x", "-m", "-g", "priority") == 0
    assert capsys.readouterr().out == "7\n"

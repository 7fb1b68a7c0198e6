"""crm_resource --constraints and --stack: where a resource may run, and with what."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_resource

Capture = pytest.CaptureFixture[str]

# web runs with ip, ip where the database is promoted, logs with web; the group goes along.
CIB = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
<configuration><crm_config/>
<nodes><node id="1" uname="one"/><node id="2" uname="two"/></nodes>
<resources>
 <primitive id="ip" class="ocf" provider="pacemaker" type="Dummy"/>
 <primitive id="web" class="ocf" provider="pacemaker" type="Dummy"/>
 <primitive id="logs" class="ocf" provider="pacemaker" type="Dummy"/>
 <group id="tools"><primitive id="cron" class="ocf" provider="pacemaker" type="Dummy"/></group>
 <clone id="databases"><meta_attributes id="m"><nvpair id="mp" name="promotable" value="true"/>
  </meta_attributes><primitive id="db" class="ocf" provider="pacemaker" type="Stateful"/></clone>
</resources>
<constraints>
 <rsc_location id="ip-at-home" rsc="ip" node="one" score="100"/>
 <rsc_location id="web-not-two" rsc="web"><rule id="off-two" score="-INFINITY">
  <expression id="e" attribute="#uname" operation="eq" value="two"/></rule></rsc_location>
 <rsc_location id="calm" rsc-pattern="^lo" node="two" score="5"/>
 <rsc_colocation id="web-with-ip" rsc="web" with-rsc="ip" score="INFINITY"/>
 <rsc_colocation id="ip-with-master" rsc="ip" with-rsc="databases" with-rsc-role="Promoted"
  score="50"/>
 <rsc_colocation id="logs-with-web" rsc="logs" with-rsc="web" score="7" node-attribute="site"/>
 <rsc_colocation id="tools-with-web" rsc="tools" with-rsc="web" score="10"/>
 <rsc_order id="o" first="ip" then="web"/>
</constraints></configuration><status/></cib>"""


@pytest.fixture
def colocated(cluster: FakeCluster) -> FakeCluster:
    cluster.cib = Cib.parse(CIB)
    return cluster


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


def test_each_neighbour_is_told_with_its_own_locations(
    colocated: FakeCluster, capsys: Capture
) -> None:
    assert run(colocated, "-a", "-r", "ip") == 0
    assert capsys.readouterr().out == (
        "Locations:\n"
        "  * Node one (score=100, id=ip-at-home, rsc=ip)\n"
        "Resources colocated with ip:\n"
        "  * web (score=INFINITY, id=web-with-ip)\n"
        "    * Locations:\n"
        "      * Node two (score=-INFINITY, id=off-two, rsc=web)\n"
        "Resources ip is colocated with:\n"
        "  * databases (score=50, with role=Promoted, id=ip-with-master)\n"
    )


@pytest.mark.parametrize("words", [("-A",), ("--stack",), ("-a", "--recursive")])
def test_a_stack_follows_the_chain(
    colocated: FakeCluster, words: tuple[str, ...], capsys: Capture
) -> None:
    assert run(colocated, *words, "-r", "databases") == 0
    assert capsys.readouterr().out == (
        "Resources colocated with databases:\n"
        "  * ip (score=50, needs role=Promoted, id=ip-with-master)\n"
        "    * Locations:\n"
        "      * Node one (score=100, id=ip-at-home, rsc=ip)\n"
        "    * Resources colocated with ip:\n"
        "      * web (score=INFINITY, id=web-with-ip)\n"
        "        * Locations:\n"
        "          * Node two (score=-INFINITY, id=off-two, rsc=web)\n"
        "        * Resources colocated with web:\n"
        "          * tools (score=10, id=tools-with-web)\n"
        "          * logs (score=7, id=logs-with-web)\n"
        "            * Locations:\n"
        "              * Node two (score=5, id=calm, rsc=logs)\n"
    )


def test_a_ring_of_colocations_ends_where_it_closes(
    colocated: FakeCluster, capsys: Capture
) -> None:
    colocated.cib = Cib.parse(
        CIB.replace(
            "<rsc_order",
            '<rsc_colocation id="back" rsc="databases" with-rsc="web" score="3"/><rsc_order',
        )
    )
    assert run(colocated, "-A", "-r", "ip") == 0
    told = capsys.readouterr().out
    assert "\n      * databases (score=3, id=back)\n" in told
    assert "\n          * ip (id=ip-with-master - loop)\n" in told


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("cron",), "Resources tools is colocated with:"),
        (("cron", "--force"), ""),
        (("db:0",), "Resources colocated with databases:"),
    ],
)
def test_a_member_means_all_of_its_group(
    colocated: FakeCluster, words: tuple[str, ...], first: str, capsys: Capture
) -> None:
    assert run(colocated, "-a", "-r", *words) == 0
    assert capsys.readouterr().out.partition("\n")[0] == first


def test_as_xml_each_step_is_an_element(colocated: FakeCluster, capsys: Capture) -> None:
    assert run(colocated, "-A", "-r", "web", "--output-as=xml") == 0
    assert (
        "  <constraints>\n"
        '    <rsc_location node="two" rsc="web" id="off-two" score="-INFINITY"/>\n'
        '    <rsc_colocation id="tools-with-web" rsc="tools" with-rsc="web" score="10"/>\n'
        '    <rsc_colocation id="logs-with-web" rsc="logs" with-rsc="web" score="7"'
        ' node-attribute="site"/>\n'
        '    <rsc_location node="two" rsc="logs" id="calm" score="5"/>\n'
        '    <rsc_colocation id="web-with-ip" rsc="web" with-rsc="ip" score="INFINITY"/>\n'
        '    <rsc_location node="one" rsc="ip" id="ip-at-home" score="100"/>\n'
        '    <rsc_colocation id="ip-with-master" rsc="ip" with-rsc="databases" score="50"'
        ' with-rsc-role="Promoted"/>\n'
        "  </constraints>\n"
    ) in capsys.readouterr().out


def test_it_must_be_there(colocated: FakeCluster, capsys: Capture) -> None:
    assert run(colocated, "-A", "-r", "wbe") == 105
    assert run(colocated, "-A") == 64


def test_a_meta_attribute_is_set_along_the_chain(colocated: FakeCluster, capsys: Capture) -> None:
    stop = ("-m", "-p", "target-role", "-v", "Stopped", "-r")
    assert run(colocated, *stop, "ip", "--recursive") == 0
    changed = [line.split("'")[1] for line in capsys.readouterr().out.splitlines()]
    assert changed == ["ip", "web", "tools", "logs"]
    assert run(colocated, "-p", "a", "-v", "1", "-r", "ip", "--recursive") == 0
    assert capsys.readouterr().out.count("Set ") == 1, "a parameter is one agent's"

"""crm_simulate: every option's words, and the same facts as XML."""

from __future__ import annotations

from pathlib import Path

import pytest
from scheduler.clusters import CLUSTER_IP, Lab, make

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.tools import crm_simulate

HUNGRY = CLUSTER_IP.replace(
    "<operations>",
    '<utilization id="u"><nvpair id="u-cpu" name="cpu" value="2"/></utilization><operations>',
)


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """The tutorial's cluster, with everything on pacemaker01."""
    file = tmp_path / "cib.xml"
    file.write_text(Lab().settle().cib.to_xml(), encoding="utf-8")
    return file


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints; it must succeed."""
    assert crm_simulate.main(words) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Element]:
    """The sections of the answer as XML, by their names."""
    root = parse(run(capsys, *words, "--output-as=xml"))
    assert root.tag == "pacemaker-result"
    return {child.tag: child for child in root.findall()}


def test_what_is_changed_before_is_told_and_counted(
    settled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("-x", str(settled), "-S", "-u", "pacemaker02", "-d", "pacemaker03", "-w", "true",
             "-q", "true", "-g", "site", "-i", "ClusterIP_monitor_30000@pacemaker01=1")  # fmt: skip
    said = run(capsys, *words)
    at = said.index("Performing Requested Modifications:")
    lines = said[at:].splitlines()[1:9]
    assert lines[:6] == [
        "  * Setting quorum: true",
        "  * Setting watchdog: true",
        "  * Bringing node pacemaker02 online",
        "  * Taking node pacemaker03 offline",
        "  * Granting ticket site",
        "  * Injecting ClusterIP_monitor_30000@pacemaker01=1 into the configuration",
    ]
    assert lines[6].endswith("fail-count-ClusterIP#monitor_30000=1 into /node_state '1'")
    assert "last-failure-ClusterIP#monitor_30000=" in lines[7]

    changed = document(capsys, *words)["modifications"]
    assert changed.attrs == {"quorum": "true", "watchdog": "true"}
    assert [child.tag for child in changed.findall()] == [
        "modify_node", "modify_node", "modify_ticket", "inject_spec", "inject_attr", "inject_attr",
    ]  # fmt: skip


def test_xml_says_what_the_text_says(settled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "-x",
        str(settled),
        "-sS",
        "-d",
        "pacemaker01",
        "-F",
        "ClusterIP_start_0@pacemaker02=1",
    )
    said = run(capsys, *words)
    found = document(capsys, *words)
    assert list(found) == [
        "cluster_status", "modifications", "allocations", "actions", "transition",
        "revised_cluster_status", "status",
    ]  # fmt: skip
    assert said.count("allocation score") == len(found["allocations"].findall("node_weight"))
    start = found["actions"].findall("rsc_action")[0]
    assert start.attrs == {"action": "start", "resource": "ClusterIP", "node": "pacemaker02"}
    done = found["transition"].findall("rsc_action")
    assert said.count("Resource action:") == len(done)
    (failed,) = [e for e in found["transition"].iter("inject_attr") if "count" in e.get("name")]
    assert failed.get("value") == "INFINITY"
    assert "Pretending action" in said
    revised = found["revised_cluster_status"].iter("resource")
    assert next(e for e in revised if e.id == "ClusterIP").get("failed") == "true"


def test_roles_and_places_are_attributes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(Lab().settle().attribute("pacemaker01", "standby", "on").cib.to_xml())
    moves = document(capsys, "-x", str(file), "-R")["actions"].findall("rsc_action")
    assert [move.attrs for move in moves] == [
        {"action": "move", "resource": name, "source": "pacemaker01", "dest": "pacemaker02"}
        for name in ("ClusterIP", "WebSite")
    ]


def test_utilization_is_shown_before_and_after(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = make(HUNGRY, "", properties={"placement-strategy": "balanced"}).to_xml()
    room = '<node id="1" uname="pacemaker01"><utilization id="nu"><nvpair id="nu-cpu" name="cpu" '
    text = text.replace(
        '<node id="1" uname="pacemaker01"/>', f'{room}value="3"/></utilization></node>'
    )
    file = tmp_path / "cib.xml"
    file.write_text(text, encoding="utf-8")
    said = run(capsys, "-x", str(file), "-R", "-U")
    section = said.partition("Utilization Information:\n")[2].partition("\n\n")[0].splitlines()
    assert "  * Original: pacemaker01 capacity: cpu=3" in section
    assert "  * pcmk__finalize_assignment: ClusterIP utilization on pacemaker01: cpu=2" in section
    assert "  * Remaining: pacemaker01 capacity: cpu=1" in section
    found = document(capsys, "-x", str(file), "-RsU")["allocations_utilizations"]
    capacities = [e for e in found.findall("capacity") if e.get("node") == "pacemaker01"]
    assert [e.find("cpu").text for e in capacities] == ["3", "1"]  # type: ignore[union-attr]


def test_results_can_be_stored(settled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = settled.with_name("out.txt")
    assert run(capsys, "-x", str(settled), "-X", "-d", "pacemaker01", "--output-to", str(out)) == ""
    assert "Revised Cluster Status:" in out.read_text()
    assert "Nothing" not in out.read_text()
    stored = Cib.parse(settled.read_bytes()).status
    (gone,) = [s for s in stored.findall("node_state") if s.get("uname") == "pacemaker01"]
    assert gone.get("in_ccm") == "false"
    assert (
        run(capsys, "-P", str(settled.parent)).splitlines()[1].startswith(f"  * Testing {settled}")
    )
    assert crm_simulate.main(["-X"]) != 0


def test_what_is_counted_may_have_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cib.xml"
    cib = make(HUNGRY.replace('name="cpu"', 'name="1 c&lt;x"'))
    nodes = cib.section("nodes")
    first, *others = nodes.children
    pair = Element("nvpair", {"id": "c1", "name": "1 c<x", "value": "4"})
    first = first.append(Element("utilization", {"id": "c"}, (pair,)))
    cib = cib.with_section("nodes", nodes.with_children((first, *others)))
    file.write_text(cib.to_xml(), encoding="utf-8")
    shown = document(capsys, "-x", str(file), "-U")["utilizations"]
    values = next(shown.iter("capacity")).findall()
    assert [(e.tag, e.get("name"), e.text) for e in values] == [("value", "1 c<x", "4")]

"""crm_mon --include and --exclude: which sections there are, in all forms of output."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.xml import parse
from crmsh_py.errors import UsageError
from crmsh_py.tools import crm_mon
from crmsh_py.views.mon_sections import ALL, FENCING, SUMMARY, USUAL, Step, chosen

Capture = pytest.CaptureFixture[str]


def after(*words: str, shown: frozenset[str] = USUAL) -> frozenset[str]:
    """The sections after steps that are written as "+this" and "-that"."""
    steps = [Step(word[0] == "+", word[1:]) for word in words]
    return chosen(steps, shown=shown, usual=USUAL)[0]


@pytest.mark.parametrize(
    ("words", "sections"),
    [
        (["+none"], set()),
        (["-all"], set()),
        (["+all"], ALL),
        (["-none"], ALL),
        (["+none,nodes,failures"], {"nodes", "failures"}),
        (["-all", "+nodes"], {"nodes"}),
        (["+nodes", "-all"], set()),
        (["-all,counts"], set()),
        (["+none,summary", "-dc"], SUMMARY - {"dc"}),
        (["+fencing", "+tickets"], USUAL | FENCING | {"tickets"}),
        (["+none", "+default"], USUAL),
    ],
)
def test_what_was_said_is_applied_from_left_to_right(words: list[str], sections: set[str]) -> None:
    assert after(*words) == sections


def test_bans_may_have_a_prefix() -> None:
    assert chosen([Step(True, "none,bans:cli-")], shown=USUAL, usual=USUAL) == ({"bans"}, "cli-")


@pytest.mark.parametrize("word", ["+node", "-default", "-bans:x", "+", "+list"])
def test_what_is_no_section_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(UsageError, match=r"section|takes") as caught:
        after(word)
    assert "failcounts" in caught.value.format_message()


def shown(capsys: Capture, *words: str) -> str:
    assert crm_mon.main(["-1", *words], door=FakeCluster()) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("layout", ["classic", "modern"])
def test_text_has_only_what_was_asked_for(capsys: Capture, layout: str) -> None:
    text = shown(capsys, "--layout", layout, "--include=none,nodes,counts")
    assert "Online: [ pacemaker01 pacemaker02 ]" in text
    assert "configured" in text
    assert "ClusterIP" not in text
    assert "Stack" not in text
    assert "Last" not in text
    assert shown(capsys, "--layout", layout, "-I", "none") == ""
    assert "fail-count=2" in shown(capsys, "--layout", layout, "-I", "failcounts")


def test_xml_has_all_but_what_is_excluded(capsys: Capture) -> None:
    document = parse(shown(capsys, "--output-as=xml", "--exclude=nodes", "-U", "stack"))
    tags = [child.tag for child in document.findall()]
    assert "nodes" not in tags
    assert {"summary", "resources", "node_attributes", "node_history"} <= set(tags)
    summary = document.find("summary")
    assert summary is not None
    assert summary.findall()[0].tag == "current_dc"
    only = parse(shown(capsys, "--output-as=xml", "--include=none,resources"))
    assert [child.tag for child in only.findall()] == ["resources", "status"]


def test_descriptions_are_shown_where_they_are_asked_for(capsys: Capture) -> None:
    from crmsh_py.cib.document import Cib

    cluster = FakeCluster()
    text = cluster.cib.to_xml().replace('id="ClusterIP"', 'id="ClusterIP" description="our own"')
    cluster.cib = Cib.parse(text)
    assert crm_mon.main(["-1", "--layout", "modern", "--show-description"], door=cluster) == 0
    assert "Started (our own) pacemaker01" not in (told := capsys.readouterr().out)
    assert "* ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started pacemaker01 (our own)\n" in told
    assert crm_mon.main(["--output-as=xml", "--show-description"], door=cluster) == 0
    assert 'description="our own"' in capsys.readouterr().out
    assert crm_mon.main(["--output-as=xml"], door=cluster) == 0
    assert "our own" not in capsys.readouterr().out

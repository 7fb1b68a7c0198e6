"""crm_resource --why and --show-metadata as XML."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib import xml
from crmsh_py.tools import crm_resource

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["-r", "ClusterIP"], '<reason running="true"><check id="ClusterIP"/></reason>'),
        (
            ["-r", "WebSite"],
            '<reason running="false"><check id="WebSite" remain_stopped="true" unmanaged="true"/>'
            "</reason>",
        ),
        (
            ["-r", "ClusterIP", "-N", "pacemaker01"],
            '<reason running_on="pacemaker01"><check id="ClusterIP"/></reason>',
        ),
        (["-r", "ClusterIP", "-N", "pacemaker02"], '<reason><check id="ClusterIP"/></reason>'),
        (
            ["-N", "pacemaker01"],
            '<reason><resources><resource id="ClusterIP" running="true" host="pacemaker01">'
            '<check id="ClusterIP"/></resource></resources></reason>',
        ),
        ([], '<resource id="WebSite" running="false"><check id="WebSite" remain_stopped="true"'),
    ],
)
def test_why_as_xml(cluster: FakeCluster, words: list[str], answer: str, capsys: Capture) -> None:
    for name, value in (("target-role", "Stopped"), ("is-managed", "false")):
        assert run(cluster, "-r", "WebSite", "-m", "-p", name, "-v", value, "-Q") == 0
    assert run(cluster, "-Y", *words, "--output-as=xml") == 0
    told = "".join(line.strip() for line in capsys.readouterr().out.splitlines())
    assert answer in told


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (["-W"], "no resource is named"),
        (["-p", "ip", "-r", "ClusterIP"], "a value is needed"),
        (["-C", "-r", "nothing"], "Resource 'nothing' not found"),
        (["--show-metadata", "nope:a:b"], "there is no class of agents"),
    ],
)
def test_a_mistake_is_told_as_xml_too(
    cluster: FakeCluster, words: list[str], mistake: str, capsys: Capture
) -> None:
    code = run(cluster, *words, "--output-as=xml")
    told = capsys.readouterr()
    assert f'<status code="{code}" message="' in told.out
    assert mistake in told.out
    assert told.err == ""


def test_what_is_no_command_line_is_answered_in_words(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "-Z", "--output-as=xml") == 64
    told = capsys.readouterr()
    assert told.out == ""
    assert "unrecognized arguments: -Z" in told.err


def test_metadata_is_told_as_text_inside(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "--show-metadata", "ocf:heartbeat:IPaddr2", "--output-as=xml") == 0
    answer = xml.parse(capsys.readouterr().out).find("metadata")
    assert answer is not None
    assert '<resource-agent name="IPaddr2"' in answer.text

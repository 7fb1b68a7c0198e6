"""An agent run past the cluster: crm_resource --force-* and --validate."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.tools import crm_resource

AGENT = """#!/bin/sh
echo "$1 $OCF_RESKEY_ip $OCF_RESOURCE_INSTANCE" >> {log}
case $1 in
monitor) exit 7;;
promote) echo "what?" >&2; exit 3;;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agents' folder with an IPaddr2 of our own; what it was called with."""
    folder = tmp_path / "resource.d" / "heartbeat"
    folder.mkdir(parents=True)
    agent = folder / "IPaddr2"
    agent.write_text(AGENT.format(log=tmp_path / "log"), encoding="utf-8")
    agent.chmod(0o755)
    monkeypatch.setenv("OCF_ROOT", str(tmp_path))
    return tmp_path / "log"


def test_the_agent_is_run_with_its_parameters_and_its_result_is_told(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = FakeCluster()
    expected = {"check": (7, "not running"), "start": (0, "ok"), "promote": (3, "unimplemented")}
    for action, (code, text) in expected.items():
        assert crm_resource.main(["-r", "ClusterIP", f"--force-{action}"], door=cluster) == code
        out = capsys.readouterr()
        start = f"Operation force-{action} for ClusterIP (ocf:heartbeat:IPaddr2) returned {code}"
        assert out.out.startswith(f"{start} ({text}")
        assert ("what?" in out.err) is (action == "promote")
    called = log.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in called] == ["monitor", "start", "promote"]
    assert all(line.endswith("192.168.100.100 ClusterIP") for line in called)
    assert cluster.done == []


def test_a_level_and_other_parameters_may_be_given(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = log.parent / "resource.d" / "heartbeat" / "IPaddr2"
    agent.write_text(f'#!/bin/sh\necho "$OCF_CHECK_LEVEL $OCF_RESKEY_ip" >> {log}\n')
    cluster, check = FakeCluster(), ["-r", "ClusterIP", "--force-check=10"]
    assert crm_resource.main([*check, "ip=10.0.0.9"], door=cluster) == 0
    assert log.read_text() == "10 10.0.0.9\n"
    assert capsys.readouterr().out.startswith(
        "Overriding the cluster configuration for 'ClusterIP' with 'ip' = '10.0.0.9'\n"
    )
    assert crm_resource.main([*check, "ip=10.0.0.9", "--output-as=xml"], door=cluster) == 0
    assert '<override name="ip" value="10.0.0.9" rsc="ClusterIP"/>' in capsys.readouterr().out
    assert crm_resource.main(["-r", "ClusterIP", "--validate=much"], door=cluster) == 64


def test_what_cannot_be_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCF_ROOT", str(tmp_path))
    cluster = FakeCluster()
    assert crm_resource.main(["-r", "ClusterIP", "--force-check"], door=cluster) == 105
    assert crm_resource.main(["-r", "nothing", "--force-check"], door=cluster) == 105
    assert crm_resource.main(["--force-check"], door=cluster) == 64


def test_an_agent_is_run_for_one_resource(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    group = Element("group", {"id": "g"}, cluster.cib.section("resources").children)
    cluster.cib = cluster.cib.with_section("resources", Element("resources", {}, (group,)))
    assert crm_resource.main(["-r", "g", "--force-start"], door=cluster) == 3
    assert "name one of ClusterIP, WebSite" in capsys.readouterr().err


def test_the_set_with_the_higher_score_is_what_the_agent_gets(log: Path) -> None:
    cluster = FakeCluster()
    lower = """<instance_attributes id="lower" score="-1"><nvpair id="lower-ip" name="ip"
     value="10.0.0.1"/></instance_attributes><operations>"""
    cluster.cib = Cib.parse(cluster.cib.to_xml().replace("<operations>", lower))
    assert crm_resource.main(["-r", "ClusterIP", "--force-start"], door=cluster) == 0
    assert log.read_text(encoding="utf-8") == "start 192.168.100.100 ClusterIP\n"


def test_an_agent_can_be_called_without_a_resource(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--class", "ocf", "--provider", "heartbeat", "--agent", "IPaddr2"]

    def door() -> FakeCluster:
        raise ClusterUnreachable("no cluster runs here")

    assert crm_resource.main(["--validate", *named, "--option", "ip=10.0.0.9"], door=door) == 0
    assert capsys.readouterr().out == "Operation validate (ocf:heartbeat:IPaddr2) returned 0 (ok)\n"
    assert log.read_text(encoding="utf-8") == "validate-all 10.0.0.9 test\n"
    for words, code in (
        ([*named, "-r", "ClusterIP"], 64),
        (["--class", "ocf"], 64),
        ([*named[:-1], "Nope"], 64),
        ([*named, "--option", "ip"], 64),
        (["--class", "stonith", "--agent", "fence_x"], 3),
    ):
        assert crm_resource.main(["--validate", *words], door=door) == code


def test_an_option_is_given_besides_the_parameters(log: Path) -> None:
    words = ["-r", "ClusterIP", "--force-stop", "--option", "ip=10.0.0.9"]
    assert crm_resource.main(words, door=FakeCluster()) == 0
    assert log.read_text(encoding="utf-8") == "stop 10.0.0.9 ClusterIP\n"


def test_what_an_agent_did_as_xml(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    words = ["-r", "ClusterIP", "--output-as=xml"]
    assert crm_resource.main([*words, "--force-check"], door=cluster) == 7
    told = capsys.readouterr().out
    assert (
        '<resource-agent-action action="force-check" class="ocf" type="IPaddr2" rsc="ClusterIP"'
        ' provider="heartbeat">' in told
    )
    assert '<agent-status code="7" message="not running" execution_code="0" ' in told
    assert '<status code="7" message="Not running">' in told
    assert "<command" not in told
    assert crm_resource.main([*words, "--force-promote"], door=cluster) == 3
    assert '<output source="stderr">what?' in capsys.readouterr().out

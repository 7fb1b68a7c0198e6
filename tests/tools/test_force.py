"""An agent run past the cluster: crm_resource --force-* and --validate."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
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

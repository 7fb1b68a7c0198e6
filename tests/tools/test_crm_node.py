"""crm_node: what agents ask about members, and who is forgotten."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.tools import crm_node

Capture = pytest.CaptureFixture[str]


def test_the_node_knows_itself_and_its_partition(cluster: FakeCluster, capsys: Capture) -> None:
    for option in ("-n", "-i", "-p", "-q"):
        assert crm_node.main([option], door=cluster) == 0
    assert crm_node.main(["-N", "2"], door=cluster) == 0
    assert capsys.readouterr().out == ("pacemaker01\n1\npacemaker01 pacemaker02 \n1\npacemaker02\n")
    assert crm_node.main(["-N", "77"], door=cluster) == 68
    assert crm_node.main([], door=cluster) == 64


def test_of_several_questions_the_last_is_answered(cluster: FakeCluster, capsys: Capture) -> None:
    """An agent asks for its partition by ``crm_node -l -p``."""
    assert crm_node.main(["-l", "-p"], door=cluster) == 0
    assert crm_node.main(["-q", "-N", "2"], door=cluster) == 0
    assert capsys.readouterr().out == "pacemaker01 pacemaker02 \npacemaker02\n"


def test_an_agent_for_a_guest_node_is_told_its_name(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("OCF_RESKEY_CRM_meta_on_node", "guest1")
    assert crm_node.main(["-n"], door=cluster) == 0
    assert capsys.readouterr().out == "guest1\n"


def test_a_member_is_not_forgotten(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_node.main(["-R", "pacemaker02", "--force"], door=cluster) == 1
    assert "stop it first" in capsys.readouterr().err

"""crm_resource --restart: stopped, waited for, and started again as it was."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.errors import TimedOut
from crmsh_py.tools import crm_resource

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


def roles(cluster: FakeCluster) -> list[str | None]:
    """The target-role of ClusterIP, and what was done so far."""
    pair = cluster.cib.find_id("ClusterIP-meta_attributes-target-role")
    return [None if pair is None else pair.get("value"), *(str(d[0]) for d in cluster.done)]


def obey(cluster: FakeCluster, *, stops: bool = True, starts: bool = True) -> None:
    """ClusterIP's history says what is wanted of it by its target-role or a ban, if that works."""
    banned = cluster.cib.find_id("cli-ban-ClusterIP-on-pacemaker01") is not None
    unwanted = banned or roles(cluster)[0] is not None
    if stops if unwanted else starts:
        last, now = ("start", "stop") if unwanted else ("stop", "start")
        text = cluster.cib.to_xml().replace(f'operation="{last}"', f'operation="{now}"')
        cluster.cib = Cib.parse(text)


def test_a_restart_stops_it_waits_and_sets_back_what_was_there(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(**_: object) -> None:
        seen.append(roles(cluster)[0])
        obey(cluster)

    monkeypatch.setattr(cluster, "wait_idle", look)
    assert run(cluster, "--restart", "-r", "ClusterIP") == 0
    assert seen == ["Stopped", None]
    assert capsys.readouterr().out == (
        "Waiting for 1 resource to stop:\n * ClusterIP\n"
        "Waiting for 1 resource to start again:\n * ClusterIP\n"
    )


def test_what_does_not_stop_in_time_is_started_again(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(**_: object) -> None:
        raise TimedOut("it goes on and on")

    monkeypatch.setattr(cluster, "wait_idle", never)
    assert run(cluster, "--restart", "-r", "ClusterIP", "-T", "1s") == 124
    assert roles(cluster) == [None, "commit", "commit"]


def test_one_instance_is_kept_off_its_node_meanwhile(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(**_: object) -> None:
        seen.append(cluster.cib.find_id("cli-ban-ClusterIP-on-pacemaker01") is not None)
        obey(cluster)

    monkeypatch.setattr(cluster, "wait_idle", look)
    assert run(cluster, "--restart", "-r", "ClusterIP", "-N", "1") == 0
    assert seen == [True, False]


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("stops", "ClusterIP has not stopped on pacemaker01"),
        ("starts", "ClusterIP has stopped, and does not start again"),
    ],
)
def test_a_restart_that_the_cluster_gave_up_has_failed(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch, fails: str, told: str
) -> None:
    monkeypatch.setattr(cluster, "wait_idle", lambda **_: obey(cluster, **{fails: False}))
    assert run(cluster, "--restart", "-r", "ClusterIP") == 124
    assert told in capsys.readouterr().err
    assert roles(cluster)[0] is None


def test_what_does_not_run_is_not_restarted(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "--restart", "-r", "WebSite") == 105
    assert run(cluster, "--restart", "-r", "ClusterIP", "-N", "pacemaker02") == 105
    assert "ClusterIP is not running on pacemaker02" in capsys.readouterr().err
    assert cluster.done == []

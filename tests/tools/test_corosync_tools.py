"""corosync-cfgtool, -cmapctl and -quorumtool as commands: options and exit codes."""

from __future__ import annotations

import os
import sys

import pytest
from tools.fakes import FakeCluster

from crmsh_py.clusters.orders import DropDevice, ReopenLogs, ShutDown
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.tools import corosync_cfgtool, corosync_cmapctl, corosync_quorumtool
from crmsh_py.wire.control import CmapKey, ReenableRings, ReloadConf, SetExpectedVotes, SetVotes

Capture = pytest.CaptureFixture[str]


def test_cfgtool_takes_the_tutorials_options(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_cfgtool.main(["-s", "-a"], door=cluster) == 0
    both = capsys.readouterr().out
    assert corosync_cfgtool.main(["-s"], door=cluster) == 0
    assert capsys.readouterr().out == both
    assert both.startswith("Printing ring status.\nLocal node ID 1\n")
    assert corosync_cfgtool.main(["-a", "2"], door=cluster) == 0
    assert capsys.readouterr().out == "192.168.100.12\n"
    assert corosync_cfgtool.main(["-a", "9"], door=cluster) == 1
    assert corosync_cfgtool.main([], door=cluster) == 64


def test_cmapctl_lists_all_a_prefix_or_one_key(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_cmapctl.main([], door=cluster) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert corosync_cmapctl.main(["totem."], door=cluster) == 0
    assert corosync_cmapctl.main(["-g", "totem.token"], door=cluster) == 0
    assert capsys.readouterr().out == "totem.token (u32) = 3000\n" * 2
    assert corosync_cmapctl.main(["-g", "totem.tokem"], door=cluster) == 1
    assert "did you mean totem.token?" in capsys.readouterr().err


def test_cmapctl_tells_several_keys_or_their_values_alone(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert corosync_cmapctl.main(["-q", "-g", "totem.token"], door=cluster) == 0
    assert corosync_cmapctl.main(["-q", "quorum.", "nothing."], door=cluster) == 0
    assert capsys.readouterr().out == "3000\n3\n"
    assert corosync_cmapctl.main(["nothing."], door=cluster) == 1, "as Corosync's, without a word"
    assert corosync_cmapctl.main(["-g", "totem.token", "totem.x", "totem.y"], door=cluster) == 1
    told = capsys.readouterr()
    assert told.out == "totem.token (u32) = 3000\n"
    assert "totem.x" in told.err
    assert corosync_cmapctl.main(["-g"], door=cluster) == 64
    for words in (["-s", "totem.token", "u32", "5000"], ["-d", "totem.token"], ["-C", "all"]):
        assert corosync_cmapctl.main(words, door=cluster) == 1


def test_cmapctl_watches_keys_until_it_is_told_to_end(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [
        [CmapKey("runtime.members.1", "u32", "1")],
        [CmapKey("runtime.members.1", "u32", "2"), CmapKey("runtime.members.2", "u32", "1")],
        [CmapKey("runtime.members.1", "u32", "2")],
    ]
    reading, writing = os.pipe()
    os.write(writing, b"what?\nq\n")
    os.close(writing)
    monkeypatch.setattr(cluster, "cmap", lambda _prefix, *, map_name: looks.pop(0))
    with os.fdopen(reading) as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        assert corosync_cmapctl.main(["-T", "runtime."], door=cluster) == 0
    assert capsys.readouterr().out == (
        'Type "q" to finish\n'
        "modify> runtime.members.1 (u32) = 2\n"
        "create> runtime.members.2 (u32) = 1\n"
        "delete> runtime.members.2 (u32) = 1\n"
    )


def test_quorumtool_ends_with_2_without_quorum(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_quorumtool.main(["-l"], door=cluster) == 0
    assert corosync_quorumtool.main(["-s"], door=cluster) == 0
    cluster.quorate = False
    assert corosync_quorumtool.main([], door=cluster) == 2
    assert "Activity blocked" in capsys.readouterr().out
    assert corosync_quorumtool.main(["-l", "-i"], door=cluster) == 0
    assert "192.168.100.12\n" in capsys.readouterr().out


def test_cfgtool_tells_a_faulty_ring_as_corosync_2_does(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert corosync_cfgtool.main(["-s"], door=cluster) == 0
    assert capsys.readouterr().out.endswith(
        "RING ID 1\n"
        "        id      = 10.1.0.1\n"
        "        status  = Marking ringid 1 interface 10.1.0.1 FAULTY\n"
    )
    assert corosync_cfgtool.main(["-s", "-b"], door=cluster) == 1
    assert capsys.readouterr().out.count("FAULTY") == 1
    assert corosync_cfgtool.main(["-s", "-i", "192.168.100.11"], door=cluster) == 0
    assert "RING ID 1" not in capsys.readouterr().out
    assert corosync_cfgtool.main(["-s", "-i", "10.3.0.1"], door=cluster) == 1


def test_orders_reach_the_cluster(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_cfgtool.main(["-r"], door=cluster) == 0
    assert corosync_cfgtool.main(["-R"], door=cluster) == 0
    assert capsys.readouterr().out == (
        "Re-enabling all failed rings.\nReloading corosync.conf...\nDone\n"
    )
    assert corosync_quorumtool.main(["-e", "3"], door=cluster) == 0
    assert corosync_quorumtool.main(["-v", "2", "-n", "7"], door=cluster) == 0
    assert corosync_quorumtool.main(["-v", "0"], door=cluster) == 0
    assert cluster.done == [
        ("administer", ReenableRings()),
        ("administer", ReloadConf()),
        ("administer", SetExpectedVotes(votes=3)),
        ("administer", SetVotes(votes=2, node_id=7)),
        ("administer", SetVotes(votes=0)),
    ]


def test_orders_about_this_node(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_cfgtool.main(["-L"], door=cluster) == 0
    assert corosync_quorumtool.main(["-f"], door=cluster) == 0
    assert capsys.readouterr().out == "", "nothing is told of what has worked"
    assert corosync_cfgtool.main(["-H"], door=cluster) == 0
    assert corosync_cfgtool.main(["-H", "--force"], door=cluster) == 0
    assert capsys.readouterr().out == "Shutting down corosync\n" * 2
    orders = (ReopenLogs(), DropDevice(), ShutDown(), ShutDown(force=True))
    assert cluster.done == [("administer", order) for order in orders]


@pytest.mark.parametrize(
    "words", [["-e", "0"], ["-e", "x"], ["-v", "99999"], ["-v", "1", "-n", "-"]]
)
def test_numbers_that_cannot_be_reach_nobody(
    cluster: FakeCluster, capsys: Capture, words: list[str]
) -> None:
    assert corosync_quorumtool.main(words, door=cluster) == 1
    assert cluster.done == []
    assert "are possible" in capsys.readouterr().err


def test_quorumtool_orders_and_words_the_members(cluster: FakeCluster, capsys: Capture) -> None:
    assert corosync_quorumtool.main(["-l", "-H", "-o", "n", "-p"], door=cluster) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "    Nodeid      Votes    Qdevice Name",
        "0x00000001          1         NR pacemaker01 (local)",
        "0x00000002          1         NR pacemaker02",
    ]


def test_no_cluster_is_said_in_one_line(capsys: Capture) -> None:
    def door() -> FakeCluster:
        raise ClusterUnreachable("no cluster runs here")

    assert corosync_cfgtool.main(["-s"], door=door) == 102
    assert capsys.readouterr().err == "corosync-cfgtool: no cluster runs here\n"

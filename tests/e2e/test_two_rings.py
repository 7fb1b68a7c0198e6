"""Two networks between real nodes: cutting one changes nothing but its own status."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2e.harness import NODES, Lab, close_lab, give, make_lab

pytestmark = pytest.mark.e2e

CONF = """
totem {
    version: 2
    token: 1000
    token_coefficient: 0
    rrp_mode: passive
    rrp_problem_count_threshold: 3
    rrp_autorecovery_check_timeout: 60000
    interface {
        ringnumber: 0
        bindnetaddr: 192.168.100.0
        mcastaddr: 239.255.100.0
        mcastport: 5405
    }
    interface {
        ringnumber: 1
        bindnetaddr: 10.9.0.0
        mcastaddr: 239.255.101.0
        mcastport: 5405
    }
}
quorum {
    provider: corosync_votequorum
    expected_votes: 3
}
logging {
    to_stderr: no
}
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = make_lab("plain", f"r{os.getpid()}")
    yield lab
    close_lab(lab)


def status(lab: Lab, node: str) -> list[str]:
    """The statuses of both rings, as cfgtool words them."""
    text = lab.on(node, "corosync-cfgtool", "-s", check=False)
    return [line.split("= ")[1] for line in text.splitlines() if "status  =" in line]


def ring_id(lab: Lab, node: str) -> str:
    text = lab.on(node, "corosync-quorumtool", "-s")
    return next(line for line in text.splitlines() if line.startswith("Ring ID"))


def test_cutting_one_ring_changes_no_membership_and_r_enables_it_again(lab: Lab) -> None:
    config = lab.home / "corosync.conf"
    config.write_text(CONF)
    give(lab, config)
    lab.crm("lab", "create", "--config", str(config))
    lab.crm("lab", "start", "--corosync-only")
    quorate = "Total votes:      3"
    lab.wait(
        "three members", lambda: quorate in lab.on(NODES[0], "corosync-quorumtool", check=False)
    )
    assert status(lab, NODES[1]) == ["ring 0 active with no faults", "ring 1 active with no faults"]
    assert "inet 10.9.0.11/24" in lab.on(NODES[1], "ip", "addr", "show", "dev", "eth1")
    before = ring_id(lab, NODES[0])

    lab.crm("lab", "partition", "--ring", "1", NODES[1])
    faulty = "Marking ringid 1 interface 10.9.0.11 FAULTY"
    lab.wait("the cut is noticed", lambda: faulty in status(lab, NODES[1]))
    lab.wait("by the others too", lambda: "FAULTY" in str(status(lab, NODES[0])))
    assert ring_id(lab, NODES[0]) == before
    assert f"[TOTEM ] {faulty}" in lab.crm("lab", "log", NODES[1])
    words = ("crm", "lab", "exec", NODES[1], "--", "corosync-cfgtool", "-s", "-b")
    brief = lab.run(*words, check=False)
    assert brief.returncode == 1
    key = "runtime.totem.pg.mrp.rrp.1.faulty"
    assert f"{key} (u8) = 1" in lab.on(NODES[1], "corosync-cmapctl", "-g", key)
    assert "cut off on ring 1" in lab.crm("lab", "status")

    lab.crm("lab", "heal")
    assert "Re-enabling all failed rings." in lab.on(NODES[2], "corosync-cfgtool", "-r")
    lab.wait(
        "both rings work again",
        lambda: all("FAULTY" not in str(status(lab, node)) for node in NODES),
    )
    assert ring_id(lab, NODES[0]) == before

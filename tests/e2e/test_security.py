"""Encrypted datagrams between real nodes: another key stays outside, counted and told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.harness import NODES, Lab, close_lab, give, make_lab

pytestmark = pytest.mark.e2e

KEY = "/etc/corosync/authkey"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """As a plain user: what the network carries does not depend on who made it."""
    pytest.importorskip("cryptography")
    lab = make_lab("plain", f"s{os.getpid()}")
    yield lab
    close_lab(lab)


def members(lab: Lab, node: str) -> int:
    return lab.on(node, "corosync-quorumtool", "-l", check=False).count("pacemaker0")


def invalid(lab: Lab, node: str) -> int:
    name = "stats.udp.link0.rx_invalid"
    line = lab.on(node, "corosync-cmapctl", "-m", "stats", "-g", name)
    return int(line.split(" = ")[1])


def test_a_node_with_another_key_stays_outside_until_it_has_the_right_one(lab: Lab) -> None:
    config = lab.home / "corosync.conf"
    text = Path("examples/corosync.conf").read_text(encoding="utf-8")
    quick = text.replace("secauth: off", "secauth: on").replace("token: 3000", "token: 500")
    config.write_text(quick.replace("consensus: 3600", "consensus: 600"))
    give(lab, config)
    lab.crm("lab", "create", "--config", str(config))
    lab.crm("lab", "start", "--corosync-only")
    lab.wait("three members", lambda: members(lab, NODES[0]) == 3)
    assert "Datagrams are encrypted by aes256" in lab.crm("lab", "log", NODES[0])
    assert invalid(lab, NODES[0]) == 0

    lab.on(NODES[2], "cp", KEY, "/root/right")
    assert "Writing corosync key" in lab.on(NODES[2], "corosync-keygen")
    lab.crm("lab", "stop", NODES[2])
    lab.crm("lab", "start", "--corosync-only", NODES[2])
    lab.wait("what it says is rejected", lambda: invalid(lab, NODES[0]) > 0)
    assert (members(lab, NODES[0]), members(lab, NODES[2])) == (2, 1)
    assert "a wrong key, or damaged" in lab.crm("lab", "log", NODES[0])

    lab.on(NODES[2], "mv", "-f", "/root/right", KEY)
    lab.crm("lab", "stop", NODES[2])
    lab.crm("lab", "start", "--corosync-only", NODES[2])
    lab.wait("three members again", lambda: members(lab, NODES[0]) == 3)

    lab.on(NODES[2], "chmod", "644", KEY)
    lab.crm("lab", "stop", NODES[2])
    refused = lab.run("crm", "lab", "start", NODES[2], check=False)
    assert refused.returncode != 0
    assert "others may read the key" in refused.stderr + lab.crm("lab", "log", NODES[2])

"""A node more, a node less: the lab's record and its corosync.conf stay what can be loaded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from crmsh_py import corosync_conf
from crmsh_py.errors import ConfigError
from crmsh_py.lab import members
from crmsh_py.lab.client import Lab
from crmsh_py.lab.place import NODE_NEW, NODE_STORE

TWO_INTERFACES = """
totem {
    version: 2
    rrp_mode: passive
    interface {
        ringnumber: 0
        bindnetaddr: 192.168.100.0
        mcastaddr: 239.255.100.0
    }
    interface {
        ringnumber: 1
        bindnetaddr: 10.9.0.0
        mcastaddr: 239.255.101.0
    }
}
quorum {
    provider: corosync_votequorum
    expected_votes: 3
}
"""
TWO_ADDRESSES = """
totem {
    version: 2
    rrp_mode: passive
}
nodelist {
    node {
        ring0_addr: 192.168.100.10
        ring1_addr: 10.9.0.20
        name: a
        nodeid: 1
    }
    node {
        ring0_addr: 192.168.100.11
        ring1_addr: 10.9.0.12
        name: b
        nodeid: 2
    }
}
quorum {
    provider: corosync_votequorum
}
"""


def lab_of(home: Path, conf: str) -> Lab:
    environ = {"CRM_STATE_DIR": str(home / "s"), "CRM_RUNTIME_DIR": str(home / "r")}
    file = home / "corosync.conf"
    file.write_text(conf)
    made = Lab(environ=environ, lab="t")
    made.create(conf_file=str(file))
    return made


def test_a_node_more_is_on_both_networks(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, TWO_INTERFACES)
    node = members.add(lab, "c")
    assert (node.address, node.second) == ("192.168.100.13", "10.9.0.13")
    assert lab.place.load().node("c") == node
    assert "expected_votes: 4" in members.read_conf(lab)
    far = members.add(lab, "d", "192.168.100.200")
    assert (far.address, far.second) == ("192.168.100.200", "10.9.0.200")


def test_a_node_more_is_in_the_nodelist_with_both_addresses(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, TWO_ADDRESSES)
    node = members.add(lab, "c")
    assert (node.address, node.second) == ("192.168.100.12", "10.9.0.10"), "10.9.0.12 is b's"
    listed = corosync_conf.parse(members.read_conf(lab)).nodes
    assert [(n.name, n.address, n.second_address) for n in listed][-1] == (
        "c",
        "192.168.100.12",
        "10.9.0.10",
    )
    assert lab.place.load().node("c") == node


def test_a_node_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, TWO_ADDRESSES)
    before = members.read_conf(lab), lab.place.load()
    for address in ("192.168.100.11", "10.1.1.1", "nonsense"):
        with pytest.raises(ConfigError):
            members.add(lab, "c", address)
    with pytest.raises(ConfigError, match="has a node a already") as caught:
        members.add(lab, "a")
    assert "crm lab start a" in (caught.value.hint or "")
    assert (members.read_conf(lab), lab.place.load()) == before


# ---- disks ---------------------------------------------------------------------------------------


def had_run(lab: Lab, node: str) -> Path:
    """The store of a node that has run; in place of its mark."""
    disk = Path(lab.place.disk(node))
    (disk / NODE_NEW.lstrip("/")).unlink()
    store = disk / NODE_STORE.lstrip("/")
    store.write_text("what it knew")
    return store


def is_new(lab: Lab, node: str) -> bool:
    return Path(lab.place.disk(node) + NODE_NEW).exists()


def test_a_lab_begins_with_new_disks(tmp_path: Path) -> None:
    """Also where a destroy was broken off: else they would go on with another lab's cluster."""
    lab = lab_of(tmp_path, TWO_ADDRESSES)
    store = had_run(lab, "a")
    Path(lab.place.record).unlink()
    lab.create(conf_file=str(tmp_path / "corosync.conf"))
    assert not store.exists()
    assert is_new(lab, "a")
    assert is_new(lab, "b")


def test_a_node_that_is_added_has_an_empty_disk(tmp_path: Path) -> None:
    """Also where one of its name was removed, and that was broken off before its disk went."""
    lab = lab_of(tmp_path, TWO_ADDRESSES)
    members.add(lab, "c")
    store = Path(lab.place.disk("c") + NODE_STORE)
    store.parent.mkdir(parents=True)
    store.write_text("what it knew")
    made = lab.place.load()
    left = tuple(node for node in made.nodes if node.name != "c")
    Path(lab.place.record).write_text(dataclasses.replace(made, nodes=left).to_json())
    Path(lab.place.conf).write_text(TWO_ADDRESSES)
    members.add(lab, "c")
    assert not store.exists()
    assert not is_new(lab, "c"), "it comes to a cluster that there is"

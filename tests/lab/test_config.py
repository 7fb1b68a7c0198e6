"""A lab's record: which nodes, which addresses."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py import corosync_conf
from crmsh_py.errors import ConfigError
from crmsh_py.lab import design
from crmsh_py.lab.config import LabConfig

TUTORIAL = """
totem {
    version: 2
    interface {
        ringnumber: 0
        bindnetaddr: 192.168.100.0
        mcastaddr: 239.255.100.0
        mcastport: 5405
    }
}
quorum {
    provider: corosync_votequorum
    expected_votes: 3
}
"""
LISTED = """
totem {
    version: 2
}
nodelist {
    node {
        ring0_addr: 10.1.2.3
        name: db1
    }
    node {
        ring0_addr: 10.1.2.4
        name: db2
    }
}
"""


def made_from(text: str, **named: object) -> LabConfig:
    return design.from_corosync_conf("t", corosync_conf.parse(text), **named)  # type: ignore[arg-type]


def addresses(made: LabConfig) -> dict[str, str]:
    return {node.name: node.address for node in made.nodes}


def test_a_file_without_a_nodelist_means_the_tutorials_three_machines() -> None:
    made = made_from(TUTORIAL)
    assert addresses(made) == {
        "pacemaker01": "192.168.100.10",
        "pacemaker02": "192.168.100.11",
        "pacemaker03": "192.168.100.12",
    }
    assert (made.network, made.host) == ("192.168.100.0/24", "192.168.100.1")


def test_names_and_a_network_may_be_chosen_where_the_file_lists_no_nodes() -> None:
    assert addresses(made_from(TUTORIAL, names=["a", "b"])) == {
        "a": "192.168.100.10",
        "b": "192.168.100.11",
    }
    assert addresses(made_from(TUTORIAL, network="10.9.0.0/16"))["pacemaker01"] == "10.9.0.10"


def test_a_nodelist_is_taken_as_it_is() -> None:
    made = made_from(LISTED)
    assert addresses(made) == {"db1": "10.1.2.3", "db2": "10.1.2.4"}
    assert (made.network, made.host) == ("10.1.2.0/24", "10.1.2.1")
    with pytest.raises(ConfigError, match="nodelist"):
        made_from(LISTED, names=["x"])


def test_the_host_gives_way_to_a_node_that_has_its_address() -> None:
    made = made_from(LISTED.replace("10.1.2.3", "10.1.2.1"))
    assert made.host == "10.1.2.254"


def test_nodes_far_from_each_other_get_a_wider_network() -> None:
    made = made_from(LISTED.replace("10.1.2.4", "10.1.9.4"))
    assert ipaddress.ip_address("10.1.9.4") in ipaddress.ip_network(made.network)
    with pytest.raises(ConfigError, match="one network"):
        made_from(LISTED.replace("10.1.2.4", "192.168.0.4"))


def test_a_node_named_by_its_host_name_gets_an_address() -> None:
    text = LISTED.replace("ring0_addr: 10.1.2.4", "ring0_addr: db2\n nodeid: 7")
    assert addresses(made_from(text))["db2"] == "10.1.2.10"


@pytest.mark.parametrize(
    ("names", "network", "message"),
    [
        (["a", "a"], "192.168.100.0/24", "two nodes"),
        (["lab"], "192.168.100.0/24", "lab"),
        (["a/b"], "192.168.100.0/24", "no name"),
        (["a"], "192.168.100.0/31", "/31"),
        (["a"], "127.0.0.0/8", "cannot be the network"),
        (["a"], "nonsense", "no IPv4 network"),
        ([], "192.168.100.0/24", "at least one"),
        ([f"n{i}" for i in range(40)], "10.0.0.0/8", "more than"),
    ],
)
def test_what_cannot_be_is_refused(names: list[str], network: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        design.from_names("t", names, network)


def test_a_number_stands_for_so_many_nodes() -> None:
    made, text = design.design("t", "", ["5"], "", print)
    assert list(addresses(made)) == [f"pacemaker0{number}" for number in range(1, 6)]
    assert addresses(made)["pacemaker05"] == "192.168.100.14"
    assert addresses(made_from(text)) == addresses(made)


@pytest.mark.parametrize("count", ["0", "33", "9" * 5000])
def test_a_number_of_nodes_that_cannot_be_is_refused(count: str) -> None:
    with pytest.raises(ConfigError, match="1 to 32"):
        design.design("t", "", [count], "", print)


def test_a_record_that_somebody_changed_is_refused() -> None:
    good = design.from_names("t", ["a"]).to_json()
    for bad in ("", "[]", "{}", good.replace('"a"', '"../a"'), good.replace("100.10", "99.10")):
        with pytest.raises(ConfigError):
            LabConfig.from_json(bad)


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(1, 32),
    network=st.integers(0x0A000000, 0x0AFFFFFF),
    length=st.integers(8, 26),
)
def test_every_lab_is_written_and_read_again_the_same(
    count: int, network: int, length: int
) -> None:
    base = ipaddress.ip_network((network, length), strict=False)
    made = design.from_names("t", [f"n{i}" for i in range(count)], str(base))
    assert LabConfig.from_json(made.to_json()) == made
    everything = [made.host, *addresses(made).values()]
    assert len(set(everything)) == count + 1
    assert len({node.mac for node in made.nodes}) == count
    assert len({node.loopback for node in made.nodes}) == count
    assert all(ipaddress.ip_address(address) in base for address in everything)

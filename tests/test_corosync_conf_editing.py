"""A corosync.conf is changed as a text: one key or one node, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import editing
from crmsh_py.errors import ConfigError, NotFound

EXAMPLE = (Path(__file__).resolve().parent.parent / "examples/corosync.conf").read_text("utf-8")
LISTED = """\
# by hand
totem {
    version: 2
    token: 1000
    interface {
        ringnumber: 0
        bindnetaddr: 10.0.0.0
    }
}
nodelist {
    node {
        ring0_addr: 10.0.0.1
        name: alpha
        nodeid: 1
    }
    # the other one
    node {
        ring0_addr: 10.0.0.2
        name: beta
        nodeid: 2
    }
}
quorum {
    provider: corosync_votequorum
    expected_votes: 2
    two_node: 1
}
"""


def changed_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    before, after = old.splitlines(), new.splitlines()
    return [x for x in before if x not in after], [x for x in after if x not in before]


def test_one_line_changes_and_everything_else_stays() -> None:
    new = editing.with_value(EXAMPLE, "totem.token", "4000")
    assert changed_lines(EXAMPLE, new) == (["        token: 3000"], ["        token: 4000"])
    assert corosync_conf.parse(new).totem.token_ms == 4000


def test_a_new_key_stands_at_the_end_of_its_section() -> None:
    new = editing.with_value(LISTED, "totem.interface.mcastport", "5407")
    assert "        bindnetaddr: 10.0.0.0\n        mcastport: 5407\n    }\n" in new
    assert editing.value_of(new, "totem.interface.0.mcastport") == "5407"


def test_sections_are_counted_and_made() -> None:
    assert editing.value_of(LISTED, "nodelist.node.1.name") == "beta"
    new = editing.with_value(LISTED, "nodelist.node.1.quorum_votes", "2")
    assert editing.value_of(new, "nodelist.node.1.quorum_votes") == "2"
    assert editing.value_of(new, "nodelist.node.0.quorum_votes") is None
    logged = editing.with_value(LISTED, "logging.debug", "on")
    assert logged.endswith("\nlogging {\n    debug: on\n}\n")
    second = editing.with_value(LISTED, "totem.interface.1.ringnumber", "1")
    assert editing.value_of(second, "totem.interface.1.ringnumber") == "1"


@pytest.mark.parametrize("path", ["token", "totem.", ".token", "0.token", "nosuch.key"])
def test_a_path_that_names_nothing(path: str) -> None:
    with pytest.raises((ConfigError, NotFound)):
        editing.with_value(LISTED, path, "1")


@pytest.mark.parametrize("value", ["a\nb: c", "}", "{"])
def test_a_value_cannot_break_out_of_its_line(value: str) -> None:
    with pytest.raises(ConfigError):
        editing.with_value(LISTED, "totem.token", value)


def test_a_node_more_and_a_node_less() -> None:
    more = editing.with_node(LISTED, "10.0.0.3", "gamma")
    conf = corosync_conf.parse(more)
    assert [(n.name, n.address, n.node_id) for n in conf.nodes][2:] == [("gamma", "10.0.0.3", 3)]
    # Three nodes are not two: the votes follow, and two_node ends.
    assert (conf.quorum.expected_votes, conf.quorum.two_node) == (3, False)
    less = editing.without_node(more, "alpha")
    # Two again are as two were before.
    assert corosync_conf.parse(less).quorum.expected_votes == 2
    assert corosync_conf.parse(less).quorum.two_node is True
    assert [n.name for n in corosync_conf.parse(less).nodes] == ["beta", "gamma"]
    assert "# the other one" in less


def test_nodes_that_cannot_be_added_or_removed() -> None:
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1 already"):
        editing.with_node(LISTED, "10.0.0.1", "gamma")
    with pytest.raises(ConfigError, match="name alpha already"):
        editing.with_node(LISTED, "10.0.0.9", "alpha")
    with pytest.raises(NotFound, match="no node gamma"):
        editing.without_node(LISTED, "gamma")
    with pytest.raises(ConfigError, match="no nodelist"):
        editing.with_node(EXAMPLE, "10.0.0.1")


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(editing.paths(EXAMPLE)),
    value=st.text("abcdefghij0123456789.-_ ", min_size=1).map(str.strip).filter(bool),
)
def test_what_is_set_is_there_and_nothing_else_has_changed(path: str, value: str) -> None:
    new = editing.with_value(EXAMPLE, path, value)
    assert editing.value_of(new, path) == value
    others = [p for p in editing.paths(EXAMPLE) if p != path]
    assert [editing.value_of(new, p) for p in others] == [
        editing.value_of(EXAMPLE, p) for p in others
    ]
    assert editing.with_value(new, path, editing.value_of(EXAMPLE, path) or "") == EXAMPLE


def test_expected_votes_are_the_votes_of_the_nodes() -> None:
    heavy = LISTED.replace("name: alpha\n", "name: alpha\n        quorum_votes: 3\n")
    more = editing.with_node(heavy, "10.0.0.3", "gamma")
    assert editing.value_of(more, "quorum.expected_votes") == "5"
    assert editing.value_of(more, "quorum.two_node") == "0"
    assert editing.value_of(editing.without_node(more, "alpha"), "quorum.expected_votes") == "2"


@pytest.mark.parametrize("path", ["totem.#x", "totem.a b", "totem.ü", "totem.a:b", "to{.x", "#.x"])
def test_a_key_that_could_not_be_read_back_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="names no key"):
        editing.with_value(LISTED, path, "5")


def test_a_line_is_changed_where_it_is_however_odd_those_before_it() -> None:
    odd = LISTED.replace("    version: 2\n", "    version: 2\n    cluster_name: a\u2028b\x0bc\n")
    new = editing.with_value(odd, "totem.token", "4000")
    assert new == odd.replace("token: 1000", "token: 4000")


def test_two_node_is_for_two_nodes_with_a_vote_each() -> None:
    assert editing.value_of(editing.with_votes(LISTED, 2, nodes=1), "quorum.two_node") == "0"
    plain = LISTED.replace("    two_node: 1\n", "")
    assert editing.value_of(editing.with_votes(plain, 2, nodes=2), "quorum.two_node") is None

"""corosync.conf: what it says is meant, what is wrong has its line, what is unused warns once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.corosync_conf import (
    CorosyncConf,
    LabNode,
    lab_nodes,
    new_nodes,
    node_id_for,
    parse,
    render,
)
from crmsh_py.errors import ConfigError, CrmError, SyntaxProblem

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "corosync.conf"


@pytest.fixture(scope="module")
def tutorial() -> CorosyncConf:
    return parse(EXAMPLE.read_text(encoding="utf-8"), "examples/corosync.conf")


def totem(*lines: str) -> CorosyncConf:
    """A file with these lines in its totem section; the first of them is line 2."""
    return parse("\n".join(("totem {", *lines, "}")))


# ---- the tutorial's file ---------------------------------------------------------------------


def test_the_tutorials_totem_section_is_meant(tutorial: CorosyncConf) -> None:
    settings = tutorial.totem
    assert (settings.token_ms, settings.consensus_ms, settings.join_ms) == (3000, 3600, 60)
    assert settings.token_retransmits_before_loss_const == 10
    assert settings.max_messages == 20
    assert settings.clear_node_high_bit
    assert not settings.secauth
    assert settings.rrp_mode == "active"


def test_derived_timeouts_are_corosyncs(tutorial: CorosyncConf) -> None:
    """A real cluster with token 3650 and 4 losses showed retransmit 869 and hold 685."""
    assert (tutorial.totem.token_retransmit_ms, tutorial.totem.hold_ms) == (294, 225)
    real = totem("token: 3650")
    assert (real.totem.token_retransmit_ms, real.totem.hold_ms) == (869, 685)
    assert real.totem.consensus_ms == 4380


def test_the_tutorials_other_sections(tutorial: CorosyncConf) -> None:
    (interface,) = tutorial.interfaces
    assert (interface.bindnetaddr, interface.mcastaddr) == ("192.168.100.0", "239.255.100.0")
    assert interface.mcastport == 5405
    assert tutorial.quorum.provider == "corosync_votequorum"
    assert tutorial.expected_votes == 3
    assert tutorial.logging.timestamp == "on"
    assert tutorial.logging.to_stderr
    assert not tutorial.logging.debug


def test_every_key_of_the_tutorials_map_has_its_type(tutorial: CorosyncConf) -> None:
    keys = {key.name: (key.type, key.value) for key in tutorial.keys}
    assert keys["totem.token"] == ("u32", "3000")
    assert keys["totem.interface.0.mcastport"] == ("u16", "5405")
    assert keys["totem.interface.0.bindnetaddr"] == ("str", "192.168.100.0")
    assert keys["service.ver"] == ("str", "1")
    assert keys["quorum.expected_votes"] == ("u32", "3")
    assert keys["logging.logger_subsys.AMF.tags"] == (
        "str",
        "enter|leave|trace1|trace2|trace3|trace4|trace6",
    )
    assert "totem.interface.0.ringnumber" not in keys, "the number is in the names"
    assert [key.name for key in tutorial.keys] == sorted(keys)


def test_unused_keys_of_the_tutorial_warn_once_with_their_line(tutorial: CorosyncConf) -> None:
    rendered = [warning.render() for warning in tutorial.warnings]
    assert "examples/corosync.conf:19: totem.vsftype has no effect here" in rendered[0]
    assert sorted(text.split(": ")[1].split()[0] for text in rendered) == [
        "aisexec.group",
        "aisexec.user",
        "amf.mode",
        "logging.logger_subsys.AMF.tags",
        "service.name",
        "service.ver",
        "totem.threads",
        "totem.vsftype",
    ]


def test_a_repeated_unused_key_warns_once_and_the_last_value_counts() -> None:
    conf = totem("vsftype: none", "vsftype: ykd", "token: 2000", "token: 3000")
    assert len(conf.warnings) == 1
    assert conf.totem.token_ms == 3000
    assert {key.name: key.value for key in conf.keys}["totem.vsftype"] == "ykd"


def test_an_unused_key_close_to_a_used_one_asks() -> None:
    (warning,) = totem("tokken: 3000").warnings
    assert warning.hint is not None
    assert "token" in warning.hint


# ---- node ids --------------------------------------------------------------------------------


def test_node_ids_come_from_the_address_as_corosync_makes_them(tutorial: CorosyncConf) -> None:
    assert node_id_for("192.168.100.10", clear_high_bit=False) == 3232261130
    assert node_id_for("192.168.100.10", clear_high_bit=True) == 1084777482
    assert tutorial.node_id("192.168.100.11") == 1084777483


def test_an_address_that_is_none_makes_no_id() -> None:
    with pytest.raises(ConfigError, match="pacemaker01"):
        node_id_for("pacemaker01", clear_high_bit=True)


def test_a_nodelist_names_ids_votes_and_names() -> None:
    conf = parse(
        "nodelist {\n node {\n ring0_addr: 10.0.0.1\n name: a\n nodeid: 7\n quorum_votes: 2\n }\n"
        " node {\n ring0_addr: 10.0.0.2\n }\n}\n"
    )
    assert [(node.name, node.node_id, node.votes) for node in conf.nodes] == [
        ("a", 7, 2),
        ("", 167772162, 1),
    ]
    assert conf.node_id("10.0.0.1") == 7
    assert (conf.votes_of(7), conf.votes_of(167772162), conf.expected_votes) == (2, 1, 3)
    keys = {key.name: (key.type, key.value) for key in conf.keys}
    assert keys["nodelist.node.0.nodeid"] == ("u32", "7")
    assert keys["nodelist.node.1.ring0_addr"] == ("str", "10.0.0.2")


def test_token_coefficient_counts_nodes_above_two() -> None:
    """corosync.conf(5): token + (nodes - 2) * 650; 0 switches it off."""
    nodes = "".join(f"node {{\n ring0_addr: 10.0.0.{each}\n}}\n" for each in (1, 2, 3))
    with_default = parse(f"totem {{\ntoken: 3000\n}}\nnodelist {{\n{nodes}}}\n")
    assert with_default.totem.token_ms == 3650
    without = parse(f"totem {{\ntoken: 3000\ntoken_coefficient: 0\n}}\nnodelist {{\n{nodes}}}\n")
    assert without.totem.token_ms == 3000


def test_two_node_brings_wait_for_all_unless_told_not_to() -> None:
    both = parse("quorum {\ntwo_node: 1\nexpected_votes: 2\n}")
    assert both.quorum.wait_for_all
    one = parse("quorum {\ntwo_node: 1\nexpected_votes: 2\nwait_for_all: 0\n}")
    assert not one.quorum.wait_for_all


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        (("crypto_hash: sha256", "crypto_cipher: 3des"), 3, "3des is not offered"),
        (("crypto_cipher: aes256",), 2, "needs a crypto_hash"),
        (("secauth: on", "crypto_hash: none"), 3, "needs a crypto_hash"),
        (("keyfile: authkey",), 2, "keyfile must be a whole path"),
        (("key: short",), 2, "16 to 4096 bytes"),
        (("netmtu: 70000",), 2, "netmtu must be at most 65535"),
    ],
)
def test_protection_that_cannot_be_given_is_refused_by_its_line(
    lines: tuple[str, ...], line: int, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        totem(*lines)
    assert f"corosync.conf:{line}" in caught.value.format_message()
    assert words in caught.value.format_message()


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_a_weak_hash_is_replaced_by_a_strong_one_and_told(digest: str) -> None:
    (warning,) = totem("crypto_cipher: aes256", f"crypto_hash: {digest}").warnings
    assert "sha256 is used in its place" in warning.render()


def test_the_key_is_in_no_map_and_in_no_text() -> None:
    conf = totem("key: 0123456789abcdef")
    assert conf.totem.key == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(conf.keys) + repr(conf.totem)


def test_a_bad_key_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        totem("key: short-secret")
    assert "corosync.conf:2" in caught.value.format_message()
    assert "short-secret" not in caught.value.format_message()


def test_secauth_means_the_usual_cipher_and_hash() -> None:
    assert totem("secauth: on").totem.crypto_cipher == "aes256"
    assert totem("secauth: off").totem.crypto_cipher == "none"


# ---- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("token: soon", "totem.token must be a number, not 'soon'"),
        ("token: 3000 # ms", "a comment must stand on a line of its own"),
        ("token: 5", "token must be at least 30"),
        ("token: 99999999999", "totem.token must be at most 4294967295"),
        ("token: " + "9" * 5000, "must be a number"),
        ("version: 1", "totem.version must be 2"),
        ("clear_node_high_bit: maybe", "clear_node_high_bit must be yes or no"),
        ("transport: udpp", "did you mean udp"),
        ("crypto_cipher: rot13", "crypto_cipher must be one of none, aes256"),
        ("consensus: 40\njoin: 50", "consensus must not be less than join"),
        ("nodeid: 0", "nodeid 0 means nobody"),
        ("token_retransmit: 29", "token_retransmit must be at least 30"),
        ("hold: 13", "hold must be at least 14"),
        ("link_mode: foo", "link_mode must be one of passive, active, rr"),
        (f"{'k' * 249}: 1", "the name of a key has at most 254 characters"),
    ],
)
def test_a_bad_value_is_an_error_with_its_line(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        totem(line)
    text = caught.value.format_message()
    assert message in text
    assert "corosync.conf:2:" in text


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("totem {\ntoken: x\n}\nquorum {\nexpected_votes: y\n}\n")
    assert [each.line for each in caught.value.diagnostics] == [2, 5]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("bindnetaddr", "eth0", "bindnetaddr must be an address"),
        ("mcastaddr", "192.168.1.1", "is not a multicast address"),
        ("mcastport", "70000", "must be at most 65535"),
        ("mcastport", "0", "mcastport must be at least 1"),
    ],
)
def test_a_bad_interface(key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        totem("interface {", f"{key}: {value}", "}")
    assert message in caught.value.format_message()
    assert "corosync.conf:3:" in caught.value.format_message()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (("ring0_addr: 10.0.0.1", "ring0_addr: 10.0.0.1"), "same ring0_addr 10.0.0.1"),
        (
            ("ring0_addr: 10.0.0.1\nnodeid: 1", "ring0_addr: 10.0.0.2\nnodeid: 1"),
            "same nodeid 1",
        ),
        (("name: a",), "needs ring0_addr"),
        (("ring0_addr: host-a",), "give the node a nodeid"),
    ],
)
def test_a_bad_nodelist(nodes: tuple[str, ...], message: str) -> None:
    body = "".join(f"node {{\n{node}\n}}\n" for node in nodes)
    with pytest.raises(ConfigError) as caught:
        parse(f"nodelist {{\n{body}}}\n")
    assert message in caught.value.format_message()


def test_two_node_needs_two_votes() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("quorum {\nexpected_votes: 3\ntwo_node: 1\n}\n")
    assert "two_node needs expected_votes 2, not 3" in caught.value.format_message()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("totem {\n token: 1\n", 2, "closing brace of section 'totem' of line 1 is missing"),
        ("}\n", 1, "closes nothing"),
        ("totem {\n token 3000\n}\n", 2, "none that corosync.conf knows"),
        ("totem {\n : 3000\n}\n", 2, "a key must stand before the colon"),
        ("totem {\n cluster_name: a{\n}\n", 2, "there is a brace in the value"),
        ("totem {\n a b: 3\n}\n", 2, "“a b” cannot be a key"),
        ("totem {\n cluster_name: a\0b\n}\n", 2, "a zero byte cannot stand"),
        ("a {\nb {\nc {\nd {\ne {\n}\n}\n}\n}\n}\n", 5, "nested too deeply"),
    ],
)
def test_a_line_that_is_none_is_a_syntax_error_with_its_place(
    text: str, line: int, message: str
) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text)
    assert caught.value.diagnostic.line == line
    assert message in caught.value.format_message()


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["totem {", "interface {", "nodelist {", "node {", "quorum {", "logging {", "}"]
            ),
            st.sampled_from(
                ["logger_subsys {", "ring0_addr: 1.2.3.4", "token: 0", "nodeid: ²", "# x", "{"]
            ),
            st.builds(
                "{}: {}".format, st.sampled_from(["token", "votes", "ringnumber"]), st.text()
            ),
            st.builds("auto_tie_breaker_node: {}".format, st.text(max_size=5)),
            st.text(max_size=20),
        ),
        max_size=12,
    )
)
def test_any_text_is_read_or_refused_with_an_error_of_ours(lines: list[str]) -> None:
    try:
        parse("\n".join(lines))
    except CrmError as error:
        error.format_message()


# ---- labs ------------------------------------------------------------------------------------


def test_a_file_without_nodelist_means_the_tutorials_machines(tutorial: CorosyncConf) -> None:
    assert lab_nodes(tutorial) == (
        LabNode("pacemaker01", "192.168.100.10"),
        LabNode("pacemaker02", "192.168.100.11"),
        LabNode("pacemaker03", "192.168.100.12"),
    )


def test_a_nodelist_means_its_own_machines() -> None:
    conf = parse("nodelist {\nnode {\nring0_addr: 10.0.0.5\nname: a\n}\n}\n")
    assert lab_nodes(conf) == (LabNode("a", "10.0.0.5"),)


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "c"), tuple("abcdefgh")])
def test_a_rendered_file_is_read_back_without_a_warning(names: tuple[str, ...]) -> None:
    nodes = tuple(new_nodes(names, "10.9.8.0/24"))
    conf = parse(render(nodes, "10.9.8.0/24", token_ms=1500))
    assert conf.warnings == ()
    assert lab_nodes(conf) == nodes
    assert conf.totem.token_ms == 1500, "whatever the number of nodes"
    assert conf.expected_votes == len(names)
    assert conf.quorum.two_node == (len(names) == 2)


def test_a_network_must_have_room() -> None:
    with pytest.raises(ConfigError, match="too small"):
        list(new_nodes(["a", "b", "c"], "10.0.0.0/29"))
    with pytest.raises(ConfigError, match="not an IPv4 network"):
        list(new_nodes(["a"], "somewhere"))


@pytest.mark.parametrize("value", ["trace", "on"])
def test_debug_may_be_trace(value: str) -> None:
    subsystem = f"logger_subsys {{\n subsys: QUORUM\n debug: {value}\n }}"
    conf = parse(f"logging {{\n debug: {value}\n {subsystem}\n}}\n")
    assert conf.logging.debug
    assert conf.logging.debug_subsystems == ("QUORUM",)


def test_a_facility_is_one_that_syslog_has() -> None:
    assert parse("logging {\n syslog_facility: local7\n}\n").logging.syslog_facility == "local7"
    with pytest.raises(ConfigError) as caught:
        parse("logging {\n syslog_facility: local8\n}\n")
    assert "syslog_facility must be one of" in caught.value.format_message()


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\u2028", "\x85"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    conf = parse(f"totem {{\r\n cluster_name: a{separator}b\r\n}}\r\n")
    assert conf.totem.cluster_name == f"a{separator}b"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("join: 20", "Corosync takes a join of 30 and more"),
        (
            "token: 100",
            "Corosync takes a token of 30 * (token_retransmits_before_loss_const + 0.2)",
        ),
        ("token_retransmits_before_loss_const: 1000", "Corosync takes a token of 30 *"),
    ],
)
def test_times_that_work_here_and_not_in_corosync_are_taken_with_a_warning(
    line: str, message: str
) -> None:
    (warning,) = totem(line).warnings
    assert message in warning.render()


def test_a_secret_with_a_brace_is_refused_without_being_shown() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        totem("key: 0123456789abcdef{")
    assert "0123456789abcdef" not in caught.value.format_message()

"""What may come next, at any place of any line."""

from __future__ import annotations

import re
import time

import pytest

from crmsh_py.lang.expectation import Expectation, expect

LINES = [
    "configure primitive ClusterIP ocf:heartbeat:IPaddr2 params ip=192.168.100.100 op monitor "
    "interval=30s timeout=20s meta target-role=Started",
    "configure location l9 { a b ( c d ) } rule $role=Promoted 50: #uname eq n1 and defined x",
    "configure order o8 Mandatory: [ a b sequential=true ] ( c d ) e:promote symmetrical=false",
    "configure bundle b docker image=x network port-mapping port=80 storage primitive p meta a=b",
    "configure alert a /x attributes a=1 select attributes { x } to { y meta t=1 }",
    "configure role r description=x write meta:d:target-role read type:nvpair attr:name",
    "configure property cib-bootstrap-options: rule date spec years=2014 stonith-enabled=false",
    "configure load xml update file",
    "resource move WebSite pacemaker02 PT5M force",
    "resource failcount a set n1 3 monitor 10s",
    "lab exec n1 -- ip addr",
    "configure node 1: n1:remote utilization cpu=1",
    "configure primitive x Dummy params a=\"b c\" d='e f' g=h\\ i",
]


def test_a_command_is_expected_at_a_level() -> None:
    found = expect("")
    assert found.level == "root"
    assert {"configure", "resource", "status", "quit"} <= set(found.keywords)
    found = expect("resource mo")
    assert (found.level, found.prefix, found.start) == ("resource", "mo", 9)
    assert "move" in found.keywords
    assert "primitive" in expect("", "configure").keywords


@pytest.mark.parametrize(
    ("text", "kinds", "keywords"),
    [
        ("configure primitive p ", {"AGENT", "TEMPLATE_REF"}, set()),
        ("configure group g ", {"CHILD"}, set()),
        ("configure location l r ", {"SCORE", "LOCATION_ATTR"}, {"rule"}),
        ("configure location l r 100: ", {"NODE_NAME"}, set()),
        ("configure location l r rule #uname ", {"COMPARISON"}, set()),
        ("configure location l r rule date ", set(),
         {"in", "in_range", "spec", "date_spec", "lt", "gt"}),
        ("configure colocation c inf: ", {"MEMBER", "SET_OPTION"}, {"(", "[", "_rsc_set_"}),
        ("configure order o ", {"KIND", "SCORE", "MEMBER", "SET_OPTION"}, {"(", "[", "_rsc_set_"}),
        ("resource move r ", {"NODE_NAME", "LIFETIME"}, {"force", "--until-healthy"}),
        ("resource move r n1 ", {"LIFETIME"}, {"force", "--until-healthy"}),
        ("node standby ", {"NODE_NAME"}, {"--all", "reboot", "forever"}),
        ("ra info ", {"AGENT"}, set()),
        ("configure modgroup g ", set(), {"add", "remove"}),
        ("configure delete ", {"OBJECT"}, {"--force", "-f"}),
        ("lab create ", {"CONFIG_EQ", "NETWORK_EQ", "NODES_EQ", "REMOTE_EQ", "GUEST_EQ"},
         {"--config", "--nodes", "--network", "--remote", "--guest"}),
    ],
)  # fmt: skip
def test_kinds_and_keywords(text: str, kinds: set[str], keywords: set[str]) -> None:
    found = expect(text)
    assert set(found.kinds) == kinds
    assert set(found.keywords) == keywords


def test_the_place_in_an_element_is_described() -> None:
    found = expect(
        "configure primitive x ocf:heartbeat:IPaddr2 params ip=1 nic=e op monitor interval=1s time"
    )
    assert (found.rule, found.part, found.agent) == (
        "configure_primitive", "op", "ocf:heartbeat:IPaddr2",
    )  # fmt: skip
    assert (found.operation, found.used, found.prefix) == ("monitor", {"interval"}, "time")
    assert expect("configure primitive x Dummy params a=1 b").used == {"a"}
    assert expect("configure primitive x Dummy ").part == "params"
    assert expect("resource param web set ").subject == "web"


def test_after_an_equals_sign_a_value_is_asked_for() -> None:
    found = expect("configure property stonith-enabled=fal")
    assert (found.attribute, found.prefix) == ("stonith-enabled", "stonith-enabled=fal")
    assert expect('configure primitive x Dummy params state="/var/lo').attribute == "state"


def test_the_end_of_a_line_may_or_may_not_come() -> None:
    assert expect("configure primitive x Dummy ").can_end
    assert not expect("configure primitive x ").can_end


def test_nothing_is_expected_after_a_mistake() -> None:
    assert expect("nonsense here ") == Expectation(prefix="nonsense here ", start=0)


def test_an_open_quote_is_part_of_the_unfinished_word() -> None:
    found = expect('configure primitive x "open y ')
    assert (found.kinds, found.prefix) == (("TEMPLATE_REF", "AGENT"), "open y ")


@pytest.mark.parametrize("line", LINES)
def test_every_beginning_of_every_example_has_an_answer(line: str) -> None:
    for length in range(len(line) + 1):
        text = line[:length]
        found = expect(text)
        assert found.prefix == re.sub(r"[\"'\\]", "", text[found.start :])
        if not text or (
            text.endswith(" ") and text.count('"') % 2 == 0 and text.count("'") % 2 == 0
        ):
            assert found.kinds or found.keywords or found.can_end


def test_an_answer_takes_no_time() -> None:
    text = LINES[0]
    expect(text)
    started = time.process_time()
    for _ in range(50):
        expect(text)
    assert (time.process_time() - started) / 50 < 0.002 * 4  # this machine may be slow

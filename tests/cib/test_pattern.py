"""Patterns for names of resources: POSIX's classes, the leading !, and no time without end."""

from __future__ import annotations

import time

import pytest

from crmsh_py.cib.pattern import NamePattern
from crmsh_py.errors import ConfigError


@pytest.mark.parametrize(
    ("pattern", "name", "groups"),
    [
        ("web", "my-web-1", ("web",)),
        ("^web-([0-9]+)$", "web-12", ("web-12", "12")),
        ("^web-([0-9]+)$", "web-x", None),
        ("^(vip|ip)-?(a)?", "ip", ("ip", "ip", "")),
        ("[[:alpha:]]+", "p1", ("p",)),
        ("^[[:upper:]_]{2,}$", "p1", None),
        ("!^web", "web-1", None),
        ("!^web", "db", ()),
        ("(web|db)-(main|spare)-[0-9]{1,3}", "db-main-12", ("db-main-12", "db", "main")),
        ("[(?]", "a?", ("?",)),
        (".*mid.*dle.*", "a-mid-dle-b", ("a-mid-dle-b",)),
        (r"^a\(b[])]$", "a(b)", ("a(b)",)),
        ("([a-z]{3}-){2}", "abc-def-", ("abc-def-", "def-")),
    ],
)  # fmt: skip
def test_what_a_pattern_finds_in_a_name(
    pattern: str, name: str, groups: tuple[str, ...] | None
) -> None:
    assert NamePattern.read(pattern).find(name) == groups


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2", "*a", "!)"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    if pattern == "a{2":  # text, as in POSIX
        assert NamePattern.read(pattern).find("a{2") == ("a{2",)
        return
    with pytest.raises(ConfigError, match="is no regular expression"):
        NamePattern.read(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*$",
        "((a?){20}){20}$",
        "(a?){30}b",
        "(x(a*))+$",
        "a*a*a*a*a*a*a*$",
        "a?" * 25 + "a" * 25,
        "(a|a)" * 25 + "$",
        "([ab]|a)+?$",
        "(?=(a+)+$)",
    ],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError):
        NamePattern.read(pattern).find("a" * 60 + "X")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("pattern", ["^a*b?a*$", "a+.*b", ".*a.*b.*c$", "(aa|ab)(aa|ab)a*$"])
def test_the_most_that_is_allowed_is_quick(pattern: str) -> None:
    matched = NamePattern.read(pattern)
    began = time.process_time()
    matched.find("a" * 90 + "X")
    assert time.process_time() - began < 1

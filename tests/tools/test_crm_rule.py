"""crm_rule: whether rules that depend on the time are in effect."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_rule

Capture = pytest.CaptureFixture[str]


def rule(name: str, inside: str) -> str:
    start = f'<rsc_location id="l-{name}" rsc="WebSite"><rule id="{name}" score="1">'
    return f"{start}{inside}</rule></rsc_location>"


RULES = "".join(
    (
        rule("later", '<date_expression id="e1" operation="gt" start="2030-01-01"/>'),
        rule("once", '<date_expression id="e2" start="2020-01-01" end="2020-12-31"/>'),
        rule(
            "office",
            '<date_expression id="e3" operation="date_spec"><date_spec id="s" hours="9-16"/>'
            "</date_expression>",
        ),
        rule("here", '<expression id="e4" attribute="#uname" operation="eq" value="n"/>'),
        rule(
            "both",
            '<expression id="e5" attribute="#uname" operation="eq" value="n"/>'
            '<date_expression id="e6" operation="gt" start="2020-01-01"/>',
        ),
    )
)
TEXT = CIB.replace("</constraints>", f"{RULES}</constraints>")


@pytest.fixture
def timed(cluster: FakeCluster) -> FakeCluster:
    """A cluster with rules of every kind."""
    cluster.cib = Cib.parse(TEXT)
    return cluster


@pytest.mark.parametrize(
    ("name", "date", "code", "answer"),
    [
        ("later", "2029-06-01", 111, "Rule later has not yet taken effect"),
        ("later", "2030-06-01", 0, "Rule later is still in effect"),
        ("once", "2020-06-01", 0, "Rule once is still in effect"),
        ("once", "2021-01-01", 110, "Rule once is expired"),
        ("office", "2026-06-01T10:00:00", 0, "Rule office is still in effect"),
        ("office", "2026-06-01T20:00:00", 111, "Rule office has not yet taken effect"),
    ],
)
def test_a_rule_at_a_time(timed: FakeCluster, name: str, date: str, code: int, answer: str) -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        assert crm_rule.main(["-c", "-r", name, "-d", date], door=timed) == code
    assert shown.getvalue() == f"{answer}\n"


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("nothing", 105, "Rule not found"),
        ("WebSite", 105, "Rule not found"),
        ("here", 3, "Rule does not have a date expression"),
        ("both", 112, "it asks for more than the time"),
    ],
)
def test_what_time_does_not_decide(
    timed: FakeCluster, name: str, code: int, reason: str, capsys: Capture
) -> None:
    assert crm_rule.main(["--check", "--rule", name], door=timed) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"Could not determine whether rule {name} is in effect: {reason}\n"


def test_of_several_rules_the_last_decides_the_exit_code(
    timed: FakeCluster, capsys: Capture
) -> None:
    words = ["-c", "-d", "2021-06-01", "-r", "later", "-r", "nothing", "-r", "once"]
    assert crm_rule.main([*words, "--output-as=xml"], door=timed) == 110
    told = capsys.readouterr().out
    assert '<rule-check rule-id="later" rc="111"/>' in told
    assert '<rule-check rule-id="nothing" rc="105"/>' in told
    assert '<status code="110" message="Requested item has expired">' in told


def test_a_cib_may_be_given(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = ["-c", "-r", "once"]
    assert crm_rule.main([*check, "-X", TEXT], door=cluster) == 110
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert crm_rule.main([*check, "-X", "-"], door=cluster) == 110
    assert crm_rule.main(check, door=cluster) == 105


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-r", "once"], 64),
        (["-c"], 64),
        (["-c", "-r", "once", "-d", "soon"], 65),
        (["-c", "-r", "once", "-X", "<cib"], 65),
    ],
)
def test_what_cannot_be_asked(timed: FakeCluster, words: list[str], code: int) -> None:
    assert crm_rule.main(words, door=timed) == code

"""Rules pass, fail, or ask for what is not known; and they say when time changes that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext, Verdict, compare, evaluate, evaluate_all, find_problem
from crmsh_py.cib.xml import parse

PASSES, FAILS, UNKNOWN = Verdict.PASSES, Verdict.FAILS, Verdict.UNKNOWN
NODE = {"#uname": "n1", "pingd": "100", "load": "1.5", "empty": "", "release": "10.2.0"}
NOW = datetime(2026, 7, 28, 20, 0, tzinfo=UTC)


def rule(inside: str, *, op: str = "and") -> Element:
    return parse(f'<rule id="r" boolean-op="{op}">{inside}</rule>')


def expression(attribute: str, operation: str, value: str | None = None, more: str = "") -> str:
    given = "" if value is None else f'value="{value}"'
    return f'<expression id="e" attribute="{attribute}" operation="{operation}" {given} {more}/>'


def verdict(inside: str, *, op: str = "and", context: RuleContext | None = None) -> Verdict:
    context = context or RuleContext(now=NOW, node_attributes=NODE)
    return evaluate(rule(inside, op=op), context).verdict


@pytest.mark.parametrize(
    ("attribute", "operation", "value", "more", "expected"),
    [
        ("#uname", "eq", "n1", "", PASSES),
        ("#uname", "eq", "N1", "", PASSES),  # strings compare without regard to case
        ("#uname", "ne", "n1", "", FAILS),
        ("pingd", "defined", None, "", PASSES),
        ("nothing", "defined", None, "", FAILS),
        ("nothing", "not_defined", None, "", PASSES),
        ("empty", "defined", None, "", PASSES),
        ("pingd", "lt", "20", "", FAILS),  # as numbers; as strings it would pass
        ("pingd", "lt", "20", 'type="string"', PASSES),
        ("pingd", "gte", "100", "", PASSES),
        ("load", "lt", "1.25", "", FAILS),
        ("load", "gt", "1", "", PASSES),
        ("load", "lt", "2", 'type="integer"', PASSES),
        ("release", "gt", "9.9", 'type="version"', PASSES),
        ("release", "eq", "10.2", 'type="version"', PASSES),
        ("nothing", "lt", "5", "", FAILS),  # absent: neither less nor greater
        ("nothing", "ne", "5", "", PASSES),  # but certainly not equal
        ("nothing", "eq", "5", "", FAILS),
        ("pingd", "gt", "٣", 'type="integer"', FAILS),  # no number of ours: compared as strings
        ("#uname", "gt", "5", 'type="integer"', PASSES),  # no number: compared as strings
        ("#uname", "eq", "where", 'value-source="param"', PASSES),
        ("pingd", "lt", "limit", 'value-source="meta"', PASSES),
        ("#uname", "eq", "absent", 'value-source="param"', FAILS),
        ("#uname", "resembles", "n1", "", UNKNOWN),
        ("", "defined", None, "", UNKNOWN),
    ],
)
def test_node_attributes(
    attribute: str, operation: str, value: str | None, more: str, expected: Verdict
) -> None:
    context = RuleContext(
        now=NOW, node_attributes=NODE, parameters={"where": "n1"}, meta={"limit": "200"}
    )
    assert verdict(expression(attribute, operation, value, more), context=context) is expected


def test_groups_of_a_pattern_stand_in_the_name_of_an_attribute() -> None:
    context = RuleContext(node_attributes={"master-db": "1"}, submatches=("db-rsc", "db"))
    assert verdict(expression("master-%1", "defined"), context=context) is PASSES
    assert verdict(expression("master-%2", "defined"), context=context) is FAILS


@pytest.mark.parametrize(
    ("op", "parts", "expected"),
    [
        ("and", "TT", PASSES),
        ("and", "TF", FAILS),
        ("and", "TU", UNKNOWN),
        ("and", "FU", FAILS),
        ("or", "FT", PASSES),
        ("or", "FF", FAILS),
        ("or", "FU", UNKNOWN),
        ("or", "TU", PASSES),
    ],
)
def test_what_is_unknown_could_be_either(op: str, parts: str, expected: Verdict) -> None:
    texts = {
        "T": expression("#uname", "eq", "n1"),
        "F": expression("#uname", "eq", "n2"),
        "U": '<op_expression id="o" name="start"/>',
    }
    assert verdict("".join(texts[part] for part in parts), op=op) is expected


def test_without_a_node_nothing_is_known_of_it() -> None:
    assert verdict(expression("#uname", "eq", "n1"), context=RuleContext(now=NOW)) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected", "change"),
    [
        ('operation="gt" start="2026-07-28 19:00"', PASSES, None),
        ('operation="gt" start="2026-07-28 21:00"', FAILS, "2026-07-28T21:00:01+00:00"),
        ('operation="lt" end="2026-07-28 21:00"', PASSES, "2026-07-28T21:00:00+00:00"),
        ('operation="lt" end="2026-07-28 19:00"', FAILS, None),
        ('operation="in_range" start="2026-07-29" end="2026-07-30"', FAILS, "2026-07-29T00:00:00"),
        ('operation="in_range" start="2026-07-01" end="2026-07-30"', PASSES, "2026-07-30T00:00:01"),
        ('start="2026-07-01"', PASSES, None),
        ('operation="in_range" end="2026-07-28T20:00:00"', PASSES, "2026-07-28T20:00:01"),
        ('operation="in_range"', UNKNOWN, None),
        ('operation="gt" start="yesterday"', UNKNOWN, None),
    ],
)
def test_dates_say_when_the_answer_changes(
    text: str, expected: Verdict, change: str | None
) -> None:
    outcome = evaluate(rule(f'<date_expression id="d" {text}/>'), RuleContext(now=NOW))
    assert outcome.verdict is expected
    shown = outcome.next_change.isoformat() if outcome.next_change else None
    assert (shown or "").startswith(change or "")
    assert (shown is None) is (change is None)


def test_a_range_may_have_a_length() -> None:
    inside = (
        '<date_expression id="d" start="2026-07-28"><duration id="x" hours="21"/></date_expression>'
    )
    outcome = evaluate(rule(inside), RuleContext(now=NOW))
    assert outcome.passes
    assert outcome.next_change == datetime(2026, 7, 28, 21, 0, 1, tzinfo=UTC)


def test_a_date_specification_in_a_rule() -> None:
    spec = '<date_spec id="s" hours="9-16"/>'
    inside = f'<date_expression id="d" operation="date_spec">{spec}</date_expression>'
    outcome = evaluate(rule(inside), RuleContext(now=NOW))
    assert outcome.verdict is FAILS
    assert outcome.next_change == datetime(2026, 7, 29, 9, tzinfo=UTC)


def test_the_same_moment_on_another_clock_has_another_time_of_day() -> None:
    spec = '<date_spec id="s" hours="9-16"/>'
    inside = f'<date_expression id="d" operation="date_spec">{spec}</date_expression>'
    for hours, change in ((0, "29T09:00"), (14, "29T17:00")):
        there = NOW.astimezone(timezone(timedelta(hours=hours)))
        outcome = evaluate(rule(inside), RuleContext(now=there))
        assert outcome.next_change is not None
        assert change in outcome.next_change.isoformat()


def test_the_earliest_change_of_any_part_counts() -> None:
    inside = (
        '<date_expression id="d" operation="lt" end="2026-07-29"/>'
        '<rule id="i"><date_expression id="e" operation="lt" end="2026-07-28 22:00"/></rule>'
    )
    outcome = evaluate(rule(inside), RuleContext(now=NOW))
    assert outcome.next_change == datetime(2026, 7, 28, 22, tzinfo=UTC)


def test_agents_and_operations() -> None:
    context = RuleContext(
        agent_class="ocf",
        agent_provider="heartbeat",
        agent_type="IPaddr2",
        op_name="monitor",
        op_interval_ms=10_000,
    )
    for inside, expected in (
        ('<rsc_expression id="x" class="ocf" type="IPaddr2"/>', PASSES),
        ('<rsc_expression id="x" provider="pacemaker"/>', FAILS),
        ('<op_expression id="x" name="monitor"/>', PASSES),
        ('<op_expression id="x" name="monitor" interval="10s"/>', PASSES),
        ('<op_expression id="x" name="monitor" interval="20s"/>', FAILS),
        ('<op_expression id="x" name="start"/>', FAILS),
    ):
        assert verdict(inside, context=context) is expected


def test_a_rule_by_reference_is_resolved_and_loops_lead_nowhere() -> None:
    rules = {
        "other": rule(expression("#uname", "eq", "n1")),
        "loop": parse('<rule id-ref="loop"/>'),
    }
    context = RuleContext(node_attributes=NODE)
    assert evaluate(parse('<rule id-ref="other"/>'), context, find_id=rules.get).passes
    for name in ("loop", "absent"):
        outcome = evaluate(parse(f'<rule id-ref="{name}"/>'), context, find_id=rules.get)
        assert outcome.verdict is UNKNOWN


def test_a_rule_that_leads_back_to_itself_is_unknown_there() -> None:
    here = expression("#uname", "eq", "n1")
    rules = {"r1": rule(f'<rule id-ref="r2"/>{here}', op="or"), "r2": rule('<rule id-ref="r1"/>')}
    context = RuleContext(node_attributes=NODE)
    assert evaluate(rules["r1"], context, find_id=rules.get).passes  # by the other half
    assert evaluate(rules["r2"], context, find_id=rules.get).passes
    alone = {"r1": rule('<rule id-ref="r1"/>')}
    assert evaluate(alone["r1"], context, find_id=alone.get).verdict is UNKNOWN


def test_references_that_lead_to_a_rule_in_many_ways_cost_no_more_than_one() -> None:
    rules = {
        f"r{n}": rule(f'<rule id-ref="r{n + 1}"/><rule id-ref="r{n + 1}"/>') for n in range(60)
    }
    rules["r60"] = rule(expression("#uname", "eq", "n1"))
    assert evaluate(rules["r0"], RuleContext(node_attributes=NODE), find_id=rules.get).passes


def test_what_lies_deeper_than_any_document_is_unknown() -> None:
    rules = {f"r{n}": rule(f'<rule id-ref="r{n + 1}"/>') for n in range(5000)}
    outcome = evaluate(rules["r0"], RuleContext(node_attributes=NODE), find_id=rules.get)
    assert outcome.verdict is UNKNOWN


def test_all_rules_of_a_set_must_pass_and_none_is_fine() -> None:
    context = RuleContext(node_attributes=NODE)
    good, bad = (rule(expression("#uname", "eq", name)) for name in ("n1", "n2"))
    assert evaluate_all([], context).passes
    assert evaluate_all([good, good], context).passes
    assert not evaluate_all([good, bad], context).passes


@pytest.mark.parametrize(
    ("inside", "word"),
    [
        ("", "no expression"),
        ("<banana/>", "is no expression"),
        (expression("", "eq", "x"), "names no attribute"),
        (expression("a", "similar", "x"), "is no comparison"),
        (expression("a", "eq"), "with no value"),
        (expression("a", "eq", "1", 'type="colour"'), "is no type"),
        ('<date_expression id="d" operation="gt"/>', "a start that is not given"),
        ('<date_expression id="d" operation="lt" end="soon"/>', "is not a date"),
        ('<date_expression id="d" operation="date_spec"/>', "no date_spec"),
        ('<op_expression id="o" name="x" interval="banana"/>', "is not a length of time"),
        ('<rule id="i"/>', "no expression"),
    ],
)
def test_a_rule_that_can_never_be_evaluated_is_explained(inside: str, word: str) -> None:
    problem = find_problem(rule(inside))
    assert problem is not None
    assert word in problem
    assert evaluate(rule(inside), RuleContext(now=NOW, node_attributes=NODE)).verdict is UNKNOWN


def test_comparing_with_nothing() -> None:
    assert compare(None, None, "string") == 0
    assert compare(None, "a", "integer") == -1
    assert compare("a", None, "version") == 1
    assert compare("1.2.10", "1.2.9", "version") == 1

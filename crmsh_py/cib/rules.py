"""Rules: when does an attribute set or a location constraint count?

Input is a ``<rule>`` element and what is known at the place where it stands (``RuleContext``);
output is an ``Outcome``: whether it passes, and when a passing moment may change that. The facts
follow "Pacemaker Explained", chapter Rules.

Three values:
    PASSES, FAILS, and UNKNOWN, when the rule asks for what is not known at this place (an
    operation where there is none, a node where only defaults are looked at) or when it cannot be
    read. ``and`` and ``or`` treat UNKNOWN as "could be either"; in the end it counts as no.

Rules of comparison:
    Without a type, ``lt lte gt gte`` compare integers, or numbers where one side has a point;
    ``eq ne`` compare strings. Strings compare without regard to case. What is no number though it
    should be one compares as a string. An absent value is less than any other, equals an absent
    one, and makes ``lt lte gt gte`` fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from crmsh_py.cib.dates import DateSpec, add_duration, parse_datetime
from crmsh_py.cib.durations import Duration, parse_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import MAX_DEPTH
from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import field, frozen


class Verdict(Enum):
    """Whether a rule passes."""

    PASSES = "passes"
    FAILS = "fails"
    UNKNOWN = "unknown"


@frozen
class Outcome:
    """A verdict, and when it may change by the passing of time alone (None: never)."""

    verdict: Verdict
    next_change: datetime | None = None

    @property
    def passes(self) -> bool:
        """The plain answer."""
        return self.verdict is Verdict.PASSES


@frozen(kw_only=True)
class RuleContext:
    """What is known where a rule is evaluated; None means: not known at this place.

    ``node_attributes`` are those of a node with the built-in ones (``#uname`` …). ``parameters``
    and ``meta`` are the resource's. ``submatches`` are the groups of a location constraint's
    pattern, which ``%1`` … in an attribute's name stand for.
    """

    now: datetime | None = None
    node_attributes: Mapping[str, str] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    agent_class: str | None = None
    agent_provider: str | None = None
    agent_type: str | None = None
    op_name: str | None = None
    op_interval_ms: int = 0
    submatches: Sequence[str] = ()


FindId = Callable[[str], Element | None]

_UNKNOWN = Outcome(Verdict.UNKNOWN)
_SPEC_FIELDS = frozenset({"years", "months", "weeks", "days", "hours", "minutes", "seconds"})


def evaluate(rule: Element, context: RuleContext, *, find_id: FindId | None = None) -> Outcome:
    """The outcome of a ``<rule>``; one without any expression is not valid, hence UNKNOWN.

    ``find_id`` (of the document) resolves rules that are given by reference. A rule that leads
    back to itself is UNKNOWN there, and so is what lies deeper than any CIB is.
    """
    return _evaluate(rule, context, find_id, {}, 0)


def _evaluate(
    rule: Element,
    context: RuleContext,
    find_id: FindId | None,
    known: dict[int, Outcome],
    depth: int,
) -> Outcome:
    """``known`` is what rules, by their identity, have come to: references make many ways to one.

    What is under way counts as UNKNOWN.
    """
    resolved = _resolve(rule, find_id)
    if resolved is None or depth > MAX_DEPTH:
        return _UNKNOWN
    outcome = known.get(id(resolved))
    if outcome is not None:
        return outcome
    known[id(resolved)] = _UNKNOWN
    parts = [
        _evaluate(child, context, find_id, known, depth + 1)
        if child.tag == "rule"
        else _expression(child, context)
        for child in resolved.findall()
    ]
    if parts:
        any_of = resolved.get("boolean-op", "and").lower() == "or"
        known[id(resolved)] = _combine(parts, any_of=any_of)
    return known[id(resolved)]


def _resolve(rule: Element, find_id: FindId | None) -> Element | None:
    """The rule that is meant. A reference to a reference leads nowhere, and to no endless loop."""
    reference = rule.attrs.get("id-ref")
    if reference is None:
        return rule
    found = find_id(reference) if find_id else None
    return found if found is not None and "id-ref" not in found.attrs else None


def evaluate_all(
    rules: Iterable[Element], context: RuleContext, *, find_id: FindId | None = None
) -> Outcome:
    """The outcome of the rules of one attribute set, which must all pass; none always does."""
    outcomes = [evaluate(rule, context, find_id=find_id) for rule in rules]
    return _combine(outcomes, any_of=False) if outcomes else Outcome(Verdict.PASSES)


def find_problem(rule: Element) -> str | None:
    """What is wrong with a rule so that it can never be evaluated; None for a sound one."""
    children = rule.findall()
    if not children and not rule.get("id-ref"):
        return "it has no expression"
    for child in children:
        try:
            problem = find_problem(child) if child.tag == "rule" else _check(child)
        except ConfigError as error:
            problem = error.message
        if problem:
            return problem
    return None


def _combine(outcomes: list[Outcome], *, any_of: bool) -> Outcome:
    """Kleene's ``and`` (``or``); the earliest change of any part may change the whole."""
    deciding = Verdict.PASSES if any_of else Verdict.FAILS
    verdicts = {outcome.verdict for outcome in outcomes}
    if deciding in verdicts:
        verdict = deciding
    elif Verdict.UNKNOWN in verdicts:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.FAILS if any_of else Verdict.PASSES
    changes = [outcome.next_change for outcome in outcomes if outcome.next_change]
    return Outcome(verdict, min(changes, default=None))


def _expression(element: Element, context: RuleContext) -> Outcome:
    evaluate_one = _EXPRESSIONS.get(element.tag)
    if evaluate_one is None:
        return _UNKNOWN
    try:
        return evaluate_one(element, context)
    except ConfigError:
        return _UNKNOWN  # what is wrong with it is a finding of ``checks``


def _verdict(holds: bool) -> Outcome:
    return Outcome(Verdict.PASSES if holds else Verdict.FAILS)


# ---- node attributes ---------------------------------------------------------------------------

_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "eq": lambda c: c == 0,
    "ne": lambda c: c != 0,
    "lt": lambda c: c < 0,
    "lte": lambda c: c <= 0,
    "gt": lambda c: c > 0,
    "gte": lambda c: c >= 0,
}
_ORDERING = frozenset({"lt", "lte", "gt", "gte"})
_TYPES = frozenset({"string", "integer", "number", "version"})
_INTEGER = regex(r"\s*([+-]?[0-9]{1,18})")
_NUMBER = regex(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?)", re.IGNORECASE)


def _attribute(element: Element, context: RuleContext) -> Outcome:
    if problem := _check(element):
        raise ConfigError(problem)
    if context.node_attributes is None:
        return _UNKNOWN
    name = _fill_in(element.get("attribute"), context.submatches)
    actual = context.node_attributes.get(name)
    operation = element.get("operation")
    if operation in ("defined", "not_defined"):
        return _verdict((actual is not None) is (operation == "defined"))
    reference = element.attrs.get("value")
    source = element.get("value-source", "literal")
    if source != "literal" and reference is not None:
        reference = (context.parameters if source == "param" else context.meta).get(reference)
    if operation in _ORDERING and (actual is None or reference is None):
        return _verdict(False)
    order = compare(actual, reference, element.get("type") or _type(operation, actual, reference))
    return _verdict(_COMPARISONS[operation](order))


def _fill_in(name: str, submatches: Sequence[str]) -> str:
    """Put the groups of the pattern in the places of ``%0`` … ``%9``."""
    if not submatches:
        return name
    return re.sub(
        r"%([0-9])",
        lambda found: submatches[int(found[1])] if int(found[1]) < len(submatches) else "",
        name,
    )


def _type(operation: str, actual: str | None, reference: str | None) -> str:
    if operation not in _ORDERING:
        return "string"
    return "number" if "." in f"{actual}{reference}" else "integer"


def compare(first: str | None, second: str | None, kind: str) -> int:
    """-1, 0 or 1, as ``first`` is less than, equal to or greater than ``second``."""
    if first is None or second is None:
        return (first is not None) - (second is not None)
    if kind == "version":
        return _compare_versions(first, second)
    if kind in ("integer", "number"):
        pattern = _INTEGER if kind == "integer" else _NUMBER
        numbers = [pattern.match(text) for text in (first, second)]
        if numbers[0] and numbers[1]:
            left, right = (_number(found.group(1), kind) for found in numbers if found)
            return (left > right) - (left < right)
    left_text, right_text = first.lower(), second.lower()
    return (left_text > right_text) - (left_text < right_text)


def is_number(text: str, kind: str) -> bool:
    """Whether a value compares as the number (``integer``, ``number``) that it should be."""
    return (_INTEGER if kind == "integer" else _NUMBER).match(text) is not None


def _number(text: str, kind: str) -> float | int:
    return int(text) if kind == "integer" else float(text)


def _compare_versions(first: str, second: str) -> int:
    left, right = (
        [int(part or 0) for part in re.sub(r"[^0-9.].*", "", text)[:100].split(".")]
        for text in (first, second)
    )
    length = max(len(left), len(right))
    left += [0] * (length - len(left))
    right += [0] * (length - len(right))
    return (left > right) - (left < right)


# ---- time --------------------------------------------------------------------------------------


def _date(element: Element, context: RuleContext) -> Outcome:
    if problem := _check(element):
        raise ConfigError(problem)
    if context.now is None:
        return _UNKNOWN
    now = context.now if context.now.tzinfo else context.now.replace(tzinfo=UTC)
    operation = element.get("operation", "in_range")
    if operation == "date_spec":
        spec = _spec(element)
        verdict = Verdict.PASSES if spec.matches(now) else Verdict.FAILS
        return Outcome(verdict, spec.next_change(now))
    start, end = _bounds(element, now)
    second = timedelta(seconds=1)
    if operation == "gt":
        assert start is not None, "checked"
        return Outcome(Verdict.PASSES) if now > start else Outcome(Verdict.FAILS, start + second)
    if operation == "lt":
        assert end is not None, "checked"
        return Outcome(Verdict.PASSES, end) if now < end else Outcome(Verdict.FAILS)
    if start is not None and now < start:
        return Outcome(Verdict.FAILS, start)
    if end is not None and now > end:
        return Outcome(Verdict.FAILS)
    return Outcome(Verdict.PASSES, end + second if end is not None else None)


def _spec(element: Element) -> DateSpec:
    found = element.find("date_spec")
    if found is None:
        raise ConfigError("it compares with no date_spec")
    return DateSpec.parse(found.attrs)


def _bounds(element: Element, now: datetime) -> tuple[datetime | None, datetime | None]:
    zone = now.tzinfo
    start = parse_datetime(element.get("start"), zone) if element.get("start") else None
    end = parse_datetime(element.get("end"), zone) if element.get("end") else None
    lasting = element.find("duration")
    if end is None and start is not None and lasting is not None:
        end = add_duration(start, _duration(lasting))
    return start, end


def _duration(element: Element) -> Duration:
    numbers = {}
    for name, text in element.attrs.items():
        if name not in _SPEC_FIELDS:
            continue
        if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
            raise ConfigError(f"“{name}={text}” is no length of time")
        numbers[name] = int(text)
    return Duration(**numbers)


# ---- agents and operations ---------------------------------------------------------------------


def _agent(element: Element, context: RuleContext) -> Outcome:
    if context.agent_class is None and context.agent_type is None:
        return _UNKNOWN
    wanted = (element.get("class"), element.get("provider"), element.get("type"))
    present = (context.agent_class, context.agent_provider or "", context.agent_type)
    return _verdict(
        all(not want or want == have for want, have in zip(wanted, present, strict=True))
    )


def _operation(element: Element, context: RuleContext) -> Outcome:
    if context.op_name is None:
        return _UNKNOWN
    if element.get("name") != context.op_name:
        return _verdict(False)
    interval = element.attrs.get("interval")
    return _verdict(interval is None or parse_ms(interval) == context.op_interval_ms)


# ---- is it sound? ------------------------------------------------------------------------------


def _check(element: Element) -> str | None:
    """What is wrong with an expression. Raises ConfigError for values that cannot be read."""
    if element.tag == "expression":
        return _check_attribute(element)
    if element.tag == "date_expression":
        return _check_date(element)
    if element.tag == "op_expression":
        if not element.get("name"):
            return "its op_expression names no operation"
        parse_ms(element.get("interval", "0"))
    elif element.tag != "rsc_expression":
        return f"<{element.tag}> is no expression"
    return None


def _check_attribute(element: Element) -> str | None:
    operation = element.get("operation")
    if not element.get("attribute"):
        return "an expression names no attribute"
    if operation not in _COMPARISONS and operation not in ("defined", "not_defined"):
        return f"“{operation}” is no comparison"
    if element.get("type") and element.get("type") not in _TYPES:
        return f"“{element.get('type')}” is no type of values"
    if element.get("value-source", "literal") not in ("literal", "param", "meta"):
        return f"“{element.get('value-source')}” is no source of values"
    if operation in _COMPARISONS and "value" not in element.attrs:
        return f"it compares {element.get('attribute')} with no value"
    return None


def _check_date(element: Element) -> str | None:
    operation = element.get("operation", "in_range")
    start, end = _bounds(element, datetime(2000, 1, 1, tzinfo=UTC))
    if operation == "date_spec":
        _spec(element)
    elif operation == "gt" and start is None:
        return "a date must be after a start that is not given"
    elif operation == "lt" and end is None:
        return "a date must be before an end that is not given"
    elif operation == "in_range" and start is None and end is None:
        return "a range of dates has neither start nor end"
    elif operation not in ("gt", "lt", "in_range"):
        return f"“{operation}” is no comparison of dates"
    return None


_EXPRESSIONS: Mapping[str, Callable[[Element, RuleContext], Outcome]] = {
    "expression": _attribute,
    "date_expression": _date,
    "rsc_expression": _agent,
    "op_expression": _operation,
}

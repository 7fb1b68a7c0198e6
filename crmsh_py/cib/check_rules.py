"""What a sound rule says that can hardly be meant: it is told, and taken.

A field of a date that no moment has, a range that runs backwards, a built-in attribute whose ``#``
was forgotten, a number that is none: the rule is evaluated, but as something else than was meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from crmsh_py.cib.dates import DateSpec, parse_datetime
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, warning
from crmsh_py.cib.rules import is_number
from crmsh_py.errors import ConfigError, did_you_mean

# The attributes that every node has of itself.
BUILT_IN = ("#uname", "#id", "#kind", "#is_dc", "#cluster-name", "#site-name")
_FIELDS: Mapping[str, tuple[int, int]] = {
    "seconds": (0, 59),
    "minutes": (0, 59),
    "hours": (0, 23),
    "monthdays": (1, 31),
    "weekdays": (1, 7),
    "yeardays": (1, 366),
    "yearsdays": (1, 366),
    "months": (1, 12),
    "weeks": (1, 53),
}


def odd_rules(owner: str, rule: Element, cib: Cib) -> Iterator[Finding]:
    """What is odd in the expressions of a rule; not of the rules in it."""
    for element in rule.findall("expression", "date_expression"):
        if element.tag == "expression":
            yield from _attribute(owner, element, cib)
        else:
            yield from _range(owner, element)
            for spec in element.findall("date_spec"):
                yield from _spec(owner, spec)


def _attribute(owner: str, element: Element, cib: Cib) -> Iterator[Finding]:
    name, value = element.get("attribute"), element.get("value")
    near = f"#{name}" if f"#{name}" in BUILT_IN else ""
    if name.startswith("#") and name not in BUILT_IN:
        near = next((b for b in BUILT_IN if did_you_mean(name, (b,))), "")
    if near and name not in _attributes(cib):
        yield warning(
            owner,
            f"its rule asks for the attribute {name}, which no node has",
            hint=f"did you mean {near}?",
            word=name,
        )
    kind = element.get("type")
    if kind in ("integer", "number") and value and element.get("value-source", "literal") == (
        "literal"
    ) and not is_number(value, kind):  # fmt: skip
        what = "whole number" if kind == "integer" else "number"
        yield warning(
            owner, f"its rule: “{value}” is no {what}, it is compared as text", word=value
        )


def _attributes(cib: Cib) -> Collection[str]:
    """Names of what nodes have, for ever or until they restart."""
    places = (cib.section("nodes"), cib.status)
    return {
        pair.get("name")
        for place in places
        for node in place.findall("node", "node_state")
        for part in node.iter("instance_attributes")
        for pair in part.findall("nvpair")
    }


def _range(owner: str, element: Element) -> Iterator[Finding]:
    start, end = element.get("start"), element.get("end")
    if not start or not end or element.get("operation", "in_range") != "in_range":
        return
    try:
        backwards = parse_datetime(end) < parse_datetime(start)
    except ConfigError:
        return  # an error already
    if backwards:
        yield warning(
            owner,
            f"its rule never passes: the end {end} is before the start {start}",
            hint=f"start={end} end={start}",
            word=end,
        )


def _spec(owner: str, element: Element) -> Iterator[Finding]:
    try:
        spec = DateSpec.parse(element.attrs)
    except ConfigError:
        return
    for name, low, high in spec.ranges:
        text = f"{name}={element.get(name)}"
        least, most = _FIELDS.get(name, (0, 9999))
        if low is not None and high is not None and low > high:
            yield warning(
                owner,
                f"its rule never passes: {text} runs backwards",
                hint=f"two of them, joined by or: {name}={low}-{most}, {name}={least}-{high}",
                word=element.get(name),
            )
        elif (low is not None and low > most) or (high is not None and high < least):
            yield warning(
                owner,
                f"its rule never passes: {text}, but {name} go from {least} to {most}",
                word=element.get(name),
            )
        elif high is not None and high > most:
            yield warning(
                owner, f"its rule: {text}, but {name} go from {least} to {most}",
                word=element.get(name),
            )  # fmt: skip

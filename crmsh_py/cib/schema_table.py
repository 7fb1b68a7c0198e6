"""The grammar as a table: which attributes and children each element may have.

It is read from ``schema.rng`` itself, so the two cannot disagree. What depends on combinations
(either this or that) is lost here; ``schema`` has sentences for those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from crmsh_py.cib.element import Element
from crmsh_py.value import field, mutable

RNG = "http://relaxng.org/ns/structure/1.0"
_OPTIONAL = frozenset({"optional", "choice", "zeroOrMore"})
_DATA_WORDS = {
    "NCName": "an id (it begins with a letter or _, without blanks and colons)",
    "nonNegativeInteger": "a whole number from 0 on",
    "positiveInteger": "a whole number from 1 on",
}
_DATA_PATTERNS = {
    "NCName": r"[^\W\d][\w.-]*",
    "nonNegativeInteger": r"\s*\+?\d+\s*",
    "positiveInteger": r"\s*\+?0*[1-9]\d*\s*",
}
# The named patterns for values, as one calls them.
_PATTERN_WORDS = {
    "boolean": "true or false",
    "score": "a score",
    "role": "a role",
    "name": "a text",
}


@mutable
class AttributeRule:
    """What an attribute may be; any text where nothing is said."""

    values: set[str] = field(default_factory=set)
    patterns: list[str] = field(default_factory=list)
    words: str = ""
    free: bool = False

    def problem(self, value: str) -> str | None:
        """Why this cannot be its value, or None."""
        if self.free or value in self.values:
            return None
        if any(re.fullmatch(pattern, value) for pattern in self.patterns):
            return None
        if self.values:
            return f"“{value}” is not one of {', '.join(sorted(self.values))}"
        return f"“{value}” is not {self.words}"


@mutable
class ElementRule:
    """What an element may have; ``define`` is the name of the pattern that it comes from."""

    define: str
    attributes: dict[str, AttributeRule] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    children: set[str] = field(default_factory=set)
    anything: bool = False


def read_table(grammar: Element) -> dict[str, ElementRule]:
    """Read the grammar (as elements without a namespace)."""
    defines = {define.get("name"): define for define in grammar.findall("define")}
    return _Reader(defines).read()


class _Reader:
    def __init__(self, defines: Mapping[str, Element]) -> None:
        self._defines = defines
        self._rules: dict[str, ElementRule] = {}

    def read(self) -> dict[str, ElementRule]:
        for name, define in self._defines.items():
            for element in define.iter("element"):
                for tag in _tags(element):
                    rule = self._rules.setdefault(tag, ElementRule(name))
                    self._collect(element, rule, required=True)
        return self._rules

    def _collect(self, pattern: Element, rule: ElementRule, *, required: bool) -> None:
        for part in pattern.findall():
            if part.tag == "element":
                rule.children.update(_tags(part))
                rule.anything = rule.anything or part.find("anyName") is not None
            elif part.tag == "attribute":
                self._attribute(part, rule, required=required)
            elif part.tag == "ref":
                self._collect(self._defines[part.get("name")], rule, required=required)
            else:
                self._collect(part, rule, required=required and part.tag not in _OPTIONAL)

    def _attribute(self, part: Element, rule: ElementRule, *, required: bool) -> None:
        name = part.get("name")
        if not name:
            return
        allowed = rule.attributes.setdefault(name, AttributeRule())
        if required and name not in rule.required:
            rule.required.append(name)
        content = part.findall()
        if not content:
            allowed.free = True
        for inner in content:
            self._value(inner, allowed)

    def _value(self, pattern: Element, allowed: AttributeRule) -> None:
        if pattern.tag == "ref":
            name = pattern.get("name")
            for inner in self._defines[name].findall():
                self._value(inner, allowed)
            allowed.words = _PATTERN_WORDS.get(name, allowed.words)
        elif pattern.tag == "value":
            allowed.values.add(pattern.text)
        elif pattern.tag == "data":
            kind = pattern.get("type")
            given = next(
                (p.text for p in pattern.findall("param") if p.get("name") == "pattern"), ""
            )
            allowed.patterns.append(given or _DATA_PATTERNS.get(kind, ".+"))
            allowed.words = allowed.words or _DATA_WORDS.get(kind, "a text")
        else:
            for inner in pattern.findall():
                self._value(inner, allowed)


def _tags(element: Element) -> list[str]:
    if element.get("name"):
        return [element.get("name")]
    names = element.find("choice") or element
    return [name.text for name in names.findall("name")]

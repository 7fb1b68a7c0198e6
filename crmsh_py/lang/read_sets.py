"""What the ``read_`` modules share: what may be said, attribute sets and rules.

A reader makes an AST of an element or raises ``UnsayableError``: then the element is shown as XML.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Mapping, Sequence

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast, facts
from crmsh_py.regex import regex
from crmsh_py.value import Value, frozen

NAME = regex(r"[^\s\"'\\=:(){}\[\]@$#<>,/|]+")
PREFIX = regex(r"[\w-]+")  # an id that may stand before a colon
NODE_NAME = regex(r"[^\s\"'\\=:]+")
ATTRIBUTE_NAME = regex(r"[^\s\"'\\=@$(){}\[\]][^\s\"'\\=(){}\[\]]*")
_NUMBER = regex(r"[+-]?[0-9.]+")
SET_KINDS = {
    "instance_attributes": "params",
    "meta_attributes": "meta",
    "utilization": "utilization",
}
NODE_SETS = {"instance_attributes": "attributes", "utilization": "utilization"}
OP_SETS = {"instance_attributes": "op_params", "meta_attributes": "op_meta"}
GROUP_SETS = {"instance_attributes": "params", "meta_attributes": "meta"}
ALERT_SETS = {"instance_attributes": "attributes", "meta_attributes": "meta"}


@frozen
class Context(Value):
    """What an element cannot know of its document.

    ``references`` are the ids that something refers to by ``id-ref``: those of rules are kept.
    ``named`` are the ids of sets and attributes that must be said, because something refers to
    them and nobody would make just these ids again.
    ``new_roles`` says that the schema has the roles Promoted and Unpromoted; in an older one
    they would be changed on the way back, so they are not sayable.
    """

    references: Container[str] = frozenset()
    new_roles: bool = True
    named: Container[str] = frozenset()

    def check_role(self, role: str) -> str:
        """A role that this schema has."""
        if not self.new_roles and role in ("Promoted", "Unpromoted"):
            raise UnsayableError(role)
        return role


class UnsayableError(Exception):
    """The crm language has no words for this."""


def only(element: Element, attributes: Collection[str], children: Collection[str]) -> None:
    """Refuse what is neither of these."""
    for name in element.attrs:
        if name not in attributes:
            raise UnsayableError(name)
    for child in element.children:
        if child.tag not in children:
            raise UnsayableError(child.tag)
    if element.text.strip():
        raise UnsayableError(element.text)


def said(pattern: re.Pattern[str], text: str) -> str:
    """The text, if the language can say it."""
    if not pattern.fullmatch(text):
        raise UnsayableError(text)
    return text


def plain_name(text: str) -> str:
    """An id or another name that is one word and needs no quotes."""
    return said(NAME, text)


def line_value(text: str) -> str:
    """A value that fits into a line."""
    if "\n" in text or "\r" in text or "\t" in text:
        raise UnsayableError(text)
    return text


def some_value(text: str) -> str:
    """A value that fits into a line and is not empty."""
    if not text:
        raise UnsayableError("")
    return line_value(text)


def _nvpair(element: Element, context: Context) -> ast.Nvpair:
    only(element, ("id", "name", "value", "id-ref"), ())
    name = element.get("name")
    if name:
        said(ATTRIBUTE_NAME, name)
    if reference := element.get("id-ref"):
        if "value" in element.attrs:
            raise UnsayableError(reference)
        return ast.Nvpair(name, None, plain_name(reference), is_reference=True)
    if not name:
        raise UnsayableError("nvpair")
    value = element.attrs.get("value")
    if value is None and (":" in name or name.lower() in facts.SET_KEYWORDS):
        raise UnsayableError(name)
    if name == "target-role" and value:
        context.check_role(value)
    kept = element.id if element.id in context.named else ""
    if kept and value is None:
        raise UnsayableError(kept)
    said_value = None if value is None else line_value(value)
    return ast.Nvpair(name, said_value, said(NAME, kept) if kept else "")


def attribute_set(kind: str, element: Element, context: Context) -> ast.AttributeSet:
    """A set of attributes; rules are put before attributes."""
    only(element, ("id", "id-ref", "score"), ("nvpair", "rule"))
    if reference := element.get("id-ref"):
        if element.children or "score" in element.attrs:
            raise UnsayableError(reference)
        return ast.AttributeSet(kind, id_ref=plain_name(reference))
    items = items_of(element, context)
    rules = tuple(item for item in items if isinstance(item, ast.Rule))
    pairs = tuple(item for item in items if isinstance(item, ast.Nvpair))
    refuse_swallowed(rules, pairs)
    kept = plain_name(element.id) if element.id in context.named else ""
    return ast.AttributeSet(kind, rules + pairs, score_of(element, "score"), kept)


def items_of(element: Element, context: Context) -> tuple[ast.Nvpair | ast.Rule, ...]:
    """The attributes and rules of a set, in their order."""
    return tuple(
        _nvpair(child, context) if child.tag == "nvpair" else rule_of(child, context)
        for child in element.children
    )


def refuse_swallowed(rules: Sequence[ast.Rule], pairs: Sequence[ast.Nvpair]) -> None:
    """A date at the end of the rules would take a first attribute that is named like a field."""
    if rules and pairs and rules[-1].expressions:
        last = rules[-1].expressions[-1]
        taken = (*facts.DATE_FIELDS, "start", "end")
        if isinstance(last, ast.DateRange | ast.DateSpec) and pairs[0].name.lower() in taken:
            raise UnsayableError(pairs[0].name)


def score_of(element: Element, name: str) -> str:
    """A score in the form that the AST has; what would be read as something else is refused."""
    score = element.attrs.get(name)
    if score is None:
        return ""
    if not facts.is_score(score):
        raise UnsayableError(score)
    return score


def score_or_attribute(element: Element) -> str:
    """A score, or the name of the node attribute that holds it."""
    attribute = element.attrs.get("score-attribute")
    if attribute is None:
        return score_of(element, "score")
    word = facts.score_from_word(attribute)
    if "score" in element.attrs or word != attribute or facts.is_score(word):
        raise UnsayableError(attribute)
    return plain_name(attribute)


def rule_of(element: Element, context: Context) -> ast.Rule:
    """A rule of a set or of a location."""
    only(
        element,
        ("id", "id-ref", "score", "score-attribute", "role", "boolean-op"),
        ("expression", "date_expression"),
    )
    if reference := element.get("id-ref"):
        if element.children:
            raise UnsayableError(reference)
        return ast.Rule(id_ref=plain_name(reference))
    if not element.children:
        raise UnsayableError("rule")
    boolean = element.get("boolean-op", "and")
    if boolean not in ("and", "or"):
        raise UnsayableError(boolean)
    # A single expression is joined by nothing: an “or” would not survive.
    expressions = tuple(_expression(child) for child in element.children)
    if len(expressions) == 1 and boolean == "or":
        raise UnsayableError(boolean)
    score = score_or_attribute(element)
    score = "" if score == "INFINITY" else score
    kept = element.id if element.id in context.references else ""
    return ast.Rule(expressions, boolean, score, role_of(element, "role", context), kept)


def role_of(element: Element, name: str, context: Context) -> str:
    """The role in an attribute, '' where there is none."""
    role = element.get(name)
    if name in element.attrs and role not in facts.ROLES:
        raise UnsayableError(role)
    return context.check_role(role)


def _expression(element: Element) -> ast.Expression:
    if element.tag == "date_expression":
        return _date_expression(element)
    only(element, ("id", "attribute", "operation", "type", "value", "value-source"), ())
    attribute = line_value(element.get("attribute"))
    if not attribute:
        raise UnsayableError("attribute")
    operation = element.get("operation")
    if operation in ("defined", "not_defined"):
        if "value" in element.attrs or "type" in element.attrs:
            raise UnsayableError(operation)
        return ast.Defined(attribute, operation == "not_defined")
    kind, source = element.get("type"), element.get("value-source")
    if (
        operation not in ("lt", "gt", "lte", "gte", "eq", "ne")
        or kind not in ("", "string", "integer", "number", "version")
        or source not in ("", "literal", "param", "meta")
        or "value" not in element.attrs
        or attribute.lower() in ("date", "defined", "not_defined")
    ):
        raise UnsayableError(operation)
    value = line_value(element.get("value"))
    if not source and re.match(r"(literal|param|meta)\{.*\}$", value):
        raise UnsayableError(value)
    if kind == "string" and not _NUMBER.fullmatch(value):
        kind = ""  # what is no number is compared as a string anyway
    return ast.Comparison(attribute, operation, value, kind, source)


def _date_expression(element: Element) -> ast.Expression:
    only(element, ("id", "operation", "start", "end"), ("duration", "date_spec"))
    operation = element.get("operation", "in_range")
    start, end = line_value(element.get("start")), line_value(element.get("end"))
    inner = element.children[0] if len(element.children) == 1 else None
    if operation in ("lt", "gt"):
        value, other = (end, start) if operation == "lt" else (start, end)
        if not value or other or element.children:
            raise UnsayableError(operation)
        return ast.DateCompare(operation, value)
    if operation == "date_spec" and inner is not None and not (start or end):
        if inner.tag == "date_spec" and (fields := _date_fields(inner)):
            return ast.DateSpec(fields)
    elif operation == "in_range":
        duration = _date_fields(inner) if inner is not None and inner.tag == "duration" else ()
        given = [x for x in (start, end, duration) if x]
        if len(given) >= 2 and bool(duration) == bool(element.children) and (start or end):
            return ast.DateRange(start, end, duration)
    raise UnsayableError(operation)


def _date_fields(element: Element) -> tuple[ast.Nvpair, ...]:
    only(element, ("id", *facts.DATE_FIELDS), ())
    return tuple(ast.Nvpair(n, line_value(v)) for n, v in element.attrs.items() if n != "id")


def sets_of(
    element: Element, kinds: Mapping[str, str], context: Context
) -> tuple[ast.AttributeSet, ...]:
    """The attribute sets of an element; ``kinds`` are their words by tag."""
    return tuple(
        attribute_set(kinds[child.tag], child, context)
        for child in element.children
        if child.tag in kinds
    )


def described(element: Element) -> str:
    """The description, '' where there is none."""
    return line_value(element.get("description"))

"""Attribute sets and rules, from words to values."""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.lang import ast, facts
from crmsh_py.lang.build_words import (
    Children,
    MeaningError,
    after,
    all_of,
    before,
    given_id,
    id_ref,
    one_of,
    placed,
    score_of,
    word_of,
    words,
)
from crmsh_py.lang.words import Word


def nvpair(children: Children) -> ast.Nvpair:
    """One attribute, in any of its forms."""
    word = children[0]
    assert isinstance(word, Word)
    if word.kind == "NVPAIR":
        return ast.Nvpair(before(word, "="), after(word, "="))
    if word.kind == "NV_REF":
        reference = after(word, "@")
        nvid, colon, name = reference.partition(":")
        return ast.Nvpair(name if colon else "", None, placed(nvid, word), is_reference=True)
    if word.kind == "NV_ID":
        head, _, value = word.partition("=")
        nvid, _, name = head[1:].partition(":")
        return ast.Nvpair(name or nvid, value, placed(nvid, word))
    return ast.Nvpair(word)


def set_of(kind: str) -> Callable[[Children], ast.AttributeSet]:
    """A builder of attribute sets of one kind; rules are put before attributes."""

    def build(children: Children) -> ast.AttributeSet:
        rules: tuple[ast.Rule | ast.Nvpair, ...] = all_of(children, ast.Rule)
        items = rules + all_of(children, ast.Nvpair)
        found: Children = [child for child in children if isinstance(child, Word)]
        if len(found) <= (1 if kind else 0):  # nothing but the keyword, as nearly always
            return ast.AttributeSet(kind, items)
        return ast.AttributeSet(kind, items, score_of(found), given_id(found), id_ref(found))

    return build


def _rule(children: Children) -> ast.Rule:
    if reference := id_ref(children):
        return ast.Rule(id_ref=reference)
    role = word_of(children, "RULE_ROLE")
    booleans = [c for c in children if isinstance(c, Word) and c.kind in ("AND", "OR")]
    for boolean in booleans:
        if boolean.kind != booleans[0].kind:
            raise MeaningError(
                "one rule cannot mix “and” and “or”",
                boolean,
                "write two rules, or give the resource two locations",
            )
    expressions = tuple(
        c
        for c in children
        if isinstance(
            c, ast.Defined | ast.Comparison | ast.DateCompare | ast.DateRange | ast.DateSpec
        )
    )
    return ast.Rule(
        expressions,
        booleans[0].lower() if booleans else "and",
        "" if (score := score_of(children)) == "INFINITY" else score,
        one_of(after(role, "="), facts.ROLES, "a role") if role else "",
        given_id(children),
    )


def _defined(children: Children) -> ast.Defined:
    negated = bool(word_of(children, "NOT_DEFINED"))
    return ast.Defined(word_of(children, "ATTRIBUTE"), negated)


def _comparison(children: Children) -> ast.Comparison:
    operation = word_of(children, "COMPARISON").lower()
    kind, _, name = operation.rpartition(":")
    value = word_of(children, "VALUE")
    source, brace, inner = value.partition("{")
    if brace and source in ("literal", "param", "meta") and inner.endswith("}"):
        return ast.Comparison(word_of(children, "ATTRIBUTE"), name, inner[:-1], kind, source)
    return ast.Comparison(word_of(children, "ATTRIBUTE"), name, value, kind)


def _date_fields(children: Children) -> tuple[ast.Nvpair, ...]:
    return tuple(
        ast.Nvpair(before(word, "=").lower(), after(word, "="))
        for word in words(children, "DATE_FIELD")
    )


def _date_compare(children: Children) -> ast.DateCompare:
    return ast.DateCompare(word_of(children, "LT", "GT").lower(), word_of(children, "VALUE"))


def _date_range(children: Children) -> ast.DateRange:
    start, end = word_of(children, "DATE_START"), word_of(children, "DATE_END")
    duration = _date_fields(children)
    if not (start or end) or len([x for x in (start, end, duration) if x]) < 2:
        raise MeaningError(
            "a date range needs two of: start, end, a duration",
            word_of(children, "IN", "IN_RANGE"),
            "for example: date in start=2030-01-01 months=3",
        )
    return ast.DateRange(
        after(start, "=") if start else "",
        after(end, "=") if end else "",
        duration,
    )


def _date_spec(children: Children) -> ast.DateSpec:
    return ast.DateSpec(_date_fields(children))


def _boolean(children: Children) -> object:
    return children[0]


BUILDERS: dict[str, Callable[[Children], object]] = {
    "nvpair": nvpair,
    "bare_set": set_of(""),
    **{
        k: set_of(k)
        for k in ("params", "meta", "utilization", "attributes", "op_params", "op_meta")
    },
    "rule": _rule,
    "boolean": _boolean,
    "defined": _defined,
    "comparison": _comparison,
    "date_compare": _date_compare,
    "date_in": _date_range,
    "date_spec": _date_spec,
}

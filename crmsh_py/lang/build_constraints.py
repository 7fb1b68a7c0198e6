"""Constraints, from words to values: members, sets in brackets, scores and kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmsh_py.lang import ast, facts
from crmsh_py.lang.build_words import (
    Children,
    MeaningError,
    after,
    all_of,
    before,
    check_attribute_name,
    new_id,
    one_of,
    placed,
    score_of,
    word_of,
    words,
)
from crmsh_py.lang.words import Word
from crmsh_py.value import replace


class _Bracketed(tuple[Word, ...]):
    """The words of a set in brackets; ``bracket`` is the opening one."""

    bracket: str = "("


def _bracketed(bracket: str) -> Callable[[Children], _Bracketed]:
    def build(children: Children) -> _Bracketed:
        found = _Bracketed(words(children, "MEMBER", "SET_OPTION"))
        found.bracket = bracket
        return found

    return build


def _members(children: Children) -> tuple[object, ...]:
    return tuple(children)


def _member(word: Word, suffixes: Sequence[str], what: str) -> ast.Member:
    resource, colon, suffix = word.partition(":")
    if not colon:
        return ast.Member(word)
    place = after(word, ":")
    if not suffix.isdigit():
        suffix = one_of(place, suffixes, what)
    return ast.Member(word.part(resource), suffix)


def _sets_of(
    words: Sequence[Word], bracket: str, suffixes: Sequence[str], what: str
) -> list[ast.ResourceSet]:
    """The sets that one run of words makes: a change of the suffix begins a new one."""
    plain = (bracket == "", bracket != "[")  # sequential, require_all
    sets: list[ast.ResourceSet] = []
    options: dict[str, bool] = {}
    current: list[ast.Member] = []

    def close() -> None:
        if current:
            sequential = options.get("sequential", plain[0])
            require_all = options.get("require-all", plain[1])
            if "require-all" in options and not bracket and not require_all:
                sequential = options.get("sequential", plain[0])
            resources = tuple(member.resource for member in current)
            sets.append(ast.ResourceSet(resources, current[0].suffix, sequential, require_all))
            current.clear()
            options.clear()

    for word in words:
        if word.kind == "SET_OPTION":
            name, _, value = word.partition("=")
            if value.lower() not in facts.BOOLEANS:
                raise MeaningError(f"“{value}” is neither true nor false", word)
            options[name.lower()] = facts.BOOLEANS[value.lower()]
            continue
        member = _member(word, suffixes, what)
        if current and member.suffix != current[0].suffix:
            close()
        current.append(member)
    if not current and not sets:
        raise MeaningError("a set needs a resource", words[0])
    close()
    return sets


def _all_sets(
    parts: Sequence[object], suffixes: Sequence[str], what: str
) -> tuple[ast.ResourceSet, ...]:
    sets: list[ast.ResourceSet] = []
    run: list[Word] = []
    for part in (*parts, None):
        if isinstance(part, Word):
            if part.kind in ("MEMBER", "SET_OPTION"):
                run.append(part)
            continue
        if run:
            sets += _sets_of(run, "", suffixes, what)
            run = []
        if isinstance(part, _Bracketed):
            sets += _sets_of(part, part.bracket, suffixes, what)
    return tuple(sets)


def _constrained(
    children: Children, plain: int, suffixes: Sequence[str], what: str
) -> tuple[tuple[ast.Member, ...], tuple[ast.ResourceSet, ...]]:
    """Members or sets: ``plain`` bare members are no set."""
    parts = next(c for c in children if isinstance(c, tuple) and not isinstance(c, _Bracketed))
    words = [p for p in parts if isinstance(p, Word)]
    if len(words) == len(parts) == plain and all(w.kind == "MEMBER" for w in words):
        return tuple(_member(word, suffixes, what) for word in words), ()
    if plain == 2 and len(parts) == 1 and words:
        raise MeaningError(
            "this needs two resources, or a set", words[0], "name what it is related to as well"
        )
    return (), _all_sets(parts, suffixes, what)


def _location_attribute(word: str) -> str:
    name = word.part(word[1:], 1) if isinstance(word, Word) and word[0] == "$" else word
    check_attribute_name(name)
    if name in ("id", "rsc", "rsc-pattern", "score", "node"):
        raise MeaningError(f"“{name}=” cannot stand here", name, "a location says it by its place")
    return name


def _location(children: Children) -> ast.Location:
    attributes = [
        ast.Nvpair(_location_attribute(before(word, "=")), after(word, "="))
        for word in words(children, "LOCATION_ATTR")
    ]
    if role := word_of(children, "RULE_ROLE"):
        attributes.append(ast.Nvpair("role", after(role, "=")))
    attributes = [
        replace(a, value=one_of(a.value or "", facts.ROLES, "a role")) if a.name == "role" else a
        for a in attributes
    ]
    pattern = word_of(children, "PATTERN")
    sets: tuple[ast.ResourceSet, ...] = ()
    if word_of(children, "LBRACE"):
        parts = next(c for c in children if isinstance(c, tuple))
        sets = _all_sets(parts, facts.ROLES, "a role")
    return ast.Location(
        new_id(children),
        word_of(children, "RESOURCE"),
        pattern.part(pattern[1:-1], 1) if isinstance(pattern, Word) else "",
        sets,
        tuple(attributes),
        score_of(children),
        word_of(children, "NODE_NAME"),
        all_of(children, ast.Rule),
    )


def _colocation(children: Children) -> ast.Colocation:
    members, sets = _constrained(children, 2, facts.ROLES, "a role")
    attribute = word_of(children, "NODE_ATTRIBUTE")
    return ast.Colocation(
        new_id(children),
        score_of(children),
        members,
        sets,
        after(attribute, "=") if attribute else "",
    )


def _order(children: Children) -> ast.Order:
    members, sets = _constrained(children, 2, facts.ACTIONS, "an action")
    symmetrical = word_of(children, "SYMMETRICAL")
    kind = word_of(children, "KIND")
    if kind:
        kind = one_of(before(kind, ":"), facts.KINDS, "a kind of order")
    elif score := word_of(children, "SCORE"):
        kind = _kind_of_score(before(score, ":"))
    if symmetrical:
        symmetrical = after(symmetrical, "=")
        if symmetrical.lower() not in facts.BOOLEANS:
            raise MeaningError(f"“{symmetrical}” is neither true nor false", symmetrical)
        symmetrical = placed(symmetrical.lower(), symmetrical)
    return ast.Order(new_id(children), kind, members, sets, symmetrical)


def _kind_of_score(word: str) -> str:
    """An order that was written with a score: 0 is optional; a negative one makes no sense."""
    score = facts.score_from_word(word)
    if word.lower() == "advisory":
        score = "0"
    if not facts.is_score(score) or score.startswith("-"):
        raise MeaningError(
            f"“{word}:” is not a kind of order", word, f"one of: {', '.join(facts.KINDS)}"
        )
    return placed("Optional" if score.strip("+0") == "" else "Mandatory", word)


def _ticket(children: Children) -> ast.Ticket:
    members, sets = _constrained(children, 1, facts.ROLES, "a role")
    policy = word_of(children, "LOSS_POLICY")
    if policy:
        policy = one_of(after(policy, "="), facts.LOSS_POLICIES, "a loss policy")
    ticket = before(word_of(children, "TICKET"), ":")
    return ast.Ticket(new_id(children), ticket, members, sets, policy)


BUILDERS: dict[str, Callable[[Children], object]] = {
    "members": _members,
    "parallel_set": _bracketed("("),
    "any_set": _bracketed("["),
    "location": _location,
    "colocation": _colocation,
    "order": _order,
    "rsc_ticket": _ticket,
}

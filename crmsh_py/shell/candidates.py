"""Completion: what the grammar can take at the cursor, as candidates with a line about each.

``lang.expect`` says which kinds of words may come; the tables in ``shell.offers`` map a kind to
names. This module asks both, and finds what fits the unfinished word: beginnings first, then
words inside, then letters in order, as crmsh lets one abbreviate. Nothing here waits for a node:
names come from a snapshot, agents from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from crmsh_py.lang.expectation import Expectation, expect, rules
from crmsh_py.lang.glosses import GLOSSES, UNUSUAL
from crmsh_py.lang.labels import LABELS
from crmsh_py.shell.declarations import BY_RULE, LEVELS
from crmsh_py.shell.offers import of_kind
from crmsh_py.shell.sources import Candidate, Sources
from crmsh_py.value import frozen, replace

MOST = 250  # candidates that are shown; more than that nobody reads


@frozen
class Offer:
    """What completion offers at a place.

    Attributes:
        candidates: in a good order, at most ``MOST``.
        start: where the word begins that they replace.
        total: how many there are.
        labels: kinds that may stand here too and have no list (a new id, a value).
        can_end: whether the line may end here.
        expectation: what the grammar said.
    """

    candidates: tuple[Candidate, ...]
    start: int
    total: int
    labels: tuple[str, ...]
    can_end: bool
    expectation: Expectation


def offer(sources: Sources, text: str, level: str = "root") -> Offer:
    """What may stand at the end of ``text``, typed at a level."""
    expectation = expect(text, level)
    found = {c.text: c for c in reversed(_all(sources, expectation))}
    candidates = list(reversed(found.values()))
    fitting = matching(expectation.prefix, candidates)
    shown = fitting
    if len(fitting) > MOST:  # the last one too: what all begin with stays what all begin with
        last = max(fitting, key=lambda c: c.text)
        more = f"and {len(fitting) - MOST} more: type a letter or two"
        shown = [*fitting[: MOST - 1], replace(last, about=more)]
    return Offer(
        tuple(shown),
        expectation.start,
        len(fitting),
        tuple(dict.fromkeys(LABELS[kind] for kind in _worth_naming(expectation))),
        expectation.can_end and not expectation.prefix,
        expectation,
    )


def _all(sources: Sources, expectation: Expectation) -> list[Candidate]:
    kinds = sorted(expectation.kinds, key=lambda kind: kind in _LATE)
    if not _BY_NAME.isdisjoint(kinds):  # ``set NAME VALUE`` rather than ``set NAME=VALUE``
        kinds = [kind for kind in kinds if kind != "NVPAIR"]
    named = [c for kind in kinds for c in of_kind(kind, sources, expectation)]
    if expectation.last in _HEADS:  # what is required, then the parts, then everything else
        required = [c for c in named if c.required]
        return [*required, *_keywords(expectation), *(c for c in named if not c.required)]
    return [*named, *_keywords(expectation)]


# Names come before forms that are rare where names may stand.
_LATE = frozenset(
    {
        *("SCORE", "LIFETIME", "LOCATION_ATTR", "RULE_ROLE", "SET_OPTION", "NODE_ATTRIBUTE"),
        *("SYMMETRICAL", "LOSS_POLICY", "ATTRIBUTE_TARGET", "PATTERN_TARGET"),
    }
)
_BY_NAME = frozenset({"PARAM_NAME", "META_NAME", "ATTRIBUTE"})
_HEADS = frozenset({"AGENT", "TEMPLATE_REF", "NODE_UNAME"})


# ---- keywords ----------------------------------------------------------------------------------


def _keywords(expectation: Expectation) -> Iterable[Candidate]:
    """Commands and levels in the order of the declarations, other words in that of the glosses."""
    level = expectation.level
    if level:
        return _commands(level, expectation)
    prefix = expectation.prefix
    order = {word: number for number, word in enumerate(GLOSSES)}
    return [
        Candidate(word, GLOSSES.get(word, ""), fits=word not in UNUSUAL)
        for word in sorted(expectation.keywords, key=lambda word: order.get(word, len(order)))
        if word not in UNUSUAL or prefix
    ]


def _commands(level: str, expectation: Expectation) -> list[Candidate]:
    by_text = {terminal: rule for (place, terminal), rule in rules().items() if place == level}
    names = {
        _spelled(terminal): BY_RULE[f"cmd_{rule}"]
        for terminal, rule in by_text.items()
        if f"cmd_{rule}" in BY_RULE
    }
    order = {rule: number for number, rule in enumerate(BY_RULE)}
    commands: list[tuple[tuple[int, int], Candidate]] = []
    for word in expectation.keywords:
        declaration = names.get(word)
        if declaration is None:
            about = LEVELS.get(word, "")
            place = list(LEVELS).index(word) if word in LEVELS else len(LEVELS)
            commands.append(((0 if level == "root" else 1, place), Candidate(word, about)))
            continue
        alias = declaration.name.replace("-", "_") != word.replace("-", "_")
        about = f"the same as {declaration.name}" if alias else declaration.summary
        everywhere = declaration.level == "root" and level != "root"
        rank = (2 if everywhere else 0 if level != "root" else 1, order[declaration.rule])
        fits = not alias and word not in UNUSUAL
        commands.append((rank, Candidate(word, about, fits=fits)))
    return [candidate for _, candidate in sorted(commands, key=lambda pair: pair[0])]


def _spelled(terminal: str) -> str:
    from crmsh_py.lang.parser import automaton

    return automaton().tables.terminals[terminal].text


# ---- what fits the unfinished word ---------------------------------------------------------------


def matching(prefix: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that begin with the word; else those with a part that does; else those that have it
    inside; else those that have its letters in order. Of each kind what fits comes first, and
    what does not fit only where nothing does.
    """
    fitting = [c for c in candidates if c.fits]
    if not prefix:
        return fitting
    unfitting = [c for c in candidates if not c.fits]
    name, equals, value = prefix.lower().partition("=")
    start = len(name) + 1 if equals else 0  # of ``name=value`` only the value is unfinished
    for test in _TESTS:
        for group in (fitting, unfitting):
            found = [
                c
                for c in group
                if (text := c.text.lower())[:start] == prefix.lower()[:start]
                and test(value if equals else name, text[start:])
            ]
            if found:
                return found
    return []


def _begins_a_part(typed: str, text: str) -> bool:
    place = text.find(typed)
    while place > 0 and text[place - 1].isalnum():
        place = text.find(typed, place + 1)
    return place >= 0


def _in_order(typed: str, text: str) -> bool:
    letters = iter(text)
    return text[:1] == typed[:1] and all(letter in letters for letter in typed)


_TESTS: tuple[Callable[[str, str], bool], ...] = (
    lambda typed, text: text.startswith(typed),
    _begins_a_part,
    lambda typed, text: typed in text,
    _in_order,
)


def _worth_naming(expectation: Expectation) -> list[str]:
    """Kinds that tell a person what to type; forms with a sign of their own are left out."""
    rare = {"BARE_NAME", "NV_ID", "NV_REF", "DOLLAR_ID", "DOLLAR_IDREF", "ID_EQ", "DESCRIPTION",
            "ID_COLON", "RULE_ROLE", "SET_OPTION"}  # fmt: skip
    if expectation.part and "NVPAIR" in expectation.kinds:
        rare.add("SCORE")
    named = [kind for kind in expectation.kinds if kind not in rare]
    return named or list(expectation.kinds)

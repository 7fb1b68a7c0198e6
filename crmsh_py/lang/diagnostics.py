"""Mistakes in a line, told so that they can be mended: the place, what could stand there, a
near name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crmsh_py.errors import Diagnostic, SyntaxProblem, did_you_mean
from crmsh_py.lang.automaton import Run, StuckError
from crmsh_py.lang.labels import label
from crmsh_py.lang.other_words import event, instead
from crmsh_py.lang.tables import END, LEVELS
from crmsh_py.lang.words import LogicalLine, Span
from crmsh_py.regex import regex

_LEVELS = 4  # that are named
_WITHIN = {"assist": "configure ", "template": "configure "}  # levels inside of another one
_BEFORE_THE_SCORE = ("resource-discovery=", "role=")  # of a location
_BARE_SCORE = regex(r"[+-]?([0-9]+|inf(inity)?)|mandatory|advisory", re.IGNORECASE)
_MANY = 12  # more possibilities than this are cut short


def problem(
    message: str,
    line: LogicalLine,
    span: Span,
    origin: str | None = None,
    *,
    hint: str | None = None,
    expected: tuple[str, ...] = (),
) -> SyntaxProblem:
    """A finding at a span of a logical line, shown on the physical line where it begins."""
    number, source = line.line, line.text
    if line.pieces:
        number, source, span = line.place(span)
    return SyntaxProblem(
        Diagnostic(message, source, span, hint, expected, origin, number if origin else 0)
    )


def unclosed(start: int, line: LogicalLine, origin: str | None = None) -> SyntaxProblem:
    """A quote without an end."""
    sign = line.text[start]
    message = "nothing follows the backslash" if sign == "\\" else f"no closing {sign}"
    return problem(message, line, (start, start + 1), origin)


def unexpected(
    run: Run, stuck: StuckError, line: LogicalLine, origin: str | None = None
) -> SyntaxProblem:
    """A word that cannot stand where it stands, or a line that ends too soon."""
    terminals = run.automaton.tables.terminals
    keywords = [
        terminals[n].text for n in stuck.expected if n in terminals and terminals[n].is_keyword
    ]
    named = [label(n) for n in stuck.expected if n != END and not terminals[n].is_keyword]
    at_end = stuck.start == stuck.end
    level = run.level
    hint: str | None = None
    if not at_end:
        hint = event(stuck.text, keywords) or did_you_mean(stuck.text, keywords)
        if hint is None and "SCORE" in stuck.expected and _BARE_SCORE.fullmatch(stuck.text):
            hint = f"did you mean {stuck.text}: (a score ends in a colon)?"
        elif stuck.text.startswith(_BEFORE_THE_SCORE):
            hint = f"{stuck.text.partition('=')[0]}= stands behind the resource, before the score"
    if level is not None:
        message = (
            "a command is missing" if at_end
            else f"there is no command “{stuck.text}”"
            + (f" at the level {level}" if level != "root" else "")
        )  # fmt: skip
        elsewhere = None if at_end else _elsewhere(run, stuck.text, level)
        several = None if at_end else _several(stuck.text, keywords)
        known = None if at_end else instead(level, stuck.text)
        hint = _way_to(run, stuck.text) or several or known or elsewhere or hint
        hint = hint or "“help” lists the commands"
        return problem(message, line, (stuck.start, stuck.end), origin, hint=hint)
    if hint is None and "REVISION" in stuck.expected:
        hint = "crm configure revisions lists them"
    expected = (*dict.fromkeys(named), *keywords)
    if len(expected) > _MANY:
        expected = (*expected[:_MANY], "…")
    if END in stuck.expected and not at_end:
        expected = (*expected, "the end of the line")
    message = (
        "something is missing at the end of the line" if at_end
        else f"“{stuck.text}” cannot stand here"
    )  # fmt: skip
    return problem(message, line, (stuck.start, stuck.end), origin, hint=hint, expected=expected)


def _several(word: str, commands: Sequence[str]) -> str | None:
    """The commands that an abbreviation could be; None where it is none of several."""
    found = [name for name in commands if name.startswith(word.lower())]
    return f"it could be {', '.join(found)}" if 1 < len(found) <= _MANY else None


def _elsewhere(run: Run, word: str, level: str) -> str | None:
    """Which levels have a command that is called so; None for none."""
    name = word.lower()
    levels = [one for one in LEVELS[1:] if name in run.automaton.commands_of(one)]
    found = [f"{_WITHIN.get(owner, '')}{owner} {name}" for owner in levels]
    if not found:
        return None
    listed = ", ".join([*found[:_LEVELS], *(["…"] if len(found) > _LEVELS else [])])
    where = "" if level == "root" else "at the top level "
    return f"{where}it is typed with its level: {listed}"


def _way_to(run: Run, word: str) -> str | None:
    """How to get to the command of a level further up that has this name."""
    owner = run.owner_above(word)
    if owner is None:
        return None
    above = run.levels_above()
    steps = len(above) - above.index(owner)
    walked = run.words[-steps:]  # what was entered by this very line is only left out
    if len(walked) == steps:
        way = f"leave “{' '.join(walked)}” out"
    else:
        way = f"“{'up' if steps - len(walked) == 1 else 'cd /'}” leads there"
    return (
        f"{word} is a command of the {'top level' if owner == 'root' else f'level {owner}'}: {way}"
    )

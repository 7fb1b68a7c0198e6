"""Text in, values out: ``parse_command`` for what a person types, ``parse_elements`` for files.

Input: the text and the level that it was typed at. Output: ``ast.CommandCall`` or a list of
elements. Raises ``SyntaxProblem`` (one line) or ``ConfigError`` with all findings (a text).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from crmsh_py.errors import ConfigError, Diagnostic, SyntaxProblem
from crmsh_py.lang import ast
from crmsh_py.lang.automaton import Automaton, Builder, Run, StuckError, UnclosedError
from crmsh_py.lang.build import builders
from crmsh_py.lang.build_words import MeaningError
from crmsh_py.lang.tables import load_tables
from crmsh_py.lang.words import MOST_MISTAKES, LogicalLine, logical_lines, span_of
from crmsh_py.regex import regex
from crmsh_py.value import Value, frozen, replace

# Not after “--”: what stands there belongs to another program.
_ASKS_FOR_HELP = regex(r"(?<!\S)(?:--help|-h)\s*\Z")
MAX_LINE = 4 * 1024 * 1024  # characters; a longer line is no configuration


@frozen
class ParsedElement(Value):
    """An element of a text, with the comments above it and the line that it begins on."""

    element: ast.ElementNode
    line: LogicalLine


@lru_cache(maxsize=1)
def automaton() -> Automaton:
    """The automaton of the installed grammar."""
    return Automaton(load_tables())


@lru_cache(maxsize=1)
def _builders() -> Mapping[str, Builder]:
    return builders({production.name for production in automaton().tables.productions})


def parse_command(
    text: str | LogicalLine,
    level: str = "root",
    *,
    above: Sequence[str] = (),
    origin: str | None = None,
) -> ast.CommandCall:
    """One command (or element) typed at a level; it may go through levels first.

    ``above`` are the levels that the one where it is typed was entered through.

    ``--help`` (or ``-h``) at the end asks for the help of what stands before it.
    """
    line = _as_line(text)
    asked = _ASKS_FOR_HELP.search(line.text)
    if asked and " -- " not in line.text:
        return _help(line.text[: asked.start()], level)
    abbreviations: list[tuple[str, str]] = []
    found = _parse(line, f"{level}_line", origin, abbreviations, above)
    assert isinstance(found, ast.CommandCall)
    guessed = [(word, full) for word, full in abbreviations if not full.startswith(word.lower())]
    return replace(found, guessed=tuple(guessed)) if guessed else found


def _help(text: str, level: str) -> ast.CommandCall:
    """The call of ``help`` for the command that a text begins with."""
    run = Run(automaton(), f"{level}_line", text)
    topics = [] if level == "root" else [level]
    try:
        while run.level is not None and run.skip_blanks():
            topics.append(run.automaton.tables.terminals[run.read().kind].text)
    except (StuckError, UnclosedError):
        pass  # the help of as much as can be understood
    arguments = tuple(ast.Argument("TOPIC", topic) for topic in topics)
    return ast.CommandCall("root", "help", arguments, typed="help")


def parse_element(text: str | LogicalLine, *, origin: str | None = None) -> ast.ElementNode:
    """One element as ``configure show`` prints it."""
    return _parse(_as_line(text), "element_line", origin)  # type: ignore[return-value]


def parse_elements(text: str, *, origin: str | None = None) -> list[ParsedElement]:
    """All elements of a text. Mistakes are reported together, the first fifty of them."""
    found: list[ParsedElement] = []
    mistakes: list[Diagnostic] = []
    for line in logical_lines(text):
        try:
            found.append(ParsedElement(parse_element(line, origin=origin), line))
        except SyntaxProblem as problem:
            mistakes.append(problem.diagnostic)
            if len(mistakes) == MOST_MISTAKES:
                break
    if mistakes:
        raise ConfigError("the text has mistakes", diagnostics=mistakes)
    return found


def _as_line(text: str | LogicalLine) -> LogicalLine:
    if isinstance(text, LogicalLine):
        return text
    lines = list(logical_lines(text))
    if len(lines) == 1:
        return lines[0]
    joined = " ".join(line.text for line in lines) or text.strip()
    return LogicalLine(joined, 0, ())


def _parse(
    line: LogicalLine,
    start: str,
    origin: str | None,
    abbreviations: list[tuple[str, str]] | None = None,
    above: Sequence[str] = (),
) -> object:
    from crmsh_py.lang import diagnostics

    if len(line.text) > MAX_LINE:
        raise SyntaxProblem(Diagnostic("the line is too long", origin=origin, line=line.line))
    run = Run(automaton(), start, line.text, _builders(), above)
    try:
        run.read_all()
        if abbreviations is not None:
            abbreviations += run.abbreviations
        return run.finish()
    except StuckError as stuck:
        raise diagnostics.unexpected(run, stuck, line, origin) from None
    except UnclosedError as unclosed:
        raise diagnostics.unclosed(unclosed.start, line, origin) from None
    except MeaningError as mistake:
        span = span_of(mistake.word) or (0, len(line.text))
        raise diagnostics.problem(mistake.message, line, span, origin, hint=mistake.hint) from None

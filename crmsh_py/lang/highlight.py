"""Colours for the crm language: a Pygments lexer that runs the parser itself.

What is coloured as a keyword is one at that place. From the first word that cannot stand where
it stands the rest of a line is marked as an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    _TokenType,
)

from crmsh_py.lang.automaton import Automaton, Run, StuckError, UnclosedError
from crmsh_py.lang.parser import automaton
from crmsh_py.lang.tables import LEVELS
from crmsh_py.lang.words import Word

_Colored = tuple[int, _TokenType, str]
# What terminals mean to the eye; keywords and the rest are found by themselves.
_TYPES: dict[str, _TokenType] = {
    **dict.fromkeys(("SCORE", "KIND", "TICKET", "NUMBER", "COUNT", "REVISION", "INTERVAL"), Number),
    **dict.fromkeys(("NEW_ID", "NODE_UNAME", "TAG_NAME", "ID_COLON", "ID_EQ"), Name.Class),
    **dict.fromkeys(
        ("RESOURCE", "CHILD", "MEMBER", "OBJECT", "TAGGED", "DEVICES", "NODE_NAME", "ROLE_NAME",
         "MONITORED", "TEMPLATE_REF", "DOLLAR_IDREF", "NV_REF", "ACL_REFERENCE", "USER_ROLE",
         "FENCING_TARGET", "HOST_NAME"),
        Name.Variable,
    ),
    **dict.fromkeys(("AGENT", "AGENT_TYPE", "AGENT_CLASS", "AGENT_PROVIDER"), Name.Function),
    **dict.fromkeys(("LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE"), Punctuation),
    **dict.fromkeys(("AND", "OR", "COMPARISON", "DEFINED", "NOT_DEFINED"), Operator.Word),
    **dict.fromkeys(("PATTERN", "PATTERN_TARGET"), String.Regex),
    **dict.fromkeys(("VALUE", "XML_TEXT", "ALERT_PATH", "RECIPIENT"), String),
    **dict.fromkeys(("FILE_NAME", "TEST_FILE", "APPLY_TARGET"), String),
    **dict.fromkeys(
        ("BARE_NAME", "ATTRIBUTE", "META_NAME", "PARAM_NAME", "PROPERTY_NAME", "SET_PATH"),
        Name.Attribute,
    ),
}  # fmt: skip


class CrmLexer(Lexer):
    """Lexer for crm configurations and commands.

    The option ``level`` says at which level lines are typed; without it each line is taken for
    one of the configure level, or else of the root.
    """

    name = "crm shell"
    aliases: ClassVar[list[str]] = ["crmsh", "pcmk"]
    filenames: ClassVar[list[str]] = ["*.crmsh", "*.crm", "*.pcmk"]
    url = "https://clusterlabs.org"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        level = options.get("level")
        self._levels = (str(level),) if level in LEVELS else ("configure", "root")

    def get_tokens_unprocessed(self, text: str) -> Iterator[_Colored]:
        """Pieces of the text with their kinds; together they are the text."""
        joined = text.replace("\\\n", "  ")  # a continued line, with every place kept
        start = 0
        for line in joined.split("\n"):
            for place, kind, piece in self._line(line):
                begin = start + place
                yield begin, kind, text[begin : begin + len(piece)]
            start += len(line) + 1
            if start <= len(text):
                yield start - 1, Text, "\n"

    def _line(self, line: str) -> Iterator[_Colored]:
        if line.lstrip().startswith("#"):
            yield 0, Comment, line
            return
        run = self._run(automaton(), line)
        place = 0
        for word in run.words:
            if word.start > place:
                yield place, Text, line[place : word.start]
            yield from _word(run, word, line[word.start : word.end])
            place = word.end
        rest = line[place:]
        stripped = rest.lstrip()
        blank = len(rest) - len(stripped)
        if blank:
            yield place, Text, rest[:blank]
        if stripped:
            yield place + blank, Error, stripped

    def _run(self, machine: Automaton, line: str) -> Run:
        """The line read as far as it can be, at the level where most of it can."""
        best: Run | None = None
        for level in self._levels:
            run = Run(machine, f"{level}_line", line)
            try:
                run.read_all()
                return run
            except (StuckError, UnclosedError):
                if best is None or len(run.words) > len(best.words):
                    best = run
        assert best is not None
        return best


def _word(run: Run, word: Word, raw: str) -> Iterator[_Colored]:
    kind = word.kind
    name, equals, value = raw.partition("=")
    if kind not in _TYPES and equals and not name.startswith(("'", '"')):
        yield word.start, Name.Attribute, name
        yield word.start + len(name), Operator, "="
        if value:
            yield word.start + len(name) + 1, String, value
        return
    if kind in _TYPES:
        yield word.start, _TYPES[kind], raw
    elif run.automaton.tables.terminals[kind].is_keyword:
        yield word.start, Keyword, raw
    else:
        yield word.start, Name, raw

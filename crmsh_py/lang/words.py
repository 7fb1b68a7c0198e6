"""Words and lines: what the crm language has below its grammar.

A *logical line* is one or more lines of a text: a line that ends in backslashes goes on in the
next. Lines are stripped first and nothing is put between them, so ``foo \\`` + ``bar`` is
``foo bar`` while ``foo\\`` + ``bar`` is ``foobar``. A line that begins with ``#`` is a comment.

A *word* is what a POSIX shell would make of it: ``'…'`` is literal, ``"…"`` knows ``\\"`` and
``\\\\``, and outside quotes a backslash takes the next character as it is.

Facts from crmsh (its manual and its behaviour); used by the parser, the printer and the shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crmsh_py.regex import regex
from crmsh_py.value import Value, frozen

Span = tuple[int, int]
MOST_MISTAKES = 50  # that are told of one text

# One word as it is written. The second form also ends at brackets that stand outside quotes.
_QUOTED = r"""\\.|"(?:[^"\\]|\\.)*"|'[^']*'"""
WORD = regex(rf"""(?:[^\s"'\\]+|{_QUOTED})+""", re.DOTALL)
SET_WORD = regex(rf"""(?:[^\s"'\\()\[\]{{}}]+|{_QUOTED})+""", re.DOTALL)
_PIECE = regex(r"""\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^"'\\]+)""", re.DOTALL)
_ESCAPED = regex(r'\\(["\\])')
_SPECIAL = regex(r"""["'\\]""")
_BARE_VALUE = regex(r"[\w.-]+")
_NEEDS_NO_QUOTES = regex(r"""[^\s"'\\(){}\[\]#]+""")
# Brackets, or a word that needs no quotes with brackets that touch it.
BRACKETED = regex(r"""(?!\Z)[(\[{]*[^\s"'\\(){}\[\]#]*[)\]}]*""")


class Word(str):
    """A word of a line without its quotes: a string that knows its kind and its place.

    ``kind`` is the terminal of the grammar that it was taken for; ``start`` and ``end`` are
    offsets in the logical line. All strings in an AST that was parsed are of this type; those
    of an AST made from XML are plain strings.
    """

    __slots__ = ("end", "kind", "start")
    kind: str
    start: int
    end: int

    def __new__(cls, text: str, kind: str, start: int, end: int) -> Word:
        """``text`` is the word without quotes."""
        word = str.__new__(cls, text)  # super() would take a quarter of the time
        word.kind = kind
        word.start = start
        word.end = end
        return word

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.start, self.end

    def part(self, text: str, start: int = 0) -> Word:
        """A piece of this word as a word; ``start`` counts in the unquoted text.

        Where the word is quoted, the place is the whole word.
        """
        if self.end - self.start != len(self):
            return Word(text, self.kind, self.start, self.end)
        begin = self.start + start
        return Word(text, self.kind, begin, begin + len(text))


def span_of(text: str) -> Span | None:
    """Where a string of an AST was written, if it was parsed."""
    return text.span if isinstance(text, Word) else None


def unquote(raw: str) -> str:
    """A word without its quotes, by POSIX shell rules. ``raw`` is complete (quotes closed)."""
    if not _SPECIAL.search(raw):
        return raw
    parts = []
    for match in _PIECE.finditer(raw):
        escaped, double, single, plain = match.groups()
        if double is not None:
            parts.append(_ESCAPED.sub(r"\1", double))
        else:
            parts.append(next(piece for piece in (escaped, single, plain) if piece is not None))
    return "".join(parts)


def quote_value(value: str) -> str:
    """An attribute's value as the printer writes it: bare when simple, else in double quotes.

    crmsh leaves backslashes as they are, which loses some; here they are doubled where the
    reader would drop them.
    """
    if _BARE_VALUE.fullmatch(value):
        return value
    escaped = re.sub(r'\\(?=["\\]|$)', r"\\\\", value).replace('"', '\\"')
    return f'"{escaped}"'


def quote_word(word: str) -> str:
    """Any string as one word of a line, so that ``unquote`` gives it back.

    ``name=value`` keeps its look: only the value is quoted.
    """
    if _NEEDS_NO_QUOTES.fullmatch(word):
        return word
    name, equals, value = word.partition("=")
    if equals and _BARE_VALUE.fullmatch(name):
        return f"{name}={_quote(value)}"
    return _quote(word)


def join_words(words: Iterable[str]) -> str:
    """The arguments of a command line as one line of the language: each stays one word."""
    return " ".join(quote_word(word) for word in words)


def _quote(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@frozen
class Piece(Value):
    """A physical line inside a logical one: where its text begins there, and what it is."""

    start: int
    line: int
    text: str


@frozen
class LogicalLine(Value):
    """One element or command: its text, and where it comes from.

    ``comments`` are the comment lines right above it.
    """

    text: str
    line: int
    pieces: tuple[Piece, ...]
    comments: tuple[str, ...] = ()

    def place(self, span: Span) -> tuple[int, str, Span]:
        """The physical line (number, text, span in it) where a span of ``text`` begins."""
        current = self.pieces[0]
        for piece in self.pieces:
            if piece.start > span[0]:
                break
            current = piece
        start = span[0] - current.start
        return current.line, current.text, (start, max(start, span[1] - current.start))


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """The logical lines of a text; blank lines are dropped, comments kept with the next line.

    Comments after the last line are dropped.
    """
    joined: list[str] = []
    pieces: list[Piece] = []
    comments: list[str] = []
    length = 0
    for number, physical in enumerate(text.split("\n"), 1):
        line = physical.strip()
        if not pieces:
            if not line:
                continue
            if line.startswith("#"):
                comments.append(line)
                continue
        pieces.append(Piece(length, number, line))
        continues = line.endswith("\\")
        joined.append(line.rstrip("\\") if continues else line)
        length += len(joined[-1])
        if not continues:
            yield _line(joined, pieces, comments)
            joined, pieces, comments, length = [], [], [], 0
    if pieces:
        yield _line(joined, pieces, comments)


def _line(joined: list[str], pieces: list[Piece], comments: list[str]) -> LogicalLine:
    return LogicalLine("".join(joined), pieces[0].line, tuple(pieces), tuple(comments))

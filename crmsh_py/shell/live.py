"""What a person sees while typing: colours and underlines in the line, and the lines below it.

prompt_toolkit asks for both at every key; one judgement serves both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles.pygments import pygments_token_to_classname
from pygments.token import Error, Token, _TokenType

from crmsh_py.lang.expectation import Expectation, expect
from crmsh_py.lang.highlight import CrmLexer
from crmsh_py.shell.completer import one_line
from crmsh_py.shell.judging import LONGEST, Judge, Mark
from crmsh_py.shell.sources import Sources
from crmsh_py.shell.toolbar import Fragments, Place, cluster_line, typing_line

_class = lru_cache(maxsize=None)(lambda token: f"class:{pygments_token_to_classname(token)}")


class Live:
    """The line that is being typed, as it is seen from the session's place."""

    def __init__(self, sources: Callable[[], Sources], place: Callable[[], Place]) -> None:
        self._sources = sources
        self._place = place
        self._judge = Judge()
        self._last: tuple[object, tuple[Mark, ...]] = ((), ())

    def marks(self, text: str) -> tuple[Mark, ...]:
        """What is wrong in a text, which may go over several lines by backslashes."""
        line = one_line(text)
        if "\n" in text.replace("\\\n", ""):
            return ()  # a pasted script: every line of it is judged when it is run
        sources, level = self._sources(), self._place().level
        key = (line, level, sources.snapshot)
        if self._last[0] != key:
            self._last = (key, self._judge.marks(sources, line, level))
        return self._last[1]

    def toolbar(self, text: str, width: int) -> Fragments:
        """Two lines for below the prompt."""
        sources, place = self._sources(), self._place()
        line = one_line(text)
        expectation = expect(line, place.level) if len(line) <= LONGEST else Expectation()
        above = cluster_line(sources.snapshot.standing, place, width)
        below = typing_line(sources, expectation, self.marks(text), place.level, width)
        return [*above, ("", "\n"), *below]

    def styles(self, text: str) -> list[str]:
        """The style of every character."""
        several = "\n" in text.replace("\\\n", "")
        level = self._place().level
        lexer = CrmLexer() if several else CrmLexer(level=level)
        styles: list[str] = []
        for _, kind, piece in lexer.get_tokens_unprocessed(text):
            styles += [_style(kind, several)] * len(piece)
        for mark in self.marks(text):
            style = "class:wrong" if mark.certain else "class:unknown"
            for place in range(mark.start, min(mark.end, len(styles))):
                styles[place] += f" {style}"
        return styles


def _style(kind: _TokenType, several: bool) -> str:
    # Words that cannot be taken are marked by the judge, which leaves the unfinished one alone.
    return _class(Token.Text if kind is Error and not several else kind)


class LiveLexer(Lexer):
    """prompt_toolkit's door to ``Live.styles``."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The styled pieces of each line."""
        text = document.text
        if len(text) > LONGEST:
            return lambda number: [("", document.lines[number])]
        styles = self._live.styles(text)
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def line_of(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            line, start = document.lines[number], starts[number]
            pieces: StyleAndTextTuples = []
            for offset, character in enumerate(line):
                style = styles[start + offset] if start + offset < len(styles) else ""
                if pieces and pieces[-1][0] == style:
                    pieces[-1] = (style, pieces[-1][1] + character)
                else:
                    pieces.append((style, character))
            return pieces

        return line_of

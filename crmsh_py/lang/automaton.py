"""The parser: an LALR(1) automaton that asks itself what the next word can be.

In a shell's language a word means nothing by itself: ``start`` is a command, an operation, the
name of a resource or half of a date, and ``100:`` a score, an id or a ticket. So the automaton
splits off one word, looks which terminals it can take at this place (exactly: where a terminal
would first reduce, the reductions are tried), and takes the word for the first one that fits:
keywords, then patterns by priority. Completion and highlighting run the same automaton.

At the place of a command an unfinished word is enough when only one command fits: a beginning
(``conf``) or letters in order (``cf``), as in crmsh. The whole name of a command further up is no
unfinished word: who types ``site`` in ``configure`` means the level, not ``simulate``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from crmsh_py.lang.tables import END, LEVELS, Tables
from crmsh_py.lang.words import SET_WORD, WORD, Word, unquote
from crmsh_py.regex import regex
from crmsh_py.value import Value, field, frozen, mutable

Builder = Callable[[list[object]], object]
_BRACKETS = {"(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB", "{": "LBRACE", "}": "RBRACE"}
_MAY_BE_EMPTY = frozenset({"VALUE", "COMMAND_WORD"})
_BLANK = regex(r"\s*")


class StuckError(Exception):
    """The automaton cannot take the word at ``start`` … ``end``; empty at the end of the text."""

    def __init__(self, text: str, start: int, end: int, expected: Sequence[str]) -> None:
        super().__init__(text)
        self.text = text
        self.start = start
        self.end = end
        self.expected = tuple(expected)


class UnclosedError(Exception):
    """A quote that begins at ``start`` has no end (or a backslash has nothing after it)."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


@frozen
class _Choice(Value):
    """What a state of the tables can take: keywords by their text, patterns by priority."""

    keywords: Mapping[str, str]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    has_brackets: bool
    has_xml: bool


@frozen
class _Reduction(Value):
    """A production made ready: the length of its right side, and which of it may be lists that
    are passed on. ``build`` is None where the values are only passed on.
    """

    name: str
    count: int
    passed_on: tuple[bool, ...]
    build: Builder | None


@mutable
class Automaton:
    """The compiled grammar, ready to run. Make one with ``parser.automaton()``."""

    tables: Tables
    level_states: dict[int, str] = field(init=False)
    _reductions: dict[int, tuple[_Reduction, ...]] = field(init=False, default_factory=dict)
    _choices: dict[int, _Choice] = field(init=False, default_factory=dict)
    _patterns: dict[str, re.Pattern[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.level_states = _level_states(self.tables)

    def choice(self, state: int) -> _Choice:
        """What the row of ``state`` names (more than it can really take: see ``Run.can_take``)."""
        found = self._choices.get(state)
        if found is None:
            names = [n for n in self.tables.rows[state] if n in self.tables.terminals]
            terminals = [self.tables.terminals[name] for name in names]
            patterns = sorted(
                (t for t in terminals if not t.is_keyword), key=lambda t: (-t.priority, t.name)
            )
            found = _Choice(
                {t.text.lower(): t.name for t in terminals if t.is_keyword},
                tuple((t.name, self._pattern(t.name)) for t in patterns),
                not _BRACKETS_SET.isdisjoint(names),
                "XML_TEXT" in names,
            )
            self._choices[state] = found
        return found

    def commands_of(self, level: str) -> Collection[str]:
        """The words that a line of a level can begin with."""
        state = next(state for state, name in self.level_states.items() if name == level)
        return self.choice(state).keywords.keys()

    def reductions(self, builders: Mapping[str, Builder] | None) -> tuple[_Reduction, ...]:
        """All productions with their builders; made once for each table of builders."""
        found = self._reductions.get(id(builders))
        if found is None:
            found = self._reductions[id(builders)] = tuple(
                _Reduction(
                    production.name,
                    len(production.symbols),
                    tuple(symbol[0] == "_" for symbol in production.symbols),
                    None if builders is None or production.name[0] in "_$"
                    else builders[production.name],
                )
                for production in self.tables.productions
            )  # fmt: skip
        return found

    def _pattern(self, name: str) -> re.Pattern[str]:
        if name not in self._patterns:
            terminal = self.tables.terminals[name]
            flags = re.IGNORECASE if terminal.ignore_case else 0
            flags |= re.DOTALL if terminal.dot_all else 0
            self._patterns[name] = re.compile(terminal.text, flags)
        return self._patterns[name]


_SHORT = 4  # letters of an abbreviation that need not be the first ones of its word
_BRACKETS_SET = frozenset(_BRACKETS.values())
_OPENING = ("(", "[", "{")


class Run:
    """One parse of one text, word by word.

    ``builders`` make a value of each rule from the values of its symbols; None builds nothing.
    Rules whose name begins with ``_`` only pass their values on. ``outer`` are the levels that the
    one of ``start`` was entered through, without the root.
    """

    __slots__ = ("abbreviations", "automaton", "brackets", "outer", "pos", "reductions", "states",
                 "text", "values", "words")  # fmt: skip

    def __init__(
        self,
        automaton: Automaton,
        start: str,
        text: str,
        builders: Mapping[str, Builder] | None = None,
        outer: Sequence[str] = (),
    ) -> None:
        self.automaton = automaton
        self.outer = outer
        self.reductions = automaton.reductions(builders)
        self.text = text
        self.pos = 0
        self.states = [automaton.tables.starts[start]]
        self.values: list[object] = []
        self.words: list[Word] = []
        self.brackets = 0  # that are open
        self.abbreviations: list[tuple[str, str]] = []

    # ---- asking ------------------------------------------------------------------------------

    @property
    def level(self) -> str | None:
        """The level whose command may come next, or None inside a command."""
        return self.automaton.level_states.get(self.states[-1])

    def levels_above(self) -> list[str]:
        """The levels above the one whose command may come next, the root first."""
        known = self.automaton.level_states
        entered = (known[state] for state in self.states if state in known)
        return list(dict.fromkeys(("root", *self.outer, *entered)))[:-1]

    def owner_above(self, word: str) -> str | None:
        """The nearest level above that has a command of exactly this name."""
        levels = reversed(self.levels_above())
        return next((n for n in levels if word.lower() in self.automaton.commands_of(n)), None)

    def can_take(self, terminal: str) -> bool:
        """Whether a word of this terminal may stand here."""
        rows = self.automaton.tables.rows
        productions = self.automaton.tables.productions
        action = rows[self.states[-1]].get(terminal)
        if action is None or action >= 0:
            return action is not None
        ends = self.automaton.tables.ends
        stack = self.states[:]
        while action is not None and action < 0:
            production = productions[~action]
            if production.symbols:
                del stack[-len(production.symbols) :]
            goto = rows[stack[-1]].get(production.name)
            if goto is None:
                return False
            stack.append(goto)
            if terminal == END and goto in ends.values():
                return True
            action = rows[goto].get(terminal)
        return action is not None

    def expected(self) -> list[str]:
        """All terminals that may stand here, in the grammar's order; ``$END`` too."""
        row = self.automaton.tables.rows[self.states[-1]]
        terminals = self.automaton.tables.terminals
        return [n for n in row if (n in terminals or n == END) and self.can_take(n)]

    # ---- reading -----------------------------------------------------------------------------

    def skip_blanks(self) -> bool:
        """Go to the next word; False at the end of the text."""
        text, pos = self.text, self.pos
        if pos < len(text) and text[pos].isspace():
            pos += 1
            if pos < len(text) and text[pos].isspace():  # nearly always it is one blank
                match = _BLANK.match(text, pos)
                assert match is not None
                pos = match.end()
            self.pos = pos
        return pos < len(text)

    def read(self) -> Word:
        """Take the next word (there is one); StuckError and UnclosedError take nothing."""
        choice = self.automaton.choice(self.states[-1])
        text, start = self.text, self.pos
        if choice.has_xml and text[start] == "<":
            return self._take(Word(text[start:], "XML_TEXT", start, len(text)))
        if choice.has_brackets:
            bracket = _BRACKETS.get(text[start], "")
            if bracket and self.can_take(bracket):
                return self._take(Word(text[start], bracket, start, start + 1))
        # Inside brackets a word ends at the next one; elsewhere where it cannot be one otherwise.
        pattern = SET_WORD if self.brackets else WORD
        end, word, kind = self._next_word(pattern, choice)
        if kind is None and choice.has_brackets and pattern is WORD:
            end, word, kind = self._next_word(SET_WORD, choice)
        if kind is None:
            raise StuckError(word, start, end, self.expected())
        return self._take(Word(word, kind, start, end))

    def _next_word(self, pattern: re.Pattern[str], choice: _Choice) -> tuple[int, str, str | None]:
        """Where the next word ends, the word without its quotes, and what it is taken for."""
        text, start = self.text, self.pos
        match = pattern.match(text, start)
        end = match.end() if match else start
        if end < len(text) and text[end] in "\"'\\":
            raise UnclosedError(end)
        if match is None:
            return start + 1, text[start], None
        raw = match.group()
        word = unquote(raw)
        return end, word, self._classify(word, choice, raw[0] not in "\"'\\")

    def read_all(self) -> None:
        """Take all words up to the end of the text."""
        while self.skip_blanks():
            self.read()

    def finish(self) -> object:
        """End the text, and return the value of the whole."""
        if not self.can_take(END):
            raise StuckError("", len(self.text), len(self.text), self.expected())
        return self._feed(END, None)

    def _classify(self, word: str, choice: _Choice, may_be_keyword: bool) -> str | None:
        row = self.automaton.tables.rows[self.states[-1]]
        if may_be_keyword:
            keyword = choice.keywords.get(word.lower())
            if keyword is not None and (row[keyword] >= 0 or self.can_take(keyword)):
                return keyword
        for name, pattern in choice.patterns:
            fits = pattern.fullmatch(word) if word else name in _MAY_BE_EMPTY
            if fits and (row[name] >= 0 or self.can_take(name)):
                return name
        if may_be_keyword and self.level is not None and self.owner_above(word) is None:
            return self._abbreviated(word, choice)
        return None

    def _abbreviated(self, word: str, choice: _Choice) -> str | None:
        """The only command that begins so, or the only one that has these letters in order.

        Letters in order count for short words only: ``cf`` is an abbreviation, but ``primitve``
        is a slip, and a slip must never run a command.
        """
        letters = word.lower()
        commands = [text for text in choice.keywords if text[0].isalpha()]
        beginning = [text for text in commands if text.startswith(letters)]
        scattered: list[str] = []
        if len(letters) <= _SHORT:
            in_order = re.compile(".*".join(map(re.escape, letters)))
            scattered = [text for text in commands if in_order.match(text)]
        for found in (beginning, scattered):
            if len(found) == 1:
                self.abbreviations.append((word, found[0]))
                return choice.keywords[found[0]]
            if found:
                return None
        return None

    # ---- the automaton -----------------------------------------------------------------------

    def _take(self, word: Word) -> Word:
        self._feed(word.kind, word)
        self.words.append(word)
        self.pos = word.end
        if word.kind in _BRACKETS_SET:
            self.brackets += 1 if word in _OPENING else -1
        return word

    def _feed(self, terminal: str, value: object) -> object:
        """Shift a terminal that can be taken, after the reductions that it asks for."""
        rows = self.automaton.tables.rows
        reductions = self.reductions
        states, values = self.states, self.values
        while (action := rows[states[-1]][terminal]) < 0:
            reduction = reductions[~action]
            count = reduction.count
            if count == 1:
                child = values.pop()
                states.pop()
                # The list of a repetition is grown in place: long lists stay linear.
                is_list = reduction.passed_on[0] and isinstance(child, list)
                children: list[object] = child if is_list else [child]  # type: ignore[assignment]
            elif count:
                children = _collected(reduction.passed_on, values[-count:])
                del states[-count:], values[-count:]
            else:
                children = []
            build = reduction.build
            values.append(children if build is None else build(children))
            states.append(rows[states[-1]][reduction.name])
            if terminal == END and states[-1] in self.automaton.tables.ends.values():
                return values[-1]
        states.append(action)
        values.append(value)
        return None


def _collected(passed_on: Sequence[bool], found: list[object]) -> list[object]:
    """The values of a right side, with the lists of its ``_`` rules opened."""
    children: list[object] = []
    for opened, child in zip(passed_on, found, strict=True):
        if not opened or not isinstance(child, list):
            children.append(child)
        elif children:
            children += child
        else:
            children = child
    return children


def _level_states(tables: Tables) -> dict[int, str]:
    """The states in which a command of a level may begin: its start, and after its name."""
    found = {tables.starts[f"{level}_line"]: level for level in LEVELS}
    entries: dict[str, str] = {}  # the first word of a level's rule -> the level
    for production in tables.productions:
        if production.name.startswith("enter_"):
            entries[production.symbols[0]] = production.name.removeprefix("enter_")
    for level in LEVELS:
        row = tables.rows[tables.starts[f"{level}_line"]]
        for word, target in entries.items():
            state = row.get(word, -1)
            action = tables.rows[state].get(END, 0) if state >= 0 else 0
            if action < 0 and tables.productions[~action].name == f"enter_{target}":
                found[state] = target
                below = tables.rows[state]
                for inner, inner_level in entries.items():
                    after = below.get(inner, -1)
                    action = tables.rows[after].get(END, 0) if after >= 0 else 0
                    if action < 0 and tables.productions[~action].name == f"enter_{inner_level}":
                        found[after] = inner_level
    return found

"""What may stand where the cursor is: the first step of completion.

Input: the text before the cursor, and the level it is typed at. Output: the terminals of the
grammar that can be taken there (they name kinds of things: ``RESOURCE``, ``NODE_NAME``, ``AGENT``)
and keywords, with what the words before say about the place: which agent's parameters, which
operation. Pure, without any data of a cluster; the completer turns kinds into names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from crmsh_py.lang.automaton import Run, StuckError, UnclosedError
from crmsh_py.lang.parser import automaton
from crmsh_py.lang.tables import END, LEVELS
from crmsh_py.lang.words import WORD, Word, unquote
from crmsh_py.value import frozen

_BRACKETS = "()[]{}"
# Words that begin a part of an element: what follows them are its attributes.
PARTS = frozenset(
    {
        "PARAMS",
        "META",
        "UTILIZATION",
        "ATTRIBUTES",
        "OP",
        "OP_PARAMS",
        "OP_META",
        "OPERATIONS",
        "PROPERTY",
        "RSC_DEFAULTS",
        "OP_DEFAULTS",
        "DOCKER",
        "PODMAN",
        "RKT",
        "NETWORK",
        "PORT_MAPPING",
        "STORAGE",
        "STORAGE_MAPPING",
        "SELECT",
        "TO",
        "RULE",
    }
)
# What stands without a keyword after the head of an element.
_BARE_PARTS = {
    "configure_primitive": "params",
    "configure_rsc_template": "params",
    "configure_node": "attributes",
    "configure_group": "params",
    "configure_clone": "params",
    "configure_ms": "params",
}


@frozen
class Expectation:
    """What can be typed at the cursor.

    Attributes:
        kinds: terminals that are no keywords, in the order in which they are tried.
        keywords: words of the language (commands, at the place of a command).
        prefix: the unfinished word before the cursor, without quotes; '' after a blank.
        start: where that word begins in the text.
        can_end: whether the line may end before the unfinished word.
        level: the level whose command stands here; '' inside a command.
        rule: the grammar's rule of the command that the cursor is in, without ``cmd_``
            (``resource_move``, also where ``migrate`` was typed); '' before one.
        part: the part of an element: params, meta, op, property, …; '' in its head.
        agent: the agent (or @template) of the resource that is being defined.
        operation: the operation after ``op``.
        subject: the resource, node or object that was named first.
        last: the terminal of the word right before the cursor; '' at the beginning.
        attribute: the name before ``=`` in the unfinished word; then its value is asked for.
        used: names of attributes that this part has already.
        words: all words before the cursor.
    """

    kinds: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    prefix: str = ""
    start: int = 0
    can_end: bool = False
    level: str = ""
    rule: str = ""
    part: str = ""
    agent: str = ""
    operation: str = ""
    subject: str = ""
    last: str = ""
    attribute: str = ""
    used: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()


def expect(text: str, level: str = "root") -> Expectation:
    """What may stand at the end of ``text``; nothing where the text before is wrong."""
    run = Run(automaton(), f"{level}_line", text)
    commands: list[tuple[str, Word]] = []
    try:
        while run.skip_blanks() and not _is_unfinished(run):
            before = run.level
            word = run.read()
            if before is not None:
                commands.append((before, word))
    except (StuckError, UnclosedError):
        return Expectation(prefix=text[run.pos :], start=run.pos)
    return _describe(run, commands)


@lru_cache(maxsize=1)
def rules() -> Mapping[tuple[str, str], str]:
    """The rules of all commands, without ``cmd_``, by level and the terminal that begins them.

    Aliases count (``resource``, MIGRATE). What is a command of several levels is found at each.
    """
    tables = automaton().tables
    first: dict[str, list[str]] = {}
    for production in tables.productions:
        if production.symbols:
            first.setdefault(production.name, []).append(production.symbols[0])
    found: dict[tuple[str, str], str] = {}
    for level in LEVELS:
        for name in _reached(first, f"{level}_line", lambda name: name.startswith("cmd_")):
            for terminal in _reached(first, name, tables.terminals.__contains__):
                found[level, terminal] = name.removeprefix("cmd_")
    return found


def _reached(
    first: Mapping[str, Sequence[str]], start: str, wanted: Callable[[str], bool]
) -> list[str]:
    """What ``start`` can begin with: rules are opened until a symbol is a wanted one."""
    found: dict[str, None] = {}
    seen, to_open = {start}, [start]
    while to_open:
        for symbol in first.get(to_open.pop(), ()):
            if wanted(symbol):
                found[symbol] = None
            elif symbol not in seen and not symbol.startswith("enter_"):
                seen.add(symbol)
                to_open.append(symbol)
    return list(found)


def _is_unfinished(run: Run) -> bool:
    """Whether the next word touches the cursor."""
    text, start = run.text, run.pos
    if text[start] in _BRACKETS and run.automaton.choice(run.states[-1]).has_brackets:
        return False
    match = WORD.match(text, start)
    end = match.end() if match else start
    return end >= len(text) or text[end] in "\"'\\"


def _describe(run: Run, commands: list[tuple[str, Word]]) -> Expectation:
    terminals = run.automaton.tables.terminals
    expected = run.expected()
    words = run.words
    raw = run.text[run.pos :]
    prefix = _lenient(raw)
    rule = ""
    if commands and run.level is None:
        level, word = commands[-1]
        rule = rules().get((level, word.kind), "")
    kinds = [n for n in expected if n != END and not terminals[n].is_keyword]
    kinds.sort(key=lambda n: (-terminals[n].priority, n))
    attribute, equals, _ = prefix.partition("=")
    place = next((i for i, w in reversed(list(enumerate(words))) if w.kind in PARTS), -1)
    part = terminals[words[place].kind].text if place >= 0 else ""
    agents = [str(w) for w in words if w.kind in ("AGENT", "TEMPLATE_REF")]
    if not part:
        part = _BARE_PARTS.get(rule, "")
    operations = [str(w) for w in words if w.kind == "OP_NAME"]
    subjects = ("RESOURCE", "NODE_NAME", "OBJECT", "CHILD", "MONITORED", "HOST_NAME")
    return Expectation(
        kinds=tuple(kinds),
        keywords=tuple(terminals[n].text for n in expected if n != END and terminals[n].is_keyword),
        prefix=prefix,
        start=run.pos,
        can_end=END in expected,
        level=run.level or "",
        rule=rule,
        part=part,
        agent=agents[-1] if agents else "",
        operation=operations[-1] if operations and part.startswith("op") else "",
        subject=next((str(w) for w in words if w.kind in subjects), ""),
        last=words[-1].kind if words else "",
        attribute=attribute if equals else "",
        used=frozenset(
            w.partition("=")[0] for w in words[place + 1 :] if w.kind in ("NVPAIR", "BARE_NAME")
        ),
        words=tuple(str(w) for w in words),
    )


def _lenient(raw: str) -> str:
    """An unfinished word without its quotes, although the last of them may be open."""
    match = WORD.match(raw)
    end = match.end() if match else 0
    rest = raw[end:]
    done = unquote(raw[:end])
    return done + (rest[1:] if rest[:1] in ('"', "'", "\\") else rest)

"""The grammar, compiled: what the parser runs on.

Lark reads ``grammar/*.lark`` (four chapters of one grammar) and computes the LALR(1) tables.
They are kept as JSON in the user's own cache directory, so that an ordinary start does not even
import Lark, and nothing is ever unpickled. Whatever is wrong with the cache, the tables are
computed again in memory: the cache can make us slow, never wrong or unable.

A cached table is used when it was made from these very grammar files, and when the file and its
directory belong to this user and nobody else may write them.
"""

from __future__ import annotations

import json
import os
import stat
from functools import lru_cache

from crmsh_py.resources import data_path
from crmsh_py.value import Value, frozen

try:  # hashlib brings a whole library for it, which takes 3 ms to load
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:  # from Python 3.12 on it has another name
    from hashlib import sha256

CHAPTERS = ("tokens", "rule", "configure", "commands")
LEVELS = (
    *("root", "configure", "resource", "node", "ra", "cluster", "cib", "corosync", "lab"),
    *("maintenance", "site", "options", "history", "script", "assist", "template", "cibstatus"),
)
STARTS = (*(f"{level}_line" for level in LEVELS), "element_line")
END = "$END"
_FORMAT = 2  # of the cached file; part of its key


@frozen
class Terminal(Value):
    """A terminal: a keyword (``text``, in any case) or a pattern that a whole word must match."""

    name: str
    text: str
    is_keyword: bool
    ignore_case: bool
    dot_all: bool
    priority: int


@frozen
class Production(Value):
    """One alternative of a rule: its name, how many symbols it has, what those are."""

    name: str
    symbols: tuple[str, ...]


@frozen
class Tables(Value):
    """LALR(1) tables.

    ``rows[state][symbol]`` is the state to go to, or ``~n``: reduce by production ``n``.
    ``starts`` and ``ends`` are the first and the last state for each start rule.
    """

    rows: tuple[dict[str, int], ...]
    productions: tuple[Production, ...]
    terminals: dict[str, Terminal]
    starts: dict[str, int]
    ends: dict[str, int]


def grammar_text() -> str:
    """The whole grammar as one text."""
    directory = data_path("grammar")
    return "\n".join(_text(f"{directory}/{name}.lark") for name in CHAPTERS)


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """The tables of the installed grammar, from the cache where that can be trusted."""
    text = grammar_text()
    key = sha256(f"{_FORMAT}\n{text}".encode()).hexdigest()
    path = f"{_cache_directory()}/crmsh-py/grammar-{key[:16]}.json"
    cached = _read_cache(path)
    if cached is not None:
        return cached
    tables = compile_grammar(text)
    _write_cache(path, tables)
    return tables


def compile_grammar(text: str) -> Tables:
    """Compute the tables with Lark (a third of a second)."""
    from lark import Lark
    from lark.lexer import Lexer, PatternStr
    from lark.parsers.lalr_analysis import Shift

    class NoLexer(Lexer):
        """The automaton has its own; Lark is not asked to build one."""

        __future_interface__ = 2

        def __init__(self, lexer_conf: object) -> None:
            pass

        def lex(self, lexer_state: object, parser_state: object) -> object:  # type: ignore[override]
            raise NotImplementedError

    lark = Lark(text, parser="lalr", start=list(STARTS), lexer=NoLexer, maybe_placeholders=False)
    table = lark.parser.parser._parse_table
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    rules = list(lark.rules)
    rows: list[dict[str, int]] = []
    for state in range(len(table.states)):
        row = {}
        for symbol, (action, argument) in table.states[state].items():
            if action is Shift:
                row[symbol] = argument
                continue
            if argument not in numbers:  # the rule of a start, which lark adds by itself
                numbers[argument] = len(rules)
                rules.append(argument)
            row[symbol] = ~numbers[argument]
        rows.append(dict(sorted(row.items())))  # the same file whatever the hash seed
    terminals = {
        terminal.name: Terminal(
            terminal.name,
            terminal.pattern.value,
            isinstance(terminal.pattern, PatternStr),
            "i" in terminal.pattern.flags,
            "s" in terminal.pattern.flags,
            terminal.priority,
        )
        for terminal in sorted(lark.terminals, key=lambda terminal: terminal.name)
    }
    productions = tuple(
        Production(str(rule.origin.name), tuple(str(s.name) for s in rule.expansion))
        for rule in rules
    )
    return Tables(
        tuple(rows), productions, terminals, dict(table.start_states), dict(table.end_states)
    )


# ---- the cache -----------------------------------------------------------------------------------


def _cache_directory() -> str:
    configured = os.environ.get("XDG_CACHE_HOME", "")
    return configured if configured.startswith("/") else os.path.expanduser("~/.cache")


def _is_private(status: os.stat_result, kind: int) -> bool:
    return (
        stat.S_IFMT(status.st_mode) == kind
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o022
    )


def _read_cache(path: str) -> Tables | None:
    try:
        if not _is_private(os.lstat(os.path.dirname(path)), stat.S_IFDIR):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, encoding="utf-8") as file:
            if not _is_private(os.fstat(descriptor), stat.S_IFREG):
                return None
            return _from_json(file.read())
    except (OSError, ValueError, TypeError, LookupError):
        return None  # absent, or not what we wrote: it will be computed again


def _write_cache(path: str, tables: Tables) -> None:
    temporary = f"{path.removesuffix('.json')}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if not _is_private(os.lstat(os.path.dirname(path)), stat.S_IFDIR):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(_to_json(tables))
        os.replace(temporary, path)
    except OSError:
        pass  # no cache then


def _to_json(tables: Tables) -> str:
    return json.dumps(
        {
            "rows": tables.rows,
            "productions": [[p.name, *p.symbols] for p in tables.productions],
            "terminals": [
                [t.name, t.text, t.is_keyword, t.ignore_case, t.dot_all, t.priority]
                for t in tables.terminals.values()
            ],
            "starts": tables.starts,
            "ends": tables.ends,
        },
        separators=(",", ":"),
    )


def _from_json(text: str) -> Tables:
    data = json.loads(text)
    terminals = [Terminal(*fields) for fields in data["terminals"]]
    return Tables(
        tuple(data["rows"]),
        tuple(Production(name, tuple(symbols)) for name, *symbols in data["productions"]),
        {terminal.name: terminal for terminal in terminals},
        data["starts"],
        data["ends"],
    )

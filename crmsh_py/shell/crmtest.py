"""Test files (``*.crmtest``): what a configuration promises, as text and as values.

``docs/crmtest.md`` describes the format. ``read`` makes values of a file and says every mistake
with its line; what they mean for a cluster is in ``crmtest_check``.
"""

from __future__ import annotations

import os
import shlex

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.checks import check
from crmsh_py.cib.dates import parse_datetime
from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import parse_ms
from crmsh_py.errors import ConfigError, CrmError, Diagnostic, SyntaxProblem, UsageError
from crmsh_py.regex import regex
from crmsh_py.shell import events
from crmsh_py.shell.events import Event
from crmsh_py.shell.loading import load_text
from crmsh_py.value import field, frozen, mutable

_WORDS = ("nodes", "configuration", "test", "expect", "configure", "time")
_EVENTS = ("node", "resource", "ticket")
_NODE_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MAX_BYTES = 1024 * 1024
MAX_NODES = 32
# Lines of a file of commands that are no elements: such files can be used as they are.
_COMMANDS = frozenset({"configure", "commit", "up", "quit", "exit", "bye"})


@frozen
class Expectation:
    """Something that shall be so: ``subject`` is ``node`` or ``resource``.

    ``what`` is the first word after the name (``runs``, ``on``, ``moved`` …), ``others`` are the
    words after that.
    """

    subject: str
    name: str
    what: str
    negated: bool
    others: tuple[str, ...]


@frozen
class TimePasses:
    """Time goes by (``milliseconds``), or it becomes a moment (``until``, ISO 8601)."""

    milliseconds: int = 0
    until: str = ""


@frozen
class Configure:
    """The configuration is changed: one element in the crm language."""

    text: str


@frozen
class Step:
    """One line of a test."""

    line: int
    text: str
    does: Event | TimePasses | Configure | Expectation


@frozen
class Configuration:
    """A text in the crm language; ``origin`` and ``before`` (lines) say where it stands."""

    text: str
    origin: str
    before: int = 0


@mutable
class Scenario:
    """One test: its name, where it begins, and its steps."""

    name: str
    line: int
    steps: list[Step] = field(default_factory=list)


@mutable
class TestFile:
    """A whole file."""

    path: str
    nodes: tuple[str, ...] = ()
    configurations: list[Configuration] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)


def read(path: str) -> TestFile:
    """Read a file. Raises CrmError kinds, with file and line."""
    lines = _lines(path)
    made = TestFile(path)
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        words = _named(line) or _split(path, number, line)
        if not words:
            continue
        try:
            if words == ["configuration", "{"]:
                number = _block(made, lines, number)
            else:
                _take(made, number, line.strip(), words)
        except SyntaxProblem:
            raise
        except CrmError as error:
            raise problem(path, number, line, error.message, error.hint) from None
    if not made.nodes:
        raise ConfigError(f"{path} names no nodes", hint="begin with: nodes alpha beta gamma")
    if not made.scenarios:
        raise ConfigError(f"{path} has no tests", hint="a test begins with: test NAME")
    return made


def take(cib: Cib, configuration: Configuration, catalogue: Catalogue) -> Cib:
    """The CIB with a configuration in it, checked as a commit is. Raises CrmError kinds."""
    text = "\n" * configuration.before + configuration.text
    changed, typed = load_text(
        cib, text, how="update", origin=configuration.origin, catalogue=catalogue
    )
    for finding in check(changed, agents=catalogue, only=set(typed)):
        if finding.is_error:
            source = typed.get(finding.element)
            if source is None:
                raise ConfigError(f"{configuration.origin}: {finding}", hint=finding.hint)
            raise SyntaxProblem(source.diagnostic(str(finding), finding.word, finding.hint))
    return changed


def problem(path: str, line: int, source: str, message: str, hint: str | None) -> SyntaxProblem:
    """A mistake in a file, with its line."""
    text = source.strip()
    return SyntaxProblem(
        Diagnostic(message, source=text, span=(0, len(text)), hint=hint, origin=path, line=line)
    )


def _lines(path: str) -> list[str]:
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB")
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError as error:
        raise CrmError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None


def _named(line: str) -> list[str]:
    """The words of a line that begins a test: all that follows is its name, apostrophes too."""
    first, _, rest = line.strip().partition(" ")
    if first != "test":
        return []
    name = _without_comment(rest, quotes="").strip()
    try:
        words = shlex.split(name)
    except ValueError:
        return ["test", name]
    quoted = name[:1] in ("'", '"') and len(words) == 1
    return ["test", *(words if quoted else [name] if name else [])]


def _without_comment(text: str, quotes: str = "\"'") -> str:
    """A line up to a # that stands alone, outside of quotes: #uname is a word of rules."""
    quote = ""
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in quotes:
            quote = char
        elif (
            char == "#"
            and not text[place - 1 : place].strip()
            and not text[place + 1 :][:1].strip()
        ):
            return text[:place]
    return text


def _split(path: str, number: int, line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise problem(path, number, line, f"this cannot be read: {error}", None) from None


def _block(made: TestFile, lines: list[str], begin: int) -> int:
    """Take the configuration up to the line with the closing brace; returns its number."""
    _before_tests(made)
    for number in range(begin, len(lines)):
        if lines[number].strip() == "}":
            text = "\n".join(lines[begin:number])
            made.configurations.append(Configuration(text, made.path, begin))
            return number + 1
    raise ConfigError("this configuration has no end", hint="a line with } ends it")


def _before_tests(made: TestFile) -> None:
    if made.scenarios:
        raise ConfigError(
            "this belongs before the first test", hint="configure LINE changes it within a test"
        )


def _take(made: TestFile, number: int, text: str, words: list[str]) -> None:
    first, rest = words[0], words[1:]
    if first == "nodes":
        _before_tests(made)
        made.nodes = _nodes(rest)
    elif first == "configuration":
        _before_tests(made)
        if len(rest) != 1:
            raise UsageError("one file, or a block", hint="configuration FILE, or configuration {")
        made.configurations.append(_file(made.path, rest[0]))
    elif first == "test":
        if not rest:
            raise UsageError("a test has a name", hint="test NAME")
        made.scenarios.append(Scenario(" ".join(rest), number))
    elif first in _WORDS or first in _EVENTS:
        if not made.scenarios:
            raise ConfigError("this belongs to a test", hint="a test begins with: test NAME")
        made.scenarios[-1].steps.append(Step(number, text, _step(first, rest, text)))
    else:
        raise UsageError(f"“{first}” begins no line", hint=", ".join((*_WORDS, *_EVENTS)))


def _nodes(names: list[str]) -> tuple[str, ...]:
    if not names or len(names) > MAX_NODES or len(set(names)) != len(names):
        raise UsageError(f"from one to {MAX_NODES} nodes, each once", hint="nodes alpha beta")
    for name in names:
        if not _NODE_NAME.fullmatch(name):
            raise UsageError(f"“{name}” cannot be the name of a node")
    return tuple(names)


def _file(path: str, name: str) -> Configuration:
    place = os.path.join(os.path.dirname(path), name)
    lines = _lines(place)
    kept = ["" if line.strip() in _COMMANDS else line for line in lines]
    return Configuration("\n".join(kept), place)


def _step(first: str, rest: list[str], text: str) -> Event | TimePasses | Configure | Expectation:
    if first == "expect":
        return _expectation(rest)
    if first == "time":
        return _time(rest)
    if first == "configure":
        if not rest:
            raise UsageError("what shall be changed?", hint="configure ELEMENT …")
        return Configure(_without_comment(text.partition("configure")[2]).strip())
    return events.parse((first, *rest))


def _time(words: list[str]) -> TimePasses:
    if len(words) == 1:
        return TimePasses(milliseconds=parse_ms(words[0]))
    if len(words) >= 2 and words[0] == "at":
        moment = " ".join(words[1:])
        parse_datetime(moment)
        return TimePasses(until=moment)
    raise UsageError("how long, or until when?", hint="time 10min, or time at 2026-12-24 08:00")


# What can be expected: the least and the most words that may follow.
RESOURCE_WORDS = {
    "runs": (0, MAX_NODES), "on": (1, 1), "stopped": (0, 0), "promoted": (0, 1), "with": (1, 1),
    "moved": (0, 0), "restarted": (0, 0), "failed": (0, 0), "unmanaged": (0, 0),
}  # fmt: skip
NODE_WORDS = {"online": (0, 0), "standby": (0, 0), "maintenance": (0, 0), "fenced": (0, 0)}


def _expectation(words: list[str]) -> Expectation:
    subject, known = "resource", RESOURCE_WORDS
    if words[:1] == ["node"]:
        subject, known, words = "node", NODE_WORDS, words[1:]
    if len(words) < 2:
        raise UsageError(
            "what is expected, and of what?",
            hint=f"expect {'node NODE' if subject == 'node' else 'RSC'} [not] {'|'.join(known)}",
        )
    name, *rest = words
    negated = rest[0] == "not"
    rest = rest[1:] if negated else rest
    what, others = (rest[0], rest[1:]) if rest else ("", [])
    if what in ("runs", "promoted") and others[:1] == ["on"]:
        others = others[1:]
    least, most = known.get(what, (1, 0))
    if not least <= len(others) <= most:
        raise UsageError(
            f"“{' '.join(rest)}” is nothing that a {subject} can be", hint=", ".join(known)
        )
    return Expectation(subject, name, what, negated, tuple(others))

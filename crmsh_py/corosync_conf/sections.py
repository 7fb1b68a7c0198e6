"""A corosync.conf as it is written: sections in sections, entries with their lines.

Input: text; output: a ``Section`` for the whole file, or a SyntaxProblem that names the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crmsh_py.errors import ConfigError, Diagnostic, SyntaxProblem

# What a key of the map may be made of, and so the name of a section or a value.
KEY = re.compile("[A-Za-z0-9._/-]+")
_BLANKS = " \t\r\v\f"  # what a C program takes for white space; other spaces are text
MAX_BYTES = 1024 * 1024  # a corosync.conf has a few hundred lines; more is a mistake
_MAX_DEPTH = 4  # totem { interface { is the deepest that Corosync knows


@dataclass(frozen=True, slots=True)
class Entry:
    """``key: value`` with its 1-based line."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """``name { … }``; the file itself is the section with the name ''."""

    name: str
    line: int
    entries: tuple[Entry, ...]
    sections: tuple[Section, ...]

    def get(self, key: str) -> Entry | None:
        """The last entry of this key: as in Corosync, a later line wins."""
        return next((entry for entry in reversed(self.entries) if entry.key == key), None)

    def named(self, name: str) -> tuple[Section, ...]:
        """The subsections of this name, in the order of the file."""
        return tuple(section for section in self.sections if section.name == name)


def lines_of(text: str) -> list[str]:
    """The lines as Corosync takes them: only a newline ends one."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def parse_sections(text: str, origin: str) -> Section:
    """The sections as written; SyntaxProblem for a line that is none of the four forms."""
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{origin} is larger than {MAX_BYTES} bytes: not a corosync.conf")
    open_: list[_Open] = [_Open("", 0)]

    def problem(message: str, number: int, line: str, hint: str | None = None) -> SyntaxProblem:
        indent = len(line) - len(line.lstrip())
        span = (indent, len(line.rstrip()))
        return SyntaxProblem(Diagnostic(message, line, span, hint, origin=origin, line=number))

    number = 0
    line = ""
    for number, line in enumerate(lines_of(text), 1):
        words = line.strip(_BLANKS)
        if "\0" in line:
            raise problem("a zero byte cannot stand in corosync.conf", number, line)
        if not words or words.startswith("#"):
            continue
        key, colon, value = words.partition(":")
        if colon and "{" not in key:
            key, value = key.strip(_BLANKS), value.strip(_BLANKS)
            if not key:
                raise problem("a key must stand before the colon", number, line)
            if not KEY.fullmatch(key):
                hint = "letters, digits and . _ / - can stand in a key"
                raise problem(f"“{key}” cannot be a key", number, line, hint)
            if "{" in value:
                hint = "no value can have a {, which begins a section"
                shown = "" if key == "key" else line  # a secret
                raise problem("there is a brace in the value", number, shown, hint)
            open_[-1].entries.append(Entry(key, value, number))
        elif words == "}":
            if len(open_) == 1:
                raise problem("this brace closes nothing", number, line)
            closed = open_.pop()
            open_[-1].sections.append(closed.close())
        elif words.endswith("{") and words[:-1].strip().replace("_", "a").isalnum():
            if len(open_) > _MAX_DEPTH:
                raise problem("sections are nested too deeply", number, line)
            open_.append(_Open(words[:-1].strip(), number))
        else:
            hint = "a line is 'name {', '}', 'key: value' or a comment"
            raise problem("this line is none that corosync.conf knows", number, line, hint)
    if len(open_) > 1:
        where = f"section '{open_[-1].name}' of line {open_[-1].line}"
        raise problem(f"the closing brace of {where} is missing", number, line)
    return open_[0].close()


@dataclass(slots=True)
class _Open:
    """A section whose closing brace has not come yet."""

    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def close(self) -> Section:
        return Section(self.name, self.line, tuple(self.entries), tuple(self.sections))

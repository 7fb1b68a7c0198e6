"""Templates: texts of the crm language with places to fill in.

A template is such a text with lines that declare its parameters:

    #: ip          the address             must be given
    #: nic=eth0    the interface           has a value, which may be empty

``$(ip)`` in the text stands for the value. A word whose only value is empty (``nic=$(nic)``) is
left out. What was begun from templates is a template too, with the values that were given in its
declarations, so that it can be edited, given more values, and filled in later.

Pure: texts in, texts out. Values are quoted as the language needs it: a value is never more than a
value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crmsh_py.errors import ConfigError, NotFound
from crmsh_py.lang.words import quote_word
from crmsh_py.regex import regex
from crmsh_py.value import frozen

_DECLARATION = regex(r"#:[ \t]*(?P<name>[\w-]+)(?P<value>=(?:\"[^\"]*\"|\S*))?(?P<help>.*)")
_PLACE = regex(r"\$\(([\w-]+)\)")
# What words are made of, line by line; what is in quotes keeps them.
_PIECES = r"""\\[^\n]|"(?:[^"\\\n]|\\[^\n])*"|'[^'\n]*'|[^\s"'\\]+"""
_PIECE = regex(_PIECES)
_WORD = regex(rf"(?P<blank>[ \t]*)(?P<word>(?:{_PIECES})+)")


@frozen
class TemplateParameter:
    """One thing to fill in. ``value`` is None as long as it must be given."""

    name: str
    value: str | None
    help: str

    def __str__(self) -> str:
        if self.value is None:
            return f"#: {self.name}    {self.help}".rstrip()
        value = f'"{self.value}"' if re.search(r"\s", self.value) else self.value
        return f"#: {self.name}={value}    {self.help}".rstrip()


@frozen
class Template:
    """A template that was read: what it is for, its parameters, and its text."""

    summary: str
    parameters: tuple[TemplateParameter, ...]
    body: str

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template. Raises ConfigError for a place that nothing declares."""
        parameters: dict[str, TemplateParameter] = {}
        comments: list[str] = []
        body: list[str] = []
        for line in text.splitlines():
            declared = _DECLARATION.match(line.strip())
            if declared is not None:
                value = declared["value"]
                given = None if value is None else value[1:].strip('"')
                name = declared["name"]
                parameters.setdefault(
                    name, TemplateParameter(name, given, declared["help"].strip())
                )
            elif line.startswith("#"):
                comments.append(line.lstrip("# ").rstrip())
            else:
                body.append(line.rstrip())
        joined = "\n".join(body).strip("\n")
        for place in _PLACE.finditer(joined):
            if place[1] not in parameters:
                raise ConfigError(
                    f"the template uses {place[0]}, which it does not declare",
                    hint=f"declare it by a line: #: {place[1]}=  what it is",
                )
        return cls(" ".join(comments), tuple(parameters.values()), joined)

    @property
    def missing(self) -> tuple[TemplateParameter, ...]:
        """What must be given and is not."""
        return tuple(parameter for parameter in self.parameters if parameter.value is None)

    def with_values(self, values: Mapping[str, str]) -> Template:
        """The template with values given. Raises NotFound for a name that it does not have."""
        names = [parameter.name for parameter in self.parameters]
        for name, value in values.items():
            if name not in names:
                raise NotFound(
                    f"the template has no parameter {name}",
                    name=name,
                    possibilities=names,
                    hint=None if names else "it has no parameters at all",
                )
            if re.search(r'["\n\r$]', value):
                raise ConfigError(
                    f"{name}: a value of a template cannot hold quotes, $ or newlines"
                )
        parameters = tuple(
            TemplateParameter(p.name, values.get(p.name, p.value), p.help) for p in self.parameters
        )
        return Template(self.summary, parameters, self.body)

    def text(self) -> str:
        """The template as it is kept in a file."""
        lines = [f"# {self.summary}", *map(str, self.parameters), self.body]
        return "\n".join(lines) + "\n"

    def filled(self) -> str:
        """The text of the crm language. Raises ConfigError while something is missing."""
        if self.missing:
            names = ", ".join(parameter.name for parameter in self.missing)
            raise ConfigError(
                f"not filled in yet: {names}",
                hint="\n  ".join(f"{p.name}: {p.help}" for p in self.missing),
            )
        values = {p.name: p.value or "" for p in self.parameters}

        def fill(found: re.Match[str]) -> str:
            places = _PLACE.findall(found["word"])
            if places and not any(values[name] for name in places):
                return ""
            return found["blank"] + _PIECE.sub(fill_piece, found["word"])

        def fill_piece(piece: re.Match[str]) -> str:
            return _PLACE.sub(lambda place: _fitting(values[place[1]], piece[0][0]), piece[0])

        return _WORD.sub(fill, self.body) + "\n"


def _fitting(value: str, sign: str) -> str:
    """A value for a place inside these quotes (or none), so that it is read as it is."""
    if sign == '"':
        return value.replace("\\", r"\\").replace('"', r"\"")
    if sign == "'":
        return value if "'" not in value else f"'{quote_word(value)}'"
    return quote_word(value) if value else ""


def combined(templates: Sequence[Template]) -> Template:
    """Several templates as one; a parameter that two of them have is one parameter."""
    parameters: dict[str, TemplateParameter] = {}
    for template in templates:
        for parameter in template.parameters:
            parameters.setdefault(parameter.name, parameter)
    return Template(
        " ".join(template.summary for template in templates),
        tuple(parameters.values()),
        "\n".join(template.body for template in templates),
    )

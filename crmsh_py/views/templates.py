"""``crm configure template list``: what there is and what was begun, as text and as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from crmsh_py.value import frozen


@frozen(kw_only=True)
class TemplateRecord:
    """A template that comes with the program."""

    name: str
    summary: str


@frozen(kw_only=True)
class Templates:
    """Templates, and configurations that were begun from them; ``current`` is worked on."""

    templates: tuple[TemplateRecord, ...]
    begun: tuple[str, ...]
    current: str


def listing(shipped: Mapping[str, str], begun: Sequence[str], current: str) -> Templates:
    """The record; ``shipped`` are the summaries by name."""
    made = tuple(TemplateRecord(name=name, summary=text) for name, text in shipped.items())
    return Templates(templates=made, begun=tuple(begun), current=current)


def text(record: Templates, *, titled: bool) -> str:
    """The lists; only the names of what was begun when not ``titled``."""
    lines = []
    if record.templates:
        lines.append("Templates:")
        lines += [f"  {each.name:<16} {each.summary}" for each in record.templates]
    if record.begun and titled:
        lines.append("Configurations:")
    lines += [f"{'*' if name == record.current else ' '} {name}" for name in record.begun]
    return "\n".join(lines)


@frozen(kw_only=True)
class ParameterRecord:
    """Something to fill in; ``default`` is None where it must be given."""

    name: str
    default: str | None
    help: str


@frozen(kw_only=True)
class TemplateDetails:
    """A template with what has to be filled in."""

    name: str
    summary: str
    parameters: tuple[ParameterRecord, ...]
    body: tuple[str, ...]


class Parameter(Protocol):
    """A parameter of a template, as the language reads it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def value(self) -> str | None:
        """Its default; None where it must be given."""

    @property
    def help(self) -> str:
        """What it is for."""


class Shape(Protocol):
    """A template as the language reads it (this room does not know the language)."""

    @property
    def summary(self) -> str:
        """What it makes."""

    @property
    def parameters(self) -> Sequence[Parameter]:
        """What has to be filled in."""

    @property
    def body(self) -> str:
        """The text with its places."""


def details(name: str, template: Shape) -> TemplateDetails:
    """A template for programs."""
    parameters = tuple(
        ParameterRecord(name=p.name, default=p.value, help=p.help) for p in template.parameters
    )
    body = tuple(template.body.splitlines())
    return TemplateDetails(name=name, summary=template.summary, parameters=parameters, body=body)


def details_text(record: TemplateDetails) -> str:
    """What it is for, its parameters (* must be given), and what it configures."""
    lines = [f"{record.name}: {record.summary}", "", "Parameters (* must be given):"]
    width = max((len(p.name) for p in record.parameters), default=0) + 1
    for p in record.parameters:
        name = f"{p.name}{'*' if p.default is None else ''}"
        default = f" [{p.default}]" if p.default else ""
        lines.append(f"  {name:<{width}}  {p.help}{default}".rstrip())
    return "\n".join([*lines, "", "Configures:", *(f"  {line}" for line in record.body)])

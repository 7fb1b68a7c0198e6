"""``crm configure template list``: what there is and what was begun, as text and as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRecord:
    """A template that comes with the program."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
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

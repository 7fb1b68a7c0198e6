"""Help and manual as text, as Markdown and as a manual page. Pure: records go in.

One set of records (``Help``) is behind ``crm help``, ``docs/commands.md`` and ``crm(8)``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from crmsh_py.value import frozen

WIDTH = 79
_INDENT = "    "


@frozen(kw_only=True)
class CommandHelp:
    """One command: how it is written, what it is for, examples that work.

    ``place`` is what is typed before it at the root; ``shows`` are the fields of its JSON.
    """

    level: str
    place: str
    name: str
    usage: str
    summary: str
    details: str
    aliases: tuple[str, ...]
    examples: tuple[str, ...]
    shows: tuple[str, ...]


@frozen(kw_only=True)
class LevelHelp:
    """One level and its commands."""

    name: str
    summary: str
    inside: str  # the level that it is entered from; '' for the root
    commands: tuple[CommandHelp, ...]


@frozen(kw_only=True)
class Help:
    """What was asked for: levels with their commands, or one level with one command."""

    levels: tuple[LevelHelp, ...]


def command(help_: CommandHelp) -> str:
    """The help of one command for a terminal."""
    lines = [f"crm {help_.place}{help_.name} {help_.usage}".rstrip()]
    if help_.aliases:
        lines.append(f"{_INDENT}(also: {', '.join(help_.aliases)})")
    lines += ["", f"{_INDENT}{_sentence(help_.summary)}"]
    if help_.details:
        lines.append("")
        lines += textwrap.wrap(
            help_.details, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT,
            break_on_hyphens=False,
        )  # fmt: skip
    if help_.shows:
        shown = f"--output-as json or xml: {', '.join(help_.shows)}"
        lines += ["", *textwrap.wrap(shown, WIDTH, initial_indent=_INDENT,
                                     subsequent_indent=_INDENT * 2)]  # fmt: skip
    lines += ["", "Example:" if len(help_.examples) == 1 else "Examples:", ""]
    lines += [f"{_INDENT}{example}" for example in help_.examples]
    return "\n".join(lines)


def level(help_: LevelHelp, inner: Sequence[LevelHelp] = ()) -> str:
    """A level and what can be done there."""
    width = max(18, *(len(c.name) for c in help_.commands)) + 1
    lines = [f"{help_.name}: {help_.summary}", ""]
    lines += [f"  {c.name:<{width}}{c.summary}" for c in help_.commands]
    if inner:
        lines += ["", "Levels below:", *(f"  {i.name:<{width}}{i.summary}" for i in inner)]
    return "\n".join([*lines, "", f"More: help {help_.name} COMMAND"])


def root(levels: Sequence[LevelHelp], commands: Sequence[CommandHelp]) -> str:
    """The first page of the help."""
    lines = ["Levels (type the name to enter one, or put it before a command)"]
    lines += [f"  {one.name:<16} {one.summary}" for one in levels]
    lines += ["", "Commands"]
    lines += [f"  {c.name:<16} {c.summary}" for c in commands]
    return "\n".join([*lines, "", "More: help LEVEL, help LEVEL COMMAND, COMMAND --help"])


def markdown(help_: Help, shapes: Iterable[tuple[str, str, Sequence[tuple[str, str]]]]) -> str:
    """``docs/commands.md``; ``shapes`` are the records: name, what it is, fields with types."""
    parts = [
        "# Commands\n\nMade from the program's own declarations by `make docs`; every example is"
        " run by a test.\nA command that shows something takes `--output-as json` or `xml`, before"
        " the command\nor at its end; the fields of the records are listed [below](#records).\n"
    ]
    parts.append("| level | |\n|---|---|")
    parts += [f"| [{one.name}](#{one.name}) | {one.summary} |" for one in help_.levels]
    for one in help_.levels:
        parts.append(f"\n## {one.name}\n\n{_sentence(one.summary)}\n")
        for each in one.commands:
            parts.append(f"### {each.place}{each.name}\n")
            parts.append(f"    crm {each.place}{each.name} {each.usage}".rstrip() + "\n")
            text = _sentence(each.summary)
            if each.aliases:
                text += f" Also: {', '.join(f'`{alias}`' for alias in each.aliases)}."
            parts.append("\n".join(textwrap.wrap(text, 100)) + "\n")
            if each.details:
                details = _escaped(each.details)
                parts.append("\n".join(textwrap.wrap(details, 100, break_on_hyphens=False)) + "\n")
            if each.shows:
                parts.append(f"JSON: `{'`, `'.join(each.shows)}`\n")
            parts.append("```console\n" + "".join(f"$ {e}\n" for e in each.examples) + "```\n")
    parts.append("## Records\n")
    for name, about, fields in shapes:
        parts.append(f"### {name}\n\n{_escaped(about)}\n\n| field | |\n|---|---|")
        parts += [f"| `{field}` | {kind} |" for field, kind in fields]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("``", "`")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ")")) else f"{text}."


# ---- the manual page -----------------------------------------------------------------------------


def page(
    help_: Help,
    *,
    options: str,
    version: str,
    exit_codes: Sequence[tuple[str, str]],
    environment: Sequence[tuple[str, str]],
    files: Sequence[tuple[str, str]],
) -> str:
    """``crm(8)`` in the language of man(7). ``options`` is the text of ``crm --help``."""
    out = [
        f'.TH CRM 8 "" "crmsh-py {version}" "Cluster administration"',
        ".SH NAME\ncrm \\- a shell for Pacemaker clusters, with a cluster inside",
        ".SH SYNOPSIS\n.B crm\n[\\fIOPTIONS\\fR] [\\fILEVEL\\fR...] [\\fICOMMAND\\fR"
        " [\\fIARGUMENT\\fR...]]",
        ".SH DESCRIPTION\nWithout a command, crm is interactive; with one, it runs that and leaves."
        " A script is run by\n.B crm \\-f\n\\fIFILE\\fR. What was asked for goes to standard"
        " output, words about it to standard error.",
        ".SH OPTIONS\n.nf",
        _roff(options),
        ".fi",
    ]
    for one in help_.levels:
        title = "COMMANDS OF THE ROOT" if one.name == "root" else f"LEVEL {one.name.upper()}"
        out.append(f".SH {title}\n{_roff(_sentence(one.summary))}")
        for each in one.commands:
            out.append(f".TP\n.B {_roff(f'{each.place}{each.name}')}")
            out.append(f"\\fI{_roff(each.usage)}\\fR\n.br" if each.usage else ".br")
            out.append(_roff(_sentence(each.summary)))
            if each.aliases:
                out.append(_roff(f"Also: {', '.join(each.aliases)}."))
            if each.details:
                out.append(_roff(" ".join(each.details.split())))
            if each.shows:
                out.append(_roff(f"JSON: {', '.join(each.shows)}."))
            out.append(".RS\n.nf")
            out += [f".B {_roff(example)}" for example in each.examples]
            out.append(".fi\n.RE")
    for title, pairs in (
        ("EXIT STATUS", exit_codes),
        ("ENVIRONMENT", environment),
        ("FILES", files),
    ):
        out.append(f".SH {title}")
        out += [f".TP\n.B {_roff(name)}\n{_roff(text)}" for name, text in pairs]
    out.append(".SH SEE ALSO\n.BR crm_mon (8),\n.BR corosync.conf (5)")
    return "\n".join(out) + "\n"


def _roff(text: str) -> str:
    """A text that roff prints as it is."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    lines = [f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.split("\n")]
    return "\n".join(lines)

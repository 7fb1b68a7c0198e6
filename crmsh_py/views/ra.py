"""Resource agents for people: lists in columns, and what one agent takes."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.agents.catalogue import AgentClass
from crmsh_py.agents.metadata import AgentAction, AgentMetadata, Parameter
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.value import frozen

WIDTH = 120  # of the tutorial's terminal
_INDENT = "    "
_NOT_SHOWN = ("meta-data", "validate-all")


@frozen
class Classes:
    """The classes of agents, with the providers of those that have any."""

    classes: tuple[AgentClass, ...]


def columns(names: Sequence[str], *, width: int = WIDTH) -> str:
    """Names in columns of one width, row by row; as many as fit into ``width`` characters."""
    if not names:
        return ""
    cell = max(map(len, names)) + 2
    count = max(1, width // cell)
    rows = [names[start : start + count] for start in range(0, len(names), count)]
    return "".join("".join(f"{n:<{cell}}" for n in row).rstrip() + "\n" for row in rows)


def info(spec: AgentSpec | str, metadata: AgentMetadata) -> str:
    """What an agent is for, its parameters and the times it advises, as crmsh lays it out."""
    parts = [f"{metadata.shortdesc or metadata.name} ({spec})"]
    if metadata.longdesc:
        parts.append(metadata.longdesc.strip("\n"))
    if metadata.parameters:
        parts.append("Parameters (* denotes required, [] the default):")
        parts += [_parameter(parameter) for parameter in metadata.parameters]
    actions = [action for action in metadata.actions if action.name not in _NOT_SHOWN]
    if actions:
        parts.append("Operations' defaults (advisory minimum):")
        parts.append("\n".join(_action(action) for action in actions))
    return "\n\n".join(parts) + "\n"


def _parameter(parameter: Parameter) -> str:
    kind = parameter.type
    if parameter.default is not None and parameter.default != "":
        kind += f", [{parameter.default}]"
    star = "*" if parameter.required else ""
    title = f"{parameter.name}{star} ({kind}): {parameter.shortdesc}".rstrip()
    if parameter.deprecated:
        title += " (deprecated)"
    lines = [title]
    lines += [f"{_INDENT}{line}".rstrip() for line in parameter.longdesc.strip().splitlines()]
    return "\n".join(lines)


def _action(action: AgentAction) -> str:
    values = (
        ("depth", "" if action.depth == "0" else action.depth),
        ("timeout", action.timeout),
        ("interval", "" if action.interval in ("0", "0s") else action.interval),
        ("start-delay", action.start_delay),
        ("role", action.role),
    )
    text = " ".join(f"{name}={value}" for name, value in values if value)
    return f"{_INDENT}{action.name:<13} {text}".rstrip()

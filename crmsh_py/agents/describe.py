"""Agents as text: ``crm ra info`` and the columns of ``crm ra list``.

The layout is that of crmsh in the tutorial: what is said of a parameter stands on its first line
(``*`` marks a required one, brackets hold the default), its long description below, indented.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.agents.metadata import AgentAction, AgentMetadata, Parameter
from crmsh_py.agents.spec import AgentSpec

_NAME_WIDTH = 14


def describe(spec: AgentSpec, metadata: AgentMetadata) -> str:
    """The whole of an agent's meta-data for a person, without a newline at the end."""
    blocks = [f"{metadata.shortdesc or metadata.name} ({spec})"]
    if metadata.longdesc:
        blocks.append(metadata.longdesc)
    if metadata.parameters:
        blocks.append("Parameters (* denotes required, [] the default):")
        blocks += [describe_parameter(parameter) for parameter in metadata.parameters]
    if metadata.operations:
        blocks.append("Operations' defaults (advisory minimum):")
        blocks.append("\n".join(_operation(action) for action in metadata.operations))
    return "\n\n".join(blocks)


def describe_parameter(parameter: Parameter) -> str:
    """One parameter: its first line, and its long description indented."""
    star = "*" if parameter.required else ""
    default = f", [{parameter.default}]" if parameter.default else ""
    kind = parameter.type
    if parameter.values:
        kind = f"{kind}: {' | '.join(parameter.values)}"
    lines = [f"{parameter.name}{star} ({kind}{default}): {parameter.shortdesc}".rstrip()]
    if parameter.deprecated:
        instead = f", use {' or '.join(parameter.replaced_with)}" if parameter.replaced_with else ""
        lines.append(f"    (deprecated{instead})")
    lines += [f"    {line}" for line in parameter.longdesc.splitlines() if line.strip()]
    return "\n".join(lines)


def columns(names: Sequence[str], *, width: int = 80, gap: int = 2) -> str:
    """Names in columns that fill ``width``, row by row, as ``crm ra list`` shows them."""
    if not names:
        return ""
    per_row = max(1, width // (max(map(len, names)) + gap))
    cell = width // per_row
    rows = (names[at : at + per_row] for at in range(0, len(names), per_row))
    return "\n".join("".join(name.ljust(cell) for name in row).rstrip() for row in rows)


def _operation(action: AgentAction) -> str:
    advised = {
        "timeout": action.timeout,
        "interval": action.interval,
        "start-delay": action.start_delay,
        "role": action.role,
        "depth": action.depth if action.depth not in ("", "0") else "",
    }
    words = " ".join(f"{name}={value}" for name, value in advised.items() if value)
    return f"    {action.name:<{_NAME_WIDTH}}{words}".rstrip()

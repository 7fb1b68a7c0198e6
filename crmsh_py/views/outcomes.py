"""``crm cluster run``: what a command printed on every node, as text and as a record."""

from __future__ import annotations

from crmsh_py.value import frozen


@frozen(kw_only=True)
class NodeOutcome:
    """How a command ended on a node."""

    node: str
    exit_code: int
    stdout: str
    stderr: str


@frozen(kw_only=True)
class Outcomes:
    """How a command ended on nodes."""

    outcomes: tuple[NodeOutcome, ...]


def outcome(node: str, code: int, out: bytes, err: bytes) -> NodeOutcome:
    """One node's, from bytes that may be anything."""
    return NodeOutcome(
        node=node,
        exit_code=code,
        stdout=out.decode(errors="replace"),
        stderr=err.decode(errors="replace"),
    )


def text(found: Outcomes) -> str:
    """The output of every node under its name; a failure tells its exit code."""
    blocks = []
    for one in found.outcomes:
        failed = f" (exit code {one.exit_code})" if one.exit_code else ""
        said = (one.stdout + one.stderr).rstrip("\n")
        blocks.append(f"[{one.node}]{failed}\n{said}".rstrip("\n"))
    return "\n".join(blocks)

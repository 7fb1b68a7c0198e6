"""Programs and files on the nodes of a cluster: inside a lab, or by ssh on a real one.

A lab's nodes are entered directly. On a real cluster the node that the shell sits on is this
machine, and the others are reached by ssh without questions (BatchMode), as crmsh does it.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, TimedOut
from crmsh_py.shell.session import Session
from crmsh_py.value import frozen

TIMEOUT_S = 60.0
MAX_FILE = 64 * 1024 * 1024  # bytes
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")


@frozen
class Outcome:
    """How a program ended on a node: its exit code and what it printed."""

    node: str
    code: int
    out: bytes
    err: bytes


def names(session: Session, named: Sequence[str]) -> tuple[str, ...]:
    """The nodes that are named, or all of the cluster's. Raises NotFound."""
    if session.cluster.kind == "file":
        raise CrmError(
            "a configuration in a file has no nodes that could be reached",
            hint="crm lab start makes a cluster that has",
        )
    members = session.working.cib().section("nodes").findall("node")
    known = [n.get("uname") for n in members if n.get("type") in ("", "member", "normal")]
    for name in named:
        if name not in known:
            raise NotFound(f"there is no node {name}", name=name, possibilities=known)
    return tuple(dict.fromkeys(named)) or tuple(known)


def run(
    session: Session, node: str, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 0
) -> Outcome:
    """Run a program on a node without a terminal.

    Raises ClusterUnreachable: the node is off or does not answer; TimedOut: it does not end.
    """
    limit = timeout_s or TIMEOUT_S
    if session.cluster.kind == "local":
        from crmsh_py.lab.client import Lab

        done = Lab(environ=session.environ).output(node, argv, stdin=stdin, timeout_s=limit)
        return Outcome(node, done.returncode, done.stdout, done.stderr)
    far = session.options.host or session.environ.get("CRM_HOST")
    here = node == session.cluster.node and not far
    command = list(argv) if here else [*_SSH, node, "--", shlex.join(argv)]
    try:
        made = subprocess.run(command, input=stdin, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise TimedOut(f"{argv[0]} on {node} has not ended after {limit:.0f} s") from None
    except OSError as error:
        raise CrmError(f"{command[0]} cannot be run: {error.strerror}") from None
    if not here and made.returncode == 255:
        said = made.stderr.decode(errors="replace").strip()
        raise ClusterUnreachable(f"{node} cannot be reached by ssh: {said}")
    return Outcome(node, made.returncode, made.stdout, made.stderr)


def read_file(session: Session, node: str, path: str) -> bytes | None:
    """A file of a node; None where it has none. Raises CrmError: it cannot be read."""
    outcome = run(session, node, ["cat", "--", node_path(session, node, path)])
    if outcome.code == 0:
        return outcome.out[:MAX_FILE]
    said = outcome.err.decode(errors="replace").strip()
    if "No such file" in said:
        return None
    raise CrmError(f"{node}: {said or f'{path} cannot be read'}")


def write_file(session: Session, node: str, path: str, data: bytes) -> None:
    """Put a file onto a node, in one step. Raises CrmError."""
    script = 'umask 022; cat > "$1.crm-new" && mv "$1.crm-new" "$1"'
    outcome = run(
        session, node, ["sh", "-c", script, "sh", node_path(session, node, path)], stdin=data
    )
    if outcome.code != 0:
        said = outcome.err.decode(errors="replace").strip()
        raise CrmError(f"{node}: {path} cannot be written: {said}")


def node_path(session: Session, node: str, path: str) -> str:
    """Where a file of a node is: a node that is a plain process has its disk for a root."""
    if session.cluster.kind != "local":
        return path
    from crmsh_py.lab.client import Lab

    lab = Lab(environ=session.environ)
    return lab.place.disk(node) + path if lab.status().isolation == "none" else path

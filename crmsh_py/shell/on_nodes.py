"""Programs and files on the nodes of a cluster: inside a lab, or by ssh on a real one.

A lab's nodes are entered directly. On a real cluster the node that the shell sits on is this
machine (or the host that is named), and the others are reached by ssh without questions, as crmsh
does it, all at the same time; from a desk as the user that the host is reached as.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.shell.session import Session
from crmsh_py.value import frozen

if TYPE_CHECKING:
    from crmsh_py.clusters.pacemaker_programs import Programs

T = TypeVar("T")
AT_ONCE = 64  # more than Corosync has nodes: some wait for others
TIMEOUT_S = 60.0
MAX_FILE = 64 * 1024 * 1024  # bytes


@frozen
class Outcome:
    """How a program ended on a node: its exit code and what it printed."""

    node: str
    code: int
    out: bytes
    err: bytes


def names(session: Session, named: Sequence[str]) -> tuple[str, ...]:
    """The nodes that are named, or all of the cluster's. Raises NotFound."""
    if session.cluster.kind is ClusterKind.FILE:
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
    if session.cluster.kind is ClusterKind.LOCAL:
        from crmsh_py.lab.client import Lab

        done = Lab(environ=session.environ).output(node, argv, stdin=stdin, timeout_s=limit)
        return Outcome(node, done.returncode, done.stdout, done.stderr)
    return _run_by(programs(session, node), node, argv, stdin, limit)


def _run_by(
    there: Programs, name: str, argv: Sequence[str], stdin: bytes = b"", limit_s: float = TIMEOUT_S
) -> Outcome:
    made = there.output(argv, timeout_s=limit_s, stdin=stdin)
    return Outcome(name, made.code, made.out, made.err)


def programs(session: Session, node: str) -> Programs:
    """The programs of a node of a real cluster."""
    from crmsh_py.clusters.pacemaker import PacemakerCluster

    cluster = session.cluster
    assert isinstance(cluster, PacemakerCluster)
    return cluster.programs if node == cluster.node else cluster.programs.at(node)


def each(
    session: Session, nodes: Sequence[str], act: Callable[[str], T]
) -> dict[str, T | CrmError]:
    """Do something on nodes, on those of a real cluster at the same time; what came of it."""

    def outcome(node: str) -> T | CrmError:
        try:
            return act(node)
        except CrmError as error:
            return error

    if session.cluster.kind is ClusterKind.LOCAL or len(nodes) < 2:
        return {node: outcome(node) for node in nodes}
    from concurrent.futures import ThreadPoolExecutor

    session.cluster.node  # noqa: B018 - asked once, before the threads begin
    with ThreadPoolExecutor(max_workers=min(len(nodes), AT_ONCE)) as pool:
        return dict(zip(nodes, pool.map(outcome, nodes), strict=True))


def read_file(session: Session, node: str, path: str) -> bytes | None:
    """A file of a node; None where it has none. Raises CrmError: it cannot be read."""
    return _content(run(session, node, _reading(node_path(session, node, path))), path)


def read_by(there: Programs, name: str, path: str) -> bytes | None:
    """The same of the machine whose programs are given, whatever cluster it belongs to."""
    return _content(_run_by(there, name, _reading(path)), path)


def _reading(path: str) -> list[str]:
    return ["cat", "--", path]


def _content(outcome: Outcome, path: str) -> bytes | None:
    if outcome.code == 0:
        return outcome.out[:MAX_FILE]
    said = outcome.err.decode(errors="replace").strip()
    if "No such file" in said:
        return None
    raise CrmError(f"{outcome.node}: {said or f'{path} cannot be read'}")


def write_file(session: Session, node: str, path: str, data: bytes) -> None:
    """Put a file onto a node, in one step. Raises CrmError."""
    _check_written(run(session, node, _writing(node_path(session, node, path)), stdin=data), path)


def write_by(there: Programs, name: str, path: str, data: bytes) -> None:
    """The same on the machine whose programs are given, whatever cluster it belongs to."""
    _check_written(_run_by(there, name, _writing(path), data), path)


def _writing(path: str) -> list[str]:
    # A name that nobody can have put a link at; mktemp lets nobody else read it.
    script = (
        'new=$(mktemp -- "$1.XXXXXXXX") || exit; cat > "$new" && chmod 644 -- "$new"'
        ' && mv -f -- "$new" "$1" || { rm -f -- "$new"; exit 1; }'
    )
    return ["sh", "-c", script, "sh", path]


def _check_written(outcome: Outcome, path: str) -> None:
    if outcome.code != 0:
        said = outcome.err.decode(errors="replace").strip()
        raise CrmError(f"{outcome.node}: {path} cannot be written: {said}")


def node_path(session: Session, node: str, path: str) -> str:
    """Where a file of a node is: a node that is a plain process has its disk for a root."""
    if session.cluster.kind is not ClusterKind.LOCAL:
        return path
    from crmsh_py.lab.client import Lab

    lab = Lab(environ=session.environ)
    return lab.place.disk(node) + path if lab.status().isolation == "none" else path


def is_this_machine(session: Session, node: str) -> bool:
    """Whether a node of a real cluster is the machine that the shell runs on."""
    if session.cluster.kind is ClusterKind.LOCAL:
        return False
    return node == session.cluster.node and not programs(session, node).host

"""The logs of a running Corosync and Pacemaker, collected for ``history``.

They are on the nodes and may be long. So they are read once for a session, from all nodes at the
same time, from a moment on (an hour ago, where none is asked for), and of each no more than its
newest ``MAX_LOG`` bytes. What could not be had is told, and what there is is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.shell import on_nodes
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.value import frozen
from crmsh_py.views import log_lines

LOGS = (
    "/var/log/pacemaker/pacemaker.log",
    "/var/log/pacemaker.log",
    "/var/log/corosync/corosync.log",
    "/var/log/cluster/corosync.log",
)
MAX_LOG = 8 * 1024 * 1024  # bytes of one log of one node
USUAL = timedelta(hours=1)  # of the past, as with crmsh

# What is longer than the limit is named on standard error.
_SCRIPT = (
    'limit=$1; shift; for log; do [ -f "$log" ] || continue; size=$(wc -c < "$log") || exit;'
    ' [ "$size" -le "$limit" ] || echo "$log" >&2; tail -c "$limit" -- "$log" || exit; echo; done'
)


@frozen
class _Log:
    """What one node has: its lines, and the logs of which the beginning was left out."""

    lines: tuple[str, ...]
    cut: tuple[str, ...]


def collect(session: Session, since: datetime) -> list[tuple[str, str]]:
    """The lines (node, text) of all nodes from a moment on.

    Raises:
        NotFound: no node has a log.
        CrmError: none can be read.
    """
    nodes = on_nodes.names(session, ())
    session.console.info(
        f"the logs of {', '.join(nodes)} since {since:%b %d %H:%M} are collected;"
        " history limit looks further back, history refresh reads them again"
    )
    outcomes = on_nodes.each(session, nodes, lambda node: _read(session, node))
    found: list[tuple[str, str]] = []
    failed: list[CrmError] = []
    for node, outcome in outcomes.items():
        if isinstance(outcome, CrmError):
            failed.append(outcome)
            session.console.warning(f"there is no log of {node}: {outcome.message}")
            continue
        for path in outcome.cut:
            limit = MAX_LOG // (1024 * 1024)
            session.console.warning(f"{node}: only the last {limit} MB of {path} were read")
        found += ((node, line) for line in _from(outcome.lines, since))
    if len(failed) == len(nodes) and failed:
        raise failed[0]
    return found


def _read(session: Session, node: str) -> _Log:
    words = ["sh", "-c", _SCRIPT, "sh", str(MAX_LOG), *LOGS]
    outcome = on_nodes.run(session, node, words)
    said = outcome.err.decode(errors="replace").splitlines()
    if outcome.code != 0:
        raise CrmError(said[-1].strip() if said else "its logs cannot be read")
    text = outcome.out.decode(errors="replace")
    if not text.strip():
        raise NotFound(
            f"{node} has none of {', '.join(LOGS)}",
            hint=f"crm cluster run “journalctl -u corosync -u pacemaker” {node}",
        )
    # A log may be there by two names.
    return _Log(tuple(dict.fromkeys(text.splitlines())), tuple(p for p in said if p in LOGS))


def _from(lines: Sequence[str], since: datetime) -> list[str]:
    entries = log_lines.read((("", line) for line in lines), now=local_now())
    return [entry.line for entry in entries if entry.at >= since]

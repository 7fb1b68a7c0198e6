"""Single changes that commands make at once: ``resource move``, ``node standby`` and their like.

While a transaction is pending in configure, such a change joins it instead, as in crmsh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.cib.pairs import known_nodes
from crmsh_py.errors import NotFound, UsageError, did_you_mean
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import settle
from crmsh_py.tools import edits


def change(
    session: Session, edit: Callable[[Cib], Cib], *, client: str, checked: bool = False
) -> bool:
    """Make a change by a function of the configuration; returns whether anything changed.

    ``client`` is the program that status names as the author of the last change. With ``checked``
    what becomes wrong by the change is refused as a typed element would be. A person on a live
    cluster is asked before something stops (``consent``). Raises what the edit raises, and
    Conflict, NoQuorum … of the commit.
    """
    working = session.working
    if checked:
        edit = _checked(session, edit)
    if working.pending:
        working.edit(edit(working.cib()))
        session.console.info("this joins the pending changes; commit carries it out")
        return True
    from crmsh_py.shell import consent
    from crmsh_py.tools.common import commit

    consent.require(session, edit)
    version = commit(
        session.cluster,
        edit,
        client=client,
        force_no_quorum=session.options.force_no_quorum,
        base=working.cib(),
    )
    changed = version is not None
    if changed:
        working.refresh()
        settle(session, version)
    return changed


def check(session: Session, edit: Callable[[Cib], Cib]) -> None:
    """Raise what ``change`` with ``checked`` would, for something that comes before it."""
    _checked(session, edit)(session.working.cib())


def _checked(session: Session, edit: Callable[[Cib], Cib]) -> Callable[[Cib], Cib]:
    from crmsh_py.shell import commits
    from crmsh_py.shell.working import Typed

    def checked(cib: Cib) -> Cib:
        new = edit(cib)
        names = commits.changed_names(cib, new)
        commits.refuse_wrong(session, new, dict.fromkeys(names, Typed("")), cib)
        commits.warn_of_what_is_new(session, new, names, cib)
        return new

    return checked


def require_resources(session: Session, names: Sequence[str]) -> None:
    """Raise NotFound for the first name that no resource has."""
    cib = session.working.cib()
    for name in names:
        edits.find_resource(cib, name)


def require_node(session: Session, name: str | None) -> str:
    """The node that is meant: the one named, else the one that the shell sits on.

    Raises UsageError where it sits on none (a file; a cluster that is driven from outside).
    """
    if not name and session.cluster.node:
        return session.cluster.node
    nodes = [node.get("uname") for node in known_nodes(session.working.cib())]
    if not name:
        known = f"name one: {', '.join(nodes[:10])}" if nodes else "there are no nodes yet"
        raise UsageError("which node is meant? We are on none", hint=known)
    if name not in nodes:
        hint = did_you_mean(name, nodes) or f"there are {', '.join(nodes[:10])}"
        raise NotFound(f"there is no node {name}", hint=hint)
    return name

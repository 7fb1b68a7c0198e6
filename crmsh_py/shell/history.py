"""Configurations of the past, from the commits that a node has stored.

The newest configuration is known; every stored commit is a patch from the one before. Going back
applies their inverses, newest first, so nothing but the history itself is needed.
"""

from __future__ import annotations

from crmsh_py.cib.apply import apply
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.shell.session import Session
from crmsh_py.wire.control import Revision

_ENOUGH = 10_000


def names(revision: Revision) -> tuple[str, ...]:
    """How a revision may be called: 0.5.0, 0.5, and (admin_epoch 0) 5."""
    full = ".".join(map(str, revision.version))
    short = full.removesuffix(".0")
    return (full, short, short.removeprefix("0.")) if short.startswith("0.") else (full, short)


def at(session: Session, name: str) -> Cib:
    """The configuration that a revision made; ``current``, ``live`` and ``pending`` are words.

    Raises NotFound.
    """
    if name == "pending":
        return session.working.cib()
    newest = session.cluster.read_cib()
    if name in ("current", "live"):
        return newest
    stored = session.cluster.revisions(_ENOUGH)
    index = next((i for i, revision in enumerate(stored) if name in names(revision)), None)
    if index is None:
        raise NotFound(
            f"there is no revision {name}",
            name=name,
            possibilities=[names(revision)[0] for revision in stored[:50]],
            hint="crm configure revisions lists them",
        )
    return _back(newest, stored[:index])


def _back(cib: Cib, later: list[Revision]) -> Cib:
    """The document before these commits (newest first)."""
    for revision in later:
        if not revision.patch:
            raise CrmError(
                "the history has a gap: a configuration was taken whole from another node",
                hint="look at the history of another node: CRM_NODE=NODE",
            )
        cib = apply(cib, Patch.from_xml(revision.patch).inverse())
    return cib


__all__ = ["at", "diff", "names"]

"""Configurations of the past, from the commits that a node has stored."""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.errors import NotFound
from crmsh_py.shell.session import Session

_NO_EPOCH = 2**31 - 1  # larger ones cannot be asked for
_SUGGESTED = 1000  # stored commits that are looked through for a similar name


def at(session: Session, name: str) -> Cib:
    """The configuration that a revision made; ``current``, ``live`` and ``pending`` are words.

    A revision is called 0.5, or 5 where admin_epoch is 0; 0.5.31 is a later state of the same
    configuration. Raises NotFound.
    """
    if name == "pending":
        return session.working.cib()
    if name in ("current", "live"):
        return session.cluster.read_cib()
    numbers = [min(int(number[:12]), _NO_EPOCH) for number in name.split(".")]
    admin_epoch, epoch = numbers[:2] if len(numbers) > 1 else (0, numbers[0])
    try:
        return session.cluster.revision(admin_epoch, epoch)
    except NotFound as error:
        stored = session.cluster.revisions(_SUGGESTED)
        raise NotFound(
            error.message,
            name=f"{admin_epoch}.{epoch}",
            possibilities=[f"{r.version[0]}.{r.version[1]}" for r in stored],
            hint=error.hint or "crm configure revisions lists them",
        ) from None

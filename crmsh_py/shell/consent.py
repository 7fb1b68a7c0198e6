"""Before a single command interrupts something on a live cluster: the plan, and a question.

``resource stop``, ``node standby`` and their like commit at once. On a real cluster a person at the
prompt is shown the plan and asked first, as before a commit (``agreement``); on a lab nothing is
lost, and a script is never asked.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError
from crmsh_py.shell.session import Session


def require(session: Session, edit: Callable[[Cib], Cib]) -> None:
    """Ask if the change would interrupt something. Raises CrmError when the answer is no."""
    if not _is_asked(session):
        return
    from crmsh_py.shell.agreement import agreed

    base = session.working.cib()
    if not agreed(session, base, edit(base)):
        raise CrmError("nothing was changed")


def require_for(session: Session, what: str) -> None:
    """Ask about something that interrupts everything on a node."""
    if _is_asked(session) and not session.console.ask(f"{what}. Do you still want it"):
        raise CrmError("nothing was changed")


def _is_asked(session: Session) -> bool:
    live = session.cluster.kind is ClusterKind.PACEMAKER
    return live and session.interactive and not session.options.force

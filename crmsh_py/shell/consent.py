"""Before a single command stops something on a live cluster: what would follow, and a question.

Only a person at the prompt is asked, and only on a real cluster: on a lab nothing is lost, a
script is never asked, and ``-F`` answers yes. What would follow is our plan of the changed
configuration, in the state that the cluster is in.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.document import Cib
from crmsh_py.errors import CrmError
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now


def require(session: Session, edit: Callable[[Cib], Cib]) -> None:
    """Ask if the change would stop something. Raises CrmError when the answer is no."""
    if not _is_asked(session):
        return
    from crmsh_py.scheduler.plan import plan
    from crmsh_py.shell.agreement import INTERRUPTING
    from crmsh_py.views.plan import render

    made = plan(edit(session.cluster.read_cib()), now=local_now())
    if any(change.change in INTERRUPTING for change in made.changes):
        console = session.console
        console.out(render(made, colour=console.colour(console.out_stream)))
        _ask(session, "Something will stop. Do you still want it")


def require_for(session: Session, what: str) -> None:
    """Ask about something that stops everything on a node."""
    if _is_asked(session):
        _ask(session, f"{what}. Do you still want it")


def _is_asked(session: Session) -> bool:
    live = session.cluster.kind == "pacemaker"
    return live and session.interactive and not session.options.force


def _ask(session: Session, question: str) -> None:
    if not session.console.ask(question):
        raise CrmError("nothing was changed")

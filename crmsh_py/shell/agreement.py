"""Before a commit in the REPL: what it will do, and whether that is meant.

The plan is shown whenever the cluster would do something; the question is asked when something
that runs would be interrupted by the changes (not by what the cluster is about to do anyway).
Scripts and one-shots are never asked. The preference ``repl.confirm`` says more or less.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.scheduler.result import Change, Plan, ResourceChange
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now

INTERRUPTING = frozenset(
    {Change.STOP, Change.FENCE, Change.MOVE, Change.RESTART, Change.RECOVER, Change.DEMOTE}
)
_NAMED = 4


def agreed(session: Session, base: Cib, cib: Cib) -> bool:
    """Show what the commit of ``cib`` in place of ``base`` does; False if that is not wanted."""
    confirm = session.preferences.get("repl.confirm")
    if session.cluster.kind is ClusterKind.FILE or session.options.force or confirm == "never":
        return True
    console, state = session.console, session.cluster.read_cib()  # nodes die while somebody types
    preview = previewed(session, state, base, cib)
    if preview is None:
        return True
    if preview:
        return console.ask(f"{preview}. Do you still want to commit")
    return confirm != "always" or console.ask("Do you want to commit")


def previewed(session: Session, state: Cib, base: Cib, cib: Cib) -> str | None:
    """Show what ``cib`` in place of ``base`` does to a cluster that is in a state.

    Returns a sentence about what it would interrupt ('' for nothing), None if nothing is done.
    """
    from crmsh_py.scheduler.plan import plan
    from crmsh_py.shell.working import with_state_of
    from crmsh_py.views.plan import render

    now = local_now()
    base, cib = with_state_of(state, base), with_state_of(state, cib)
    made = plan(cib, now=now, traced=True)
    changes = [change for change in made.changes if change.change is not Change.LEAVE]
    if not changes:
        return None
    session.console.out(render(made, colour=session.console.colour(session.console.out_stream)))
    interrupted = [change for change in changes if change.change in INTERRUPTING]
    if interrupted:
        before = plan(base, now=now)
        interrupted = [c for c in interrupted if not _planned(c, before)]
    return _sentence(interrupted) if interrupted else ""


def _planned(change: ResourceChange, before: Plan) -> bool:
    """Whether the cluster is about to do the same without the commit."""
    return any(
        (c.resource, c.change, c.from_node, c.to_node)
        == (change.resource, change.change, change.from_node, change.to_node)
        for c in before.changes
    )


def _sentence(changes: list[ResourceChange]) -> str:
    """``web and mail will be interrupted``."""
    names = list(dict.fromkeys(change.resource for change in changes))
    if len(names) > _NAMED:
        return f"{len(names)} of what runs will be interrupted"
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} will be interrupted"

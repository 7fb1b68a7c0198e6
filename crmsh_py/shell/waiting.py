"""Waiting for the cluster, with a word about what it is doing meanwhile.

On a terminal one line is drawn anew; elsewhere (and at a plain prompt) a line goes to standard
error whenever the actions change. What was asked for stays asked for when the waiting ends early,
by Ctrl-C or by its limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from crmsh_py.errors import TimedOut
from crmsh_py.shell.console import Interrupted
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.version import Version
    from crmsh_py.scheduler.result import ResourceChange

WAIT_S = 120.0  # how long -w and waiting commands give the cluster
STEP_S = 0.5  # how often to look
WORDS_AFTER_S = 1.0  # what takes less needs no words
_SHOWN = 4  # actions that are named
_CLEAR = "\r\033[K"


def settle(session: Session, version: Version | None = None) -> None:
    """With -w: return when the cluster has carried out what was changed."""
    if not session.options.wait and not session.preferences.is_on("core.wait"):
        return
    try:
        until_idle(session, timeout_s=WAIT_S, version=version)
    except KeyboardInterrupt:
        session.console.warning(
            "the change is made; the cluster is still carrying it out"
            "\n  crm status shows how far it is"
        )
        raise Interrupted from None


def until_idle(
    session: Session, *, timeout_s: float, what: str = "", version: Version | None = None
) -> None:
    """Return when the DC has nothing left to do, for that version of the configuration or later.

    ``what`` says what is waited for. Raises TimedOut with what is still under way.
    """
    progress = _Progress(session, what)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            left = deadline - time.monotonic()
            try:
                session.cluster.wait_idle(timeout_s=max(0.05, min(STEP_S, left)), version=version)
                return
            except TimedOut:
                if left <= STEP_S:
                    raise _took_too_long(session, timeout_s) from None
            progress.show()
    finally:
        progress.end()


def _took_too_long(session: Session, timeout_s: float) -> TimedOut:
    doing = ", ".join(under_way(session)) or "the cluster does not say at what"
    return TimedOut(
        f"the cluster is still busy after {timeout_s:.0f} s: {doing}",
        hint="it goes on; crm status shows how far it is, crm why RSC what it waits for",
    )


def under_way(session: Session) -> list[str]:
    """The actions that run now, else those that are planned: ``stop WebSite on pacemaker01``."""
    from crmsh_py.scheduler.plan import plan
    from crmsh_py.scheduler.result import Change
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views.mon_facts import primitives

    cib = session.cluster.read_cib()
    status = cluster_status(cib, now=local_now())
    running = [
        f"{p.pending_task} {p.id}{f' on {p.pending_node}' if p.pending_node else ''}"
        for p in primitives(status.resources)
        if p.pending_task and p.pending_task != "monitor"
    ]
    if running:
        return running
    return [
        _words(change)
        for change in plan(cib, now=local_now()).changes
        if change.change is not Change.LEAVE
    ]


def _words(change: ResourceChange) -> str:
    if change.from_node and change.to_node and change.from_node != change.to_node:
        return f"{change.change.value} {change.resource} to {change.to_node}"
    return f"{change.change.value} {change.resource} on {change.to_node or change.from_node}"


class _Progress:
    """The words of one waiting."""

    def __init__(self, session: Session, what: str) -> None:
        self._session = session
        self._what = what or "waiting for the cluster"
        self._begin = time.monotonic()
        self._stream = session.console.err_stream
        self._redraws = session.console.redraws and self._stream.isatty()
        self._drawn = False
        self._said: list[str] = []

    def show(self) -> None:
        """Say what is under way, if it takes long enough to be worth a word."""
        seconds = time.monotonic() - self._begin
        if seconds < WORDS_AFTER_S:
            return
        actions = under_way(self._session)
        text = self._what + ("".join(self._parts(actions)) if actions else "")
        if self._redraws:
            self._stream.write(f"{_CLEAR}{text}  {seconds:.0f} s"[:200])
            self._stream.flush()
            self._drawn = True
        elif actions and actions != self._said:
            self._said = actions
            print(text, file=self._stream, flush=True)

    def _parts(self, actions: list[str]) -> Iterator[str]:
        yield f": {', '.join(actions[:_SHOWN])}"
        if len(actions) > _SHOWN:
            yield f" and {len(actions) - _SHOWN} more"

    def end(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()

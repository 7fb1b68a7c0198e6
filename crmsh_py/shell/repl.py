"""The interactive shell: read a line, run it, say what happened.

The prompt tells which cluster is edited and where one stands (``crm(live/node1)configure# ``);
the lines at the bottom tell how the cluster stands, what is pending and what is being typed. When
the node that the shell sits on dies, the shell moves to another one and says so. Ctrl-C drops the
line or interrupts a command, Ctrl-D leaves.

On a terminal that can only do lines (and for screen readers) the prompt is a plain one.
"""

from __future__ import annotations

import sys

from crmsh_py.errors import CrmError
from crmsh_py.lang.words import logical_lines
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.dispatch import run_line
from crmsh_py.shell.paging import Pager
from crmsh_py.shell.prompting import follow
from crmsh_py.shell.session import Session


def run(session: Session) -> int:
    """Be interactive until the user leaves; returns the exit code of ``crm``."""
    snapshots = Snapshots(session)
    snapshots.refresh()
    try:
        if is_plain(session):
            session.console.be_plain()
            from crmsh_py.shell.plain import read_lines
        else:
            session.console.pager = lambda text: paged(session, text)
            from crmsh_py.shell.terminal import read_lines
        for text in read_lines(session, snapshots):
            run_text(session, text)
            snapshots.refresh()
    finally:
        snapshots.close()
    if session.leaving or not session.levels:
        session.console.out("bye")
    return 0


def paged(session: Session, text: str) -> bool:
    """Show a text that is longer than the screen by the pager that is preferred now."""
    return Pager(session.preferences.get("core.pager"), session.environ).show(text)


def is_plain(session: Session) -> bool:
    """Whether the prompt is a plain one: asked for, or all that the terminal can do."""
    environ = session.environ
    return (
        bool(environ.get("CRM_PLAIN_PROMPT"))
        or environ.get("TERM", "dumb") in ("dumb", "unknown", "")
        or session.preferences.is_on("repl.plain")
        or not sys.stdout.isatty()
    )


def run_text(session: Session, text: str) -> None:
    """Run what was typed; whatever goes wrong is said, and nothing is lost by it.

    Of several lines that were pasted those after a mistake are run all the same, those after Ctrl-C
    are not.
    """
    lines = list(logical_lines(text))
    for number, line in enumerate(lines, 1):
        try:
            run_line(session, line)
        except CrmError as error:
            session.console.error(error)
            follow(session)
        except KeyboardInterrupt:
            print(file=sys.stderr)
            pending = "; what was not committed is still pending"
            more = len(lines) - number
            left = f"; {more} more of the lines were not run" if more else ""
            said = f"interrupted{left}{pending if session.edited is not None else ''}"
            session.console.warning(said)
            return
        else:
            if sentence := session.moved():
                session.console.warning(sentence)
        if session.leaving:
            return

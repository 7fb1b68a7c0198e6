"""What every prompt does, the plain one and that of a terminal: say where one stands, and leave."""

from __future__ import annotations

import sys

from crmsh_py.errors import CrmError
from crmsh_py.shell.dispatch import leave_configure
from crmsh_py.shell.session import Session
from crmsh_py.shell.toolbar import Place


def follow(session: Session) -> bool:
    """Move to another node if ours has died, and say so.

    Ctrl-C ends the looking (a node that hangs is waited for) and nothing else: False then.
    """
    try:
        sentence = session.follow_node()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return False
    if sentence:
        session.console.warning(sentence)
    return True


def leave(session: Session) -> bool:
    """What Ctrl-D does; False when pending changes could not be committed."""
    try:
        leave_configure(session)
    except CrmError as error:
        session.console.error(error)
        return False
    except KeyboardInterrupt:
        print()
        return False
    session.levels = ()
    return True


def prompt_text(session: Session) -> str:
    """``crm(live/pacemaker01)configure# ``"""
    return f"crm({session.label}){' '.join(session.levels)}# "


def place_of(session: Session) -> Place:
    """Where a person stands, as it is after a command."""
    edited = session.edited
    pending: tuple[str, ...] = ()
    if edited is not None:
        from crmsh_py.shell.commits import changed_names

        base = session.working.base
        gone = {*changed_names(edited, base)} - {*changed_names(base, edited)}
        pending = tuple(sorted({*changed_names(base, edited), *gone}))
    level = session.levels[-1] if session.levels else "root"
    return Place(level, session.node, session.shadow, pending)

"""The ``options`` level: a user's preferences."""

from __future__ import annotations

from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.preferences import TABLE, find
from crmsh_py.shell.session import Session
from crmsh_py.views import options as view


def show(session: Session, call: CommandCall) -> int:
    """All preferences, or one, with what they are for."""
    name = call.get("OPTION_NAME") or "all"
    wanted = TABLE.values() if name == "all" else [find(name)]
    chosen = session.preferences
    record = view.Options(
        options=tuple(
            view.OptionRecord(
                name=one.name,
                value=chosen.get(one.name),
                default=one.default,
                chosen=chosen.is_set(one.name),
                help=one.help,
            )
            for one in wanted
        )
    )
    session.show(view.text(record), lambda: record)
    return 0


def set(session: Session, call: CommandCall) -> int:
    """Choose; a one-shot keeps the choice at once, in the shell ``save`` does."""
    name = call.get("OPTION_NAME") or call.typed
    session.preferences.set(name, call.get("VALUE") or "")
    if not session.interactive:
        session.preferences.save(session.environ)
    return 0


def save(session: Session, call: CommandCall) -> int:
    """Keep what was chosen."""
    session.console.info(f"saved in {session.preferences.save(session.environ)}")
    return 0


def reset(session: Session, call: CommandCall) -> int:
    """Back to the defaults, for good."""
    session.preferences.reset(session.environ)
    return 0

"""The interactive shell: read a line, run it, say what happened.

The prompt tells which cluster is edited and where one stands (``crm(live/node1)configure# ``);
the line at the bottom tells about quorum and pending changes. When the node that the shell sits on
dies, the shell moves to another one and says so. Ctrl-C drops the line, Ctrl-D leaves.
"""

from __future__ import annotations

import os
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.styles import Style

from crmsh_py.errors import CrmError
from crmsh_py.lang.words import logical_lines
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.completer import CrmCompleter, sources_of
from crmsh_py.shell.dispatch import leave_configure, run_line
from crmsh_py.shell.session import Session

_STYLE = Style.from_dict(
    {
        "prompt": "ansigreen bold",
        "prompt.pending": "ansiyellow bold",
        "bottom-toolbar": "noreverse fg:ansibrightblack",
        "pygments.keyword": "ansiyellow",
        "pygments.name.attribute": "ansicyan",
        "pygments.literal.string": "ansired",
        "pygments.literal.number": "ansimagenta",
        "pygments.name.class": "ansigreen",
        "pygments.error": "ansired underline",
    }
)


def run(session: Session) -> int:
    """Be interactive until the user leaves; returns the exit code of ``crm``."""
    if session.environ.get("CRM_PLAIN_PROMPT") or session.environ.get("TERM") == "dumb":
        return _plain(session)
    snapshots = Snapshots(session)
    snapshots.refresh()
    prompt: PromptSession[str] = PromptSession(
        history=_history(session),
        completer=ThreadedCompleter(
            CrmCompleter(
                lambda: sources_of(session, snapshots),
                lambda: session.levels[-1] if session.levels else "root",
            )
        ),
        complete_while_typing=False,
        lexer=_lexer(session),
        style=_STYLE,
        key_bindings=_bindings(),
        editing_mode=EditingMode.EMACS,
        bottom_toolbar=lambda: _toolbar(session, snapshots),
        enable_history_search=True,
    )
    while not session.leaving:
        follow(session)
        try:
            text = prompt.prompt(lambda: _prompt(session))
            while text.rstrip().endswith("\\"):
                text += "\n" + prompt.prompt("   > ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            if _leave(session):
                break
            continue
        follow(session)
        run_text(session, text)
        snapshots.refresh()
    snapshots.close()
    if session.leaving or not session.levels:
        session.console.out("bye")
    return 0


def run_text(session: Session, text: str) -> None:
    """Run what was typed; whatever goes wrong is said, and nothing is lost by it."""
    for line in logical_lines(text):
        try:
            run_line(session, line)
        except CrmError as error:
            session.console.error(error)
            follow(session)
        except KeyboardInterrupt:
            session.console.warning("interrupted; what was not committed is still pending")
        if session.leaving:
            return


def follow(session: Session) -> None:
    """Move to another node if ours has died, and say so."""
    if sentence := session.follow_node():
        session.console.warning(sentence)


def _leave(session: Session) -> bool:
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


def _plain(session: Session) -> int:
    """A terminal that can do nothing but lines."""
    while not session.leaving:
        follow(session)
        try:
            run_text(session, input(prompt_text(session)))
        except EOFError:
            if _leave(session):
                break
        except KeyboardInterrupt:
            print()
    return 0


def prompt_text(session: Session) -> str:
    """``crm(live/pacemaker01)configure# ``"""
    return f"crm({session.label}){' '.join(session.levels)}# "


def _prompt(session: Session) -> FormattedText:
    style = "class:prompt.pending" if session.working.pending else "class:prompt"
    return FormattedText([(style, prompt_text(session))])


def _toolbar(session: Session, snapshots: Snapshots) -> FormattedText:
    snapshot = snapshots.current
    parts = [snapshot.standing.problem or snapshot.standing.kind]
    if session.working.pending:
        parts.append("changes pending: commit, or refresh")
    return FormattedText([("class:bottom-toolbar", "  ".join(parts))])


def _history(session: Session) -> History:
    """The history file of this user, in a directory that nobody else can read."""
    home = session.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(home) / "crmsh-py"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "history").touch(mode=0o600, exist_ok=True)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(directory / "history"))


def _lexer(session: Session) -> PygmentsLexer | None:
    if "NO_COLOR" in session.environ or session.options.display == "plain":
        return None
    from crmsh_py.lang.highlight import CrmLexer

    return PygmentsLexer(CrmLexer)


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("?")
    def _help(event: KeyPressEvent) -> None:
        """A question mark on an empty line asks for help; elsewhere it is a character."""
        buffer = event.current_buffer
        buffer.insert_text("?")
        if buffer.text == "?":
            buffer.validate_and_handle()

    return bindings

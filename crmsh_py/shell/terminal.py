"""The command line of the interactive shell: keys, colours, menus, history. All of it is
prompt_toolkit's; this module only says how ours is set up.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, has_focus, vi_navigation_mode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from crmsh_py.regex import regex
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.candidates import offer
from crmsh_py.shell.completer import CrmCompleter, one_line, sources_of
from crmsh_py.shell.live import Live, LiveLexer
from crmsh_py.shell.next_words import next_words
from crmsh_py.shell.prompting import follow, leave, place_of, prompt_text
from crmsh_py.shell.session import Session
from crmsh_py.shell.toolbar import Place

STYLE = Style.from_dict(
    {
        "prompt": "ansigreen bold",
        "prompt.pending": "ansiyellow bold",
        "continuation": "ansibrightblack",
        "auto-suggestion": "ansibrightblack",
        "wrong": "underline ansired",
        "unknown": "underline ansiyellow",
        "pygments.keyword": "ansiyellow",
        "pygments.name.attribute": "ansicyan",
        "pygments.name.class": "ansigreen bold",
        "pygments.name.variable": "ansigreen",
        "pygments.name.function": "ansiblue",
        "pygments.literal.string": "ansired",
        "pygments.literal.number": "ansimagenta",
        "pygments.comment": "ansibrightblack",
        "pygments.error": "underline ansired",
        "completion-menu": "bg:#303446 #c6d0f5",
        "completion-menu.completion.current": "noreverse bg:#8caaee #232634",
        "completion-menu.meta.completion": "bg:#292c3c #a5adce",
        "completion-menu.meta.completion.current": "bg:#51576d #f2d5cf",
        "completion.required": "bold",
        "scrollbar.background": "bg:#414559",
        "scrollbar.button": "bg:#8caaee",
        "bottom-toolbar": "noreverse bg:#292c3c #c6d0f5",
        "bar": "bg:#292c3c #c6d0f5",
        "bar.dim": "bg:#292c3c #838ba7",
        "bar.name": "bg:#292c3c #8caaee bold",
        "bar.good": "bg:#292c3c #a6d189",
        "bar.warn": "bg:#292c3c #e5c890",
        "bar.bad": "bg:#292c3c #e78284 bold",
        "bar.pending": "bg:#e5c890 #232634",
    }
)
_PLAIN_STYLE = Style.from_dict({"bottom-toolbar": "reverse", "wrong": "underline"})
_CONTINUES = regex(r"(?:^|[^\\])(?:\\\\)*\\$")


def open_prompt(
    session: Session, snapshots: Snapshots, place: Callable[[], Place]
) -> PromptSession[str]:
    """The command line of a session."""
    preferences = session.preferences
    live = Live(lambda: sources_of(session, snapshots), place)
    coloured = session.console.coloured
    toolbar = preferences.is_on("repl.toolbar")
    prompt: PromptSession[str] = PromptSession(
        history=history_of(session),
        completer=ThreadedCompleter(
            CrmCompleter(lambda: sources_of(session, snapshots), lambda: place().level)
        ),
        complete_style=CompleteStyle.COLUMN,
        lexer=LiveLexer(live) if coloured else None,
        style=STYLE if coloured else _PLAIN_STYLE,
        include_default_pygments_style=False,
        color_depth=None if coloured else ColorDepth.DEPTH_1_BIT,
        key_bindings=_bindings(session, snapshots, place),
        multiline=True,
        prompt_continuation=_continuation,
        search_ignore_case=True,
        enable_open_in_editor=True,
        enable_suspend=True,
        tempfile_suffix=".crm",
        bottom_toolbar=(lambda: _toolbar(live)) if toolbar else None,
    )
    snapshots.on_change = prompt.app.invalidate
    return prompt


def _continuation(width: int, line: int, wraps: int) -> FormattedText:
    """Before a line that goes on after a backslash; a long line goes on without a sign."""
    return FormattedText([] if wraps else [("class:continuation", "   > ")])


def _toolbar(live: Live) -> FormattedText:
    app = get_app()
    document = app.current_buffer.document
    text = document.text_before_cursor if app.current_buffer.name == DEFAULT_BUFFER else ""
    return FormattedText(live.toolbar(text, app.output.get_size().columns))


def history_of(session: Session) -> History:
    """The history file of this user, in a directory that nobody else can read; what is no file
    that can be written to is left alone, and this run's lines are remembered for this run.
    """
    home = session.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(home, "crmsh-py", "history")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return InMemoryHistory()
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


# ---- keys ----------------------------------------------------------------------------------------


def _bindings(session: Session, snapshots: Snapshots, place: Callable[[], Place]) -> KeyBindings:
    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @bindings.add("enter", filter=typing)
    def _enter(event: KeyPressEvent) -> None:
        """Run the line; after a backslash, go on below. In a menu: take what is chosen."""
        buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:
            buffer.complete_state = None
        elif _CONTINUES.search(buffer.document.text):
            buffer.cursor_position = len(buffer.text)
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("?", filter=typing & ~vi_navigation_mode & Condition(_between_words))
    def _question(event: KeyPressEvent) -> None:
        """Between words a question mark shows what may come next; inside one it is a character."""
        text = one_line(event.current_buffer.document.text_before_cursor)
        columns = event.app.output.get_size().columns
        found = offer(sources_of(session, snapshots), text, place().level)
        run_in_terminal(lambda: session.console.out(next_words(found, columns)))

    return bindings


def _between_words() -> bool:
    document = get_app().current_buffer.document
    before = document.text_before_cursor
    quotes = re.sub(r"\\.", "", before)
    open_quote = quotes.count('"') % 2 or quotes.count("'") % 2
    return document.is_cursor_at_the_end and not open_quote and (not before or before[-1].isspace())


def _prefer(prompt: PromptSession[str], session: Session) -> None:
    """Take over what the user prefers now: ``options set`` holds from the next line on."""
    preferences = session.preferences
    vi, typing = preferences.get("repl.keys") == "vi", preferences.get("repl.complete") == "typing"
    prompt.editing_mode = EditingMode.VI if vi else EditingMode.EMACS
    prompt.complete_while_typing = typing
    prompt.enable_history_search = not typing  # prompt_toolkit can do one of both
    prompt.auto_suggest = AutoSuggestFromHistory() if preferences.is_on("repl.suggest") else None


# ---- reading lines -------------------------------------------------------------------------------


def read_lines(session: Session, snapshots: Snapshots) -> Iterator[str]:
    """What a person types, until the person leaves."""
    here = place_of(session)
    prompt = open_prompt(session, snapshots, lambda: here)
    while not session.leaving:
        try:
            follow(session)
            label = prompt_text(session)
            here = place_of(session)
            _prefer(prompt, session)
            style = "class:prompt.pending" if here.pending else "class:prompt"
            text = prompt.prompt(FormattedText([(style, label)]))
        except KeyboardInterrupt:
            continue
        except EOFError:
            if leave(session):
                return
            continue
        if follow(session):  # Ctrl-C there means the line that was just typed
            yield text

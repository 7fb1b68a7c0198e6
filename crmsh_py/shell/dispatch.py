"""From a line of text to a handler: levels, one-shots, batches.

A line is parsed by the grammar at the level where it is typed, and may walk through levels to its
command. A person moves by typing a level's name alone. Leaving ``configure`` with changes commits
them (a one-shot always leaves it), as in crmsh.
"""

from __future__ import annotations

import importlib
import keyword
from collections.abc import Callable
from functools import partial

from crmsh_py.errors import CrmError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.lang.words import LogicalLine, Piece, logical_lines
from crmsh_py.regex import regex
from crmsh_py.shell.console import INTERRUPTED
from crmsh_py.shell.session import Session
from crmsh_py.value import replace

# Commands whose handlers are in a module of their own: looking must not load what changes things.
_MODULES = {
    ("configure", "look"): {"show", "schema", "get_property", "graph", "revisions", "diff"},
    ("resource", "look"): {"status", "locate", "constraints", "operations", "scores"},
    ("resource", "move"): {"move", "ban", "clear", "restart"},
    ("root", "report"): {"report"},
    ("root", "test"): {"test"},
    ("resource", "secret"): {"secret", "trace", "untrace"},
}
_ASKS_FOR_FORM = regex(r"(?<!\S)--output-as(?:=|\s+)([^\s'\"]+)\s*\Z")
Handler = Callable[[Session, CommandCall], int | None]


def single_line(text: str) -> LogicalLine:
    """A line typed by hand, or made of the words of a one-shot."""
    return LogicalLine(text, 0, (Piece(0, 0, text),))


def run_line(session: Session, line: LogicalLine, *, origin: str = "") -> int:
    """Run one line where the session stands; returns its exit code. Raises CrmError kinds."""
    from crmsh_py.lang.parser import parse_command

    level = session.levels[-1] if session.levels else "root"
    line, form = without_form(line)
    call = parse_command(line, level, above=session.levels[:-1], origin=origin or None)
    for word, full in call.guessed:
        session.console.info(f"“{word}” is accepted as “{full}”")
    before = session.form
    session.form = form or before
    try:
        return run_call(session, call, line, origin=origin)
    finally:
        session.form = before


def without_form(line: LogicalLine) -> tuple[LogicalLine, str]:
    """A line without its ``--output-as FORM`` at the end, and that form ('' for none).

    Raises UsageError for a form that there is not.
    """
    asked = _ASKS_FOR_FORM.search(line.text) if "--output-as" in line.text else None
    if asked is None or " -- " in line.text:
        return line, ""
    from crmsh_py.shell.options import checked_form

    return replace(line, text=line.text[: asked.start()]), checked_form(asked[1])


def run_call(session: Session, call: CommandCall, line: LogicalLine, *, origin: str = "") -> int:
    """Run a parsed command, and what follows from the levels that it went through."""
    if call.name == "enter":
        session.levels = (*session.levels, *call.path)
        return 0
    session.line, session.origin = line, origin
    session.begin_command()
    outer = session.levels
    inner = (*outer, *call.path)
    walks_in = "configure" in call.path and "configure" not in outer
    session.levels = inner
    try:
        code = handler_of(call)(session, call)
        if walks_in:
            code = leave_configure(session, asking=False) or code
    finally:
        # A line that walks comes back to where it began, unless its command went elsewhere, or a
        # person's changes are still pending: these can only be mended or dropped in there.
        if session.levels == inner:
            stays = walks_in and session.interactive and session.edited is not None
            session.levels = inner[: inner.index("configure") + 1] if stays else outer
    return code or 0


def handler_of(call: CommandCall) -> Handler:
    """The function that carries a command out."""
    place = f"crmsh_py.shell.cmd_{call.level}"
    for (level, part), names in _MODULES.items():
        if call.level == level and call.name in names:
            place += f"_{part}"
    module = importlib.import_module(place)
    handler: Handler = getattr(module, handler_name(call))
    return handler


def handler_name(call: CommandCall) -> str:
    """What the function is called; a word that Python keeps for itself gets a ``_``."""
    name = "element" if call.element is not None else call.name.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def leave_configure(session: Session, *, asking: bool = True) -> int:
    """Commit what is pending on the way out; returns an exit code.

    In the REPL the user is asked first, and CrmError says that one has to stay: nothing that was
    typed is lost but by an answer. A script takes nothing along: what cannot be committed is lost.
    Without ``asking`` it is one whole line that is left with: only what it would interrupt is
    asked about.
    """
    working = session.working
    if not working.pending:
        return 0
    from crmsh_py.shell.commits import commit  # all checks: nobody who only looks needs them

    if session.interactive:
        _leave_in_person(session, asking=asking)
        return 0
    if working.refused:
        session.console.error("the changes that were refused above were not committed")
        working.refresh()
        return 1
    try:
        return commit(session)
    finally:
        working.refresh()


def _leave_in_person(session: Session, *, asking: bool) -> None:
    from crmsh_py.shell.commits import commit

    console, working = session.console, session.working
    stay = CrmError(
        "the changes are still pending", hint="change and commit them, or drop them by: refresh"
    )
    if working.refused:
        if not console.ask("The changes were refused. Do you want to drop them and leave"):
            raise stay
        working.refresh()
    elif (
        not asking
        or session.options.force
        or console.ask("There are changes pending. Do you want to commit them")
    ):
        if commit(session) != 0:
            raise stay
    else:
        console.info("the changes were dropped")
        working.refresh()


def run_batch(session: Session, text: str, origin: str) -> int:
    """Run a script: every line, whatever happens to the others; 1 if any failed.

    What is pending at the end is committed, as when leaving the configure level. Ctrl-C ends the
    script where it is: nothing after it is run, and nothing that was pending is committed.
    """
    console = session.console
    failed = False
    try:
        for line in logical_lines(text):
            console.place = f"{origin}:{line.line}" if origin else ""
            failed |= not _runs(session, partial(run_line, session, line, origin=origin))
            if session.leaving:
                break
        else:
            console.place = origin
            failed |= not _runs(session, partial(leave_configure, session))
    except KeyboardInterrupt:
        dropped = "; what was pending is dropped" if session.working.pending else ""
        console.error(f"interrupted; nothing after this was run{dropped}")
        return INTERRUPTED
    finally:
        console.place = ""
    return 1 if failed else 0


def _runs(session: Session, step: Callable[[], int]) -> bool:
    """Run one step of a script; False if it failed, which was told."""
    try:
        code = step()
    except CrmError as error:
        session.console.error(error)
        return False
    except BrokenPipeError:  # who read has seen enough; the rest is to be done all the same
        session.console.reader_is_gone()
        return True
    if code == INTERRUPTED:  # Ctrl-C ended a program that the step had started (lab exec)
        raise KeyboardInterrupt
    return code == 0

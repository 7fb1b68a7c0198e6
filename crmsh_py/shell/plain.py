"""The prompt without colours, menus and moving lines: for screen readers, simple terminals and
programs that type. Lines are edited by readline, TAB lists what completion offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crmsh_py.errors import CrmError
from crmsh_py.lang.words import quote_word
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.prompting import follow, leave, prompt_text
from crmsh_py.shell.session import Session


def read_lines(session: Session, snapshots: Snapshots) -> Iterator[str]:
    """What a person types, until the person leaves; a backslash at the end goes on below."""
    _with_readline(session, snapshots)
    while not session.leaving:
        try:
            follow(session)
            text = input(prompt_text(session))
            while text.endswith("\\"):
                text += "\n" + input("   > ")
        except EOFError:
            print()
            if leave(session):
                return
            continue
        except KeyboardInterrupt:
            print()
            continue
        yield text


def _with_readline(session: Session, snapshots: Snapshots) -> None:
    try:
        import readline
    except ImportError:
        return  # a Python without it: lines are edited by the terminal alone
    readline.set_completer_delims(" \t\n")
    readline.set_completer(_completer(session, snapshots, readline.get_line_buffer))
    readline.parse_and_bind("tab: complete")


def _completer(
    session: Session, snapshots: Snapshots, line: Callable[[], str]
) -> Callable[[str, int], str | None]:
    found: list[str] = []

    def complete(word: str, number: int) -> str | None:
        if number == 0:
            found[:] = _texts(session, snapshots, line(), word)
        return found[number] if number < len(found) else None

    return complete


def _texts(session: Session, snapshots: Snapshots, line: str, word: str) -> list[str]:
    from crmsh_py.shell.candidates import offer
    from crmsh_py.shell.completer import sources_of

    level = session.levels[-1] if session.levels else "root"
    try:
        candidates = offer(sources_of(session, snapshots), line, level).candidates
    except CrmError:
        return []
    texts = [c.text if c.open else f"{quote_word(c.text)} " for c in candidates]
    return [text for text in texts if text.lower().startswith(word.lower())]

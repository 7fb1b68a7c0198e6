"""Completion in the terminal: prompt_toolkit's side of ``shell.candidates``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText

from crmsh_py.errors import CrmError
from crmsh_py.lang.words import quote_word
from crmsh_py.shell.background import Snapshots
from crmsh_py.shell.candidates import offer
from crmsh_py.shell.session import Session
from crmsh_py.shell.sources import Candidate, Sources


def sources_of(session: Session, snapshots: Snapshots) -> Sources:
    """Where the names of a session come from, as they are at this moment."""
    from crmsh_py.shell import cmd_template

    return Sources(
        snapshots.current,
        session.catalogue,
        cmd_template.shipped,
        lambda: cmd_template.begun(session),
    )


class CrmCompleter(Completer):
    """Candidates for the word before the cursor, with a line about each."""

    def __init__(self, sources: Callable[[], Sources], level: Callable[[], str]) -> None:
        self._sources = sources
        self._level = level

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Called in a thread of its own: the terminal does not wait for it."""
        text = one_line(document.text_before_cursor)
        try:
            found = offer(self._sources(), text, self._level())
        except CrmError:
            return
        behind = document.text_after_cursor[:1]
        for candidate in found.candidates:
            yield _completion(candidate, text[found.start :], blank=not behind.strip())


def one_line(text: str) -> str:
    """A text of continued lines as one line, with every character at its place."""
    return text.replace("\\\n", "  ").replace("\n", " ")


def _completion(candidate: Candidate, typed: str, *, blank: bool) -> Completion:
    text = quote_word(candidate.text) if not candidate.open else candidate.text
    display = FormattedText(
        [("class:completion.required" if candidate.required else "", candidate.label(typed))]
    )
    end = "" if candidate.open or not blank else " "
    return Completion(
        text + end, start_position=-len(typed), display=display, display_meta=candidate.about
    )

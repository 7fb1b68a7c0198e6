"""What can go wrong for a user, as values that know how to show themselves.

    CrmError                     anything that a user can be told about (exit code 1)
    ├── UsageError               a command line that says nothing we can do (2)
    ├── SyntaxProblem            text that the language does not allow, with its place
    ├── ConfigError              a configuration that must not be taken
    ├── NotFound                 a name that nothing has, with near names
    ├── Ambiguous                a name that several things have (109, as Pacemaker's tools)
    ├── Conflict                 somebody else changed the same thing meanwhile
    ├── NoQuorum                 this side of the cluster may not change the configuration
    ├── NotPermitted             the system or the cluster's ACLs forbid it
    ├── ClusterUnreachable       no cluster, or none that answers (102, as Pacemaker's tools)
    ├── TimedOut                 it was asked for, but has not happened in time (124)
    └── ProtocolError            a peer or a client sent what it must not
        ├── LocalProtocolError   … we are about to (a bug: never shown to a peer)
        └── RemoteProtocolError  … they did (hostile until shown otherwise)

Programming mistakes are assertions, not errors. Every command has one handler for ``CrmError``:
it prints ``format_message()`` on stderr and exits with ``exit_code``.
"""

from __future__ import annotations

from crmsh_py.value import Value, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# How much of a message, and of a line on either side of the place, is shown: a program's mistake
# may be a line of megabytes.
_MESSAGE = 1000
_LINE = 200
# How many names are told where none is near, and how long they may be together.
_NAMED = 8
_NAMES_LENGTH = 100
# Among how many names of a fitting length and beginning a near one is looked for.
_COMPARED = 60


class CrmError(Exception):
    """A mistake or a mishap that is told to the user in one message.

    ``hint`` says what to type or do instead; it is shown on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def format_message(self) -> str:
        """The whole text for stderr, without the ``ERROR:`` prefix and without a newline."""
        if self.hint:
            return f"{self.message}\n  {self.hint}"
        return self.message


class UsageError(CrmError):
    """The command line itself cannot be understood."""

    exit_code = 2


@frozen
class Diagnostic(Value):
    """One finding in a text: what is wrong, where, and what could stand there.

    ``source`` is the text of one logical line (without its newline); ``span`` is a half-open
    range of character offsets in it, empty at the end of the text. ``line`` is the 1-based number
    of that line in ``origin`` (a file's name), 0 where there is no file.
    """

    message: str
    source: str = ""
    span: tuple[int, int] = (0, 0)
    hint: str | None = None
    expected: tuple[str, ...] = ()
    origin: str | None = None
    line: int = 0

    def render(self) -> str:
        """The finding as the user sees it, with a caret line under the place.

        Of a long message or line only what is about the place is shown.
        """
        place = ""
        if self.origin:
            place = f"{self.origin}:{self.line}: " if self.line else f"{self.origin}: "
        lines = [f"{place}{_shortened(self.message, _MESSAGE)}"]
        if self.source:
            source, start, end = _window(self.source, *self.span)
            width = max(1, len(_blank(source[start:end])))
            margin = _blank(source[:start])
            lines += [f"  {source}", f"  {margin}{'~' * (width - 1)}^"]
        if self.expected:
            lines.append(f"  expected: {', '.join(self.expected)}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"


def _blank(text: str) -> str:
    """Blanks as wide as a text is on a terminal; tabs stay, so that columns do."""
    if text.isascii():
        return "".join("\t" if char == "\t" else " " for char in text)
    import unicodedata  # few have letters that are two columns wide, or none

    def columns(char: str) -> int:
        if unicodedata.combining(char):
            return 0
        return 2 if unicodedata.east_asian_width(char) in "WF" else 1

    return "".join("\t" if char == "\t" else " " * columns(char) for char in text)


def _window(source: str, start: int, end: int) -> tuple[str, int, int]:
    """A line and a span in it, cut down to what can be looked at."""
    start = max(0, min(start, len(source)))
    end = max(start, min(end, len(source), start + _LINE))
    if len(source) <= 2 * _LINE:
        return source, start, end
    first = max(0, start - _LINE)
    cut = "…" if first else ""
    rest = "…" if start + _LINE < len(source) else ""
    shift = len(cut) - first
    return f"{cut}{source[first : start + _LINE]}{rest}", start + shift, end + shift


class SyntaxProblem(CrmError):
    """Text that the crm language, or a file format, does not allow."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message, hint=diagnostic.hint)
        self.diagnostic = diagnostic

    def format_message(self) -> str:
        """The diagnostic with its caret."""
        return self.diagnostic.render()


class ConfigError(CrmError):
    """A configuration that is well-formed but must not be taken; may hold several findings."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)

    def format_message(self) -> str:
        """The message, or all the findings that it stands for."""
        if self.diagnostics:
            return "\n".join(diagnostic.render() for diagnostic in self.diagnostics)
        return super().format_message()


class NotFound(CrmError):
    """A name that nothing has. ``possibilities`` are the names that exist.

    A near name is looked for when the hint is asked for: often nobody does.
    """

    _hint: str | None

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        possibilities: Iterable[str] | Callable[[], Iterable[str]] = (),
        hint: str | None = None,
        otherwise: str | None = None,
    ) -> None:
        """``otherwise`` is the hint where no name is near."""
        super().__init__(message, hint=hint)
        self.name = name
        self._names = possibilities if callable(possibilities) else tuple(possibilities)
        self._otherwise = otherwise

    @property
    def hint(self) -> str | None:
        """The hint that was given, or a near name."""
        if self._hint is None:
            names = self._names() if callable(self._names) else self._names
            self._hint = did_you_mean(self.name, names) or self._otherwise
        return self._hint

    @hint.setter
    def hint(self, hint: str | None) -> None:
        self._hint = hint

    @property
    def long_message(self) -> str:
        """For a person: without another hint all the names that there are, if they are few."""
        text = self.format_message()
        if self.hint:
            return text
        there = sorted({*(self._names() if callable(self._names) else self._names)} - {""})
        names = ", ".join(there)
        if not there or len(there) > _NAMED or len(names) > _NAMES_LENGTH:
            return text
        return f"{text}\n  there {'is' if len(there) == 1 else 'are'} {names}"


class Ambiguous(CrmError):
    """A name stands for several things, and one has to be chosen."""

    exit_code = 109


class Conflict(CrmError):
    """The configuration was changed by somebody else where this change touches it."""


class NoQuorum(CrmError):
    """This part of the cluster has no quorum and therefore changes no configuration."""


class NotPermitted(CrmError):
    """The operating system or the cluster's access rules forbid it."""


class ClusterUnreachable(CrmError):
    """No cluster was found, or it does not answer."""

    exit_code = 102


class TimedOut(CrmError):
    """What was asked for did not happen within its time; it may still happen."""

    exit_code = 124


class ProtocolError(CrmError):
    """A message that breaks the rules of a protocol."""


class LocalProtocolError(ProtocolError):
    """We were about to break the rules."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the rules; its message was dropped."""


def did_you_mean(name: str, possibilities: Iterable[str]) -> str | None:
    """A hint that names the closest possibilities, or None when nothing is close."""
    import difflib  # only mistakes need it

    wanted = name.lower()
    # What is less than 3/7 or more than 7/3 as long cannot be close enough.
    fitting = {n for n in set(possibilities) if 3 * len(n) <= 7 * len(name) <= 49 * len(n) / 3}
    if not fitting:
        return None
    names = sorted(fitting)
    if len(names) > _COMPARED:  # those that begin alike, and of these the ones as long
        names.sort(key=lambda n: (n[:2].lower() != wanted[:2], abs(len(n) - len(name)), n))
        names = sorted(names[:_COMPARED])
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(wanted, folded, n=3, cutoff=0.6)
    if not close:
        return None
    return f"did you mean {' or '.join(folded[match] for match in close)}?"

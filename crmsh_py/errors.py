"""What can go wrong for a user, as values that know how to show themselves.

    CrmError                     anything that a user can be told about (exit code 1)
    ├── UsageError               a command line that says nothing we can do (2)
    ├── SyntaxProblem            text that the language does not allow, with its place
    ├── ConfigError              a configuration that must not be taken
    ├── NotFound                 a name that nothing has, with near names
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

from collections.abc import Iterable, Sequence

from crmsh_py.value import Value, value


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


@value
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
        """The finding as the user sees it, with a caret line under the place."""
        place = ""
        if self.origin:
            place = f"{self.origin}:{self.line}: " if self.line else f"{self.origin}: "
        lines = [f"{place}{self.message}"]
        if self.source:
            start, end = self.span
            start = max(0, min(start, len(self.source)))
            width = max(1, min(end, len(self.source)) - start)
            # Tabs are kept in the margin so that the caret stays under the same column.
            margin = "".join("\t" if char == "\t" else " " for char in self.source[:start])
            lines += [f"  {self.source}", f"  {margin}{'~' * (width - 1)}^"]
        if self.expected:
            lines.append(f"  expected: {', '.join(self.expected)}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


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
    """A name that nothing has. ``possibilities`` are the names that exist."""

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        possibilities: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint or did_you_mean(name, possibilities))
        self.name = name


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

    names = sorted(set(possibilities))
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    if not name or not close:
        return None
    return f"did you mean {' or '.join(folded[match] for match in close)}?"

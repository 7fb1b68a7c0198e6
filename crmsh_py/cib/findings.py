"""What a check found: one sentence about one element, for a person to act on."""

from __future__ import annotations

from enum import Enum

from crmsh_py.value import frozen


class Severity(Enum):
    """An ERROR is not committed unless forced; a WARNING is told and taken."""

    ERROR = "error"
    WARNING = "warning"


@frozen
class Finding:
    """``element`` is the id of the object that a person typed (a resource, a constraint, a set of
    properties; '' for the document as a whole). ``word`` is the part of its text that is wrong, for
    a caret under it. ``called`` is its name where people know it by another one than its id.
    """

    severity: Severity
    element: str
    message: str
    hint: str | None = None
    word: str = ""
    called: str = ""

    @property
    def name(self) -> str:
        """What the element is called where it is told of."""
        return self.called or self.element

    @property
    def is_error(self) -> bool:
        """Whether it forbids a commit."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.element else self.message


def error(element: str, message: str, *, hint: str | None = None, word: str = "") -> Finding:
    """An ERROR."""
    return Finding(Severity.ERROR, element, message, hint, word)


def warning(element: str, message: str, *, hint: str | None = None, word: str = "") -> Finding:
    """A WARNING."""
    return Finding(Severity.WARNING, element, message, hint, word)

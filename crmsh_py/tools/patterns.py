"""Attributes by a pattern (``--pattern``): an extended regular expression that finds their names.

As with Pacemaker's it need not match the whole name, and letters differ in case. Which attributes
there are is asked first, then each one is changed: one that comes meanwhile is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crmsh_py.tools.common import ToolUsageError

# POSIX classes, which Python's expressions do not have, as they stand inside of brackets.
_CLASSES = {
    "alnum": "A-Za-z0-9", "alpha": "A-Za-z", "blank": " \\t", "digit": "0-9", "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~", "space": r"\s", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern finds, in their order. Raises ToolUsageError: it is none."""
    python = re.sub(r"\[:([a-z]+):\]", lambda m: _CLASSES.get(m[1], m[0]), pattern)
    try:
        search = re.compile(python).search
    except re.error as error:
        raise ToolUsageError(
            f"'{pattern}' is no regular expression: {error.msg}",
            hint=r"put a backslash before what shall stand for itself, as in \( or \*",
        ) from error
    return [name for name in names if search(name)]

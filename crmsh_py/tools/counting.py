"""Values that count: ``value++`` and ``value+=N`` stand for a sum with the present value."""

from __future__ import annotations

import re

from crmsh_py.cib.scores import INFINITY, format_score, lenient_score


def counts(value: str | None) -> bool:
    """Whether the present value must be known."""
    return value is not None and re.fullmatch(r"value(\+\+|[+-]=-?\w+)", value) is not None


def counted(value: str, present: str | None) -> str:
    """The sum for a value that counts, at most INFINITY; any other value as it is.

    What is no score counts as 0.
    """
    if not counts(value):
        return value
    add = 1 if value == "value++" else lenient_score(value[7:])
    total = lenient_score(present or "0") + (-add if value[5] == "-" else add)
    return format_score(max(-INFINITY, min(INFINITY, total)))

"""The crm language: text to values, values to the CIB, and back.

The names below are loaded when they are first used: ``show`` needs no parser, and a parser no
CIB. See docs/architecture.md for whom this package may import.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.lang.comparison import difference
    from crmsh_py.lang.expectation import Expectation, expect
    from crmsh_py.lang.listing import show
    from crmsh_py.lang.parser import (
        parse_command,
        parse_element,
        parse_elements,
    )
    from crmsh_py.lang.printer import print_element
    from crmsh_py.lang.store import apply, load
    from crmsh_py.lang.words import join_words, logical_lines

_HOMES = {
    "Expectation": "expectation",
    "apply": "store",
    "difference": "comparison",
    "expect": "expectation",
    "join_words": "words",
    "load": "store",
    "logical_lines": "words",
    "parse_command": "parser",
    "parse_element": "parser",
    "parse_elements": "parser",
    "print_element": "printer",
    "show": "listing",
}

__all__ = [
    "Expectation",
    "apply",
    "difference",
    "expect",
    "join_words",
    "load",
    "logical_lines",
    "parse_command",
    "parse_element",
    "parse_elements",
    "print_element",
    "show",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

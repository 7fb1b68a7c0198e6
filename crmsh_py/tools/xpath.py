"""The part of XPath that people give to ``cibadmin --xpath``, on our elements.

Steps (``/tag``, ``//tag``, ``*``) with conditions on attributes (``[@id]``, ``[@id='x']``, several
joined by ``and``). Anything else is refused: it is never quietly understood as something else.
"""

from __future__ import annotations

import re

from crmsh_py.cib.element import Element
from crmsh_py.regex import regex
from crmsh_py.tools.common import ToolUsageError

_STEP = regex(r"(//?)(\*|[A-Za-z_][\w.-]*)((?:\[[^\]]*\])*)")
_CONDITION = regex(r"""\s*@([A-Za-z_][\w.-]*)(?:\s*=\s*(?:'([^']*)'|"([^"]*)"))?\s*""")
_MAX_LENGTH = 4096

Condition = tuple[str, str | None]


def select(root: Element, path: str) -> list[Element]:
    """The elements that the path names, in document order. Raises ToolUsageError."""
    context = [Element("", {}, (root,))]
    for deep, tag, conditions in _steps(path):
        found: dict[int, Element] = {}
        for parent in context:
            for candidate in _below(parent, deep=deep):
                if tag in ("*", candidate.tag) and _holds(candidate, conditions):
                    found.setdefault(id(candidate), candidate)
        context = list(found.values())
    return context


def _steps(path: str) -> list[tuple[bool, str, list[Condition]]]:
    steps = []
    position = 0
    text = path if path.startswith("/") else f"//{path}"
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or len(text) > _MAX_LENGTH:
            raise ToolUsageError(
                f"this XPath is not understood from '{text[position : position + 40]}' on",
                hint="use steps like //primitive[@id='x']/operations",
            )
        steps.append((match[1] == "//", match[2], _conditions(match[3])))
        position = match.end()
    return steps


def _conditions(text: str) -> list[Condition]:
    found: list[Condition] = []
    for inner in re.findall(r"\[([^\]]*)\]", text):
        for part in re.split(r"\s+and\s+", inner):
            match = _CONDITION.fullmatch(part)
            if match is None:
                raise ToolUsageError(
                    f"this condition of an XPath is not understood: [{inner}]",
                    hint="use conditions like [@id='x' and @name='y']",
                )
            found.append((match[1], match[2] if match[2] is not None else match[3]))
    return found


def _below(parent: Element, *, deep: bool) -> list[Element]:
    if not deep:
        return list(parent.findall())
    return [element for element in parent.iter() if element is not parent]


def _holds(element: Element, conditions: list[Condition]) -> bool:
    return all(
        name in element.attrs if value is None else element.attrs.get(name) == value
        for name, value in conditions
    )

"""docs/membership.md shows the state machine's tables as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from crmsh_py.engine import totem
from crmsh_py.engine.totem import State
from crmsh_py.engine.totem_machine import Timer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "membership.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->"
STATES = (State.GATHER, State.COMMIT, State.RECOVERY, State.OPERATIONAL)
MESSAGES: Mapping[str, Mapping[State, Callable[..., object]]] = {
    "Join": totem.JOIN,
    "CommitToken": totem.COMMIT_TOKEN,
    "Token": totem.TOKEN,
    "Multicast": totem.MULTICAST,
    "Recovered": totem.RECOVERED,
    "MergeDetect": totem.MERGE_DETECT,
    "HoldCancel": totem.HOLD_CANCEL,
}


def first_line(handler: Callable[..., object] | None) -> str:
    """A handler in the words of its own docstring."""
    if handler is None or handler.__name__ == "_ignore":
        return "–"
    assert handler.__doc__ is not None
    return handler.__doc__.strip().splitlines()[0]


def tables() -> str:
    heads = "| | " + " | ".join(state.name for state in STATES) + " |\n"
    lines = [heads, "|---" * (len(STATES) + 1) + "|\n"]
    for name, table in MESSAGES.items():
        cells = " | ".join(first_line(table.get(state)) for state in STATES)
        lines.append(f"| {name} | {cells} |\n")
    for timer in Timer:
        cells = " | ".join(first_line(totem.TIMERS.get((state, timer))) for state in STATES)
        lines.append(f"| *{timer.name.lower().replace('_', ' ')} timer* | {cells} |\n")
    return "".join(lines)


def test_the_document_shows_the_tables(request: object) -> None:
    """``pytest --update-golden`` writes them anew."""
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    if request.config.getoption("--update-golden"):  # type: ignore[attr-defined]
        DOCUMENT.write_text(text[:begin] + tables() + text[end:], encoding="utf-8")
        return
    assert text[begin:end] == tables()

"""docs/membership.md shows the state machine's tables as they are."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from crmsh_py.engine import totem, totem_membership, totem_recovery, totem_token
from crmsh_py.engine.totem import State
from crmsh_py.engine.totem_machine import Timer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "membership.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->"
DRAWN, ENDED = "<!-- diagram: begin -->\n", "<!-- diagram: end -->"
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


def check_part(request: object, first: str, last: str, wanted: str) -> None:
    """``pytest --update-golden`` writes it anew."""
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = text.index(first) + len(first), text.index(last)
    if request.config.getoption("--update-golden"):  # type: ignore[attr-defined]
        DOCUMENT.write_text(text[:begin] + wanted + text[end:], encoding="utf-8")
        return
    assert text[begin:end] == wanted


def test_the_document_shows_the_tables(request: object) -> None:
    check_part(request, BEGIN, END, tables())


# ---- the diagram -------------------------------------------------------------------------------

_SHIFTS = {
    "ToGather": State.GATHER,
    "ToCommit": State.COMMIT,
    "ToRecovery": State.RECOVERY,
    "ToOperational": State.OPERATIONAL,
}
_FUNCTIONS: Mapping[ModuleType, Mapping[str, ast.FunctionDef]] = {
    module: {
        node.name: node
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.FunctionDef)
    }
    for module in (totem_membership, totem_token, totem_recovery)
}


def called(module: ModuleType, name: str) -> Iterator[tuple[ModuleType | None, str]]:
    """The functions of the handlers' modules that one calls, and the shifts that it makes."""
    for node in ast.walk(_FUNCTIONS[module][name]):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=found) if found in _SHIFTS:
                yield None, found
            case ast.Name(id=found) if found in _FUNCTIONS[module]:
                yield module, found
            case ast.Name(id=found) if found in _FUNCTIONS[totem_membership]:
                yield totem_membership, found
            case ast.Attribute(value=ast.Name(id="regular"), attr=found):
                if found in _FUNCTIONS[totem_token]:
                    yield totem_token, found


def leads_to(module: ModuleType, name: str) -> set[State]:
    """The states that a handler can ask for, itself or by what it calls."""
    found: set[State] = set()
    seen: set[tuple[ModuleType, str]] = set()
    waiting = [(module, name)]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for where, what in called(*one):
            if where is None:
                found.add(_SHIFTS[what])
            else:
                waiting.append((where, what))
    return found


def edges() -> Mapping[tuple[State, State], list[str]]:
    """From state to state: the events that lead there."""
    found: dict[tuple[State, State], list[str]] = {}
    handlers = [
        (state, handler, name)
        for name, table in MESSAGES.items()
        for state, handler in table.items()
        if handler.__name__ != "_ignore"
    ]
    handlers += [
        (state, handler, f"{timer.name.lower().replace('_', ' ')} timer")
        for (state, timer), handler in totem.TIMERS.items()
    ]
    for state, handler, name in handlers:
        for target in leads_to(sys.modules[handler.__module__], handler.__name__):
            found.setdefault((state, target), []).append(name)
    for entered, module, name in (
        (State.GATHER, totem_membership, "enter_gather"),
        (State.COMMIT, totem_membership, "enter_commit"),
        (State.RECOVERY, totem_recovery, "enter_recovery"),
    ):
        for target in leads_to(module, name):
            found.setdefault((entered, target), []).append("at once, alone")
    return found


def diagram() -> str:
    lines = ["```mermaid\n", "stateDiagram-v2\n", "    [*] --> GATHER\n"]
    drawn = edges()
    for state in STATES:
        for target in STATES:
            if names := drawn.get((state, target)):
                lines.append(f"    {state.name} --> {target.name}: {', '.join(names)}\n")
    return "".join([*lines, "```\n"])


def test_the_document_shows_the_diagram(request: object) -> None:
    check_part(request, DRAWN, ENDED, diagram())


def test_the_diagram_has_the_ways_that_the_protocol_has() -> None:
    gather, commit, recovery, operational = STATES
    assert set(edges()) == {
        (gather, gather),
        (gather, commit),
        (commit, gather),
        (commit, recovery),
        (recovery, gather),
        (recovery, operational),
        (operational, gather),
    }

"""Run one recorded case in this process and say on which levels it agrees.

The levels are those of ``check_scheduler.py``, which lies with the recorded cases.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_simulate

SUITE = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "scheduler"
NIGHTLY = bool(os.environ.get("CRM_NIGHTLY"))  # all of what costs too much for every change
LEVELS = ("moves", "final", "scores", "dot", "actions", "summary", "graph")
_UNSTABLE = frozenset({"id", "transition_id", "crm_feature_set", "batch-limit"})
_ACTIONS = frozenset({"rsc_op", "pseudo_event", "crm_event"})


class Case(NamedTuple):
    """A recorded case."""

    name: str
    arguments: tuple[str, ...]


def cases() -> list[Case]:
    """All recorded cases; none where the recordings are not there."""
    manifest = SUITE / "manifest.json"
    if not manifest.exists():
        return []
    return [Case(c["name"], tuple(c["args"])) for c in json.loads(manifest.read_text())]


def some_cases(every: int) -> list[Case]:
    """Each ``every``-th recorded case; all of them in the nightly tests."""
    return cases()[:: 1 if NIGHTLY else every]


def run(case: Case) -> frozenset[str]:
    """The levels on which our answer agrees with the recorded one."""
    cib = Cib.parse((SUITE / "xml" / f"{case.name}.xml").read_bytes())
    parser = crm_simulate.parser()
    told = crm_simulate.simulate(cib, parser.parse_args(["-S", *case.arguments]))
    words = ["-D", "dot", "-G", "exp", "-sSQ", *case.arguments]
    drawn = crm_simulate.simulate(cib, parser.parse_args(words))
    wanted = {
        kind: (SUITE / kind / f"{case.name}.{kind}").read_text()
        for kind in ("summary", "scores", "dot", "exp")
    }
    want, got = _sections(wanted["summary"]), _sections(told.text)

    def same(heading: str) -> bool:
        return sorted(want.get(heading, [])) == sorted(got.get(heading, []))

    agrees = {
        "moves": same("Transition Summary:"),
        "final": want.get("Revised Cluster Status:") == got.get("Revised Cluster Status:"),
        "actions": same("Executing Cluster Transition:"),
        "scores": sorted(wanted["scores"].splitlines()) == sorted(drawn.text.splitlines()),
        "dot": set(wanted["dot"].splitlines()) == set(drawn.files["dot"].splitlines()),
        "summary": wanted["summary"] == told.text,
        "graph": _canonical(wanted["exp"]) == _canonical(drawn.files["exp"]),
    }
    return frozenset(level for level, good in agrees.items() if good)


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if line and not line.startswith(" ") and line.endswith(":"):
            heading = line
        elif line.strip():
            found.setdefault(heading, []).append(line.rstrip())
    return found


def _canonical(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """A transition graph that names no ids."""
    root = ET.fromstring(text)  # noqa: S314
    names: dict[str | None, str] = {}
    for action in root.iter():
        if action.tag in _ACTIONS:
            key = ("operation", "operation_key", "on_node")
            names.setdefault(action.get("id"), str([action.tag, *map(action.get, key)]))
    rows = []
    for synapse in root.iter("synapse"):
        actions = [_shape(action) for group in synapse.findall("action_set") for action in group]
        inputs = sorted(
            str(names.get(action.get("id")))
            for group in synapse.findall("inputs")
            for trigger in group
            for action in trigger
        )
        rows.append(str((synapse.get("priority") or "0", actions, inputs)))
    return sorted(rows), sorted(_stable(root))


def _stable(element: ET.Element) -> list[tuple[str, str]]:
    return sorted((k, v) for k, v in element.attrib.items() if k not in _UNSTABLE)


def _shape(element: ET.Element) -> str:
    return str((element.tag, _stable(element), sorted(_shape(child) for child in element)))

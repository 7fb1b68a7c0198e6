"""Attributes that are stored, but do not mean what they seem to: names given twice, node switches.

Of a name that is given twice in a set the first counts, as in Pacemaker.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, warning
from crmsh_py.cib.scores import is_score

_SETS = ("instance_attributes", "meta_attributes", "utilization", "cluster_property_set")
_SWITCHES = ("standby", "maintenance")
_COLOURS = ("red", "yellow", "green")


def repeated_names(owner: str, element: Element) -> Iterator[Finding]:
    """Names that a set gives more than once."""
    for one in element.iter(*_SETS):
        values: dict[str, str] = {}
        told: set[str] = set()
        for pair in one.findall("nvpair"):
            name, value = pair.get("name"), pair.get("value")
            if not name:  # a reference
                continue
            if name in values and name not in told:
                told.add(name)
                yield warning(
                    owner,
                    f"{name} is given more than once: the first counts, {name}={values[name]}",
                    hint=f"take out the others: configure edit {element.get('uname', owner)}",
                    word=f"{name}={value}",
                )
            values.setdefault(name, value)


def switches(node: Element) -> Iterator[Finding]:
    """Attributes of a node that the cluster acts on, with values that it does not know."""
    for one in node.findall("instance_attributes"):
        for pair in one.findall("nvpair"):
            if problem := switch_problem(pair.get("name"), pair.get("value")):
                yield warning(node.id, problem, word=pair.get("value"))


def switch_problem(name: str, value: str) -> str:
    """What an attribute of a node counts as, where its value says nothing; '' for a sound one."""
    if name in _SWITCHES and parse_boolean(value) is None:
        return f"{name}: “{value}” is neither true nor false, and counts as false"
    if name.startswith("#health") and value.lower() not in _COLOURS and not is_score(value):
        return f"{name}: “{value}” is neither red, yellow or green nor a score, and counts as 0"
    return ""

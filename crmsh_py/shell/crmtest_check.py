"""Whether a cluster is as a test expects it: pure functions from what was seen to a sentence.

``disappointment(expectation, seen)`` is '' where the expectation is met, and else says what is so
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.cib.pairs import find_node, known_nodes
from crmsh_py.clusters.operations import find_resource
from crmsh_py.errors import NotFound
from crmsh_py.scheduler.result import (
    Change,
    ClusterStatus,
    NodeStatus,
    ResourceChange,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.shell.crmtest import Expectation
from crmsh_py.value import frozen
from crmsh_py.views.mon_facts import primitives
from crmsh_py.views.resource_status import find

MOVES = (Change.MOVE, Change.MIGRATE)
RESTARTS = (Change.RESTART, Change.RECOVER)


@frozen
class Seen:
    """A cluster that has settled: its CIB, its state, and what was done since the last event."""

    cib: Cib
    status: ClusterStatus
    changes: tuple[ResourceChange, ...] = ()


def disappointment(expected: Expectation, seen: Seen) -> str:
    """What is so instead of what is expected; '' where it is so. Raises NotFound."""
    if expected.subject == "node":
        return _of_node(expected, seen)
    find_resource(seen.cib, expected.name)
    if expected.what in ("runs", "on", "promoted"):
        _require_nodes(expected.others, seen.cib)
    return _RESOURCE[expected.what](expected, seen)


def _require_nodes(names: Sequence[str], cib: Cib) -> None:
    """Raise NotFound for a name that no node has: it would meet whatever is *not* expected."""
    known = [node.get("uname") for node in known_nodes(cib)]
    bundles = {bundle.id for bundle in cib.section("resources").findall("bundle")}
    for name in names:
        bundle, _, number = name.rpartition("-")  # a replica is a node, too
        if name not in known and not (bundle in bundles and number.isdecimal()):
            raise NotFound(f"there is no node {name}", name=name, possibilities=known)


# ---- nodes ---------------------------------------------------------------------------------------


def _of_node(expected: Expectation, seen: Seen) -> str:
    name = find_node(seen.cib, expected.name).get("uname")
    if expected.what == "fenced":
        fenced = any(c.change is Change.FENCE and c.resource == name for c in seen.changes)
        return _unless(fenced, expected, f"node {name} was {'' if fenced else 'not '}fenced")
    node = next(node for node in seen.status.nodes if node.name == name)
    return _unless(bool(getattr(node, expected.what)), expected, f"node {name} is {_state(node)}")


def _state(node: NodeStatus) -> str:
    if node.unclean:
        return "lost, and not known to be off"
    if not node.online:
        return "offline"
    if node.maintenance:
        return "in maintenance"
    return "in standby" if node.standby else "online"


def _unless(true: bool, expected: Expectation, otherwise: str) -> str:
    return "" if true is not expected.negated else otherwise


# ---- resources -----------------------------------------------------------------------------------


def places(seen: Seen, name: str) -> dict[str, Role]:
    """The nodes where any part of a resource is active, with the highest role there."""
    found: dict[str, Role] = {}
    for part in primitives((find(seen.status, name),)):
        for node in part.nodes:
            role = part.locations.get(node, part.role)
            if found.get(node) is not Role.PROMOTED:
                found[node] = role
    return found


def _where(seen: Seen, name: str) -> str:
    here = places(seen, name)
    if not here:
        return f"{name} is stopped"
    listed = [
        f"{node} (promoted)" if role is Role.PROMOTED else node for node, role in here.items()
    ]
    return f"{name} runs on {', '.join(listed)}"


def _runs(expected: Expectation, seen: Seen) -> str:
    here = places(seen, expected.name)
    complete = all(part.nodes for part in _single_parts(seen, expected.name))
    fits = _on_these(here, expected) if expected.others else bool(here) and complete
    return _unless(fits, expected, _where(seen, expected.name) + _missing(seen, expected.name))


def _on_these(here: Collection[str], expected: Expectation) -> bool:
    """Whether it is on exactly the nodes that are named; or, for ``not``, on any of them.

    Who says that it is not on alpha would not be content with alpha and beta.
    """
    if expected.negated:
        return not set(here).isdisjoint(expected.others)
    return set(here) == set(expected.others)


def _single_parts(seen: Seen, name: str) -> list[ResourceStatus]:
    """The members that all have to run; of a clone, any of its instances is enough."""
    found = find(seen.status, name)
    simple = found.kind in {ResourceKind.PRIMITIVE, ResourceKind.GROUP}
    return list(primitives((found,))) if simple else []


def _missing(seen: Seen, name: str) -> str:
    idle = [part.id for part in _single_parts(seen, name) if not part.nodes]
    return f", but not its {', '.join(idle)}" if idle and places(seen, name) else ""


def _on(expected: Expectation, seen: Seen) -> str:
    fits = expected.others[0] in places(seen, expected.name)
    return _unless(fits, expected, _where(seen, expected.name))


def _stopped(expected: Expectation, seen: Seen) -> str:
    return _unless(not places(seen, expected.name), expected, _where(seen, expected.name))


def _promoted(expected: Expectation, seen: Seen) -> str:
    promoted = [n for n, role in places(seen, expected.name).items() if role is Role.PROMOTED]
    fits = _on_these(promoted, expected) if expected.others else bool(promoted)
    return _unless(fits, expected, _where(seen, expected.name))


def _with(expected: Expectation, seen: Seen) -> str:
    other = expected.others[0]
    find_resource(seen.cib, other)
    here, there = places(seen, expected.name), places(seen, other)
    together = bool(here) and set(here) <= set(there)
    otherwise = f"{_where(seen, expected.name)}, {_where(seen, other)}"
    return _unless(together, expected, otherwise)


def _changed(kinds: tuple[Change, ...], verb: str, expected: Expectation, seen: Seen) -> str:
    parts = {each.id for each in find_resource(seen.cib, expected.name).iter("primitive")}
    found = [
        change
        for change in seen.changes
        if change.change in kinds and change.resource.partition(":")[0] in parts
    ]
    told = "; ".join(
        f"{change.resource} {verb}"
        + (f" from {change.from_node} to {change.to_node}" if change.change in MOVES else "")
        for change in found
    )
    return _unless(bool(found), expected, told or f"{expected.name} was not {verb}")


def _moved(expected: Expectation, seen: Seen) -> str:
    return _changed(MOVES, "moved", expected, seen)


def _restarted(expected: Expectation, seen: Seen) -> str:
    return _changed(RESTARTS, "restarted", expected, seen)


def _failed(expected: Expectation, seen: Seen) -> str:
    failed = any(part.failed for part in primitives((find(seen.status, expected.name),)))
    return _unless(failed, expected, f"{expected.name} has {'' if failed else 'not '}failed")


def _unmanaged(expected: Expectation, seen: Seen) -> str:
    managed = all(part.managed for part in primitives((find(seen.status, expected.name),)))
    otherwise = f"{expected.name} is {'' if managed else 'not '}managed"
    return _unless(not managed, expected, otherwise)


_RESOURCE: Mapping[str, Callable[[Expectation, Seen], str]] = {
    "runs": _runs, "on": _on, "stopped": _stopped, "promoted": _promoted, "with": _with,
    "moved": _moved, "restarted": _restarted, "failed": _failed, "unmanaged": _unmanaged,
}  # fmt: skip

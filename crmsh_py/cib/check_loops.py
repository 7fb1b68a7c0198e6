"""Constraints that go round in a circle: nothing in such a loop can ever be started or placed.

    order:       a before b, b before c, c before a
    colocation:  a where b is, b where c is, c where a is

Input: a document. Output: one finding for each knot of loops, on the constraint that closes the
first loop in it, with the whole way round. Pure, and linear in the number of constraints.

Rules:
    The parts of an order are actions (start a, promote a …); one is before another. Orders with
    kind=Optional or Serialize count for nothing here: the first kind is dropped where it cannot be
    kept, the second orders nothing. Neither do sets that ask for any one of their members.
    A symmetrical order says the same of the opposite actions and has the same loops.
    A group is both, from each member to the next.
    Colocations count when they bind (score INFINITY): others give way.
    What Pacemaker does with a loop (Pacemaker Explained, "Ordering"): it cannot plan it and leaves
    the resources stopped, or breaks the loop where it likes; so a loop of orders is an error, and a
    loop of colocations a warning, since two resources that follow each other can still be placed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from crmsh_py.cib.booleans import FALSE
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, error, warning
from crmsh_py.value import field, mutable

_INFINITE = frozenset({"INFINITY", "+INFINITY", "inf", "+inf"})


@mutable
class _Graph:
    """Edges between names, each with the constraint that made it first."""

    edges: dict[str, dict[str, str]] = field(default_factory=dict)
    selves: dict[str, str] = field(default_factory=dict)  # what is bound to itself, and by what

    def add(self, before: str, after: str, constraint: str) -> None:
        if before and before == after:
            self.selves.setdefault(before, constraint)
        elif before and after:
            self.edges.setdefault(before, {}).setdefault(after, constraint)
            self.edges.setdefault(after, {})

    def between(self, first: Sequence[str], second: Sequence[str], constraint: str) -> None:
        for before in first:
            for after in second:
                self.add(before, after, constraint)


def check_loops(cib: Cib) -> Iterator[Finding]:
    """Loops of orders (errors) and of colocations (warnings)."""
    constraints = cib.section("constraints")
    orders, colocations = _Graph(), _Graph()
    for group in cib.section("resources").iter("group"):
        for before, after in pairwise(member.id for member in group.findall("primitive")):
            if before != after:  # else its id is given twice, which is told elsewhere
                orders.add(before, after, group.id)
                colocations.add(after, before, group.id)
    for constraint in constraints.findall("rsc_order"):
        if constraint.get("kind") in ("", "Mandatory") and not _is_optional(constraint):
            _add_order(orders, constraint)
    for constraint in constraints.findall("rsc_colocation"):
        if constraint.get("score") in _INFINITE:
            _add_colocation(colocations, constraint)
    yield from _selves(orders, colocations)
    for loop in _loops(orders.edges):
        last = orders.edges[loop[-2]][loop[-1]]
        yield error(
            last,
            f"these orders go round in a circle: {' → '.join(loop)}",
            hint=f"none of them could ever start: delete one of {_constraints(orders, loop)}",
            word=loop[-1].partition(":")[0],
        )
    for loop in _loops(colocations.edges):
        last = colocations.edges[loop[-2]][loop[-1]]
        yield warning(
            last,
            f"these colocations go round in a circle: {' → '.join(loop)}",
            hint=f"one direction is enough: delete one of {_constraints(colocations, loop)}",
            word=loop[-1].partition(":")[0],
        )


def _selves(orders: _Graph, colocations: _Graph) -> Iterator[Finding]:
    """The shortest loops: of a resource with itself."""
    for acting, constraint in orders.selves.items():
        name, _, action = acting.partition(":")
        yield error(
            constraint,
            f"{name} waits for its own {action or 'start'}, which can never be",
            hint="an order needs two resources, or two actions (RSC:start RSC:promote)",
            word=name,
        )
    for name, constraint in colocations.selves.items():
        yield warning(
            constraint,
            f"{name} is placed with itself, which says nothing",
            hint="name another resource that it shall be placed with",
            word=name,
        )


def _constraints(graph: _Graph, loop: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(graph.edges[a][b] for a, b in pairwise(loop)))


# ---- orders --------------------------------------------------------------------------------------


def _is_optional(constraint: Element) -> bool:
    """The older spelling: a score of 0 (or less) is no demand."""
    score = constraint.get("score")
    return score == "0" or score.startswith("-")


def _add_order(graph: _Graph, constraint: Element) -> None:
    sets = constraint.findall("resource_set")
    if not sets:
        first = constraint.get("first-action") or "start"
        then = constraint.get("then-action") or first
        before, after = constraint.get("first"), constraint.get("then")
        graph.add(_acting(before, first), _acting(after, then), constraint.id)
        return
    previous: list[str] = []
    for one in sets:
        action = one.get("action") or "start"
        members = [_acting(ref.id, action) for ref in one.findall("resource_ref")]
        if one.get("require-all").lower() in FALSE:
            previous = []  # any one of them is enough: no member waits for a certain other
            continue
        if one.get("sequential", "true").lower() not in FALSE:
            for before, after in pairwise(members):
                graph.add(before, after, constraint.id)
        graph.between(previous, members, constraint.id)
        previous = members


def _acting(resource: str, action: str) -> str:
    return resource if action == "start" or not resource else f"{resource}:{action}"


# ---- colocations ---------------------------------------------------------------------------------


def _add_colocation(graph: _Graph, constraint: Element) -> None:
    sets = constraint.findall("resource_set")
    if not sets:
        dependent, other = constraint.get("rsc"), constraint.get("with-rsc")
        roles = constraint.get("rsc-role"), constraint.get("with-rsc-role")
        if dependent == other and roles[0] != roles[1]:
            return  # promoted instances where others are: it may be meant
        graph.add(dependent, other, constraint.id)
        return
    previous: list[str] = []
    for one in sets:
        members = [ref.id for ref in one.findall("resource_ref")]
        if one.get("sequential", "true").lower() not in FALSE:
            # Inside of a set, whoever comes later is placed with whoever came before …
            for other, dependent in pairwise(members):
                graph.add(dependent, other, constraint.id)
        # … while a whole set is placed with the set that follows it.
        graph.between(previous, members, constraint.id)
        previous = members


# ---- finding loops -------------------------------------------------------------------------------


def _loops(edges: Mapping[str, Mapping[str, str]]) -> Iterator[list[str]]:
    """One way round for each knot: names, the first one again at the end.

    A depth-first walk without recursion. An edge back to a name that is still on the way closes a
    loop; names that a told loop goes through are not told of twice.
    """
    done: set[str] = set()
    told: set[str] = set()
    for start in edges:
        if start in done:
            continue
        way, on_way = [start], {start: 0}
        left = [iter(edges[start])]
        while way:
            name = next(left[-1], None)
            if name is None:
                done.add(way[-1])
                del on_way[way.pop()]
                left.pop()
            elif name in on_way:
                loop = [*way[on_way[name] :], name]
                if told.isdisjoint(loop):
                    told.update(loop)
                    yield loop
            elif name not in done:
                on_way[name] = len(way)
                way.append(name)
                left.append(iter(edges[name]))

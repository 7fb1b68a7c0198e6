"""``crm_resource --constraints``, ``--stack``: where a resource may run, and together with what.

Input: a state whose constraints have been read, and one of its resources. Output: steps, and from
these text or the elements of the XML. Scores are told per node, as the rules come out now.

Rules:
    First what is colocated with the resource, then what it is colocated with; each with its own
    locations. ``--stack`` goes on in the same direction from each of them, but enters no resource
    twice: a colocation that leads to one that was entered already is named as a loop.
    A later location stands before an earlier one, as with Pacemaker's.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import format_score
from crmsh_py.scheduler.model import ROLE_NAMES, UNKNOWN
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.model import Colocation
    from crmsh_py.scheduler.resource import Resource


@frozen(kw_only=True)
class Place:
    """A score of a resource on a node, by a location or one of its rules."""

    depth: int
    node: str
    score: str
    id: str
    resource: str


@frozen(kw_only=True)
class Bond:
    """A colocation, as met on the way; ``other`` is the resource at its other end."""

    depth: int
    other: str
    constraint: Colocation
    dependents: bool  # met from the resource that the others are to run with
    loop: bool = False


@frozen(kw_only=True)
class Title:
    """What the following steps are."""

    depth: int
    text: str


Step = Place | Bond | Title


def steps(resource: Resource, *, stack: bool) -> Iterator[Step]:
    """What there is to tell of a resource, in its order."""
    yield from _places(resource, 0)
    for dependents in (True, False):
        yield from _bonds(resource, 0, {resource.id}, dependents=dependents, stack=stack)


def _places(resource: Resource, depth: int) -> Iterator[Step]:
    nodes = resource.state.nodes_by_index
    found = [
        Place(
            depth=depth + 1,
            node=nodes[index].name,
            score=format_score(score),
            id=location.id,
            resource=resource.id,
        )
        for location in reversed(resource.locations)
        for index, score in location.scores.items()
    ]
    if found:
        yield Title(depth=depth, text="Locations:")
    yield from found


def _bonds(
    resource: Resource, depth: int, entered: set[str], *, dependents: bool, stack: bool
) -> Iterator[Step]:
    bonds = resource.with_this if dependents else resource.this_with
    if not bonds:
        return
    what = f"colocated with {resource.id}" if dependents else f"{resource.id} is colocated with"
    yield Title(depth=depth, text=f"Resources {what}:")
    for bond in bonds:
        other = bond.dependent if dependents else bond.primary
        loop = other.id in entered
        yield Bond(
            depth=depth + 1, other=other.id, constraint=bond, dependents=dependents, loop=loop
        )
        if loop:
            continue
        yield from _places(other, depth + 2)
        if stack:
            entered.add(other.id)
            yield from _bonds(other, depth + 2, entered, dependents=dependents, stack=True)


def text(found: Iterator[Step]) -> str:
    """The steps as indented lines."""
    return "".join(f"{_indented(step)}\n" for step in found)


def _indented(step: Step) -> str:
    from crmsh_py.views.text import legible

    bullet = "" if isinstance(step, Title) and not step.depth else "* "
    return legible("  " * step.depth + bullet + _line(step))


def _line(step: Step) -> str:
    if isinstance(step, Title):
        return step.text
    if isinstance(step, Place):
        return f"Node {step.node} (score={step.score}, id={step.id}, rsc={step.resource})"
    bond = step.constraint
    if step.loop:
        return f"{step.other} (id={bond.id} - loop)"
    role = ""
    if bond.primary_role != UNKNOWN:
        verb = "needs" if step.dependents else "with"
        role = f"{verb} role={ROLE_NAMES[bond.primary_role]}, "
    return f"{step.other} (score={format_score(bond.score)}, {role}id={bond.id})"


def element(found: Iterator[Step]) -> Element:
    """The steps as the answer in XML."""
    children = (_element(step) for step in found if not isinstance(step, Title))
    return Element("constraints", {}, tuple(children))


def _element(step: Place | Bond) -> Element:
    if isinstance(step, Place):
        place = {"node": step.node, "rsc": step.resource, "id": step.id, "score": step.score}
        return Element("rsc_location", place)
    bond = step.constraint
    said = {
        "id": bond.id,
        "rsc": bond.dependent.id,
        "with-rsc": bond.primary.id,
        "score": format_score(bond.score),
    }
    if bond.attribute != "#uname":
        said["node-attribute"] = bond.attribute
    roles = {"rsc-role": bond.dependent_role, "with-rsc-role": bond.primary_role}
    said |= {name: ROLE_NAMES[role] for name, role in roles.items() if role != UNKNOWN}
    return Element("rsc_colocation", said)

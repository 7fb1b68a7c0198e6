"""``crm resource status``, ``locate`` and ``constraints``: resources as text.

Input: the ``ClusterStatus`` or the ``Cib``; output: text with a newline at the end. The words are
those of crm_resource, which scripts look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmsh_py.cib.booleans import is_true
from crmsh_py.errors import NotFound, UsageError
from crmsh_py.scheduler.result import ClusterStatus, ResourceKind, ResourceStatus, Role
from crmsh_py.value import frozen
from crmsh_py.views.mon_facts import primitives
from crmsh_py.views.text import classic_role, legible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element


def find(status: ClusterStatus, name: str) -> ResourceStatus:
    """The resource with this id, an instance's too (``db`` finds the clone's ``db:0`` as well).

    Raises NotFound with near names.
    """
    everything = list(_walk(status.resources))
    for resource in everything:
        if resource.id == name:
            return resource
    for resource in everything:
        if resource.id.partition(":")[0] == name:
            return resource
    raise NotFound(
        f"Resource '{name}' not found",
        name=name,
        possibilities=(resource.id.partition(":")[0] for resource in everything),
    )


def places(status: ClusterStatus, name: str) -> list[tuple[str, Role]]:
    """Where a resource is active, with the role there; an instance's name means all instances."""
    found = find(status, name)
    wanted = [found]
    if found.id != name:
        wanted = [r for r in _walk(status.resources) if r.id.partition(":")[0] == name]
    result: dict[str, Role] = {}
    for resource in wanted:
        for part in primitives((resource,)):
            for node in part.nodes:
                role = part.locations.get(node, part.role)
                if result.get(node) is not Role.PROMOTED:
                    result[node] = role
    return list(result.items())


def left_alone(status: ClusterStatus, names: Sequence[str]) -> dict[str, str]:
    """Which of these, or of their members, the cluster leaves as they are, and what ends that."""
    if status.maintenance_mode:
        return dict.fromkeys(names, "crm maintenance off")
    aside = nodes_in_maintenance(status)
    found: dict[str, str] = {}
    waiting = [find(status, name) for name in names]
    for resource in waiting:
        name = resource.id.partition(":")[0]
        if there := aside.intersection(resource.nodes):
            found |= {f"what runs on {node}": f"crm node ready {node}" for node in sorted(there)}
        elif resource.maintenance:
            found[name] = f"crm maintenance off {name}"
        elif not resource.managed:
            found[name] = f"crm resource manage {name}"
        else:
            waiting += resource.children  # else what is inside is told of with it
    return found


def nodes_in_maintenance(status: ClusterStatus) -> set[str]:
    """Those that somebody has set to maintenance; a remote node may be in it by its connection."""
    return {
        node.name
        for node in status.nodes
        if node.maintenance and is_true(node.attributes.get("maintenance"))
    }


def failing(cib: Cib, status: ClusterStatus, name: str, node: str = "") -> tuple[str, str]:
    """The instance and the node that are meant when a primitive is to be taken for failed.

    The instance is named as the node's history names it: by a number only where it has one there.
    Raises NotFound for an unknown name, UsageError where nothing or more than one thing is meant.
    """
    found = find(status, name)
    if found.kind is not ResourceKind.PRIMITIVE:
        inside = dict.fromkeys(part.id.partition(":")[0] for part in primitives((found,)))
        raise UsageError(
            f"'{name}' is no primitive: what is inside fails", hint=f"name it: {', '.join(inside)}"
        )
    wanted = [found]
    if found.id != name:
        wanted = [r for r in _walk(status.resources) if r.id.partition(":")[0] == name]
    spots = [(part.id, where) for part in wanted for where in part.nodes if node in ("", where)]
    if not spots:
        raise UsageError(f"'{name}' does not run{f' on {node}' if node else ''}")
    if len(spots) > 1:
        where = ", ".join(f"{part} on {place}" for part, place in spots)
        raise UsageError(f"'{name}' runs more than once: {where}", hint="name a node")
    ((instance, where),) = spots
    states = (s for s in cib.status.findall("node_state") if s.get("uname") == where)
    numbered = any(h.id == instance for s in states for h in s.iter("lrm_resource"))
    return (instance if numbered else instance.partition(":")[0]), where


def banned_without_node(status: ClusterStatus, name: str) -> str:
    """The node that a ban of a resource means that names none; '' if that is not clear.

    It is the one where the resource is active or, where there are several, the only one where it
    is promoted.
    """
    found = places(status, name)
    if len(found) != 1:
        found = [(node, role) for node, role in found if role is Role.PROMOTED]
    return found[0][0] if len(found) == 1 else ""


def listing(cib: Cib, status: ClusterStatus) -> str:
    """All resources and their states in the classic layout, as ``crm resource status`` has them."""
    from crmsh_py.views import mon_classic, mon_facts

    lines = [
        line
        for resource in mon_facts.displayable(cib, status).resources
        for line in mon_classic.resource_lines(resource, inactive=True)
    ]
    return "".join(f"{legible(line)}\n" for line in lines) or "NO resources configured\n"


def instances(status: ClusterStatus) -> list[str]:
    """The names of all primitives there are, those of a clone's instances with their numbers."""
    return [primitive.id for primitive in primitives(status.resources)]


def location_lines(status: ClusterStatus, name: str, *, classic: bool = True) -> list[str]:
    """One line per node where the resource runs; empty when it runs nowhere."""
    lines = []
    for node, role in places(status, name):
        mark = ""
        if role is Role.PROMOTED:
            mark = f" {classic_role(role) if classic else role.value}"
        lines.append(f"resource {name} is running on: {node}{mark}")
    return lines


def not_running(name: str) -> str:
    """What is said about a resource that runs nowhere."""
    return f"resource {name} is NOT running"


@frozen
class Relation:
    """What a constraint is to a resource.

    ``relation`` is with (it is colocated with ``other``), of (``other`` is colocated with it),
    before, after, location, ticket, or member (of a set).
    """

    constraint: str
    relation: str
    other: str
    score: str
    kind: str  # location, colocation, order, ticket

    def __str__(self) -> str:
        match self.relation:
            case "before" | "after":
                return f"starts {self.relation} {self.other} ({self.score}) (id={self.constraint})"
            case "ticket":
                return f"ticket {self.other} (id={self.constraint})"
        return f"member of a set of {self.kind} (id={self.constraint})"


def relations(cib: Cib, name: str) -> list[Relation]:
    """What every constraint that touches a resource is to it, in the order of the document."""
    found = []
    for element in cib.section("constraints").findall():
        members = [reference.id for reference in element.iter("resource_ref")]
        names = (element.get("rsc"), element.get("with-rsc"), element.get("first"))
        if name in (*names, element.get("then"), *members):
            found.append(_relation(element, name))
    return found


def _relation(element: Element, name: str) -> Relation:
    kind = element.tag.removeprefix("rsc_")
    score = element.get("score") or element.get("kind") or "INFINITY"
    relation, other = "member", ""
    if element.tag == "rsc_colocation" and element.get("rsc") == name:
        relation, other = "with", element.get("with-rsc")
    elif element.tag == "rsc_colocation" and element.get("with-rsc") == name:
        relation, other = "of", element.get("rsc")
    elif element.tag == "rsc_order" and element.get("first"):
        score = element.get("kind") or element.get("score") or "Mandatory"
        first, then = element.get("first"), element.get("then")
        relation, other = ("before", then) if name == first else ("after", first)
    elif element.tag == "rsc_location":
        score = element.get("score") or "by rule"
        relation, other = "location", element.get("node")
    elif element.tag == "rsc_ticket":
        relation, other = "ticket", element.get("ticket")
    return Relation(element.id, relation, other, score, kind)


def orders_and_tickets(cib: Cib, name: str) -> str:
    """What binds a resource besides locations and colocations, with score and id; '' for none.

    Orders and tickets of the group and the clone around it concern it too: they follow.
    """
    around = [
        outer.id
        for outer in cib.section("resources").iter()
        if outer.tag != "resources" and any(child.id == name for child in _inside(outer))
    ]
    return "".join(_others(cib, each) for each in (name, *reversed(around)))


def _inside(outer: Element) -> Iterator[Element]:
    return (each for tag in ("primitive", "group") for each in outer.iter(tag) if each is not outer)


def _others(cib: Cib, name: str) -> str:
    found = [each for each in relations(cib, name) if each.kind in ("order", "ticket")]
    lines = "".join(f"  * {legible(str(relation))}\n" for relation in found)
    return f"Other constraints of {name}:\n{lines}" if lines else ""


def _walk(resources: tuple[ResourceStatus, ...]) -> Iterator[ResourceStatus]:
    for resource in resources:
        yield resource
        yield from _walk(resource.children)

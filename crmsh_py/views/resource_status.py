"""``crm resource status``, ``locate`` and ``constraints``: resources as text.

Input: the ``ClusterStatus`` or the ``Cib``; output: text with a newline at the end. The words are
those of crm_resource, which scripts look for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmsh_py.errors import NotFound
from crmsh_py.scheduler.result import ClusterStatus, ResourceStatus, Role
from crmsh_py.views import mon_classic
from crmsh_py.views.mon_facts import primitives
from crmsh_py.views.text import classic_role

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


def listing(status: ClusterStatus) -> str:
    """All resources and their states, as ``crm_resource -L`` lists them."""
    lines = [
        line
        for resource in status.resources
        for line in mon_classic.resource_lines(resource, inactive=True)
    ]
    return "".join(f"{line}\n" for line in lines) or "NO resources configured\n"


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


def constraints(cib: Cib, name: str) -> str:
    """The constraints that touch a resource, each with its score and id; '' for none."""
    after: list[str] = []  # what it is colocated with
    before: list[str] = []  # what is colocated with it
    others: list[str] = []
    for element in cib.section("constraints").findall():
        members = [reference.id for reference in element.iter("resource_ref")]
        score = element.get("score") or element.get("kind") or "INFINITY"
        where = f"id={element.id}"
        if element.tag == "rsc_colocation" and element.get("rsc") == name:
            after.append(f"  * {element.get('with-rsc')} (score={score}, {where})")
        elif element.tag == "rsc_colocation" and element.get("with-rsc") == name:
            before.append(f"  * {element.get('rsc')} (score={score}, {where})")
        elif name in (element.get("rsc"), element.get("first"), element.get("then"), *members):
            others.append(f"  * {_describe(element, name)} ({where})")
    blocks = (
        (f"Resources {name} is colocated with:", after),
        (f"Resources colocated with {name}:", before),
        (f"Other constraints of {name}:", others),
    )
    return "".join("\n".join([title, *lines]) + "\n" for title, lines in blocks if lines)


def _describe(element: Element, name: str) -> str:
    if element.tag == "rsc_order":
        kind = element.get("kind") or element.get("score") or "Mandatory"
        first, then = element.get("first"), element.get("then")
        return (
            f"starts before {then} ({kind})" if name == first else f"starts after {first} ({kind})"
        )
    if element.tag == "rsc_location":
        node = element.get("node") or "where its rule says"
        return f"location {node} (score={element.get('score') or 'by rule'})"
    if element.tag == "rsc_ticket":
        return f"ticket {element.get('ticket')}"
    return f"member of a set of {element.tag.removeprefix('rsc_')}"


def _walk(resources: tuple[ResourceStatus, ...]) -> Iterator[ResourceStatus]:
    for resource in resources:
        yield resource
        yield from _walk(resource.children)

"""Resources and nodes for programs: what ``resource`` and ``node`` commands show, as records.

Input: the ``ClusterStatus``, the ``Cib`` or a plan's scores. See ``records`` for what becomes of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmsh_py.cib.scores import format_score
from crmsh_py.scheduler.result import (
    ClusterStatus,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.value import frozen
from crmsh_py.views.nodes import permanent_attributes
from crmsh_py.views.resource_status import places, relations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib


@frozen(kw_only=True)
class Location:
    """A node where a resource is active, and its role there."""

    node: str
    role: Role


@frozen(kw_only=True)
class Resource:
    """A resource as it is now; ``children`` are members, instances or replicas."""

    id: str
    kind: ResourceKind
    agent: str
    role: Role
    locations: tuple[Location, ...]
    target_role: str
    managed: bool
    maintenance: bool
    failed: bool
    blocked: bool
    orphan: bool
    standin: bool
    children: tuple[Resource, ...]


@frozen(kw_only=True)
class Resources:
    """All resources."""

    resources: tuple[Resource, ...]


@frozen(kw_only=True)
class Place:
    """Where one resource is active; nowhere if ``running`` is false."""

    resource: str
    running: bool
    locations: tuple[Location, ...]


@frozen(kw_only=True)
class Places:
    """Where some resources are active."""

    resources: tuple[Place, ...]


@frozen(kw_only=True)
class Related:
    """A constraint of a resource, and what it is to it."""

    constraint: str
    relation: str  # with, of, before, after, location, ticket, member
    other: str  # a resource, a node or a ticket; '' where there are several
    score: str


@frozen(kw_only=True)
class Constraints:
    """The constraints that name a resource."""

    resource: str
    constraints: tuple[Related, ...]


@frozen(kw_only=True)
class Score:
    """The score of a resource on a node; INFINITY is a word."""

    resource: str
    node: str
    score: str


@frozen(kw_only=True)
class Scores:
    """The scores of all resources on all nodes."""

    scores: tuple[Score, ...]


@frozen(kw_only=True)
class Node:
    """A node as it is now, with the attributes that the configuration gives it."""

    name: str
    id: str
    kind: str  # member, remote, guest
    online: bool
    pending: bool
    unclean: bool
    standby: bool
    maintenance: bool
    is_dc: bool
    attributes: Mapping[str, str]
    running: tuple[str, ...]


@frozen(kw_only=True)
class Nodes:
    """All nodes, or the one that was named."""

    nodes: tuple[Node, ...]


def resources(status: ClusterStatus) -> Resources:
    """What ``resource status`` shows."""
    return Resources(resources=tuple(map(_resource, status.resources)))


def _resource(one: ResourceStatus) -> Resource:
    return Resource(
        id=one.id,
        kind=one.kind,
        agent=str(one.agent or ""),
        role=one.role,
        locations=tuple(Location(node=n, role=one.locations.get(n, one.role)) for n in one.nodes),
        target_role=one.target_role,
        managed=one.managed,
        maintenance=one.maintenance,
        failed=one.failed,
        blocked=one.blocked,
        orphan=one.orphan,
        standin=one.standin,
        children=tuple(map(_resource, one.children)),
    )


def located(status: ClusterStatus, names: tuple[str, ...]) -> Places:
    """What ``resource locate`` shows."""
    found = []
    for name in names:
        where = tuple(Location(node=node, role=role) for node, role in places(status, name))
        found.append(Place(resource=name, running=bool(where), locations=where))
    return Places(resources=tuple(found))


def constraints(cib: Cib, name: str) -> Constraints:
    """What ``resource constraints`` shows."""
    found = tuple(
        Related(constraint=r.constraint, relation=r.relation, other=r.other, score=r.score)
        for r in relations(cib, name)
    )
    return Constraints(resource=name, constraints=found)


def scores(found: Mapping[tuple[str, str], int]) -> Scores:
    """What ``resource scores`` shows."""
    return Scores(
        scores=tuple(
            Score(resource=resource, node=node, score=format_score(score))
            for (resource, node), score in sorted(found.items())
        )
    )


def nodes(cib: Cib, status: ClusterStatus, name: str = "") -> Nodes:
    """What ``node show`` shows."""
    return Nodes(nodes=tuple(_nodes(cib, status, name)))


def _nodes(cib: Cib, status: ClusterStatus, name: str) -> Iterator[Node]:
    for one in status.nodes:
        if not name or one.name == name:
            yield _node(cib, one)


def _node(cib: Cib, one: NodeStatus) -> Node:
    return Node(
        name=one.name,
        id=one.id,
        kind=one.kind,
        online=one.online,
        pending=one.pending,
        unclean=one.unclean,
        standby=one.standby,
        maintenance=one.maintenance,
        is_dc=one.is_dc,
        attributes=permanent_attributes(cib, one),
        running=one.running,
    )

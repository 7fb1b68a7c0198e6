"""What ``crm_mon --node`` and ``--resource`` leave of the state of a cluster.

Input: the CIB, the ``ClusterStatus`` as the scheduler gives it (instances of clones have their
numbers), and the options. Output: the ``Chosen``: the nodes and resources to list, and whether a
failure, a ban or a history is to be told. The rules are what Pacemaker's own crm_mon shows:

- ``--node`` takes a node's name, in any case, or a tag of ids of nodes. What runs elsewhere is
  left out, of clones the instances that do; what runs nowhere stays.
- ``--resource`` takes any resource's name, an instance's with its number, or a tag. Of a group the
  members that are meant stay, of a clone the instances, of a bundle the parts. Failures and bans
  are those of exactly this name; histories are those of the whole clone or bundle around it, and so
  are, for groups as well, the lists below nodes.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
)
from crmsh_py.value import frozen, replace
from crmsh_py.views import mon_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.views.bans import Ban
    from crmsh_py.views.mon_facts import MonOptions
    from crmsh_py.views.mon_history import NodeHistory


@frozen(kw_only=True)
class Chosen:
    """The part that is shown; resources are named as they are displayed.

    ``status`` is the whole state. ``nodes`` and ``resources`` are listed, ``around`` are the whole
    topmost resources of which anything was asked for. ``names`` and ``remembered`` (whose history
    is told) are None for all.
    """

    status: ClusterStatus
    nodes: tuple[NodeStatus, ...]
    resources: tuple[ResourceStatus, ...]
    around: tuple[ResourceStatus, ...]
    names: frozenset[str] | None = None
    remembered: frozenset[str] | None = None

    def has_node(self, name: str) -> bool:
        """Whether a node is shown."""
        return any(node.name == name for node in self.nodes)

    def whole(self, resource: ResourceStatus) -> ResourceStatus:
        """A topmost resource with the parts that were not asked for."""
        if self.resources is self.status.resources:
            return resource
        # What is removed may be called like what is configured.
        wanted = (resource.id, resource.kind, resource.orphan)
        return next(
            (r for r in self.status.resources if (r.id, r.kind, r.orphan) == wanted), resource
        )

    def in_part(self, resource: ResourceStatus) -> bool:
        """Whether of a container only parts were asked for."""
        return self.names is not None and resource.id not in self.names

    def running_on(self, node: NodeStatus) -> list[ResourceStatus]:
        """The primitives that are active on a node, in the order of its history."""
        here = [p for p in mon_facts.primitives(self.around) if node.name in p.nodes]
        order = {name: place for place, name in enumerate(node.running)}
        return sorted(here, key=lambda primitive: order.get(primitive.id, len(order)))

    def failures(self) -> list[FailedAction]:
        """The failures that are worth telling, on these nodes and of these resources."""
        return [
            failure
            for failure in mon_facts.shown_failures(self.status)
            if self.has_node(failure.node)
            and (self.names is None or mon_facts.failed_operation(failure)[0] in self.names)
        ]

    def bans(self, found: list[Ban]) -> list[Ban]:
        """The bans of these resources and of what they contain, on whatever node."""
        names = self.names
        if names is None:
            return found
        told = set(names)
        for top in self.status.resources:
            if top.id in names:
                told |= {each.id for each in mon_facts.everything((top,))}
        return [ban for ban in found if ban.resource in told]

    def histories(self, found: list[NodeHistory]) -> list[NodeHistory]:
        """The histories on these nodes, of these resources and of what belongs to them."""
        kept = [node for node in found if self.has_node(node.node)]
        told = self.remembered
        if told is None:
            return kept
        return [
            replace(node, resources=tuple(e for e in node.resources if e.resource in told))
            for node in kept
        ]


def choose(cib: Cib, status: ClusterStatus, options: MonOptions) -> Chosen:
    """What the options ask for; everything where they limit nothing."""
    whole = mon_facts.displayable(cib, status)
    resources = status.resources
    nodes, around = whole.nodes, whole.resources
    names = remembered = None
    if options.only_resource:
        names = _names(cib, status, options.only_resource)
        remembered = _remembered(resources, names)
        parts = [(_named_parts(each, names), each) for each in resources]
        resources = tuple(part for part, _ in parts if part is not None)
        touched = tuple(each for part, each in parts if part is not None)
        around = mon_facts.displayable(cib, replace(status, resources=touched)).resources
    if options.only_node:
        nodes = _nodes(cib, whole, options.only_node)
        resources = _on(resources, frozenset(node.name for node in nodes), whole, options)
    shown = around
    if resources is not status.resources:
        shown = mon_facts.displayable(cib, replace(status, resources=resources)).resources
    return Chosen(
        status=whole, nodes=nodes, resources=shown, around=around, names=names,
        remembered=remembered,
    )  # fmt: skip


def as_called(status: ClusterStatus, chosen: Chosen, resource: ResourceStatus) -> ResourceStatus:
    """A resource of the scheduler's ``status`` as it is displayed in what was chosen of it."""
    pairs = zip(
        mon_facts.everything(status.resources),
        mon_facts.everything(chosen.status.resources),
        strict=True,
    )
    return next(shown for named, shown in pairs if named is resource)


def _tagged(cib: Cib, tag: str) -> frozenset[str]:
    return frozenset(
        reference.id
        for element in cib.section("tags").findall("tag")
        if element.id == tag
        for reference in element.findall("obj_ref")
    )


# ---- nodes ---------------------------------------------------------------------------------------


def _nodes(cib: Cib, status: ClusterStatus, wanted: str) -> tuple[NodeStatus, ...]:
    named = tuple(node for node in status.nodes if node.name.lower() == wanted.lower())
    ids = _tagged(cib, wanted) if not named else frozenset()
    return named or tuple(node for node in status.nodes if node.id in ids)


def _on(
    resources: tuple[ResourceStatus, ...],
    nodes: frozenset[str],
    status: ClusterStatus,
    options: MonOptions,
) -> tuple[ResourceStatus, ...]:
    away = mon_facts.away(status)
    kept = []
    for each in resources:
        # Below their nodes, everything has been listed that runs: here is what does not, in whole.
        elsewhere = mon_facts.is_active(each, wholly=False, away=away) and not _runs_on(each, nodes)
        if options.by_node or not elsewhere:
            kept.append(_instances_on(each, nodes))
    return tuple(kept)


def _runs_on(resource: ResourceStatus, nodes: frozenset[str]) -> bool:
    if resource.kind is ResourceKind.BUNDLE:
        return any(_replica_on(resource, replica, nodes) for replica in resource.children)
    return any(not nodes.isdisjoint(part.nodes) for part in mon_facts.primitives((resource,)))


def _replica_on(bundle: ResourceStatus, replica: ResourceStatus, nodes: frozenset[str]) -> bool:
    """Where its container is; what is inside runs on a node of its own."""
    container = mon_facts.replica_parts(bundle, replica).container
    return _runs_on(container or replica, nodes)


def _instances_on(resource: ResourceStatus, nodes: frozenset[str]) -> ResourceStatus:
    """A container without the instances that run on other nodes."""
    if resource.kind in (ResourceKind.PRIMITIVE, ResourceKind.REPLICA):
        return resource
    children = []
    for child in resource.children:
        if child.kind is ResourceKind.REPLICA:
            here = _replica_on(resource, child, nodes)
        else:
            here = _runs_on(child, nodes)
        if here or not mon_facts.is_active(child, wholly=False):
            children.append(_instances_on(child, nodes))
    places = {node: role for node, role in resource.locations.items() if node in nodes}
    return replace(resource, children=tuple(children), locations=places)


# ---- resources -----------------------------------------------------------------------------------


def _names(cib: Cib, status: ClusterStatus, wanted: str) -> frozenset[str]:
    """The names that are meant, an instance's with its number only where that was said.

    An instance that has its number for a name is meant by the bare name if it is the first.
    """
    for resource, unique in _instances(status.resources, False):
        if resource.id == wanted:
            return frozenset({wanted})
        if resource.id.partition(":")[0] == wanted:
            return frozenset({resource.id if unique else wanted})
    return _tagged(cib, wanted)


def _instances(
    resources: tuple[ResourceStatus, ...], unique: bool
) -> Iterator[tuple[ResourceStatus, bool]]:
    """Everything that has a name, and whether instances of it are told apart."""
    for resource in resources:
        if resource.kind is not ResourceKind.REPLICA:
            yield resource, unique
        has_instances = resource.kind.is_clone or resource.kind is ResourceKind.BUNDLE
        inside = resource.unique if has_instances else unique
        yield from _instances(resource.children, inside)


def _is_named(resource: ResourceStatus, names: frozenset[str]) -> bool:
    if resource.kind is ResourceKind.REPLICA:
        return False  # a number
    return resource.id in names or resource.id.partition(":")[0] in names


def _named_parts(resource: ResourceStatus, names: frozenset[str]) -> ResourceStatus | None:
    """What of a resource is meant; None for nothing."""
    if _is_named(resource, names):
        return resource
    parts = [(_named_parts(child, names), child) for child in resource.children]
    # Of a group that is an instance of a clone, all members belong to what was asked for.
    whole = resource.kind.is_clone
    children = tuple(child if whole else part for part, child in parts if part is not None)
    return replace(resource, children=children) if children else None


def _remembered(resources: tuple[ResourceStatus, ...], names: frozenset[str]) -> frozenset[str]:
    """Whose histories are told: as the resources are called, with numbers and without."""
    told: set[str] = set()
    for top in resources:
        part = _named_parts(top, names)
        if part is None:
            continue
        meant = part if top.kind is ResourceKind.GROUP else top
        for each in mon_facts.everything((meant,)):
            told |= {each.id, each.id.partition(":")[0]}
    return frozenset(told)

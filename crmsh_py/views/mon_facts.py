"""What crm_mon shows besides the state of nodes and resources, read from the CIB as values.

Input: a ``Cib`` with its status section, and the ``ClusterStatus`` made from it. Output: the last
change, tickets, attributes and failures, in the order in which Pacemaker lists them, and resources
as they are called and shown. The classic, modern, XML, JSON and HTML layouts all draw from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from operator import is_

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import format_score
from crmsh_py.regex import regex
from crmsh_py.scheduler.result import (
    ClusterStatus,
    FailedAction,
    NodeStatus,
    ResourceKind,
    ResourceStatus,
    Role,
)
from crmsh_py.value import frozen, replace
from crmsh_py.views.text import parse_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

MONITOR = "monitor"
NOT_RUNNING = 7
# The key of an operation: resource, operation, interval.
_KEY = regex(r"(.+?)_(migrate_to|migrate_from|[^_]+)_(\d+)")
_MASKED_PROBES = (2, 5)  # OCF: invalid parameter, not installed
# A node that announces no feature set is older than the first one that does.
_UNANNOUNCED = "<3.15.1"
_NOT_INSTALLED_STATUS = 7  # op-status: there is no such agent


@frozen(kw_only=True)
class MonOptions:
    """What to show; the defaults are those of ``crm_mon -1``.

    ``bans`` is None for no list of negative locations, else the prefix of the ids to list.
    ``only_node`` and ``only_resource`` limit the lists to one node or one resource. ``places``
    names the node where a primitive runs, ``descriptions`` what people have written about a
    resource; without ``places`` its description always stands there. ``sections`` are the only
    ones to show (None: the usual ones), by the names of ``mon_sections``. ``live_on`` is the node
    of a running cluster that tells all this, '' for a file.
    """

    by_node: bool = False
    inactive: bool = False
    fail_counts: bool = False
    operations: bool = False
    timing: bool = False
    attributes: bool = False
    tickets: bool = False
    bans: str | None = None
    detail: bool = False
    brief: bool = False
    headers: bool = True
    failures: bool = True
    places: bool = True
    descriptions: bool = False
    sections: frozenset[str] | None = None
    only_node: str = ""
    only_resource: str = ""
    request: str = "crm_mon"
    live_on: str = ""

    def shows(self, section: str) -> bool:
        """Whether a section is shown that is there without being asked for."""
        return self.sections is None or section in self.sections


@frozen(kw_only=True)
class LastChange:
    """Who changed the configuration last, when (the text of the CIB), and from where."""

    time: str
    user: str
    client: str
    origin: str


@frozen(kw_only=True)
class Ticket:
    """A ticket of a multi-site cluster."""

    id: str
    granted: bool
    standby: bool
    last_granted: int
    granted_attribute: str | None = None  # as the status says it, where it does


def last_change(cib: Cib) -> LastChange:
    """Who wrote the configuration last; fields that the CIB does not have are ''."""
    attrs = cib.root.attrs
    return LastChange(
        time=attrs.get("cib-last-written", ""),
        user=attrs.get("update-user", ""),
        client=attrs.get("update-client", ""),
        origin=attrs.get("update-origin", ""),
    )


def transient_attributes(cib: Cib, node_id: str) -> dict[str, str]:
    """The transient attributes of a node, by its id or name, in the order of its status."""
    for state in cib.status.findall("node_state"):
        if node_id in (state.id, state.get("uname")):
            sets = state.find("transient_attributes")
            return {
                pair.get("name"): pair.get("value")
                for pair in (sets.iter("nvpair") if sets is not None else ())
            }
    return {}


def tickets(cib: Cib) -> list[Ticket]:
    """The tickets of the status section, and those that only constraints name (not granted)."""
    found: dict[str, Ticket] = {}
    section = cib.status.find("tickets")
    for element in section.findall("ticket_state") if section is not None else ():
        found[element.id] = Ticket(
            id=element.id,
            granted=is_true(element.get("granted")),
            standby=is_true(element.get("standby")),
            last_granted=parse_int(element.get("last-granted")),
            granted_attribute=element.attrs.get("granted"),
        )
    for constraint in cib.section("constraints").findall("rsc_ticket"):
        name = constraint.get("ticket")
        found.setdefault(name, Ticket(id=name, granted=False, standby=False, last_granted=0))
    return sorted(found.values(), key=lambda ticket: ticket.id)


def recorded_failure(cib: Cib, failure: FailedAction) -> Element | None:
    """The history entry that a failure was read from."""
    for state in cib.status.findall("node_state"):
        if state.get("uname") != failure.node and state.id != failure.node:
            continue
        for entry in state.iter("lrm_rsc_op"):
            key = entry.get("operation_key") or entry.id
            if key == failure.key and parse_int(entry.get("call-id")) == failure.call_id:
                return entry
    return None


def shown_attributes(node: NodeStatus) -> list[tuple[str, str]]:
    """The attributes of a node that people want to see, by name.

    Those that the cluster keeps for itself are left out: fail counts, last failures, shutdown,
    standby and the like are told elsewhere on the page.
    """
    hidden_prefixes = ("last-failure", "fail-count", "#")
    hidden = {"shutdown", "terminate", "standby"}
    return sorted(
        (name, value)
        for name, value in node.attributes.items()
        if name not in hidden and not name.startswith(hidden_prefixes)
    )


def feature_set(node: NodeStatus) -> str:
    """What a node can do, as it announces it; an older one announces nothing. '' for one that
    is not there.
    """
    unannounced = node.online and node.expected_up and node.kind == "member"
    return node.feature_set or (_UNANNOUNCED if unannounced else "")


def expected_scores(cib: Cib, status: ClusterStatus, node: NodeStatus) -> dict[str, int]:
    """What a ping resource's attribute has on a node when all its hosts answer, by attribute.

    Only resources that run on the node count (ocf:pacemaker:ping and its older names).
    """
    found: dict[str, int] = {}
    for primitive in primitives(status.resources):
        kind = primitive.agent.type if primitive.agent else ""
        element = cib.find_id(primitive.id.partition(":")[0])
        if kind not in ("ping", "pingd") or node.name not in primitive.nodes or element is None:
            continue
        values = {
            pair.get("name"): pair.get("value")
            for attributes in element.findall("instance_attributes")
            for pair in attributes.findall("nvpair")
        }
        hosts = len(values.get("host_list", "").split())
        found[values.get("name", "pingd")] = hosts * parse_int(values.get("multiplier", "1"), 1)
    return found


@frozen
class ReplicaParts:
    """What a replica of a bundle is made of; None for what it does not have."""

    address: ResourceStatus | None
    child: ResourceStatus | None
    container: ResourceStatus | None
    remote: ResourceStatus | None


def replica_parts(bundle: ResourceStatus, replica: ResourceStatus) -> ReplicaParts:
    """Tell the parts of a replica apart: the names that Pacemaker gives them say what they are."""
    address = child = container = remote = None
    for part in replica.children:
        kind = part.agent.type if part.agent else ""
        if part.id.startswith(f"{bundle.id}-ip-"):
            address = part
        elif part.id == f"{bundle.id}-{replica.id}":
            remote = part
        elif part.id == f"{bundle.id}-{kind}-{replica.id}":
            container = part
        else:
            child = part
    return ReplicaParts(address, child, container, remote)


def primitives(resources: tuple[ResourceStatus, ...]) -> Iterator[ResourceStatus]:
    """All primitive instances, depth first, in the order of the configuration."""
    for resource in resources:
        if resource.kind is ResourceKind.PRIMITIVE:
            yield resource
        else:
            yield from primitives(resource.children)


def everything(resources: tuple[ResourceStatus, ...]) -> Iterator[ResourceStatus]:
    """All resources with their parts, depth first."""
    for resource in resources:
        yield resource
        yield from everything(resource.children)


def displayable(cib: Cib, status: ClusterStatus) -> ClusterStatus:
    """The status with the DC by name, and resources as they are called and shown.

    Only instances of unique clones and bundles have numbers; a started instance of something that
    can be promoted is Unpromoted.
    """
    resources = tuple(_displayable(cib, one, True, False) for one in status.resources)
    return replace(status, resources=resources, dc=status.dc or _unlisted_dc(cib, status))


def with_roles(cib: Cib, status: ClusterStatus) -> ClusterStatus:
    """The status with the roles that are shown, and resources under the names that they have."""
    named = [_displayable(cib, one, True, False, numbered=True) for one in status.resources]
    return replace(status, resources=tuple(named))


def _unlisted_dc(cib: Cib, status: ClusterStatus) -> str:
    """The DC's name where no node is configured: a new cluster lists none before it has quorum."""
    states = cib.status.findall("node_state")
    return next((s.get("uname") for s in states if s.id and s.id == status.dc_id), "")


def target_role(clone: ResourceStatus) -> str:
    """The role that a clone shall have: its own, or else that of what it clones."""
    first = clone.children[:1]
    return clone.target_role or (first[0].target_role if first else "")


def failed_operation(failure: FailedAction) -> tuple[str, str, int]:
    """What failed, as the key of the operation says: the resource, number and all, the operation,
    and its interval in milliseconds.
    """
    found = _KEY.fullmatch(failure.key)
    if found is None:
        return failure.resource, failure.operation, failure.interval_ms
    return found[1], found[2], parse_int(found[3])


def shown_failures(status: ClusterStatus) -> list[FailedAction]:
    """The failures that are worth telling.

    A probe that finds nothing installed, or a configuration that cannot work there, says only
    where the resource cannot run.
    """
    return [
        failure
        for failure in status.failed_actions
        if failure.operation != MONITOR
        or failure.interval_ms
        or not (failure.rc in _MASKED_PROBES or failure.status == _NOT_INSTALLED_STATUS)
    ]


def _displayable(
    cib: Cib, resource: ResourceStatus, unique: bool, promotable: bool, *, numbered: bool = False
) -> ResourceStatus:
    part = partial(_displayable, cib, numbered=numbered)
    if resource.kind is ResourceKind.PRIMITIVE:
        name = resource.id if unique or numbered else resource.id.partition(":")[0]
        can_promote = promotable or resource.promotable
        if name == resource.id and not can_promote:
            return resource
        role, places = resource.role, resource.locations
        if can_promote:
            role = _of_promotable(role)
            places = {node: _of_promotable(there) for node, there in places.items()}
        return replace(resource, id=name, role=role, locations=places, promotable=can_promote)
    if resource.kind.is_clone or resource.kind is ResourceKind.BUNDLE:
        unique = resource.unique
        promotable = promotable or resource.kind is ResourceKind.PROMOTABLE
    children = []
    for child in resource.children:
        inside = promotable
        if resource.kind is ResourceKind.REPLICA:
            # The parts of a replica have names of their own; what it contains is an instance.
            original = cib.find_id(child.id.partition(":")[0])
            contained = original is not None and original.tag == "primitive"
            children.append(part(child, unique or not contained, contained and inside))
            continue
        if resource.kind is ResourceKind.BUNDLE:
            inside = _promotes(cib, resource.id)
        children.append(part(child, unique, inside))
    if all(map(is_, children, resource.children)):
        return resource
    return replace(resource, children=tuple(children))


def _of_promotable(role: Role) -> Role:
    return Role.UNPROMOTED if role is Role.STARTED else role


def _promotes(cib: Cib, bundle: str) -> bool:
    """Whether a bundle's contents can be promoted."""
    element = cib.find_id(bundle)
    for container in element.findall() if element is not None else ():
        count = container.get("promoted-max") or container.get("masters")
        if parse_int(count) > 0:
            return True
    return False


def active_nodes(primitive: ResourceStatus, away: Collection[str]) -> tuple[str, ...]:
    """Where a primitive runs; what is managed runs no more on nodes that are ``away`` for sure."""
    if not primitive.managed:
        return primitive.nodes
    return tuple(node for node in primitive.nodes if node not in away)


def is_active(
    resource: ResourceStatus, *, wholly: bool, away: Collection[str] = frozenset()
) -> bool:
    """Whether a resource runs: all of its primitives (``wholly``) or at least one of them.

    ``away`` are the nodes that are gone for sure: what is managed and was there runs no more.
    """
    if resource.kind is ResourceKind.PRIMITIVE:
        return bool(active_nodes(resource, away))
    parts = [is_active(child, wholly=wholly, away=away) for child in resource.children]
    return bool(parts) and (all(parts) if wholly else any(parts))


def is_disabled(resource: ResourceStatus) -> bool:
    """Whether somebody said that it shall not run."""
    return resource.disabled or resource.target_role.lower() == "stopped"


def away(status: ClusterStatus) -> frozenset[str]:
    """The nodes that are offline, and cleanly so."""
    return frozenset(n.name for n in status.nodes if not n.online and not n.unclean)


def score_text(score: int) -> str:
    """A score as people write it: INFINITY for 1000000."""
    return format_score(score)

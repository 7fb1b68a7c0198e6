"""What completion knows of a cluster: names with a word about each, as one immutable value.

``names_of`` reads a configuration (a few milliseconds for a thousand resources), ``with_states``
adds what the status section says, which takes the scheduler's eyes and longer. Pure; the thread
that keeps a snapshot fresh is in ``shell.background``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Flag, auto

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.document import Cib
from crmsh_py.cib.edit import CONTAINERS, top_level
from crmsh_py.cib.element import Element
from crmsh_py.value import field, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from crmsh_py.clusters.kinds import ClusterKind
    from crmsh_py.scheduler.result import ClusterStatus, ResourceStatus

    _T = TypeVar("_T")

_SHOWN = 4  # members that are named in a line
_BY_MOVE = ("cli-ban-", "cli-prefer-", "cli-standby-")  # constraints that move and ban have made
_SETS = ("instance_attributes", "meta_attributes", "utilization", "operations", "rule",
         "cluster_property_set")  # fmt: skip


class Fact(Flag):
    """What may be true of a resource or a node. Without KNOWN nothing is known of its state."""

    NONE = 0
    KNOWN = auto()
    ACTIVE = auto()  # a resource runs somewhere; a node is online
    PROMOTED = auto()
    PROMOTABLE = auto()
    UNMANAGED = auto()
    MAINTENANCE = auto()
    FAILED = auto()
    STANDBY = auto()
    MOVED = auto()  # a constraint of move or ban holds it
    STOPPED = auto()  # target-role says so


@frozen
class Item:
    """Something that has a name.

    Attributes:
        kind: primitive, template, group, clone, promotable, bundle, node, or the element's tag.
        about: its agent, its members, what it binds.
        container: the group, clone or bundle that it is in.
        state: where it is, in words; '' where that is not known.
    """

    id: str
    kind: str
    about: str = ""
    container: str = ""
    state: str = ""
    facts: Fact = Fact.NONE

    @property
    def line(self) -> str:
        """What is shown beside the name."""
        return ", ".join(filter(None, (self.about or self.kind, self.state)))


@frozen
class Standing:
    """How the cluster stands, for the line below the prompt; without a kind nothing is known yet,
    or, as ``problem`` says, nothing can be.
    """

    kind: ClusterKind | None = None
    name: str = ""
    node: str = ""
    online: int = 0
    nodes: int = 0
    quorate: bool | None = None
    failures: int = 0
    problem: str = ""


@frozen
class Snapshot:
    """Names by kind; every mapping goes from the name."""

    nodes: Mapping[str, Item] = field(default_factory=dict)
    resources: Mapping[str, Item] = field(default_factory=dict)  # without templates
    templates: Mapping[str, Item] = field(default_factory=dict)
    others: Mapping[str, Item] = field(default_factory=dict)  # constraints, tags, sets, roles …
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of groups and clones
    agents: Mapping[str, str] = field(default_factory=dict)  # of primitives and templates
    sets: tuple[str, ...] = ()  # ids that $id-ref can name
    attributes: tuple[str, ...] = ()  # names of node attributes
    capacities: tuple[str, ...] = ()  # names of utilization attributes
    shadows: tuple[str, ...] = ()
    revisions: tuple[tuple[str, str], ...] = ()  # version, and who made it when
    standing: Standing = Standing()
    cib: Cib | None = field(default=None, compare=False, repr=False)  # where the names are from
    _memo: dict[str, object] = field(init=False, default_factory=dict, compare=False, repr=False)

    def remember(self, key: str, compute: Callable[[], _T]) -> _T:
        """Something that is made of this snapshot alone, made once."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]

    def objects(self) -> Iterator[Item]:
        """Everything that can be shown or deleted."""
        for items in (self.resources, self.templates, self.others, self.nodes):
            yield from items.values()

    def item(self, name: str) -> Item | None:
        """What has this name, if anything has."""
        kinds = (self.resources, self.templates, self.others, self.nodes)
        return next((items[name] for items in kinds if name in items), None)

    def of_kind(self, *kinds: str) -> Iterator[Item]:
        """Constraints, tags, roles … of a kind."""
        return (item for item in self.others.values() if item.kind in kinds)


# ---- names -------------------------------------------------------------------------------------


def names_of(cib: Cib) -> Snapshot:
    """The names of a configuration, without what the status says."""
    resources: dict[str, Item] = {}
    templates: dict[str, Item] = {}
    members: dict[str, tuple[str, ...]] = {}
    agents: dict[str, str] = {}
    moved = {
        constraint.get("rsc")
        for constraint in cib.section("constraints").findall("rsc_location")
        if constraint.id.startswith(_BY_MOVE)
    }
    section = cib.section("resources")
    for element, container in _resources(section, ""):
        item = _resource(element, container, moved)
        (templates if element.tag == "template" else resources)[item.id] = item
        if element.tag in (*CONTAINERS, "bundle"):
            members[item.id] = tuple(c.id for c in element.findall("primitive", "group") if c.id)
    for element in section.iter("primitive", "template"):
        agents[element.id] = str(AgentSpec.of(element)) or agents.get(element.get("template"), "")
    known = {*resources, *templates}
    nodes = {n.get("uname"): n for n in cib.section("nodes").findall("node") if n.get("uname")}
    others = {
        name: Item(name, element.tag, _about(element))
        for name, element in top_level(cib).items()
        if name not in known and element.tag != "node"
    }
    configuration = cib.configuration
    return Snapshot(
        nodes={name: _node(name, element) for name, element in nodes.items()},
        resources=resources,
        templates=templates,
        others=others,
        members=members,
        agents=agents,
        sets=tuple(sorted({e.id for e in configuration.iter(*_SETS) if e.id})),
        attributes=_names(nodes.values(), "instance_attributes"),
        capacities=_names([*nodes.values(), *section.iter("primitive")], "utilization"),
        cib=cib,
    )


def _resources(parent: Element, container: str) -> Iterator[tuple[Element, str]]:
    for element in parent.findall("primitive", "template", "bundle", *CONTAINERS):
        yield element, container
        if element.tag not in ("primitive", "template"):
            yield from _resources(element, element.id)


def _resource(element: Element, container: str, moved: set[str]) -> Item:
    facts = Fact.MOVED if element.id in moved else Fact.NONE
    kind = element.tag
    meta = _meta(element)
    if kind == "master" or is_true(meta.get("promotable")):
        kind = "promotable"
        facts |= Fact.PROMOTABLE
    if meta.get("target-role", "").lower() == "stopped":
        facts |= Fact.STOPPED
    return Item(element.id, kind, _about(element), container, "", facts)


def _meta(element: Element) -> dict[str, str]:
    return {
        pair.get("name"): pair.get("value")
        for attributes in element.findall("meta_attributes")
        for pair in attributes.findall("nvpair")
    }


def _about(element: Element) -> str:
    get = element.get
    match element.tag:
        case "primitive" | "template":
            return str(AgentSpec.of(element)) or f"@{get('template')}"
        case "group" | "clone" | "master" | "bundle":
            inner = element.findall("primitive", "group", *CONTAINERS)
            return f"{element.tag} of {_few(c.id for c in inner)}" if inner else element.tag
        case "rsc_location":
            return (
                f"location: {get('rsc') or get('rsc-pattern') or 'resources'} {get('node')}".strip()
            )
        case "rsc_colocation":
            return (
                f"colocation: {get('rsc')} with {get('with-rsc')}" if get("rsc") else "colocation"
            )
        case "rsc_order":
            return f"order: {get('first')} then {get('then')}" if get("first") else "order"
        case "rsc_ticket":
            return f"ticket {get('ticket')}"
        case "tag":
            return f"tag of {_few(ref.id for ref in element.findall('obj_ref'))}"
        case "acl_role":
            return "access role"
        case "acl_target" | "acl_group":
            return "access of a user" if element.tag == "acl_target" else "access of a group"
        case "alert":
            return f"alert {get('path')}"
        case "cluster_property_set":
            return "cluster properties"
        case "meta_attributes":
            return "defaults"
        case "fencing-topology":
            return "which devices fence which node"
        case tag:
            return tag


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" … ({len(listed)})" if len(listed) > _SHOWN else ""
    return " ".join(listed[:_SHOWN]) + more


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _node(name: str, element: Element) -> Item:
    return Item(name, "node", f"node {element.get('type')}".strip() if element.get("type")
                not in ("", "normal", "member") else "node")  # fmt: skip


def _names(owners: Iterable[Element], tag: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                pair.get("name")
                for owner in owners
                for attributes in owner.findall(tag)
                for pair in attributes.findall("nvpair")
                if pair.get("name")
            }
        )
    )


# ---- states ------------------------------------------------------------------------------------


def with_states(names: Snapshot, status: ClusterStatus) -> Snapshot:
    """The same names with where everything is."""
    seen = {item.id: item for resource in status.resources for item in _walk(resource)}
    nodes = {node.name: node for node in status.nodes}

    def resource(item: Item) -> Item:
        found = seen.get(item.id)
        if found is None:
            return item
        state, facts = _state(found)
        return replace(item, state=state, facts=item.facts | facts | Fact.KNOWN)

    def node(item: Item) -> Item:
        found = nodes.get(item.id)
        if found is None:
            return item
        facts = Fact.KNOWN
        facts |= Fact.ACTIVE if found.online else Fact.NONE
        facts |= Fact.STANDBY if found.standby else Fact.NONE
        facts |= Fact.MAINTENANCE if found.maintenance else Fact.NONE
        words = [
            "unclean" if found.unclean else "online" if found.online else "offline",
            "DC" if found.is_dc else "",
            "standby" if found.standby else "",
            "maintenance" if found.maintenance else "",
            _count(len(found.running), "resource") if found.running else "",
        ]
        return replace(item, state=", ".join(filter(None, words)), facts=item.facts | facts)

    known = {
        **{node.name: Item(node.name, "node", node.kind) for node in status.nodes},
        **names.nodes,
    }
    return replace(
        names,
        nodes={name: node(item) for name, item in known.items()},
        resources={name: resource(item) for name, item in names.resources.items()},
    )


def states_from(names: Snapshot, before: Snapshot) -> Snapshot:
    """New names (of a pending configuration) with the states of an older look."""

    def kept(item: Item, old: Item | None) -> Item:
        if old is None:
            return item
        lasting = Fact.PROMOTABLE | Fact.MOVED | Fact.STOPPED
        return replace(item, state=old.state, facts=item.facts | (old.facts & ~lasting))

    return replace(
        names,
        nodes={n: kept(i, before.nodes.get(n)) for n, i in names.nodes.items()},
        resources={n: kept(i, before.resources.get(n)) for n, i in names.resources.items()},
        shadows=before.shadows,
        revisions=before.revisions,
        standing=before.standing,
    )


def _walk(resource: ResourceStatus) -> Iterator[ResourceStatus]:
    yield resource
    for child in resource.children:
        if resource.kind.is_clone:  # instances: their names are the clone's
            continue
        yield from _walk(child)


def _state(resource: ResourceStatus) -> tuple[str, Fact]:
    from crmsh_py.scheduler.result import Role

    parts = list(_primitives(resource))
    nodes = {node: role for part in parts for node, role in part.locations.items() if part.nodes}
    promoted = any(role is Role.PROMOTED for role in nodes.values())
    failed = any(part.failed for part in parts)
    facts = Fact.ACTIVE if nodes else Fact.NONE
    facts |= Fact.PROMOTED if promoted else Fact.NONE
    facts |= Fact.FAILED if failed else Fact.NONE
    facts |= Fact.MAINTENANCE if resource.maintenance else Fact.NONE
    facts |= Fact.NONE if resource.managed else Fact.UNMANAGED
    words = f"on {_few(nodes)}" if nodes else "stopped"
    marks = [
        "FAILED" if failed else "",
        "blocked" if resource.blocked else "",
        "unmanaged" if not resource.managed else "",
    ]
    return ", ".join(filter(None, (words, *marks))), facts


def _primitives(resource: ResourceStatus) -> Iterator[ResourceStatus]:
    if not resource.children:
        yield resource
    for child in resource.children:
        yield from _primitives(child)

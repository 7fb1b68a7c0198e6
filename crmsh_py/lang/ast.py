"""The crm language as values: what a line says, whether it was typed or made from XML.

Every string that was parsed is a ``words.Word`` and knows its place; places do not count in
comparisons. The values are in one normal form, so that ``parse(print(x)) == x``:

- scores are as in XML: ``INFINITY``, ``-INFINITY``, ``100``; any other word is the name of a
  node attribute that holds the score. '' means that none is written.
- what is '' or () is not there. ``None`` as an attribute's value means that it has no value.
- order is the order of the text.
"""

from __future__ import annotations

from crmsh_py.value import Value, frozen

# ---- attributes and rules ------------------------------------------------------------------------


@frozen
class Nvpair(Value):
    """``name=value``, ``name`` alone, ``$ID:name=value``, or a reference: ``@ID``, ``@ID:name``."""

    name: str
    value: str | None = None
    nvid: str = ""
    is_reference: bool = False


@frozen
class Defined(Value):
    """``defined X`` or ``not_defined X``."""

    attribute: str
    negated: bool = False


@frozen
class Comparison(Value):
    """``#uname eq node1``, ``pingd number:lt 3``; ``source`` is for ``param{x}``, ``meta{x}``."""

    attribute: str
    operation: str
    value: str
    type: str = ""
    source: str = ""


@frozen
class DateCompare(Value):
    """``date lt T`` or ``date gt T``."""

    operation: str
    value: str


@frozen
class DateRange(Value):
    """``date in start=T end=T``, or one of the two with a duration."""

    start: str = ""
    end: str = ""
    duration: tuple[Nvpair, ...] = ()


@frozen
class DateSpec(Value):
    """``date spec hours=9-16 …``."""

    fields: tuple[Nvpair, ...]


Expression = Defined | Comparison | DateCompare | DateRange | DateSpec


@frozen
class Rule(Value):
    """Expressions joined by ``and`` or ``or``, or a reference to another rule.

    Without a score it counts with INFINITY.
    """

    expressions: tuple[Expression, ...] = ()
    boolean: str = "and"
    score: str = ""
    role: str = ""
    id: str = ""
    id_ref: str = ""


@frozen
class AttributeSet(Value):
    """One set: ``kind`` is params, meta, utilization, attributes, op_params or op_meta."""

    kind: str
    items: tuple[Nvpair | Rule, ...] = ()
    score: str = ""
    id: str = ""
    id_ref: str = ""


# ---- nodes and resources -------------------------------------------------------------------------


@frozen
class Node(Value):
    """A cluster member; ``type`` is ``remote``, or '' for an ordinary one."""

    uname: str
    id: str = ""
    type: str = ""
    description: str = ""
    sets: tuple[AttributeSet, ...] = ()


@frozen
class Operation(Value):
    """``op monitor interval=10s``; ``attributes`` are those of the op itself."""

    name: str
    attributes: tuple[Nvpair, ...] = ()
    sets: tuple[AttributeSet, ...] = ()


@frozen
class Operations(Value):
    """All operations of a resource, or a reference to those of another."""

    ops: tuple[Operation, ...] = ()
    id: str = ""
    id_ref: str = ""


@frozen
class Primitive(Value):
    """A resource: of an ``agent`` or of a template.

    The agent is as it was written; one that was read from XML has no ``ocf:heartbeat:``.
    """

    id: str
    agent: str = ""
    template: str = ""
    description: str = ""
    parts: tuple[AttributeSet | Operations, ...] = ()


@frozen
class Template(Value):
    """A resource template."""

    id: str
    agent: str
    description: str = ""
    parts: tuple[AttributeSet | Operations, ...] = ()


@frozen
class Group(Value):
    """Resources that run together, started in this order."""

    id: str
    children: tuple[str, ...]
    description: str = ""
    sets: tuple[AttributeSet, ...] = ()


@frozen
class Clone(Value):
    """A resource in several places; ``is_ms`` is the old form of a promotable one."""

    id: str
    child: str
    description: str = ""
    sets: tuple[AttributeSet, ...] = ()
    is_ms: bool = False


@frozen
class Container(Value):
    """The container of a bundle: ``kind`` is docker, podman or rkt."""

    kind: str
    options: tuple[Nvpair, ...] = ()


@frozen
class Network(Value):
    """The network of a bundle; each mapping is its attributes."""

    options: tuple[Nvpair, ...] = ()
    ports: tuple[tuple[Nvpair, ...], ...] = ()


@frozen
class Storage(Value):
    """The storage of a bundle; each mapping is its attributes."""

    mappings: tuple[tuple[Nvpair, ...], ...] = ()


@frozen
class BundlePrimitive(Value):
    """The resource inside a bundle."""

    resource: str


BundlePart = Container | Network | Storage | BundlePrimitive | AttributeSet


@frozen
class Bundle(Value):
    """A resource in containers."""

    id: str
    description: str = ""
    parts: tuple[BundlePart, ...] = ()


# ---- constraints ---------------------------------------------------------------------------------


@frozen
class Member(Value):
    """A resource in a constraint; ``suffix`` is its role, action or instance number."""

    resource: str
    suffix: str = ""


@frozen
class ResourceSet(Value):
    """Members with one role or action."""

    resources: tuple[str, ...]
    suffix: str = ""
    sequential: bool = True
    require_all: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether it is written without brackets."""
        return self.sequential and self.require_all


@frozen
class Location(Value):
    """Where something may run: one of ``resource``, ``pattern`` and ``sets`` says what.

    Either ``score`` and ``node``, or ``rules``. ``attributes`` are role, resource-discovery, ….
    """

    id: str
    resource: str = ""
    pattern: str = ""
    sets: tuple[ResourceSet, ...] = ()
    attributes: tuple[Nvpair, ...] = ()
    score: str = ""
    node: str = ""
    rules: tuple[Rule, ...] = ()


@frozen
class Colocation(Value):
    """Two ``members``, or ``sets``."""

    id: str
    score: str
    members: tuple[Member, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    node_attribute: str = ""


@frozen
class Order(Value):
    """Two ``members``, or ``sets``; ``kind`` is Mandatory, Optional, Serialize or ''."""

    id: str
    kind: str = ""
    members: tuple[Member, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    symmetrical: str = ""


@frozen
class Ticket(Value):
    """One member, or ``sets``, that depend on a ticket."""

    id: str
    ticket: str
    members: tuple[Member, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    loss_policy: str = ""


# ---- the whole cluster ---------------------------------------------------------------------------


@frozen
class PropertySet(Value):
    """``kind`` is property, rsc_defaults or op_defaults."""

    kind: str
    id: str = ""
    items: tuple[Nvpair | Rule, ...] = ()
    id_ref: str = ""


@frozen
class FencingTarget(Value):
    """The levels of one target: ``kind`` is node, attr, pattern, or '' for every node.

    ``value`` is the node, ``NAME=VALUE`` or the pattern; a level is its devices.
    """

    kind: str
    value: str
    levels: tuple[tuple[str, ...], ...]


@frozen
class FencingTopology(Value):
    """In which order which devices fence which nodes."""

    targets: tuple[FencingTarget, ...] = ()


@frozen
class Tag(Value):
    """A name for several objects."""

    id: str
    members: tuple[str, ...]


@frozen
class AclSpec(Value):
    """What a permission is about: ``kind`` is xpath, reference, object-type or attribute."""

    kind: str
    value: str


@frozen
class Permission(Value):
    """``kind`` is read, write or deny."""

    kind: str
    specs: tuple[AclSpec, ...]
    id: str = ""
    description: str = ""


@frozen
class AclRole(Value):
    """A named collection of permissions."""

    id: str
    permissions: tuple[Permission, ...]
    description: str = ""


@frozen
class AclTarget(Value):
    """A user (or a group of users) and its roles."""

    id: str
    roles: tuple[str, ...]
    is_group: bool = False


@frozen
class AclUser(Value):
    """A user of the schemas before pacemaker-2.0."""

    id: str
    roles: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()


@frozen
class Select(Value):
    """What an alert is called for; ``attributes`` are names of node attributes."""

    kinds: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@frozen
class Recipient(Value):
    """To whom an alert goes."""

    value: str
    description: str = ""
    sets: tuple[AttributeSet, ...] = ()


@frozen
class Alert(Value):
    """An agent that is called when something happens."""

    id: str
    path: str
    description: str = ""
    sets: tuple[AttributeSet, ...] = ()
    select: Select | None = None
    recipients: tuple[Recipient, ...] = ()


@frozen
class XmlElement(Value):
    """An element that is written as XML. ``tag`` and ``id`` are for sorting and filters."""

    text: str
    tag: str = ""
    id: str = ""


@frozen
class MonitorCommand(Value):
    """``monitor RSC[:ROLE] INTERVAL[:TIMEOUT]``: an operation for a resource that exists."""

    resource: str
    interval: str
    role: str = ""
    timeout: str = ""


ElementNode = (
    Node
    | Primitive
    | Template
    | Group
    | Clone
    | Bundle
    | Location
    | Colocation
    | Order
    | Ticket
    | PropertySet
    | FencingTopology
    | Tag
    | AclRole
    | AclTarget
    | AclUser
    | Alert
    | XmlElement
    | MonitorCommand
)


# ---- commands ------------------------------------------------------------------------------------


@frozen
class Argument(Value):
    """A word after a command. ``kind`` is the terminal that the grammar took it for."""

    kind: str
    value: str


@frozen
class CommandCall(Value):
    """A command with its arguments, or an element typed at the configure level.

    ``level`` and ``name`` are those of the grammar's rule ``cmd_<level>_<name>``; ``name`` is
    ``enter`` for the name of a level alone. ``path`` are the levels that the line goes through
    first: ``configure ra info X`` has level ra and path (configure, ra). ``typed`` is the word
    that was typed for the command; ``guessed`` are words that were taken for others which only have
    their letters (``cf`` for ``configure``).
    """

    level: str
    name: str
    arguments: tuple[Argument, ...] = ()
    element: ElementNode | None = None
    path: tuple[str, ...] = ()
    typed: str = ""
    guessed: tuple[tuple[str, str], ...] = ()

    def get(self, kind: str) -> str | None:
        """The first argument of a kind as a plain string, or None."""
        return next((str(a.value) for a in self.arguments if a.kind == kind), None)

    def all(self, *kinds: str) -> tuple[str, ...]:
        """Every argument of these kinds, in their order, as plain strings."""
        return tuple(str(a.value) for a in self.arguments if a.kind in kinds)

    def has(self, *kinds: str) -> bool:
        """Whether there is an argument of one of these kinds (``FORCE``, ``XML`` …)."""
        return any(a.kind in kinds for a in self.arguments)

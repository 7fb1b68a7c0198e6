"""Which names may stand where: for every kind of word a list, narrowed down by the command.

The kinds are terminals of the grammar. A new command that uses them has completion by itself; a
new kind gets a line in one of the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from crmsh_py.cib import options
from crmsh_py.errors import CrmError
from crmsh_py.lang import facts
from crmsh_py.lang.expectation import Expectation
from crmsh_py.shell import offers_attributes, offers_files, offers_set
from crmsh_py.shell.declarations import LEVELS, of_level
from crmsh_py.shell.preferences import TABLE
from crmsh_py.shell.pretended import EXIT_CODES, OP_STATUSES
from crmsh_py.shell.snapshot import Fact, Item
from crmsh_py.shell.sources import Candidate, Sources

Fits = Callable[[Item], bool]
Lister = Callable[[Sources, Expectation], Iterable[Candidate]]


def of_kind(kind: str, sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """The candidates of a terminal at this place; nothing for a kind that has no list."""
    lister = _LISTERS.get(kind)
    return lister(sources, expectation) if lister is not None else ()


# ---- resources -----------------------------------------------------------------------------------


def _has(*facts_: Fact) -> Fits:
    return lambda item: not item.facts & Fact.KNOWN or any(item.facts & f for f in facts_)


def _lacks(fact: Fact) -> Fits:
    return lambda item: not item.facts & Fact.KNOWN or not item.facts & fact


def _everything(item: Item) -> bool:
    return True


def _startable(item: Item) -> bool:
    return bool(item.facts & Fact.STOPPED) or _lacks(Fact.ACTIVE)(item)


def _promotable(item: Item) -> bool:
    return item.kind == "promotable"


# What a command can do something with, by its rule.
_RESOURCES: dict[str, Fits] = {
    "resource_start": _startable,
    "resource_stop": lambda item: not item.facts & Fact.STOPPED and _has(Fact.ACTIVE)(item),
    "resource_restart": _has(Fact.ACTIVE),
    "resource_promote": _promotable,
    "resource_demote": lambda item: _promotable(item) and _has(Fact.PROMOTED)(item),
    "resource_manage": _has(Fact.UNMANAGED),
    "resource_unmanage": _lacks(Fact.UNMANAGED),
    "resource_move": lambda item: not item.container and _has(Fact.ACTIVE)(item),
    "resource_clear": lambda item: bool(item.facts & Fact.MOVED),
    "resource_param": lambda item: item.kind == "primitive",
    "resource_utilization": lambda item: item.kind == "primitive",
    "resource_fail": lambda item: item.kind == "primitive" and _has(Fact.ACTIVE)(item),
    "resource_failcount": lambda item: item.kind == "primitive",
    "resource_operations": lambda item: item.kind == "primitive",
    "resource_trace": lambda item: item.kind == "primitive",
    "resource_untrace": lambda item: item.kind == "primitive",
    "resource_secret": lambda item: item.kind == "primitive",
    "configure_location": lambda item: not item.container,
    "configure_validate_all": lambda item: item.kind == "primitive",
    "assist_template": lambda item: item.kind == "primitive",
    "assist_weak_bond": lambda item: not item.container,
    "configure_group": lambda item: item.kind == "primitive" and not item.container,
    "configure_clone": lambda item: item.kind in ("primitive", "group") and not item.container,
    "configure_ms": lambda item: item.kind in ("primitive", "group") and not item.container,
    "configure_bundle": lambda item: item.kind == "primitive" and not item.container,
    "configure_colocation": lambda item: not item.container,
    "configure_order": lambda item: not item.container,
    "configure_rsc_ticket": lambda item: not item.container,
    "configure_monitor": lambda item: item.kind == "primitive",
}


def _resources(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    listed = _named(sources, expectation, "resources", _RESOURCES)
    if expectation.rule != "configure_location":
        return listed
    return [*listed, *_in_place_of_resources(sources)]


def _in_place_of_resources(sources: Sources) -> Iterator[Candidate]:
    """What a constraint may name, meaning the resources behind it."""
    for items in (sources.snapshot.templates.values(), sources.snapshot.of_kind("tag")):
        yield from (Candidate(item.id, item.line) for item in items)


def _named(
    sources: Sources, expectation: Expectation, what: str, table: Mapping[str, Fits]
) -> Iterable[Candidate]:
    """Items of the snapshot, judged for a command, without those that the line names already.

    There may be thousands of them, so each command's list is made once for a snapshot.
    """
    snapshot, rule = sources.snapshot, expectation.rule
    fits = table.get(rule, _everything)

    def judged() -> list[Candidate]:
        items: Iterable[Item] = snapshot.objects()
        if what != "objects":
            items = (snapshot.nodes if what == "nodes" else snapshot.resources).values()
        return [Candidate(item.id, item.line, fits=fits(item)) for item in items]

    listed = snapshot.remember(f"{what} {rule if rule in table else ''}", judged)
    used = set(expectation.words)
    return [c for c in listed if c.text not in used] if used else listed


def _children(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Members of containers: free ones, or (to take one out) those that it has."""
    if expectation.rule != "configure_modgroup":
        return _resources(sources, expectation)
    members = sources.snapshot.members.get(expectation.subject, ())
    if expectation.last in ("REMOVE", "BEFORE", "AFTER"):
        resources = sources.snapshot.resources
        return [Candidate(m, resources[m].line) for m in members if m in resources]
    return [
        Candidate(item.id, item.line, fits=item.kind == "primitive" and not item.container)
        for item in sources.snapshot.resources.values()
    ]


def _members(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Members of constraints, with a role or an action behind a colon."""
    name, colon, _ = expectation.prefix.partition(":")
    if colon:
        words = facts.ACTIONS if expectation.rule == "configure_order" else facts.ROLES
        yield from (Candidate(f"{name}:{word}") for word in words)
        return
    yield from _resources(sources, expectation)
    yield from _in_place_of_resources(sources)


_OBJECTS: dict[str, Fits] = {
    "configure_modgroup": lambda item: item.kind == "group",
    "configure_default_timeouts": lambda item: item.kind in ("primitive", "template"),
    "configure_validate_all": lambda item: item.kind == "primitive",
    "configure_rename": lambda item: item.kind not in ("node", "cluster_property_set"),
}


def _objects(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return _named(sources, expectation, "objects", _OBJECTS)


def _taggable(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Everything but nodes: a tag names ids, and a node's is its number."""
    nodes = sources.snapshot.nodes
    return [c for c in _objects(sources, expectation) if c.text not in nodes]


def _of(*kinds: str, prefix: str = "") -> Lister:
    def listed(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
        for item in sources.snapshot.of_kind(*kinds):
            yield Candidate(f"{prefix}{item.id}", item.line)

    return listed


def _templates_of_resources(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return [
        Candidate(f"@{item.id}", f"template: {item.about}")
        for item in sources.snapshot.templates.values()
    ]


def _devices(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Fence devices, also after a comma (both of them have to succeed)."""
    listed, comma, _ = expectation.prefix.rpartition(",")
    for name, agent in sources.snapshot.agents.items():
        item = sources.snapshot.resources.get(name)
        if item is not None and agent.startswith("stonith:") and name not in listed.split(","):
            yield Candidate(f"{listed}{comma}{name}", item.line)


# ---- nodes ---------------------------------------------------------------------------------------

_NODES: dict[str, Fits] = {
    "node_standby": _lacks(Fact.STANDBY),
    "node_online": _has(Fact.STANDBY),
    "node_maintenance": _lacks(Fact.MAINTENANCE),
    "node_ready": _has(Fact.MAINTENANCE),
    "node_clearstate": _lacks(Fact.ACTIVE),
    "node_delete": _lacks(Fact.ACTIVE),
    "cluster_start": _lacks(Fact.ACTIVE),
    "cluster_stop": _has(Fact.ACTIVE),
    "lab_start": _lacks(Fact.ACTIVE),
    "lab_stop": _has(Fact.ACTIVE),
    "lab_kill": _has(Fact.ACTIVE),
    "lab_wipe": _lacks(Fact.ACTIVE),
}


def _nodes(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return _named(sources, expectation, "nodes", _NODES)


def _hosts(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    yield from _nodes(sources, expectation)
    yield Candidate("host", "the machine outside the nodes, as they see it")


def _targets(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return [Candidate(f"{n.id}:", n.line, open=True) for n in sources.snapshot.nodes.values()]


def asks_for_state(rule: str) -> bool:
    """Whether the candidates of a command depend on what runs where."""
    return rule in _RESOURCES or rule in _NODES


# ---- agents --------------------------------------------------------------------------------------

_CLASSES = {
    "ocf": "agents of the Open Cluster Framework",
    "stonith": "fence devices",
    "systemd": "units of systemd",
    "lsb": "scripts in /etc/init.d",
    "service": "a service of the system, whoever starts it",
    "upstart": "jobs of upstart",
}


def _agents(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Class, provider and type one after the other; a type alone finds its full name."""
    catalogue, parts = sources.catalogue, expectation.prefix.split(":")
    if len(parts) == 1:
        for agent_class in catalogue.classes():
            about = _CLASSES.get(agent_class.name, "")
            yield Candidate(f"{agent_class.name}:", about, open=True,
                            fits=agent_class.name not in ("upstart", "service", "lsb"))  # fmt: skip
        if parts[0]:
            for provider in ("heartbeat", "pacemaker"):
                yield from _types(sources, "ocf", provider)
            yield from _types(sources, "stonith", "")
    elif parts[0].lower() == "ocf" and len(parts) == 2:
        for provider in catalogue.ocf_providers():
            count = len(catalogue.list("ocf", provider))
            yield Candidate(f"ocf:{provider}:", f"{count} agents", open=True)
        if parts[1]:
            for provider in ("heartbeat", "pacemaker"):
                yield from _types(sources, "ocf", provider)
    else:
        provider = parts[1] if parts[0].lower() == "ocf" else ""
        yield from _types(sources, parts[0].lower(), provider)


def _types(sources: Sources, standard: str, provider: str) -> Iterator[Candidate]:
    from crmsh_py.cib.agent_name import AgentSpec

    catalogue = sources.catalogue
    try:
        names = catalogue.list(standard, provider)
    except CrmError:
        return  # no such class or provider: what is typed there is told when it is run
    for name in names:
        spec = AgentSpec(standard, provider, name)
        yield Candidate(str(spec), catalogue.brief(spec) if sources.describes else "")


def _agent_classes(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return [Candidate(c.name, _CLASSES.get(c.name, "")) for c in sources.catalogue.classes()]


def _agent_providers(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    if "ocf" not in (word.lower() for word in expectation.words):
        return ()
    catalogue = sources.catalogue
    return [
        Candidate(p, f"{len(catalogue.list('ocf', p))} agents") for p in catalogue.ocf_providers()
    ]


def _agent_types(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    seen: set[str] = set()
    for provider in sources.catalogue.ocf_providers():
        for candidate in _types(sources, "ocf", provider):
            name = candidate.text.rpartition(":")[2]
            if name not in seen:
                seen.add(name)
                yield Candidate(name, candidate.about)


# ---- words of the language -----------------------------------------------------------------------


def _fixed(*pairs: tuple[str, str], open: bool = False) -> Lister:
    listed = [Candidate(text, about, open=open or text.endswith("=")) for text, about in pairs]
    return lambda sources, expectation: listed


def _scores(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Scores where they belong: before attributes one is allowed, but hardly ever meant."""
    if expectation.part not in ("", "rule") or expectation.rule == "configure_order":
        return ()
    colocation = expectation.rule == "configure_colocation"
    return [
        Candidate(
            "INFINITY:", "must be together" if colocation else "must, or must not run at all"
        ),
        Candidate("-INFINITY:", "must be apart" if colocation else "never"),
        Candidate("100:", "rather so; higher is stronger"),
        Candidate("-100:", "rather not"),
    ]


def _tickets(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    names = {item.about.removeprefix("ticket ") for item in sources.snapshot.of_kind("rsc_ticket")}
    return [Candidate(f"{name}:", "a ticket in use", open=True) for name in sorted(names)]


def _dates(prefix: str) -> Lister:
    def listed(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
        today = datetime.now(UTC).date()
        for days, about in ((0, "today"), (1, "tomorrow"), (7, "in a week")):
            yield Candidate(f"{prefix}{today + timedelta(days=days)}", about)

    return listed


_DATE_FIELDS = {
    "hours": "0-23, as in 9-16",
    "minutes": "0-59",
    "seconds": "0-59",
    "weekdays": "1 (Monday) to 7",
    "monthdays": "1-31",
    "months": "1-12",
    "years": "as in 2026-2027",
    "yeardays": "1-366",
    "weeks": "1-53",
    "weekyears": "years of weeks",
}


def _rule_attributes(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """What a rule compares, and which attribute of a node or a resource is meant."""
    if expectation.part == "rule":
        yield Candidate("#uname", "the node's name")
        yield Candidate("#kind", "what kind of node it is: cluster, remote or container")
        yield Candidate("#site-name", "the site that the node belongs to")
    names = sources.snapshot.attributes
    if expectation.rule.endswith("_utilization"):
        names = sources.snapshot.capacities or ("cpu", "memory")
    yield from (Candidate(name, "in use in this cluster") for name in names)


def _values(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Values that stand alone: in a rule, and after ``param RSC set NAME``."""
    words = expectation.words
    if expectation.part == "rule":
        if "#uname" in words[-2:]:
            return [Candidate(n.id, n.line) for n in sources.snapshot.nodes.values()]
        if expectation.last in ("LT", "GT"):
            return _dates("")(sources, expectation)
        return ()
    if expectation.last == "SET_PATH":
        return offers_set.values(sources, expectation)
    return offers_attributes.lone_values(sources, expectation)


def _preferences(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    return [Candidate(one.name, one.help) for one in TABLE.values()]


_PERMISSIONS = (
    ("cib", "everything"), ("status", "the state"), ("property", "cluster properties"),
    ("node", "nodes"), ("nodeattr", "attributes of nodes"), ("nodeutil", "capacities of nodes"),
    ("meta:", "meta attributes of a resource"), ("params:", "parameters of a resource"),
    ("utilization:", "what a resource needs"), ("location:", "where a resource may be"),
)  # fmt: skip


def _permissions(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """Short words for parts of the configuration; behind a colon, whose part is meant."""
    word, colon, _ = expectation.prefix.partition(":")
    if not colon:
        yield from (Candidate(t, about, open=t.endswith(":")) for t, about in _PERMISSIONS)
        return
    snapshot = sources.snapshot
    items: Iterable[Item] = ()
    if word.lower() in ("meta", "params", "utilization", "location"):
        items = snapshot.resources.values()
    elif word.lower() in ("node", "nodeutil"):
        items = snapshot.nodes.values()
    yield from (Candidate(f"{word}:{item.id}", item.line) for item in items)
    names: Iterable[str] = ()
    if word.lower() in ("property", "nodeattr"):
        names = options.CLUSTER_OPTIONS if word.lower() == "property" else snapshot.attributes
    yield from (Candidate(f"{word}:{name}") for name in names)


def _topics(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    words = [word for word in expectation.words[1:] if word in LEVELS]
    if words:
        yield from (Candidate(d.name, d.summary) for d in of_level(words[-1]))
        return
    yield from (Candidate(level, about) for level, about in LEVELS.items())
    yield from (Candidate(d.name, d.summary) for d in of_level("root"))


def _status_options(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    about = {
        "bynode": "resources below their nodes",
        "inactive": "stopped resources too",
        "ops": "the results of operations",
        "timing": "and how long they took",
        "failcounts": "how often resources have failed",
        "verbose": "with details",
        "html": "as a web page",
        "xml": "as XML",
        "tickets": "with tickets",
        "noheaders": "without the head",
        "detail": "every instance of a clone",
        "brief": "counts only",
        "full": "everything",
    }
    used = set(expectation.words)
    return [Candidate(name, text) for name, text in about.items() if name not in used]


_LISTERS: dict[str, Lister] = {
    "RESOURCE": _resources,
    "CHILD": _children,
    "MEMBER": _members,
    "MONITORED": _resources,
    "TAGGED": _taggable,
    "OBJECT": _objects,
    "NODE_NAME": _nodes,
    "NODE_UNAME": _nodes,
    "HOST_NAME": _hosts,
    "FENCING_TARGET": _targets,
    "DEVICES": _devices,
    "ROLE_NAME": _of("acl_role"),
    "USER_ROLE": _of("acl_role", prefix="role:"),
    "AGENT": _agents,
    "AGENT_CLASS": _agent_classes,
    "AGENT_PROVIDER": _agent_providers,
    "AGENT_TYPE": _agent_types,
    "TEMPLATE_REF": _templates_of_resources,
    "NVPAIR": offers_attributes.attributes,
    "VALIDATE_PAIR": offers_attributes.parameters_of_agent,
    "OP_NAME": offers_attributes.operations,
    "INTERVAL": offers_attributes.intervals,
    "PARAM_NAME": offers_attributes.parameter_names,
    "META_NAME": offers_attributes.meta_names,
    "PROPERTY_NAME": offers_attributes.property_names,
    "DOLLAR_IDREF": lambda s, e: (
        [Candidate(f"$id-ref={name}") for name in s.snapshot.sets] if e.prefix[:1] == "$" else ()
    ),
    "KIND": _fixed(
        ("Mandatory:", "never one without the other before it"),
        ("Optional:", "only where both change at the same time"),
        ("Serialize:", "never both at the same time"),
    ),
    "SCORE": _scores,
    "TICKET": _tickets,
    "TICKET_NAME": lambda s, e: [
        Candidate(c.text.removesuffix(":"), c.about) for c in _tickets(s, e)
    ],
    "OPTION_NAME": _preferences,
    "TRACE_DIR": offers_files.files,
    "LOCATION_ATTR": _fixed(
        ("role=Promoted", "only the promoted instances"),
        ("resource-discovery=always", "look everywhere whether it runs"),
        ("resource-discovery=never", "do not look on these nodes"),
        ("resource-discovery=exclusive", "look on these nodes only"),
    ),
    "SET_OPTION": _fixed(
        ("sequential=false", "the members side by side"),
        ("require-all=false", "one of the members is enough"),
    ),
    "NODE_ATTRIBUTE": _fixed(("node-attribute=", "on nodes that are equal in this attribute")),
    "SYMMETRICAL": _fixed(("symmetrical=false", "only when starting, not when stopping")),
    "LOSS_POLICY": _fixed(*((f"loss-policy={p}", "what happens without the ticket")
                            for p in facts.LOSS_POLICIES)),
    "COMPARISON": _fixed(
        ("eq", "equal"), ("ne", "not equal"), ("lt", "less"), ("gt", "greater"),
        ("lte", "less or equal"), ("gte", "greater or equal"),
    ),
    "RULE_ROLE": _fixed(("$role=Promoted", "only the promoted instances")),
    "ATTRIBUTE": _rule_attributes,
    "DATE_FIELD": _fixed(*((f"{name}=", about) for name, about in _DATE_FIELDS.items())),
    "DATE_START": _dates("start="),
    "DATE_END": _dates("end="),
    "VALUE": _values,
    "SET_PATH": offers_set.set_paths,
    "LIFETIME": _fixed(
        ("PT10M", "for ten minutes"), ("PT1H", "for an hour"), ("P1D", "for a day"),
        ("forever", "until it is cleared"),
    ),
    "BOOLEAN": _fixed(("true", ""), ("false", "")),
    "EXIT_CODE": _fixed(*((name, f"exit code {code}") for name, code in EXIT_CODES.items())),
    "OP_STATUS": _fixed(*((name, "how it ended") for name in OP_STATUSES)),
    "FILTER": offers_set.filters,
    "PATH": lambda s, e: [Candidate(n, about) for n, about in (*LEVELS.items(), ("..", "up"))],
    "TOPIC": _topics,
    "STATUS_OPTION": _status_options,
    "REVISION": lambda s, e: [
        *(Candidate(version, about) for version, about in s.snapshot.revisions),
        Candidate("live", "what the cluster has"), Candidate("pending", "with what is pending"),
    ],
    "SHADOW": lambda s, e: [Candidate(name, "a shadow") for name in s.snapshot.shadows],
    "SCHEMA_NAME": _fixed(*((f"pacemaker-{v}", "") for v in ("3.9", "3.10", "4.0"))),
    "TEMPLATE_NAME": lambda s, e: [
        Candidate(n)
        for n in (
            s.begun()
            if e.rule.startswith("template_") and e.rule != "template_new"
            else s.shipped()
        )
    ],
    "COROSYNC_KEY": offers_files.corosync_keys,
    "FILE_NAME": offers_files.files,
    "PROGRAM": offers_files.files,
    "TEST_FILE": offers_files.files,
    "APPLY_TARGET": offers_files.files,
    "ALERT_PATH": offers_files.files,
    "CONFIG_EQ": offers_files.files_after_equals,
    "APPLY_EQ": offers_files.files_after_equals,
    "ACL_SHORTCUT": _permissions,
    "ACL_XPATH": _fixed(("xpath:", "what an XPath finds"), open=True),
    "ACL_REFERENCE": lambda s, e: [
        Candidate(f"ref:{item.id}", item.line) for item in s.snapshot.objects()
    ] if e.prefix.startswith("ref") else [Candidate("ref:", "the element with an id", open=True)],
    "ACL_TYPE": _fixed(("type:", "all elements of a type"), open=True),
    "ACL_ATTRIBUTE": _fixed(("attr:", "only this attribute"), open=True),
}  # fmt: skip

"""Names and values of attributes: parameters of agents, meta attributes, options of operations,
cluster properties. Each comes with what it is for, its type and its default; required ones first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from crmsh_py.cib import options
from crmsh_py.lang.expectation import Expectation
from crmsh_py.shell.sources import Candidate, Sources
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.agents.metadata import AgentMetadata, Parameter

_BOOLEAN = ("true", "false")


@frozen
class Setting:
    """Something that can be set, whoever defines it."""

    name: str
    about: str = ""
    type: str = ""
    default: str = ""
    values: tuple[str, ...] = ()
    required: bool = False
    deprecated: bool = False

    @property
    def line(self) -> str:
        """What is shown beside it."""
        kind = (
            self.type if not self.default else f"{self.type}, default {self.default}".lstrip(", ")
        )
        marks = "required" if self.required else "deprecated" if self.deprecated else ""
        return " · ".join(filter(None, (marks, self.about, kind)))

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that it can have, where it is a short list."""
        if self.values:
            return self.values
        if self.type == "boolean":
            return tuple(sorted(_BOOLEAN, key=lambda word: word != self.default))
        return (self.default,) if self.default else ()


def of_option(option: options.Option) -> Setting:
    """An option of the cluster's own."""
    kind = "" if option.kind is options.Kind.SELECT else option.kind.value
    return Setting(option.name, option.help, kind, option.default, option.values,
                   deprecated=bool(option.deprecated))  # fmt: skip


def of_parameter(parameter: Parameter) -> Setting:
    """A parameter of an agent."""
    about = parameter.shortdesc or parameter.longdesc.partition("\n")[0]
    return Setting(
        parameter.name,
        about,
        "" if parameter.type == "select" else parameter.type,
        parameter.default or "",
        parameter.values,
        parameter.required,
        parameter.deprecated,
    )


def parameters(metadata: AgentMetadata | None, *, fencing: bool = False) -> list[Setting]:
    """The parameters of an agent: required ones first, then in its order, deprecated ones last."""
    settings = [of_parameter(p) for p in metadata.parameters] if metadata is not None else []
    if fencing:
        known = {setting.name for setting in settings}
        settings += [
            of_option(option)
            for option in options.FENCING_PARAMETERS.values()
            if option.name not in known
        ]
    return sorted(settings, key=lambda s: (not s.required, s.deprecated))


def settings_at(sources: Sources, expectation: Expectation) -> list[Setting]:
    """What can be set at a place of the configuration."""
    part, rule = expectation.part, expectation.rule
    if part in ("params", "op_params") or (part == "op" and rule == ""):
        return of_agent(sources, expectation.agent)
    if part == "op":
        return _of_operation(sources, expectation)
    if part == "attributes" and rule == "configure_node":
        known = [Setting(name, "a node attribute") for name in sources.snapshot.attributes]
        return [*NODE, *(s for s in known if s.name not in {n.name for n in NODE})]
    if part == "utilization":
        names = sources.snapshot.capacities or ("cpu", "memory")
        return [Setting(name, "a capacity", "integer") for name in names]
    if part == "meta":
        return ALERT if rule == "configure_alert" else of_table(meta_table(rule))
    if part in _PARTS:
        return _PARTS[part]
    if part == "property":
        return of_table(options.CLUSTER_OPTIONS)
    if part == "rsc_defaults":
        return of_table(options.RESOURCE_META)
    if part in ("op_defaults", "op_meta"):
        return of_table({n: o for n, o in options.OPERATION.items() if n not in ("id", "name")})
    return []


def meta_table(rule: str) -> Mapping[str, options.Option]:
    """The meta attributes of what a command defines."""
    if rule == "configure_group":
        return options.GROUP_META
    if rule in ("configure_clone", "configure_ms"):
        return options.CLONE_META
    return options.RESOURCE_META


def of_table(table: Mapping[str, options.Option]) -> list[Setting]:
    """The options of a table, deprecated ones last."""
    settings = [of_option(option) if name == option.name else _under(name, option)
                for name, option in table.items() if not option.internal]  # fmt: skip
    return sorted(settings, key=lambda s: s.deprecated)


def _under(name: str, option: options.Option) -> Setting:
    setting = of_option(option)
    return Setting(name, setting.about, setting.type, setting.default, setting.values)


def of_agent(sources: Sources, agent: str) -> list[Setting]:
    """The parameters of an agent, or of the agent behind an @template."""
    return parameters(sources.agent(agent), fencing=agent.startswith("stonith:"))


def _of_operation(sources: Sources, expectation: Expectation) -> list[Setting]:
    """The options of an operation, with what the agent advises in place of defaults."""
    metadata = sources.agent(expectation.agent)
    action = metadata.action(expectation.operation) if metadata is not None else None
    advised = {"interval": action.interval, "timeout": action.timeout} if action else {}
    settings = []
    for option in options.OPERATION.values():
        if option.name in ("id", "name", "description"):
            continue
        setting = of_option(option)
        value = advised.get(option.name, "")
        if value:
            about = f"{setting.about} · the agent advises {value}"
            setting = Setting(setting.name, about, values=(value,))
        settings.append(setting)
    return settings


NODE = [
    Setting("standby", "run nothing here", "boolean", "off", ("on", "off")),
    Setting("maintenance", "leave everything here as it is", "boolean", "false"),
]
ALERT = [
    Setting("timeout", "how long the program may take", "duration", "30s"),
    Setting("timestamp-format", "how the time of the event is written", "string"),
    Setting("enabled", "false: as if it were not there", "boolean", "true"),
]
_CONTAINER = [
    Setting("image", "the image of the containers", required=True),
    Setting("replicas", "how many containers there are", "integer"),
    Setting("replicas-per-host", "how many may run on one node", "integer", "1"),
    Setting("promoted-max", "how many may be promoted", "integer", "0"),
    Setting("network", "the network that the containers are in", "string"),
    Setting("run-command", "what runs inside", "string"),
    Setting("options", "more options for docker or podman", "string"),
]
_PARTS: dict[str, list[Setting]] = {
    "docker": _CONTAINER,
    "podman": _CONTAINER,
    "rkt": _CONTAINER,
    "network": [
        Setting("ip-range-start", "the first of the addresses"),
        Setting("host-netmask", "length of the prefix", "integer", "32"),
        Setting("host-interface", "where the addresses are put"),
        Setting("control-port", "where the cluster reaches the containers", "integer", "3121"),
        Setting("add-host", "tell the containers each other's names", "boolean", "true"),
    ],
    "port-mapping": [
        Setting("id", "a name for it"),
        Setting("port", "the port on the node", "integer"),
        Setting("internal-port", "the port inside, if another", "integer"),
        Setting("range", "several ports, as in 8000-8010"),
    ],
    "storage-mapping": [
        Setting("id", "a name for it"),
        Setting("source-dir", "the directory on the node"),
        Setting("source-dir-root", "the directory that has one for each container"),
        Setting("target-dir", "where it is inside", required=True),
        Setting("options", "options of mount"),
    ],
}


# ---- name=value ----------------------------------------------------------------------------------


def attributes(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """``name=`` of what may be set here, or ``name=value`` once a name is typed."""
    settings = settings_at(sources, expectation)
    if expectation.attribute:
        found = next((s for s in settings if s.name == expectation.attribute), None)
        yield from _valued(sources, expectation, found)
        return
    bare_head = expectation.last in ("AGENT", "TEMPLATE_REF", "NODE_UNAME", "CHILD", "OP_NAME")
    if bare_head and expectation.rule in ("configure_group", "configure_clone", "configure_ms"):
        return  # the next word is a member or a part
    for setting in settings:
        if setting.name not in expectation.used:
            yield Candidate(f"{setting.name}=", setting.line, open=True, required=setting.required)


def _valued(
    sources: Sources, expectation: Expectation, setting: Setting | None
) -> Iterator[Candidate]:
    name = expectation.attribute
    for value in setting.choices if setting is not None else ():
        about = "the default" if setting and value == setting.default else ""
        if setting and not setting.default and len(setting.choices) == 1:
            about = "what the agent advises"
        yield Candidate(f"{name}={value}", about)
    if name in ("pcmk_host_list", "pcmk_host_check", "host_list", "hostlist", "nodename", "port"):
        names = list(sources.snapshot.nodes)
        for node in names if name != "pcmk_host_check" else ():
            yield Candidate(f"{name}={node}", "a node")
    if expectation.prefix.partition("=")[2].startswith(("/", "~", "./")):
        from crmsh_py.shell.offers_files import files_after_equals

        yield from files_after_equals(sources, expectation)


def parameters_of_agent(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """``name=`` in ``ra validate AGENT``."""
    settings = of_agent(sources, expectation.agent)
    if expectation.attribute:
        found = next((s for s in settings if s.name == expectation.attribute), None)
        yield from _valued(sources, expectation, found)
        return
    used = {word.partition("=")[0] for word in expectation.words}
    for setting in settings:
        if setting.name not in used:
            yield Candidate(f"{setting.name}=", setting.line, open=True, required=setting.required)


# ---- operations ----------------------------------------------------------------------------------


def operations(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """The operations that the agent knows, with the times that it advises."""
    agent = expectation.agent or sources.snapshot.agents.get(expectation.subject, "")
    metadata = sources.agent(agent)
    if metadata is None:
        yield from (Candidate(name) for name in ("monitor", "start", "stop"))
        return
    seen: set[str] = set()
    for action in metadata.operations:
        if action.name in seen:
            continue
        seen.add(action.name)
        times = (
            f"every {action.interval}" if action.interval not in ("", "0", "0s") else "",
            f"timeout {action.timeout}" if action.timeout else "",
        )
        yield Candidate(action.name, ", ".join(filter(None, times)))


def intervals(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """``INTERVAL:TIMEOUT`` as the agent advises it."""
    agent = sources.snapshot.agents.get(expectation.subject.partition(":")[0], "")
    metadata = sources.agent(agent)
    action = metadata.action("monitor") if metadata is not None else None
    if action is not None and action.interval:
        text = action.interval + (f":{action.timeout}" if action.timeout else "")
        yield Candidate(text, "what the agent advises")


# ---- names and values that stand alone -----------------------------------------------------------


def _agent_of(sources: Sources, expectation: Expectation) -> str:
    return sources.snapshot.agents.get(expectation.subject, "")


def parameter_names(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Parameters of the agent of the resource that was named."""
    agent = _agent_of(sources, expectation)
    return [Candidate(s.name, s.line, required=s.required) for s in of_agent(sources, agent)]


def meta_names(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Meta attributes of the resource that was named."""
    item = sources.snapshot.resources.get(expectation.subject)
    rules = {"group": "configure_group", "clone": "configure_clone", "promotable": "configure_ms"}
    table = meta_table(rules.get(item.kind, "") if item else "")
    return [Candidate(s.name, s.line) for s in of_table(table)]


def property_names(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """All cluster properties."""
    return [Candidate(s.name, s.line) for s in of_table(options.CLUSTER_OPTIONS)]


def lone_values(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """Values of the parameter or meta attribute whose name was the word before."""
    name = expectation.words[-1] if expectation.words else ""
    settings: list[Setting] = []
    if expectation.last == "PARAM_NAME":
        settings = of_agent(sources, _agent_of(sources, expectation))
    elif expectation.last == "META_NAME":
        settings = of_table(options.CLONE_META)
    return values_of(settings, name)


def values_of(settings: Iterable[Setting], name: str) -> list[Candidate]:
    """The values of the one with this name, where it is a short list."""
    found = next((s for s in settings if s.name == name), None)
    if found is None:
        return []
    default = found.default
    return [Candidate(v, "the default" if v == default else "") for v in found.choices]


def setting_at(sources: Sources, expectation: Expectation) -> Setting | None:
    """The attribute whose value is being typed, as far as it is known without asking anybody."""
    agent = expectation.agent
    if agent.startswith("@"):
        agent = sources.snapshot.agents.get(agent[1:], "")
    if agent and not is_known(sources, agent):
        return None
    settings = settings_at(sources, expectation)
    return next((s for s in settings if s.name == expectation.attribute), None)


def is_known(sources: Sources, agent: str) -> bool:
    """Whether an agent's meta-data is at hand."""
    from crmsh_py.cib.agent_name import AgentSpec
    from crmsh_py.errors import CrmError

    try:
        spec = sources.catalogue.resolve(agent)
    except CrmError:
        return False
    return isinstance(spec, AgentSpec) and sources.catalogue.known(spec) is not None

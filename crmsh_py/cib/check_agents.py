"""Resources against what their agents say: parameters, operations, advised times.

What agents say comes through ``AgentKnowledge``, which the catalogue of the package ``agents``
fulfils; an agent without meta-data is only looked for by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from crmsh_py.cib import options
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import format_ms, lenient_ms, parse_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, error, warning
from crmsh_py.errors import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing takes 3 ms, and is of no use at run time


_TRACING = frozenset({"trace_ra", "trace_file", "trace_dir"})  # every ocf-shellfuncs agent has them
_BUILT_IN = frozenset({"start", "stop"})  # the cluster does these for a fence device by itself


class ParameterFacts(Protocol):
    """What must be known of a parameter."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def required(self) -> bool: ...  # noqa: D102
    @property
    def deprecated(self) -> bool: ...  # noqa: D102
    @property
    def replaced_with(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unique_group(self) -> str: ...  # noqa: D102
    @property
    def values(self) -> tuple[str, ...]: ...  # noqa: D102


class ActionFacts(Protocol):
    """What must be known of an operation. Times are None where the agent advises none."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def timeout_ms(self) -> int | None: ...  # noqa: D102
    @property
    def interval_ms(self) -> int | None: ...  # noqa: D102


class AgentFacts(Protocol):
    """What must be known of an agent."""

    @property
    def parameters(self) -> Sequence[ParameterFacts]: ...  # noqa: D102
    @property
    def actions(self) -> Sequence[ActionFacts]: ...  # noqa: D102

    def action(
        self, name: str, role: str = "", interval_ms: int | None = None
    ) -> ActionFacts | None:
        """The operation with this name that fits best."""


class AgentKnowledge(Protocol):
    """Who knows agents."""

    def agent_facts(self, standard: str, provider: str, agent_type: str) -> AgentFacts | None:
        """What an agent says about itself; None when it cannot be asked."""

    def agent_problem(
        self, standard: str, provider: str, agent_type: str
    ) -> tuple[str, str | None] | None:
        """Why there is no such agent, with a hint; None when there is one."""


def check_agents(
    cib: Cib, agents: AgentKnowledge, only: Collection[str] | None
) -> Iterator[Finding]:
    """Unknown agents and parameters, what is required but absent, operations, short timeouts."""
    templates = {t.id: t for t in cib.section("resources").findall("template")}
    defaults = _default_timeout(cib)
    unique: dict[tuple[str, ...], list[str]] = defaultdict(list)
    words: dict[tuple[str, ...], str] = {}
    for resource in cib.section("resources").iter("primitive", "template"):
        template = templates.get(resource.get("template"))
        source = template if template is not None else resource
        agent = AgentSpec.of(source)
        if not agent.type:
            continue  # its template does not exist, which is another finding
        wanted = only is None or resource.id in only
        if wanted and (problem := agents.agent_problem(agent.standard, agent.provider, agent.type)):
            yield error(resource.id, problem[0], hint=problem[1], word=str(agent))
            continue
        facts = agents.agent_facts(agent.standard, agent.provider, agent.type)
        if facts is None:
            if wanted:
                yield warning(
                    resource.id,
                    f"{agent} is not installed here: its parameters cannot be checked",
                    word=str(agent),
                )
            continue
        given = _parameters(cib, resource, template)
        if wanted:
            yield from _check_parameters(resource, agent, facts, given)
            yield from _check_operations(cib, resource, template, facts, defaults)
        if resource.tag == "primitive":
            for key, word in _unique(agent, facts, given):
                unique[key].append(resource.id)
                words[key] = word
    yield from _clashes(unique, words, only)


# ---- parameters --------------------------------------------------------------------------------


def _parameters(cib: Cib, resource: Element, template: Element | None) -> dict[str, str]:
    """What is set in any set of the resource or its template, whatever rules say."""
    found: dict[str, str] = {}
    for source in (resource, template):
        for attribute_set in source.findall("instance_attributes") if source else ():
            resolved = _resolve(cib, attribute_set)
            for pair in resolved.findall("nvpair") if resolved else ():
                target = _resolve(cib, pair)
                name = pair.get("name") or (target.get("name") if target else "")
                if name:
                    found.setdefault(name, target.get("value") if target else "")
    return found


def _resolve(cib: Cib, element: Element) -> Element | None:
    reference = element.attrs.get("id-ref")
    return element if reference is None else cib.find_id(reference)


def _instead(name: str, agent: AgentSpec, known: Collection[str]) -> str:
    if name == "description":
        return f"what describes the resource itself stands before params: {agent} description=…"
    if name == "#":
        return "a comment needs a line of its own, which begins with #"
    return did_you_mean(name, known) or f"crm ra info {agent} lists its parameters"


def _check_parameters(
    resource: Element, agent: AgentSpec, facts: AgentFacts, given: Mapping[str, str]
) -> Iterator[Finding]:
    known = {parameter.name: parameter for parameter in facts.parameters}
    fence = agent.standard == "stonith"
    for name, value in given.items():
        parameter = known.get(name)
        if parameter is None:
            if _is_general(name, fence=fence) or not (known or agent.standard == "ocf"):
                continue
            yield error(
                resource.id,
                f"{agent} has no parameter {name}",
                hint=_instead(name, agent, known),
                word=name,
            )
        elif parameter.values and value not in parameter.values:
            allowed = ", ".join(parameter.values)
            yield error(resource.id, f"{name}: “{value}” is not one of {allowed}", word=value)
        elif parameter.deprecated:
            instead = " or ".join(parameter.replaced_with)
            hint = f"use {instead}" if instead else None
            yield warning(resource.id, f"the parameter {name} is deprecated", hint=hint, word=name)
    if resource.tag == "template":
        return  # what is required may come from the primitives
    for parameter in facts.parameters:
        if not parameter.required or parameter.deprecated or parameter.name in given:
            continue
        if fence and parameter.name in ("action", "port", "plug"):
            continue  # the cluster gives these
        if any(name in given for name in _replaces(parameter.name, facts)):
            continue
        yield error(
            resource.id,
            f"the parameter {parameter.name} is required",
            hint=f"add: params {parameter.name}=…",
        )


def _replaces(name: str, facts: AgentFacts) -> list[str]:
    """Deprecated names that still stand for a parameter of today."""
    return [p.name for p in facts.parameters if name in p.replaced_with]


def _is_general(name: str, *, fence: bool) -> bool:
    """Parameters that agents need not list themselves."""
    if name in _TRACING or name.startswith("CRM_meta_") or name == "OCF_CHECK_LEVEL":
        return True
    return fence and name in options.FENCING_PARAMETERS


def _unique(
    agent: AgentSpec, facts: AgentFacts, given: Mapping[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What no other resource of the agent may have too, as (key, how to say it)."""
    groups: dict[str, list[str]] = defaultdict(list)
    for parameter in facts.parameters:
        if parameter.unique_group:
            groups[parameter.unique_group].append(parameter.name)
    for group, names in groups.items():
        if all(given.get(name) for name in names):
            values = [f"{name}={given[name]}" for name in names]
            yield (str(agent), group, *values), " ".join(values)


def _clashes(
    unique: Mapping[tuple[str, ...], list[str]],
    words: Mapping[tuple[str, ...], str],
    only: Collection[str] | None,
) -> Iterator[Finding]:
    for key, holders in unique.items():
        if len(holders) > 1 and (only is None or any(name in only for name in holders)):
            owner = next((n for n in reversed(holders) if only is None or n in only), holders[-1])
            others = " and ".join(name for name in holders if name != owner)
            yield warning(owner, f"{others} has {words[key]} too", word=words[key])


# ---- operations --------------------------------------------------------------------------------


def _check_operation_parameters(
    resource: Element, op: Element, facts: AgentFacts, *, fence: bool
) -> Iterator[Finding]:
    """A slip in an attribute of the operation makes it a parameter that nobody reads."""
    known = {parameter.name for parameter in facts.parameters}
    for attribute_set in op.findall("instance_attributes"):
        for pair in attribute_set.findall("nvpair"):
            name = pair.get("name")
            meant = {*known, *options.OPERATION}
            if not name or name in meant or _is_general(name, fence=fence):
                continue
            yield warning(
                resource.id,
                f"{name} of {op.get('name')} is no attribute of operations, and no parameter of"
                " its agent",
                hint=did_you_mean(name, meant),
                word=name,
            )


def _check_operations(
    cib: Cib,
    resource: Element,
    template: Element | None,
    facts: AgentFacts,
    default_timeout: tuple[int, str],
) -> Iterator[Finding]:
    fence = (template if template is not None else resource).get("class") == "stonith"
    seen = set()
    for op in _ops(cib, resource):
        name, timeout = op.get("name"), op.get("timeout")
        seen.add(name)
        interval = lenient_ms(op.get("interval", "0"), None)
        action = facts.action(name, op.get("role"), interval)
        if action is None:
            if not (fence and name in _BUILT_IN):
                names = [a.name for a in facts.actions]
                yield error(
                    resource.id,
                    f"its agent has no operation {name}",
                    hint=did_you_mean(name, names) or f"one of {', '.join(dict.fromkeys(names))}",
                    word=name,
                )
            continue
        yield from _check_operation_parameters(resource, op, facts, fence=fence)
        milliseconds = lenient_ms(timeout or _set_value(op, "timeout"), None)
        if milliseconds is None and not timeout:
            milliseconds, timeout = default_timeout
        if milliseconds is not None and milliseconds < (action.timeout_ms or 0):
            yield warning(
                resource.id,
                f"the timeout {timeout or format_ms(milliseconds)} of {name} is shorter than the"
                f" {format_ms(action.timeout_ms or 0)} that its agent advises",
                word=timeout,
            )
    if fence or resource.tag == "template":
        return
    inherited = {op.get("name") for op in _ops(cib, template)} if template else set()
    for name in ("start", "stop"):
        action = facts.action(name)
        advised = action.timeout_ms if action else None
        if name not in seen | inherited and advised and default_timeout[0] < advised:
            yield warning(
                resource.id,
                f"the default timeout {default_timeout[1]} for {name} is shorter than the"
                f" {format_ms(advised)} that its agent advises",
            )


def _ops(cib: Cib, resource: Element) -> Iterator[Element]:
    for operations in resource.findall("operations"):
        resolved = _resolve(cib, operations)
        yield from resolved.findall("op") if resolved else ()


def _set_value(op: Element, name: str) -> str:
    for attribute_set in op.findall("meta_attributes"):
        for pair in attribute_set.findall("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
    return ""


def _default_timeout(cib: Cib) -> tuple[int, str]:
    """The timeout of operations that have none of their own."""
    for attribute_set in cib.section("op_defaults").findall("meta_attributes"):
        for pair in attribute_set.findall("nvpair"):
            if pair.get("name") == "timeout":
                milliseconds = lenient_ms(pair.get("value"), None)
                if milliseconds is not None:
                    return milliseconds, pair.get("value")
    default = options.OPERATION["timeout"].default
    return parse_ms(default), default

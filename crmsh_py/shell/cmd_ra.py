"""The ``ra`` level: which agents there are, and what each of them takes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from crmsh_py.agents.metadata import AgentMetadata, Parameter
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.options import FENCING_PARAMETERS, PROPERTIES, Option
from crmsh_py.errors import CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session
from crmsh_py.views import ra
from crmsh_py.views.records import Names

# What Pacemaker's daemons take, by their names of today and of old.
_PARTS: Mapping[str, Mapping[str, Option]] = {
    **dict.fromkeys(
        ("pacemaker-based", "pacemaker-controld", "pacemaker-schedulerd", "pengine", "crmd", "cib"),
        PROPERTIES,
    ),
    **dict.fromkeys(("pacemaker-fenced", "stonithd"), FENCING_PARAMETERS),
}


def classes(session: Session, call: CommandCall) -> int:
    """The classes, with their providers."""
    found = session.catalogue.classes()
    session.show("\n".join(map(str, found)), lambda: ra.Classes(tuple(found)))
    return 0


def list(session: Session, call: CommandCall) -> int:
    """The agents of a class (and provider) in columns."""
    standard, provider = call.get("AGENT_CLASS") or "", call.get("AGENT_PROVIDER") or ""
    names = session.catalogue.list(standard, provider)
    width = shutil.get_terminal_size((ra.WIDTH, 24)).columns
    session.show(ra.columns(names, width=width), lambda: Names(tuple(names)))
    return 0


def providers(session: Session, call: CommandCall) -> int:
    """Who provides an agent."""
    agent_type, standard = call.get("AGENT_TYPE") or "", call.get("AGENT_CLASS") or "ocf"
    catalogue = session.catalogue
    known = catalogue.list(standard)
    if standard != "ocf":
        raise UsageError(f"agents of the class {standard} have no providers", hint="only ocf's do")
    found = catalogue.providers(agent_type)
    if not found:
        raise NotFound(f"nobody provides {agent_type}", name=agent_type, possibilities=known)
    session.show(" ".join(found), lambda: Names(tuple(found)))
    return 0


def info(session: Session, call: CommandCall) -> int:
    """What an agent is for, its parameters, and the timeouts that it advises.

    Instead of an agent the part of the cluster manager may be named that options are for.
    """
    name = call.get("AGENT") or ""
    if table := _PARTS.get(name):
        described = _options(name, table)
        session.show(ra.info(name, described), lambda: described)
        return 0
    spec = session.catalogue.resolve(call.get("AGENT") or "")
    metadata = session.catalogue.metadata(spec)
    session.show(ra.info(spec, metadata), lambda: metadata)
    return 0


def _options(name: str, table: Mapping[str, Option]) -> AgentMetadata:
    return AgentMetadata(
        name=name,
        shortdesc="Parameters of all fence devices"
        if table is FENCING_PARAMETERS
        else "Cluster properties, of all parts of the manager",
        parameters=tuple(
            Parameter(
                name=option.name,
                type=", ".join((option.kind.value, *option.values)),
                default=option.default,
                shortdesc=option.help,
                deprecated=bool(option.deprecated),
            )
            for option in sorted(table.values(), key=lambda option: option.name)
            if not option.internal
        ),
    )


def validate(session: Session, call: CommandCall) -> int:
    """Check parameters against what an agent says about itself, then ask the agent."""
    spec = session.catalogue.resolve(call.get("AGENT") or "")
    metadata = session.catalogue.metadata(spec)
    given = dict(pair.partition("=")[::2] for pair in call.all("VALIDATE_PAIR"))
    known = {parameter.name: parameter for parameter in metadata.parameters}
    problems = [f"{spec} has no parameter {name}" for name in given if name not in known]
    problems += [
        f"{spec} needs the parameter {name}"
        for name, parameter in known.items()
        if parameter.required and name not in given
    ]
    if problems:
        raise CrmError("\n".join(problems), hint=f"crm ra info {spec}")
    return ask_agent(session, spec, given, spec.type)


def ask_agent(
    session: Session, spec: AgentSpec, parameters: Mapping[str, str], resource: str
) -> int:
    """What the agent itself says of parameters, where it can be asked; 1 for a no."""
    path = session.catalogue.installed_path(spec)
    if path is None or spec.standard != "ocf":
        why = "is not installed here" if path is None else "is no OCF agent"
        session.console.info(f"{spec} {why}: only its description was asked")
        return 0
    from crmsh_py.agents.validation import validate as ask

    result = ask(path, spec, parameters, resource=resource)
    session.console.out(result.said)
    if result.code != 0:
        session.console.error(f"{resource}: {spec} says no: {result.meaning}")
        return 1
    return 0

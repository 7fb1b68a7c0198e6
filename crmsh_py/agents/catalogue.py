"""All agents that can be named: those of this machine, and those that we describe ourselves.

The catalogue works where nothing is installed: ``ra_metadata/`` describes the agents that people
meet first in our own words, and ``ra_metadata/names.txt`` lists more that are known by name only.
An installed agent always speaks for itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from crmsh_py.agents.brief import short_description
from crmsh_py.agents.installed import InstalledAgents
from crmsh_py.agents.metadata import AgentMetadata, parse_metadata
from crmsh_py.agents.standins import StandIn, standin_for
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.resources import ra_metadata_directory
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing takes 3 ms, and is of no use at run time


NAMES = "names.txt"
# The order in which a bare type is looked up, as crmsh does it.
_PROVIDERS_FIRST = ("heartbeat", "pacemaker")
# The services of other nodes, which need not be installed on this one.
_UNSEEN = frozenset({"lsb", "systemd", "service", "upstart", "nagios"})
_STANDARDS_AFTER_OCF = ("stonith", "systemd", "lsb")

LAB_PROVIDER = "lab"  # of ocf:lab:guest, see lab.guest
LAB_DEVICE = "lab"  # stonith:lab, see lab.fence


@frozen
class AgentClass:
    """A class of agents, with its providers where it has any."""

    name: str
    providers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} / {' '.join(self.providers)}" if self.providers else self.name


class Agents(Protocol):
    """The agents that a machine has; ``installed.InstalledAgents`` for this one."""

    @property
    def has_systemd(self) -> bool:
        """Whether systemd runs there."""

    def providers(self) -> tuple[str, ...]:
        """The providers of OCF agents."""

    def types(self, standard: str, provider: str = "") -> tuple[str, ...]:
        """The types of a class (for ocf: of one provider), sorted."""

    def has(self, spec: AgentSpec) -> bool:
        """Whether the agent is installed."""

    def path(self, spec: AgentSpec) -> Path | None:
        """Its file, where it is on this machine."""

    def metadata(self, spec: AgentSpec) -> AgentMetadata | None:
        """What it says about itself; None when it is not installed. Raises CrmError kinds."""


class Catalogue:
    """The agents of a machine and of our own descriptions together.

    ``labs`` is whether those that only labs have are among them.
    """

    def __init__(
        self, installed: Agents, *, directory: Path | None = None, labs: bool = True
    ) -> None:
        self._installed = installed
        self._labs = labs
        self._directory = directory or ra_metadata_directory()
        self._known: dict[AgentSpec, AgentMetadata | None] = {}
        self._briefs: dict[AgentSpec, str] = {}

    @classmethod
    def of_machine(cls, environ: Mapping[str, str] = os.environ, *, labs: bool = True) -> Catalogue:
        """The catalogue as a user with this environment sees it."""
        return cls(InstalledAgents.of(environ), labs=labs)

    # ---- listings ------------------------------------------------------------------------------

    def classes(self) -> tuple[AgentClass, ...]:
        """The classes, as ``crm ra classes`` lists them."""
        names = ["lsb", "ocf", "service", "stonith", "upstart"]
        if self._installed.has_systemd:
            names.insert(4, "systemd")
        # What machines have; that of labs is known, and found by who asks for it.
        providers = tuple(p for p in self.ocf_providers() if p != LAB_PROVIDER)
        return tuple(AgentClass(n, providers if n == "ocf" else ()) for n in names)

    def ocf_providers(self) -> tuple[str, ...]:
        """The providers of OCF agents."""
        return tuple(sorted({*self._installed.providers(), *self._listed_providers}))

    def providers(self, agent_type: str) -> tuple[str, ...]:
        """The providers that have an agent of this type; heartbeat and pacemaker first."""
        found = [p for p in self.ocf_providers() if self.knows(AgentSpec("ocf", p, agent_type))]
        return tuple(sorted(found, key=_provider_rank))

    def list(self, standard: str, provider: str = "") -> tuple[str, ...]:
        """The types of a class, sorted; for ocf those of one provider, or of all.

        Raises NotFound for an unknown class or provider.
        """
        self._check_class(standard, provider)
        if standard == "ocf" and not provider:
            return tuple(sorted({t for p in self.ocf_providers() for t in self.list("ocf", p)}))
        listed = self._listed.get((standard, provider), frozenset())
        return tuple(sorted({*self._installed.types(standard, provider), *listed}))

    # ---- one agent -----------------------------------------------------------------------------

    def resolve(self, name: str | AgentSpec) -> AgentSpec:
        """The full name of an agent: ``IPaddr2`` is ``ocf:heartbeat:IPaddr2``.

        Raises ConfigError for a text that is no agent's name, NotFound for an agent that is
        neither installed nor known.
        """
        spec = AgentSpec.parse(name) if isinstance(name, str) else name
        candidates = [spec]
        if not spec.standard:
            candidates = [AgentSpec("ocf", p, spec.type) for p in self.providers(spec.type)]
            candidates += [AgentSpec(s, "", spec.type) for s in _STANDARDS_AFTER_OCF]
        elif spec.standard == "ocf" and not spec.provider:
            candidates = [AgentSpec("ocf", p, spec.type) for p in self.providers(spec.type)]
        found = next((candidate for candidate in candidates if self.knows(candidate)), None)
        if found is None:
            raise self._unknown(spec)
        return found

    def knows(self, spec: AgentSpec) -> bool:
        """Whether the agent is installed, described, or at least listed."""
        listed = self._listed.get((spec.standard, spec.provider), frozenset())
        return spec.type in listed or self.is_installed(spec)

    def is_installed(self, spec: AgentSpec) -> bool:
        """Whether the machine has the agent itself."""
        return self._installed.has(spec)

    def installed_path(self, spec: AgentSpec) -> Path | None:
        """The agent's file on this machine."""
        return self._installed.path(spec)

    def standin_for(self, spec: AgentSpec) -> StandIn | None:
        """What of our own may run in its place on a lab."""
        return standin_for(spec)

    def metadata(self, spec: AgentSpec) -> AgentMetadata:
        """What the agent says about itself, or what we say about it.

        Raises:
            NotFound: no such agent, or one that is known by its name only.
            CrmError: it is installed, but cannot be asked, and we do not describe it.
        """
        found = self.find(spec)
        if found is not None:
            return found
        if not self.knows(spec):
            raise self._unknown(spec)
        raise NotFound(
            f"{spec} is not installed, and nothing is known about it but its name",
            hint="install the package that brings it (resource-agents, pacemaker-resource-agents)",
        )

    def find(self, spec: AgentSpec) -> AgentMetadata | None:
        """Like ``metadata``, but None where there is none."""
        if spec not in self._known:
            self._known[spec] = self._look_up(spec)
        return self._known[spec]

    def known(self, spec: AgentSpec) -> AgentMetadata | None:
        """What has been looked up already: an answer at once, for what happens at every key."""
        return self._known.get(spec)

    def brief(self, spec: AgentSpec) -> str:
        """What an agent is for, in one line; no agent is run for it."""
        if spec not in self._briefs:
            self._briefs[spec] = self._brief(spec)
        return self._briefs[spec]

    # ---- for the checks of a configuration (cib.check_agents.AgentKnowledge) -------------------

    def agent_facts(self, standard: str, provider: str, agent_type: str) -> AgentMetadata | None:
        """Like ``find``; None also when an installed agent cannot be asked."""
        try:
            return self.find(AgentSpec(standard, provider, agent_type))
        except CrmError:
            return None

    def agent_problem(
        self, standard: str, provider: str, agent_type: str
    ) -> tuple[str, str | None] | None:
        """Why there is no such agent, with a hint; None when there is one."""
        spec = AgentSpec(standard, provider, agent_type)
        if self.knows(spec) or spec.standard in _UNSEEN:
            return None
        unknown = self._unknown(spec)
        return unknown.message, unknown.hint

    # ---- inside --------------------------------------------------------------------------------

    def _look_up(self, spec: AgentSpec) -> AgentMetadata | None:
        described = self._description_file(spec)
        try:
            if (installed := self._installed.metadata(spec)) is not None:
                return installed
        except CrmError:
            if described is None:
                raise
        if described is None:
            return None
        return parse_metadata(described.read_bytes(), name=spec.type, origin="catalogue")

    def _brief(self, spec: AgentSpec) -> str:
        known = self._known.get(spec)
        if known is not None:
            return known.shortdesc
        files = (self._description_file(spec), self._installed.path(spec))
        return next(filter(None, (short_description(f) for f in files if f is not None)), "")

    def _description_file(self, spec: AgentSpec) -> Path | None:
        if spec.standard not in ("ocf", "stonith"):
            return None
        path = self._directory.joinpath(spec.standard, spec.provider, f"{spec.type}.xml")
        return path if path.is_file() else None

    @cached_property
    def _listed(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Types by class and provider: the list of names, and what is described."""
        found: dict[tuple[str, str], set[str]] = {}
        for line in (self._directory / NAMES).read_text("utf-8").splitlines():
            head, _, names = line.partition(" ")
            if head and not head.startswith("#"):
                standard, _, provider = head.partition(":")
                found.setdefault((standard, provider), set()).update(names.split())
        for path in self._directory.glob("ocf/*/*.xml"):
            found.setdefault(("ocf", path.parent.name), set()).add(path.stem)
        for path in self._directory.glob("stonith/*.xml"):
            found.setdefault(("stonith", ""), set()).add(path.stem)
        if not self._labs:
            found.pop(("ocf", LAB_PROVIDER), None)
            found.get(("stonith", ""), set()).discard(LAB_DEVICE)
        return {key: frozenset(names) for key, names in found.items()}

    @cached_property
    def _listed_providers(self) -> frozenset[str]:
        return frozenset(provider for standard, provider in self._listed if standard == "ocf")

    def _check_class(self, standard: str, provider: str) -> None:
        names = [c.name for c in self.classes()] + ["systemd"]
        if standard not in names:
            raise NotFound(
                f"there is no class of agents “{standard}”", name=standard, possibilities=names
            )
        if provider and provider not in self.ocf_providers():
            raise NotFound(
                f"there is no provider “{provider}” of {standard} agents",
                name=provider,
                possibilities=self.ocf_providers(),
            )

    def _unknown(self, spec: AgentSpec) -> NotFound:
        providers = self.providers(spec.type) if spec.standard == "ocf" else ()
        if providers:  # the type is right, its provider is not
            hint = f"did you mean ocf:{providers[0]}:{spec.type}?"
            return NotFound(f"there is no agent {spec}", name=spec.type, hint=hint)
        standard = spec.standard or "ocf"
        self._check_class(standard, "")
        return NotFound(
            f"there is no agent {spec}",
            name=spec.type,
            possibilities=lambda: self.list(standard),
            otherwise=f"crm ra list {standard} shows them all",
        )


def _provider_rank(provider: str) -> tuple[int, str]:
    known = provider in _PROVIDERS_FIRST
    return (_PROVIDERS_FIRST.index(provider) if known else len(_PROVIDERS_FIRST), provider)

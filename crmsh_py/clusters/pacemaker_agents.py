"""The agents of another machine, as Pacemaker's crm_resource there lists and asks them.

What ``agents.installed`` finds in the directories of this machine. Every answer is remembered as
long as the shell runs: each costs a way over the network.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from crmsh_py.agents.metadata import AgentMetadata, parse_metadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.clusters.pacemaker_programs import Programs

TIMEOUT_S = 15.0


class FarAgents:
    """Implements ``agents.catalogue.Agents`` for the machine of these programs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._lines = cache(self._ask_lines)
        self._metadata = cache(self._ask_metadata)

    @property
    def has_systemd(self) -> bool:
        """Whether services of systemd can be resources there."""
        return "systemd" in self._lines("--list-standards")

    def providers(self) -> tuple[str, ...]:
        """The providers of OCF agents."""
        return self._lines("--list-ocf-providers")

    def types(self, standard: str, provider: str = "") -> tuple[str, ...]:
        """The types of a class (for ocf: of one provider), sorted."""
        return self._lines("--list-agents", f"{standard}:{provider}" if provider else standard)

    def has(self, spec: AgentSpec) -> bool:
        """Whether the agent is installed there."""
        return spec.type in self.types(spec.standard, spec.provider)

    def path(self, spec: AgentSpec) -> Path | None:
        """None: its file is not on this machine."""
        return None

    def metadata(self, spec: AgentSpec) -> AgentMetadata | None:
        """What an installed agent says; None when it is not installed.

        Raises CrmError kinds when the machine, or the agent, does not answer.
        """
        return self._metadata(spec) if self.has(spec) else None

    def _ask_metadata(self, spec: AgentSpec) -> AgentMetadata:
        answer = self._programs.run(
            "crm_resource", "--show-metadata", str(spec), timeout_s=TIMEOUT_S
        )
        return parse_metadata(answer.out.encode(), name=spec.type)

    def _ask_lines(self, *words: str) -> tuple[str, ...]:
        answer = self._programs.run("crm_resource", *words, timeout_s=TIMEOUT_S)
        return tuple(sorted(answer.out.split()))

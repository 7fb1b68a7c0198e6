"""The name of an agent: ``ocf:heartbeat:IPaddr2``, ``stonith:lab``, ``systemd:nginx``.

``standard`` is what Pacemaker calls the class. Only OCF agents have a provider. A bare type
(``IPaddr2``) is looked up in the catalogue, which knows the providers.
"""

from __future__ import annotations

from crmsh_py.errors import ConfigError, did_you_mean
from crmsh_py.regex import regex
from crmsh_py.value import frozen

STANDARDS = ("ocf", "lsb", "service", "stonith", "systemd", "upstart")
_WORD = regex(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from crmsh_py.cib.element import Element

    class _Named(Protocol):
        """What has the three parts of an agent's name."""

        @property
        def standard(self) -> str: ...
        @property
        def provider(self) -> str: ...
        @property
        def type(self) -> str: ...


@frozen
class AgentSpec:
    """Standard, provider ('' where the standard has none) and type of an agent."""

    standard: str
    provider: str
    type: str

    def __lt__(self, other: AgentSpec) -> bool:
        mine = (self.standard, self.provider, self.type)
        return mine < (other.standard, other.provider, other.type)

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard, self.provider, self.type) if part)

    @classmethod
    def of(cls, element: Element) -> AgentSpec:
        """The agent that an element (primitive, template, history of a resource) names itself."""
        return cls(element.get("class"), element.get("provider"), element.get("type"))

    @classmethod
    def parse(cls, text: str) -> AgentSpec:
        """Read ``standard:provider:type`` or ``standard:type``.

        A bare type gives a spec without a standard, to be resolved by ``Catalogue.resolve``;
        ``ocf:TYPE`` one without a provider. Pacemaker's ``ocf::PROVIDER:TYPE`` is understood.

        Raises:
            ConfigError: it is no such name, or the standard is unknown.
        """
        parts = text.replace("::", ":").split(":")
        if parts[0] == "systemd" and len(parts) > 2:
            parts = ["systemd", ":".join(parts[1:])]
        if len(parts) > 3 or not all(parts):
            raise ConfigError(
                f"“{text}” is not the name of an agent", hint="write it as ocf:heartbeat:IPaddr2"
            )
        for part in parts:
            if not _WORD.fullmatch(part) and parts[0] != "systemd":
                raise ConfigError(f"“{part}” cannot be part of an agent's name ({text})")
        if len(parts) == 1:
            return cls("", "", parts[0])
        standard = parts[0]
        if standard not in STANDARDS:
            raise ConfigError(
                f"there is no class of agents “{standard}” ({text})",
                hint=did_you_mean(standard, STANDARDS) or f"one of {', '.join(STANDARDS)}",
            )
        if len(parts) == 2:
            return cls(standard, "", parts[1])
        if standard != "ocf":
            raise ConfigError(f"agents of the class {standard} have no provider ({text})")
        return cls(standard, parts[1], parts[2])


def is_remote(agent: _Named) -> bool:
    """Whether an agent is ``ocf:pacemaker:remote``: no program, but a connection with a node."""
    # Letters of either size, as Pacemaker compares them.
    return (
        agent.type.lower() == "remote"
        and agent.standard.lower() == "ocf"
        and agent.provider.lower() == "pacemaker"
    )


def is_remote_connection(element: Element) -> bool:
    """Whether an element is a connection with a remote node (``ocf:pacemaker:remote``)."""
    return is_remote(AgentSpec.of(element))

"""What the language asks about agents while it writes: full names, advised intervals, roles."""

from __future__ import annotations

from crmsh_py.agents.metadata import AgentMetadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError
from crmsh_py.lang.draft import Draft
from crmsh_py.lang.writer import Writer, resolve_plainly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing takes 3 ms, and is of no use at run time


class Agents(Protocol):
    """What is asked about agents: ``agents.catalogue.Catalogue`` answers."""

    def resolve(self, name: str | AgentSpec) -> AgentSpec:
        """The full name of an agent; raises NotFound."""

    def find(self, spec: AgentSpec) -> AgentMetadata | None:
        """What an agent says about itself, if it can be known."""


def ask(writer: Writer, draft: Draft, catalogue: Agents) -> None:
    """Let the writer ask a catalogue about agents."""
    known: dict[str, AgentSpec] = {}

    def resolve(name: str) -> AgentSpec:
        if name not in known:
            plain = resolve_plainly(name)
            if name.count(":") < 1 or (name.startswith("ocf:") and name.count(":") == 1):
                try:
                    plain = catalogue.resolve(str(name))
                except CrmError:
                    pass  # it is said by the checks, with all that is wrong about it
            known[name] = plain
        return known[name]

    def find(spec: AgentSpec | None) -> AgentMetadata | None:
        try:
            return catalogue.find(spec) if spec is not None else None
        except CrmError:
            return None  # an agent that cannot be asked advises nothing

    def advised_interval(spec: AgentSpec | None) -> str:
        metadata = find(spec)
        action = metadata.action("monitor") if metadata is not None else None
        return action.interval if action is not None and action.interval not in ("0", "0s") else ""

    def is_promotable(resource: str) -> bool:
        members = [resource, *draft.members_of(resource)]
        for name in members:
            element = draft.resource(name)
            if element is None or element.tag != "primitive":
                continue
            template = draft.resource(element.get("template")) if element.get("template") else None
            named = template or element
            metadata = find(AgentSpec.of(named))
            if metadata is not None and metadata.promotable:
                return True
        return False

    writer.resolve = resolve
    writer.advised_interval = advised_interval
    writer.is_promotable = is_promotable

"""What an agent would be started with: its name and its parameters, templates looked through."""

from __future__ import annotations

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import CrmError


def agent_of(cib: Cib, target: Element) -> AgentSpec:
    """The agent of a primitive. Raises CrmError for another resource."""
    if target.tag != "primitive":
        raise CrmError(f"{target.id} is a {target.tag}; only primitives have an agent")
    source = _template_of(cib, target) or target
    return AgentSpec.of(source)


def of(cib: Cib, target: Element) -> dict[str, str]:
    """The parameters that always hold; those with rules depend on node and time."""
    found: dict[str, str] = {}
    template = _template_of(cib, target)
    for source in (target, *((template,) if template else ())):
        for one in source.findall("instance_attributes"):
            resolved = cib.find_id(one.get("id-ref")) if "id-ref" in one.attrs else one
            if resolved is None or resolved.findall("rule"):
                continue
            for pair in resolved.findall("nvpair"):
                origin = cib.find_id(pair.get("id-ref")) if "id-ref" in pair.attrs else pair
                if origin is not None:
                    found.setdefault(pair.get("name") or origin.get("name"), origin.get("value"))
    return found


def _template_of(cib: Cib, target: Element) -> Element | None:
    name = target.get("template")
    return cib.find_id(name) if name else None

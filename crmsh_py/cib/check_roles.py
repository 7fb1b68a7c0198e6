"""Constraints on being promoted of what never is: they are kept, and nothing ever follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, warning

_PAIRS = (
    ("rsc", "rsc-role"),
    ("rsc", "role"),
    ("with-rsc", "with-rsc-role"),
    ("first", "first-action"),
    ("then", "then-action"),
)
_PROMOTED = frozenset({"promoted", "master", "promote", "demote"})


def odd_roles(constraint: Element, resources: Mapping[str, Element]) -> Iterator[Finding]:
    """Resources that a constraint takes for promotable, and that are not."""
    for name in dict.fromkeys(_taken_for_promotable(constraint)):
        resource = resources.get(name)
        if resource is None or _can_be_promoted(resource, resources):
            continue
        hint = f"crm configure clone {name}-clone {name} meta promotable=true"
        if resource.tag == "clone":
            hint = f"crm resource meta {name} set promotable true"
        yield warning(constraint.id, f"{name} is never promoted", hint=hint, word=name)


def _taken_for_promotable(constraint: Element) -> Iterator[str]:
    for who, attribute in _PAIRS:
        if constraint.get(attribute).lower() in _PROMOTED:
            yield constraint.get(who)
    if any(rule.get("role").lower() in _PROMOTED for rule in constraint.findall("rule")):
        yield constraint.get("rsc")
    for one in constraint.findall("resource_set"):
        if {one.get("role").lower(), one.get("action").lower()} & _PROMOTED:
            yield from (ref.id for ref in one.findall("resource_ref"))


def _can_be_promoted(resource: Element, resources: Mapping[str, Element]) -> bool:
    """Whether it can, or a clone or bundle around it, of which others have told already."""
    if resource.tag in ("master", "bundle", "template"):
        return True
    if resource.tag == "clone":
        sets = resource.findall("meta_attributes")
        values = [
            p.get("value")
            for s in sets
            for p in s.findall("nvpair")
            if p.get("name") == "promotable"
        ]
        return any(map(is_true, values)) or any("id-ref" in one.attrs for one in sets)
    around = (e for e in resources.values() if e.tag in ("clone", "master", "bundle"))
    return any(inner is resource for each in around for inner in each.iter(resource.tag))

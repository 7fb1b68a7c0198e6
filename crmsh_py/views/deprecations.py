"""What Pacemaker 3 calls deprecated in a configuration: findings for the modern ``crm_verify``.

Input: the document as it was written (not upgraded); output: warnings. The texts are those that
Pacemaker 3 prints, for scripts that look for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmsh_py.cib.upgrade import knows_promoted
from crmsh_py.scheduler.result import Message

if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

_FUTURE = "is deprecated and will be removed in a future release"
_AS_TRUE = "is deprecated and will be removed (and behave as true) in a future release."
# Properties whose value may only be true one day, by each of their names.
_PROPERTIES = {
    "concurrent-fencing": "concurrent-fencing",
    "stop-removed-resources": "stop-removed-resources",
    "stop-orphan-resources": "stop-removed-resources",
    "cancel-removed-actions": "cancel-removed-actions",
    "stop-orphan-actions": "cancel-removed-actions",
}
_FALSE = ("false", "no", "off", "n", "0")


def find(cib: Cib) -> list[Message]:
    """Every deprecated thing, once."""
    texts = dict.fromkeys((*_properties(cib), *_resources(cib), *_constraints(cib)))
    return [Message(level="warning", where="deprecated", text=text) for text in texts]


def _properties(cib: Cib) -> Iterator[str]:
    if cib.schema == "none":
        yield (
            f"Support for validate-with='none' {_FUTURE} without the possibility of upgrades "
            "(manually edit to use a supported schema)"
        )
    for name, value in cib.properties().items():
        if name in _PROPERTIES and value.lower() in _FALSE:
            yield f"Support for the {_PROPERTIES[name]} cluster property {_AS_TRUE}"


def _resources(cib: Cib) -> Iterator[str]:
    for group in cib.section("resources").iter("group"):
        for meta in group.findall("meta_attributes"):
            for pair in meta.findall("nvpair"):
                name = pair.get("name")
                if name in ("ordered", "collocated") and pair.get("value").lower() in _FALSE:
                    yield (
                        f"Support for the '{name}' group meta-attribute {_FUTURE} "
                        "(use a resource set instead)"
                    )
    for meta in cib.section("resources").iter("meta_attributes"):
        for pair in meta.findall("nvpair"):
            if pair.get("value") == "#default":
                yield (
                    f"Support for setting meta-attributes (such as {pair.get('name')}) to the "
                    f"explicit value '#default' {_FUTURE}"
                )


def _constraints(cib: Cib) -> Iterator[str]:
    for order in cib.section("constraints").findall("rsc_order"):
        if order.get("require-all").lower() in _FALSE:
            yield (
                f"Support for require-all in ordering constraints {_FUTURE} "
                "(use clone-min clone meta-attribute instead)"
            )
        for members in order.findall("resource_set"):
            if members.get("ordering", "group") != "group":
                yield (
                    f"Support for 'ordering' other than 'group' in resource_set "
                    f"(such as {members.id}) {_FUTURE}"
                )
    if not knows_promoted(cib):
        return  # an older document has no other words for the roles
    for constraint in cib.section("constraints").iter():
        for role, now in (("Master", "Promoted"), ("Slave", "Unpromoted")):
            if role in (constraint.get("role"), constraint.get("rsc-role")):
                yield f"Support for the {role} role {_FUTURE}. Use {now} instead."

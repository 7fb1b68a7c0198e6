"""What Pacemaker 3 calls deprecated in a configuration: findings for the modern ``crm_verify``.

Input: the document as it was written (not upgraded); output: warnings. What is deprecated about
values that count, the scheduler finds when it reads them. The texts are those that
Pacemaker 3 prints, for scripts that look for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.upgrade import knows_promoted
from crmsh_py.scheduler.result import Message
from crmsh_py.views.text import NO_SCHEMA
from crmsh_py.views.verify import UNCHECKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element

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


def find(cib: Cib) -> list[Message]:
    """Every deprecated thing, once."""
    texts = dict.fromkeys(
        (*_properties(cib), *_groups(cib, cib.section("resources"), {}), *_constraints(cib))
    )
    found = [Message(level="warning", where="deprecated", text=text) for text in texts]
    if cib.schema == "none":
        found.append(Message(level="info", where=UNCHECKED, text=NO_SCHEMA))
    return found


def _properties(cib: Cib) -> Iterator[str]:
    if cib.schema == "none":
        yield (
            f"Support for validate-with='none' {_FUTURE} without the possibility of upgrades "
            "(manually edit to use a supported schema)"
        )
    for name, value in cib.properties().items():
        if name in _PROPERTIES and parse_boolean(value) is False:
            yield f"Support for the {_PROPERTIES[name]} cluster property {_AS_TRUE}"


def _groups(cib: Cib, parent: Element, inherited: Mapping[str, str]) -> Iterator[str]:
    """Groups by what counts for them: their own meta attributes, their clone's, the defaults."""
    for element in parent.children:
        if element.tag not in ("group", "clone", "master"):
            continue
        meta = {**inherited, **_meta(cib, element)}
        if element.tag != "group":
            yield from _groups(cib, element, meta)
            continue
        for name in ("ordered", "collocated"):
            value = meta.get(name, _meta(cib, cib.section("rsc_defaults")).get(name, ""))
            if parse_boolean(value) is False:
                yield (
                    f"Support for the '{name}' group meta-attribute {_FUTURE} "
                    "(use a resource set instead)"
                )


def _meta(cib: Cib, owner: Element) -> dict[str, str]:
    """The meta attributes of an element, the first of a name; sets with rules may not count."""
    found: dict[str, str] = {}
    for block in owner.findall("meta_attributes"):
        reference = block.get("id-ref")
        resolved = cib.find_id(reference) if reference else block
        if resolved is None or resolved.find("rule") is not None:
            continue
        for pair in resolved.findall("nvpair"):
            found.setdefault(pair.get("name"), pair.get("value"))
    return found


def _constraints(cib: Cib) -> Iterator[str]:
    for order in cib.section("constraints").findall("rsc_order"):
        if parse_boolean(order.get("require-all")) is False:
            yield (
                f"Support for require-all in ordering constraints {_FUTURE} "
                "(use clone-min clone meta-attribute instead)"
            )
    for colocation in cib.section("constraints").findall("rsc_colocation"):
        for members in colocation.findall("resource_set"):
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

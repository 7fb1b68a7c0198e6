"""References to sets: ``params $id-ref=X`` may name a set, or an object that has one.

The name of an object stands for its first set of that kind, as crmsh has it. What names nothing
is left as it was written; the checks say so.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element

_SETS = frozenset({"instance_attributes", "meta_attributes", "utilization", "operations", "rule"})


def resolve_references(before: Cib, cib: Cib) -> Cib:
    """The document with the names of objects in new references replaced by those of sets."""
    known = {id(section) for section in before.configuration.children}
    for section in cib.configuration.children:
        if id(section) in known:
            continue
        resolved = _resolved(section, cib)
        if resolved is not section:
            cib = cib.with_section(section.tag, resolved)
    return cib


def _resolved(element: Element, cib: Cib) -> Element:
    reference = element.get("id-ref")
    if reference and element.tag in _SETS:
        target = cib.find_id(reference)
        if target is not None and target.tag != element.tag:
            inner = target.find(element.tag)
            if inner is not None and inner.id:
                return element.with_attributes({"id-ref": inner.id})
    return element.map_children(lambda child: _resolved(child, cib))

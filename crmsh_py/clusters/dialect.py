"""A change of the configuration in the words of the cluster that is to take it.

Roles are called Promoted and Unpromoted since the schema pacemaker-3.7, Master and Slave before;
the schemas of version 4 do not know the old names any more. Our shell speaks the new names, so
what a patch writes is put into the cluster's words last. Values that were there before, which the
patch only compares with, stay as they were read.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import AttributeChange, Change, Operation, Patch
from crmsh_py.cib.upgrade import knows_promoted, schema_version
from crmsh_py.value import replace

_OLD = {"Promoted": "Master", "Unpromoted": "Slave"}
_NEW = {old: new for new, old in _OLD.items()}
_ROLES = ("role", "rsc-role", "with-rsc-role")
_NEW_NAMES_ONLY = (4, 0)


def in_words_of(cib: Cib, patch: Patch) -> Patch:
    """The patch with the names of roles that the document's schema has."""
    if not knows_promoted(cib):
        names = _OLD
    elif schema_version(cib.schema) >= _NEW_NAMES_ONLY:
        names = _NEW
    else:
        return patch
    return replace(patch, changes=tuple(_change(change, names) for change in patch.changes))


def _change(change: Change, names: dict[str, str]) -> Change:
    if change.element is None or change.operation is Operation.DELETE:
        return change
    element = _element(change.element, names)
    attributes = tuple(_attribute(a, change.element, names) for a in change.attributes)
    return replace(change, element=element, attributes=attributes)


def _attribute(change: AttributeChange, element: Element, names: dict[str, str]) -> AttributeChange:
    if change.new not in names or change.name not in _role_attributes(element):
        return change
    return replace(change, new=names[change.new])


def _element(element: Element, names: dict[str, str]) -> Element:
    renamed = {
        name: names[element.attrs[name]]
        for name in _role_attributes(element)
        if element.attrs.get(name) in names
    }
    changed = element.with_attributes(renamed) if renamed else element
    return changed.map_children(lambda child: _element(child, names))


def _role_attributes(element: Element) -> tuple[str, ...]:
    if element.tag == "nvpair":
        return ("value",) if element.get("name") == "target-role" else ()
    return _ROLES

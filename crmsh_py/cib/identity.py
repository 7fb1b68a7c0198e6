"""Ids as the schema has them: an id that is given twice, a reference by id to nothing.

What the grammar cannot say and Pacemaker's validation yet refuses. ``check_references`` finds this
and more, for whom a configuration belongs to; this is for telling whether a document is valid.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.document import REFERENCES, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, error

# Their ids are names, which another element may have too.
_NAMED = frozenset({"node", "acl_target"}) | REFERENCES


def check_identity(cib: Cib) -> Iterator[Finding]:
    """What is wrong with the ids of a document; nothing where it asks not to be looked at."""
    if cib.schema == "none":
        return
    ids: set[str] = set()
    doubled: list[str] = []
    for element in cib.configuration.iter():
        name = element.attrs.get("id")
        if name is None or element.tag in _NAMED:
            continue
        if name in ids:
            doubled.append(name)
        ids.add(name)
    for name in dict.fromkeys(doubled):
        yield error(name, f"the id {name} is given more than once", word=name)
    for element in cib.configuration.iter():
        wanted = _referred(element)
        if wanted is not None and wanted not in ids:
            yield error(
                element.id, f"<{element.tag}> refers to {wanted}, which does not exist", word=wanted
            )


def _referred(element: Element) -> str | None:
    if element.tag == "role":
        return element.attrs.get("id")
    if element.tag == "acl_permission":
        return element.attrs.get("reference")
    return element.attrs.get("id-ref")

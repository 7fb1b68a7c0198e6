"""A patch as Pacemaker's programs show it: lines for people (``crm_shadow --diff``), or its XML.

Lines begin with ``--`` (gone), ``++`` (new), ``+`` (other attributes) or ``+~`` (moved).
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import COMMENT_STEP, ROOT, Change, Operation, Patch
from crmsh_py.cib.version import ATTRIBUTES
from crmsh_py.cib.xml import parse, to_xml
from crmsh_py.value import replace
from crmsh_py.views.text import joined

_OURS = "crm-"  # attributes of a patch that Pacemaker's have not


def lines(patch: Patch) -> str:
    """The versions and the changes; '' where there are none."""
    if not patch:
        return ""
    head = [f"Diff: --- {patch.source} 2", f"Diff: +++ {patch.target} (null)"]
    return joined([*head, *(line for change in patch.changes for line in _lines(change))]) + "\n"


def _lines(change: Change) -> Iterator[str]:
    if change.operation is Operation.DELETE:
        place = f"[{change.position}]" if change.path.endswith(f"/{COMMENT_STEP}") else ""
        yield f"-- {change.path}{place}"
    elif change.operation is Operation.MOVE:
        yield f"+~ {change.path} moved to offset {change.position}"
    elif change.operation is Operation.CREATE and change.element is not None:
        first, *more = to_xml(change.element).splitlines()
        yield f"++ {change.path}:  {first}"
        indent = " " * (len(change.path) + len(":  "))
        yield from (f"++ {indent}{line}" for line in more)
    else:
        there = [f"@{each.name}={each.new}" for each in change.attributes if each.new is not None]
        gone = [f"@{each.name}" for each in change.attributes if each.new is None]
        if there:
            yield f"+  {change.path}:  {', '.join(there)}"
        if gone:
            yield f"-- {change.path}:  {', '.join(gone)}"


def to_pacemakers(patch: Patch, *, versions: bool = True) -> str:
    """The XML without what only our own patches have; '' where nothing is changed.

    Without ``versions`` it is one that any version takes.
    """
    if not versions:
        kept = tuple(change for change in patch.changes if not _only_counts(change))
        patch = replace(patch, changes=kept)
    if not patch:
        return ""
    root = parse(patch.to_xml())
    return to_xml(
        root.map_children(
            lambda child: None if child.tag == "version" and not versions else _plain(child)
        )
    )


def _only_counts(change: Change) -> bool:
    return change.path == ROOT and all(each.name in ATTRIBUTES for each in change.attributes)


def _plain(change: Element) -> Element:
    ours = {name: None for name in change.attrs if name.startswith(_OURS)}
    plain = change.with_attributes(ours) if ours else change
    if change.get("operation") == "delete":
        return plain.with_children(())
    if change.tag in ("change", "change-list"):
        return plain.map_children(_plain)
    return plain

"""The difference of two CIBs: ``apply(a, diff(a, b)) == b``, comments and order included.

Rules:
    Elements of the same tag and id are the same element; those without an id are the same when
    their tag is (``resources``, ``operations`` …). Comments are the same when their text is.
    Where that is not unique among siblings (pairs that are only references), all the children are
    deleted and created anew.
    Branches that are one object in both documents cost nothing: a commit of one resource is found
    without looking at the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from crmsh_py.cib.apply import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.patch import ROOT, AttributeChange, Change, Operation, Patch, step
from crmsh_py.value import field, mutable, replace

__all__ = ["AttributeChange", "Change", "Operation", "Patch", "apply", "diff"]

# Parents whose children mean something by their order.
ORDERED = frozenset({"group", "resource_set"})

# What makes two siblings the same: tag, id (or a comment's text), and which one of several.
_Key = tuple[str, str, int]


def diff(old: Cib, new: Cib) -> Patch:
    """What must be done to ``old`` to get ``new``."""
    found = _Found()
    _compare(old.root, new.root, ROOT, found)
    # Stable: changes in one parent stay in the order in which they must be made.
    found.placements.sort(key=lambda change: change.position or 0)
    changes = (*found.deletions, *found.modifications, *found.placements)
    return Patch(changes, old.version, new.version)


@mutable
class _Found:
    deletions: list[Change] = field(default_factory=list)
    modifications: list[Change] = field(default_factory=list)
    placements: list[Change] = field(default_factory=list)


def _compare(old: Element, new: Element, path: str, found: _Found) -> None:
    if old is new:
        return
    if old.attrs != new.attrs:
        found.modifications.append(_modification(old, new, path))
    if old.children is new.children or not (old.children or new.children):
        return
    old_keys, new_keys = _keys(old.children), _keys(new.children)
    if old_keys is None or new_keys is None:
        if old.children != new.children:
            _replace_all(old, new, path, found)
        return
    kept, moved = _keep(old, new, old_keys, new_keys)
    new_by_key = dict(zip(new_keys, new.children, strict=True))
    index = {key: origin for origin, key in enumerate(old_keys)}
    deleted = 0
    for key, child in zip(old_keys, old.children, strict=True):
        if key not in kept and key not in moved:
            found.deletions.append(_deletion(child, path, index[key], deleted))
            deleted += 1
        elif child is not new_by_key[key]:
            _compare(child, new_by_key[key], path + step(child), found)
    if len(kept) == len(new_keys):
        return
    changes = [
        Change(operation=Operation.MOVE, path=path + step(child), position=at, origin=index[key])
        if key in moved
        else Change(operation=Operation.CREATE, path=path, position=at, element=child)
        for at, (key, child) in enumerate(zip(new_keys, new.children, strict=True))
        if key not in kept
    ]
    if old.tag in ORDERED:  # the first change says who was there before
        present = (
            c for k, c in zip(old_keys, old.children, strict=True) if k in kept or k in moved
        )
        changes[0] = replace(changes[0], siblings=sibling_names(present))
    found.placements += changes


def _modification(old: Element, new: Element, path: str) -> Change:
    names = [*old.attrs, *(name for name in new.attrs if name not in old.attrs)]
    attributes = tuple(
        AttributeChange(name, old.attrs.get(name), new.attrs.get(name))
        for name in names
        if old.attrs.get(name) != new.attrs.get(name)
    )
    result = Element(new.tag, new.attrs)
    return Change(operation=Operation.MODIFY, path=path, element=result, attributes=attributes)


def _keys(children: Sequence[Element]) -> list[_Key] | None:
    """A key for each child, or None when a path could not tell two of them apart."""
    keys: list[_Key] = []
    seen: set[_Key] = set()
    without_id: set[str] = set()
    tags: set[str] = set()
    for child in children:
        if child.tag == COMMENT:
            key = (COMMENT, child.text, 0)
            while key in seen:
                key = (COMMENT, child.text, key[2] + 1)
        else:
            name = child.attrs.get("id")
            key = (child.tag, name or "", 0 if name is None else 1)
            if key in seen or child.tag in without_id or (name is None and child.tag in tags):
                return None
            tags.add(child.tag)
            if name is None:
                without_id.add(child.tag)
        seen.add(key)
        keys.append(key)
    return keys


def _keep(
    old: Element, new: Element, old_keys: list[_Key], new_keys: list[_Key]
) -> tuple[set[_Key], set[_Key]]:
    """The children that stay where they are, and those that are moved; the others are remade."""
    common = set(old_keys) & set(new_keys)
    if any(child.text for child in (*old.children, *new.children) if child.tag != COMMENT):
        # A change of text is no operation of the format: such an element is made anew.
        texts = dict(zip(old_keys, (child.text for child in old.children), strict=True))
        common = {
            key
            for key, child in zip(new_keys, new.children, strict=True)
            if key in common and texts[key] == child.text
        }
    order = [key for key in new_keys if key in common]
    if order == [key for key in old_keys if key in common]:
        return common, set()
    place = {key: index for index, key in enumerate(old_keys)}
    steady = {order[i] for i in _longest_rising([place[key] for key in order])}
    return steady, {key for key in common - steady if key[0] != COMMENT}  # it has no own path


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """The indices of one longest rising subsequence."""
    ends: list[int] = []  # the smallest last number of a rising run of each length
    at: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        length = bisect_left(ends, number)
        before.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(number)
            at.append(index)
        else:
            ends[length], at[length] = number, index
    run = []
    index = at[-1] if at else -1
    while index >= 0:
        run.append(index)
        index = before[index]
    return run[::-1]


def _deletion(child: Element, parent: str, origin: int, before: int) -> Change:
    return Change(
        operation=Operation.DELETE,
        path=parent + step(child),
        position=origin - before if child.tag == COMMENT else None,
        element=child,
        origin=origin,
    )


def _replace_all(old: Element, new: Element, path: str, found: _Found) -> None:
    found.deletions += [
        _deletion(child, path, origin, origin) for origin, child in enumerate(old.children)
    ]
    found.placements += [
        Change(operation=Operation.CREATE, path=path, position=position, element=child)
        for position, child in enumerate(new.children)
    ]


def sibling_names(children: Iterable[Element]) -> str:
    """What a change remembers of the children among which it places one."""
    return " ".join(child.id or child.tag for child in children if child.tag != COMMENT)

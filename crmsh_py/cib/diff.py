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
from dataclasses import dataclass, field, replace

from crmsh_py.cib.apply import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.patch import ROOT, AttributeChange, Change, Operation, Patch, step

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


@dataclass(slots=True)
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
    staying = kept | moved
    new_by_key = dict(zip(new_keys, new.children, strict=True))
    position = 0
    for key, child in zip(old_keys, old.children, strict=True):
        if key in staying:
            position += 1
            if child is not new_by_key[key]:
                _compare(child, new_by_key[key], path + step(child), found)
        else:
            found.deletions.append(_deletion(child, path, position))
    if len(kept) < len(new_keys):
        present = [(k, c) for k, c in zip(old_keys, old.children, strict=True) if k in staying]
        placed = list(zip(new_keys, new.children, strict=True))
        changes = _placements(placed, [key for key, _ in present], kept, path)
        if old.tag in ORDERED:  # the first change says who was there before
            siblings = sibling_names(child for _, child in present)
            changes[0] = replace(changes[0], siblings=siblings)
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
    if len(new_keys) == len(steady) + 1 and len(common) == len(new_keys):
        return steady, {key for key in common - steady if key[0] != COMMENT}  # one, anywhere
    return steady, _moved_back(old_keys, new_keys, steady, common)


def _moved_back(
    old_keys: list[_Key], new_keys: list[_Key], steady: set[_Key], common: set[_Key]
) -> set[_Key]:
    """The children that only move back, past none that stays.

    For these, moving one after the other by rising position always works: whatever has not been
    moved yet stands behind its place. One that goes forward would still stand in front of others
    when they get their positions; it is deleted and made anew.
    """
    target = {key: index for index, key in enumerate(new_keys)}
    next_steady = len(new_keys)
    moved = set()
    for key in reversed(old_keys):
        if key in steady:
            next_steady = target[key]
        elif key in common and key[0] != COMMENT and target[key] < next_steady:
            moved.add(key)  # (a comment has no path of its own to be moved by)
    return moved


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


def _deletion(child: Element, parent: str, position: int) -> Change:
    path = parent + step(child)
    return Change(operation=Operation.DELETE, path=path, position=position, element=child)


def _placements(
    wanted: Sequence[tuple[_Key, Element]], present: list[_Key], kept: set[_Key], path: str
) -> list[Change]:
    """Moves and creations in one parent, by rising position; ``present`` is left by deletions."""
    rank = {key: index for index, key in enumerate(present)}
    waiting = list(range(len(present)))  # the ranks of those that no position has been given yet
    one = len(kept) + 1 == len(present) == len(wanted)
    changes = []
    for position, (key, child) in enumerate(wanted):
        if key not in rank:
            changes.append(
                Change(operation=Operation.CREATE, path=path, position=position, element=child)
            )
            continue
        index = bisect_left(waiting, rank[key])
        del waiting[index]
        if key not in kept:
            # All before ``position`` are in place, and those that wait stand behind in old order;
            # but a single one may go forward: it has waited where it was.
            changes.append(
                Change(
                    operation=Operation.MOVE,
                    path=path + step(child),
                    position=position,
                    origin=rank[key] if one and rank[key] < position else position + index,
                )
            )
    return changes


def _replace_all(old: Element, new: Element, path: str, found: _Found) -> None:
    found.deletions += [_deletion(child, path, 0) for child in old.children]
    found.placements += [
        Change(operation=Operation.CREATE, path=path, position=position, element=child)
        for position, child in enumerate(new.children)
    ]


def sibling_names(children: Iterable[Element]) -> str:
    """What a change remembers of the children among which it places one."""
    return " ".join(child.id or child.tag for child in children if child.tag != COMMENT)

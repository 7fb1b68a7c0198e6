"""Carry a patch out on a CIB, which need not be the one that it was made for.

What a change does not touch may differ: two people who change two resources both succeed. What it
touches must be as it was when the patch was made (as far as the patch says how that was), or there
already as the patch wants it; anything else is a ``Conflict``, and nothing is changed.

Rules:
    The version and the other facts about the last writer (``HOUSEKEEPING``) are no reason for a
    conflict. A patch that is merged into another version leaves that version as it is: whoever
    merges makes the new one.
    Merging looks at elements only. Whether the result makes sense (an id given twice, a reference
    to what is gone) is for ``checks.integrity``.
    In the work every opened element is a draft; drafts that end as they began give back the very
    element, so that the new document shares all the rest with the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.patch import COMMENT_STEP, Change, Operation, Patch, split_path
from crmsh_py.cib.version import ATTRIBUTES
from crmsh_py.errors import Conflict
from crmsh_py.value import frozen

HOUSEKEEPING = frozenset(
    {
        *ATTRIBUTES,
        "cib-last-written",
        "crm_feature_set",
        "dc-uuid",
        "execution-date",
        "have-quorum",
        "update-client",
        "update-origin",
        "update-user",
    }
)
END = 2**31  # the position of a creation that names none


def apply(cib: Cib, patch: Patch) -> Cib:
    """The document with the changes made.

    Raises:
        Conflict: what a change touches is not there, or is not as it was.
    """
    root = _Draft(cib.root)
    same_version = cib.version == patch.source
    placements: list[_Placement] = []
    for change in patch.changes:
        if change.operation is Operation.MODIFY:
            _modify(root, change, same_version)
        elif change.operation is Operation.DELETE:
            _delete(root, change)
        else:
            placements.append(_placement(root, change))
    _check_siblings(placements)
    _take_out(placements)
    placements.sort(key=lambda placement: placement.position)
    for placement in placements:
        _place(placement)
    return cib.with_root(root.freeze())


class _Draft:
    """An element that is being changed; its children become drafts when it is opened."""

    __slots__ = ("_by_id", "_children", "attrs", "element", "made")

    def __init__(self, element: Element, *, made: bool = False) -> None:
        self.element = element
        self.attrs = element.attrs
        self.made = made  # by this patch
        self._children: list[_Draft] | None = None
        self._by_id: dict[str, list[_Draft]] | None = None

    @property
    def children(self) -> list[_Draft]:
        if self._children is None:
            self._children = [_Draft(child) for child in self.element.children]
        return self._children

    def child(self, tag: str, name: str | None, position: int | None) -> _Draft | None:
        """The first child with this tag and id (any id: None), or the comment at a position."""
        children = self.children
        if tag == COMMENT_STEP and position is not None:
            at = children[position] if position < len(children) else None
            return at if at is not None and at.element.tag == COMMENT else None
        if name is None:
            return next((child for child in children if child.element.tag == tag), None)
        same_id = [child for child in self._named(name) if child.element.tag == tag]
        if len(same_id) > 1:
            return next(child for child in children if child in same_id)
        return same_id[0] if same_id else None

    def _named(self, name: str) -> list[_Draft]:
        if self._by_id is None:
            self._by_id = {}
            for child in self.children:
                self._by_id.setdefault(child.attrs.get("id", ""), []).append(child)
        return self._by_id.get(name, [])

    def insert(self, position: int, child: _Draft) -> None:
        self.children.insert(position, child)
        if self._by_id is not None:
            self._by_id.setdefault(child.attrs.get("id", ""), []).append(child)

    def remove(self, child: _Draft) -> None:
        self.children.remove(child)
        if self._by_id is not None:
            self._by_id[child.attrs.get("id", "")].remove(child)

    def take_out(self, children: Set[_Draft]) -> None:
        """Remove several children at once; they are still found by their ids."""
        self._children = [child for child in self.children if child not in children]

    def rename(self, child: _Draft, attrs: Mapping[str, str]) -> None:
        """Give a child other attributes, be it another id."""
        if attrs.get("id") != child.attrs.get("id"):
            self._by_id = None
        child.attrs = attrs

    def freeze(self) -> Element:
        element = self.element
        children = element.children
        if self._children is not None:
            frozen = tuple(child.freeze() for child in self._children)
            same = len(frozen) == len(children) and all(map(_is, frozen, children))
            children = children if same else frozen
        if self.attrs is element.attrs and children is element.children:
            return element
        return Element(element.tag, self.attrs, children, element.text)


def _is(first: object, second: object) -> bool:
    return first is second


def _find(root: _Draft, path: str, position: int | None = None) -> tuple[_Draft | None, _Draft]:
    """The draft at a path, and its parent (None for the root). Raises Conflict."""
    steps = split_path(path)
    parent: _Draft | None = None
    current = root
    for index, (tag, name) in enumerate(steps[1:], start=2):
        at = position if index == len(steps) else None
        found = current.child(tag, name, at)
        if found is None:
            raise Conflict(
                f"{_describe(tag, name)} is not there any more",
                hint="somebody else changed the configuration meanwhile: look at it and try again",
            )
        parent, current = current, found
    return parent, current


def _describe(tag: str, name: str | None) -> str:
    return f"{tag} {name}" if name else f"<{tag}>"


def _changed(draft: _Draft, what: str) -> Conflict:
    element = draft.element
    return Conflict(
        f"{_describe(element.tag, element.id)} {what}",
        hint="somebody else changed it meanwhile: look at the configuration and try again",
    )


def _modify(root: _Draft, change: Change, same_version: bool) -> None:
    parent, draft = _find(root, change.path)
    if change.element is None or change.element.tag != draft.element.tag:
        raise _changed(draft, "is not what the patch changes")
    attrs = dict(draft.attrs)
    for attribute in change.attributes:
        name, present = attribute.name, attrs.get(attribute.name)
        if draft is root and name in HOUSEKEEPING:
            if name in ATTRIBUTES and not same_version:
                continue
        elif attribute.checked and present not in (attribute.old, attribute.new):
            was = "absent" if present is None else f"“{present}”"
            raise _changed(draft, f"has another {name} by now ({was})")
        if attribute.new is None:
            attrs.pop(name, None)
        else:
            attrs[name] = attribute.new
    if attrs == draft.attrs:
        return
    if parent is None:
        draft.attrs = attrs
    else:
        parent.rename(draft, attrs)


def _delete(root: _Draft, change: Change) -> None:
    parent, draft = _find(root, change.path, change.position)
    if parent is None:
        raise Conflict("a patch cannot delete the whole CIB")
    if change.element is not None and draft.freeze() != change.element:
        raise _changed(draft, "shall be deleted, but is not what it was")
    parent.remove(draft)


# ---- creations and moves -----------------------------------------------------------------------


@frozen
class _Placement:
    """A change with the drafts that it is about; ``moved`` is None for a creation."""

    change: Change
    parent: _Draft
    moved: _Draft | None

    @property
    def position(self) -> int:
        return END if self.change.position is None else self.change.position


def _placement(root: _Draft, change: Change) -> _Placement:
    parent, draft = _find(root, change.path)
    if change.operation is Operation.CREATE:
        return _Placement(change, draft, None)
    if parent is None:
        raise Conflict("a patch cannot move the whole CIB")
    return _Placement(change, parent, draft)


def _check_siblings(placements: Iterable[_Placement]) -> None:
    for placement in placements:
        if placement.change.siblings is None:
            continue
        names = " ".join(
            child.attrs.get("id") or child.element.tag
            for child in placement.parent.children
            if child.element.tag != COMMENT
        )
        if names != placement.change.siblings:
            raise _changed(placement.parent, "has other members by now")


def _take_out(placements: Iterable[_Placement]) -> None:
    """Take out all that is moved, so that the positions of the others can be counted."""
    moved: dict[_Draft, set[_Draft]] = {}
    for placement in placements:
        if placement.moved is None:
            continue
        taken = moved.setdefault(placement.parent, set())
        if placement.moved in taken:
            raise Conflict(f"a patch cannot move {placement.change.path[-60:]} to two places")
        taken.add(placement.moved)
    for parent, children in moved.items():
        parent.take_out(children)


def _place(placement: _Placement) -> None:
    parent, moved = placement.parent, placement.moved
    if moved is not None:
        parent.children.insert(placement.position, moved)
        return
    element = placement.change.element
    assert element is not None, "a creation without an element"
    if element.tag != COMMENT and (present := _present(parent, element)) is not None:
        if present.freeze() == element:
            return  # somebody else made the very same
        raise _changed(present, "was created by somebody else already")
    parent.insert(placement.position, _Draft(element, made=True))


def _present(parent: _Draft, element: Element) -> _Draft | None:
    """The child that is the same element, unless this patch has made it."""
    name = element.attrs.get("id")
    present = parent.child(element.tag, name, None)
    if present is None or present.made:
        return None
    if name is None and "id" in present.attrs:
        return None  # a reference beside a set that has an id
    return present

"""A change of a CIB as a value that can be sent, stored, and applied elsewhere.

As XML a patch is Pacemaker's diff format 2, so that the same patch can go to ``cibadmin -P``. What
is ours in it are optional things that Pacemaker does not read:

    crm-old, crm-absent   the value that an attribute had, or that it had none
    crm-from              the index that a deleted or moved element had
    crm-siblings          the children before, where their order means something
    (and in a deletion)   what is deleted

By them ``apply`` finds out whether somebody else changed the same thing meanwhile, and ``inverse``
takes a patch back. Patches of Pacemaker have none of these; they are applied without such checks.

Rules:
    A path names the element from the root, ``/cib/configuration/resources/primitive[@id='x']``;
    a quote in an id is written twice. A comment's step is ``comment``; its deletion says by
    ``position`` which one it is, counted when the deletions listed before are made.
    Whatever the order in which changes are listed, deletions and modifications are made first;
    then all that is to be moved is taken out; then creations and moves are made by rising
    position, which is the index that the element has in the end. (Pacemaker does the same.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from enum import Enum

from crmsh_py.cib import xml
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.version import ATTRIBUTES, Version
from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import frozen, replace
from crmsh_py.xml_text import is_attribute_name

ROOT = "/cib"
COMMENT_STEP = "comment"  # libxml2's name for such a node, and so Pacemaker's
_STEP = regex(r"/([^/\[\]]+)(?:\[@id='((?:[^']|'')*)'\])?")


class Operation(Enum):
    """What a change does at its path."""

    DELETE = "delete"
    MODIFY = "modify"
    CREATE = "create"
    MOVE = "move"


@frozen
class AttributeChange:
    """An attribute's old and new value, None where it is absent.

    ``checked`` is False when the old value is not known (a patch of Pacemaker's).
    """

    name: str
    old: str | None
    new: str | None
    checked: bool = True


@frozen(kw_only=True)
class Change:
    """One step of a patch.

    ``path`` names the element itself, for CREATE its parent. ``element`` is what CREATE makes, what
    DELETE takes away (None when that is not known), and what MODIFY results in (without its
    children). ``position`` is the index it gets (for the DELETE of a comment: where to find it),
    ``origin`` the index that it had in the old document, None if that is not known.
    ``siblings`` is None when it is not known or does not matter.
    """

    operation: Operation
    path: str
    position: int | None = None
    element: Element | None = None
    attributes: tuple[AttributeChange, ...] = ()
    origin: int | None = None
    siblings: str | None = None


@frozen
class Patch:
    """The changes from one version to another, in the order in which they are made."""

    changes: tuple[Change, ...]
    source: Version
    target: Version

    def __bool__(self) -> bool:
        return bool(self.changes)

    def touches(self, *paths: str) -> bool:
        """Whether something is changed at or below one of these paths (``/cib/status``)."""
        return any(
            change.path == path or change.path.startswith((f"{path}/", f"{path}["))
            for change in self.changes
            for path in paths
        )

    def inverse(self) -> Patch:
        """The patch that takes this one back: ``apply(apply(a, p), p.inverse()) == a``.

        Raises ConfigError for a patch that does not say what there was before (Pacemaker's own).
        """
        deletions: list[Change] = []
        modifications: list[Change] = []
        placements: list[Change] = []
        made: Counter[str] = Counter()  # creations by parent: each moves the following up by one
        for change in self.changes:
            if change.operation is Operation.MODIFY:
                modifications.append(_unmodified(change))
            elif change.operation is Operation.CREATE:
                deletions.append(_uncreated(change, made[change.path]))
                made[change.path] += 1
            else:
                placements.append(_put_back(change))
        placements.sort(key=lambda change: change.position or 0)
        changes = (*deletions, *modifications, *placements)
        return Patch(changes, source=self.target, target=self.source)

    def to_xml(self, *, indent: str | None = None, updates: bool = True) -> str:
        """Pacemaker's ``<diff format="2">``.

        Without ``updates`` the versions do not count changes of the state: whoever compares them
        sees only whether the configuration is the one that was read.
        """
        counted = ATTRIBUTES if updates else ATTRIBUTES[:2]
        source, target = (
            Element(name, {key: version.attributes()[key] for key in counted})
            for name, version in (("source", self.source), ("target", self.target))
        )
        version = Element("version", {}, (source, target))
        changes = tuple(_change_to_element(change) for change in self.changes)
        diff = Element("diff", {"format": "2"}, (version, *changes))
        return xml.to_xml(diff, indent=indent)

    @classmethod
    def from_xml(cls, text: str | bytes, *, max_bytes: int = xml.MAX_BYTES) -> Patch:
        """Read a diff of format 2.

        Raises SyntaxProblem for bad XML, and ConfigError for anything else than such a diff.
        """
        return _patch_from_element(xml.parse(text, max_bytes=max_bytes))


# ---- paths -------------------------------------------------------------------------------------


def step(element: Element) -> str:
    """The last part of an element's path."""
    if element.tag == COMMENT:
        return f"/{COMMENT_STEP}"
    if "id" not in element.attrs:
        return f"/{element.tag}"
    quoted = element.id.replace("'", "''")
    return f"/{element.tag}[@id='{quoted}']"


def split_path(path: str) -> list[tuple[str, str | None]]:
    """The steps of a path as (tag, id), id None where the step names none. Raises ConfigError."""
    steps: list[tuple[str, str | None]] = []
    at = 0
    while found := _STEP.match(path, at):
        name = found.group(2)
        steps.append((found.group(1), None if name is None else name.replace("''", "'")))
        at = found.end()
    if at != len(path) or not steps:
        raise ConfigError(f"“{path[:100]}” is not a path of a patch")
    return steps


# ---- taken back --------------------------------------------------------------------------------


def _unmodified(change: Change) -> Change:
    if change.element is None or not all(attribute.checked for attribute in change.attributes):
        raise _not_invertible(change)
    back = tuple(AttributeChange(a.name, a.new, a.old) for a in change.attributes)
    old = change.element.with_attributes({a.name: a.old for a in change.attributes})
    return replace(change, element=old, attributes=back)


def _uncreated(change: Change, before: int) -> Change:
    element = change.element
    if element is None or change.position is None:
        raise _not_invertible(change)
    return Change(
        operation=Operation.DELETE,
        path=change.path + step(element),
        position=change.position - before if element.tag == COMMENT else None,
        element=element,
        origin=change.position,
    )


def _put_back(change: Change) -> Change:
    if change.origin is None:
        raise _not_invertible(change)
    if change.operation is Operation.MOVE:
        return replace(change, position=change.origin, origin=change.position, siblings=None)
    if change.element is None:
        raise _not_invertible(change)
    parent = change.path.removesuffix(step(change.element))
    position, element = change.origin, change.element
    return Change(operation=Operation.CREATE, path=parent, position=position, element=element)


def _not_invertible(change: Change) -> ConfigError:
    return ConfigError(
        f"a change of {change.path} cannot be taken back: it does not say what was there before"
    )


# ---- as XML ------------------------------------------------------------------------------------


def _change_to_element(change: Change) -> Element:
    attrs = {"operation": change.operation.value, "path": change.path}
    if change.position is not None:
        attrs["position"] = str(change.position)
    if change.origin is not None:
        attrs["crm-from"] = str(change.origin)
    if change.siblings is not None:
        attrs["crm-siblings"] = change.siblings
    children: tuple[Element, ...] = ()
    if change.element is not None and change.operation in (Operation.CREATE, Operation.DELETE):
        children = (change.element,)
    elif change.operation is Operation.MODIFY and change.element is not None:
        listed = tuple(_attribute_to_element(attribute) for attribute in change.attributes)
        children = (
            Element("change-list", {}, listed),
            Element("change-result", {}, (change.element,)),
        )
    return Element("change", attrs, children)


def _attribute_to_element(change: AttributeChange) -> Element:
    attrs = {"name": change.name, "operation": "unset" if change.new is None else "set"}
    if change.new is not None:
        attrs["value"] = change.new
    if change.checked and change.old is None:
        attrs["crm-absent"] = "true"
    elif change.checked and change.old is not None:
        attrs["crm-old"] = change.old
    return Element("change-attr", attrs)


def _patch_from_element(root: Element) -> Patch:
    if root.tag != "diff" or root.get("format") != "2":
        raise ConfigError("this is not a patch of a CIB (<diff format=“2”>)")
    source, target = root.find("version", "source"), root.find("version", "target")
    if source is None or target is None:
        raise ConfigError("this patch does not name the versions that it leads from and to")
    changes = tuple(_change_from_element(element) for element in root.findall("change"))
    return Patch(changes, Version.from_element(source), Version.from_element(target))


def _change_from_element(element: Element) -> Change:
    try:
        operation = Operation(element.get("operation"))
    except ValueError:
        raise ConfigError(f"a patch cannot “{element.get('operation')}” anything") from None
    path = element.get("path")
    if split_path(path)[0] != ("cib", None):
        raise ConfigError(f"the path {path[:100]} does not begin with {ROOT}")
    position = _position(element.attrs.get("position"))
    return _READERS[operation](element, path, position)


def _position(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise ConfigError(f"“{text}” is not a position in a patch")
    return int(text)


def _read_deletion(element: Element, path: str, position: int | None) -> Change:
    old = element.children[0] if len(element.children) == 1 else None
    origin = _position(element.attrs.get("crm-from"))
    return Change(
        operation=Operation.DELETE, path=path, position=position, element=old, origin=origin
    )


def _read_modification(element: Element, path: str, position: int | None) -> Change:
    result = element.find("change-result")
    if result is None or len(result.findall()) != 1:
        raise ConfigError(f"the patch does not say what {path[:100]} shall become")
    listed = element.find("change-list") or Element("change-list")
    attributes = tuple(_attribute_from_element(entry) for entry in listed.findall("change-attr"))
    return Change(
        operation=Operation.MODIFY,
        path=path,
        position=position,
        element=result.findall()[0].with_children(()),
        attributes=attributes,
    )


def _attribute_from_element(entry: Element) -> AttributeChange:
    name = entry.get("name")
    if not is_attribute_name(name):
        raise ConfigError(f"a patch changes an attribute “{name[:100]}”, which cannot be one")
    new = None if entry.get("operation") == "unset" else entry.get("value")
    old = entry.attrs.get("crm-old")
    return AttributeChange(name, old, new, old is not None or "crm-absent" in entry.attrs)


def _read_creation(element: Element, path: str, position: int | None) -> Change:
    if len(element.children) != 1:
        raise ConfigError(f"the patch does not say what to create in {path[:100]}")
    return Change(
        operation=Operation.CREATE,
        path=path,
        position=position,
        element=element.children[0],
        siblings=element.attrs.get("crm-siblings"),
    )


def _read_move(element: Element, path: str, position: int | None) -> Change:
    if position is None:
        raise ConfigError(f"the patch does not say where to move {path[:100]}")
    return Change(
        operation=Operation.MOVE,
        path=path,
        position=position,
        origin=_position(element.attrs.get("crm-from")),
        siblings=element.attrs.get("crm-siblings"),
    )


_READERS: dict[Operation, Callable[[Element, str, int | None], Change]] = {
    Operation.DELETE: _read_deletion,
    Operation.MODIFY: _read_modification,
    Operation.CREATE: _read_creation,
    Operation.MOVE: _read_move,
}

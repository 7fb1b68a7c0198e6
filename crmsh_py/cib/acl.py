"""Access control lists: what a user may read and change of a CIB.

Input: a CIB with its ``acls`` section, a user's name and groups. Output: ``Access``, which filters
a CIB for reading and refuses changes. Rules (Pacemaker Explained, "Access Control Lists"; compared
with ``cibadmin --show-access`` of Pacemaker 2.1.5):

1. Lists count where the property ``enable-acl`` is true; root and hacluster are exempt always.
2. A user's permissions are those of the roles that an ``acl_target`` with its name, or an
   ``acl_group`` with the name of one of its groups, refers to. Who has none may do nothing.
3. A permission is given to the elements that its ``xpath`` matches (or an attribute or text of
   them), or that have the id of its ``reference``, or the tag of its ``object-type`` (and have its
   ``attribute``).
4. For every element, it or its nearest ancestor that has a permission of use decides. ``deny``
   forbids both, and beats whatever else the same element has; ``write`` allows both; ``read``
   allows reading, and takes nothing from a ``write`` that comes from above.
5. Reading: what may not be read is left out; where something below it may, it stands there with
   its id alone.
6. Changing an element's attributes or place needs ``write`` for it, removing it as well, and
   nothing below may be denied. Creating one needs ``write`` for the new element, in the document
   as it would be; a mere container (no attributes but an id) may be created around what may.

Theory of the implementation: one walk down the document turns the permissions into two answers per
element, kept by the element's place in document order, so that looking up costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import Flag, auto

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.errors import NotPermitted
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


EXEMPT = frozenset({"root", "hacluster", ""})  # '' is the cluster itself
MAX_XPATH = 4096  # characters
# Of an unreadable root these stay, or nobody could say against which version he wants a change.
_ROOT_KEPT = ("validate-with", "crm_feature_set", "admin_epoch", "epoch", "num_updates")


# What every change of a CIB changes of its root, or the cluster itself does.
_FREE_ROOT_ATTRIBUTES = frozenset(
    {"admin_epoch", "epoch", "num_updates", "cib-last-written", "have-quorum", "dc-uuid"}
    | {"update-client", "update-origin", "update-user"}
)


class Mode(Flag):
    """What permissions say of one element."""

    NOTHING = 0
    READ = auto()
    WRITE = auto()
    DENY = auto()


_KINDS = {"read": Mode.READ, "write": Mode.WRITE, "deny": Mode.DENY}


@frozen
class Rights:
    """What may be done with one element."""

    read: bool
    write: bool
    denied: bool = False  # by a permission of its own


class Access:
    """One user's permissions, as the ``acls`` of a CIB give them."""

    def __init__(self, user: str, permissions: Sequence[Element]) -> None:
        self.user = user
        self._permissions = tuple(permissions)

    @classmethod
    def of(cls, root: Element, user: str, groups: Collection[str] = ()) -> Access | None:
        """The permissions of a user in a CIB; None where lists do not limit it (rule 1)."""
        if user in EXEMPT or not _enabled(root):
            return None
        acls = root.find("configuration", "acls") or Element("acls")
        roles = {role.id: role for role in acls.findall("acl_role")}
        held: dict[str, Element] = {}
        for holder in acls.findall("acl_target", "acl_group"):
            name = holder.get("name") or holder.id
            if name == user if holder.tag == "acl_target" else name in groups:
                for reference in holder.findall("role"):
                    if (role := roles.get(reference.id)) is not None:
                        held[role.id] = role
        return cls(user, [each for role in held.values() for each in role.findall()])

    def rights(self, root: Element) -> Tree:
        """What may be done with every element of a document."""
        return Tree(root, self._modes(root))

    def reads_all(self, root: Element) -> bool:
        """Whether nothing of a document is hidden from this user."""
        tree = self.rights(root)
        return all(tree.at(place).read for place in range(len(tree.elements)))

    def readable(self, root: Element) -> Element:
        """The document as this user may see it (rule 5)."""
        tree = self.rights(root)
        kept = _filtered(root, tree, iter(range(len(tree.elements))))
        if kept is None:
            raise NotPermitted(f"{self.user} may read nothing of this cluster's configuration")
        missing = {name: root.get(name) for name in _ROOT_KEPT if name in root.attrs}
        return kept.with_attributes({**missing, **kept.attrs})

    def check(self, before: Element, after: Element) -> None:
        """Raise NotPermitted, with the first reason, where this change is not allowed (rule 6)."""
        old, new = self.rights(before), self.rights(after)
        self._compare(old, new, 0, 0)

    # ---- inside ----------------------------------------------------------------------------

    def _modes(self, root: Element) -> list[Mode]:
        elements = [root, *_below(root)]
        modes = [Mode.NOTHING] * len(elements)
        found = _Matcher(elements)
        for permission in self._permissions:
            kind = _KINDS.get(permission.get("kind"), Mode.DENY)
            for place in found.places(permission, kind):
                modes[place] |= kind
        return modes

    def _compare(self, old: Tree, new: Tree, here: int, there: int) -> None:
        mine, theirs = old.elements[here], new.elements[there]
        if mine is theirs:
            return
        free = _FREE_ROOT_ATTRIBUTES if here == 0 else frozenset()
        differ = {n for n in {*mine.attrs, *theirs.attrs} if mine.get(n) != theirs.get(n)}
        if differ - free and not old.at(here).write:
            raise self._refusal("change", mine)
        ours, others = old.children(here), new.children(there)
        known, wanted = _by_key(old, ours), _by_key(new, others)
        for key, place in known.items():
            if key not in wanted:
                self._check_deletion(old, place)
        for key, place in wanted.items():
            if key in known:
                self._compare(old, new, known[key], place)
            else:
                self._check_creation(new, place)
        common = [key for key in known if key in wanted]
        if common != [key for key in wanted if key in known] and not old.at(here).write:
            raise self._refusal("put in another order what is in", mine)

    def _check_deletion(self, old: Tree, place: int) -> None:
        element = old.elements[place]
        if not old.at(place).write:
            raise self._refusal("delete", element)
        if any(old.at(inner).denied for inner in old.subtree(place)):
            raise self._refusal("delete something that is hidden in", element)

    def _check_creation(self, new: Tree, place: int) -> None:
        element = new.elements[place]
        if new.at(place).write:
            if any(new.at(inner).denied for inner in new.subtree(place)):
                raise self._refusal("create something that is denied in", element)
            return
        container = set(element.attrs) <= {"id"} and not new.at(place).denied
        inner = new.children(place)
        if not container or not inner:
            raise self._refusal("create", element)
        for each in inner:
            self._check_creation(new, each)

    def _refusal(self, what: str, element: Element) -> NotPermitted:
        name = f"{element.tag} {element.id}".strip()
        return NotPermitted(
            f"{self.user} may not {what} {name}: access control lists forbid it",
            hint="crm configure show type:acl_target type:role lists who may do what",
        )


class Tree:
    """A document's elements by their places in document order, with rights."""

    def __init__(self, root: Element, modes: Sequence[Mode]) -> None:
        self.elements: list[Element] = []
        self._rights: list[Rights] = []
        self._ends: list[int] = []  # of each element: the place after its last descendant
        self._walk(root, modes, Rights(read=False, write=False))

    def _walk(self, element: Element, modes: Sequence[Mode], above: Rights) -> None:
        place = len(self.elements)
        mode = modes[place]
        if Mode.DENY in mode:
            rights = Rights(read=False, write=False, denied=True)
        elif Mode.WRITE in mode:
            rights = Rights(read=True, write=True)
        else:
            rights = Rights(read=above.read or Mode.READ in mode, write=above.write)
        self.elements.append(element)
        self._rights.append(rights)
        self._ends.append(0)
        for child in element.children:
            self._walk(child, modes, rights)
        self._ends[place] = len(self.elements)

    def at(self, place: int) -> Rights:
        """The rights of the element at a place."""
        return self._rights[place]

    def children(self, place: int) -> list[int]:
        """The places of an element's children."""
        found = []
        at = place + 1
        while at < self._ends[place]:
            found.append(at)
            at = self._ends[at]
        return found

    def subtree(self, place: int) -> range:
        """The places of an element and all below it."""
        return range(place, self._ends[place])

    def place_of(self, element: Element) -> int | None:
        """The place of an element that is in this document; None for another one."""
        return next((at for at, each in enumerate(self.elements) if each is element), None)


class _Matcher:
    """Finds the places that a permission is given to."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = elements
        self._document: tuple[Any, dict[Any, int]] | None = None

    def places(self, permission: Element, kind: Mode) -> Iterator[int]:
        xpath = permission.get("xpath")
        if xpath:
            yield from self._by_xpath(xpath, kind)
            return
        reference, tag = permission.get("reference"), permission.get("object-type")
        attribute = permission.get("attribute")
        for place, element in enumerate(self._elements):
            if reference and element.id != reference:
                continue
            if tag and element.tag != tag:
                continue
            if attribute and attribute not in element.attrs:
                continue
            if reference or tag:
                yield place

    def _by_xpath(self, xpath: str, kind: Mode) -> Iterator[int]:
        from lxml import etree

        root, places = self._lxml()
        try:
            if len(xpath) > MAX_XPATH:
                raise etree.XPathError(f"more than {MAX_XPATH} characters")  # noqa: TRY301
            found = etree.XPath(xpath, regexp=False)(root)
        except etree.XPathError:
            found = None
        if not isinstance(found, list):
            # It gives nothing; but what somebody wanted to hide is not shown for a mistake in it.
            if kind is Mode.DENY:
                yield 0
            return
        if xpath.strip() == "/":  # the document, which Lxml does not tell
            yield 0
        for each in found:
            # An attribute or a text stands for its element.
            element = each if etree.iselement(each) else getattr(each, "getparent", _nothing)()
            place = places.get(element)
            if place is not None:
                yield place

    def _lxml(self) -> tuple[Any, dict[Any, int]]:
        """The document for XPath, made when the first permission needs it."""
        if self._document is None:
            from lxml import etree

            places: dict[Any, int] = {}

            def build(element: Element, parent: Any) -> Any:
                node: Any
                if element.tag == COMMENT:
                    node = etree.Comment(element.text.replace("--", "- -"))
                    if parent is not None:
                        parent.append(node)
                elif parent is None:
                    node = etree.Element(element.tag, dict(element.attrs))
                else:
                    node = etree.SubElement(parent, element.tag, dict(element.attrs))
                places[node] = len(places)
                for child in element.children:
                    build(child, node)
                return node

            root = build(self._elements[0], None)
            self._document = (root, places)
        return self._document


def _enabled(root: Element) -> bool:
    """Whether the property is true; where only sets with rules have it, whether it may be."""
    from crmsh_py.cib.document import Cib

    value = Cib(root).properties().get("enable-acl")
    if value is not None:
        return is_true(value.strip())
    crm_config = root.find("configuration", "crm_config") or Element("crm_config")
    pairs = [pair for pair in crm_config.iter("nvpair") if pair.get("name") == "enable-acl"]
    return any(is_true(pair.get("value").strip()) for pair in pairs)


def _nothing() -> None:
    """The element of what has none."""


def _below(element: Element) -> Iterator[Element]:
    for child in element.children:
        yield child
        yield from _below(child)


def _filtered(element: Element, tree: Tree, places: Iterator[int]) -> Element | None:
    """What may be read of an element; ``places`` counts along in document order."""
    rights = tree.at(next(places))
    inner = [_filtered(child, tree, places) for child in element.children]
    children = tuple(child for child in inner if child is not None)
    if rights.read:
        if len(children) == len(element.children) and all(
            ours is theirs for ours, theirs in zip(children, element.children, strict=True)
        ):
            return element
        return element.with_children(children)
    if not children:
        return None
    attrs = {"id": element.id} if element.id else {}
    return Element(element.tag, attrs, children)


def _by_key(tree: Tree, places: Sequence[int]) -> dict[object, int]:
    """Children by their keys; those with equal ones are the first, the second and so on."""
    found: dict[object, int] = {}
    times: Counter[object] = Counter()
    for place in places:
        key = _key(tree.elements[place])
        found[key, times[key]] = place
        times[key] += 1
    return found


def _key(element: Element) -> object:
    """By what a child is known among its siblings."""
    if element.id:
        return element.tag, element.id
    if element.tag == COMMENT:
        return COMMENT, element.text
    return element.tag, tuple(sorted(element.attrs.items()))

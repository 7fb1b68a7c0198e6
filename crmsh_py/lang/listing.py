"""``configure show``: a CIB, or some of it, as text or as XML.

Sorted by kind and id as crmsh does it. Filters: ids, patterns of ids, ``type:KIND``,
``tag:NAME``, ``related:ID``, ``changed``, with ``and`` and ``or`` between them. Values of
attributes whose names match a pattern (``passw*``) are hidden. Pure; must not load the parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from fnmatch import fnmatchcase

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.errors import NotFound, did_you_mean
from crmsh_py.lang.ast import XmlElement
from crmsh_py.lang.facts import has_new_roles
from crmsh_py.lang.from_cib import fencing_topology as read_fencing_topology
from crmsh_py.lang.from_cib import from_cib, without_comments
from crmsh_py.lang.printer import Printer
from crmsh_py.lang.read_sets import Context
from crmsh_py.value import Value, frozen

SECRETS = ("passw*",)
CONTAINERS = ("group", "clone", "master", "bundle")
# Kind of an object in the language (or its tag in XML) and where it stands in the listing.
_KINDS = {
    "node": ("node", 0),
    "template": ("rsc_template", 1),
    "primitive": ("primitive", 2),
    "bundle": ("bundle", 3),
    "group": ("group", 4),
    "master": ("ms", 5),
    "clone": ("clone", 6),
    "tag": ("tag", 7),
    "rsc_location": ("location", 8),
    "rsc_colocation": ("colocation", 8),
    "rsc_order": ("order", 8),
    "rsc_ticket": ("rsc_ticket", 9),
    "fencing-topology": ("fencing_topology", 9),
    "acl_role": ("role", 13),
    "acl_target": ("acl_target", 14),
    "acl_group": ("acl_group", 14),
    "acl_user": ("user", 14),
    "alert": ("alert", 15),
}
_SECTION_KINDS = {
    "crm_config": ("property", 10),
    "rsc_defaults": ("rsc_defaults", 11),
    "op_defaults": ("op_defaults", 12),
}
_SETS = ("instance_attributes", "meta_attributes", "utilization")
_FILTERS = ("changed", "xml")  # words of ``show`` that are no names
_ALIASES = {"template": "rsc_template", "master": "ms", "fencing-topology": "fencing_topology"}


@frozen
class Shown(Value):
    """One object of the listing: its kind and name in the language, and its element."""

    kind: str
    name: str
    rank: int
    element: Element
    section: str = ""


def objects(cib: Cib) -> list[Shown]:
    """Everything that has a line of its own in ``configure show``, sorted as it is shown."""
    return sorted(_objects(cib), key=lambda shown: (shown.rank, shown.element.id or shown.name))


def _objects(cib: Cib) -> Iterator[Shown]:
    for node in cib.section("nodes").findall("node"):
        yield Shown("node", node.get("uname") or node.id, 0, node)
    for element in cib.section("resources").findall():
        yield from _resources(element)
    for section in ("constraints", "tags", "acls", "alerts"):
        for element in cib.section(section).findall():
            kind, rank = _KINDS.get(element.tag, (element.tag, 16))
            yield Shown(kind, element.id, rank, element)
    for section, (kind, rank) in _SECTION_KINDS.items():
        for element in cib.section(section).findall():
            yield Shown(kind, element.id, rank, element, section)
    topology = cib.configuration.find("fencing-topology")
    if topology is not None:  # without levels, too: crmsh shows it so
        yield Shown("fencing_topology", "fencing_topology", 9, topology)


def _resources(element: Element) -> Iterator[Shown]:
    kind, rank = _KINDS.get(element.tag, (element.tag, 16))
    yield Shown(kind, element.id, rank, element)
    if element.tag in CONTAINERS:
        for child in element.findall("primitive", "group"):
            yield from _resources(child)


def show(
    cib: Cib,
    filters: Sequence[str] = (),
    *,
    xml: bool = False,
    obscure: Sequence[str] | None = None,
    other: Cib | None = None,
) -> str:
    """The configuration as text, each element followed by a newline.

    ``obscure`` are patterns of attribute names whose values are hidden: None means the usual
    ones, () none. ``other`` is what the filter ``changed`` compares with. Raises NotFound for a
    filter that names nothing (of either).
    """
    hidden = SECRETS if obscure is None else tuple(obscure)
    if xml:
        return _show_xml(cib, filters, hidden, other)
    shown = objects(cib)
    if filters:
        shown = select(cib, shown, filters, other)
    return "".join(text + "\n" for text in texts(cib, shown, hidden))


def texts(cib: Cib, shown: Sequence[Shown], hidden: Sequence[str] = ()) -> Iterator[str]:
    """The text of each object, its comments above it."""
    printer = Printer(hidden)
    references = _References(cib)
    context = Context(references, has_new_roles(cib.schema), _Named(cib, references))
    nodes = [node.get("uname") for node in cib.section("nodes").findall("node")]
    for one in shown:
        element = one.element
        comments = [c.text.strip() for c in element.children if c.tag == COMMENT]
        if any("\n" in comment for comment in comments):
            comments = []  # it stays inside an element that is shown as XML
        elif comments:
            element = without_comments(element)
        if element.tag == "fencing-topology":
            node = read_fencing_topology(element, nodes)
        else:
            node = from_cib(element, one.section, context=context)
        if isinstance(node, XmlElement) and comments:
            node = from_cib(one.element, one.section, context=context)
        else:
            yield from (c if c.startswith("#") else f"# {c}" for c in comments)
        yield printer.element(node)


class _References(Container[str]):
    """The ids that something refers to; they are looked for when the first one is asked for."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._found: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        return name in self.all()

    def all(self) -> frozenset[str]:
        """All of them."""
        if self._found is None:
            elements = self._cib.configuration.iter()
            self._found = frozenset(e.attrs["id-ref"] for e in elements if "id-ref" in e.attrs)
        return self._found


class _Named(Container[str]):
    """The ids that must be said of the sets and attributes that something refers to: those that
    would not come out again if the text were loaded elsewhere. (crmsh never says them.)
    """

    def __init__(self, cib: Cib, references: _References) -> None:
        self._cib = cib
        self._references = references
        self._found: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        if self._found is None:
            wanted = self._references.all()
            found = self._look(self._cib.configuration, wanted) if wanted else ()
            self._found = frozenset(found)
        return name in self._found

    def _look(self, element: Element, wanted: frozenset[str]) -> Iterator[str]:
        owner = element.get("uname") or element.id
        for child in element.children:
            if child.tag in _SETS:
                yield from self._look_in_set(child, f"{owner}-{child.tag}", wanted)
            elif child.children:
                yield from self._look(child, wanted)

    @staticmethod
    def _look_in_set(element: Element, usual: str, wanted: frozenset[str]) -> Iterator[str]:
        name = usual
        if element.id in wanted and element.id != usual:
            name = element.id
            yield name
        for pair in element.findall("nvpair"):
            if pair.id in wanted and pair.id != f"{name}-{pair.get('name')}":
                yield pair.id


# ---- filters -------------------------------------------------------------------------------------


def select(
    cib: Cib, shown: Sequence[Shown], filters: Sequence[str], other: Cib | None = None
) -> list[Shown]:
    """The objects that the filters ask for, in the order of the listing.

    Filters side by side (or with ``or``) add up; ``and`` keeps what the next one has as well.
    """
    chosen: set[int] | None = None
    narrow = False
    for word in filters:
        if word.lower() in ("and", "or"):
            narrow = word.lower() == "and"
            continue
        matching = _matching(cib, shown, word, other)
        chosen = matching if chosen is None else chosen & matching if narrow else chosen | matching
        narrow = False
    return [one for index, one in enumerate(shown) if chosen is None or index in chosen]


def _matching(cib: Cib, shown: Sequence[Shown], word: str, other: Cib | None) -> set[int]:
    if word.lower() == "changed" and other is not None:
        return _changed(cib, shown, other)
    kind, colon, name = word.partition(":")
    if colon and kind == "type":
        wanted = _ALIASES.get(name, name)
        kinds = {known for known, _ in (*_KINDS.values(), *_SECTION_KINDS.values())}
        _require_known(name, "type", kinds | {one.kind for one in shown}, wanted)
        return {i for i, one in enumerate(shown) if one.kind == wanted}
    if colon and kind == "tag":
        tags = [t for t in cib.section("tags").findall("tag") if fnmatchcase(t.id, name)]
        if not tags and not _is_pattern(name):
            _require_known(name, "tag", [o.name for o in _both(shown, other) if o.kind == "tag"])
        members = {ref.id for tag in tags for ref in tag.findall("obj_ref")}
        members |= {tag.id for tag in tags}
        return {i for i, one in enumerate(shown) if one.name in members}
    if colon and kind == "related":
        found = {i for i, one in enumerate(shown) if _is_related(one, name)}
        if not found and not any(_is_related(one, name) for one in _both(shown, other)):
            _require_known(name, "object", [one.name for one in _both(shown, other)])
        return found
    found = {
        i
        for i, one in enumerate(shown)
        if word in (one.name, one.element.id) or fnmatchcase(one.name, word)
    }
    if not found and not _is_pattern(word):
        _require_known(word, "object", [one.name for one in _both(shown, other)])
    return found


def _both(shown: Sequence[Shown], other: Cib | None) -> Sequence[Shown]:
    """The objects of both configurations: what only one of them has is a name all the same."""
    return shown if other is None else [*shown, *objects(other)]


def _is_pattern(word: str) -> bool:
    return re.search(r"[*?\[]", word) is not None


def _require_known(name: str, what: str, names: Collection[str], alias: str = "") -> None:
    """Raise NotFound for a name that nothing has; nothing at all would look like an answer."""
    if (alias or name) not in names:
        words = _FILTERS if what == "object" else ()
        raise NotFound(
            f"{what} {name} does not exist",
            name=name,
            possibilities=names,
            hint=did_you_mean(name, [*names, *words]),
            otherwise="as in type:primitive, type:group, type:location" if what == "type" else None,
        )


def _changed(cib: Cib, shown: Sequence[Shown], other: Cib) -> set[int]:
    """What is new, or is said otherwise there (a group is not, only since a member is)."""
    before = {(one.kind, one.name): one for one in objects(other)}

    def is_same(one: Shown) -> bool:
        old = before.get((one.kind, one.name))
        return old is not None and (
            old.element is one.element or [*texts(cib, [one])] == [*texts(other, [old])]
        )

    return {index for index, one in enumerate(shown) if not is_same(one)}


def _is_related(one: Shown, name: str) -> bool:
    """The object itself, its containers, and whatever names it."""
    if one.name == name:
        return True
    if one.kind in ("property", "rsc_defaults", "op_defaults"):
        return False
    for element in one.element.iter():
        if element.id == name and element is not one.element:
            return True
        if any(value == name for key, value in element.attrs.items() if key not in _PLAIN):
            return True
        if element.tag == "fencing-level" and name in element.get("devices").split(","):
            return True
    return False


_PLAIN = frozenset({"id", "name", "value", "class", "provider", "type", "score", "description"})


# ---- xml -----------------------------------------------------------------------------------------


def _show_xml(
    cib: Cib, filters: Sequence[str], hidden: Sequence[str], other: Cib | None = None
) -> str:
    root = cib.without_status().root
    if filters:
        chosen = select(cib, objects(cib), filters, other)
        root = _only_these(root, {id(one.element) for one in chosen})
    text = to_xml(Printer(hidden).obscured(root), indent="  ", declaration=True)
    return text if text.endswith("\n") else text + "\n"


def _only_these(root: Element, chosen: set[int]) -> Element:
    """The document with the chosen elements (in their containers) and nothing else."""

    def keep(element: Element) -> Element | None:
        if id(element) in chosen:
            return element
        if element.tag in CONTAINERS:
            kept = element.map_children(keep)
            return kept if any(c.tag in ("primitive", "group") for c in kept.children) else None
        return None

    def section(element: Element) -> Element | None:
        if id(element) in chosen:
            return element
        return element.map_children(keep)

    def configuration(element: Element) -> Element:
        return element.map_children(section)

    return root.map_children(configuration)

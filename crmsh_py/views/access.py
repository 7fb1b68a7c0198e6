"""A CIB with what access control lists let a user do: ``cibadmin --query --show-access``.

Input: the rights in a document (``cib.acl``) and the place of the element to show. Output: text.
Each element that is not what the one around it is has a mark above it, or its colour: green may be
written, blue read, red neither. With namespaces the document stays XML, for programs.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.xml import to_xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.acl import Rights, Tree

STYLES = ("color", "text", "namespace")
_MARKS = {"writable": "WRITABLE", "readable": "READABLE", "denied": "~DENIED~"}
_COLOURS = {"writable": "\x1b[32m", "readable": "\x1b[34m", "denied": "\x1b[31m"}
_RESET = "\x1b[0m"
_PREFIX = "pcmk-access-"
_NAMESPACE = "http://clusterlabs.org/ns/pacemaker/access/"


def show(tree: Tree, place: int, *, user: str, style: str) -> str:
    """The element at a place, with all below it."""
    head = f"<!-- ACLs as evaluated for user {user} -->\n"
    if style == "namespace":
        used = {_kind(tree.at(each)) for each in tree.subtree(place)}
        names = {f"xmlns:{_PREFIX}{kind}": f"{_NAMESPACE}{kind}" for kind in _MARKS if kind in used}
        root = _named(tree, place, "")
        return head + to_xml(root.with_attributes({**root.attrs, **names}))
    lines = _coloured(tree, place, "") if style == "color" else _marked(tree, place, "", "")
    return head + "".join(f"{line}\n" for line in lines)


def _kind(rights: Rights) -> str:
    return "writable" if rights.write else "readable" if rights.read else "denied"


def _named(tree: Tree, place: int, above: str) -> Element:
    """The element with its kind as the prefix of its tag, where that is another one than above."""
    element, kind = tree.elements[place], _kind(tree.at(place))
    children = tuple(_named(tree, child, kind) for child in tree.children(place))
    same = kind == above or element.tag == COMMENT
    tag = element.tag if same else f"{_PREFIX}{kind}:{element.tag}"
    return Element(tag, element.attrs, children, element.text)


def _marked(tree: Tree, place: int, indent: str, above: str) -> Iterator[str]:
    kind = _kind(tree.at(place))
    if kind != above and tree.elements[place].tag != COMMENT:
        if above:
            yield indent
        yield f"{indent}vvv---[ {_MARKS[kind]} ]---vvv"
    start, end = _tags(tree.elements[place])
    yield indent + start
    for child in tree.children(place):
        yield from _marked(tree, child, indent + "  ", kind)
    if end:
        yield indent + end


def _coloured(tree: Tree, place: int, indent: str) -> Iterator[str]:
    start, end = _tags(tree.elements[place])
    if tree.elements[place].tag == COMMENT:
        yield indent + start
        return
    colour = _COLOURS[_kind(tree.at(place))]
    yield f"{indent}{colour}{start}" + ("" if end else _RESET)
    for child in tree.children(place):
        yield from _coloured(tree, child, indent + "  ")
    if end:
        yield f"{indent}{colour}{end}{_RESET}"


def _tags(element: Element) -> tuple[str, str]:
    """What stands before the children of an element, and behind them ('' where it has none)."""
    alone = to_xml(element.with_children(()), indent=None)
    if not element.children:
        return alone, ""
    return alone.removesuffix("/>") + ">", f"</{element.tag}>"

"""An XML element as a value.

The CIB travels through the whole program as immutable trees of these; lxml stays behind
``crmsh_py.cib.xml``. A changed document shares every untouched branch with the old one, so that
keeping revisions is cheap and a comparison can skip what is the same object.

A comment is an element with the tag ``COMMENT`` whose ``text`` is the comment. Attribute order
is kept (it shows in ``configure show xml``) but does not count in comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from crmsh_py.value import Value

COMMENT = "#comment"


class Element(Value):
    """A tag, its attributes, its children, and text where the schema has any.

    ``attrs`` is never changed after construction; treat it as read-only.
    """

    # Written out, since there is nothing that the program makes, reads and compares more of.
    __slots__ = __match_args__ = ("tag", "attrs", "children", "text")
    tag: str
    attrs: Mapping[str, str]
    children: tuple[Element, ...]
    text: str

    def __init__(
        self,
        tag: str,
        attrs: Mapping[str, str] | None = None,
        children: tuple[Element, ...] = (),
        text: str = "",
    ) -> None:
        _put_tag(self, tag)
        _put_attrs(self, {} if attrs is None else attrs)
        _put_children(self, children)
        _put_text(self, text)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Element):
            return NotImplemented
        return (
            self.tag == other.tag
            and self.attrs == other.attrs
            and self.text == other.text
            and self.children == other.children
        )

    __hash__ = None  # type: ignore[assignment]  # attributes are a mapping

    @property
    def id(self) -> str:
        """The ``id`` attribute, or an empty string."""
        return self.attrs.get("id", "")

    def get(self, name: str, default: str = "") -> str:
        """An attribute's value, or ``default``."""
        return self.attrs.get(name, default)

    def find(self, *path: str) -> Element | None:
        """The first descendant along ``path`` of tags (first match at every step), or None."""
        current: Element | None = self
        for tag in path:
            current = next((c for c in current.children if c.tag == tag), None) if current else None
        return current

    def findall(self, *tags: str) -> tuple[Element, ...]:
        """The children that have one of ``tags``; all but comments when none is given."""
        if not tags:
            return tuple(c for c in self.children if c.tag != COMMENT)
        return tuple(c for c in self.children if c.tag in tags)

    def iter(self, *tags: str) -> Iterator[Element]:
        """This element and its descendants in document order, those with ``tags`` if given."""
        stack = [self]
        while stack:
            element = stack.pop()
            if element.tag != COMMENT and (not tags or element.tag in tags):
                yield element
            if element.children:
                stack += element.children[::-1]

    def with_attrs(self, **changes: str | None) -> Element:
        """A copy with attributes set, or removed where the value is None (``_`` stands for -)."""
        return self.with_attributes({k.replace("_", "-"): v for k, v in changes.items()})

    def with_attributes(self, changes: Mapping[str, str | None]) -> Element:
        """A copy with attributes set, or removed where the value is None; names as in XML."""
        attrs = dict(self.attrs)
        for name, value in changes.items():
            if value is None:
                attrs.pop(name, None)
            else:
                attrs[name] = value
        return Element(self.tag, attrs, self.children, self.text)

    def with_children(self, children: tuple[Element, ...]) -> Element:
        """A copy with these children instead."""
        return Element(self.tag, self.attrs, children, self.text)

    def append(self, *children: Element) -> Element:
        """A copy with more children at the end."""
        return self.with_children((*self.children, *children))

    def map_children(self, change: Callable[[Element], Element | None]) -> Element:
        """A copy with every child changed, or removed where ``change`` returns None.

        Returns this very object when nothing changed.
        """
        changed = tuple(new for child in self.children if (new := change(child)) is not None)
        same = len(changed) == len(self.children) and all(
            a is b for a, b in zip(changed, self.children, strict=True)
        )
        return self if same else self.with_children(changed)


# What a frozen object is filled by; quicker than object.__setattr__.
_put_tag = Element.__dict__["tag"].__set__
_put_attrs = Element.__dict__["attrs"].__set__
_put_children = Element.__dict__["children"].__set__
_put_text = Element.__dict__["text"].__set__

"""What Pacemaker's tools say with ``--output-as xml``: the frame around each answer."""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml

API_VERSION = "2.42"  # Pacemaker 3's


def document(parts: Iterable[Element], *, request: str, code: int = 0) -> str:
    """The whole document as text, with an XML declaration; ``request`` is the command line."""
    status = {"code": str(code), "message": "OK" if code == 0 else "Error occurred"}
    children = (*parts, Element("status", status))
    head = {"api-version": API_VERSION, "request": request}
    return to_xml(Element("pacemaker-result", head, children), declaration=True)


def listed(name: str, children: Iterable[Element]) -> Element:
    """A ``<list>`` that says how much is in it."""
    inside = tuple(children)
    return Element("list", {"name": name, "count": str(len(inside))}, inside)


def item(name: str, text: str) -> Element:
    """One ``<item>`` of a list."""
    return Element("item", {"name": name} if name else {}, (), text)

"""What Pacemaker's tools say with ``--output-as xml``: the frame around each answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import carriable, to_xml
from crmsh_py.scheduler.exit_texts import exit_text

API_VERSION = "2.42"  # Pacemaker 3's


def message_of(code: int) -> str:
    """What Pacemaker calls an exit code."""
    return exit_text(code)


def document(
    parts: Iterable[Element], *, request: str, code: int = 0, errors: Sequence[str] = ()
) -> str:
    """The whole document as text, with an XML declaration; ``request`` is the command line,
    ``errors`` are what a person would read on stderr.
    """
    status = {"code": str(code), "message": message_of(code)}
    told = tuple(Element("error", {}, (), carriable(text)) for text in errors)
    inside = (Element("errors", {}, told),) if told else ()
    children = (*parts, Element("status", status, inside))
    head = {"api-version": API_VERSION, "request": request}
    return to_xml(Element("pacemaker-result", head, children), declaration=True)


def listed(name: str, children: Iterable[Element]) -> Element:
    """A ``<list>`` that says how much is in it."""
    inside = tuple(children)
    return Element("list", {"name": name, "count": str(len(inside))}, inside)


def item(name: str, text: str) -> Element:
    """One ``<item>`` of a list."""
    return Element("item", {"name": name} if name else {}, (), text)

"""Resources that are written as XML, with their members inside them.

``show`` writes a container as XML that the language has no words for. Its members stand in the
text twice then, inside it and on lines of their own, and a person may change either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from crmsh_py.cib.document import REFERENCES
from crmsh_py.cib.element import Element
from crmsh_py.lang import ast
from crmsh_py.lang.draft import CONTAINER_TAGS, MEMBER_TAGS, Draft, flat
from crmsh_py.lang.entries import Entry, article, elements_of, id_of, kind_of
from crmsh_py.lang.from_cib import from_cib
from crmsh_py.lang.writer import MEMBER, Writer


def store_whole(draft: Draft, writer: Writer, entry: Entry, listed: Collection[str]) -> None:
    """Store a resource that is written as XML, and what is inside it.

    ``listed`` are the ids with lines of their own in the same text, which are stored already: of
    a member in two places the one counts that was changed. Raises ConfigError where both were,
    and where the id of a member is taken.
    """
    assert isinstance(entry.element, ast.XmlElement)
    element, *_ = elements_of(entry.element)
    others = {*listed} - {element.id}
    for one in _from_within(element):
        _store(draft, writer, entry, one, twice=one.id in others)


def _from_within(element: Element) -> Iterable[Element]:
    for child in element.findall(*MEMBER_TAGS):
        yield from _from_within(child)
    yield element


def _store(draft: Draft, writer: Writer, entry: Entry, element: Element, *, twice: bool) -> None:
    refuse_other_kind(entry, draft.find(element.id), element)
    shape, before, now = flat(element), draft.before(element.id), draft.resource(element.id)
    if before is not None and is_same(shape, before):
        return  # comments lose their line breaks on the way: what is there is better
    if twice and now is not None:
        was_changed = before is None or not is_same(now, before)
        if was_changed and _meaning(now) != _meaning(shape):
            raise entry.problem(
                f"{element.id} is written twice, and differently: on a line of its own, and "
                f"inside {id_of(entry.element)}",
                hint="change one of the two, or both alike",
            )
    if now is not None:
        draft.free(now)
    for inner in shape.iter():
        if inner.id and inner.tag not in REFERENCES:
            writer.ids.take(inner.id)
    draft.put("resources", shape)


def refuse_other_kind(entry: Entry, known: Element | None, element: Element) -> None:
    """Raise ConfigError if the id of an element is that of something of another kind."""
    if known is None or kind_of(known.tag) == kind_of(element.tag):
        return
    if {kind_of(known.tag), kind_of(element.tag)} != {"clone", "ms"}:
        kind = article(kind_of(known.tag))
        raise entry.problem(
            f"the id {element.id} is taken: there is {kind} with it", id_of(entry.element)
        )


def adopt_members(draft: Draft, root: Element, entry: Entry) -> None:
    """Put the members of containers that were written as XML into them.

    Raises ConfigError if one belongs to another container.
    """
    for one in root.iter(*CONTAINER_TAGS):
        container = draft.resource(one.id)
        if container is not None:
            for member in container.findall(MEMBER):
                refuse_taken(draft, entry, member.id, container.id)
            draft.adopt(container)


def refuse_taken(draft: Draft, entry: Entry, member: str, own: str) -> None:
    """Raise ConfigError if a member of the container ``own`` belongs to another one."""
    container = draft.container_of(member)
    if container and container != own:
        raise entry.problem(
            f"{member} belongs to {container} already", member, f"delete {container} first"
        )


def is_same(one: Element, other: Element) -> bool:
    """Whether two elements differ in nothing but the blanks of their comments."""
    return _without_blanks(one) == _without_blanks(other)


def _without_blanks(element: Element) -> Element:
    text = " ".join(element.text.split())
    return Element(element.tag, element.attrs, tuple(map(_without_blanks, element.children)), text)


def _meaning(element: Element) -> object:
    """What an element says: without the ids of sets, which the language leaves out."""
    return from_cib(
        element.map_children(lambda c: Element("primitive", {"id": c.id}) if c.tag == MEMBER else c)
    )

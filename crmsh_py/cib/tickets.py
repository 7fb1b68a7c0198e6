"""Tickets in the status section: what a site has been granted.

    <tickets><ticket_state id="site-a" granted="true" last-granted="1406570775"/></tickets>

Pure: a status section goes in, a changed one (or the very same, where nothing changes) comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmsh_py.cib.element import Element

TICKETS = "tickets"
STATE = "ticket_state"


def ticket_state(status: Element, name: str) -> Element | None:
    """The state of a ticket; None for one that the status does not know."""
    return next((state for state in section_of(status).findall(STATE) if state.id == name), None)


def section_of(status: Element) -> Element:
    """The section of the tickets; an empty one where there is none."""
    return status.find(TICKETS) or Element(TICKETS)


def with_section(status: Element, section: Element) -> Element:
    """The status with these tickets; one without any has no section for them."""
    others = tuple(child for child in status.children if child.tag != TICKETS)
    return status.with_children((*others, section) if section.children else others)


def changes(before: Element, after: Element) -> Iterator[tuple[str, dict[str, str | None] | None]]:
    """What must be set to have the tickets of one status section be those of another."""
    wanted = {state.id: state for state in section_of(after).findall(STATE)}
    for known in section_of(before).findall(STATE):
        if known.id not in wanted:
            yield known.id, None
    for name, new in wanted.items():
        old = ticket_state(before, name)
        names = {**(old.attrs if old is not None else {}), **new.attrs}
        if old is None or old.attrs != new.attrs:
            yield name, {key: new.attrs.get(key) for key in names if key != "id"}


def with_ticket(status: Element, name: str, changes: Mapping[str, str | None] | None) -> Element:
    """The section with attributes of a ticket set, or deleted (value None).

    ``changes`` None forgets the ticket. One that is not there yet is made.
    """
    section = section_of(status)
    old = ticket_state(status, name)
    if changes is None:
        if old is None:
            return status
        left = section.map_children(lambda state: None if state is old else state)
    else:
        new = (old or Element(STATE, {"id": name})).with_attributes(changes)
        if old is not None:
            left = section.map_children(lambda state: new if state is old else state)
        else:
            left = section.append(new)
    return with_section(status, left)

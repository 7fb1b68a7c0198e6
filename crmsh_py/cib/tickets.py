"""Tickets in the status section: what a site has been granted.

    <tickets><ticket_state id="site-a" granted="true" last-granted="1406570775"/></tickets>

Pure: a status section goes in, a changed one (or the very same, where nothing changes) comes out.
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.cib.element import Element

TICKETS = "tickets"
STATE = "ticket_state"


def ticket_state(status: Element, name: str) -> Element | None:
    """The state of a ticket; None for one that the status does not know."""
    section = status.find(TICKETS)
    states = section.findall(STATE) if section is not None else ()
    return next((state for state in states if state.id == name), None)


def with_ticket(status: Element, name: str, changes: Mapping[str, str | None] | None) -> Element:
    """The section with attributes of a ticket set, or deleted (value None).

    ``changes`` None forgets the ticket. One that is not there yet is made.
    """
    section = status.find(TICKETS) or Element(TICKETS)
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
    others = tuple(child for child in status.children if child.tag != TICKETS)
    return status.with_children((*others, left) if left.children else others)

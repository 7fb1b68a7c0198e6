"""``crm site ticket show``: tickets, as text and as a record."""

from __future__ import annotations

from datetime import datetime

from crmsh_py.value import frozen
from crmsh_py.views import mon_facts
from crmsh_py.views.text import joined, unix_clock_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib


@frozen(kw_only=True)
class TicketRecord:
    """A ticket; ``last_granted`` is Unix time, 0 for never."""

    id: str
    granted: bool
    standby: bool
    last_granted: int
    resources: tuple[str, ...]  # that depend on it


@frozen(kw_only=True)
class Tickets:
    """The tickets of the status section, and those that only constraints name."""

    tickets: tuple[TicketRecord, ...]


def tickets(cib: Cib) -> Tickets:
    """All of them, sorted by name."""
    return Tickets(
        tickets=tuple(
            TicketRecord(
                id=ticket.id,
                granted=ticket.granted,
                standby=ticket.standby,
                last_granted=ticket.last_granted,
                resources=_dependent(cib, ticket.id),
            )
            for ticket in mon_facts.tickets(cib)
        )
    )


def one(cib: Cib, name: str) -> Tickets:
    """That ticket alone."""
    return Tickets(tickets=tuple(t for t in tickets(cib).tickets if t.id == name))


def text(found: Tickets, *, now: datetime) -> str:
    """One line per ticket."""
    lines = []
    for ticket in found.tickets:
        state = "granted" if ticket.granted else "revoked"
        state += " (standby)" if ticket.standby else ""
        if ticket.last_granted:
            state += f", last granted {unix_clock_text(ticket.last_granted, now)}"
        names = f"  for {' '.join(ticket.resources)}" if ticket.resources else ""
        lines.append(f"{ticket.id}: {state}{names}")
    return joined(lines)


def _dependent(cib: Cib, name: str) -> tuple[str, ...]:
    names: list[str] = []
    for constraint in cib.section("constraints").findall("rsc_ticket"):
        if constraint.get("ticket") == name:
            names += [constraint.get("rsc")] if constraint.get("rsc") else []
            names += [reference.id for reference in constraint.iter("resource_ref")]
    return tuple(dict.fromkeys(names))

"""Tickets: what a site may run, and what it does when a ticket is lost."""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import fencing
from crmsh_py.scheduler.model import (
    PROMOTED,
    STARTED,
    UNKNOWN,
    Ticket,
    TicketConstraint,
    parse_role,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.scheduler.state import State


def ticket_named(state: State, name: str) -> Ticket:
    """The ticket with this name; one that nobody has spoken of is not granted."""
    return state.tickets.setdefault(name, Ticket(name))


def unpack_state(state: State, element: Element) -> None:
    """Read which tickets are granted."""
    for child in element.findall("ticket_state"):
        if not child.id:
            continue
        ticket = ticket_named(state, child.id)
        ticket.state.update({n: v for n, v in child.attrs.items() if n != "id"})
        ticket.granted = is_true(ticket.state.get("granted"))
        ticket.standby = is_true(ticket.state.get("standby"))
        if "last-granted" in ticket.state:
            ticket.last_granted = whole_number(ticket.state["last-granted"])


def constrain(  # noqa: PLR0917
    state: State,
    id_: str,
    resource: Resource,
    ticket: Ticket,
    role_text: str | None,
    policy: str | None,
) -> None:
    """Let a resource depend on a ticket."""
    role = parse_role(role_text)
    if role == UNKNOWN and role_text is not None:
        state.error("rsc_ticket_new", f"Ignoring constraint {id_}: Invalid role '{role_text}'")
        return
    if role == STARTED:
        role = UNKNOWN
    lowered = (policy or "").lower()
    if lowered == "fence" and not state.settings.fencing_enabled:
        state.error("rsc_ticket_new", f"Resetting 'loss-policy' for ticket '{ticket.id}' to "
                    "'stop' because fencing is not configured")  # fmt: skip
        lowered = "stop"
    if lowered not in {"fence", "freeze", "demote", "stop"}:
        lowered = "demote" if role == PROMOTED else "stop"
    constraint = TicketConstraint(id_, ticket, role, lowered)
    resource.tickets.append(constraint)
    if not ticket.granted or ticket.standby:
        for leaf in resource.leaves():
            _apply(state, leaf, constraint)


def _apply(state: State, resource: Resource, constraint: TicketConstraint) -> None:
    ticket, role, policy = constraint.ticket, constraint.role, constraint.loss_policy
    role_matches = role in {UNKNOWN, resource.orig_role}
    if not ticket.granted and resource.active_nodes:
        if policy == "stop" or (policy == "demote" and role != PROMOTED):
            resource.shift(None, -INFINITY, "ticket-lost", constraint.id)
        elif policy == "fence" and role_matches:
            resource.shift(None, -INFINITY, "ticket-lost", constraint.id)
            for node in resource.active_nodes:
                fencing.fence_node(state, node, "deadman ticket was lost")
        elif policy == "freeze" and role_matches:
            resource.managed = False
            resource.blocked = True
    elif role != PROMOTED or policy == "stop":
        kind = "ticket-missing" if not ticket.granted else "ticket-standby"
        resource.shift(None, -INFINITY, kind, constraint.id)


def require_for_promotion(resource: Resource) -> None:
    """Without the ticket for it, nothing is promoted."""
    for constraint in resource.tickets:
        if constraint.role == PROMOTED and (
            not constraint.ticket.granted or constraint.ticket.standby
        ):
            resource.shift(None, -INFINITY, "ticket-missing", constraint.id)

"""The ``site`` level: the tickets that a site has, as booth (or a person) gives and takes them."""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.tickets import ticket_state
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, NoQuorum, NotFound, did_you_mean
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session
from crmsh_py.shell.waiting import settle
from crmsh_py.tools.common import local_now
from crmsh_py.views import tickets as view
from crmsh_py.views.text import parse_int, unix_clock_text


def ticket(session: Session, call: CommandCall) -> int:
    """Grant, revoke, standby, activate, delete, show, time."""
    name = call.get("TICKET_NAME") or ""
    if call.has("SHOW"):
        return _show(session, name)
    if call.has("TIME"):
        return _time(session, name)
    _require_quorum(session)
    if call.has("DELETE"):
        return _delete(session, name, forced=call.has("FORCE") or session.options.force)
    known = _known(session)
    if not call.has("GRANT") and name not in known:
        raise _unknown(session, name)  # a slip of the pen must not look as if it were revoked
    if name not in known and (near := did_you_mean(name, known)):
        session.console.warning(f"{name} is a new ticket, on which nothing depends\n  {near}")
    changes: dict[str, str | None]
    if call.has("GRANT"):
        now = int(local_now().timestamp())
        changes = {"granted": "true", "last-granted": str(now), "standby": "false"}
    elif call.has("REVOKE"):
        changes = {"granted": "false"}
    else:
        changes = {"standby": "true" if call.has("STANDBY") else "false"}
    session.cluster.set_ticket(name, changes)
    settle(session)
    return 0


def _require_quorum(session: Session) -> None:
    """Tickets are state, which a side without quorum can change for itself only: it takes the
    others' when it meets them again. Raises NoQuorum.
    """
    cluster = session.cluster
    if (
        cluster.kind is ClusterKind.FILE
        or session.options.force_no_quorum
        or cluster.membership().quorate
    ):
        return
    raise NoQuorum(
        "this partition has no quorum: what the ticket is made here would be lost",
        hint="after a disaster, and only then: --force-no-quorum",
    )


def _show(session: Session, name: str) -> int:
    found = view.tickets(session.cluster.read_cib())
    if name:
        found = view.Tickets(tickets=tuple(t for t in found.tickets if t.id == name))
        if not found.tickets:
            raise _unknown(session, name)
    text = view.text(found, now=local_now()) or "there are no tickets"
    session.show(text, lambda: found)
    return 0


def _time(session: Session, name: str) -> int:
    cib = session.cluster.read_cib()
    state = ticket_state(cib.status, name)
    if state is None:
        raise _unknown(session, name)
    seconds = parse_int(state.get("last-granted"))
    if not seconds:
        raise NotFound(f"{name} was never granted")
    record = view.one(cib, name)
    session.show(unix_clock_text(seconds, local_now()), lambda: record)
    return 0


def _delete(session: Session, name: str, *, forced: bool) -> int:
    state = ticket_state(session.cluster.read_cib().status, name)
    if state is None:
        raise _unknown(session, name)
    if is_true(state.get("granted")) and not forced:
        raise CrmError(
            f"{name} is granted: what depends on it would lose it",
            hint=f"revoke it first, or: crm site ticket delete {name} force",
        )
    session.cluster.set_ticket(name, None)
    settle(session)
    return 0


def _known(session: Session) -> list[str]:
    """The tickets that there are, and those that only constraints name."""
    return [t.id for t in view.tickets(session.cluster.read_cib()).tickets]


def _unknown(session: Session, name: str) -> NotFound:
    known = _known(session)
    return NotFound(
        f"there is no ticket {name}",
        name=name,
        possibilities=known,
        hint=None if known else f"crm site ticket grant {name} makes one",
    )

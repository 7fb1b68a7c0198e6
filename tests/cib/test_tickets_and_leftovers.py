"""Tickets in the status section, and the constraints that move and ban leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from shell.person import CIB

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.leftovers import leftovers
from crmsh_py.cib.tickets import ticket_state, with_ticket
from crmsh_py.clusters import operations

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def test_a_ticket_is_made_changed_and_forgotten() -> None:
    empty = Element("status", {}, (Element("node_state", {"id": "1"}),))
    granted = with_ticket(empty, "T", {"granted": "true", "last-granted": "5"})
    state = ticket_state(granted, "T")
    assert state is not None
    assert state.attrs == {"id": "T", "granted": "true", "last-granted": "5"}
    again = with_ticket(granted, "T", {"granted": "false", "last-granted": None})
    changed = ticket_state(again, "T")
    assert changed is not None
    assert changed.attrs == {"id": "T", "granted": "false"}
    assert with_ticket(again, "T", None) == empty
    assert with_ticket(empty, "T", None) is empty


def test_tickets_do_not_get_into_each_others_way() -> None:
    status = Element("status")
    for name in ("A", "B"):
        status = with_ticket(status, name, {"granted": "true"})
    status = with_ticket(status, "A", None)
    assert ticket_state(status, "A") is None
    assert ticket_state(status, "B") is not None


@pytest.mark.parametrize(("lifetime", "later_h", "expired"), [("", 99, False), ("PT2H", 1, False),
                                                             ("PT2H", 3, True)])  # fmt: skip
def test_leftovers_know_their_end(lifetime: str, later_h: int, expired: bool) -> None:
    cib = operations.move(Cib.parse(CIB), "vip", "alpha", lifetime=lifetime, now=NOW)
    cib = operations.ban(cib, "site", "beta", lifetime=lifetime, now=NOW)
    found = leftovers(cib, now=NOW + timedelta(hours=later_h))
    assert [(one.resource, one.node, one.bans) for one in found] == [
        ("vip", "alpha", False),
        ("site", "beta", True),
    ]
    assert all(one.expired is expired for one in found)
    assert bool(found[0].until) == bool(lifetime)
    assert "kept on alpha by cli-prefer-vip" in str(found[0])
    assert operations.without(cib, {one.id for one in found}).section("constraints").findall() == (
        Cib.parse(CIB).section("constraints").findall()
    )

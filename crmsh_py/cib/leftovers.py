"""What ``move`` and ``ban`` have left in the configuration: constraints that nobody typed.

They hold until somebody clears them (or until their lifetime ends, and then they are only clutter),
and are the most frequent answer to the question why a resource will not go back.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.dates import parse_datetime
from crmsh_py.errors import CrmError
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element

PREFER = "cli-prefer-"
BAN = "cli-ban-"


@frozen(kw_only=True)
class Leftover:
    """One such constraint. ``until`` is the end of its lifetime as it is written, '' for none."""

    id: str
    resource: str
    node: str
    bans: bool  # keeps the resource off the node; else it holds it there
    until: str
    expired: bool

    def __str__(self) -> str:
        what = f"{self.resource} is kept {'off' if self.bans else 'on'} {self.node} by {self.id}"
        if self.expired:
            return f"{what}, which has expired ({self.until})"
        return f"{what} until {self.until}" if self.until else what


def leftovers(cib: Cib, *, now: datetime) -> list[Leftover]:
    """All of them, in the order of the document."""
    return [
        _leftover(constraint, now)
        for constraint in cib.section("constraints").findall("rsc_location")
        if constraint.id.startswith((PREFER, BAN))
    ]


def _leftover(constraint: Element, now: datetime) -> Leftover:
    until = next((e.get("end") for e in constraint.iter("date_expression")), "")
    nodes = [e.get("value") for e in constraint.iter("expression")]
    return Leftover(
        id=constraint.id,
        resource=constraint.get("rsc"),
        node=constraint.get("node") or next(iter(nodes), ""),
        bans=constraint.id.startswith(BAN),
        until=until,
        expired=_is_over(until, now),
    )


def _is_over(until: str, now: datetime) -> bool:
    try:
        return bool(until) and parse_datetime(until, now.tzinfo) <= now
    except CrmError:
        return False  # not for us to judge

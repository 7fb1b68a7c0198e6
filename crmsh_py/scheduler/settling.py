"""Let a cluster settle on paper: plan and carry out, again and again, until nothing is left to do.

This is what a cluster does by itself when all of its agents succeed. It answers what will be, where
a single plan answers what is next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler import simulation
from crmsh_py.scheduler.plan import changes_of
from crmsh_py.scheduler.promotable import base_name
from crmsh_py.scheduler.result import ResourceChange
from crmsh_py.scheduler.schedule import schedule
from crmsh_py.scheduler.state import State

MOST_TRANSITIONS = 20  # a cluster that needs more will never be done


@dataclass(frozen=True, slots=True)
class Settled:
    """What a cluster has become, and what was done to its resources (and nodes) on the way.

    ``complete`` is False where it goes on for ever, or something waits in vain.
    """

    cib: Cib
    changes: tuple[ResourceChange, ...]
    complete: bool


def settle(cib: Cib, now: datetime, *, failures: Sequence[str] = ()) -> Settled:
    """Carry out plan after plan; ``failures`` as for ``simulation.run``."""
    if needs_upgrade(cib):
        cib = upgrade(cib)
    changes: list[ResourceChange] = []
    for _ in range(MOST_TRANSITIONS):
        state = schedule(cib, now)
        if not state.graph:
            return Settled(cib, tuple(changes), complete=True)
        changes += changes_of(state)
        done = simulation.run(state, cib, at=int(now.timestamp()), failures=failures)
        cib = _without_cleared_failures(state, done.cib)
        if not done.complete:
            break
    return Settled(cib, tuple(changes), complete=False)


def _without_cleared_failures(state: State, cib: Cib) -> Cib:
    """What nodes forget when fail counts are cleared, which crm_simulate leaves as it is."""
    for vertex in state.graph:
        if vertex.task == "clear_failcount" and vertex.resource is not None and vertex.node:
            name = base_name(vertex.resource.history_name)
            cib = cib.with_status(_forgetting(cib.status, vertex.node.name, name))
    return cib


def _forgetting(status: Element, node: str, resource: str) -> Element:
    counts = (f"fail-count-{resource}#", f"last-failure-{resource}#")

    def keep(element: Element) -> Element | None:
        if element.tag == "nvpair" and element.get("name").startswith(counts):
            return None
        if element.tag == "lrm_rsc_op" and element.id == f"{resource}_last_failure_0":
            return None
        return element.map_children(keep)

    return status.map_children(
        lambda state: state.map_children(keep) if state.get("uname") == node else state
    )

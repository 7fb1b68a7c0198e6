"""Let a cluster settle on paper: plan and carry out, again and again, until nothing is left to do.

This is what a cluster does by itself when all of its agents succeed. It answers what will be, where
a single plan answers what is next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler import simulation
from crmsh_py.scheduler.history import last_failure_id
from crmsh_py.scheduler.plan import changes_of
from crmsh_py.scheduler.promotable import base_name
from crmsh_py.scheduler.result import ResourceChange
from crmsh_py.scheduler.schedule import schedule
from crmsh_py.scheduler.state import State
from crmsh_py.value import frozen

MOST_TRANSITIONS = 20  # a cluster that needs more will never be done


@frozen
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
        before, cib = cib, _as_nodes_tell(state, done.cib)
        if done.complete and cib.status == before.status:
            # What is left to do changes nothing that a status section tells (maintenance).
            return Settled(cib, tuple(changes), complete=True)
        if not done.complete:
            break
    return Settled(cib, tuple(changes), complete=False)


def _as_nodes_tell(state: State, cib: Cib) -> Cib:
    """What nodes forget of cleared failures and cancelled monitors; crm_simulate keeps both."""
    for vertex in state.graph:
        if vertex.resource is None or vertex.node is None:
            continue
        name = base_name(vertex.resource.history_name)
        if vertex.task == "clear_failcount":
            counts: tuple[str, ...] = (f"fail-count-{name}#", f"last-failure-{name}#")
            gone = {last_failure_id(name)}
        elif vertex.task == "cancel":
            counts = ()
            every = vertex.meta.get("interval", "0")
            gone = {f"{name}_{vertex.cancel_task}_{every}", f"{name}_cancel_{every}"}
        else:
            continue
        cib = cib.with_status(_without(cib.status, vertex.node.name, counts, gone))
    return cib


def _without(status: Element, node: str, counts: tuple[str, ...], gone: set[str]) -> Element:
    """A status section without attributes of a node that begin so, and results with these ids."""

    def keep(element: Element) -> Element | None:
        if element.tag == "nvpair" and element.get("name").startswith(counts):
            return None
        if element.tag == "lrm_rsc_op" and element.id in gone:
            return None
        return element.map_children(keep)

    return status.map_children(
        lambda state: state.map_children(keep) if state.get("uname") == node else state
    )

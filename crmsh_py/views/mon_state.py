"""The state of the cluster as crm_mon reads it from a CIB.

Input: a CIB of any schema, and which sections will be shown. Output: the upgraded CIB and its
``ClusterStatus``. Lists of tickets and bans need the constraints, and reading these already tells
what a lost ticket does to nodes and resources; the other sections do without, as Pacemaker's.
"""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler.reading import read_status
from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.scheduler.status import status_of


def read(cib: Cib, *, now: datetime, with_constraints: bool = False) -> tuple[Cib, ClusterStatus]:
    """The document in today's schema, and the state that it tells."""
    if needs_upgrade(cib):
        cib = upgrade(cib)
    state = read_status(cib, now)
    if with_constraints:
        from crmsh_py.scheduler import constraints

        constraints.unpack_all(state)
    return cib, status_of(state)

"""A CIB read into a state: the first step of a plan, and all that a look at the cluster needs."""

from __future__ import annotations

from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.scheduler.configuration import unpack_configuration
from crmsh_py.scheduler.state import State
from crmsh_py.scheduler.status_section import unpack_status


def read_status(cib: Cib, now: datetime, *, sanitized: bool = False, traced: bool = False) -> State:
    """Read a CIB: what is configured, and where everything is."""
    state = State(cib, now, sanitized=sanitized, traced=traced)
    unpack_configuration(state)
    # Histories can be judged only when operations and their handling of failures are known.
    unpack_status(state)
    for resource in state.resources:
        resource.count()
    return state

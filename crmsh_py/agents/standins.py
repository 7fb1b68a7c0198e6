"""For which agents this project has a small agent of its own, to run in their place on a lab.

A stand-in does the thing itself in the simplest honest way (an address that answers, a server
that serves, a state that is kept); every view marks it. Which program that is, is known to the
node's runner; here stands only which agents can be replaced, and by which kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from crmsh_py.cib.agent_name import AgentSpec


class StandIn(Enum):
    """The kinds of stand-ins; the value is the name of the agent in ``crmsh_py/standins``."""

    ADDRESS = "IPaddr2"
    WEB_SERVER = "apache"
    DUMMY = "Dummy"
    STATEFUL = "Stateful"
    DELAY = "Delay"
    GENERIC = "generic"  # keeps a state and nothing else


_BY_AGENT: Mapping[tuple[str, str], StandIn] = {
    ("heartbeat", "IPaddr2"): StandIn.ADDRESS,
    ("heartbeat", "IPaddr"): StandIn.ADDRESS,
    ("heartbeat", "apache"): StandIn.WEB_SERVER,
    ("heartbeat", "Dummy"): StandIn.DUMMY,
    ("pacemaker", "Dummy"): StandIn.DUMMY,
    ("heartbeat", "Stateful"): StandIn.STATEFUL,
    ("pacemaker", "Stateful"): StandIn.STATEFUL,
    ("heartbeat", "Delay"): StandIn.DELAY,
}


def standin_for(spec: AgentSpec) -> StandIn | None:
    """What may stand in for this agent; None for fence devices, which must never be pretended."""
    if spec.standard == "stonith":
        return None
    if spec.standard == "ocf":
        return _BY_AGENT.get((spec.provider, spec.type), StandIn.GENERIC)
    return StandIn.GENERIC

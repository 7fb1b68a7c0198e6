"""What may stand in for an agent."""

from __future__ import annotations

from crmsh_py.agents.standins import StandIn, standin_for
from crmsh_py.cib.agent_name import AgentSpec


def test_stand_ins() -> None:
    found = {
        name: standin_for(AgentSpec.parse(name))
        for name in (
            "ocf:heartbeat:IPaddr2",
            "ocf:heartbeat:apache",
            "ocf:pacemaker:Dummy",
            "ocf:pacemaker:Stateful",
            "ocf:heartbeat:mysql",
            "stonith:lab",
        )
    }
    assert list(found.values()) == [
        *(StandIn.ADDRESS, StandIn.WEB_SERVER, StandIn.DUMMY, StandIn.STATEFUL, StandIn.GENERIC),
        None,
    ], "fencing is never pretended"

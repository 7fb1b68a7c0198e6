"""Names of agents, and what may stand in for them."""

from __future__ import annotations

import pytest

from crmsh_py.agents.spec import AgentSpec
from crmsh_py.agents.standins import StandIn, standin_for
from crmsh_py.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ocf:heartbeat:IPaddr2", AgentSpec("ocf", "heartbeat", "IPaddr2")),
        ("ocf::heartbeat:IPaddr2", AgentSpec("ocf", "heartbeat", "IPaddr2")),
        ("ocf:Dummy", AgentSpec("ocf", "", "Dummy")),
        ("stonith:lab", AgentSpec("stonith", "", "lab")),
        ("systemd:getty@tty1", AgentSpec("systemd", "", "getty@tty1")),
        ("IPaddr2", AgentSpec("", "", "IPaddr2")),
        ("lsb:x11-common", AgentSpec("lsb", "", "x11-common")),
    ],
)
def test_names(text: str, spec: AgentSpec) -> None:
    assert AgentSpec.parse(text) == spec
    assert str(spec) == text.replace("::", ":")


@pytest.mark.parametrize(
    "text",
    ["", ":", "ocf:", "a:b:c:d", "ocf:heart beat:x", "lsb:a:b", "ocf:../../etc:passwd", "ofc:h:x"],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ConfigError):
        AgentSpec.parse(text)


def test_a_near_class_is_offered() -> None:
    with pytest.raises(ConfigError) as caught:
        AgentSpec.parse("ofc:heartbeat:IPaddr2")
    assert caught.value.hint == "did you mean ocf?"


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

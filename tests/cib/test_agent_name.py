"""Names of agents."""

from __future__ import annotations

import pytest

from crmsh_py.cib.agent_name import AgentSpec, is_remote_connection
from crmsh_py.cib.element import Element
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


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        ("ocf:pacemaker:remote", True),
        ("OCF:Pacemaker:Remote", True),
        ("stonith:pacemaker:remote", False),
        ("ocf:heartbeat:remote", False),
        ("ocf:pacemaker:Dummy", False),
    ],
)
def test_a_connection_with_a_remote_node(name: str, remote: bool) -> None:
    attrs = dict(zip(("class", "provider", "type"), name.split(":"), strict=True))
    element = Element("primitive", attrs)
    assert str(AgentSpec.of(element)) == name
    assert is_remote_connection(element) == remote

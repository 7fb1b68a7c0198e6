"""What agents print is read leniently, and never does harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.agents.metadata import AgentAction, parse_metadata
from crmsh_py.errors import ConfigError

TEXT = """some words on stdout that do not belong there
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Lamp" version="1.1">
<version>1.1</version>
<longdesc lang="de">Eine Lampe</longdesc>
<longdesc lang="en">
A lamp.

It shines.
</longdesc>
<shortdesc lang="en">A
 lamp</shortdesc>
<parameters>
  <parameter name="socket" required="1" unique="1"><longdesc lang="en">
    Where it is plugged in.

      1: the left one
  </longdesc><shortdesc>Socket</shortdesc><content type="integer"/></parameter>
  <parameter name="colour" reloadable="1"><shortdesc>Colour</shortdesc>
    <content type="select" default="white"><option value="white"/><option value="red"/></content>
  </parameter>
  <parameter name="color"><deprecated><replaced-with name="colour"/></deprecated>
    <shortdesc>Colour</shortdesc><content type="string"/></parameter>
  <parameter name="x" unique-group="place"><content type="integer"/></parameter>
  <parameter/>
</parameters>
<actions>
  <action name="start" timeout="20s"/><action name="stop" timeout="20"/>
  <action name="monitor" timeout="20s" interval="10s" depth="0"/>
  <action name="monitor" timeout="30s" interval="11s" role="Master"/>
  <action name="promote" timeout="nonsense"/>
  <action name="meta-data" timeout="5s"/><action name="validate-all" timeout="5s"/>
</actions>
</resource-agent>"""


def test_everything_that_is_said_is_read() -> None:
    lamp = parse_metadata(TEXT)
    assert (lamp.name, lamp.version, lamp.shortdesc) == ("Lamp", "1.1", "A lamp")
    assert lamp.longdesc == "A lamp.\n\nIt shines."
    socket, colour, color, x = lamp.parameters
    assert socket.required
    assert socket.unique_group == "socket"
    assert socket.default is None
    assert socket.longdesc == "Where it is plugged in.\n\n  1: the left one"
    assert colour.values == ("white", "red")
    assert colour.default == "white"
    assert colour.reloadable
    assert color.deprecated
    assert color.replaced_with == ("colour",)
    assert x.unique_group == "place"


def test_operations_and_what_they_advise() -> None:
    lamp = parse_metadata(TEXT)
    assert lamp.promotable
    assert [action.name for action in lamp.operations] == [
        *("start", "stop", "monitor", "monitor", "promote")
    ]
    stop, promote = lamp.action("stop"), lamp.action("promote")
    assert stop is not None
    assert stop.timeout_ms == 20_000
    assert promote is not None
    assert promote.timeout_ms is None


@pytest.mark.parametrize(
    ("role", "interval_ms", "expected"),
    [("", None, "10s"), ("Promoted", None, "11s"), ("Started", 10_000, "10s"), ("", 11_000, "10s")],
)
def test_of_several_monitors_the_one_that_fits(
    role: str, interval_ms: int | None, expected: str
) -> None:
    found = parse_metadata(TEXT).action("monitor", role, interval_ms)
    assert found is not None
    assert found.interval == expected


def test_an_agent_with_no_advice_has_no_times() -> None:
    assert AgentAction(name="start").timeout_ms is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "usage: x",
        "<html/>",
        "<resource-agent>",
        '<!DOCTYPE x [<!ENTITY a "b">]><resource-agent name="&a;"/>',
        "<resource-agent>" + "x" * 2_000_000 + "</resource-agent>",
        b"\xff\xfe<",
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_worse(text: str | bytes) -> None:
    with pytest.raises(ConfigError):
        parse_metadata(text, name="X")


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="<>/ \"'=abcparameters!-[]&;", max_size=200))
def test_garbage_never_does_more_than_that(text: str) -> None:
    try:
        parse_metadata(f"<resource-agent>{text}</resource-agent>")
    except ConfigError:
        return

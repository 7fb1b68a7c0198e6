"""crm_mon's other formats carry the same facts: modern text, XML, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from views.test_mon_classic import CIB, NOW, crowded

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.value import replace
from crmsh_py.views import mon_classic, mon_html, mon_json, mon_modern, mon_xml
from crmsh_py.views.fencing import time_text
from crmsh_py.views.mon_facts import MonOptions
from crmsh_py.views.text import natural_key

EVERYTHING = MonOptions(
    inactive=True, operations=True, timing=True, fail_counts=True, attributes=True, tickets=True,
    bans="",
)  # fmt: skip
Render = Callable[..., str]
RENDERERS: dict[str, Render] = {
    "modern.txt": mon_modern.render,
    "state.xml": mon_xml.render,
    "state.json": mon_json.render,
    "state.html": mon_html.render,
}


@pytest.mark.parametrize("name", RENDERERS)
def test_a_crowded_cluster(golden: Callable[[str, str], None], name: str) -> None:
    text = RENDERERS[name](Cib.parse(CIB), crowded(), now=NOW, options=EVERYTHING)
    golden(f"mon_{name}", text)


def test_json_and_xml_name_the_same_resources() -> None:
    cib, status = Cib.parse(CIB), crowded()
    document = parse(mon_xml.render(cib, status, now=NOW, options=EVERYTHING))
    shown = json.loads(mon_json.render(cib, status, now=NOW, options=EVERYTHING))
    section = document.find("resources")
    assert section is not None
    assert [r["id"] for r in shown["resources"]] == [e.id for e in section.findall()]
    assert shown["summary"]["current_dc"]["with_quorum"] is False
    assert shown["summary"]["nodes_configured"]["number"] == 5


def test_a_hostile_name_stays_text_in_html() -> None:
    cib = Cib.parse(CIB.replace("crmd", "&lt;script&gt;alert(1)&lt;/script&gt;"))
    page = mon_html.render(cib, crowded(), now=NOW)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


HOSTILE = "a\nOnline: [ evil ]\x9b31m\u202ebc"
SHOWN = "a?Online: [ evil ]?31m?bc"


def hostile() -> ClusterStatus:
    """A cluster in which a name, an attribute and a reason of a failure would draw lines."""
    status = crowded()
    node, *others = status.nodes
    failed = replace(status.failed_actions[0], exit_reason=HOSTILE, node=HOSTILE)
    named = replace(node, name=HOSTILE, attributes={"place": HOSTILE})
    return replace(status, nodes=(named, *others), failed_actions=(failed,))


@pytest.mark.parametrize(
    "render", [mon_classic.render, mon_modern.render, mon_html.render], ids=lambda f: f.__module__
)
def test_no_value_can_draw_a_line_or_command_the_terminal(render: Render) -> None:
    text = render(Cib.parse(CIB), hostile(), now=NOW, options=EVERYTHING)
    assert text.count(SHOWN) >= 3
    assert "\nOnline: [ evil ]" not in text
    assert text.replace("\n", "").replace("\t", "").isprintable()


def test_programs_get_every_value_as_it_is_and_a_terminal_no_command() -> None:
    text = mon_json.render(Cib.parse(CIB), hostile(), now=NOW)
    assert json.loads(text)["nodes"][0]["name"] == HOSTILE
    document = mon_xml.render(Cib.parse(CIB), hostile(), now=NOW)
    nodes = parse(document).find("nodes", "node")
    assert nodes is not None
    assert nodes.get("name") == HOSTILE
    assert (text + document).replace("\n", "").isprintable()


def test_a_name_that_is_true_stays_a_name() -> None:
    status = crowded()
    named = replace(status.nodes[0], name="true", attributes={"false": "true"}, online=True)
    status = replace(status, nodes=(named, *status.nodes[1:]))
    shown = json.loads(mon_json.render(Cib.parse(CIB), status, now=NOW, options=EVERYTHING))
    assert shown["nodes"][0]["name"] == "true"
    assert shown["nodes"][0]["online"] is True
    assert shown["node_attributes"][0] == {
        "name": "true", "attributes": [{"name": "false", "value": "true"}]
    }  # fmt: skip


@pytest.mark.parametrize("name", RENDERERS)
def test_a_time_that_no_calendar_holds_is_left_out(name: str) -> None:
    status = crowded()
    failed = replace(status.failed_actions[0], last_change=999_999_999_999_999)
    status = replace(status, failed_actions=(failed,))
    text = RENDERERS[name](Cib.parse(CIB), status, now=NOW, options=EVERYTHING)
    assert "gone" in text
    assert " at  " not in text
    assert time_text(10**18, NOW) == ""


def test_nodes_sort_as_people_count() -> None:
    names = ["node10", "Node2", "node1"]
    assert sorted(names, key=natural_key) == ["node1", "Node2", "node10"]

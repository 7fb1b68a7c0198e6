"""crm_mon --group-by-node for programs: what runs stands inside of its nodes, once."""

from __future__ import annotations

import json

from views.test_mon_filter import NOW, cib

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.value import replace
from crmsh_py.views import mon_json, mon_modern, mon_state, mon_xml
from crmsh_py.views.mon_facts import MonOptions

ASKED = MonOptions(by_node=True, inactive=True)


def document(of: Cib | None = None, asked: MonOptions = ASKED, **options: str) -> Element:
    read, status = mon_state.read(of or cib(), now=NOW)
    return mon_xml.document(read, status, now=NOW, options=replace(asked, **options))


def on_nodes(shown: Element) -> dict[str, list[str]]:
    nodes = shown.find("nodes")
    assert nodes is not None
    return {n.get("name"): [r.id for r in n.findall("resource")] for n in nodes.findall("node")}


def listed(shown: Element) -> list[str] | None:
    section = shown.find("resources")
    return None if section is None else [each.id for each in section.findall()]


def test_each_node_holds_what_runs_on_it_in_the_order_of_its_history() -> None:
    assert on_nodes(document()) == {
        "n1": ["vip", "c", "p", "u:1", "x", "y"],
        "n2": ["c", "p", "u:0", "u:2", "x", "y"],
        "n3": ["a", "b", "p", "x", "y"],
    }


def test_a_resource_inside_says_the_same_as_elsewhere_and_its_description_as_well() -> None:
    element = cib()
    vip = element.find_id("vip")
    assert vip is not None
    described = Cib.parse(element.to_xml().replace('id="vip"', 'id="vip" description="an address"'))
    inside = document(described).find("nodes", "node", "resource")
    elsewhere = document(described, replace(ASKED, by_node=False)).find("resources", "resource")
    assert inside is not None
    assert elsewhere is not None
    assert inside.attrs == {**elsewhere.attrs, "description": "an address"}
    assert inside.findall() == elsewhere.findall()


def test_what_is_not_wholly_active_is_listed_below() -> None:
    assert listed(document()) == ["off", "cl"], "cl is banned from n3"
    assert listed(document(asked=MonOptions(by_node=True))) is None


def test_without_anything_inactive_there_is_no_list() -> None:
    text = cib().to_xml()
    start = text.index('<primitive id="off"')
    assert listed(document(Cib.parse(text.replace(text[start : text.index(">", start) + 1], "")))) \
        == ["cl"]  # fmt: skip


def test_filters_leave_out_nodes_and_what_was_not_asked_for() -> None:
    assert on_nodes(document(only_node="n3")) == {"n3": ["a", "b", "p", "x", "y"]}
    assert on_nodes(document(only_resource="vip")) == {"n1": ["vip"], "n2": [], "n3": []}


def test_json_has_them_there_too() -> None:
    read, status = mon_state.read(cib(), now=NOW)
    shown = json.loads(mon_json.render(read, status, now=NOW, options=ASKED))
    assert [each["id"] for each in shown["nodes"][2]["resources"]] == ["a", "b", "p", "x", "y"]
    assert [each["id"] for each in shown["resources"]] == ["off", "cl"]


def test_nodes_on_which_nothing_is_counted_leave_the_title() -> None:
    alone = Cib.parse(
        '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">'
        '<configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources/>'
        "<constraints/></configuration><status/></cib>"
    )
    read, status = mon_state.read(alone, now=NOW)
    text = mon_modern.render(
        read, status, now=NOW, options=MonOptions(by_node=True, brief=True, headers=False)
    )
    assert text.startswith("Node List:\n")

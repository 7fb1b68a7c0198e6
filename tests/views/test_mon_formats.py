"""crm_mon's other formats carry the same facts: modern text, XML, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from views.test_mon_classic import CIB, NOW, crowded

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.views import mon_html, mon_json, mon_modern, mon_xml
from crmsh_py.views.mon_facts import MonOptions
from crmsh_py.views.text import duration_text, natural_key

EVERYTHING = MonOptions(
    inactive=True, operations=True, timing=True, fail_counts=True, attributes=True, tickets=True,
    bans="",
)  # fmt: skip
RENDERERS = {
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


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0s"), (20, "20ms"), (30160, "30.160s"), (90000, "1m30s"), (60000, "1m"),
     (3_600_000, "1h"), (90_061_000, "1d1h1m1s")],
)  # fmt: skip
def test_durations_read_well(milliseconds: int, text: str) -> None:
    assert duration_text(milliseconds) == text


def test_nodes_sort_as_people_count() -> None:
    names = ["node10", "Node2", "node1"]
    assert sorted(names, key=natural_key) == ["node1", "Node2", "node10"]

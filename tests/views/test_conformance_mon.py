"""The modern layout against what Pacemaker 3 printed for 854 CIBs (../shared/conformance).

Two measurements: ``from the record`` feeds the views with the state that Pacemaker itself told (its
XML), so that only the views are measured; ``from the CIB`` takes our own scheduler's reading of the
CIB. The floors only ever rise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from views.recorded import cluster_status as recorded_status
from views.recorded import orders

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse
from crmsh_py.views import mon_modern, mon_state, mon_xml
from crmsh_py.views.mon_facts import MonOptions

BRIEF = MonOptions(inactive=True)
FULL = MonOptions(
    inactive=True, by_node=True, attributes=True, fail_counts=True, operations=True, timing=True,
    tickets=True,
)  # fmt: skip
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def cases(shared: Path) -> Iterator[tuple[str, Cib, Path]]:
    """Name, CIB, and the recorded files' common prefix."""
    conformance = shared / "conformance"
    for file in sorted((conformance / "scheduler" / "xml").glob("*.xml")):
        prefix = conformance / "mon" / file.stem
        if prefix.with_name(f"{file.stem}.brief.txt").exists():
            yield file.stem, Cib.parse(file.read_bytes()), prefix


def record(prefix: Path) -> Element:
    """The recorded XML; what was printed before it (a warning) is left out."""
    text = prefix.with_name(f"{prefix.name}.xml").read_text("utf-8")
    return parse(text[text.index("<") :])


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if "Last updated:" not in line]


def test_text_from_the_record(shared: Path) -> None:
    """At least so many of 854 cases agree to the byte."""
    agree = {"brief": 0, "full": 0}
    for name, cib, prefix in cases(shared):
        shown = record(prefix)
        full = prefix.with_name(f"{name}.full.txt").read_text("utf-8")
        status = recorded_status(shown, cib, orders(full))
        for form, options in (("brief", BRIEF), ("full", FULL)):
            text = mon_modern.render(cib, status, now=NOW, options=options)
            wanted = prefix.with_name(f"{name}.{form}.txt").read_text("utf-8")
            agree[form] += lines(text) == lines(wanted)
    print(agree)
    assert agree["brief"] >= 825
    assert agree["full"] >= 822


def shape(element: Element) -> object:
    """An element as the comparison sees it: attributes in any order, no time of looking."""
    attrs = {k: v for k, v in element.attrs.items() if k not in ("request", "api-version")}
    children = tuple(shape(c) for c in element.findall() if c.tag != "last_update")
    return (element.tag, tuple(sorted(attrs.items())), element.text.strip(), children)


def test_xml_from_the_record(shared: Path) -> None:
    """The XML view reproduces what the record was read from."""
    agree = 0
    for _name, cib, prefix in cases(shared):
        shown = record(prefix)
        made = mon_xml.document(cib, recorded_status(shown, cib, {}), now=NOW, options=BRIEF)
        agree += shape(made) == shape(shown)
    print(agree)
    assert agree >= 828


def test_text_and_xml_from_the_cib(shared: Path) -> None:
    """What a user of crm_mon sees."""
    agree = {"brief": 0, "full": 0, "xml": 0}
    for name, cib, prefix in cases(shared):
        plain = mon_state.read(cib, now=NOW)
        listed = mon_state.read(cib, now=NOW, with_constraints=True)
        for form, options, (read, status) in (("brief", BRIEF, plain), ("full", FULL, listed)):
            text = mon_modern.render(read, status, now=NOW, options=options)
            wanted = prefix.with_name(f"{name}.{form}.txt").read_text("utf-8")
            agree[form] += lines(text) == lines(wanted)
        made = mon_xml.document(*listed, now=NOW, options=BRIEF)
        agree["xml"] += shape(made) == shape(record(prefix))
    print(agree)
    assert agree["brief"] == 854
    assert agree["full"] >= 853
    assert agree["xml"] >= 851

"""The graph of the constraints: every one of them is in it, and says what it means."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.lang import load
from crmsh_py.views import constraint_graph

RESOURCES = "node n1\n" + "".join(f"primitive {name} ocf:pacemaker:Dummy\n" for name in "abcd")


def made(constraint: str) -> Cib:
    return load(Cib.new(), RESOURCES + constraint + "\n")


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        ("location l a 100: n1", ["a runs on n1  (l 100)"]),
        ("location l a -inf: n1", ["a avoids n1  (l -INFINITY)"]),
        ("location l a role=Promoted 5: n1", ["a:Promoted runs on n1  (l 5)"]),
        ("location l /a.*/ 5: n1", ["/a.*/ runs on n1  (l 5)"]),
        ("location l { a b } 5: n1", ["a runs on n1  (l 5)", "b runs on n1  (l 5)"]),
        (
            "location l a rule -inf: not_defined pingd or pingd lte 0",
            ["a avoids nodes where not_defined pingd or pingd lte 0  (l -INFINITY)"],
        ),
        (
            "location l a rule pingd: defined pingd rule 7: date spec hours=9-16",
            ["a runs where defined pingd  (l pingd)", "a runs where date spec hours=9-16  (l 7)"],
        ),
        ("location l a rule 5: date lt 2026-12-24", ["a runs where date lt 2026-12-24  (l 5)"]),
        (
            "location l a rule 5: date in start=2026-01-01 end=2026-02-01",
            ["a runs where date in start=2026-01-01 end=2026-02-01  (l 5)"],
        ),
        ("colocation x inf: a b", ["a runs with b  (x INFINITY)"]),
        ("colocation x inf: a b:Promoted", ["a runs with b:Promoted  (x INFINITY)"]),
        ("colocation x -5: a b", ["a is kept apart from b  (x -5)"]),
        ("colocation x inf: a b c", ["b runs with a  (x INFINITY)", "c runs with b  (x INFINITY)"]),
        (
            "colocation x inf: ( a b ) c",
            ["a runs with c  (x INFINITY)", "b runs with c  (x INFINITY)"],
        ),
        ("order x a b", ["a starts before b  (x)"]),
        ("order x Mandatory: a:promote b:start", ["a is promoted before b starts  (x Mandatory)"]),
        ("order x a:stop b:stop", ["a stops before b  (x)"]),
        ("order x Serialize: a b", ["a never starts while b starts  (x Serialize)"]),
        ("order x a b c", ["a starts before b  (x)", "b starts before c  (x)"]),
        ("order x ( a b ) c", ["a starts before c  (x)", "b starts before c  (x)"]),
        (
            "order x [ a b ] c",
            [
                "a starts before c, or another of a, b does  (x)",
                "b starts before c, or another of a, b does  (x)",
            ],
        ),
        ("rsc_ticket t T: a loss-policy=stop", ["a needs the ticket T  (t loss-policy=stop)"]),
        (
            "rsc_ticket t T: a b:Promoted",
            ["a needs the ticket T  (t)", "b:Promoted needs the ticket T  (t)"],
        ),
    ],
)  # fmt: skip
def test_every_constraint_is_a_sentence(constraint: str, wanted: list[str]) -> None:
    cib = made(constraint)
    assert constraint_graph.text(cib).splitlines() == wanted
    assert constraint_graph.dot(cib).count(" -> ") == len(wanted)


def test_names_are_quoted_for_graphviz() -> None:
    cib = Cib.parse(made("location l /a.d/ -5: n1").to_xml().replace("a.d", "&quot;\\d"))
    assert '"/\\"\\\\d/" -> "n1" [style=dotted, label="l -5", color=red];' in (
        constraint_graph.dot(cib)
    )

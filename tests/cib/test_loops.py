"""Constraints that go round in a circle are found, and named with the whole way round."""

from __future__ import annotations

import time

import pytest

from crmsh_py.cib.check_loops import check_loops
from crmsh_py.cib.document import Cib
from crmsh_py.lang import load

RESOURCES = "".join(f"primitive {name} ocf:pacemaker:Dummy\n" for name in "abcdef")


def found(text: str) -> list[str]:
    """Findings about these constraints, errors with an exclamation mark."""
    cib = load(Cib.new(), RESOURCES + text)
    return [f"{f.message}{'!' if f.is_error else ''} {f.element}" for f in check_loops(cib)]


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("order x a b\norder y b a\n", "a → b → a! y"),
        ("order x a b\norder y b c\norder z c a\n", "a → b → c → a! z"),
        ("order x a:promote b:start\norder y b:start a:promote\n", "a:promote → b → a:promote! y"),
        ("order x ( a b ) c\norder y c b\n", "c → b → c! x"),
        ("group g a b\norder y b a\n", "a → b → a! y"),
        ("colocation x inf: a b\ncolocation y inf: b a\n", "a → b → a y"),
        ("colocation x inf: a ( b c )\ncolocation y inf: c a\n", "a → c → a y"),
    ],
)
def test_a_loop_is_named(text: str, way: str) -> None:
    (finding,) = found(text)
    assert finding.endswith(f"go round in a circle: {way}")


@pytest.mark.parametrize(
    "text",
    [
        "order x a b\norder y b c\norder z a c\n",
        "order x a b\norder y Optional: b a\n",
        "order x a b\norder y Serialize: b a\n",
        "order x a:start b:start\norder y b:promote a:promote\n",
        "order x [ a b ] c\norder y c b\n",
        "colocation x inf: a b\ncolocation y 100: b a\n",
        "colocation x inf: a b\ncolocation y -inf: b a\n",
        "order x a:start a:promote\n",
        "order x Optional: a a\n",
        "order x Serialize: a a\n",
        "colocation x 100: a a\n",
    ],
)
def test_what_can_be_kept_is_no_loop(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("order x a a\n", "a waits for its own start, which can never be! x"),
        ("order x Mandatory: a:stop a:stop\n", "a waits for its own stop, which can never be! x"),
        ("order x ( a b ) b\n", "b waits for its own start, which can never be! x"),
        ("colocation x inf: a a\n", "a is placed with itself, which says nothing x"),
    ],
)
def test_the_shortest_loop_is_of_one(text: str, wanted: str) -> None:
    assert found(text) == [wanted]


def test_a_knot_is_told_of_once() -> None:
    text = "order x a b\norder y b a\norder z b c\norder w c a\norder v d e\norder u e d\n"
    assert len(found(text)) == 2


def test_a_long_chain_takes_no_time_and_no_stack() -> None:
    lines = [f"primitive p{n} ocf:pacemaker:Dummy" for n in range(3000)]
    lines += [f"order o{n} p{n} p{n + 1}" for n in range(2999)]
    cib = load(Cib.new(), "\n".join(lines))
    started = time.process_time()
    assert list(check_loops(cib)) == []
    assert time.process_time() - started < 1.0

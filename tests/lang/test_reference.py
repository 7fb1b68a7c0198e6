"""docs/configure.md: its examples are typed from the top to the bottom, and nothing is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.checks import check, check_elements
from crmsh_py.cib.document import Cib
from crmsh_py.cib.schema import validate
from crmsh_py.lang import apply, load, parse_command, parse_element, show
from crmsh_py.lang.parser import automaton
from crmsh_py.lang.words import logical_lines

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "configure.md").read_text("utf-8")
EXAMPLES = "\n".join(re.findall(r"^```crm\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
# Old words, which the text only mentions.
OLD = {"ms", "user"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.of_machine()


@pytest.fixture(scope="module")
def typed(catalogue: Catalogue) -> Cib:
    """The configuration of all examples."""
    cib = Cib.new()
    for line in logical_lines(EXAMPLES):
        cib = apply(cib, parse_element(line), typed=True, catalogue=catalogue, line=line)
        wrong = [f for f in check_elements(cib, catalogue, None) if f.is_error]
        assert wrong == [], line.text
    return cib


def test_every_example_is_right(typed: Cib, catalogue: Catalogue) -> None:
    assert validate(typed) == ()
    assert [f for f in check(typed, agents=catalogue) if f.is_error] == []


def test_what_they_make_is_shown_and_loaded_again(typed: Cib, catalogue: Catalogue) -> None:
    text = show(typed, obscure=())
    again = load(Cib.new(), text, catalogue=catalogue)
    assert show(again, obscure=()) == text


def test_every_kind_of_element_has_an_example() -> None:
    rules = {p.name for p in automaton().tables.productions}
    kinds = {
        p.symbols[0]
        for p in automaton().tables.productions
        if p.name == "_element" and p.symbols[0] in rules
    }
    shown = {line.text.split()[0] for line in logical_lines(EXAMPLES)}
    assert len(kinds) > 15
    assert {kind for kind in kinds if kind not in shown} == OLD


def test_every_command_in_the_tables_is_one() -> None:
    for cell in re.findall(r"^\| (`[^|]*) \|", TEXT.partition("## Looking")[2], re.MULTILINE):
        for words in re.findall(r"`([a-z]+)[^`]*`", cell):
            if words in ("load", "order", "op"):
                continue
            if words == "cibstatus":
                assert parse_command(words, "configure").level == words
                continue
            line = {"set": "set a.b 1", "modgroup": "modgroup g add r", "rename": "rename a b",
                    "filter": "filter cat", "diff": "diff 1", "rollback": "rollback 1",
                    "delete": "delete a", "save": "save f"}.get(words, words)  # fmt: skip
            assert parse_command(line, "configure").name == words

"""The grammar itself: sound, complete, and really what parses."""

from __future__ import annotations

import contextlib
import re

import pytest
from lark import Lark, Token
from lark.exceptions import GrammarError

from crmsh_py.errors import CrmError, SyntaxProblem
from crmsh_py.lang import parse_command
from crmsh_py.lang.automaton import Automaton, Run, StuckError
from crmsh_py.lang.labels import LABELS
from crmsh_py.lang.parser import automaton
from crmsh_py.lang.tables import (
    CHAPTERS,
    LEVELS,
    STARTS,
    compile_grammar,
    grammar_text,
    load_tables,
)
from crmsh_py.resources import grammar_directory

# One line for each kind of element: what its rule alone makes possible.
ELEMENTS = {
    "node": "node 1: n1:remote attributes standby=on",
    "primitive": "primitive p ocf:heartbeat:Dummy params a=1 op monitor interval=10s",
    "rsc_template": "rsc_template t Dummy meta a=1",
    "group": "group g a b meta x=1",
    "clone": "clone c a",
    "ms": "ms m a",
    "bundle": "bundle b docker image=x network port-mapping port=1 storage storage-mapping a=b",
    "location": "location l r 100: n1",
    "colocation": "colocation c inf: a b",
    "order": "order o Mandatory: a ( b c )",
    "rsc_ticket": "rsc_ticket t T: a loss-policy=stop",
    "property": "property a=b",
    "rsc_defaults": "rsc_defaults a=b",
    "op_defaults": "op_defaults a=b",
    "fencing_topology": "fencing_topology n1: a,b c",
    "tag": "tag t a b",
    "role": "role r read xpath:/cib",
    "user": "user u role:r",
    "acl_target": "acl_target u r",
    "alert": "alert a /x select nodes to y",
    "monitor": "monitor p 10s",
    "xml": "xml <primitive/>",
}
PARTS = {
    "rule": "location l r rule #uname eq n1",
    "defined": "location l r rule defined a",
    "comparison": "location l r rule a lt 1",
    "date_compare": "location l r rule date lt 2030",
    "date_in": "location l r rule date in start=1 end=2",
    "date_spec": "location l r rule date spec hours=1",
    "params": "primitive p Dummy params a=1",
    "meta": "group g a meta a=1",
    "utilization": "node n utilization a=1",
    "attributes": "node n attributes a=1",
    "operations": "primitive p Dummy operations $id=x",
    "op": "primitive p Dummy op monitor interval=1s",
    "op_params": "primitive p Dummy op monitor interval=1s op_params a=1",
    "op_meta": "primitive p Dummy op monitor interval=1s op_meta a=1",
    "container": "bundle b docker image=x",
    "network": "bundle b network a=b",
    "port_mapping": "bundle b network port-mapping port=1",
    "storage": "bundle b storage",
    "storage_mapping": "bundle b storage storage-mapping a=b",
    "bundle_primitive": "bundle b primitive p",
    "parallel_set": "order o ( a b )",
    "any_set": "order o [ a b ]",
    "permission": "role r deny type:nvpair attr:x",
    "select": "alert a /x select fencing",
    "select_attributes": "alert a /x select attributes { x }",
    "recipient": "alert a /x to { y description=z meta a=1 }",
}


def test_the_grammar_is_strictly_lalr_and_no_two_terminals_are_confused() -> None:
    Lark(
        grammar_text(),
        parser="lalr",
        start=list(STARTS),
        strict=True,
        maybe_placeholders=False,
    )


def test_every_terminal_has_words_for_people() -> None:
    patterns = {t.name for t in load_tables().terminals.values() if not t.is_keyword}
    assert patterns | {"LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE", "COLON"} >= set(LABELS)
    assert patterns <= set(LABELS)


def test_no_terminal_is_anonymous_and_none_is_unused() -> None:
    terminals = load_tables().terminals
    assert not [name for name in terminals if name.startswith("__")]
    text = (grammar_directory() / "tokens.lark").read_text("utf-8")
    written = set(re.findall(r"^([A-Z][A-Z_0-9]*)(?:\.-?\d+)?:", text, re.MULTILINE))
    assert written == set(terminals)


def test_no_chapter_has_the_name_of_larks_own_library() -> None:
    assert "common" not in CHAPTERS
    assert {path.stem for path in grammar_directory().glob("*.lark")} == set(CHAPTERS)


def test_every_command_is_a_rule_of_its_own() -> None:
    names = {p.name for p in load_tables().productions}
    commands = {name for name in names if name.startswith("cmd_")}
    assert {name.split("_", 2)[1] for name in commands} <= set(LEVELS)
    assert len(commands) > 100
    reached = {symbol for p in load_tables().productions for symbol in p.symbols}
    assert commands <= reached


@pytest.mark.parametrize("rule", [*ELEMENTS, *PARTS])
def test_it_is_the_grammar_that_parses(rule: str) -> None:
    """Without its rule an element is refused, and the words of a part mean something else."""
    line = {**ELEMENTS, **PARTS}[rule]
    kinds = read(automaton(), line)
    body = re.sub(rf"^{rule}:.*(?:\n[ \t]+.*)*\n", "", grammar_text(), flags=re.MULTILINE)
    without = re.sub(rf"(?<![\w.]){rule}(?![\w.])", "_taken_away", body)
    without += "\n_taken_away: TAKEN_AWAY\nTAKEN_AWAY: /\\x00/\n"
    machine = Automaton(compile_grammar(without))
    if rule in ELEMENTS:
        with pytest.raises(StuckError):
            read(machine, line)
    else:
        with contextlib.suppress(StuckError):
            assert read(machine, line) != kinds


def read(machine: Automaton, line: str) -> list[str]:
    """The terminals that the words of an element are taken for."""
    run = Run(machine, "element_line", line)
    run.read_all()
    run.finish()
    return [word.kind for word in run.words]


def test_a_broken_grammar_is_an_error_of_lark() -> None:
    with pytest.raises(GrammarError):
        compile_grammar("element_line: nowhere")


@pytest.fixture(scope="module")
def lark() -> Lark:
    return Lark(grammar_text(), parser="lalr", start=list(STARTS), maybe_placeholders=False)


@pytest.mark.parametrize("line", [*ELEMENTS.values(), *PARTS.values()])
def test_larks_own_parser_takes_the_same_tokens(lark: Lark, line: str) -> None:
    """The automaton is ours; Lark's, fed the words as we classify them, agrees."""
    theirs = lark.parse_interactive("", start="element_line")
    ours = Run(automaton(), "element_line", line)
    while ours.skip_blanks():
        accepted = theirs.accepts()
        assert accepted == set(ours.expected())
        word = ours.read()
        theirs.feed_token(Token(word.kind, str(word)))
    assert "$END" in theirs.accepts()


@pytest.mark.parametrize(
    ("typed", "level", "name"),
    [
        ("conf", "configure", "enter"),
        ("cf sh", "configure", "show"),
        ("configure prim p Dummy", "configure", "primitive"),
        ("res mov a b", "resource", "move"),
        ("configure mgp g add a", "configure", "modgroup"),
    ],
)
def test_a_beginning_or_letters_in_order_are_enough_for_a_command(
    typed: str, level: str, name: str
) -> None:
    call = parse_command(typed)
    assert (call.level, call.name) == (level, name)


@pytest.mark.parametrize("typed", ["configure re", "c", "resource m a", "xyz"])
def test_what_fits_several_commands_or_none_is_refused(typed: str) -> None:
    with pytest.raises(CrmError, match="there is no command"):
        parse_command(typed)


def test_arguments_are_never_guessed() -> None:
    with pytest.raises(SyntaxProblem, match="“del” cannot stand here"):
        parse_command("resource failcount r del n1")

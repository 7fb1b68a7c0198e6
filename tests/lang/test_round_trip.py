"""What is said can be written, read, stored and shown again without loss."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yardstick import slowness

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.checks import check
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import IdMaker
from crmsh_py.errors import CrmError
from crmsh_py.lang import (
    ast,
    load,
    parse_command,
    parse_element,
    parse_elements,
    print_element,
    show,
)
from crmsh_py.lang.expectation import expect
from crmsh_py.lang.from_cib import fencing_topology, from_cib
from crmsh_py.lang.highlight import CrmLexer
from crmsh_py.lang.to_cib import to_cib
from crmsh_py.lang.words import WORD, join_words, quote_value, quote_word, unquote
from crmsh_py.lang.writer import MEMBER, Writer
from tests.lang import language

relaxed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
NODES = ("node1", "node2")
SECTIONS = {"property": "crm_config", "rsc_defaults": "rsc_defaults", "op_defaults": "op_defaults"}


@pytest.mark.parametrize("kind", sorted(language.ALL))
@given(data=st.data())
@relaxed
def test_what_is_printed_is_read_as_the_same(kind: str, data: st.DataObject) -> None:
    element = data.draw(language.ALL[kind])
    assert parse_element(print_element(element)) == element


@pytest.mark.parametrize("kind", sorted(language.ALL))
@given(data=st.data())
@relaxed
def test_what_is_stored_is_shown_as_the_same(kind: str, data: st.DataObject) -> None:
    element = data.draw(language.ALL[kind])
    assert stored_and_back(element) == element


@pytest.mark.parametrize("word", ["meta", "PARAMS", "rule", "_rsc_set_", "op", "primitive"])
def test_a_resource_may_be_named_like_a_word_of_the_language(word: str) -> None:
    members = (ast.Member(word), ast.Member(word))
    elements: list[ast.ElementNode] = [
        ast.Group("g", (word, "a", f"{word}-1")),
        ast.Group("g", ("a", word, "b"), sets=(ast.AttributeSet("meta"),)),
        ast.Clone("c", word),
        ast.Tag("t", (word, "a", word)),
        ast.Order("o", "", members),
        ast.Ticket("t", "T", members[1:]),
        ast.Order("o", "", (), (ast.ResourceSet((word, word)),)),
        ast.Order("o", "", (), (ast.ResourceSet((word, "a", word)),)),
    ]
    for element in elements:
        assert parse_element(print_element(element)) == element


def stored_and_back(element: ast.ElementNode) -> ast.ElementNode:
    written = with_members(to_cib(Writer(IdMaker(), nodes=NODES), element))
    assert all(type(v) is str for e in written.iter() for v in e.attrs.values())
    if isinstance(element, ast.FencingTopology):
        return fencing_topology(written, NODES)
    return from_cib(written, SECTIONS.get(getattr(element, "kind", ""), ""))


def with_members(element: Element) -> Element:
    """The element with empty primitives for its members, as the store would put them."""
    return element.map_children(
        lambda c: Element("primitive", {"id": c.id}) if c.tag == MEMBER else c
    )


@given(language.elements)
@relaxed
def test_stored_over_itself_nothing_changes(element: ast.ElementNode) -> None:
    ids = IdMaker()
    first = to_cib(Writer(ids, nodes=NODES), element)
    ids.free(inner.id for inner in first.iter())
    again = to_cib(Writer(ids, nodes=NODES), element, with_members(first))
    assert again == first


@given(language.values)
@relaxed
def test_quoting_a_value_loses_nothing(value: str) -> None:
    assert unquote(quote_value(value)) == value


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=10)))
@relaxed
def test_words_of_a_command_line_stay_words(words: list[str]) -> None:
    text = join_words(words)
    assert [unquote(match.group()) for match in WORD.finditer(text)] == words
    assert all(quote_word(word) for word in words)


# ---- hostile text --------------------------------------------------------------------------------

CRM_TEXT = r"""configure primitive p params a=b op monitor rule #uname eq ( ) [ { } inf: order
colocation location xml <a> " ' \ date in start=1 -inf: $id=x @x /x/ meta and or to role read
xpath:x id= -- property show resource move lab exec -- --help #"""
CRM_WORDS = st.sampled_from([*CRM_TEXT.split(), "\n", "\\\n"])


@given(st.lists(CRM_WORDS | st.text(max_size=4), max_size=14).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_no_text_is_a_surprise(text: str) -> None:
    """Every text is understood or refused; completion and colours take it as it is."""
    for read in (parse_command, parse_element, parse_elements):
        refused = ""
        try:
            read(text)
        except CrmError as error:
            refused = error.format_message() or "said nothing"
        assert refused != "said nothing"
    expect(text)
    assert "".join(piece for _, _, piece in CrmLexer().get_tokens_unprocessed(text)) == text


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        "primitive p Dummy params " + "a=b " * 25_000,
        "group g " + " ".join(f"r{n}" for n in range(15_000)),
        "order o " + "( a b ) " * 12_500,
        "order o " + "( " * 50_000,
        "location l r rule " + "a eq b and " * 9_000 + "a eq b",
        "property " + "x" * 100_000,
        "primitive p " + '"' * 99_999,
        "primitive p Dummy params a=" + "\\" * 100_000,
        "role r " + "read xpath:x " * 7_500,
        "xml " + "<a>" * 33_000,
        "tag t " + "a " * 50_000,
        "\n".join(f"primitive p{n} Dummy op monitor interval=10s" for n in range(2_200)),
        "\\\n" * 50_000,
        "alert a x to { " + "a=b " * 25_000,
    ],
    ids=range(14),
)
def test_a_hundred_kilobytes_take_less_than_a_second(text: str) -> None:
    started = time.process_time()
    message = ""
    try:
        parse_elements(text)
    except CrmError as error:
        message = error.format_message()
    assert len(message) < 70_000
    took = time.process_time() - started
    assert took < 1.0 * max(1, len(text) / 100_000) * slowness()


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        "order o " + "( a ) " * 8_000,
        "primitive p Dummy params " + "a=1 " * 12_500,
        "location l r " + "rule #uname eq n1 " * 2_700,
        "location l /" + "(" * 50_000 + "/ inf: n1",
        "role r " + "read cib " * 5_500,
        "property " + " ".join(f"stnith{n}=1" for n in range(3_500)),
        "\n".join(f"group g{n} a{n} b{n}" for n in range(2_700)),
        "\n".join(f"primitive p{n} Dumm{n}" for n in range(2_200)),
        "\n".join(f"location l{n} vipp{n} inf: node{n}" for n in range(1_500)),
    ],
    ids=range(9),
)
def test_storing_and_checking_fifty_kilobytes_is_quick(text: str) -> None:
    """However much is wrong, numbered or doubled in it."""
    catalogue = Catalogue.of_machine()
    started = time.process_time()
    message = ""
    try:
        cib = load(Cib.new(), text, catalogue=catalogue)
        found = check(cib, agents=catalogue)
        message = "".join(f"{finding}{finding.hint}" for finding in found)
        assert load(cib, show(cib, obscure=())).configuration == cib.configuration
    except CrmError as error:
        message = error.format_message()
    assert len(message) < 70_000
    # A second on an idle machine; what grows with the square would take minutes.
    assert time.process_time() - started < 5 * slowness()

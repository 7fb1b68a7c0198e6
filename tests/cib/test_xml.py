"""XML comes in by one door, which lets only harmless documents through, and goes out unchanged."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.xml import canonical, parse, to_xml
from crmsh_py.errors import ConfigError, SyntaxProblem

BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol">
 <!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
 <!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
]>
<cib>&lol2;</cib>"""


def test_elements_keep_attributes_children_and_comments_in_order() -> None:
    root = parse('<a z="1" b="2"><!-- why --><c/>  <d>text</d></a>')
    assert list(root.attrs) == ["z", "b"]
    assert [child.tag for child in root.children] == [COMMENT, "c", "d"]
    assert root.children[0].text == " why "
    assert root.children[2].text == "text"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (BILLION_LAUGHS, "DOCTYPE"),
        ('<!DOCTYPE cib SYSTEM "http://example.org/x.dtd"><cib/>', "DOCTYPE"),
        ('<!-- first --><!DOCTYPE cib [<!ENTITY x SYSTEM "file:///etc/passwd">]><cib/>', "DOCTYPE"),
        ("<cib>&undefined;</cib>", "well-formed"),
        ("<cib" + "><a" * 1000 + "/>", "inside each other"),
        ("<a>" * 210 + "</a>" * 210, "inside each other"),
        ('<x:cib xmlns:x="urn:x"/>', "namespace"),
        ("<cib><a/>words<b/></cib>", "unexpected text"),
        ("<cib", "well-formed"),
        ("", "well-formed"),
        ("<cib a='1' a='2'/>", "well-formed"),
        ("<cib a='\x00'/>", "well-formed"),
    ],
)
def test_what_a_cib_never_needs_is_refused_with_its_place(text: str, word: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text)
    assert word in caught.value.diagnostic.message


def test_a_document_type_in_another_encoding_does_not_slip_through() -> None:
    for encoding in ("utf-16", "utf-32", "utf-7"):
        with pytest.raises(SyntaxProblem):
            parse(BILLION_LAUGHS.encode(encoding))


def test_size_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(SyntaxProblem, match="larger than 1 KiB"):
        parse("<cib>" + " " * 2000 + "</cib>", max_bytes=1024)


def test_a_mistake_is_shown_with_its_line_and_a_caret() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse('<cib>\n <nodes>\n  <node id="1" uname=x/>\n </nodes>\n</cib>')
    diagnostic = caught.value.diagnostic
    assert diagnostic.line == 3
    assert diagnostic.source == '  <node id="1" uname=x/>'
    assert "line 3" in diagnostic.message
    assert "<string>" not in diagnostic.message


def test_bytes_may_be_utf8_with_a_mark_or_latin1_when_they_say_so() -> None:
    assert parse(b'\xef\xbb\xbf<a b="\xc3\xa9"/>').get("b") == "é"
    assert parse(b'<?xml version="1.0" encoding="ISO-8859-1"?><a b="\xe9"/>').get("b") == "é"
    with pytest.raises(SyntaxProblem, match="not utf-8 text"):
        parse(b'<a b="\xe9"/>')


def test_a_character_that_xml_cannot_carry_is_told_and_not_written() -> None:
    with pytest.raises(ConfigError, match=r"U\+0007"):
        to_xml(Element("a", {"b": "ring \x07"}))


def test_a_comment_with_two_hyphens_stays_a_comment() -> None:
    written = to_xml(Element("a", {}, (Element(COMMENT, {}, (), " a--b-"),)))
    assert parse(written).children[0].text.replace(" ", "") == "a-" + "-b-"


def test_canonical_form_does_not_depend_on_the_order_of_attributes() -> None:
    assert canonical(parse('<a x="1" y="2"/>')) == canonical(parse('<a y="2" x="1"/>'))
    assert canonical(parse("<a><b/><c/></a>")) != canonical(parse("<a><c/><b/></a>"))
    assert canonical(parse("<a><b/></a>")) != canonical(parse("<a></a>"))


_TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc"))
    | st.sampled_from("\t\n\r\"'&<>"),
    max_size=20,
)
_NAMES = st.sampled_from(["a", "b-c", "nvpair", "primitive", "é"])


def _elements() -> st.SearchStrategy[Element]:
    leaf = st.builds(
        Element,
        _NAMES,
        st.dictionaries(st.sampled_from(["id", "name", "value", "with-rsc"]), _TEXT),
        st.just(()),
        _TEXT.filter(lambda text: not text or (text.strip() != "" and "\r" not in text)),
    )
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            Element,
            _NAMES,
            st.dictionaries(st.sampled_from(["id", "name"]), _TEXT),
            st.lists(inner, min_size=1, max_size=4).map(tuple),
        ),
        max_leaves=15,
    )


@settings(max_examples=150, deadline=None)
@given(_elements(), st.sampled_from(["  ", "\t", None]))
def test_reading_gives_back_what_was_written(element: Element, indent: str | None) -> None:
    assert parse(to_xml(element, indent=indent)) == element
    assert parse(to_xml(element, declaration=True)) == element


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_else_is_a_syntax_problem_and_nothing_worse(data: bytes | str) -> None:
    with contextlib.suppress(SyntaxProblem):
        parse(data)

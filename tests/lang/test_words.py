"""Below the grammar: logical lines and words."""

from __future__ import annotations

import pytest

from crmsh_py.lang.words import (
    WORD,
    Word,
    join_words,
    logical_lines,
    quote_value,
    quote_word,
    span_of,
    unquote,
)


def lines_of(text: str) -> list[str]:
    return [line.text for line in logical_lines(text)]


def test_a_backslash_joins_lines_without_adding_a_blank() -> None:
    assert lines_of("foo \\\nbar") == ["foo bar"]
    assert lines_of("foo\\\nbar") == ["foobar"]
    assert lines_of("foo \\\\\\\n\tbar\n") == ["foo bar"]


def test_blank_lines_and_comments_are_no_elements_but_comments_are_kept_with_the_next() -> None:
    found = list(logical_lines("# one\n\n# two\nnode n1\n\nnode n2\n# three"))
    assert [(line.text, line.line, line.comments) for line in found] == [
        ("node n1", 4, ("# one", "# two")),
        ("node n2", 6, ()),
    ]


def test_a_comment_sign_inside_a_continued_line_is_a_word() -> None:
    assert lines_of("rule \\\n#uname eq x") == ["rule #uname eq x"]


def test_a_place_in_a_logical_line_is_one_in_a_physical_line() -> None:
    (line,) = logical_lines("primitive p Dummy \\\n\tparams a=1 \\\n\tmeta b=2")
    start = line.text.index("b=2")
    assert line.place((start, start + 3)) == (3, "meta b=2", (5, 8))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", "plain"),
        ("'a b'", "a b"),
        ('"a \'b\' \\"c\\""', "a 'b' \"c\""),
        (r'"a\\b\n"', r"a\b\n"),
        (r"a\ b", "a b"),
        ("a'b'\"c\"", "abc"),
        (r"'a\b'", r"a\b"),
        ('""', ""),
    ],
)
def test_words_are_those_of_a_posix_shell(raw: str, value: str) -> None:
    assert unquote(raw) == value
    assert WORD.fullmatch(raw)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("", '""'),
        ("a b", '"a b"'),
        ('say "hi"', r'"say \"hi\""'),
        (r"a\b", r'"a\b"'),
        ("ends\\", '"ends\\\\"'),
        ("zażółć", "zażółć"),
        ("rw,sync", '"rw,sync"'),
    ],
)
def test_values_are_quoted_only_where_needed(value: str, written: str) -> None:
    assert quote_value(value) == written
    assert unquote(written) == value


def test_arguments_of_a_command_line_keep_their_look_where_they_can() -> None:
    assert quote_word("ip=1 2") == "ip='1 2'"
    assert join_words(["configure", "primitive", "p", "Dummy", "state=a b", "it's"]) == (
        "configure primitive p Dummy state='a b' \"it's\""
    )


def test_a_part_of_a_word_keeps_its_place_if_the_word_has_no_quotes() -> None:
    assert span_of(Word("r1:Promoted", "MEMBER", 10, 21).part("Promoted", 3)) == (13, 21)
    assert span_of(Word("a b:c", "MEMBER", 10, 17).part("c", 4)) == (10, 17)
    assert span_of("made up") is None

"""Colours come from the parser: the same word is coloured by where it stands."""

from __future__ import annotations

from pygments.token import Comment, Error, Keyword, Name, Number, String, Text

from crmsh_py.lang.highlight import CrmLexer


def colors(text: str, **options: str) -> list[tuple[object, str]]:
    tokens = CrmLexer(**options).get_tokens_unprocessed(text)
    return [(kind, piece) for _, kind, piece in tokens if kind is not Text]


def test_words_are_coloured_by_what_they_are() -> None:
    found = colors("primitive start ocf:pacemaker:Dummy op start interval=10s")
    assert found[:5] == [
        (Keyword, "primitive"),
        (Name.Class, "start"),
        (Name.Function, "ocf:pacemaker:Dummy"),
        (Keyword, "op"),
        (Name, "start"),
    ]
    assert [piece for _, piece in found[5:]] == ["interval", "=", "10s"]


def test_scores_references_values_and_comments() -> None:
    assert (Number, "inf:") in colors("colocation c inf: a b")
    assert (Name.Variable, "a") in colors("colocation c inf: a b")
    assert (String, '"x y"') in colors('property a="x y"')
    assert colors("# a comment") == [(Comment, "# a comment")]


def test_what_cannot_stand_there_is_an_error_to_the_end_of_its_line() -> None:
    found = colors("group g = x y\nnode n1")
    assert (Error, "= x y") in found
    assert (Keyword, "node") in found


def test_a_continued_line_is_one_line() -> None:
    found = colors("primitive p Dummy \\\n\tparams a=1")
    assert not [piece for kind, piece in found if kind is Error]
    assert (Keyword, "params") in found


def test_the_level_decides() -> None:
    assert (Keyword, "move") in colors("move a n1", level="resource")
    assert colors("move a n1", level="configure") == [(Error, "move a n1")]
    assert (Keyword, "status") in colors("status")

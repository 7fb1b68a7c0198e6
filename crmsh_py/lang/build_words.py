"""Picking words out of what a rule of the grammar has read: the tools of the ``build_`` modules.

Every piece that is taken out of a word keeps the word's place.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.lang import ast, facts
from crmsh_py.lang.words import Word
from crmsh_py.xml_text import is_attribute_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")


Children = list[object]


class MeaningError(Exception):
    """A line that the grammar takes but that cannot mean anything."""

    def __init__(self, message: str, word: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.hint = hint


def words(children: Children, *kinds: str) -> tuple[Word, ...]:
    """The words of these kinds."""
    return tuple([c for c in children if isinstance(c, Word) and c.kind in kinds])


def word_of(children: Children, *kinds: str) -> str:
    """The first word of these kinds, or ''."""
    for child in children:  # a loop: this is asked several times for every word of a text
        if isinstance(child, Word) and child.kind in kinds:
            return child
    return ""


def all_of(children: Children, kind: type[_T]) -> tuple[_T, ...]:
    """The values of one type."""
    return tuple([c for c in children if isinstance(c, kind)])


def after(text: str, sign: str) -> str:
    """What follows the first ``sign``, with its place."""
    start = text.find(sign) + len(sign)
    return text.part(text[start:], start) if isinstance(text, Word) else text[start:]


def before(text: str, sign: str) -> str:
    """What stands before the first ``sign``, with its place."""
    piece = text[: text.find(sign)]
    return text.part(piece) if isinstance(text, Word) else piece


def own_attributes(children: Children) -> tuple[ast.Nvpair, ...]:
    """The pairs that become attributes of an element itself, and not nvpairs in it."""
    pairs = all_of(children, ast.Nvpair)
    for pair in pairs:
        if pair.is_reference or pair.nvid:
            raise MeaningError(
                "an id or a reference cannot stand here", pair.nvid, "write name=value"
            )
        check_attribute_name(pair.name)
        if pair.value is None:
            raise MeaningError(f"{pair.name} needs a value", pair.name, f"write {pair.name}=…")
    return pairs


def check_attribute_name(name: str) -> None:
    """Raise MeaningError for what cannot be the name of an attribute in XML.

    (Names of nvpairs are values, and freer.)
    """
    if not is_attribute_name(name):
        raise MeaningError(
            f"“{name}” cannot be the name of an attribute",
            name,
            "it begins with a letter or _ but not with xml; letters, digits, _ . and - may follow",
        )


def new_id(children: Children) -> str:
    """The id of a new element: the first word, or ``id=ID``."""
    name = word_of(children, "NEW_ID")
    return name or after(word_of(children, "ID_EQ"), "=")


def described(children: Children) -> str:
    """The text after ``description=``."""
    word = word_of(children, "DESCRIPTION")
    return after(word, "=") if word else ""


def given_id(children: Children) -> str:
    """The id that was given: ``$id=ID`` or ``ID:``."""
    if dollar := word_of(children, "DOLLAR_ID"):
        return after(dollar, "=")
    colon = word_of(children, "ID_COLON")
    return before(colon, ":") if colon else ""


def id_ref(children: Children) -> str:
    """The id after ``$id-ref=``."""
    word = word_of(children, "DOLLAR_IDREF")
    return after(word, "=") if word else ""


def score_of(children: Children) -> str:
    """The score before the colon, as the CIB writes it."""
    word = word_of(children, "SCORE")
    if not word:
        return ""
    written = before(word, ":")
    score = facts.score_from_word(written)
    return written if score == written else placed(score, word)


def placed(text: str, where: str) -> str:
    """A normalized form that keeps the place of what was written."""
    return Word(text, where.kind, where.start, where.end) if isinstance(where, Word) else text


def one_of(word: str, known: Sequence[str], what: str) -> str:
    """A word in its canonical case, or a MeaningError that names the known ones."""
    for name in known:
        if word.lower() == name.lower():
            return placed(name, word)
    raise MeaningError(f"“{word}” is not {what}", word, f"one of: {', '.join(known)}")

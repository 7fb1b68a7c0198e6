"""Where the caret stands below a line that is wrong."""

from __future__ import annotations

from shell.person import Person


def test_a_caret_is_under_the_word_itself(person: Person) -> None:
    """Not under the same letters in another word, and under the short name of an agent."""
    said = person.types("configure location vi-loc vi inf: alpha")
    source, caret = said.splitlines()[1:3]
    assert source[: len(caret)].endswith("vi-loc vi")
    assert caret.endswith(" ~^")
    source, caret = person.types("configure primitive x Dumy").splitlines()[1:3]
    assert source[: len(caret)].endswith(" Dumy")
    assert caret.endswith(" ~~~^")


def test_a_caret_is_under_its_word_on_a_terminal_where_letters_are_wide_or_nothing(
    person: Person,
) -> None:
    """Han is two columns wide, an accent by itself none."""
    line = "configure primitive x ocf:pacemaker:Dummy params fake=日本語e\u0301 fke=1"
    source, caret = person.types(line).splitlines()[1:3]
    assert source.endswith(" fke=1")
    columns = len(source) + 3 - 1
    assert len(caret) == columns - len("=1")
    assert caret.endswith(" ~~^")


def test_a_caret_is_under_a_number_that_got_its_unit(person: Person) -> None:
    said = person.types("configure primitive x ocf:pacemaker:Dummy op start interval=5").split("\n")
    caret = next(line for line in said if line.endswith("^"))
    assert said[said.index(caret) - 1][len(caret) - 1 :] == "5"

"""What people call things elsewhere leads to what they are called here."""

from __future__ import annotations

import re

import pytest

from crmsh_py.errors import SyntaxProblem
from crmsh_py.lang.other_words import all_words
from crmsh_py.lang.parser import parse_command
from crmsh_py.lang.tables import LEVELS


@pytest.mark.parametrize(("level", "word", "here"), all_words())
def test_the_word_is_none_of_ours_and_leads_to_commands_that_there_are(
    level: str, word: str, here: str
) -> None:
    with pytest.raises(SyntaxProblem, match=f"there is no command “{word}”") as caught:
        parse_command(word, level)
    assert here in caught.value.format_message()
    for told_of in re.sub(r" \(.*?\)", "", here).split(", "):
        command = told_of.removeprefix("after ").removeprefix("or ")
        told = ""
        try:
            parse_command(command, "root" if command.split()[0] in LEVELS else level)
        except SyntaxProblem as problem:
            told = str(problem)
        assert "no command" not in told, command

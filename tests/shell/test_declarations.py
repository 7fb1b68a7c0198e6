"""The grammar says how commands are written, the declarations what they are for: same commands."""

from __future__ import annotations

import pytest

from crmsh_py.lang.parser import parse_command
from crmsh_py.lang.tables import load_tables
from crmsh_py.shell.declarations import ALL, BY_RULE, LEVELS, Declaration
from crmsh_py.shell.dispatch import handler_of


def grammar_commands() -> set[str]:
    """The names of all command rules of the grammar."""
    names = {production.name for production in load_tables().productions}
    return {name for name in names if name.startswith("cmd_")}


def test_grammar_and_declarations_name_the_same_commands() -> None:
    assert grammar_commands() == set(BY_RULE)


def test_no_command_is_declared_twice() -> None:
    assert len(BY_RULE) == len(ALL)


@pytest.mark.parametrize("declaration", ALL, ids=lambda d: d.rule)
def test_every_example_is_that_command(declaration: Declaration) -> None:
    """The example of the help parses, at the root, to the command that it explains."""
    call = parse_command(declaration.example.removeprefix("crm "), "root")
    assert (call.level, call.name.replace("_", "-")) == (
        declaration.level,
        declaration.name.replace("_", "-"),
    )


@pytest.mark.parametrize("declaration", ALL, ids=lambda d: d.rule)
def test_every_command_has_a_handler(declaration: Declaration) -> None:
    call = parse_command(declaration.example.removeprefix("crm "), "root")
    assert callable(handler_of(call))


def test_every_level_has_commands() -> None:
    assert {declaration.level for declaration in ALL} - {"root"} == set(LEVELS)

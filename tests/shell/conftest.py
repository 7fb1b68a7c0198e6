"""A person at the shell, on a configuration in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell.person import Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody whose every command is a command of its own: a script, or one-shots."""
    return Person(tmp_path)


@pytest.fixture
def sitting(tmp_path: Path) -> Person:
    """Somebody in the REPL who has been asked nothing yet."""
    return Person(tmp_path, interactive=True)

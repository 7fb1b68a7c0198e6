"""A person at the shell, on a configuration in a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.agents.installed import InstalledAgents, Places


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody whose every command is a command of its own: a script, or one-shots."""
    return Person(tmp_path)


@pytest.fixture
def sitting(tmp_path: Path) -> Person:
    """Somebody in the REPL who has been asked nothing yet."""
    return Person(tmp_path, interactive=True)


@pytest.fixture
def editing(sitting: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody in ``configure`` at a terminal, who has an editor (``edits_by``)."""
    environ = {**sitting.session.environ, "EDITOR": str(sitting.directory / "editor")}
    monkeypatch.setattr(sitting.session, "environ", environ)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    sitting.types("configure")
    return sitting


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The agents that we describe ourselves, on a machine that has none."""
    empty = tmp_path_factory.mktemp("machine")
    places = Places(empty, (empty,), empty, (empty,), empty / "systemd")
    return Catalogue(InstalledAgents(places))

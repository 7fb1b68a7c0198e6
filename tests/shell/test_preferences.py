"""What a user prefers is read from a file that may be anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsh_py.errors import ConfigError, NotFound
from crmsh_py.shell.preferences import TABLE, Preferences, file_of


def test_what_is_set_is_there_again_and_foreign_settings_are_kept(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    path = Path(file_of(environ))
    path.parent.mkdir(parents=True)
    path.write_text("[core]\nskill_level = expert\nwait = yes\n", encoding="utf-8")
    preferences = Preferences.load(environ)
    assert preferences.is_on("core.wait")
    preferences.set("repl.keys", "vi")
    assert preferences.changed
    assert preferences.save(environ) == str(path)
    assert "skill_level = expert" in path.read_text("utf-8")
    again = Preferences.load(environ)
    assert (again.get("repl.keys"), again.is_on("core.wait"), again.changed) == ("vi", True, False)


@pytest.mark.parametrize(
    "text", ["", "\0\0", "[", "keys = vi", "[repl]\nkeys = wordstar\n", "é" * 9]
)
def test_a_damaged_file_leaves_the_defaults(tmp_path: Path, text: str) -> None:
    environ = {"CRM_CONFIG_FILE": str(tmp_path / "mine")}
    Path(file_of(environ)).write_text(text, encoding="latin-1")
    preferences = Preferences.load(environ)
    assert {name: preferences.get(name) for name in TABLE} == {
        name: preference.default for name, preference in TABLE.items()
    }


def test_only_what_can_be_set_is_set() -> None:
    preferences = Preferences()
    with pytest.raises(NotFound):
        preferences.set("repl.key", "vi")
    with pytest.raises(ConfigError):
        preferences.set("repl.keys", "wordstar")
    assert not preferences.changed


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    preferences = Preferences({"repl.keys": "vi"})
    with pytest.raises(ConfigError, match="nothing was saved"):
        preferences.save({"CRM_CONFIG_FILE": str(tmp_path / "file" / "below")})

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


OTHERS = """\
a line before the first section
# mine
[core]
; crmsh's
editor = vim
\tand more of it
pager: less
[colour]
style = red

[core]
skill_level = expert
# the end"""


def test_what_others_wrote_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "crm.conf"
    path.write_text(OTHERS)
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    environ = {"CRM_CONFIG_FILE": str(link)}
    preferences = Preferences.load(environ)
    assert (preferences.get("core.editor"), preferences.get("core.pager")) == ("vim", "less")
    preferences.set("editor", "ed")
    preferences.set("wait", "yes")
    preferences.set("repl.keys", "vi")
    preferences.save(environ)
    changed = OTHERS.replace("editor = vim\n\tand more of it", "editor = ed")
    changed = changed.replace("pager: less", "pager = less")
    assert path.read_text() == f"{changed}\nwait = yes\n[repl]\nkeys = vi\n"
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert Preferences.load(environ).get("core.editor") == "ed"
    Preferences.load(environ).reset(environ)
    left = path.read_text()
    assert "a line before" in left
    assert "# mine" in left
    assert "style = red" in left
    assert "editor" not in left


def test_nothing_is_cut_off_or_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "crm.conf"
    long = b"[other]\n" + b"# \xff" + b"x" * 100_000 + b"\r\nname = 1\n"
    path.write_bytes(long)
    environ = {"CRM_CONFIG_FILE": str(path)}
    preferences = Preferences.load(environ)
    preferences.set("repl.keys", "vi")
    preferences.save(environ)
    assert path.read_bytes() == long + b"[repl]\nkeys = vi\n"
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigError, match="nothing was saved"):
        preferences.save(environ)
    assert path.stat().st_size == 2_000_000

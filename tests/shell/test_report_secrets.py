"""A report is shown to others: what is secret in it is hidden, the shared key too."""

from __future__ import annotations

import pytest
from shell.person import Person

from crmsh_py.cib.document import Cib
from crmsh_py.shell import cmd_root_report
from crmsh_py.shell.cmd_root_report import _Secrets

CIB = Cib.parse(
    "<cib><configuration><resources><primitive id='d'><instance_attributes id='i'>"
    "<nvpair id='n' name='passwd' value='geheim-wort'/></instance_attributes></primitive>"
    "</resources></configuration><status/></cib>"
)
CONF = "totem {\n    version: 2\n    key: 0123456789abcdef\n    keyfile: /etc/k\n}\n"


def test_the_shared_key_and_passwords_are_hidden_in_every_text() -> None:
    shown = _Secrets(CIB, ["passw*"], keep=False).text(CONF + "login geheim-wort\n")

    assert "0123456789abcdef" not in shown
    assert "geheim-wort" not in shown
    assert "keyfile: /etc/k" in shown


def test_who_asks_for_them_gets_them() -> None:
    assert _Secrets(CIB, ["passw*"], keep=True).text(CONF) == CONF


def test_no_other_file_is_touched_by_a_report(person: Person) -> None:
    """A report may be written to /tmp, where others can put links."""
    victim = person.directory / "victim"
    victim.write_text("precious")
    (person.directory / "r.tar.gz.new").symlink_to(victim)
    person.types(f"report {person.directory}/r")
    assert person.code == 0
    assert victim.read_text() == "precious"
    made = person.directory / "r.tar.gz"
    assert not made.is_symlink()
    assert made.stat().st_mode & 0o777 == 0o600
    assert (person.directory / "r.tar.gz.new").is_symlink()


def test_a_report_takes_the_options_that_crmsh_s_scripts_give(person: Person) -> None:
    wish = f"report -Z -Q -D -f 10:00 -n 'alpha beta' -n gamma {person.directory}/r"
    person.types(wish)
    assert person.code == 0
    assert "exists" in person.types(f"report {person.directory}/r")
    person.types(wish)
    assert person.code == 0


def test_a_report_that_fails_leaves_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = set(person.directory.iterdir())
    monkeypatch.setattr(cmd_root_report, "_parts", fails)
    assert "No space left" in person.types(f"report {person.directory}/r")
    assert set(person.directory.iterdir()) == before

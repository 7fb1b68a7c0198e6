"""A report is shown to others: what is secret in it is hidden, the shared key too."""

from __future__ import annotations

from crmsh_py.cib.document import Cib
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

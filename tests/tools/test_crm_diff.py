"""crm_diff: two configurations compared, and one patched."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from tools.fakes import CIB

from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.tools import crm_diff

Capture = pytest.CaptureFixture[str]
CHANGED = (
    CIB.replace('epoch="7"', 'epoch="8"')
    .replace('value="192.168.100.100"', 'value="10.0.0.1"')
    .replace(
        '<rsc_order id="apache-after-ip" kind="Mandatory" first="ClusterIP" then="WebSite"/>', ""
    )
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """The original and what was made of it."""
    for name, text in (("old", CIB), ("new", CHANGED)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / "old"), str(tmp_path / "new")


def test_a_difference_is_a_patch_as_pacemaker_writes_it(
    files: tuple[str, str], capsys: Capture
) -> None:
    """Nothing is in it that is not Pacemaker's; the exit code tells that there is a difference."""
    old, new = files
    assert crm_diff.main(["-o", old, "-n", new]) == 1
    told = capsys.readouterr().out
    assert told.startswith(
        '<diff format="2">\n'
        "  <version>\n"
        '    <source admin_epoch="0" epoch="7" num_updates="3"/>\n'
        '    <target admin_epoch="0" epoch="8" num_updates="3"/>\n'
        "  </version>\n"
        '  <change operation="delete" path="/cib/configuration/constraints/'
        "rsc_order[@id='apache-after-ip']\"/>\n"
    )
    assert '<change-attr name="value" operation="set" value="10.0.0.1"/>' in told
    assert "crm-" not in told
    assert crm_diff.main(["-o", old, "-n", old]) == 0
    assert capsys.readouterr().out == ""


def test_a_patch_makes_the_one_of_the_other(
    files: tuple[str, str], tmp_path: Path, capsys: Capture
) -> None:
    old, _ = files
    assert crm_diff.main(["-O", CIB, "-N", CHANGED, "--cib"]) == 1
    (tmp_path / "patch").write_text(capsys.readouterr().out, encoding="utf-8")
    assert crm_diff.main(["-o", old, "-p", str(tmp_path / "patch")]) == 0
    assert Cib.parse(capsys.readouterr().out) == Cib.parse(CHANGED)


def test_without_versions_a_patch_fits_any(files: tuple[str, str], capsys: Capture) -> None:
    old, new = files
    assert crm_diff.main(["-u", "-o", old, "-n", new]) == 1
    told = capsys.readouterr().out
    assert "<version>" not in told
    assert "epoch" not in told
    bumped = CIB.replace('epoch="7"', 'epoch="9"')
    assert crm_diff.main(["-u", "-o", old, "-N", bumped]) == 0, "nothing but its version differs"


def test_the_original_may_be_piped(
    files: tuple[str, str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CIB.encode())))
    assert crm_diff.main(["-s", "-n", files[1]]) == 1
    assert len(Patch.from_xml(capsys.readouterr().out).changes) == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-o", "/nowhere", "-N", CIB], 65),
        (["-O", "<cib", "-N", CIB], 65),
        (["-O", CIB], 64),
        (["-N", CIB], 64),
        (["-O", CIB, "-N", CIB, "-c", "-u"], 64),
    ],
)
def test_what_cannot_be_compared(words: list[str], code: int) -> None:
    assert crm_diff.main(words) == code

"""Parameters that stand in files of the node."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from crmsh_py.errors import CrmError
from crmsh_py.node import secrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "db"
    place.mkdir()
    (place / "passwd").write_text("geheim")
    (place / "passwd.sign").write_text(hashlib.md5(b"geheim").hexdigest())  # noqa: S324
    return tmp_path


def test_values_come_from_files_and_others_stay(folder: Path) -> None:
    given = {"passwd": secrets.IN_FILE, "user": "x"}
    assert secrets.filled(given, "db:1", str(folder)) == {"passwd": "geheim", "user": "x"}


def test_a_file_that_was_cut_off_is_noticed(folder: Path) -> None:
    (folder / "db" / "passwd").write_text("geh")
    with pytest.raises(CrmError, match="does not fit its digest"):
        secrets.filled({"passwd": secrets.IN_FILE}, "db", str(folder))


@pytest.mark.parametrize("name", ["../db/passwd", ".passwd", "nosuch"])
def test_no_other_file_is_read(folder: Path, name: str) -> None:
    with pytest.raises(CrmError):
        secrets.filled({name: secrets.IN_FILE}, "db", str(folder))


def test_the_folder_is_beside_the_store() -> None:
    place = secrets.directory("/disk/var/lib/crmsh-py/store.sqlite")
    assert place == "/disk/var/lib/pacemaker/lrm/secrets"

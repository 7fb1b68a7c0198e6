"""corosync-keygen: a key for its owner alone, of the size that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsh_py.tools import corosync_keygen


def test_a_key_is_made_for_its_owner_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "authkey"

    assert corosync_keygen.main(["-k", str(path)]) == 0
    first = path.read_bytes()
    assert corosync_keygen.main(["--key-file", str(path), "--size=2048", "-l"]) == 0

    assert len(first) == 256
    assert len(path.read_bytes()) == 2048
    assert path.stat().st_mode & 0o777 == 0o400
    assert capsys.readouterr().out.splitlines()[:3] == [
        "Corosync Cluster Engine Authentication key generator.",
        "Gathering 2048 bits for key from /dev/urandom.",
        f"Writing corosync key to {path}.",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "64"], "128 to 4096"),
        (["-r", "/dev/null"], "gave 0 bytes"),
        (["-k", "/proc/authkey"], "cannot be made"),
    ],
)
def test_what_cannot_be_is_said(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert corosync_keygen.main(["-k", str(tmp_path / "key"), *arguments]) != 0

    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

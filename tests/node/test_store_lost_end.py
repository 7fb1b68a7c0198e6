"""A store that has lost its end is whole and only older: it must not be taken for what it was.

What a power cut leaves is no damage, whatever is torn: nothing of that was acknowledged.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from node.test_store_crashes import FRAME, LOG_HEADER, append, batches

from crmsh_py.engine.api import SaveRatified, Standing, StoredState
from crmsh_py.node import store as store_module
from crmsh_py.node.store import Store
from crmsh_py.node.tally import SUFFIX as TALLY_SUFFIX
from crmsh_py.wire.settings import NEW_SUFFIX

COUNT = 8


def opened(path: Path) -> tuple[StoredState, str]:
    """What a start finds, and what it says about it."""
    store = Store(str(path), append)
    try:
        result = store.open()
    finally:
        store.close()
    return result.state, result.warning


def beside(path: Path, suffix: str) -> Path:
    return Path(f"{path}{suffix}")


def killed(path: Path, picture: Path, count: int = COUNT) -> list[int]:
    """Leave at ``picture`` what a node leaves that is killed; how long the log was by batch."""
    store = Store(str(path), append)
    store.open()
    lengths = [beside(path, "-wal").stat().st_size]
    for writes in ([SaveRatified(term=1)], *batches(count)):
        store.write(writes)
        lengths.append(beside(path, "-wal").stat().st_size)
    for suffix in ("", "-wal", TALLY_SUFFIX):
        shutil.copyfile(beside(path, suffix), beside(picture, suffix))
    store.close()
    return lengths


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    directory = tmp_path / "picture"
    directory.mkdir()
    return directory / "cib.sqlite"


def test_what_a_killed_node_leaves_is_whole(tmp_path: Path, picture: Path) -> None:
    killed(tmp_path / "cib.sqlite", picture)
    for _ in range(2):
        state, warning = opened(picture)
        assert not warning
        assert state.standing is Standing.VOTER
        assert f"({COUNT}" in state.cib


@pytest.mark.parametrize("back", range(COUNT))
def test_a_log_that_is_bad_in_what_was_acknowledged_is_damage(
    tmp_path: Path, picture: Path, back: int
) -> None:
    """A byte goes bad in the last batch, in the one before it, and so on."""
    ends = killed(tmp_path / "cib.sqlite", picture)
    log = bytearray(beside(picture, "-wal").read_bytes())
    log[ends[-1 - back] - FRAME // 2] ^= 0x55
    beside(picture, "-wal").write_bytes(log)
    state, warning = opened(picture)
    assert state == StoredState(), "it has lost what it said that it has: it is no voter"
    assert "moved to" in warning
    assert opened(picture) == (StoredState(), ""), "once is enough"


@pytest.mark.parametrize("left", [-1, 0, LOG_HEADER, LOG_HEADER + 3 * FRAME])
def test_a_log_that_is_gone_or_was_cut_is_damage(tmp_path: Path, picture: Path, left: int) -> None:
    killed(tmp_path / "cib.sqlite", picture)
    log = beside(picture, "-wal")
    if left < 0:
        log.unlink()
    else:
        os.truncate(log, left)
    state, warning = opened(picture)
    assert state == StoredState()
    assert "damaged" in warning


def test_a_file_that_is_gone_is_not_that_of_a_new_node(tmp_path: Path, picture: Path) -> None:
    """Not even where somebody has put a mark beside what is left of it."""
    killed(tmp_path / "cib.sqlite", picture)
    picture.unlink()
    beside(picture, NEW_SUFFIX).touch()
    state, warning = opened(picture)
    assert state == StoredState()
    assert "are missing" in warning


def test_what_was_torn_before_it_was_acknowledged_is_no_damage(
    tmp_path: Path, picture: Path
) -> None:
    """The power goes in a write: of the log any part is there, the number is that before it."""
    path = tmp_path / "cib.sqlite"
    store = Store(str(path), append)
    store.open()
    store.write([SaveRatified(term=1)])
    for writes in batches(COUNT):
        file, before = path.read_bytes(), beside(path, "-wal").stat().st_size
        number = beside(path, TALLY_SUFFIX).read_bytes()
        store.write(writes)
        log = beside(path, "-wal").read_bytes()
        for length in (before, before + 5, (before + len(log)) // 2, len(log) - 1, len(log)):
            picture.write_bytes(file)
            beside(picture, "-wal").write_bytes(log[:length])
            beside(picture, TALLY_SUFFIX).write_bytes(number)
            state, warning = opened(picture)
            assert not warning, f"{length} of {before} to {len(log)}"
            assert state.standing is Standing.VOTER
    store.close()


@pytest.mark.parametrize("content", [b"", b"\0" * 16, b"\xff" * 16, b"x" * 5])
def test_a_number_that_cannot_be_read_says_nothing(
    tmp_path: Path, picture: Path, content: bytes
) -> None:
    killed(tmp_path / "cib.sqlite", picture)
    beside(picture, TALLY_SUFFIX).write_bytes(content)
    state, warning = opened(picture)
    assert not warning
    assert state.standing is Standing.VOTER
    store = Store(str(picture), append)
    store.open()
    store.write([SaveRatified(term=9)])
    store.close()
    assert beside(picture, TALLY_SUFFIX).stat().st_size == 16
    assert opened(picture)[1] == ""


def test_a_store_that_had_no_number_gets_one(tmp_path: Path, picture: Path) -> None:
    """As of a release that knew of none: it counts from its next write on."""
    killed(tmp_path / "cib.sqlite", picture)
    beside(picture, TALLY_SUFFIX).unlink()
    assert opened(picture)[1] == ""
    assert beside(picture, TALLY_SUFFIX).stat().st_size == 16


def test_a_mark_that_was_taken_away_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node is killed before that it took its mark away is on the disk: the next start sees to it.

    Else a power cut could bring the mark back, beside a file that was lost in the same cut.
    """
    path = tmp_path / "cib.sqlite"
    mark = beside(path, NEW_SUFFIX)
    mark.touch()
    sync = store_module._sync_directory
    durable = False

    def synced(of: str) -> None:
        nonlocal durable
        sync(of)
        durable = not mark.exists()

    def killed_here(of: str) -> None:
        if not mark.exists():
            raise KeyboardInterrupt
        sync(of)

    monkeypatch.setattr(store_module, "_sync_directory", killed_here)
    with pytest.raises(KeyboardInterrupt):
        opened(path)
    monkeypatch.setattr(store_module, "_sync_directory", synced)
    state, _ = opened(path)
    assert state.standing is Standing.VOTER
    assert durable

"""What was written is there after a start; what lies is moved aside, and the node says so."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from crmsh_py.engine.api import (
    SaveRatified,
    SaveRevision,
    SaveRing,
    SaveTerm,
    SetAside,
    Standing,
    StoredState,
)
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.node import store as store_module
from crmsh_py.node.store import Step, Store
from crmsh_py.node.tally import SUFFIX as TALLY_SUFFIX
from crmsh_py.wire.settings import NEW_SUFFIX


def append(cib: str, patches: Sequence[Step]) -> tuple[str, str]:
    """A stand-in for patches: the document is a text, a patch is a piece at its end."""
    if any(patch == "bad" for patch, _ in patches):
        raise CrmError("a bad patch")
    result = cib + "".join(patch for patch, _ in patches)
    return result, digest(result)


def digest(cib: str) -> str:
    return hashlib.md5(cib.encode(), usedforsecurity=False).hexdigest()


def revision(
    epoch: int, result: str, *, patch: str = "", cib: str = "", term: int = 1
) -> SaveRevision:
    return SaveRevision(
        version=(0, epoch, 0),
        term=term,
        digest=digest(result),
        author="root",
        client="cibadmin",
        origin="pacemaker01",
        time=1406577826,
        patch=patch,
        cib=cib,
    )


def opened(path: Path) -> tuple[Store, StoredState, str]:
    store = Store(str(path), append)
    result = store.open()
    return store, result.state, result.warning


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cib.sqlite"


def filled(path: Path, patches: int = 3) -> str:
    """Make a store of one whole configuration and some patches; return the configuration."""
    store, _, _ = opened(path)
    text = "a"
    store.write([revision(1, text, cib=text)])
    for number in range(patches):
        text += chr(ord("b") + number % 20)
        store.write([revision(2 + number, text, patch=text[-1], term=2)])
    store.close()
    return text


def test_a_new_disk_has_nothing(path: Path) -> None:
    store, state, warning = opened(path)
    store.close()

    assert state == StoredState()
    assert warning == ""


def test_everything_written_is_there_after_a_start(path: Path) -> None:
    text = filled(path)
    store, _, _ = opened(path)
    store.write([SaveRing(sequence=12), SaveTerm(term=4)])
    store.close()

    store, state, warning = opened(path)
    store.close()

    assert state == StoredState(ring_sequence=12, term=4, revision_term=2, cib=text)
    assert warning == ""


def test_ring_sequence_and_term_never_go_back(path: Path) -> None:
    store, _, _ = opened(path)
    store.write([SaveRing(sequence=12), SaveTerm(term=4)])
    store.write([SaveRing(sequence=8), SaveTerm(term=3)])
    store.close()

    _, state, _ = opened(path)

    assert (state.ring_sequence, state.term) == (12, 4)


def test_a_revision_can_be_ratified_by_a_later_term(path: Path) -> None:
    text = filled(path)
    store, _, _ = opened(path)
    store.write([SaveRatified(term=6)])
    store.close()
    store, ratified, _ = opened(path)
    store.write([revision(9, text + "x", patch="x", term=8)])
    store.close()

    _, later, _ = opened(path)

    assert (ratified.revision_term, later.revision_term) == (6, 8)


def test_a_revision_without_quorum_stays_one_until_it_is_ratified(path: Path) -> None:
    text = filled(path)
    store, _, _ = opened(path)
    made = revision(9, text + "x", patch="x", term=2)
    store.write([SaveRatified(term=2), replace(made, forced=True)])
    store.close()
    store, forced, _ = opened(path)
    store.write([SaveRatified(term=3)])
    store.close()

    _, ratified, _ = opened(path)

    assert (forced.forced, ratified.forced) == (True, False)


def test_revisions_are_told_newest_first(path: Path) -> None:
    filled(path, patches=3)
    store, _, _ = opened(path)

    revisions = store.revisions(2)
    store.close()

    assert [r.version for r in revisions] == [(0, 4, 0), (0, 3, 0)]
    assert [r.patch for r in revisions] == ["d", "c"]
    assert revisions[0].author == "root"


def test_every_stored_revision_can_be_had_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From whole configurations and from patches alike, whatever the newest one is."""
    monkeypatch.setattr(store_module, "SNAPSHOT_EVERY", 3)
    text = filled(path, patches=8)
    store, state, _ = opened(path)
    assert [store.configuration(0, 1 + n) for n in range(9)] == [text[: n + 1] for n in range(9)]
    assert state.cib == text
    with pytest.raises(NotFound, match=r"no revision 0\.10"):
        store.configuration(0, 10)
    store.write([revision(10, "taken from another node", cib="taken from another node")])
    assert store.configuration(0, 9) == text
    assert store.configuration(0, 10) == "taken from another node"
    store.close()


def test_a_start_replays_no_more_than_the_patches_since_a_snapshot(path: Path) -> None:
    text = filled(path, patches=store_module.SNAPSHOT_EVERY + 5)
    replayed: list[int] = []

    def counting(cib: str, patches: Sequence[Step]) -> tuple[str, str]:
        replayed.append(len(patches))
        return append(cib, patches)

    store = Store(str(path), counting)
    state = store.open().state
    store.close()

    assert state.cib == text
    assert replayed == [5]


def test_old_revisions_go_and_the_newest_configuration_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "KEEP_REVISIONS", 100)
    text = filled(path, patches=600)

    store, state, warning = opened(path)
    kept = len(store.revisions(10_000))
    store.close()

    assert state.cib == text
    assert warning == ""
    assert 100 <= kept < 450


def test_of_large_configurations_fewer_revisions_are_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays as small as was asked for, and the newest can always be had."""
    monkeypatch.setattr(store_module, "SNAPSHOT_EVERY", 4)
    monkeypatch.setattr(store_module, "KEEP_BYTES", 1_000_000)
    store, _, _ = opened(path)
    text = "x" * 100_000
    store.write([revision(1, text, cib=text)])
    for number in range(2, 101):
        text += "y"
        store.write([revision(number, text, patch="y")])
    kept = store.revisions(1000)
    assert store.configuration(0, kept[-1].version[1]) == text[: 100_000 + kept[-1].version[1] - 1]
    store.close()
    store, state, warning = opened(path)
    store.close()
    assert (state.cib, warning) == (text, "")
    assert 8 <= len(kept) < 45
    assert path.stat().st_size < 2_000_000


def test_one_configuration_larger_than_the_limit_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "KEEP_BYTES", 50_000)
    store, _, _ = opened(path)
    for number in range(1, 5):
        text = str(number) * 100_000
        store.write([revision(number, text, cib=text)])
    assert [each.version[1] for each in store.revisions(10)] == [4]
    store.close()
    assert opened(path)[1].cib == text


def test_a_configuration_that_lost_is_kept(path: Path) -> None:
    store, _, _ = opened(path)
    store.write([SetAside(cib="<cib/>", reason="the other side had quorum")])
    store.close()

    store, _, _ = opened(path)
    kept = store.set_aside()
    store.close()

    assert kept == [SetAside(cib="<cib/>", reason="the other side had quorum")]


def test_only_the_last_configurations_that_lost_are_kept(path: Path) -> None:
    store, _, _ = opened(path)
    for number in range(store_module.KEEP_SET_ASIDE + 5):
        store.write([SetAside(cib=str(number), reason="")])

    kept = store.set_aside()
    store.close()

    assert [aside.cib for aside in kept] == [
        str(number) for number in range(5, store_module.KEEP_SET_ASIDE + 5)
    ]


def test_a_write_is_all_or_nothing(path: Path) -> None:
    text = filled(path)
    store, _, _ = opened(path)
    store.write([SaveTerm(term=7)])
    connection = store._db
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1")  # the disk is full

    big = revision(9, text + "x" * 500_000, patch="x" * 500_000)
    with pytest.raises(CrmError, match="full"):
        store.write([SaveTerm(term=8), big])
    store.close()

    _, state, _ = opened(path)

    assert (state.term, state.cib) == (7, text)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE revision SET patch = 'z' WHERE number = 3",
        "DELETE FROM revision WHERE number = 3",
        "UPDATE snapshot SET cib = 'z'",
        "DELETE FROM snapshot",
    ],
)
def test_what_we_did_not_write_is_moved_aside(path: Path, damage: str) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()

    store, state, warning = opened(path)
    store.close()

    assert state == StoredState()
    assert "moved to" in warning
    assert (path.parent / "cib.sqlite.damaged-1").exists()


def test_what_another_release_wrote_is_left_alone(path: Path) -> None:
    """All nodes would find it: a cluster that starts with nothing must not come of it."""
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()

    for _ in range(2):
        with pytest.raises(CrmError, match="another release wrote it"):
            opened(path)
    assert {each.name for each in path.parent.iterdir()} == {path.name, path.name + TALLY_SUFFIX}


def test_a_whole_patch_that_does_not_fit_is_no_damage(path: Path) -> None:
    store, _, _ = opened(path)
    store.write([revision(1, "a", cib="a"), revision(2, "ab", patch="bad")])
    store.close()

    with pytest.raises(CrmError, match="bad patch"):
        opened(path)
    assert path.exists()


@pytest.mark.parametrize("content", [b"no database at all" * 100, os.urandom(20_000)])
def test_a_file_of_something_else_is_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    store, state, warning = opened(path)
    store.write([SaveTerm(term=1)])
    store.close()

    assert state == StoredState()
    assert (path.parent / "cib.sqlite.damaged-1").read_bytes() == content
    assert "damaged" in warning


def test_a_page_overwritten_with_noise_is_noticed(path: Path) -> None:
    filled(path, patches=200)
    data = bytearray(path.read_bytes())
    data[8192:12288] = os.urandom(4096)
    path.write_bytes(data)

    store, state, warning = opened(path)
    store.close()

    assert state == StoredState()
    assert "damaged" in warning


def test_a_second_daemon_is_turned_away(path: Path) -> None:
    store, _, _ = opened(path)

    with pytest.raises(CrmError, match="another process"):
        opened(path)
    store.close()


def test_the_file_and_its_log_are_their_owners_alone(path: Path) -> None:
    """What access control lists hide is in it; files of an earlier version were open to all."""
    made = (path, path.with_name(f"{path.name}-wal"))
    before = os.umask(0)
    try:
        store, _, _ = opened(path)
        store.write([SaveTerm(term=1)])
        assert [each.stat().st_mode & 0o777 for each in made] == [0o600, 0o600]
        for each in made:
            each.chmod(0o644)
            shutil.copy(each, f"{each}.kept")
        store.close()
        for each in made:  # as after a loss of power: the log is still there
            os.replace(f"{each}.kept", each)
            each.chmod(0o644)
        store, state, _ = opened(path)
        assert state.term == 1
        assert [each.stat().st_mode & 0o777 for each in made] == [0o600, 0o600]
        store.close()
    finally:
        os.umask(before)


def test_a_directory_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CrmError, match="cannot be used"):
        opened(tmp_path / "missing" / "cib.sqlite")


def test_what_was_written_survives_a_killed_process(path: Path) -> None:
    """SIGKILL right after ``write`` returned: the revision is there, the lock is not."""
    program = f"""
import os, signal, sys
from crmsh_py.engine.api import SaveRevision, SaveTerm
from crmsh_py.node.store import Store
store = Store({str(path)!r}, lambda cib, patches: (cib, {digest("a")!r}))
store.open()
store.write([SaveRevision(version=(0, 1, 0), term=3, digest={digest("a")!r}, author="", client="",
                          origin="", time=0, cib="a"), SaveTerm(term=3)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=30)

    store, state, warning = opened(path)
    store.close()

    assert (state.cib, state.term, state.revision_term, warning) == ("a", 3, 3, "")


def test_a_disk_that_has_only_promised_or_only_taken_a_copy_is_no_voter_s(path: Path) -> None:
    filled(path)
    store, state, _ = opened(path)
    assert state.standing is Standing.EMPTY
    for write, standing in (
        (SaveTerm(term=3), Standing.EMPTY),
        (SaveRatified(term=3), Standing.VOTER),
        (SaveRing(sequence=8), Standing.VOTER),
    ):
        store.write([write])
        store.close()
        store, state, _ = opened(path)
        assert state.standing is standing
    store.close()


def marked(path: Path) -> Path:
    """Say that this is the disk of a node that has never run."""
    mark = Path(f"{path}{NEW_SUFFIX}")
    mark.touch()
    return mark


def test_a_disk_is_that_of_a_new_node_where_a_mark_says_so(path: Path) -> None:
    mark = marked(path)
    for _ in range(2):
        store, state, warning = opened(path)
        store.close()
        assert (state, warning) == (StoredState(standing=Standing.VOTER), "")
        assert not mark.exists(), "the next file must not be taken for a new node's"


def test_a_disk_that_lost_what_it_had_is_not_new(path: Path) -> None:
    """Neither when its file is gone, nor when it is damaged."""
    marked(path)
    filled(path)
    path.unlink()
    store, state, _ = opened(path)
    store.close()
    assert state == StoredState()

    path.unlink()
    marked(path)
    filled(path)
    path.write_bytes(b"damaged" * 1000)
    store, state, warning = opened(path)
    store.close()
    assert (state, bool(warning)) == (StoredState(), True)


def test_a_mark_that_a_power_cut_left_says_nothing_of_the_next_file(path: Path) -> None:
    """The file was made, and the power failed before the mark was taken away."""
    filled(path)
    mark = marked(path)
    store, state, _ = opened(path)
    store.close()
    assert state.standing is Standing.EMPTY
    assert not mark.exists()

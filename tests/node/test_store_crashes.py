"""A crash at any point of the write path: what was acknowledged is there, what is there is right.

The power goes at every sync of the file (before it and after it, with all that was written since
the last one, and without), and the write-ahead log is cut at every byte. A start then finds one
of the states that were written, at least the last one that was acknowledged, and calls nothing
damaged. `CRM_SOAK=1` cuts at each byte; otherwise it is at those where something begins or ends,
and at some between.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

import pytest
from node.failing_disk import FULL, SYNC_FAILED, WRITE_FAILED, Disk, library, watched

from crmsh_py.engine.api import (
    Persisted,
    SaveRatified,
    SaveRevision,
    SaveRing,
    SaveTerm,
    SetAside,
    StoredState,
    StoreFailed,
    StoreWrite,
)
from crmsh_py.errors import CrmError
from crmsh_py.node import store as store_module
from crmsh_py.node.disk import DiskThread
from crmsh_py.node.store import Step, Store
from crmsh_py.wire.control import Revision

FRAME = 4096 + 24  # bytes of a page in the log, with its header
LOG_HEADER = 32

needs_library = pytest.mark.skipif(
    library() is None, reason="SQLite is built into this Python: its files cannot be watched"
)


@pytest.fixture(autouse=True)
def everything_happens_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole configurations and pruning within a few revisions."""
    monkeypatch.setattr(store_module, "SNAPSHOT_EVERY", 3)
    monkeypatch.setattr(store_module, "KEEP_REVISIONS", 4)
    monkeypatch.setattr(store_module, "_PRUNE_EVERY", 4)


def append(cib: str, patches: Sequence[Step]) -> tuple[str, str]:
    """A document is a text, a patch is a piece at its end."""
    result = cib + "".join(patch for patch, _ in patches)
    return result, _digest(result)


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def batches(count: int) -> list[list[StoreWrite]]:
    """What a node writes in its life: a start, changes, views, a configuration of another's."""
    made: list[list[StoreWrite]] = [[SaveRing(sequence=4), SaveTerm(term=1)]]
    text = ""
    for number in range(1, count + 1):
        whole = number in (1, count // 2)
        piece = f"({number}{'x' * (number % 5 * 300)})"
        text = f"whole {number} " if whole else text + piece
        revision = SaveRevision(
            version=(0, number, 0),
            term=1 + number // 4,
            digest=_digest(text),
            author="root",
            client="crm",
            origin="node1",
            time=1_800_000_000 + number,
            patch="" if whole else piece,
            cib=text if whole else "",
        )
        writes: list[StoreWrite] = [revision]
        if number % 4 == 0:
            term = 1 + number // 4
            writes = [SaveRing(sequence=4 + number), SaveTerm(term=term), *writes]
            writes.append(SaveRatified(term=term))
        if number % 6 == 0:
            writes.append(SetAside(cib=text, reason="lost"))
        made.append(writes)
    return made


def opened(path: Path) -> tuple[StoredState, str]:
    """What a start finds."""
    store = Store(str(path), append)
    try:
        result = store.open()
    finally:
        store.close()
    return result.state, result.warning


@dataclass
class Crashes:
    """Takes pictures of the files as a power cut would leave them, and what was true by then."""

    path: Path
    pictures: Path
    acknowledged: int = 0
    synced: dict[str, bytes] = field(default_factory=dict)
    taken: list[tuple[Path, int]] = field(default_factory=list)

    def before(self, operation: str, path: Path) -> int:
        """Power off at this moment: with what was written since the last sync, and without."""
        if operation == "sync":
            self.take({each.name: each.read_bytes() for each in self.files()})
            self.take(self.on_the_disk())
        return 0

    def after(self, operation: str, path: Path) -> None:
        """Power off when the sync is done."""
        if operation == "sync":
            self.synced[path.name] = path.read_bytes()
            self.take(self.on_the_disk())

    def on_the_disk(self) -> dict[str, bytes]:
        """What was synced, of the files that are there (a journal is removed when it is over)."""
        there = {each.name for each in self.path.parent.iterdir()}
        return {name: content for name, content in self.synced.items() if name in there}

    def files(self) -> list[Path]:
        """The database and its log."""
        return [p for p in (self.path, Path(f"{self.path}-wal")) if p.exists()]

    def take(self, contents: dict[str, bytes]) -> Path:
        """A picture of these contents."""
        directory = self.pictures / str(len(self.taken))
        directory.mkdir(parents=True)
        for name, content in contents.items():
            (directory / name).write_bytes(content)
        self.taken.append((directory / self.path.name, self.acknowledged))
        return directory / self.path.name


def states_of(path: Path, made: Sequence[Sequence[StoreWrite]]) -> list[StoredState]:
    """The state after each batch, as a start finds it when nothing goes wrong."""
    states = [StoredState()]
    for writes in made:
        store = Store(str(path), append)
        store.open()
        store.write(writes)
        store.close()
        states.append(opened(path)[0])
    return states


@needs_library
def test_the_power_may_go_at_every_sync(tmp_path: Path) -> None:
    made = batches(24)
    states = states_of(tmp_path / "calm.sqlite", made)
    path = tmp_path / "cib.sqlite"
    crashes = Crashes(path, tmp_path / "pictures")
    with watched(Disk(crashes.before, crashes.after)):
        store = Store(str(path), append)
        store.open()
        assert store._db is not None
        store._db.execute("PRAGMA wal_autocheckpoint = 6")  # the log goes into the file often
        for writes in made:
            store.write(writes)
            crashes.acknowledged += 1
        store.close()
    assert len(crashes.taken) > 3 * len(made), "every batch is synced"
    for picture, acknowledged in crashes.taken:
        state, warning = opened(picture)
        assert not warning, f"{picture}: {warning}"
        found = [number for number, each in enumerate(states) if each == state]
        assert found, f"{picture}: nobody wrote {state}"
        assert max(found) >= acknowledged, f"{picture}: batch {acknowledged} was acknowledged"


def test_the_log_may_end_at_any_byte(tmp_path: Path) -> None:
    """A torn end of the log was never acknowledged, and is no damage."""
    made = batches(6)
    path = tmp_path / "cib.sqlite"
    log = Path(f"{path}-wal")
    states, ends = [StoredState()], [0]
    store = Store(str(path), append)
    store.open()
    crashes = Crashes(path, tmp_path / "pictures")
    ends[0] = log.stat().st_size  # the tables are made
    for writes in made:
        store.write(writes)
        ends.append(log.stat().st_size)
        picture = crashes.take({each.name: each.read_bytes() for each in crashes.files()})
        states.append(opened(picture)[0])
    file, whole = path.read_bytes(), log.read_bytes()
    store.close()
    cut = tmp_path / "cut.sqlite"
    for length in _cuts(len(whole)):
        cut.write_bytes(file)
        Path(f"{cut}-wal").write_bytes(whole[:length])
        state, warning = opened(cut)
        assert not warning, f"at {length}: {warning}"
        last = max((number for number, end in enumerate(ends) if end <= length), default=0)
        assert state == states[last], f"at {length} of {ends}"


def _cuts(size: int) -> list[int]:
    if os.environ.get("CRM_SOAK"):
        return list(range(size + 1))
    near = [
        start + offset
        for start in range(LOG_HEADER, size + 1, FRAME)
        for offset in (-2, -1, 0, 1, 23, 24, 25)
    ]
    between = range(0, size, 1013)
    return sorted({length for length in (*near, *between, size) if 0 <= length <= size})


@pytest.mark.parametrize("part", ["file", "log"])
def test_bytes_that_went_bad_never_give_what_nobody_wrote(tmp_path: Path, part: str) -> None:
    """Either a state that was written, or the whole file is put aside, and that is said."""
    made = batches(8)
    states = states_of(tmp_path / "calm.sqlite", made)
    path = tmp_path / "cib.sqlite"
    store = Store(str(path), append)
    store.open()
    assert store._db is not None
    for writes in made[:5]:
        store.write(writes)
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for writes in made[5:]:
        store.write(writes)
    file, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    store.close()
    bad = tmp_path / "bad.sqlite"
    damaged = 0
    for place in range(17, len(file if part == "file" else log), 331):
        contents = {"file": bytearray(file), "log": bytearray(log)}
        contents[part][place] ^= 0x55
        bad.write_bytes(contents["file"])
        Path(f"{bad}-wal").write_bytes(contents["log"])
        state, warning = opened(bad)
        assert state in states, f"byte {place}"
        if warning:
            assert state == StoredState()
            assert "moved to" in warning
            damaged += 1
    assert damaged or part == "log"


@pytest.mark.parametrize("pages", [0.5, 1, 1.5, 3, 5])
def test_a_file_that_was_cut_is_put_aside(tmp_path: Path, pages: float) -> None:
    path = tmp_path / "cib.sqlite"
    states_of(path, batches(8))
    content = path.read_bytes()[: int(pages * 4096)]
    path.write_bytes(content)
    state, warning = opened(path)
    assert state == StoredState()
    assert "damaged" in warning
    assert (tmp_path / "cib.sqlite.damaged-1").read_bytes() == content


# ---- errors of the disk --------------------------------------------------------------------------


@needs_library
@pytest.mark.parametrize(
    ("operation", "code"),
    [("sync", SYNC_FAILED), ("write", FULL), ("write", WRITE_FAILED), ("truncate", WRITE_FAILED)],
)
def test_an_error_of_the_disk_at_any_point_is_told_and_loses_nothing(
    tmp_path: Path, operation: str, code: int
) -> None:
    """The write fails, or it is there; what was acknowledged before is there in any case."""
    made = batches(10)
    states = states_of(tmp_path / "calm.sqlite", made)
    failed = number = 0
    while True:
        number += 1
        directory = tmp_path / f"{operation}-{number}"
        directory.mkdir()
        acknowledged, told = _write_until(directory / "cib.sqlite", made, operation, code, number)
        if not told:
            break
        failed += 1
        state, warning = opened(directory / "cib.sqlite")
        assert not warning
        assert state in states[acknowledged:], f"{operation} {number}: {acknowledged} batches"
        shutil.rmtree(directory)
    assert failed or operation == "truncate"


def _write_until(
    path: Path, made: Sequence[Sequence[StoreWrite]], operation: str, code: int, number: int
) -> tuple[int, str]:
    """Write while the ``number``-th operation after the start fails; how far, and what was told."""
    left = [-1]

    def before(asked: str, _: Path) -> int:
        if asked != operation or left[0] < 0:
            return 0
        left[0] -= 1
        return code if left[0] < 0 else 0

    acknowledged = 0
    with watched(Disk(before)):
        store = Store(str(path), append)
        store.open()
        assert store._db is not None
        store._db.execute("PRAGMA wal_autocheckpoint = 6")
        left[0] = number - 1
        try:
            for writes in made:
                store.write(writes)
                acknowledged += 1
        except CrmError as error:
            return acknowledged, error.message
        finally:
            left[0] = -1
            store.close()
    return acknowledged, ""


def disk_thread(store: Store) -> tuple[DiskThread, list[object]]:
    """The store as the daemon uses it, with everything that it reports."""
    told: list[object] = []
    disk = DiskThread(
        store,
        report=told.append,
        log=lambda *line: told.append(line),
        call_on_loop=lambda function: function(),
    )
    disk.start()
    return disk, told


@needs_library
def test_after_the_first_failure_nothing_is_written_any_more(tmp_path: Path) -> None:
    """A disk that is full, and then is not: a gap in the history would be worse than the stop."""
    path = tmp_path / "cib.sqlite"
    full = [False]
    with watched(Disk(lambda operation, _: FULL if full[0] and operation == "write" else 0)):
        disk, told = disk_thread(Store(str(path), append))
        first, second, third, *_ = batches(4)
        for token, writes in enumerate((first, second, third), 1):
            full[0] = token == 2
            disk.submit(token, writes)
            answers = [e for e in told if isinstance(e, Persisted | StoreFailed)]
            while len(answers) < token:
                answers = [e for e in told if isinstance(e, Persisted | StoreFailed)]
        disk.close()
    assert answers[0] == Persisted(token=1)
    assert isinstance(answers[1], StoreFailed)
    assert isinstance(answers[2], StoreFailed)
    assert "full" in answers[1].message
    assert opened(path)[0].ring_sequence == 4


def test_a_file_that_goes_bad_under_a_running_node_stops_it(tmp_path: Path) -> None:
    """Questions are answered with the reason, writes fail, and the thread goes on to say so."""
    path = tmp_path / "cib.sqlite"
    states_of(path, batches(8))
    store = Store(str(path), append)
    disk, told = disk_thread(store)
    assert store._db is not None
    store._db.execute("PRAGMA shrink_memory")  # what it has read before
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x55" * (path.stat().st_size - 4096))
    answers: list[object] = []
    disk.read_revisions(10, answers.append)
    disk.read_revision(0, 8, answers.append)
    disk.submit(1, [SaveTerm(term=99)])
    disk.close()
    assert [type(each) for each in answers] == [CrmError, CrmError]
    (failure,) = [each for each in told if isinstance(each, StoreFailed)]
    assert "malformed" in failure.message
    assert opened(path)[0] == StoredState()


def test_a_snapshot_that_goes_bad_under_a_running_node_stops_it(tmp_path: Path) -> None:
    """It is read again when the next one is made: what fails its checksum is told, as any error."""
    store = Store(str(tmp_path / "cib.sqlite"), append)
    disk, told = disk_thread(store)
    for token, writes in enumerate(batches(20)[:6]):
        disk.submit(token, writes)
        # On the disk's thread; with a question between them each write is a transaction.
        disk.read_revisions(1, lambda _: spoil(store))
    disk.close()
    answers = [each for each in told if isinstance(each, Persisted | StoreFailed)]
    assert answers[:4] == [Persisted(token=token) for token in range(4)]
    (fourth, fifth) = answers[4:]
    assert isinstance(fourth, StoreFailed)
    assert isinstance(fifth, StoreFailed)
    assert "snapshot 1 fails its checksum" in fourth.message


def spoil(store: Store) -> None:
    """Make the first snapshot another one than was written, behind the store's back."""
    assert store._db is not None
    store._db.execute("UPDATE snapshot SET cib = 'x' WHERE number = 1")


def test_an_error_that_nobody_thought_of_is_told_as_a_failure(tmp_path: Path) -> None:
    """The thread goes on, to answer every write that it is given and every question."""

    class Broken(Store):
        def write(self, writes: Sequence[StoreWrite]) -> None:
            raise ZeroDivisionError("by a bug")

        def revisions(self, limit: int) -> list[Revision]:
            raise ZeroDivisionError("by a bug")

        def configuration(self, admin_epoch: int, epoch: int) -> str:
            raise ZeroDivisionError("by a bug")

    disk, told = disk_thread(Broken(str(tmp_path / "cib.sqlite"), append))
    answers: list[object] = []
    disk.submit(1, [SaveTerm(term=1)])
    disk.read_revisions(10, answers.append)
    disk.read_revision(0, 8, answers.append)
    disk.submit(2, [SaveTerm(term=2)])
    disk.close()
    message = "the store failed: ZeroDivisionError: by a bug"
    assert told == [StoreFailed(token=1, message=message), StoreFailed(token=2, message=message)]
    assert [type(each) for each in answers] == [CrmError, CrmError]


def test_a_disk_as_small_as_a_stamp_fills_up_in_an_orderly_way(tmp_path: Path) -> None:
    """The same on a real filesystem of 400 KB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a filesystem")
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare of util-linux")
    program = Path(__file__).with_name("fill_a_disk.py")
    mount = f"mount -t tmpfs -o size=400k none {tmp_path} && exec {sys.executable} {program}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} {tmp_path}/cib.sqlite"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    acknowledged, found = done.stdout.split()
    assert 10 < int(acknowledged) <= int(found) <= int(acknowledged) + 1


def test_sqlite_is_asked_to_sync_at_every_commit(tmp_path: Path) -> None:
    """The pragmas that all of this stands on."""
    store = Store(str(tmp_path / "cib.sqlite"), append)
    store.open()
    assert isinstance(store._db, sqlite3.Connection)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()

"""The durable memory of a node: one SQLite file.

What it keeps: the highest ring sequence number, the term, every revision of the configuration
(patch, author, time), whole configurations at intervals so that a start replays few patches, and
configurations that lost against another side's.

Rules:
- A write is one transaction and is on the disk when ``write`` returns: write-ahead log with
  ``synchronous=FULL``, which syncs the log at every commit. A torn end of the log fails its
  checksum and was never acknowledged. The file is locked exclusively, so a second daemon on the
  same disk stops at once instead of mixing two histories.
- Every row carries a checksum of its own, since SQLite has none for its pages. A row that fails
  it, a gap in the numbering or a configuration without the digest it was saved with mean that the
  disk lies: the whole file is moved aside, the node starts empty and says so. The cluster gives
  it back the configuration when it joins.
- Every transaction counts itself, and its number is written beside the file when it is
  acknowledged (``tally``). A file that does not reach that number has lost its end: that is damage.
- A file that is made anew is that of a new node only where a mark beside it says so
  (``NEW_SUFFIX``). Else there may have been one that was lost: see ``engine.views.weigh``. The mark
  is gone before the node does anything, so it does not outlive what the node does.
- What is whole but cannot be understood (another release wrote it) is no damage: all nodes would
  find it, and start a cluster with nothing in it. The node does not start; nothing is moved.
- It is the node's alone (mode 0600): what access control lists hide is in it.
- An error of the disk (full, unreadable) is not corruption: it stops the node, nothing is moved.

Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crmsh_py.engine.api import (
    SaveRatified,
    SaveRevision,
    SaveRing,
    SaveTerm,
    SetAside,
    Standing,
    StoredState,
    StoreWrite,
)
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.node.tally import SUFFIX as TALLY_SUFFIX
from crmsh_py.node.tally import Tally
from crmsh_py.wire.control import Revision
from crmsh_py.wire.settings import NEW_SUFFIX

SNAPSHOT_EVERY = 64  # revisions: what a start replays at most
KEEP_REVISIONS = 5000
KEEP_BYTES = 256 * 1024 * 1024  # of large configurations fewer revisions are kept
KEEP_SET_ASIDE = 20
_PRUNE_EVERY = 256  # revisions between two looks at what is too old

_CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FORMAT = 1  # user_version of the file
_OTHER_RELEASE = (
    "start it with the release that wrote it; where other nodes have the configuration, the file"
    " can be moved away instead"
)

_SCHEMA = """
CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revision (
    number INTEGER PRIMARY KEY,
    admin_epoch INTEGER NOT NULL, epoch INTEGER NOT NULL, num_updates INTEGER NOT NULL,
    term INTEGER NOT NULL, digest TEXT NOT NULL, author TEXT NOT NULL, client TEXT NOT NULL,
    origin TEXT NOT NULL, time INTEGER NOT NULL, forced INTEGER NOT NULL, patch TEXT NOT NULL,
    checksum BLOB NOT NULL);
CREATE TABLE snapshot (number INTEGER PRIMARY KEY, cib TEXT NOT NULL, checksum BLOB NOT NULL);
CREATE TABLE aside (
    number INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, cib TEXT NOT NULL);
"""
_REVISION_COLUMNS = (
    "number, admin_epoch, epoch, num_updates, term, digest, author, client, origin, time, "
    "forced, patch"
)
_RowValues = tuple[int, int, int, int, int, str, str, str, str, int, int, str]


Step = tuple[str, tuple[int, int, int]]


class Replay(Protocol):
    """How patches are applied: the one thing the store does not know itself."""

    def __call__(self, cib: str, patches: Sequence[Step]) -> tuple[str, str]:
        """Apply patches (XML) to a configuration (XML); return the result and its digest.

        Each step is a patch and the version that the configuration had after it.

        Raises:
            CrmError: a patch does not fit.
        """


class _CorruptError(Exception):
    """The file is not what we wrote."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the store had, and what must be told about it ('' if nothing)."""

    state: StoredState
    warning: str = ""


class Store:
    """One node's file. Not for two threads at once; see ``disk`` for the loop's side of it."""

    def __init__(self, path: str, replay: Replay) -> None:
        self._path = path
        self._replay = replay
        self._db: sqlite3.Connection | None = None
        self._tally = Tally(path + TALLY_SUFFIX)
        self._writes = 0  # transactions that this file has had
        self._newest = 0  # number of the newest revision
        self._since_snapshot = 0

    def open(self) -> Opened:
        """Open or make the file, and load what it has.

        Raises:
            CrmError: the disk does not let us, another daemon uses the file, or another release
                wrote it.
        """
        try:
            return Opened(self._load())
        except CrmError:
            self.close()
            raise
        except _CorruptError as error:
            reason = str(error)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _CORRUPT_CODES:
                raise self._trouble(error) from None
            reason = str(error)
        except OSError as error:
            raise self._trouble(error) from None
        aside = self._move_aside()
        warning = f"The store {self._path} is damaged ({reason}); it was moved to {aside}"
        try:
            return Opened(self._load(), f"{warning}. Starting with an empty configuration")
        except (sqlite3.Error, _CorruptError, OSError) as error:
            raise self._trouble(error) from None

    def write(self, writes: Sequence[StoreWrite]) -> None:
        """Carry all writes out in one transaction, which is on the disk at return.

        Raises:
            CrmError: the disk is full or broken, or lies; nothing of it was written.
        """
        db = self._opened()
        if not writes:
            return  # all before it are on the disk
        newest, since = self._newest, self._since_snapshot
        try:
            with db:
                db.execute("BEGIN IMMEDIATE")
                for write in writes:
                    self._write_one(db, write)
                _save_number(db, "writes", self._writes + 1)
            self._writes += 1
            self._tally.put(self._writes)
        except (sqlite3.Error, OSError, _CorruptError, CrmError) as error:
            self._newest, self._since_snapshot = newest, since
            raise self._trouble(error) from None

    def revisions(self, limit: int) -> list[Revision]:
        """The newest revisions, newest first.

        Raises:
            CrmError: the disk is broken.
        """
        query = f"SELECT {_REVISION_COLUMNS} FROM revision ORDER BY number DESC LIMIT ?"  # noqa: S608
        try:
            rows = self._opened().execute(query, (max(0, limit),)).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from None
        return [
            Revision(
                version=(row[1], row[2], row[3]),
                author=row[6],
                client=row[7],
                origin=row[8],
                time=row[9],
                forced=bool(row[10]),
                patch=row[11],
            )
            for row in rows
        ]

    def configuration(self, admin_epoch: int, epoch: int) -> str:
        """The configuration (XML) as the latest revision of this version left it.

        Raises:
            NotFound: there is none of this version, or it is too old to be kept.
            CrmError: the stored patches do not lead there, or the disk is broken.
        """
        db = self._opened()
        name = f"{admin_epoch}.{epoch}"
        try:
            row = db.execute(
                "SELECT number, digest FROM revision WHERE admin_epoch = ? AND epoch = ?"
                " ORDER BY number DESC LIMIT 1",
                (admin_epoch, epoch),
            ).fetchone()
            if row is None:
                raise NotFound(f"this node has no revision {name}")
            cib, digest, _ = self._replayed(db, row[0])
        except (sqlite3.Error, _CorruptError) as error:
            raise self._trouble(error) from None
        if digest != row[1]:
            raise CrmError(f"the stored patches do not lead to revision {name}")
        return cib

    def set_aside(self) -> list[SetAside]:
        """The configurations that lost, oldest first."""
        rows = self._opened().execute("SELECT cib, reason FROM aside ORDER BY number")
        return [SetAside(cib=cib, reason=reason) for cib, reason in rows]

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
        self._tally.close()

    # ---- writing ---------------------------------------------------------------------------

    def _write_one(self, db: sqlite3.Connection, write: StoreWrite) -> None:
        match write:
            case SaveRing(sequence=sequence):
                _save_number(db, "ring_sequence", sequence)
            case SaveTerm(term=term):
                _save_number(db, "term", term)
            case SaveRatified(term=term):
                _save_number(db, "ratified", term)
            case SaveRevision():
                self._save_revision(db, write)
            case SetAside(cib=cib, reason=reason):
                db.execute("INSERT INTO aside (reason, cib) VALUES (?, ?)", (reason, cib))
                db.execute(
                    "DELETE FROM aside WHERE number <= (SELECT max(number) FROM aside) - ?",
                    (KEEP_SET_ASIDE,),
                )

    def _save_revision(self, db: sqlite3.Connection, revision: SaveRevision) -> None:
        assert bool(revision.patch) != bool(revision.cib), "a revision is a patch or a whole"
        assert self._newest or revision.cib, "the first revision must be a whole configuration"
        self._newest += 1
        values: _RowValues = (
            self._newest,
            *revision.version,
            revision.term,
            revision.digest,
            revision.author,
            revision.client,
            revision.origin,
            revision.time,
            int(revision.forced),
            revision.patch,
        )
        db.execute(
            f"INSERT INTO revision ({_REVISION_COLUMNS}, checksum)"  # noqa: S608 - our own names
            f" VALUES ({', '.join('?' * (len(values) + 1))})",
            (*values, _checksum(*values)),
        )
        if revision.cib:
            self._save_snapshot(db, revision.cib)
        else:
            self._since_snapshot += 1
            if self._since_snapshot >= SNAPSHOT_EVERY:
                cib, digest, _ = self._replayed(db, self._newest)
                # A snapshot that is not what the replica holds would hide the patches from the
                # next start: better to stop now, while the other nodes have the truth.
                if digest != revision.digest:
                    raise CrmError("the stored patches do not lead to the stored digest")
                self._save_snapshot(db, cib)
        if self._newest % _PRUNE_EVERY == 0:
            self._prune(db)

    def _save_snapshot(self, db: sqlite3.Connection, cib: str) -> None:
        db.execute(
            "INSERT INTO snapshot VALUES (?, ?, ?)",
            (self._newest, cib, _checksum(self._newest, cib)),
        )
        self._since_snapshot = 0
        while _used_bytes(db) > KEEP_BYTES:
            (oldest,) = db.execute("SELECT min(number) FROM revision").fetchone()
            if not self._forget_before(db, (oldest + self._newest + 1) // 2):
                break  # what is left is the newest

    def _prune(self, db: sqlite3.Connection) -> None:
        self._forget_before(db, self._newest - KEEP_REVISIONS)

    @staticmethod
    def _forget_before(db: sqlite3.Connection, number: int) -> bool:
        """Drop what came before the last whole configuration up to ``number``; whether any did."""
        row = db.execute("SELECT max(number) FROM snapshot WHERE number <= ?", (number,)).fetchone()
        if row[0] is None:
            return False
        dropped = db.execute("DELETE FROM revision WHERE number < ?", row).rowcount
        db.execute("DELETE FROM snapshot WHERE number < ?", row)
        return dropped > 0

    # ---- reading ---------------------------------------------------------------------------

    def _load(self) -> StoredState:
        _keep_private(self._path)
        db = self._db = _connect(self._path)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            new = os.path.lexists(self._path + NEW_SUFFIX)
            mark = "INSERT INTO number VALUES ('new', 1);" if new else ""
            with db:
                db.executescript(
                    f"BEGIN; {_SCHEMA} {mark} PRAGMA user_version = {_FORMAT}; COMMIT;"
                )
            _sync_directory(self._path)
        elif version != _FORMAT:
            raise CrmError(
                f"the store {self._path} has format {version}: another release wrote it",
                hint=_OTHER_RELEASE,
            )
        _take_mark_away(self._path)
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _CorruptError(verdict)
        numbers = dict(db.execute("SELECT name, value FROM number"))
        self._writes = numbers.get("writes", 0)
        if self._writes < (acknowledged := self._tally.open()):
            lost = acknowledged - self._writes
            raise _CorruptError(f"the last {lost} of its acknowledged writes are missing")
        term, forced, cib = self._load_configuration(db)
        ratified = numbers.get("ratified", 0)
        return StoredState(
            ring_sequence=numbers.get("ring_sequence", 0),
            term=numbers.get("term", 0),
            # Terms only grow, so what was ratified is newer than the revision, or it is older
            # than a revision that came after.
            revision_term=max(term, ratified) if cib else 0,
            cib=cib,
            standing=_standing(numbers),
            forced=forced and ratified <= term,  # else a majority has gone on with it
        )

    def _load_configuration(self, db: sqlite3.Connection) -> tuple[int, bool, str]:
        """The newest configuration, its term, and whether it was committed without quorum."""
        self._newest = self._since_snapshot = 0
        first = before = 0
        last: _RowValues | None = None
        query = f"SELECT {_REVISION_COLUMNS}, checksum FROM revision ORDER BY number"  # noqa: S608
        for *values, checksum in db.execute(query):
            if checksum != _checksum(*values):
                raise _CorruptError(f"revision {values[0]} fails its checksum")
            if before and values[0] != before + 1:
                raise _CorruptError(f"revision {before + 1} is missing")
            before = values[0]
            first = first or before
            last = tuple(values)
        if last is None:
            return 0, False, ""
        self._newest = before
        if db.execute("SELECT 1 FROM snapshot WHERE number = ?", (first,)).fetchone() is None:
            raise _CorruptError("its first configuration is missing")
        try:
            cib, digest, self._since_snapshot = self._replayed(db, before)
        except CrmError as error:  # the checksums of all of it are right
            raise CrmError(
                f"what is stored in {self._path} cannot be read: {error.message}",
                hint=_OTHER_RELEASE,
            ) from None
        if digest != last[5]:
            raise _CorruptError(f"revision {before} has digest {digest} instead of {last[5]}")
        return last[4], bool(last[10]), cib

    def _replayed(self, db: sqlite3.Connection, last: int) -> tuple[str, str, int]:
        """The configuration after revision ``last``, its digest, and how many patches it took."""
        number, cib, checksum = db.execute(
            "SELECT number, cib, checksum FROM snapshot WHERE number <= ?"
            " ORDER BY number DESC LIMIT 1",
            (last,),
        ).fetchone()
        if checksum != _checksum(number, cib):
            raise _CorruptError(f"snapshot {number} fails its checksum")
        rows = db.execute(
            "SELECT patch, admin_epoch, epoch, num_updates FROM revision"
            " WHERE number > ? AND number <= ? ORDER BY number",
            (number, last),
        ).fetchall()
        steps = [(patch, tuple(version)) for patch, *version in rows]
        return *self._replay(cib, steps), len(rows)

    # ---- mishaps ---------------------------------------------------------------------------

    def _move_aside(self) -> str:
        self.close()
        number = 1
        while os.path.lexists(f"{self._path}.damaged-{number}"):
            number += 1
        aside = f"{self._path}.damaged-{number}"
        for suffix in ("", "-wal", "-journal", TALLY_SUFFIX):
            if os.path.lexists(self._path + suffix):
                os.rename(self._path + suffix, aside + suffix)
        _sync_directory(self._path)
        return aside

    def _opened(self) -> sqlite3.Connection:
        assert self._db is not None, "the store is not open"
        return self._db

    def _trouble(self, error: Exception) -> CrmError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return CrmError(
                f"another process uses the store {self._path}",
                hint="is the node running already?",
            )
        return CrmError(f"the store {self._path} cannot be used: {error}")


def _connect(path: str) -> sqlite3.Connection:
    # check_same_thread: the loop's thread loads it, the writer's thread writes; never both at once.
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        # The order matters: exclusive locking before the first use of the log keeps its index in
        # our memory instead of a shared file beside it.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")  # takes the lock now, not at the first write
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _keep_private(path: str) -> None:
    """Make the file for its owner alone; SQLite gives its log the mode that the file has.

    One that is there keeps no mode of an earlier version. It is not opened for that: to close a
    file ends the locks that this process has on it (fcntl(2)).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for each in (path, f"{path}-wal"):
            with contextlib.suppress(FileNotFoundError):
                os.chmod(each, 0o600)


def _take_mark_away(path: str) -> None:
    """What the node is to be is in its file now; the next file must not be taken for a new one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + NEW_SUFFIX)
    # Where it is gone, too: whoever took it away may have been killed before that was on the disk.
    _sync_directory(path)


def _standing(numbers: Mapping[str, int]) -> Standing:
    return Standing.VOTER if numbers.keys() & {"new", "ratified"} else Standing.EMPTY


def _save_number(db: sqlite3.Connection, name: str, value: int) -> None:
    # Both numbers only ever grow; going back would break what they were promised for.
    db.execute(
        "INSERT INTO number VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        (name, value),
    )


def _used_bytes(db: sqlite3.Connection) -> int:
    """What the file holds; pages that are free are used again, the file does not shrink."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _checksum(*values: int | str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        data = str(value).encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def _sync_directory(path: str) -> None:
    descriptor = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

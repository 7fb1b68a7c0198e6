"""A disk that fails where a test says so, below SQLite: its own file methods are replaced.

``watched(disk)`` makes every file that SQLite opens in this process ask ``disk`` before and after
each write, truncation and sync (``fdatasync``). What is asked before may answer with a result code
of SQLite instead of 0: then nothing is done, and that is what the database gets.

Sources: https://www.sqlite.org/c3ref/vfs.html, https://www.sqlite.org/c3ref/io_methods.html.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FULL, SYNC_FAILED, WRITE_FAILED = 13, 1034, 778  # SQLITE_FULL, _IOERR_FSYNC, _IOERR_WRITE

_METHODS = 18  # function pointers of sqlite3_io_methods, version 3


class _Methods(ctypes.Structure):
    _fields_ = (("version", ctypes.c_int), ("functions", ctypes.c_void_p * _METHODS))


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
    )


_INT, _PTR, _LONG = ctypes.c_int, ctypes.c_void_p, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_INT, _PTR, ctypes.c_char_p, ctypes.POINTER(_File), _INT, _PTR)
_WRITE = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _INT, _LONG)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _PTR, _LONG)
_SYNC = ctypes.CFUNCTYPE(_INT, _PTR, _INT)
# Their places among the function pointers: xClose, xRead, xWrite, xTruncate, xSync, ...
_WRITE_AT, _TRUNCATE_AT, _SYNC_AT = 2, 3, 4


@dataclass
class Disk:
    """What happens to files, as (operation, path); operations are write, truncate and sync."""

    before: Callable[[str, Path], int] = lambda operation, path: 0
    after: Callable[[str, Path], None] = lambda operation, path: None
    counts: dict[str, int] = field(default_factory=dict)

    def ask(self, operation: str, path: Path) -> int:
        """The result code that the operation ends with at once; 0: it is carried out."""
        self.counts[operation] = self.counts.get(operation, 0) + 1
        return self.before(operation, path)


def library() -> ctypes.CDLL | None:
    """SQLite as this process uses it; None where it is built into Python."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split()[-1] for line in maps if "libsqlite3" in line}
    return ctypes.CDLL(paths.pop()) if len(paths) == 1 else None


@contextmanager
def watched(disk: Disk) -> Iterator[Disk]:
    """Have ``disk`` asked about every file that is opened from now on."""
    sqlite = library()
    assert sqlite is not None
    sqlite.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = sqlite.sqlite3_vfs_find(None).contents
    original = vfs.open
    really_open = _OPEN(original)
    kept: list[object] = []  # what SQLite points to must not be collected

    def opened(vfs_: int, name: bytes, file: ctypes._Pointer[_File], flags: int, out: int) -> int:
        result = int(really_open(vfs_, name, file, flags, out))
        if result == 0 and name and file.contents.methods:
            methods = _watching(disk, Path(name.decode()), file.contents.methods.contents, kept)
            file.contents.methods = ctypes.pointer(methods)
        return result

    callback = _OPEN(opened)
    vfs.open = ctypes.cast(callback, _PTR).value
    try:
        yield disk
    finally:
        vfs.open = original


def _watching(disk: Disk, path: Path, old: _Methods, kept: list[object]) -> _Methods:
    new = _Methods()
    ctypes.pointer(new)[0] = old
    write = _WRITE(old.functions[_WRITE_AT])
    truncate = _TRUNCATE(old.functions[_TRUNCATE_AT])
    sync = _SYNC(old.functions[_SYNC_AT])

    def passing(operation: str, really: Callable[..., int]) -> Callable[..., int]:
        def carry_out(*arguments: int) -> int:
            code = disk.ask(operation, path)
            if code == 0:
                code = int(really(*arguments))
                disk.after(operation, path)
            return code

        return carry_out

    watching = (
        (_WRITE_AT, _WRITE(passing("write", write))),
        (_TRUNCATE_AT, _TRUNCATE(passing("truncate", truncate))),
        (_SYNC_AT, _SYNC(passing("sync", sync))),
    )
    for place, function in watching:
        new.functions[place] = ctypes.cast(function, _PTR).value
    kept += [new, watching, write, truncate, sync]
    return new

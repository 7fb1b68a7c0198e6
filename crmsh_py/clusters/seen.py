"""The configurations of a cluster that this user has seen and committed.

Pacemaker keeps no history that a shell could ask for, so the shell keeps its own: one file for
every version of a configuration, below the user's state directory. What is kept is what the
cluster had, read back after the commit, with the author, time and program that it says itself.
Changes that others made are there as far as somebody looked in between.

    <state>/clusters/<cluster>/<admin_epoch>.<epoch>.<stamp>.xml.gz   mode 0600, directories 0700

A cluster is told by its name and by the name of its first node (the one of the lowest id): many
clusters keep the name that their distribution gives to all. A CIB in a file is told by its path.
The stamp is a sum over the time of writing, so that a cluster that was made anew has a history of
its own again. A history that cannot be kept (a full disk, no home) is no reason to refuse a change;
it is only not there afterwards.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress

from crmsh_py.cib import xml
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.version import Version
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.regex import regex
from crmsh_py.wire import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import Revision

_HEAD_BYTES = 4096  # <cib …> is written first
_GZIP = 16 + zlib.MAX_WBITS  # a file of gzip, without the module
KEPT = 200  # of each cluster; the oldest ones go
_FILE = regex(r"(\d{1,10})\.(\d{1,10})\.[0-9a-f]{8}\.xml\.gz")
_UNSAFE = regex(r"[^A-Za-z0-9_.@-]")
_TIME = "%a %b %d %H:%M:%S %Y"  # of cib-last-written


class SeenConfigurations:
    """The history of one cluster, or of one file, in a directory of this user."""

    def __init__(self, base: str, name: str = "") -> None:
        """``base`` holds the histories of all clusters; '' keeps none. ``name`` is the directory
        below it; without it the configuration itself says what it is of.
        """
        self._base = base
        self._name = name

    @classmethod
    def of_environment(
        cls, environ: Mapping[str, str], uid: int, *, file: str = ""
    ) -> SeenConfigurations:
        """In this user's state directory; nowhere where the environment names none.

        ``file`` is the path of a CIB in a file.
        """
        path = os.path.realpath(file) if file else ""
        stem = _UNSAFE.sub("_", os.path.basename(path))[:64]
        name = (
            f"file-{zlib.crc32(path.encode(errors='surrogateescape')):08x}-{stem}" if path else ""
        )
        try:
            return cls(f"{os.path.dirname(paths.state_base(environ, uid))}/clusters", name)
        except CrmError:
            return cls("")

    def keep(self, cib: Cib) -> None:
        """Remember a configuration, if this version is not known yet."""
        if not self._base or not (self._name or cib.section("nodes").children):
            return
        directory = self._directory(cib)
        version = cib.version
        stamp = zlib.crc32(cib.root.get("cib-last-written").encode())
        path = f"{directory}/{version.admin_epoch}.{version.epoch}.{stamp:08x}.xml.gz"
        if os.path.exists(path):
            return
        with suppress(OSError):
            os.makedirs(directory, mode=0o700, exist_ok=True)
            temporary = f"{path}.{os.getpid()}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                text = cib.without_status().to_xml(indent=None)
                packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
                file.write(packer.compress(text.encode()) + packer.flush())
            os.replace(temporary, path)
            for old in _newest_first(directory)[KEPT:]:
                os.unlink(f"{directory}/{old}")

    def revisions(self, cib: Cib, limit: int) -> list[Revision]:
        """The newest ones of the cluster that ``cib`` is from, newest first, without patches."""
        directory = self._directory(cib)
        heads = (_head(f"{directory}/{name}") for name in _newest_first(directory)[:limit])
        return [_revision(head) for head in heads if head is not None]

    def revision(self, cib: Cib, admin_epoch: int, epoch: int) -> Cib:
        """One of them, whole. Raises NotFound."""
        directory, wanted = self._directory(cib), f"{admin_epoch}.{epoch}."
        names = (name for name in _newest_first(directory) if name.startswith(wanted))
        try:
            return Cib.parse(_read(f"{directory}/{next(names, '')}", xml.MAX_BYTES))
        except CrmError:
            raise NotFound(
                f"the configuration {admin_epoch}.{epoch} was not seen by this user",
                hint="crm configure revisions lists those that were",
            ) from None

    # ---- inside ----------------------------------------------------------------------------

    def _directory(self, cib: Cib) -> str:
        if self._name:
            return f"{self._base}/{self._name}"
        nodes = cib.section("nodes").findall("node")
        first = min(nodes, key=lambda n: (not n.id.isdigit(), len(n.id), n.id), default=None)
        words = (cib.properties().get("cluster-name", ""), first.get("uname") if first else "")
        name = "@".join(_UNSAFE.sub("_", word)[:64] for word in words).lstrip(".") or "unnamed"
        return f"{self._base}/{name}"


def _newest_first(directory: str) -> list[str]:
    """The names of the files, by the time when they were kept."""
    found = []
    with suppress(OSError), os.scandir(directory) as entries:
        found = [(e.stat().st_mtime_ns, e.name) for e in entries if _FILE.fullmatch(e.name)]
    return [name for _, name in sorted(found, reverse=True)]


def _read(path: str, limit: int) -> bytes:
    """The beginning of a file; b"" where there is nothing that can be read."""
    import gzip

    try:
        with gzip.open(path, "rb") as file:
            return file.read(limit)
    except (OSError, EOFError, zlib.error):
        return b""


def _head(path: str) -> Element | None:
    """``<cib …>`` alone: who wrote it, and when; None where the file is damaged."""
    start, _, _ = _read(path, _HEAD_BYTES).partition(b">")
    try:
        return Cib.parse(start.rstrip(b"/") + b"/>").root
    except CrmError:
        return None


def _revision(head: Element) -> Revision:
    from crmsh_py.wire.control import Revision

    return Revision(
        version=Version.from_element(head).tuple,
        author=head.get("update-user"),
        client=head.get("update-client"),
        origin=head.get("update-origin"),
        time=_seconds(head.get("cib-last-written")),
        patch="",
    )


def _seconds(text: str) -> int:
    """The time that a CIB says it was written at, in this machine's zone; 0 for none."""
    try:
        return int(time.mktime(time.strptime(text, _TIME)))
    except (ValueError, OverflowError):
        return 0

"""``crm report``: what somebody else needs to see, in one file and without its secrets.

The archive has a folder for each node (its log, its corosync.conf) beside the CIB, the
configuration, the status, the commits, and what ``cluster health`` finds. Values of parameters
that are named like passwords are replaced wherever they stand. ``history source FILE`` looks at
its logs.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import re
import tarfile
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from crmsh_py import __version__, lang
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.lang.listing import SECRETS
from crmsh_py.regex import regex
from crmsh_py.shell import on_nodes, past
from crmsh_py.shell.collected import LOGS
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import Parser, local_now
from crmsh_py.value import frozen
from crmsh_py.views import log_lines

HIDDEN = "******"
_SHORTEST_SECRET = 4  # characters; a shorter one would be found in every text
_SHARED_KEY = regex(r"^(\s*key\s*:\s*)\S.*$", re.MULTILINE)
_NODE_FILES = ("/etc/corosync/corosync.conf", "/etc/hosts")


def report(session: Session, call: CommandCall) -> int:
    """Collect, and say where it is."""
    chosen = _options(call.all("COMMAND_WORD"))
    name = chosen.destination or time.strftime("crm-%Y%m%d-%H%M%S")
    path = name if name.endswith((".tar.gz", ".tgz")) else f"{name}.tar.gz"
    folder = os.path.basename(path).removesuffix(".tar.gz").removesuffix(".tgz")
    begin = past.moment(chosen.begin) if chosen.begin else None
    end = past.moment(chosen.end) if chosen.end else None
    if os.path.exists(path) and not chosen.replace:
        raise CrmError(f"{path} exists", hint="name another file, or replace it: -Z")
    cib = session.cluster.read_cib()
    hide = _Secrets(cib, [*SECRETS, *chosen.pattern], keep=chosen.keep_secrets)
    count = 0
    draft = ""
    try:
        draft, descriptor = _draft(path)
        with (
            os.fdopen(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as archive,
        ):
            for inner, text in _parts(
                session, cib, hide, _Wish(" ".join(chosen.nodes), begin, end)
            ):
                data = hide.text(text).encode(errors="backslashreplace")
                entry = tarfile.TarInfo(f"{folder}/{inner}")
                entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
                archive.addfile(entry, io.BytesIO(data))
                count += 1
        os.replace(draft, path)
    except OSError as error:
        raise CrmError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # of a report that was not finished
    session.console.out(path)
    session.console.info(f"{count} files; in the shell, history source {path} looks at its logs")
    return 0


def _draft(path: str) -> tuple[str, int]:
    """A new file beside the one that it becomes, whose name nobody else can have guessed: in a
    directory like /tmp a link that waits there would be followed. Raises OSError.
    """
    draft = f"{path}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return draft, os.open(draft, flags, 0o600)


def _options(words: tuple[str, ...]) -> Namespace:
    parser = Parser(prog="report", description="Collects logs and configuration.", add_help=False)
    parser.add_argument("-f", "--from", dest="begin", default="")
    parser.add_argument("-t", "--to", dest="end", default="")
    parser.add_argument("-n", "--nodes", action="append", default=[])
    parser.add_argument("-p", "--pattern", action="append", default=[])
    parser.add_argument("-s", "--sanitize", action="store_true")  # crmsh's; it is the default here
    parser.add_argument("-Z", "--replace", action="store_true")
    # What crmsh's scripts say beside it, and is so here: quick, without an editor or other logs.
    for option in ("-Q", "-D", "-M", "-v"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--keep-secrets", action="store_true")
    parser.add_argument("destination", nargs="?", default="")
    try:
        return parser.parse_args(list(words))
    except UsageError as error:
        raise UsageError(error.message, hint="crm report --help tells what it takes") from None


@frozen
class _Wish:
    """Which nodes (with commas or blanks between them; '' is all), and which part of the time."""

    nodes: str
    begin: datetime | None
    end: datetime | None


class _Secrets:
    """Takes values away that are for nobody else: in the CIB by their names, elsewhere by what
    they are.
    """

    def __init__(self, cib: Cib, patterns: list[str], *, keep: bool) -> None:
        self._patterns = () if keep else tuple(patterns)
        found = {
            pair.get("value")
            for pair in cib.root.iter("nvpair")
            if self.hides(pair.get("name")) and len(pair.get("value")) >= _SHORTEST_SECRET
        }
        self._values = sorted(found - {HIDDEN}, key=len, reverse=True)

    @property
    def patterns(self) -> tuple[str, ...]:
        return self._patterns

    def hides(self, name: str) -> bool:
        """Whether values of this name are secret."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self._patterns)

    def text(self, text: str) -> str:
        """A text without the values."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        # The shared key of a corosync.conf that holds it itself.
        return _SHARED_KEY.sub(rf"\1{HIDDEN}", text) if self._patterns else text

    def element(self, element: Element) -> Element:
        """An element without the values."""
        if element.tag == "nvpair" and self.hides(element.get("name")):
            return element.with_attributes({"value": HIDDEN})
        return element.map_children(self.element)


def _parts(session: Session, cib: Cib, hide: _Secrets, wish: _Wish) -> Iterator[tuple[str, str]]:
    """The files of the report: name and text."""
    from crmsh_py.scheduler.status import cluster_status
    from crmsh_py.views import health, mon_classic, revisions

    now = local_now()
    cluster = session.cluster
    membership = None if cluster.kind is ClusterKind.FILE else cluster.membership()
    yield (
        "description.txt",
        f"crmsh-py {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"cluster: {cluster.kind} {cluster.label}\nmade: {now.isoformat()}\n",
    )
    yield "cib.xml", to_xml(hide.element(cib.root))
    yield "configuration.crm", lang.show(cib, obscure=hide.patterns)
    yield "status.txt", mon_classic.render(cib, cluster_status(cib, now=now), now=now)
    yield "health.txt", health.text(health.examine(cib, membership, now=now)) + "\n"
    stored = cluster.revisions(1000)
    if stored:
        yield "commits.txt", revisions.table(stored, now=now)
    if membership is not None:
        from crmsh_py.views import quorumtool

        yield "quorum.txt", quorumtool.quorum_status(membership, now=now)
        yield from _of_nodes(session, wish)


def _of_nodes(session: Session, wish: _Wish) -> Iterator[tuple[str, str]]:
    begin, end = wish.begin, wish.end
    wanted = wish.nodes.replace(",", " ").split()
    for node in on_nodes.names(session, wanted):
        for name, text in _files(session, node):
            if name.endswith(".log") and (begin or end):
                entries = log_lines.read(
                    ((node, line) for line in text.splitlines()), now=local_now()
                )
                kept = [
                    e.line
                    for e in entries
                    if (begin is None or e.at >= begin) and (end is None or e.at <= end)
                ]
                text = "".join(f"{line}\n" for line in kept)
            yield f"{node}/{name}", text


def _files(session: Session, node: str) -> Iterator[tuple[str, str]]:
    """The files of one node; of one that is off, too, where its disk is here."""
    if session.cluster.kind is ClusterKind.LOCAL:
        from crmsh_py.lab.client import Lab

        lab = Lab(environ=session.environ)
        try:
            yield "corosync.log", "".join(f"{line}\n" for _, line in lab.log([node]))
        except NotFound:
            return  # a node of the configuration that is none of the lab
        for path in _NODE_FILES:
            try:
                with open(lab.place.disk(node) + path, encoding="utf-8", errors="replace") as file:
                    yield os.path.basename(path), file.read(past.MAX_LOG)
            except OSError:
                continue  # a disk that was wiped
        return
    for path in (*LOGS, *_NODE_FILES):
        try:
            data = on_nodes.read_file(session, node, path)
        except CrmError as error:
            session.console.warning(f"{node}: {error.message}")
            return
        if data is not None:
            yield os.path.basename(path), data.decode(errors="replace")

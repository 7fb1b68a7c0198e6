"""Where a lab is on the disk, and that these directories are ours alone.

State: ``lab.json``, ``corosync.conf``, ``key``, ``bin/`` and ``bin-last/`` (commands for PATH),
``supervisor.log``, ``supervisor.lock``, ``nodes/NODE/…`` (the disks). Runtime: sockets. Both are
0700 and belong to the user; a directory that somebody else could have made or could exchange (the
runtime directory may be below /tmp) is refused.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crmsh_py.errors import CrmError, NotPermitted, TimedOut
from crmsh_py.lab.config import LabConfig
from crmsh_py.lab.held import is_at
from crmsh_py.wire import paths
from crmsh_py.wire.settings import NEW_SUFFIX

LOCK_TIMEOUT_S = 150.0  # longer than an orderly stop may take
_HOSTED_TIMEOUT_S = 10.0  # what a supervisor that was told to end may still take
_LOCK_POLL_S = 0.02
_OWN_BASES = "set CRM_STATE_DIR and CRM_RUNTIME_DIR to directories of your own"

# What a node calls its own files; the disk keeps them under the same names.
NODE_SETTINGS = "/etc/crmsh-py/settings.json"
NODE_KEY = "/etc/corosync/authkey"
REMOTE_KEY = "/etc/pacemaker/authkey"
NODE_CONF = "/etc/corosync/corosync.conf"
NODE_STORE = "/var/lib/crmsh-py/store.sqlite"
NODE_NEW = NODE_STORE + NEW_SUFFIX
NODE_LOG = "/var/log/corosync/corosync.log"
REMOTE_LOG = "/var/log/pacemaker/pacemaker.log"  # of a remote node, which has no corosync


@dataclass(frozen=True, slots=True)
class Place:
    """All the paths of one lab."""

    lab: str
    state_base: str
    runtime_base: str

    @property
    def state(self) -> str:
        """The lab's lasting directory."""
        return f"{self.state_base}/{self.lab}"

    @property
    def runtime(self) -> str:
        """The directory of its sockets."""
        return f"{self.runtime_base}/{self.lab}"

    @property
    def record(self) -> str:
        """The file that says what the lab is."""
        return f"{self.state}/lab.json"

    @property
    def conf(self) -> str:
        """The corosync.conf that the lab was created with."""
        return f"{self.state}/corosync.conf"

    @property
    def key(self) -> str:
        """The key of the nodes' datagrams."""
        return f"{self.state}/key"

    @property
    def commands(self) -> str:
        """The directory that comes first on a node's PATH."""
        return f"{self.state}/bin"

    @property
    def last_commands(self) -> str:
        """The directory that comes last on a node's PATH."""
        return f"{self.state}/bin-last"

    @property
    def supervisor_log(self) -> str:
        """What the supervisor has to say."""
        return f"{self.state}/supervisor.log"

    @property
    def socket(self) -> str:
        """The supervisor's socket."""
        return paths.check_socket_path(f"{self.runtime}/lab.sock")

    @property
    def runs_from(self) -> str:
        """A link beside the supervisor's socket: to the state directory of the lab that runs."""
        return f"{self.runtime}/state"

    @property
    def supervisor_lock(self) -> str:
        """What the supervisor holds as long as it runs."""
        return f"{self.state}/supervisor.lock"

    @property
    def nodes(self) -> str:
        """The directory of all disks."""
        return f"{self.state}/nodes"

    def disk(self, node: str) -> str:
        """A node's disk, as seen from outside."""
        return f"{self.nodes}/{node}"

    def node_socket(self, node: str) -> str:
        """A node's control socket; the path is the same inside the node."""
        return paths.check_socket_path(f"{self.runtime}/{node}.sock")

    def node_log(self, node: str) -> str:
        """Where on its disk a node has its log."""
        return REMOTE_LOG if os.path.lexists(self.disk(node) + REMOTE_LOG) else NODE_LOG

    def exists(self) -> bool:
        """Whether the lab has been created."""
        return os.path.exists(self.record)

    def load(self) -> LabConfig:
        """The lab's record.

        Raises:
            CrmError: there is no such lab.
        """
        try:
            text = Path(self.record).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise no_such_lab(self) from None
        except OSError as error:
            raise NotPermitted(f"{self.record} cannot be read: {error.strerror}") from None
        return LabConfig.from_json(text)

    def make_directories(self) -> None:
        """Make state and runtime directory, 0700, or see that they are ours."""
        for directory in (self.runtime_base, self.runtime, self.state_base, self.state):
            own_directory(directory)
        paths.check_socket_path(f"{self.runtime}/{'n' * 15}.sock")


def place_of(environ: Mapping[str, str], uid: int, lab: str = "") -> Place:
    """The place of a lab ('' means the one that the environment names)."""
    name = paths.check_lab_name(lab) if lab else paths.lab_name(environ)
    return Place(name, paths.state_base(environ, uid), paths.runtime_base(environ, uid))


def own_directory(directory: str) -> None:
    """Make a directory that only we can enter; its parents as usual.

    Raises:
        NotPermitted: it is a link, belongs to somebody else, or cannot be made; or its parent is
            such that somebody else could exchange it.
    """
    try:
        parent = os.path.dirname(directory)
        if not os.path.isdir(parent):
            own_directory(parent)
        _check_parent(parent)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            pass
        found = os.lstat(directory)
    except OSError as error:
        raise NotPermitted(
            f"{directory} cannot be made: {error.strerror}", hint=_OWN_BASES
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NotPermitted(f"{directory} is not a directory of yours", hint=_OWN_BASES)
    if found.st_mode & 0o022:
        os.chmod(directory, 0o700)


def _check_parent(parent: str) -> None:
    """Nobody else may rename what is in it; raises NotPermitted, OSError.

    Root's are as good as ours, under whatever user id a container shows root: whose / it is.
    """
    found = os.stat(parent)
    trusted = found.st_uid in (0, os.geteuid(), os.stat("/").st_uid)
    # Where every user has a group of his own, his directories often are writable to it.
    writable = stat.S_IWOTH if found.st_gid == os.getegid() else stat.S_IWOTH | stat.S_IWGRP
    open_to_all = found.st_mode & writable and not found.st_mode & stat.S_ISVTX
    if not trusted or open_to_all:
        raise NotPermitted(
            f"another user can exchange what is in the directory {parent}", hint=_OWN_BASES
        )


def no_such_lab(place: Place) -> CrmError:
    """The error for a lab that there is not, with those of this user that there are."""
    base, record = os.path.dirname(place.state), os.path.relpath(place.record, place.state)
    try:
        there = sorted(os.listdir(base))
    except OSError:
        there = []
    others = [name for name in there if os.path.exists(f"{base}/{name}/{record}")]
    hint = "make one: crm lab create"
    if others:
        hint = f"there {'is' if len(others) == 1 else 'are'} {', '.join(others)}"
        hint = f"{hint}: CRM_LAB={others[0]} crm …; or make one: crm lab create"
    return CrmError(f"there is no lab '{place.lab}'", hint=hint)


@contextmanager
def hosted(place: Place) -> Iterator[None]:
    """Be the lab's only supervisor: a lock that its process holds, and gives up by ending.

    The socket does not tell: it may be taken away, or be somebody's who is about to end.

    Raises:
        TimedOut: another one has not ended after a while.
        OSError: the file cannot be made.
    """
    deadline = time.monotonic() + _HOSTED_TIMEOUT_S
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(place.supervisor_lock, flags, 0o600)
    try:
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise TimedOut(f"another supervisor of lab '{place.lab}' is running")
            time.sleep(_LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked(place: Place, *, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the lab for one command: its state directory is locked, so no lock file is left over.

    Raises:
        TimedOut: another command holds it all that time.
        CrmError: the lab is gone.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            descriptor = os.open(place.state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise no_such_lab(place) from None
        except OSError as error:
            raise NotPermitted(f"{place.state}: {error.strerror}") from None
        try:
            # It may have been destroyed and made anew while we waited for it.
            if _lock(descriptor) and is_at(descriptor, place.state):
                yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > deadline:
            raise TimedOut(f"another command has been at work on lab '{place.lab}' all the time")
        time.sleep(_LOCK_POLL_S)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""A CIB in a file as a cluster: no daemon, everything offline works.

``CIB_file=FILE``, and shadows (``-c NAME``, ``cib use NAME``), which are files too. A commit locks
the file, applies the patch to what is there then, counts the version up as a cluster would, and
puts the new file in the place of the old one in one step, synced: a reader sees the one or the
other, and so does whoever comes back after a crash. Mode and owner stay.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from crmsh_py.cib import xml
from crmsh_py.cib.document import Cib
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import (
    ConfigError,
    Conflict,
    CrmError,
    Diagnostic,
    NotFound,
    NotPermitted,
    SyntaxProblem,
    TimedOut,
)
from crmsh_py.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.patch import Patch
    from crmsh_py.clusters.operations import Edit
    from crmsh_py.clusters.orders import NodeOrder
    from crmsh_py.clusters.seen import SeenConfigurations
    from crmsh_py.wire import control

LOCK_TIMEOUT_S = 10.0
_LOCK_POLL_S = 0.02


def _behind(path: str) -> str:
    """The file behind links: a link stays one, and what it leads to is replaced.

    A pipe that has no name (agents let ``crm_mon`` read ``<(cibadmin -Q | sed …)``) has its link
    alone.
    """
    try:
        real = os.path.realpath(path)
    except FileNotFoundError:  # it is a relative one
        raise NotFound(f"there is no file {path}: the working directory is gone") from None
    return path if os.path.exists(path) and not os.path.exists(real) else real


class FileCluster:
    """Implements ``clusters.port.Cluster`` for one file."""

    kind = ClusterKind.FILE
    node = ""

    def __init__(
        self, path: str, *, label: str = "", history: Callable[[], SeenConfigurations] | None = None
    ) -> None:
        """``label`` is what the prompt shows; the file's name if it is not given. ``history``
        keeps what was committed (it is made when it is needed); None keeps nothing.
        """
        self._history = history
        self._path = _behind(path)
        self._label = label or os.path.basename(path)

    @property
    def label(self) -> str:
        """What the prompt shows between the brackets."""
        return self._label

    @property
    def path(self) -> str:
        """Where the file is."""
        return self._path

    def read_cib(self) -> Cib:
        """The CIB as the file has it."""
        with self._opened(os.O_RDONLY) as descriptor:
            return self._read(descriptor)

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        """Apply a patch; returns when the new file is on the disk.

        Raises:
            Conflict: the file was changed meanwhile where the patch touches it.
        """
        with self._locked() as descriptor:
            old = self._read(descriptor)
            new = _next(old, patch, client)
            if new is not old:
                self._save(new, descriptor)
                if self._history is not None:
                    history = self._history()
                    history.keep(old)
                    history.keep(new)
            return new.version

    def set_attribute(
        self,
        node: str,
        name: str,
        value: str | None,
        *,
        delay_ms: int = 0,
        set_delay: bool = False,
        private: bool = False,
    ) -> None:
        """Set or delete (None) a transient node attribute in the file's status section."""
        from crmsh_py.clusters import operations

        self._change_status(lambda cib: operations.set_transient_attribute(cib, node, name, value))

    def attribute_values(self, name: str) -> dict[str, str]:
        """A transient attribute on all nodes of the file that have it."""
        found = {}
        for state in self.read_cib().status.findall("node_state"):
            for pair in state.iter("nvpair"):
                if pair.get("name") == name:
                    found[state.get("uname")] = pair.get("value")
        return found

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        """Set attributes of a ticket in the file's status section; None forgets the ticket."""
        from crmsh_py.cib.tickets import with_ticket

        self._change_status(lambda cib: cib.with_status(with_ticket(cib.status, name, attributes)))

    def clean_resource(
        self, resource: str, node: str, *, all_history: bool, operation: str = ""
    ) -> None:
        """Take the history of a resource out of the file's status section. '' means all.

        Without ``all_history`` only where it, or one ``operation`` of it, has failed.
        """
        from crmsh_py.clusters import operations

        def change(cib: Cib) -> Cib:
            if operation:
                return operations.without_failure(cib, resource, node, operation)
            return operations.without_history(cib, resource, node, only_failed=not all_history)

        self._change_status(change)

    def fail_resource(self, resource: str, node: str) -> None:
        """Nothing runs by a file; raises CrmError."""
        raise self._only_a_file("resource that could fail")

    def fence(
        self,
        node: str,
        action: str = "reboot",
        *,
        timeout_s: int = 0,
        delay_s: int = 0,
        tolerance_s: int = 0,
        client: str = "stonith_admin",
    ) -> None:
        """A file has no nodes; raises CrmError."""
        raise self._only_a_file("node that could be fenced")

    def confirm_fenced(self, node: str) -> None:
        """A file has no nodes; raises CrmError."""
        raise self._only_a_file("node that could be fenced")

    def fencing(self, *, devices: bool = False) -> control.FencingReply:
        """Nothing: a file does not know what has been fenced."""
        from crmsh_py.wire.control import FencingReply

        return FencingReply(devices=[], records=[])

    def ask_device(
        self, device: str, *, hosts: bool = False, target: str = ""
    ) -> control.DeviceReply:
        """A file has no nodes that could run an agent; raises CrmError."""
        raise self._only_a_file("node that could ask a device")

    def forget_fencing(self, node: str = "") -> None:
        """A file knows nothing that could be forgotten; raises CrmError."""
        raise self._only_a_file("history of fencing")

    def membership(self, *, timeout_s: float = 0) -> control.MembershipReply:
        """A file has none; raises CrmError."""
        raise self._only_a_file("membership")

    def administer(self, order: control.RingOrder | NodeOrder) -> None:
        """A file has none; raises CrmError."""
        raise self._only_a_file("membership")

    def cmap(self, prefix: str = "", *, map_name: str = "icmap") -> list[control.CmapKey]:
        """A file has none; raises CrmError."""
        raise self._only_a_file("keys of Corosync")

    def subsystems(self) -> control.SubsystemsReply:
        """A file has none; raises CrmError."""
        raise self._only_a_file("daemons")

    def start_manager(self) -> None:
        """A file has none; raises CrmError."""
        raise self._only_a_file("cluster manager")

    def stop_manager(self) -> None:
        """A file has none; raises CrmError."""
        raise self._only_a_file("cluster manager")

    def wait_idle(self, *, timeout_s: float, version: Version | None = None) -> None:
        """Return at once: nobody acts on a file."""

    def watch(self) -> Iterator[control.Changed]:
        """The file as it is; then the end."""
        from crmsh_py.wire import control  # messages: only a watcher of a file needs them

        cib = self.read_cib()
        yield control.Changed(version=cib.version.tuple, quorate=cib.quorate, dc="", idle=True)

    def revisions(self, limit: int = 100) -> list[control.Revision]:
        """What this user has committed to the file, newest first, without patches."""
        if self._history is None:
            return []
        return self._history().revisions(self.read_cib(), limit)

    def revision(self, admin_epoch: int, epoch: int) -> Cib:
        """The file as it is or was, as far as this user has committed it. Raises NotFound."""
        cib = self.read_cib()
        if (cib.version.admin_epoch, cib.version.epoch) == (admin_epoch, epoch):
            return cib
        if self._history is not None:
            return self._history().revision(cib, admin_epoch, epoch)
        raise NotFound(
            f"no revision {admin_epoch}.{epoch} of {self._label} is kept",
            hint=f"it is at {cib.version}",
        )

    # ---- inside ----------------------------------------------------------------------------

    def _change_status(self, change: Edit) -> None:
        with self._locked() as descriptor:
            old = self._read(descriptor)
            new = change(old)
            if new.status != old.status:
                self._save(new.with_version(old.version.next_update()), descriptor)

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, flags | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"there is no file {self._path}") from None
        except PermissionError:
            raise NotPermitted(f"you may not open {self._path}") from None
        except OSError as error:
            raise CrmError(f"cannot open {self._path}: {error.strerror}") from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the file alone. The lock is on the file itself, so nothing is left beside it."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            with self._opened(os.O_RDONLY) as descriptor:
                self._lock(descriptor, deadline)
                # Whoever had the lock before us may have put another file in its place.
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                        yield descriptor
                        return

    def _lock(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimedOut(f"somebody else holds the lock of {self._path}") from None
                time.sleep(_LOCK_POLL_S)
            except OSError as error:
                raise CrmError(f"cannot lock {self._path}: {error.strerror}") from None

    def _read(self, descriptor: int) -> Cib:
        try:
            with os.fdopen(os.dup(descriptor), "rb") as file:
                data = file.read(xml.MAX_BYTES + 1)
        except OSError as error:
            raise CrmError(f"cannot read {self._path}: {error.strerror}") from None
        return parsed(data, self._path)

    def _save(self, cib: Cib, old: int) -> None:
        try:
            save(self._path, cib, like=old)
        except PermissionError:
            raise NotPermitted(f"you may not write {self._path}") from None
        except OSError as error:
            raise CrmError(f"cannot write {self._path}: {error.strerror}") from None

    def _only_a_file(self, what: str) -> CrmError:
        return CrmError(
            f"{self._label} is a file: it has no {what}",
            hint="this needs a running cluster: leave out -c, CIB_shadow and CIB_file"
            " (in the shell: cib use live)",
        )


def parsed(data: str | bytes, path: str) -> Cib:
    """The CIB that a file holds; what is wrong with it is told with the file's name."""
    try:
        return Cib.parse(data)
    except SyntaxProblem as problem:
        found = problem.diagnostic
        message = found.message.removeprefix(f"line {found.line}: ")
        raise SyntaxProblem(replace(found, message=message, origin=path)) from None
    except ConfigError as error:
        if error.diagnostics:
            raise
        raise ConfigError(f"{path}: {error.message}", hint=error.hint) from None


def with_history(path: str, environ: Mapping[str, str], uid: int) -> FileCluster:
    """A file whose commits are kept in this user's state directory."""

    def history() -> SeenConfigurations:
        from crmsh_py.clusters.seen import SeenConfigurations

        return SeenConfigurations.of_environment(environ, uid, file=path)

    return FileCluster(path, history=history)


def save(path: str, cib: Cib, *, like: int | None = None) -> None:
    """Write a CIB to a file in one step, synced; with the mode and owner of the file ``like``.

    Raises:
        OSError: the disk or its permissions do not let us; the old file is as it was.
    """
    directory = os.path.dirname(os.path.abspath(path))
    temporary = f"{directory}/.{os.path.basename(path)}.{os.getpid()}.{time.monotonic_ns()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(cib.to_xml())
            file.flush()
            if like is not None:
                status = os.fstat(like)
                os.fchmod(descriptor, status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    with suppress(PermissionError):  # only root may give files away
                        os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _next(old: Cib, patch: Patch, client: str) -> Cib:
    """The document after a patch, counted up and signed; ``old`` itself if nothing changes."""
    from crmsh_py.cib.apply import apply

    new = apply(old, patch)
    admin_epoch = old.version.admin_epoch
    if patch.target.admin_epoch > patch.source.admin_epoch:
        admin_epoch = max(admin_epoch, patch.target.admin_epoch)
    raised = admin_epoch > old.version.admin_epoch or _only_counts(patch)
    if new.configuration == old.configuration and new.schema == old.schema and not raised:
        if new.status == old.status:
            return old
        return new.with_version(old.version.next_update())
    from crmsh_py.clusters.sockets import user_name

    meanwhile = patch.source.tuple[:2] != old.version.tuple[:2]
    _check(old, new, meanwhile=meanwhile)
    version = replace(old.version.next_epoch(), admin_epoch=admin_epoch)
    return new.with_version(version).with_attributes(
        {
            "cib-last-written": time.strftime("%a %b %e %H:%M:%S %Y"),
            "update-origin": os.uname().nodename,
            "update-client": client or None,
            "update-user": user_name(os.getuid()),
        }
    )


def _only_counts(patch: Patch) -> bool:
    """Whether a patch is there to count the version up, and for nothing else."""
    from crmsh_py.cib.patch import ROOT

    counts = patch.target.epoch > patch.source.epoch
    return counts and all(change.path == ROOT for change in patch.changes)


def _check(old: Cib, new: Cib, *, meanwhile: bool) -> None:
    """Refuse what a cluster would refuse: two changes that fit may make no sense together.

    What was there already does not keep anybody from mending something else. ``meanwhile`` says
    that somebody else has changed the configuration since it was read.
    """
    from crmsh_py.cib.checks import broken_by
    from crmsh_py.cib.schema import validate

    broken = broken_by(old, new)
    if broken and meanwhile:
        raise Conflict(f"after what was changed meanwhile: {broken[0]}", hint=broken[0].hint)
    known = {str(finding) for finding in validate(old)}
    findings = [
        *broken,
        *(finding for finding in validate(new) if str(finding) not in known),
    ]
    if findings:
        raise ConfigError(
            str(findings[0]),
            hint=findings[0].hint,
            diagnostics=[Diagnostic(str(finding), hint=finding.hint) for finding in findings],
        )

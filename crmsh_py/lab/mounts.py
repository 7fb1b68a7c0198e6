"""What a node sees as its file system, built inside its own mount namespace.

The machine's /usr and the rest, read-only; the node's disk in place of /etc, /var, /root, /srv,
/mnt; fresh /run, /tmp, /dev, /dev/shm, /proc, /sys. The directories that Python, this package and
the lab's sockets live in stay visible at their own paths, wherever they are: they are opened
before anything hides them, and shown again through their descriptors.

Real root in a node is root on the machine: so the machine's disks and clock, its kernel's switches
and its other file systems are out of reach, not only out of sight.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ParamSpec

from crmsh_py.lab import linux
from crmsh_py.lab.disk import HOST_VIEW, PRIVATE
from crmsh_py.lab.held import is_at

_P = ParamSpec("_P")

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
_RUN_DIRECTORIES = ("lock", "lock/subsys", "resource-agents", "apache2", "crm", "user")
_OCTAL = re.compile(r"\\([0-7]{3})")  # how mountinfo writes blanks in paths
# Files of /proc that act on the whole machine: agents that panic a node write to them.
_MASKED = ("/proc/sysrq-trigger", "/proc/kcore")


class MountError(Exception):
    """A file system that a node cannot do without could not be mounted; the text says which."""


def build(disk: str, *, keep: Sequence[str], keep_writable: Sequence[str], own_pids: bool) -> None:
    """Show the node its own file system. To be called in a fresh mount namespace.

    Raises:
        MountError: something that a node needs was refused.
    """
    try:
        linux.make_private()
        if own_pids:
            linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV)
        _View(keep, keep_writable).build(disk)
    except OSError as error:
        raise MountError(str(error.strerror or error)) from None


class _View:
    """The mounts of one node while they are being made."""

    def __init__(self, keep: Sequence[str], keep_writable: Sequence[str]) -> None:
        self._writable: set[str] = set()
        kept = dict.fromkeys(keep, False) | dict.fromkeys(keep_writable, True)
        # Outer directories first: showing them again would hide what was shown inside them.
        self._kept = [
            (path, kept[path], os.open(path, os.O_PATH | os.O_CLOEXEC))
            for path in sorted(kept)
            if os.path.isdir(path)
        ]
        self._machine = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in ("/etc", "/var")}
        self._own: list[str] = []  # trees in which directories may be made: the node's and no other
        self._not_own = [HOST_VIEW]  # trees in these that are not the node's

    def build(self, disk: str) -> None:
        private = [
            (path, os.open(disk + path, os.O_PATH | os.O_CLOEXEC))
            for path in PRIVATE
            if os.path.isdir(path)
        ]
        devices = [
            (name, os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC))
            for name in (*_DEVICES, "pts")
            if os.path.exists(f"/dev/{name}")
        ]
        self._fresh("/run", "755")
        for name in _RUN_DIRECTORIES:
            os.makedirs(f"/run/{name}", exist_ok=True)
        os.chmod("/run/lock", 0o1777)  # noqa: S103 - as on any machine
        for path, descriptor in self._machine.items():
            os.makedirs(HOST_VIEW + path)
            linux.bind_descriptor(descriptor, HOST_VIEW + path)
        self._fresh("/tmp", "1777")  # noqa: S108 - the node's own
        for path, descriptor in private:
            linux.bind_descriptor(descriptor, path)
            self._writable.add(path)
            self._own.append(os.path.realpath(path))
        self._devices(devices)
        self._sys()
        self._show_kept()
        self._make_read_only()
        for _, descriptor in (*private, *devices, *self._machine.items()):
            os.close(descriptor)
        for _, _, descriptor in self._kept:
            os.close(descriptor)

    def _fresh(self, path: str, mode: str) -> None:
        linux.mount("crm", path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"mode={mode}")
        self._writable.add(path)
        self._own.append(os.path.realpath(path))

    def _devices(self, devices: Sequence[tuple[str, int]]) -> None:
        linux.mount("crm", "/dev", "tmpfs", linux.MS_NOSUID, "mode=755")
        for name, descriptor in devices:
            target = f"/dev/{name}"
            if name == "pts":
                os.mkdir(target)
            else:
                os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
            linux.bind_descriptor(descriptor, target)
        for name, leads_to in _DEVICE_LINKS:
            os.symlink(leads_to, f"/dev/{name}")
        os.mkdir("/dev/shm")  # noqa: S108 - the node's own
        self._fresh("/dev/shm", "1777")  # noqa: S108
        self._writable.add("/dev")

    def _sys(self) -> None:
        # The sysfs of the own network namespace, for agents that look at /sys/class/net. Kernels
        # refuse it in containers; the inherited one does then.
        _try(linux.mount, "sysfs", "/sys", "sysfs", linux.MS_RDONLY)
        for path in _MASKED:
            if os.path.exists(path):
                _try(linux.bind, "/dev/null", path)
        # Of the kernel's switches only those of the own network are the node's.
        _try(linux.bind, "/proc/sys", "/proc/sys")
        _try(linux.bind, "/proc/sys/net", "/proc/sys/net")
        self._writable.add("/proc/sys/net")

    def _show_kept(self) -> None:
        """Show each at its path, which may lead over links of the machine, or of the node's disk.

        What the machine has is not read-only yet, and a node's root can put any link on its disk:
        so nothing is made, and nothing is hidden, but in the node's own trees.
        """
        for path, writable, descriptor in self._kept:
            target = os.path.realpath(path)
            if is_at(descriptor, target):
                if writable:
                    linux.bind_descriptor(descriptor, target)
            elif (own := self._own_tree(target)) is None:
                raise MountError(
                    f"{path}, which is the lab's, leads to {target} by a link on the node's disk: "
                    "remove that link"
                )
            else:
                with _made(own, target) as place:
                    linux.bind_descriptor(descriptor, f"/proc/self/fd/{place}")
            if writable:
                self._writable.add(target)
            self._not_own.append(target)

    def _own_tree(self, path: str) -> str | None:
        """The tree of the node's own that a path without links is in; None: it is another's."""
        if any(_is_within(path, other) for other in self._not_own):
            return None
        return next((own for own in self._own if _is_within(path, own)), None)

    def _make_read_only(self) -> None:
        """Make every mount read-only that is not the node's own."""
        for target, options in _mounts():
            inside_proc = target.startswith("/proc/") and target != "/proc/sys"
            if target in self._writable or target == "/proc" or inside_proc:
                continue
            if target.startswith("/dev/") or "ro" in options.split(","):
                continue
            try:
                linux.remount_read_only(target, options)
            except OSError:
                if target == "/":
                    raise  # the machine's root must be safe from a node's


def _try(step: Callable[_P, None], *arguments: _P.args, **named: _P.kwargs) -> None:
    try:
        step(*arguments, **named)
    except OSError:
        pass  # good to have, and refused here


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


@contextmanager
def _made(own: str, target: str) -> Iterator[int]:
    """A descriptor of a directory in a tree, made where it is missing; no link is followed."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = os.open(own, flags)
    try:
        for name in filter(None, target.removeprefix(own).split("/")):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=at)
            outer, at = at, os.open(name, flags, dir_fd=at)
            os.close(outer)
        yield at
    finally:
        os.close(at)


def _mounts() -> list[tuple[str, str]]:
    """Every mount point with its options, the topmost of each path last (proc_pid_mountinfo(5))."""
    found: dict[str, str] = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split(" ")
            found[_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])] = fields[5]
    return list(found.items())

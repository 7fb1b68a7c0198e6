"""The system calls that namespaces need and that Python 3.11 does not have.

Role: unshare(2), setns(2), mount(2), sethostname(2), prctl(2) through ctypes, with errors as
``OSError`` that name what was tried. No rules of the lab are here, and nothing of this package is
imported: the init of a node starts with this module alone and must be up in milliseconds.

Sources: namespaces(7), user_namespaces(7), mount(2), pivot_root(2), prctl(2), the
kernel's uapi headers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000

CAP_SYS_MODULE = 16
CAP_SYS_RAWIO = 17
CAP_SYS_ADMIN = 21
CAP_SYS_BOOT = 22
CAP_SYS_TIME = 25

_MNT_DETACH = 0x2

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36

# The flags of a mount that mountinfo shows as words; a remount must repeat them, or a mount that
# came from a user namespace above refuses it.
_OPTION_FLAGS = {
    "ro": MS_RDONLY,
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": MS_NOATIME,
    "nodiratime": MS_NODIRATIME,
    "relatime": MS_RELATIME,
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones (pid: for the children)."""
    _check(_libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def setns(descriptor: int, kind: int = 0) -> None:
    """Enter the namespace behind an open ``/proc/PID/ns/…`` file."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2); empty strings stand for NULL."""
    _check(
        _libc.mount(
            os.fsencode(source) or None,
            os.fsencode(target),
            kind.encode() or None,
            flags,
            data.encode() or None,
        ),
        f"mount {kind or 'bind'} on {target}",
    )


def bind(source: str, target: str) -> None:
    """Show ``source`` with all that is mounted below it at ``target`` too.

    Always recursive: of a tree that came from a user namespace above, parts cannot be shown.
    """
    mount(source, target, flags=MS_BIND | MS_REC)


def bind_descriptor(descriptor: int, target: str) -> None:
    """The same for what a descriptor holds, even where its path is hidden by now."""
    bind(f"/proc/self/fd/{descriptor}", target)


def make_private() -> None:
    """No mount of this namespace is seen outside from now on, nor the other way round."""
    try:
        mount("", "/", flags=MS_REC | MS_PRIVATE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _make_chroot_the_root()  # the root directory is no mount: a chroot


def _make_chroot_the_root() -> None:
    """In a chroot: make its directory the root of this mount namespace, and all of it private.

    What is to be made private is the mount that the chroot lies in, which cannot be named from
    inside: so up to the namespace's own root first (whose ".." is itself), and down again. With
    the directory as the namespace's root, whoever enters the namespace later is in it too.
    """
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chroot("/proc")  # any directory below: then ".." of the old root is no longer held back
    os.fchdir(root)
    while not os.path.samestat(os.stat("."), os.stat("..")):
        os.chdir("..")
    os.chroot(".")
    mount("", "/", flags=MS_REC | MS_PRIVATE)
    os.fchdir(root)
    os.close(root)
    bind(".", ".")
    os.chdir(os.getcwd())  # by its path: onto what has just been mounted there
    _check(_libc.pivot_root(b".", b"."), "pivot_root")  # pivot_root(2): the old one lies on top
    _check(_libc.umount2(b".", ctypes.c_int(_MNT_DETACH)), "umount2")
    os.chdir("/")


def remount_read_only(target: str, options: str) -> None:
    """Make one mount read-only; ``options`` are its present ones, as mountinfo shows them."""
    flags = MS_REMOUNT | MS_BIND | MS_RDONLY
    for option in options.split(","):
        flags |= _OPTION_FLAGS.get(option, 0)
    mount("", target, flags=flags)


def set_hostname(name: str) -> None:
    """sethostname(2) in the present UTS namespace."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def die_with_parent() -> None:
    """Ask for SIGKILL when the thread that forked us ends.

    The kernel forgets it at every change of credentials: ask after those. A parent that has
    ended before is not noticed; who must be sure asks ``os.getppid()`` afterwards.
    """
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (a subreaper)."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")


def drop_capabilities(numbers: tuple[int, ...]) -> None:
    """Take capabilities from the bounding set: no program started later has them.

    Silent where we hold no CAP_SETPCAP: then there is nothing to take either.
    """
    for number in numbers:
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)


def open_namespace(pid: int, name: str) -> int:
    """A descriptor of a process's namespace: ``user``, ``mnt``, ``net``, ``pid``, …"""
    return os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)


def namespace_id(pid: int | str, name: str) -> int:
    """The number that the kernel gives a namespace; 0 when it cannot be seen."""
    try:
        return os.stat(f"/proc/{pid}/ns/{name}").st_ino
    except OSError:
        return 0

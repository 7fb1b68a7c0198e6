"""How far this user can separate nodes on this machine: found by trying, never by reading settings.

From the best to the least:

    ROOT        real root: real user ids
    RANGE       a user namespace with a range of user ids (newuidmap, /etc/subuid)
    ONE_USER    a user namespace with one user id: programs that change user cannot
    NONE        plain processes on loopback; stand-ins only

A candidate is a forked child that enters its namespaces and tries all that a node will need; who
succeeds goes on as the supervisor. Sources: user_namespaces(7), newuidmap(1), subuid(5).
"""

from __future__ import annotations

import enum
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crmsh_py.lab import linux
from crmsh_py.lab.iproute import NetworkError
from crmsh_py.lab.iproute import run as run_ip

_MAP_TIMEOUT_S = 10.0
_MAX_IDS = 65535  # what a machine's user database uses, besides 0
_APPARMOR_SWITCH = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_NODE_NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWNET
_MAX_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")


class Isolation(enum.Enum):
    """How a lab's nodes are separated, as the supervisor's status names it."""

    ROOT = "root"
    RANGE = "range"
    ONE_USER = "one-user"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class IdRange:
    """A range of subordinate ids: one line of /etc/subuid or /etc/subgid."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying one isolation: no failure means that it works.

    ``own_pids``: nodes have process ids of their own. ``one_user``: there is no other user id to
    change to.
    """

    isolation: Isolation
    failure: str = ""
    own_pids: bool = True
    one_user: bool = False


def candidates(uid: int) -> list[Isolation]:
    """What to try, best first."""
    usable = [Isolation.ROOT] if uid == 0 else []
    if id_range("/etc/subuid", uid) and id_range("/etc/subgid", uid) and shutil.which("newuidmap"):
        usable.append(Isolation.RANGE)
    return [*usable, Isolation.ONE_USER, Isolation.NONE]


def id_range(file: str, uid: int) -> IdRange | None:
    """The largest range of subordinate ids that a file gives a user (subuid(5))."""
    names = {str(uid)}
    try:
        names.add(pwd.getpwuid(uid).pw_name)
    except KeyError:
        pass  # a user without an entry; its number may still be listed
    best: IdRange | None = None
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in names and all(f.isdigit() for f in fields[1:]):
            found = IdRange(int(fields[1]), int(fields[2]))
            if found.count and (best is None or found.count > best.count):
                best = found
    return best


def enter(isolation: Isolation, map_ids: Callable[[], None]) -> Attempt:
    """Enter the namespaces of a lab's host, and try all that a node will need.

    ``map_ids`` returns when somebody outside has mapped the range of ids to this process. Raises
    OSError or NetworkError with the step that was refused.
    """
    if isolation is Isolation.NONE:
        return Attempt(isolation, own_pids=False, one_user=not _works(0, _change_user))
    uid, gid = os.geteuid(), os.getegid()
    if isolation is Isolation.RANGE:
        linux.unshare(linux.CLONE_NEWUSER)
        map_ids()
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        os.setgroups([])
    elif isolation is Isolation.ONE_USER:
        linux.unshare(linux.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET)
    linux.make_private()
    _try_network()
    _in_child(_NODE_NAMESPACES, _run)
    return Attempt(
        isolation,
        # Containers refuse a fresh /proc; nodes then share the process ids.
        own_pids=_works(linux.CLONE_NEWNS | linux.CLONE_NEWPID, _proc),
        one_user=not _works(0, _change_user),
    )


def _try_network() -> None:
    """A bridge, and a cable to it."""
    run_ip(
        [
            "link add try0 type bridge",
            "link add try1 type veth peer name try2",
            "link set try1 master try0",
            "link del try1",
            "link del try0",
        ]
    )


def _run() -> None:
    linux.mount("crm", "/run", "tmpfs")
    linux.set_hostname("try")


def _proc() -> None:
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV)


def _change_user() -> None:
    """As a web server does."""
    os.setgroups([])
    os.setresgid(33, 33, 33)
    os.setresuid(33, 33, 33)


def _works(flags: int, step: Callable[[], None]) -> bool:
    try:
        _in_child(flags, step)
    except OSError:
        return False
    return True


def _in_child(flags: int, step: Callable[[], None]) -> None:
    """Do a step in namespaces of its own; raises OSError when it fails there."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            if flags:
                linux.unshare(flags)
            # A pid namespace holds the children only, so the step is done by one more of them.
            grandchild = os.fork()
            if grandchild == 0:
                try:
                    step()
                except OSError as error:
                    code = error.errno or 1
                os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        except OSError as error:
            code = error.errno or 1
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, f"trying {step.__name__}: {os.strerror(abs(code))}")


def map_range(pid: int, uid: int, gid: int) -> str:
    """Give a child that has entered its user namespace the user's whole range of ids.

    Done from outside by the set-uid programs newuidmap and newgidmap. Returns '' or the failure.
    """
    for program, file, own in (
        ("newuidmap", "/etc/subuid", uid),
        ("newgidmap", "/etc/subgid", gid),
    ):
        ids = id_range(file, uid)
        if ids is None:
            return f"{file} has no range for this user"
        count = min(ids.count, _MAX_IDS)
        arguments = [program, str(pid), "0", str(own), "1", "1", str(ids.start), str(count)]
        try:
            done = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_MAP_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{program}: {error}"
        if done.returncode:
            return f"{program}: {done.stderr.strip() or done.returncode}"
    return ""


def advice(uid: int) -> str:
    """What a person can do so that namespaces work; looked at only after they failed."""
    if not shutil.which("ip"):
        return "install the package iproute2"
    if _read(_APPARMOR_SWITCH) == "1":
        return (
            "AppArmor forbids it to users: sudo sysctl -w"
            " kernel.apparmor_restrict_unprivileged_userns=0, or run crm lab with sudo"
        )
    if _read(_MAX_NAMESPACES) == "0":
        return "the kernel allows none: sudo sysctl -w user.max_user_namespaces=10000"
    if uid:
        return "run crm lab with sudo, or allow user namespaces on this machine"
    return "this container lacks CAP_SYS_ADMIN: run it privileged, or on the machine itself"


def range_advice(uid: int) -> str:
    """What a person can do so that programs may change user in the nodes; '' for nothing."""
    if not shutil.which("newuidmap"):
        return "install the package uidmap"
    if not id_range("/etc/subuid", uid) or not id_range("/etc/subgid", uid):
        return "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"
    return ""


def failure_text(error: OSError | NetworkError) -> str:
    """The reason in words."""
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return str(error)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""

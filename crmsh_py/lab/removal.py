"""Taking away what a lab may have left: processes in its namespaces, and its files.

Files may belong to user ids that only the lab's user namespace has (a range): then they are removed
by a child in a namespace with the same ids.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence

from crmsh_py.errors import NotPermitted, TimedOut
from crmsh_py.lab import commands, linux, nodespec, processes
from crmsh_py.lab.isolation import Isolation, candidates
from crmsh_py.lab.place import Place

_END_TIMEOUT_S = 5.0
_REMOVE_TIMEOUT_S = 60.0


def end_strays(place: Place) -> None:
    """Kill what was started on the host or in a node and outlived the supervisor.

    Their environment tells them (the lab's name and its state directory), and where that was
    replaced, their mounts do: the host's /etc/hosts and a node's disk are files of the lab.
    Raises TimedOut.
    """
    files = _on_its_device(place.state)
    marks = nodespec.marks(place)
    _end(lambda pid: processes.environment_has(pid, marks) or _mounted_below(pid, files))


def end_strays_of_nodes(place: Place, names: Sequence[str]) -> None:
    """The same for what was started in nodes: before the lab has a supervisor again.

    Where nodes have no process ids of their own, what their daemons have started does not end with
    a supervisor that is killed. A shell on the host stays: it is somebody's, and harms no node.
    """
    files = _on_its_device(place.nodes)
    marks = nodespec.marks(place)
    own = [f"CRM_NODE={name}" for name in names]

    def is_stray(pid: int) -> bool:
        if processes.environment_has(pid, marks):
            return any(processes.environment_has(pid, [mark]) for mark in own)
        return not _shares_our_mounts(pid) and _mounted_below(pid, files)

    _end(is_stray)


def _end(is_stray: Callable[[int], bool]) -> None:
    spared = {os.getpid(), *_ancestors()}
    strays = []
    for pid in processes.all_pids():
        if pid not in spared and is_stray(pid):
            identity = processes.identify(pid)
            if identity is not None:
                processes.send(pid, signal.SIGKILL)
                strays.append(identity)
    left = processes.wait_gone(strays, _END_TIMEOUT_S)
    if left:
        raise TimedOut(f"processes of the lab do not end: {[p.pid for p in left]}")


def _shares_our_mounts(pid: int) -> bool:
    return linux.namespace_id(pid, "mnt") == linux.namespace_id("self", "mnt")


def _mounted_below(pid: int, directory: str) -> bool:
    """Whether a process sees something below a directory (as ``_on_its_device``) as a mount."""
    return bool(directory) and any(
        f"{source}/".startswith(f"{directory}/") for _, source in _mounts(pid)
    )


def _on_its_device(path: str) -> str:
    """The path as the file system has it that it lies on; '' when that is not to be seen."""
    real = os.path.realpath(path)
    inside = [
        (point.rstrip("/"), source.rstrip("/"))
        for point, source in _mounts("self")
        if f"{real}/".startswith(f"{point.rstrip('/')}/")
    ]
    if not inside:
        return ""  # a chroot
    point, source = max(reversed(inside), key=lambda found: len(found[0]))
    device = f"{source}{real.removeprefix(point)}"
    return device if device.strip("/") else ""


def _mounts(pid: int | str) -> list[tuple[str, str]]:
    """Mount points of a process, and what of its device each shows (proc_pid_mountinfo(5))."""
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return [(fields[4], fields[3]) for fields in (line.split(" ", 5) for line in file)]
    except OSError:
        return []


def _ancestors() -> set[int]:
    """Our own parents: a destroy typed on the lab's host must not kill the shell it came from."""
    found: set[int] = set()
    pid = os.getpid()
    for _ in range(64):
        parent = processes.parent_of(pid)
        if parent <= 1:
            break
        found.add(parent)
        pid = parent
    return found


def remove_files(place: Place, uid: int) -> None:
    """Remove both directories of a lab, and their parents where nothing else is in them."""
    for directory in (place.runtime, place.state):
        remove_tree(directory, uid)
    for base in (place.state_base, place.runtime_base):
        # .../crmsh-py/labs and .../crmsh-py, or /tmp/crm-UID/crmsh-py and /tmp/crm-UID
        for directory in (base, os.path.dirname(base)):
            name = os.path.basename(directory)
            if name in ("labs", "crmsh-py") or name == f"crm-{uid}":
                try:
                    os.rmdir(directory)
                except OSError:
                    break  # another lab's


def remove_tree(directory: str, uid: int) -> None:
    """Remove a directory of a lab with all that nodes have left in it. Raises NotPermitted."""
    _remove(directory)
    if not os.path.lexists(directory):
        return
    if Isolation.RANGE in candidates(uid):
        _remove_in_range(directory)
    if os.path.lexists(directory):
        raise NotPermitted(
            f"{directory} cannot be removed", hint=f"files of other users: sudo rm -rf {directory}"
        )


def _remove(directory: str) -> None:
    """Remove what we may; directories that their owner has closed are opened first."""
    if os.path.islink(directory) or not os.path.isdir(directory):
        try:
            os.unlink(directory)
        except OSError:
            pass
        return
    for inside, names, _ in os.walk(directory):
        for name in (".", *names):
            path = os.path.join(inside, name)
            if not os.path.islink(path) and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                try:
                    os.chmod(path, 0o700)
                except OSError:
                    pass
    shutil.rmtree(directory, ignore_errors=True)


def _remove_in_range(directory: str) -> None:
    subprocess.run(
        [commands.python(), "-P", "-m", "crmsh_py.lab.inrange", directory],
        env={"PYTHONPATH": commands.python_path(), "PATH": commands.SYSTEM_PATH},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=_REMOVE_TIMEOUT_S,
    )

"""A node's own disk: a directory that lasts from start to start.

It holds a node's private /etc, /var, /root, /srv and /mnt. /etc and /var begin as a farm: what a
node writes or runs a service with is a real copy, what the machine's services keep in /var/lib and
/var/log is an empty directory with the same owner (a database of the machine is none of the
node's); the rest of the machine's entries are links to
``/run/host/etc`` and ``/run/host/var``, where the machine's own ones are visible, read-only. So
everything of /etc is there, new files can be made without root, and nothing of the machine can be
changed from a node. (Overlays would be simpler, but without root every write to a file that
belongs to root is refused in them.)

A disk is made ready out here, before the node's mounts are there. A link that was made inside leads
to something else out here, perhaps to the machine's own /etc: none is followed, and what is behind
one stays as the node has it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Mapping

HOST_VIEW = "/run/host"  # in a node: where the machine's own /etc and /var are to be seen

# Directories of the disk that are shown in place of the machine's.
PRIVATE = ("/etc", "/var", "/root", "/srv", "/mnt")

# Of /etc: services' configuration that a node may change, copied when the disk is new.
_COPIED_ETC = (
    *("apache2", "httpd", "nginx", "haproxy", "mysql", "my.cnf.d", "postgresql", "redis"),
    *("memcached.conf", "exports", "samba", "bind", "squid", "default"),
)
# Of /etc: what the lab writes itself, or what must not be the machine's.
_OWN_ETC = ("hosts", "resolv.conf", "hostname", "machine-id", "corosync", "pacemaker", "crmsh-py")
# Of /var and /var/lib: always the node's own.
_OWN_VAR = ("lib", "log", "www", "tmp", "spool", "cache")
_OWN_VAR_LIB = ("corosync", "crmsh-py", "heartbeat", "pacemaker", "pcsd")
# Of /var/lib: services' data. Those that belong to a user of their own are found by that.
_SERVICES = (
    *("bind", "haproxy", "mysql", "nfs", "nginx", "pgsql", "postgresql", "redis", "samba"),
    *("squid", "tftpboot", "tomcat10", "tomcat9", "vsftpd"),
)

_MAX_COPIED = 20_000  # entries of one copied directory; a node's disk is not a backup

_DIRECTORIES = (
    "etc/corosync/uidgid.d",
    "etc/crmsh-py",
    "etc/pacemaker",
    "mnt",
    "root",
    "srv",
    "var/cache",
    "var/lib/corosync",
    "var/lib/crmsh-py",
    "var/lib/heartbeat",
    "var/lib/pacemaker/blackbox",
    "var/lib/pacemaker/cib",
    "var/lib/pacemaker/cores",
    "var/lib/pacemaker/pengine",
    "var/log/apache2",
    "var/log/cluster",
    "var/log/corosync",
    "var/log/pacemaker",
    "var/spool",
    "var/tmp",
    "var/www/html",
)


def prepare(
    disk: str, files: Mapping[str, str], first_files: Mapping[str, str], *, farm: bool = True
) -> None:
    """Make or refresh a disk; ``files`` are written now, ``first_files`` where they are missing.

    ``farm``: link the rest of the machine's /etc and /var (not for plain processes).

    To be called before the disk hides the machine's own directories. Raises OSError.
    """
    os.makedirs(disk, exist_ok=True)
    new = not os.path.isdir(f"{disk}/etc")
    if not farm:
        # A plain process has no /run that is fresh at every start: what ran before the node lost
        # its power does not run now, and no agent may find its traces.
        shutil.rmtree(f"{disk}/run", ignore_errors=True)
        _directory(disk, "run/resource-agents")
    for directory in _DIRECTORIES:
        _directory(disk, directory)
    for directory, mode in (("root", 0o700), ("var/tmp", 0o1777)):  # as on any machine
        if _directory(disk, directory):
            os.chmod(f"{disk}/{directory}", mode)
    if new:
        for name in _COPIED_ETC:
            _copy(f"/etc/{name}", f"{disk}/etc/{name}")
        _write(f"{disk}/etc/machine-id", secrets.token_hex(16) + "\n")
    if new and farm:
        _empty("/var/lib", f"{disk}/var/lib", every=False)
        _empty("/var/log", f"{disk}/var/log", every=True)
    if farm:
        for source, own in (("/etc", _OWN_ETC), ("/var", _OWN_VAR), ("/var/lib", _OWN_VAR_LIB)):
            if _directory(disk, source):
                _farm(source, disk + source, own=own)
    for path, content in first_files.items():
        if _directory(disk, os.path.dirname(path)) and not os.path.lexists(disk + path):
            _write(disk + path, content)
    for path, content in files.items():
        # Without these the node does not start: what stands in their way makes room.
        _directory(disk, os.path.dirname(path), make_room=True)
        _write(disk + path, content)


def settings_mode(path: str) -> int:
    """The mode of a file that the lab writes: keys are for their owner alone."""
    return 0o400 if path.endswith("/authkey") else 0o644


def _directory(disk: str, path: str, *, make_room: bool = False) -> bool:
    """Make a directory of the disk; False when a link or a file is in its way, or in its place.

    ``make_room``: that is taken away. Nobody changes the disk meanwhile: the node is off.
    """
    made = disk
    for name in filter(None, path.split("/")):
        made += f"/{name}"
        try:
            os.mkdir(made)
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(made).st_mode):
                continue
            if not make_room:
                return False
            os.unlink(made)
            os.mkdir(made)
    return True


def _write(path: str, content: str) -> None:
    """Replace a file whole, so that a node killed meanwhile has the old or the new one."""
    draft = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(draft)  # of a start that was cut short, or whatever the node has there
    descriptor = os.open(
        draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, settings_mode(path)
    )
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(draft, path)


def _farm(source: str, target: str, *, own: tuple[str, ...]) -> None:
    """Link what the machine has in ``source`` and the node has not."""
    try:
        entries = sorted(os.scandir(source), key=lambda entry: entry.name)
    except OSError:
        return  # a directory that we may not read is not there for the node either
    for entry in entries:
        link = f"{target}/{entry.name}"
        if entry.name in own or os.path.lexists(link):
            continue
        # The machine's own links are taken as they are: they lead to /run, /proc or /usr, or to a
        # neighbour that the node may have made its own.
        os.symlink(
            os.readlink(entry.path) if entry.is_symlink() else f"{HOST_VIEW}{entry.path}", link
        )
    for name in os.listdir(target):
        link = f"{target}/{name}"
        if os.path.islink(link):
            leads_to = os.readlink(link)
            if leads_to.startswith(f"{HOST_VIEW}/") and not os.path.lexists(f"{source}/{name}"):
                os.unlink(link)  # the machine has it no more


def _empty(source: str, target: str, *, every: bool) -> None:
    """Make what services of the machine write into, empty: every directory, or those of services.

    Without a range of user ids all owners look the same, and only known names are found.
    """
    try:
        usual = os.stat(source).st_uid
        entries = [entry for entry in os.scandir(source) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for entry in entries:
        made = f"{target}/{entry.name}"
        wanted = every or entry.name in _SERVICES or entry.stat().st_uid != usual
        if wanted and entry.name not in _OWN_VAR_LIB and not os.path.lexists(made):
            os.mkdir(made)
            _own_like(entry.path, made)


def _own_like(source: str, target: str) -> None:
    """Give a copy the owner and the mode of the original, as far as this user may."""
    found = os.stat(source)
    with contextlib.suppress(OSError):  # an owner that does not exist in this namespace
        os.chown(target, found.st_uid, found.st_gid)
    with contextlib.suppress(OSError):
        os.chmod(target, stat.S_IMODE(found.st_mode))


def _copy(source: str, target: str) -> None:
    """Copy a file or what can be read of a directory; the rest is left out."""
    if os.path.isfile(source):
        with contextlib.suppress(OSError):
            shutil.copy2(source, target)
            _own_like(source, target)
    if not os.path.isdir(source):
        return
    copied = 0
    for directory, _, names in os.walk(source):
        inside = target + directory.removeprefix(source)
        os.makedirs(inside, exist_ok=True)
        _own_like(directory, inside)
        with os.scandir(directory) as entries:
            links = [e for e in entries if e.is_symlink()]
        for entry in links:
            os.symlink(os.readlink(entry.path), f"{inside}/{entry.name}")
        linked = {entry.name for entry in links}
        for name in names:
            copied += 1
            if copied > _MAX_COPIED:
                return
            if name not in linked and os.path.isfile(f"{directory}/{name}"):
                try:
                    shutil.copy2(f"{directory}/{name}", f"{inside}/{name}")
                    _own_like(f"{directory}/{name}", f"{inside}/{name}")
                except OSError:
                    continue  # a key that only root may read, on a lab without root

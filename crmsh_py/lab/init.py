"""Process 1 of a node: builds the node's world, starts its daemon, reaps what others leave.

Started by the supervisor as ``python -S -m crmsh_py.lab.init`` with a ``BootSpec`` on stdin (see
``boot`` for the two pipes). It lives as long as the daemon: a node whose daemon has ended is off,
as a machine is that panicked, and everything in its pid namespace ends with it. It dies with the
supervisor. Without a pid namespace it is the subreaper of all that the node starts, so that the
supervisor finds them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from crmsh_py.lab import boot, disk, linux, mounts, rights
from crmsh_py.lab.iproute import NetworkError
from crmsh_py.lab.iproute import run as run_ip
from crmsh_py.lab.processes import kill_tree, send

_NET_SETTINGS = (
    ("net/ipv4/ping_group_range", "0 0"),  # ping without a raw socket
    # An address of our own network is nobody else's: do not wait a second to find out.
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/eth0/accept_dad", "0"),
)


def main() -> int:
    """Run a node; the exit code is the daemon's."""
    line = sys.stdin.readline()
    if not line:
        return 1  # the supervisor died before it could say anything
    # Not before: our parent may still be the child between, whose end is no reason to die. A
    # supervisor that has died meanwhile does not say ``go``.
    linux.die_with_parent()
    spec = boot.BootSpec.from_line(line)
    try:
        daemon = _boot(spec)
    except (mounts.MountError, NetworkError, OSError) as error:
        _say(f"{boot.FAILED} {error}".replace("\n", " "))
        return 1
    if daemon is None:
        return 1
    # Before it is told: process 1 of a pid namespace is sent nothing that it has no handler for.
    signal.signal(signal.SIGTERM, lambda number, _: send(daemon.pid, signal.Signals(number)))
    _say(f"{boot.READY} {daemon.pid}")
    code = _reap_until_end(daemon.pid)
    _say(f"{boot.ENDED} {code}")
    if not spec.own_pids:
        # Nothing else ends what the daemon left running.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_tree(os.getpid(), spare_root=True)
    return code if 0 <= code <= 255 else 128


def _boot(spec: boot.BootSpec) -> subprocess.Popen[bytes] | None:
    """Everything up to the daemon's start; None when the supervisor has gone meanwhile."""
    if spec.isolated:
        linux.unshare(
            linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWNET
        )
    if not spec.own_pids:
        linux.adopt_orphans()
    _say(boot.UNSHARED)
    # The supervisor plugs the cable in while the disk is made ready.
    disk.prepare(spec.disk, spec.files, spec.first_files, farm=spec.isolated)
    if spec.isolated:
        mounts.build(
            spec.disk,
            keep=spec.keep,
            keep_writable=spec.keep_writable,
            own_pids=spec.own_pids,
        )
        linux.set_hostname(spec.node)
    if sys.stdin.readline().strip() != boot.GO:
        return None
    if spec.isolated:
        for path, value in _NET_SETTINGS:
            _set(f"/proc/sys/{path}", value)
        run_ip(spec.commands)
        rights.drop(own_pids=spec.own_pids)
        os.chdir("/root")
    # Through the node's own disk: a file opened for writing on the machine's root, before that was
    # made read-only, would forbid just this.
    log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    daemon = subprocess.Popen(
        list(spec.argv),
        env={**spec.environment, boot.WATCHDOG_VARIABLE: str(boot.WATCHDOG_FD)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        pass_fds=(boot.WATCHDOG_FD,),
        # Without a pid namespace, nothing else ends the daemon when we are killed.
        preexec_fn=None if spec.own_pids else linux.die_with_parent,  # noqa: PLW1509 - one thread
    )
    os.close(log)
    os.close(boot.WATCHDOG_FD)  # so that its end is the daemon's end
    return daemon


def _reap_until_end(daemon: int) -> int:
    """Reap every process that ends; return the daemon's exit code (negative: its signal)."""
    while True:
        pid, status = os.wait()
        if pid == daemon:
            return os.waitstatus_to_exitcode(status)


def _say(line: str) -> None:
    try:
        os.write(1, f"{line}\n".encode())
    except OSError:
        pass  # the supervisor has gone; we go with it


def _set(path: str, value: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError:
        pass  # older kernels lack some of them, and a node works without


if __name__ == "__main__":
    sys.exit(main())

"""``crm_mon --daemonize``: a process of its own that looks at the cluster again and again.

As Pacemaker's, which ``ocf:pacemaker:ClusterMon`` starts and finds again by its pid file.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from crmsh_py.errors import CrmError
from crmsh_py.tools.common import put_file

if TYPE_CHECKING:
    from crmsh_py.clusters.port import Cluster

# The process moves to /, where what was meant from here would be somewhere else.
_PATHS = ("CIB_file", "CIB_shadow_dir")


def run(
    door: Callable[[], Cluster],
    look: Callable[[Cluster], None],
    *,
    pid_file: str,
    interval_s: float,
) -> int:
    """Leave a process behind that looks at every change; the caller gets 0 when that works.

    Raises CrmError when the pid file cannot be written, or the first look fails: then nothing is
    left.
    """
    pid_file = pid_file and os.path.abspath(pid_file)
    for name in _PATHS:
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])
    look(door())
    sys.stdout.flush()
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        # Its end, or the pid file's being written, closes the other side.
        trouble = os.read(reading, 1000).decode()
        os.close(reading)
        if trouble:
            raise CrmError(trouble)
        return 0
    _leave_the_terminal()
    if os.fork():
        os._exit(0)
    try:
        if pid_file:
            put_file(pid_file, f"{os.getpid()}\n")
    except CrmError as error:
        os.write(writing, str(error).encode())
        os._exit(1)
    os.close(writing)
    _look_for_ever(door, look, interval_s)
    return 0


def _leave_the_terminal() -> None:
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _look_for_ever(
    door: Callable[[], Cluster], look: Callable[[Cluster], None], interval_s: float
) -> None:
    """A look at every change, no more than one an interval, until the process is ended."""
    while True:
        # A node that is away, a disk that is full: the next look may find them well again.
        with suppress(CrmError):
            cluster = door()
            for _ in _changes(cluster):
                look(cluster)
                time.sleep(interval_s)
        time.sleep(max(1.0, interval_s))


def _changes(cluster: Cluster) -> Iterator[None]:
    yield None
    for _ in cluster.watch():
        yield None

"""Which cluster is meant: one precedence, so that nobody edits production by mistake.

1. What the command line says: a kind (``--cluster``), a host (``--host``), a shadow (``-c``).
2. ``CIB_file``, then ``CIB_shadow``: a file, no cluster at all.
3. ``CRM_LAB`` or ``CRM_NODE``: that lab; ``CRM_HOST``: the Pacemaker of that machine, by ssh.
   Both is an error that names them.
4. Whichever one of lab and Pacemaker runs here. Both is an error that names the choices; none is
   an error that says how to get one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ClusterUnreachable, CrmError, UsageError, did_you_mean
from crmsh_py.regex import regex
from crmsh_py.wire import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.local import LocalCluster
    from crmsh_py.clusters.port import Cluster

# An abstract name is filled with NULs, which the kernel shows as @; a path is not.
_CIB_SOCKET = regex(r"[@/]cib_rw@*$", re.MULTILINE)


def pacemaker_runs() -> bool:
    """Whether a Pacemaker runs on this machine, told by the socket of its CIB manager."""
    try:
        with open("/proc/net/unix", encoding="ascii", errors="replace") as sockets:
            return any(_CIB_SOCKET.search(line) for line in sockets)
    except OSError:
        return False


def choose(
    environ: Mapping[str, str],
    *,
    kind: str | None = None,
    shadow: str | None = None,
    host: str | None = None,
    client: str = "crm",
    uid: int | None = None,
    has_pacemaker: Callable[[], bool] = pacemaker_runs,
) -> Cluster:
    """The cluster that the command line (``kind``, ``shadow``, ``host``) and the environment mean.

    Nothing is sent to it yet, except that a lab without a named node is asked which node answers
    at the first call.

    Raises:
        ClusterUnreachable: nothing runs.
        UsageError: ``kind`` is unknown, or the choices contradict each other.
        CrmError: a lab and Pacemaker both run, and nothing says which is meant.
    """
    uid = os.getuid() if uid is None else uid
    kinds = tuple(ClusterKind)
    if kind is not None and kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"one of {', '.join(kinds)}"
        raise UsageError(f"there is no kind of cluster '{paths.shorten(kind)}'", hint=hint)
    if host and not shadow:
        if kind not in (None, ClusterKind.PACEMAKER):
            raise UsageError(f"a host has a Pacemaker cluster, not one of the kind {kind}")
        return _pacemaker(environ, uid, host)
    named = shadow or ("" if environ.get("CIB_file") else environ.get("CIB_shadow", ""))
    if kind in (None, ClusterKind.FILE):
        if named:
            from crmsh_py.clusters.shadow import Shadows

            return Shadows.of_environment(environ, uid).open(named)
        if environ.get("CIB_file"):
            from crmsh_py.clusters.file import with_history

            return with_history(environ["CIB_file"], environ, uid)
        if kind == ClusterKind.FILE:
            raise UsageError(
                "no file is named", hint="set CIB_file=FILE, or name a shadow with -c NAME"
            )
    elif shadow:
        raise UsageError(f"a shadow is a file, not a cluster of the kind {kind}")
    if kind == ClusterKind.PACEMAKER:
        return _pacemaker(environ, uid, environ.get("CRM_HOST", ""))
    lab_is_named = bool(environ.get("CRM_LAB") or environ.get("CRM_NODE"))
    if kind is None and lab_is_named and environ.get("CRM_HOST"):
        raise UsageError(
            "a lab (CRM_LAB, CRM_NODE) and a host (CRM_HOST) are both named",
            hint="unset one, or say --cluster local, --cluster pacemaker or --host",
        )
    if kind == ClusterKind.LOCAL or lab_is_named:
        return _lab(environ, uid, client)
    if environ.get("CRM_HOST"):
        return _pacemaker(environ, uid, environ["CRM_HOST"])
    return _running(environ, uid, client, has_pacemaker)


def running_nodes(environ: Mapping[str, str], uid: int | None = None) -> list[str]:
    """The nodes of the environment's lab that have a control socket, sorted; [] if none runs."""
    from crmsh_py.clusters.sockets import find_sockets

    return list(find_sockets(environ, os.getuid() if uid is None else uid, paths.lab_name(environ)))


def running_labs(environ: Mapping[str, str], uid: int) -> list[str]:
    """The labs of this user that have a node's socket, sorted."""
    from crmsh_py.clusters.sockets import find_sockets

    try:
        entries = sorted(os.listdir(paths.runtime_base(environ, uid)))
    except OSError:
        return []
    labs = []
    for entry in entries:
        try:
            if find_sockets(environ, uid, paths.check_lab_name(entry)):
                labs.append(entry)
        except CrmError:
            continue  # not one of ours
    return labs


def _running(
    environ: Mapping[str, str], uid: int, client: str, has_pacemaker: Callable[[], bool]
) -> Cluster:
    labs = running_labs(environ, uid)
    lab_runs = paths.lab_name(environ) in labs
    if lab_runs and has_pacemaker():
        raise CrmError(
            "both a lab and Pacemaker run on this machine, and nothing says which one is meant",
            hint="say --cluster local or --cluster pacemaker, or set CRM_LAB",
        )
    if lab_runs:
        return _lab(environ, uid, client)
    if has_pacemaker():
        return _pacemaker(environ, uid, "")
    if labs:
        raise ClusterUnreachable(
            f"the lab {paths.DEFAULT_LAB} does not run, but others do: {', '.join(labs)}",
            hint=f"set CRM_LAB={labs[0]}",
        )
    raise ClusterUnreachable(
        "no cluster runs on this machine",
        hint="crm lab create makes one to try things on; CIB_file=FILE works on a file",
    )


def _lab(environ: Mapping[str, str], uid: int, client: str) -> LocalCluster:
    from crmsh_py.clusters.local import LocalCluster

    return LocalCluster.of_environment(environ, uid, client=client)


def _pacemaker(environ: Mapping[str, str], uid: int, host: str) -> Cluster:
    from crmsh_py.clusters.pacemaker import PacemakerCluster

    return PacemakerCluster.of_environment(environ, uid, host=host)

"""The ``corosync`` level: what the membership layer runs with, and how it is."""

from __future__ import annotations

from crmsh_py.errors import NotFound
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now


def show(session: Session, call: CommandCall) -> int:
    """The configuration keys."""
    from crmsh_py.views import cmapctl

    keys = [k for k in session.cluster.cmap() if not k.name.startswith(("runtime.", "internal_"))]
    session.console.out(cmapctl.key_lines(keys).rstrip("\n"))
    return 0


def get(session: Session, call: CommandCall) -> int:
    """The value of one key, or of the keys below it."""
    wanted = call.get("COROSYNC_KEY") or ""
    keys = session.cluster.cmap()
    exact = [key.value for key in keys if key.name == wanted]
    below = [f"{key.name}={key.value}" for key in keys if key.name.startswith(wanted + ".")]
    if not exact and not below:
        raise NotFound(
            f"there is no key {wanted}", name=wanted, possibilities=[key.name for key in keys]
        )
    session.console.out("\n".join(exact or below))
    return 0


def status(session: Session, call: CommandCall) -> int:
    """Ring and quorum."""
    from crmsh_py.views import cfgtool, quorumtool

    what = call.get("COROSYNC_KEY") or ""
    membership = session.cluster.membership()
    if what not in ("", "ring", "quorum"):
        raise NotFound(f"there is no status of {what}", name=what, possibilities=("ring", "quorum"))
    if what != "quorum":
        session.console.out(cfgtool.ring_status(membership).rstrip("\n"))
    if what != "ring":
        session.console.out(quorumtool.quorum_status(membership, now=local_now()).rstrip("\n"))
    return 0

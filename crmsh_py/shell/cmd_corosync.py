"""The ``corosync`` level: what the membership layer runs with, and how it is."""

from __future__ import annotations

from crmsh_py.errors import NotFound
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views import membership


def show(session: Session, call: CommandCall) -> int:
    """The configuration keys."""
    from crmsh_py.views import cmapctl

    keys = [k for k in session.cluster.cmap() if not k.name.startswith(("runtime.", "internal_"))]
    session.show(cmapctl.key_lines(keys), lambda: membership.keys(keys))
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
    found = [k for k in keys if k.name == wanted] or [
        k for k in keys if k.name.startswith(wanted + ".")
    ]
    session.show("\n".join(exact or below), lambda: membership.keys(found))
    return 0


def status(session: Session, call: CommandCall) -> int:
    """Ring and quorum."""
    from crmsh_py.views import cfgtool, quorumtool

    what = call.get("COROSYNC_KEY") or ""
    seen = session.cluster.membership()
    if what not in ("", "ring", "quorum"):
        raise NotFound(f"there is no status of {what}", name=what, possibilities=("ring", "quorum"))
    text = cfgtool.ring_status(seen) if what != "quorum" else ""
    text += quorumtool.quorum_status(seen, now=local_now()) if what != "ring" else ""
    session.show(text, lambda: membership.membership(seen))
    return 0

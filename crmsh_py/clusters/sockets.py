"""Which nodes of a lab may be running: those that have a control socket.

By itself, so that a choice among clusters loads nothing that talks to one.
"""

from __future__ import annotations

import os

from crmsh_py.wire import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def find_sockets(environ: Mapping[str, str], uid: int, lab: str) -> dict[str, str]:
    """The control sockets of a lab's nodes by node name; empty when the lab does not run."""
    directory = paths.lab_runtime_directory(environ, uid, lab)
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return {}
    return {
        node: f"{directory}/{entry}" for entry in entries if (node := paths.node_of_socket(entry))
    }

"""Which nodes of a lab may be running: those that have a control socket; and who a user is.

By itself, so that a choice among clusters loads nothing that talks to one.
"""

from __future__ import annotations

import os
import sys

from crmsh_py.errors import NotPermitted
from crmsh_py.wire import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
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


def refuse_stranger(node: str, connection: _socket.socket) -> None:
    """Raise NotPermitted unless the caller himself or root listens at the other end.

    The sockets may be below /tmp: who made the directory before us could stand in for a node.
    Inside of a node its daemon is root, whoever asks.
    """
    user = peer_user(connection)
    if user not in (0, os.geteuid()):
        raise NotPermitted(
            f"the socket of node {node} is not yours: user id {user} listens there",
            hint="set CRM_RUNTIME_DIR to a directory of your own",
        )


def peer_user(connection: _socket.socket) -> int:
    """The user id of who listens at the other end, as the kernel knows it."""
    import _socket

    # pid, uid, gid (socket(7))
    credentials = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def user_name(uid: int) -> str:
    """How a user is called on this machine; the number where nobody has it."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

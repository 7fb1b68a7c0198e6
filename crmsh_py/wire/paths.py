"""Where a lab's files and sockets are: pure functions of an environment and a user id.

State (disks, settings) lasts and lives under the user's state directory; sockets live under a
short runtime directory, because the path of a Unix socket has at most 107 bytes on Linux
(``sun_path`` of unix(7)). Shell, lab and node daemon compute the same paths from here, so a node's
socket has one path, inside the node and outside.

``CRM_STATE_DIR`` and ``CRM_RUNTIME_DIR`` name the two base directories outright; a lab sets them
in its nodes, whose user ids and home directories are not those of the person outside. Nothing here
touches the file system: who uses a directory checks that it exists, its owner and its mode.
"""

from __future__ import annotations

from crmsh_py.errors import CrmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

APPLICATION = "crmsh-py"
DEFAULT_LAB = "default"

PUBLIC_DIRECTORY = "/run/crmsh-py"
SOCKET_PATH_LIMIT = 107  # bytes; sun_path without its terminating NUL

_MOST_OF_LAB = 32  # characters
_MOST_OF_NODE = 63

# ``host`` is the machine outside the nodes in ``crm lab exec``; ``lab`` would take the
# supervisor's socket.
_RESERVED_NODE_NAMES = ("host", "lab")


def _is_name(text: str, most: int) -> bool:
    """Letters, digits, _ . and -, beginning with one of the first two."""
    plain = text.translate(_MARKS)
    return len(text) <= most and text[:1].isalnum() and plain.isalnum() and text.isascii()


def _is_node_name(text: str) -> bool:
    return _is_name(text, _MOST_OF_NODE) and text[-1].isalnum()


# Written out, since a pattern would load re for those that need no other.
_MARKS = {ord(mark): None for mark in "_.-"}


def check_lab_name(lab: str) -> str:
    """Return ``lab`` if a lab may be called that.

    Raises:
        CrmError: it is empty, longer than 32 characters, or has characters that do not belong
            into a file name.
    """
    if not _is_name(lab, _MOST_OF_LAB):
        raise CrmError(
            f"'{shorten(lab)}' is no name for a lab",
            hint="use up to 32 letters, digits, '_', '.' and '-', beginning with a letter or digit",
        )
    return lab


def check_node_name(node: str) -> str:
    """Return ``node`` if a node may be called that: a host name of at most 63 characters.

    Raises:
        CrmError: it is no host name, or one of the names that mean something else.
    """
    if node in _RESERVED_NODE_NAMES:
        raise CrmError(
            f"no node can be called '{node}'",
            hint=f"the names {' and '.join(_RESERVED_NODE_NAMES)} have a meaning of their own",
        )
    if not _is_node_name(node) or ".." in node:
        raise CrmError(
            f"'{shorten(node)}' is no name for a node",
            hint="use a host name: up to 63 letters, digits, '_', '.' and '-'",
        )
    return node


def lab_name(environ: Mapping[str, str]) -> str:
    """The lab that this environment means: ``CRM_LAB``, else the default one; checked."""
    return check_lab_name(environ.get("CRM_LAB") or DEFAULT_LAB)


def state_base(environ: Mapping[str, str], uid: int) -> str:
    """The directory that holds the state of all labs of a user.

    Raises:
        CrmError: the environment names no home directory.
    """
    chosen = _absolute(environ, "CRM_STATE_DIR")
    if chosen:
        return chosen
    base = _absolute(environ, "XDG_STATE_HOME")
    if not base:
        home = _absolute(environ, "HOME")
        if not home:
            raise CrmError(
                f"user {uid} has no home directory: HOME is not set",
                hint="set HOME, XDG_STATE_HOME or CRM_STATE_DIR",
            )
        base = f"{home}/.local/state"
    return f"{base}/{APPLICATION}/labs"


def runtime_base(environ: Mapping[str, str], uid: int) -> str:
    """The directory that holds the sockets of all labs of a user."""
    chosen = _absolute(environ, "CRM_RUNTIME_DIR")
    if chosen:
        return chosen
    base = _absolute(environ, "XDG_RUNTIME_DIR") or f"/tmp/crm-{uid}"  # noqa: S108 - owner is checked
    return f"{base}/{APPLICATION}"


def lab_state_directory(environ: Mapping[str, str], uid: int, lab: str) -> str:
    """Where a lab's disks and settings are."""
    return f"{state_base(environ, uid)}/{check_lab_name(lab)}"


def lab_runtime_directory(environ: Mapping[str, str], uid: int, lab: str) -> str:
    """Where a lab's sockets and process ids are."""
    return f"{runtime_base(environ, uid)}/{check_lab_name(lab)}"


def node_socket(environ: Mapping[str, str], uid: int, lab: str, node: str) -> str:
    """The control socket of a node's daemon."""
    directory = lab_runtime_directory(environ, uid, lab)
    return check_socket_path(f"{directory}/{check_node_name(node)}.sock")


def lab_socket(environ: Mapping[str, str], uid: int, lab: str) -> str:
    """The socket of a lab's supervisor."""
    return check_socket_path(f"{lab_runtime_directory(environ, uid, lab)}/lab.sock")


def public_socket(node: str) -> str:
    """The control socket inside a node for its users beside root; the node's own /run is meant."""
    return f"{PUBLIC_DIRECTORY}/{check_node_name(node)}.sock"


def node_of_socket(path: str) -> str:
    """The node's name in the path of its control socket; '' for any other file."""
    name = path.rpartition("/")[2]
    node = name.removesuffix(".sock")
    if node == name or node in _RESERVED_NODE_NAMES or not _is_node_name(node):
        return ""
    return node


def check_socket_path(path: str) -> str:
    """Return ``path`` if the kernel takes it as the address of a Unix socket.

    Raises:
        CrmError: it is too long.
    """
    if len(path.encode(errors="surrogateescape")) > SOCKET_PATH_LIMIT:
        raise CrmError(
            f"the path of a socket is longer than {SOCKET_PATH_LIMIT} bytes: {path}",
            hint="set CRM_RUNTIME_DIR (or XDG_RUNTIME_DIR) to a shorter directory",
        )
    return path


def shorten(text: str, limit: int = 60) -> str:
    """A piece of somebody's text that fits into a message."""
    printable = "".join(char if char.isprintable() else "?" for char in text[: limit + 1])
    return printable if len(printable) <= limit else f"{printable[:limit]}…"


def _absolute(environ: Mapping[str, str], name: str) -> str:
    """A directory named by the environment; relative ones do not count (XDG base directories)."""
    value = environ.get(name, "")
    return (value.rstrip("/") or "/") if value.startswith("/") else ""

"""What a lab tells a node daemon at its start: one JSON file per node."""

from __future__ import annotations

import msgspec

# Beside the store of a node that has never run: an empty file with this at the end of its name.
NEW_SUFFIX = ".new"


class RingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more network: this node's address there, and the names of all nodes by address."""

    address: str
    peers: dict[str, str]


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The start settings of one node daemon. All paths are as the node itself sees them.

    ``peers`` are the addresses of all configured nodes (also this one's), name by address: they
    name members, and they are the destinations where ``multicast`` is False (plain processes on
    loopback). ``agents`` is 'any' (stand-ins allowed, marked), 'real' or
    'stand-ins' (nothing of the machine runs, and fence devices switch the lab's own nodes).
    """

    lab: str
    node: str
    address: str
    corosync_conf: str
    control_socket: str
    store: str  # the SQLite file; see NEW_SUFFIX
    log: str  # the node's log file
    key: str  # the authkey's file, readable by its owner alone
    peers: dict[str, str]
    more_rings: list[RingSettings] = []  # ring 1, where there are two
    run_directory: str = "/run"  # for agents' state: HA_RSCTMP is made below it
    path: str = ""  # PATH for agents; our commands come first
    manager: bool = True  # False: membership only (corosync), until StartManager
    multicast: bool = True
    agents: str = "any"
    isolated: bool = True  # False: a plain process on loopback; stand-ins only
    watchdog: bool = False  # something outside resets the node when it is not fed
    remote: bool = False  # no member: it has no ring and no CIB, and runs the executor only
    remote_key: str = ""  # the file of the key that members and remote nodes share
    remote_port: int = 3121  # where a remote node listens
    hosts: dict[str, str] = {}  # addresses of remote nodes, for plain processes
    one_user: bool = False  # one user id only: agents that change user run as stand-ins


def load(data: bytes) -> NodeSettings:
    """Read settings; raises msgspec.ValidationError (a LocalProtocolError is for the caller)."""
    return msgspec.json.decode(data, type=NodeSettings)


def dump(settings: NodeSettings) -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(settings))

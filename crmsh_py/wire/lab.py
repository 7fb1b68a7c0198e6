"""Messages of a lab's supervisor: one JSON line asks, one JSON line answers, per connection.

Spoken by ``crm lab …`` outside, and by the lab's fence agent inside a node. The supervisor does
one thing at a time, in the order of the questions; every one of them is bounded in time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from crmsh_py.errors import RemoteProtocolError

MAX_LINE = 1024 * 1024  # bytes; a request or an answer with every node of a lab is far below

Name = Annotated[str, msgspec.Meta(max_length=64)]
Names = Annotated[list[Name], msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of everything that crosses the supervisor's socket."""


class StartNodes(Message, frozen=True):
    """Switch these nodes on; those that are on stay as they are."""

    nodes: Names
    manager: bool = True  # False: membership only, until the cluster manager is asked for


class TerminateNodes(Message, frozen=True):
    """Ask the daemons of these nodes to end (SIGTERM); answered at once."""

    nodes: Names


class KillNodes(Message, frozen=True):
    """A power failure of these nodes: the cable first, then SIGKILL to everything of them."""

    nodes: Names


class SwitchPower(Message, frozen=True):
    """What a fence agent asks for: ``action`` is off, on or reboot. Answered when they are off.

    Nodes that are to be on again come up after the answer. ``holder`` is the node whose guests
    they are from now on; the action ``hold`` does nothing else.
    """

    nodes: Names
    action: Name
    holder: Name = ""


class FreezeNodes(Message, frozen=True):
    """Stop everything of these nodes (SIGSTOP), as a machine that hangs; or let it go on."""

    nodes: Names
    thaw: bool = False


class CutOff(Message, frozen=True):
    """Separate these nodes from all others; among themselves they still see each other.

    ``ring``: on this one of two networks alone; None is on all.
    """

    nodes: Names
    ring: Annotated[int, msgspec.Meta(ge=0, le=1)] | None = None


class Heal(Message, frozen=True):
    """Undo all partitions."""


class ReadLab(Message, frozen=True):
    """Ask what runs."""


class EndLab(Message, frozen=True):
    """Kill all nodes and end the supervisor."""


LabRequest = (
    StartNodes
    | TerminateNodes
    | KillNodes
    | SwitchPower
    | FreezeNodes
    | CutOff
    | Heal
    | ReadLab
    | EndLab
)


class Power(StrEnum):
    """Whether a node is on."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    DIED = "died"  # it ended by itself, or failed to start


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """One node as the supervisor sees it.

    ``pid`` is its process 1 as seen from outside, 0 when it is off; ``started`` belongs to it (see
    proc_pid_stat(5), starttime). ``group`` is 0, or the number of the partition it is cut off in;
    ``second_group`` the same on the second network. ``reason`` says why it died.
    """

    name: Name
    address: Text
    state: Power
    pid: int = 0
    started: int = 0
    since: float = 0.0  # Unix time, s
    group: int = 0
    frozen: bool = False
    second_group: int = 0
    second_address: Text = ""
    reason: Text = ""
    kind: Name = "member"  # or remote, guest
    holder: Name = ""  # of a guest that is on: the node that it runs on


class LabState(Message, frozen=True):
    """What runs. ``isolation`` is 'root', 'range', 'one-user' or 'none' (plain processes)."""

    pid: int
    started: int
    isolation: Name
    own_pids: bool
    note: Text  # why it is no better, and what would help; '' when there is nothing to say
    nodes: list[NodeState]


class LabDone(Message, frozen=True):
    """It is done; ``nodes`` are those that it changed something about."""

    nodes: Names = []


class LabRefused(Message, frozen=True):
    """It was not done, or not wholly: the text says why."""

    text: Text
    hint: Text = ""


LabReply = LabState | LabDone | LabRefused


_REQUEST: msgspec.json.Decoder[LabRequest] = msgspec.json.Decoder(LabRequest)
_REPLY: msgspec.json.Decoder[LabReply] = msgspec.json.Decoder(LabReply)


def encode(message: LabRequest | LabReply) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> LabRequest:
    """Read a question; raises RemoteProtocolError for anything else."""
    return _decode(_REQUEST, line)


def decode_reply(line: bytes) -> LabReply:
    """Read an answer; raises RemoteProtocolError for anything else."""
    return _decode(_REPLY, line)


_MessageT = TypeVar("_MessageT")


def _decode(decoder: msgspec.json.Decoder[_MessageT], line: bytes) -> _MessageT:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"a line that is no message: {error}") from None

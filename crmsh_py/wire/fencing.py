"""The record of a request to fence a node, as nodes tell it each other and their clients."""

from __future__ import annotations

from enum import StrEnum

from crmsh_py.value import Value, frozen

# What these allow is in ``messages.LIMITS``.
Name = str
Text = str
Count = int
Milliseconds = int
Delay = int  # ms; -1: not even the devices' own


class FencingState(StrEnum):
    """What has become of a request."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@frozen(kw_only=True)
class FencingRecord(Value):
    """One request to fence a node, and what became of it.

    ``ident`` is unique: node id, its start, number. ``device`` and ``delegate`` are what did it
    and the node that used it. ``by_hand``: a person asked, and nobody else asks again. Times are
    Unix milliseconds, for people; ``asked_in``: the number of the ring in which it was asked.
    """

    ident: Name
    target: Name
    action: Name  # reboot, off or on
    client: Name
    origin: Name  # the node that was asked
    state: FencingState = FencingState.PENDING
    device: Name = ""
    delegate: Name = ""
    asked_ms: Count = 0
    asked_in: Count = 0
    ended_ms: Count = 0
    reason: Text = ""  # why it failed
    timeout_ms: Milliseconds = 60_000
    delay_ms: Delay = 0
    by_hand: bool = False

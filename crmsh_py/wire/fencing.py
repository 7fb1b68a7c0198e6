"""The record of a request to fence a node, as nodes tell it each other and their clients."""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(max_length=1024)]
Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
Delay = Annotated[int, msgspec.Meta(ge=-1, le=2**40)]  # ms; -1: not even the devices' own


class FencingRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request to fence a node, and what became of it.

    ``ident`` is unique: node id, its start, number. ``state`` is pending, done or failed;
    ``device`` and ``delegate`` are what did it and the node that used it. ``by_hand``: a person
    asked, and nobody else asks again. Times are Unix milliseconds.
    """

    ident: Name
    target: Name
    action: Name  # reboot, off or on
    client: Name
    origin: Name  # the node that was asked
    state: Name = "pending"
    device: Name = ""
    delegate: Name = ""
    asked_ms: Count = 0
    ended_ms: Count = 0
    reason: Text = ""  # why it failed
    timeout_ms: Milliseconds = 60_000
    delay_ms: Delay = 0
    by_hand: bool = False

"""Parts of a node that are driven by hand."""

from __future__ import annotations

from typing import Any

from crmsh_py.engine.api import Instruction
from crmsh_py.engine.outbox import Outbox


class ByHand:
    """A part's outbox, and what was said there to the cluster."""

    def __init__(self) -> None:
        self.out = Outbox(1000.0)
        self.told: list[Any] = []

    def take(self) -> list[Instruction]:
        """The instructions since the last time; ``told`` are the messages."""
        self.told = [each.message for each in self.out.take_messages()]
        return self.out.finish([])

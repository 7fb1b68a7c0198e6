"""Attributes that wait before they count, and those that never do: what attrd is for.

A change with a delay (dampening) is known to all nodes at once, and is put into the status only
when nothing has changed of that attribute, on any node, for so long. So nodes that lose the same
neighbour one after the other are looked at when all have told, and resources do not wander.
A private attribute is never put there; it can be asked for.

Theory of operation
    ``AttributePending`` goes through the stream, and every member keeps the same table. The DC
    keeps the time: when an attribute has been quiet, it sends an ``AttributeChange`` for every
    value that waits. In a new view every member tells again what it was asked for itself.
    Only news starts the time anew: agents tell the same value with every monitor, and their
    telling must not keep another's change from ever counting.
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.engine.outbox import Outbox
from crmsh_py.wire.stream import AttributeChange, AttributePending, ViewId

Key = tuple[str, str]  # node, name


class Dampening:
    """The attributes that are not in the status, on one node."""

    def __init__(
        self,
        node_id: int,
        outbox: Outbox,
        view: Callable[[], ViewId],
        shown: Callable[[str, str], str | None],
    ) -> None:
        """``shown``: what the status has of a node and an attribute."""
        self._node_id = node_id
        self._shown = shown
        self._out = outbox
        self._view = view
        self._is_dc = False
        self._delays: dict[str, int] = {}  # by attribute, milliseconds
        self._waiting: dict[Key, AttributePending] = {}
        self._private: dict[Key, AttributePending] = {}
        self._mine: dict[Key, AttributePending] = {}  # asked for here, to be told again
        self._due: dict[str, float] = {}

    def next_deadline(self) -> float | None:
        """When an attribute has been quiet for long enough."""
        return min(self._due.values(), default=None) if self._is_dc else None

    def delay_of(self, name: str, wanted_ms: int, *, change: bool) -> int:
        """The delay of an attribute: the first that was wanted stays, unless it is changed."""
        return wanted_ms if change or name not in self._delays else self._delays[name]

    def values(self, name: str) -> dict[str, str | None]:
        """The values of an attribute that the status does not have (yet), by node."""
        found: dict[str, str | None] = {}
        for table in (self._waiting, self._private):
            found |= {node: m.value for (node, known), m in table.items() if known == name}
        return found

    # ---- what happens --------------------------------------------------------------------------

    def begin_view(self) -> None:
        """A new ring: everybody tells again."""
        self._waiting = {}
        self._private = {}
        self._due = {}
        self._is_dc = False

    def settled(self, dc: int | None) -> None:
        """The view is made, or has another DC."""
        self._is_dc = dc == self._node_id
        for message in list(self._mine.values()):
            self._out.multicast(
                AttributePending(
                    view=self._view(),
                    node=message.node,
                    name=message.name,
                    value=message.value,
                    delay_ms=message.delay_ms,
                    private=message.private,
                )
            )

    def elected(self, dc: int | None) -> None:
        """Another DC in the same view keeps the time from now on."""
        self._is_dc = dc == self._node_id
        for name in {name for _, name in self._waiting}:
            self._due.setdefault(name, self._out.now + self._delays.get(name, 0) / 1000)

    def on_pending(self, sender: int, message: AttributePending) -> None:
        """An attribute has a new value, which waits."""
        key = (message.node, message.name)
        self._delays[message.name] = message.delay_ms
        if not message.private:
            waiting = self._waiting.get(key)
            known = waiting.value if waiting is not None else self._shown(*key)
            if message.value == known:
                if waiting is not None and sender == self._node_id:
                    self._mine[key] = message  # who has told it first may be lost before it counts
                return
        # Of what was asked for here and then elsewhere, both tell the newer value again.
        if sender == self._node_id or key in self._mine:
            self._mine[key] = message
        if message.private:
            self._private[key] = message
            return
        self._waiting[key] = message
        self._due[message.name] = self._out.now + message.delay_ms / 1000

    def on_change(self, message: AttributeChange) -> None:
        """A value is in the status: nothing waits any more."""
        key = (message.node, message.name)
        self._waiting.pop(key, None)
        mine = self._mine.get(key)
        if mine is not None and not mine.private:
            del self._mine[key]
        if all(name != message.name for _, name in self._waiting):
            self._due.pop(message.name, None)

    def handle_timer(self) -> None:
        """Put what has been quiet into the status, all nodes' values together."""
        if not self._is_dc:
            return
        for name in [n for n, due in self._due.items() if due <= self._out.now]:
            del self._due[name]
            for (node, known), message in sorted(self._waiting.items()):
                if known == name:
                    self._out.multicast(
                        AttributeChange(
                            view=self._view(), node=node, name=name, value=message.value
                        )
                    )

"""A member whose disk is slow delays a ring, and keeps none from being formed.

A ring's number is on the disk of a member before it passes the proposal on. Where that takes longer
than a token may need, but not so long that the member counts as silent, the same members agreed and
lost their proposal for ever.
"""

from __future__ import annotations

import pytest
from sim.network import Network
from sim.ring import TUTORIAL, Lab, RingNode, check_all


class SlowDisk(RingNode):
    """What is sent after a new ring number waits until that is stored."""

    def __init__(self, node_id: int, network: Network) -> None:
        super().__init__(node_id, TUTORIAL)
        self.network = network
        self.store_s = 0.0
        self._waiting: list[tuple[str, bytes]] = []
        self._stored_at = 0.0

    def mend(self) -> None:
        """It is quick again, and has stored what was left."""
        self.store_s, self._stored_at = 0.0, self.network.now

    def drain(self) -> list[tuple[str, bytes]]:
        before = self.disk
        self._waiting += super().drain()
        now = self.network.now
        if self.disk != before:
            self._stored_at = max(self._stored_at, now) + self.store_s
            self.network.at(self._stored_at, lambda: self.network.settle(self.address))
        if now < self._stored_at:
            return []
        taken, self._waiting = self._waiting, []
        return taken


@pytest.mark.parametrize("store_s", [2.9, 3.1, 3.5, 4.5, 6.5, 8.0])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_slow_disk_keeps_no_majority_from_being_a_ring(number: int, store_s: float) -> None:
    """The token time is 3 s, the consensus time 3.6 s; the slow one is in the ring, or is not."""
    lab = Lab(3, settings=TUTORIAL)
    slow = lab.nodes[number] = SlowDisk(number, lab.network)
    lab.start()
    lab.form()
    slow.store_s = store_s
    asker = lab.nodes[1 + number % 3]
    lab.totem(asker.node_id).reform(lab.now)
    lab.network.settle(asker.address)

    def majority() -> bool:
        sides = {node.totem.members for node in lab.up if node.totem is not None}
        return any(len(side) > 1 and lab.formed(*side) for side in sides)

    looks = 900
    count = 0
    for _ in range(looks):
        lab.network.run(for_s=0.1)
        count += majority()
    assert count / looks > 0.6, lab.describe()
    slow.mend()
    lab.form(within_s=60)
    check_all(lab)

"""A ring's id is its own, also where the disk that remembered the rings before was lost.

Ring numbers ascend because each node keeps the highest on its disk. A node whose disk is wiped
begins at the beginning, and with nodes that have never been in a ring it comes to numbers that
there were before: whoever still is in the ring of that name must not take the one for the other.
"""

from __future__ import annotations

import pytest
from sim.network import Faults
from sim.ring import FAST, Lab, Life, RingNode, check_all

from crmsh_py.engine.totem import Totem


def wipe(lab: Lab, *numbers: int) -> None:
    for number in numbers:
        lab.nodes[number].disk = 0


def two_rings_of_one_number() -> Lab:
    """Nodes 1, 2 and 3 are a ring; 3 sleeps, and 1 makes a ring of that number again with 4."""
    lab = Lab(4)
    lab.start(1, 2, 3)
    lab.form(1, 2, 3)
    lab.multicast(2, b"before")
    lab.settle_deliveries()
    first = lab.totem(3).ring_id
    lab.network.freeze(lab.nodes[3].address)
    lab.partition([1, 4], [2], [3])
    lab.crash(1, 2)
    wipe(lab, 1)
    lab.start(1, 4)
    lab.form(1, 4)
    again = lab.totem(1).ring_id
    assert (again.sequence, again.representative) == (first.sequence, first.representative)
    return lab


def test_who_sleeps_does_not_take_another_ring_of_the_same_number_for_its_own() -> None:
    lab = two_rings_of_one_number()
    for count in range(9):
        lab.multicast(1, f"{count} to 4".encode())
    lab.settle_deliveries()
    lab.network.heal()
    lab.network.thaw(lab.nodes[3].address)
    lab.form(1, 3, 4)
    lab.multicast(3, b"together again")
    lab.settle_deliveries()
    check_all(lab)
    told = [payload for payload in lab.nodes[3].life.delivered if payload.endswith(b"to 4")]
    assert not told, f"node 3 was never in the ring in which these were sent: {told}"


def test_a_token_of_another_ring_of_the_same_number_is_not_taken() -> None:
    lab = two_rings_of_one_number()
    lab.network.heal()
    lab.network.thaw(lab.nodes[3].address)  # it goes on passing tokens to 1, and 1 to it
    for count in range(9):
        lab.multicast(3, f"{count} from 3".encode())
        lab.multicast(4, f"{count} from 4".encode())
        lab.network.run(for_s=0.02)
    lab.form(1, 3, 4)
    lab.settle_deliveries()
    check_all(lab)


class Namesake(RingNode):
    """A node of a cluster whose addresses are configured; ``last`` is the end of its own."""

    def __init__(self, node_id: int, last: int) -> None:
        super().__init__(node_id, FAST)
        self.address = f"10.0.0.{last}"

    def start(self, now: float) -> None:
        self.lives.append(Life(self.node_id, len(self.lives) + 1))
        known = {number: f"10.0.0.{number}" for number in (1, 2, 3)} | {self.node_id: self.address}
        boot = int(self.address.rpartition(".")[2])
        self.totem = Totem(self.node_id, self.address, FAST, boot=boot, addresses=known)
        self.totem.start(now)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_machine_with_anothers_id_does_not_keep_the_others_apart(number: int) -> None:
    """It got a copy of their corosync.conf, and is nearer to them than the node it copies.

    As node 1 it proposes every ring first: whoever followed it would wait for the token in vain.
    """
    lab = Lab(0)
    lab.nodes.update({last: Namesake(last, last) for last in (1, 2, 3)})
    lab.nodes[9] = Namesake(number, 9)
    for last in (2, 3, 9):
        lab.network.links["10.0.0.1", f"10.0.0.{last}"] = Faults(delay_s=0.001)
    lab.start()
    lab.network.run_until(lambda: lab.formed(1, 2, 3), within_s=5)
    for count in range(20):
        lab.multicast(1 + count % 3, f"{count}".encode(), safe=True)
        lab.network.run(for_s=0.1)
        assert lab.formed(1, 2, 3), lab.describe()

"""Flow control: how much one visit and one rotation may send, and that nobody is starved."""

from __future__ import annotations

from dataclasses import replace

from sim.network import Faults
from sim.ring import FAST, TUTORIAL, Lab, check_all

from crmsh_py.wire.datagram import Multicast, Token, decode

MEGABYTE = 1_000_000


def watch(lab: Lab) -> list[tuple[str, Token | Multicast]]:
    """Every token and message that is sent from now on, with its sender's address."""
    seen: list[tuple[str, Token | Multicast]] = []

    def tap(now: float, source: str, destination: str, data: bytes) -> None:
        message = decode(data)
        if isinstance(message, Token | Multicast):
            seen.append((source, message))

    lab.network.tap = tap
    return seen


def visits(seen: list[tuple[str, Token | Multicast]]) -> list[tuple[str, int]]:
    """Who sent how many messages before passing the token on, visit by visit."""
    found = []
    count = 0
    for source, message in seen:
        if isinstance(message, Multicast):
            count += 1
        else:
            found.append((source, count))
            count = 0
    return found


def test_a_visit_and_a_rotation_send_no_more_than_the_file_allows() -> None:
    lab = Lab(3, settings=replace(FAST, max_messages=7, window_size=16))
    lab.start()
    lab.form()
    seen = watch(lab)
    for number in lab.nodes:
        lab.multicast(number, bytes([number]) * MEGABYTE)
    lab.settle_deliveries(within_s=30)

    counts = [count for _, count in visits(seen)]
    assert max(counts) == 7
    rotations = [sum(counts[start : start + 3]) for start in range(len(counts) - 2)]
    assert max(rotations) <= 16
    check_all(lab)


def test_who_has_little_to_say_does_not_wait_for_who_has_much() -> None:
    lab = Lab(3, settings=TUTORIAL)
    lab.start()
    lab.form()
    lab.multicast(1, bytes(5 * MEGABYTE))
    lab.network.run(for_s=0.002)
    began = lab.now
    lab.multicast(2, b"small")

    done = lab.network.run_until(
        lambda: all(b"small" in node.life.delivered for node in lab.up), within_s=5
    )

    assert done
    assert lab.now - began < 0.01
    assert not any(len(payload) > 100 for payload in lab.nodes[3].life.delivered)


def test_those_who_have_equally_much_get_equal_parts_of_the_window() -> None:
    lab = Lab(4, settings=replace(FAST, max_messages=40, window_size=40))
    lab.start()
    lab.form()
    for number in lab.nodes:
        lab.multicast(number, bytes(MEGABYTE))
    lab.network.run(for_s=0.02)
    seen = watch(lab)
    lab.network.run(for_s=0.02)

    shares: dict[str, int] = dict.fromkeys((node.address for node in lab.up), 0)
    for source, count in visits(seen):
        shares[source] += count
    assert min(shares.values()) > 0.7 * max(shares.values()), shares


def test_a_configuration_of_ten_megabytes_goes_through_a_network_that_loses() -> None:
    lab = Lab(3, seed=5, settings=TUTORIAL, faults=Faults(loss=0.01, straggler=0.005))
    lab.start()
    lab.form(within_s=30)
    lab.multicast(1, bytes(10 * MEGABYTE), safe=True)
    lab.multicast(2, b"small", safe=True)
    lab.settle_deliveries(within_s=60)

    check_all(lab)
    assert all(len(node.life.delivered) == 2 for node in lab.up)
    assert lab.totem(1).counters.mcast_retx > 0
    assert all(len(lab.totem(each)._machine.ring.messages) < 200 for each in lab.nodes)

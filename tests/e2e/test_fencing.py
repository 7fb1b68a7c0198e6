"""Fencing in real labs: the truth is read inside the nodes, and nothing runs twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.harness import Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

VIP = "192.168.100.100"
FIVE = tuple(f"pacemaker0{n}" for n in range(1, 6))


def five_nodes(lab: Lab) -> None:
    """Five nodes with a quick ring; nothing is configured."""
    lab.crm("lab", "create", "--nodes", ",".join(FIVE))
    lab.crm("lab", "start")
    lab.wait("five online", lambda: lab.online(*FIVE))


def address(lab: Lab) -> None:
    """The address, running somewhere."""
    lab.crm("configure", "primitive", "ip", "ocf:heartbeat:IPaddr2", "params", f"ip={VIP}")
    lab.wait("the address runs", lambda: lab.where("ip"))


class Truth:
    """Which nodes have the address, as /proc of their own namespaces tells, all the time."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.samples: list[tuple[float, tuple[str, ...]]] = []
        self._stop = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[Truth]:
        """Look as long as the block runs."""
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _look(self) -> None:
        while not self._stop.is_set():
            holders = tuple(name for name, pid in self._pids() if has_address(pid))
            self.samples.append((time.monotonic(), holders))
            time.sleep(0.05)

    def _pids(self) -> list[tuple[str, int]]:
        """A process in each node's namespaces, found anew: a node that was reset has others."""
        mark = f"CRM_LAB={self._lab.name}".encode()
        found: dict[str, int] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if b"crmsh_py.node" not in (entry / "cmdline").read_bytes():
                    continue
                variables = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in variables:
                node = next((v[9:] for v in variables if v.startswith(b"CRM_NODE=")), b"")
                found[node.decode()] = int(entry.name)
        return sorted(found.items())

    def holders(self) -> set[str]:
        """Who has ever had it while we looked."""
        return {name for _, names in self.samples for name in names}

    def overlap_s(self) -> float:
        """For how long more than one node had it: the time between the first and last such look."""
        total, before = 0.0, None
        for at, names in self.samples:
            if len(names) > 1 and before is not None:
                total += at - before
            before = at if len(names) > 1 else None
        return total + (0.05 if any(len(names) > 1 for _, names in self.samples) else 0.0)


def has_address(pid: int) -> bool:
    """Whether the namespace of a process has the address, by the kernel's own table."""
    try:
        table = Path(f"/proc/{pid}/net/fib_trie").read_text(encoding="ascii")
    except OSError:
        return False
    return f"|-- {VIP}\n           /32 host LOCAL" in table


@pytest.fixture(scope="module")
def five() -> Iterator[Lab]:
    """One lab of five nodes with the address, for all tests here."""
    lab = make_lab(users()[0], f"f{os.getpid()}")
    try:
        five_nodes(lab)
        lab.crm("configure", "primitive", "fence", "stonith:lab")
        address(lab)
        yield lab
    finally:
        close_lab(lab)


def cut_off(lab: Lab) -> tuple[Truth, set[str]]:
    """Cut the holder of the address and one more off, until the other side has it; then heal."""
    lab.wait("the address runs", lambda: lab.where("ip"))
    holder = lab.where("ip")
    side = {holder, next(name for name in FIVE if name != holder)}
    with Truth(lab).watched() as truth:
        lab.wait("it is seen", lambda: truth.holders() == {holder})
        lab.crm("lab", "partition", *side)
        lab.wait("the other side has it", lambda: truth.holders() - side, 60, 0.2)
    lab.crm("lab", "heal")
    lab.wait("all are back", lambda: lab.online(*FIVE), 60, 0.3)
    return truth, side


def test_a_fence_device_lets_nothing_run_on_both_sides_of_a_partition(five: Lab) -> None:
    """The truth is read inside the nodes; two nodes of five are cut off with the address."""
    five.wait("the device is monitored", lambda: five.where("fence"))
    truth, side = cut_off(five)
    assert truth.overlap_s() == 0
    history = five.on(five.where("fence"), "stonith_admin", "--history", "*")
    assert all(f"of {name} successful" in history for name in side), history


def test_watchdogs_let_nothing_run_on_both_sides_of_a_partition(five: Lab) -> None:
    """Without any device: who has lost quorum stops in time, or is reset."""
    five.crm("resource", "stop", "fence")
    five.crm("configure", "property", "stonith-watchdog-timeout=7s")
    five.wait("they count", lambda: "have-watchdog=true" in five.crm("configure", "show"))
    truth, side = cut_off(five)
    assert truth.overlap_s() == 0
    node = next(name for name in FIVE if name not in side)
    assert "fencing" not in five.mon(node).lower(), "nothing has failed, nothing is pending"


def test_a_node_that_hangs_is_reset_by_its_watchdog(five: Lab) -> None:
    """It still has the address, and could go on at any moment."""
    five.wait("the address runs", lambda: five.where("ip"))
    holder = five.where("ip")
    others = [name for name in FIVE if name != holder]
    with Truth(five).watched() as truth:
        five.wait("it is seen", lambda: truth.holders() == {holder})
        five.crm("lab", "freeze", holder)
        assert "frozen" in five.crm("lab", "status")
        five.wait("it was reset", lambda: "frozen" not in five.crm("lab", "status"), 30, 0.3)
        five.wait("the address runs", lambda: truth.samples[-1][1], 30, 0.2)
    assert truth.overlap_s() == 0
    five.wait("all are back", lambda: five.online(*FIVE, seen_by=others[0]), 40, 0.3)


def test_without_fencing_an_address_may_be_on_both_sides(five: Lab) -> None:
    """As with Pacemaker: recovered at once, for comparison."""
    five.crm("configure", "property", "stonith-enabled=false", "stonith-watchdog-timeout=0")
    truth, _ = cut_off(five)
    print(f"without fencing it was active twice for {truth.overlap_s():.1f} s")
    assert len(truth.holders()) > 1
    five.crm("lab", "kill", "pacemaker05")
    five.wait("it is lost", lambda: "OFFLINE: [ pacemaker05 ]" in five.mon("pacemaker01"))
    said = five.run("crm", "status", node="pacemaker01").stderr
    assert "fencing is disabled: pacemaker05 may still run" in said

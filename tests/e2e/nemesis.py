"""Clients, a nemesis and checkers on a real lab, with the history in a file (Jepsen's words).

    clients    commit marks, each at a node of its choice, all the time; what they are told is 'ok',
               'fail' (nothing was changed) or 'info' (nobody knows)
    nemesis    named faults of real processes and links, drawn from a seed, healed at the end
    observer   looks at the nodes themselves, in their own network namespaces, for addresses
    checkers   nothing acknowledged is missing on any node, nothing refused is there, all copies
               have one digest, and no address was on two nodes at once

Every line of the history is one event as JSON; ``report`` says what was done and what was found.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.clusters import operations
from crmsh_py.clusters.local import LocalCluster
from crmsh_py.errors import ClusterUnreachable, Conflict, CrmError, NoQuorum
from crmsh_py.lab.client import Lab
from crmsh_py.lab.processes import send
from crmsh_py.wire.control import InjectFaults

_PAUSE_S = 0.02  # between two commits of a client


@dataclass
class History:
    """Everything that happened, in its order."""

    path: Path
    began: float = field(default_factory=time.monotonic)
    events: list[Mapping[str, object]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, process: str, kind: str, what: str, **more: object) -> None:
        """One event; ``kind`` is invoke, ok, fail, info, or a nemesis's."""
        at = round(time.monotonic() - self.began, 4)
        event = {"time": at, "process": process, "type": kind, "value": what, **more}
        with self.lock:
            self.events.append(event)
            with self.path.open("a") as file:
                file.write(json.dumps(event) + "\n")

    def values(self, kind: str) -> set[str]:
        """The marks that ended so."""
        return {str(e["value"]) for e in self.events if e["type"] == kind}


@dataclass
class Run:
    """One lab under attack."""

    lab: Lab
    nodes: Sequence[str]
    addresses: Sequence[str]
    history: History
    stop: threading.Event = field(default_factory=threading.Event)
    failures: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    looks: int = 0

    def begin(self, work: Callable[..., None], *arguments: object) -> None:
        """Something that goes on until ``stop``."""

        def guarded() -> None:
            try:
                work(*arguments)
            except Exception as error:
                self.failures.append(f"{work.__name__}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=guarded)
        self.threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Wait for all of it."""
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def cluster(self, node: str) -> LocalCluster:
        """A client that talks with this node alone."""
        place = self.lab.place
        return LocalCluster(place.lab, {node: place.node_socket(node)}, node=node, client="client")

    # ---- clients -------------------------------------------------------------------------------

    def commit(self, number: int, chance: random.Random) -> None:
        """Commit marks, one after the other, here and there."""
        name, count = f"client{number}", 0
        while not self.stop.is_set():
            count += 1
            mark = f"m{number}-{count}"
            node = chance.choice(self.nodes)
            self.history.add(name, "invoke", mark, node=node)
            told, why = self._commit_one(node, mark)
            self.history.add(name, told, mark, node=node, why=why)
            self.stop.wait(_PAUSE_S)

    def _commit_one(self, node: str, mark: str) -> tuple[str, str]:
        sent = False
        try:
            cluster = self.cluster(node)
            try:
                cib = cluster.read_cib()
                new = operations.set_node_attribute(cib, self.nodes[0], mark, "1")
                sent = True
                cluster.commit(diff(cib, new), client="client")
            finally:
                cluster.close()
        except CrmError as error:
            refused = isinstance(error, Conflict | NoQuorum) and "may still" not in (
                error.hint or ""
            )
            return "fail" if refused or not sent else "info", error.message
        return "ok", ""

    # ---- the nemesis ---------------------------------------------------------------------------

    def attack(self, chance: random.Random) -> None:
        """One fault after the other, sometimes two at once."""
        while not self.stop.is_set():
            victims = chance.sample(list(self.nodes), chance.choice((1, 1, 2)))
            fault = chance.choice(list(FAULTS))
            self.history.add("nemesis", "begin", fault, nodes=victims)
            try:
                FAULTS[fault](self, victims)
                self.stop.wait(chance.choice((0.5, 2.0, 5.0)))
                self.mend()
            except CrmError as error:
                self.history.add("nemesis", "trouble", fault, why=error.message)
            self.history.add("nemesis", "end", fault, nodes=victims)
            self.stop.wait(chance.choice((0.5, 3.0)))

    def mend(self) -> None:
        """Nothing is wrong any more."""
        self.lab.thaw(self.nodes)
        self.lab.heal()
        self.lab.start(self.nodes)
        good = InjectFaults(loss=0, delay_ms=0, duplicate=0, disk_delay_ms=0, disk_full=False)
        with contextlib.suppress(ClusterUnreachable):  # of one that is just being fenced
            self.lab.suffer(self.nodes_on(self.nodes), good, "good again")

    def nodes_on(self, nodes: Sequence[str]) -> list[str]:
        """Those of these nodes that have power."""
        on = {node.name for node in self.lab.status().nodes if node.state == "on"}
        return [node for node in nodes if node in on]

    # ---- the observer --------------------------------------------------------------------------

    def observe(self) -> None:
        """Look who holds the addresses, in the nodes themselves, as fast as it goes.

        An address is on two nodes at once when one holds it before and after another one does.
        """
        held: dict[str, tuple[str, int]] = {}  # address: who held it last, in which life
        others: dict[str, str] = {}  # address: who else was seen with it since
        while not self.stop.is_set():
            for node in self.lab.status().nodes:
                if node.state != "on":
                    continue
                for address in self._addresses_of(node.pid):
                    who = (node.name, node.pid)
                    if held.get(address) == who and address in others:
                        self.failures.append(
                            f"{address} was on {others[address]} while {node.name} held it"
                        )
                        self.stop.set()
                    if address in held and held[address] != who:
                        if held[address][0] != node.name:
                            others.setdefault(address, node.name)
                        continue
                    held[address] = who
            self.looks += 1
            held, others = self._forget_the_dead(held, others)

    def _forget_the_dead(
        self, held: Mapping[str, tuple[str, int]], others: Mapping[str, str]
    ) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
        """Who lost its power, or let an address go, holds nothing: it can be elsewhere."""
        alive = {(n.name, n.pid) for n in self.lab.status().nodes if n.state == "on"}
        kept = {
            address: who
            for address, who in held.items()
            if who in alive and address in self._addresses_of(who[1])
        }
        return kept, {address: name for address, name in others.items() if address in kept}

    def _addresses_of(self, init: int) -> set[str]:
        words = ["nsenter", "-t", str(init), "-n", "ip", "-4", "-o", "address"]
        told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        return {address for address in self.addresses if f" {address}/" in told}

    # ---- the checkers --------------------------------------------------------------------------

    def copies(self) -> dict[str, Cib]:
        """Each node's own configuration."""
        found = {}
        for node in self.nodes:
            cluster = self.cluster(node)
            try:
                found[node] = cluster.read_cib()
            finally:
                cluster.close()
        return found

    def agree(self) -> bool:
        """Whether all nodes answer, are one membership with one DC, and have one digest."""
        try:
            copies = self.copies()
        except CrmError:
            return False
        dcs = {copy.root.get("dc-uuid") for copy in copies.values()}
        states = [
            state.get("crmd") == "online"
            for copy in copies.values()
            for state in copy.status.findall("node_state")
        ]
        return (
            len({copy.digest for copy in copies.values()}) == 1
            and len(dcs) == 1
            and len(states) == len(self.nodes) ** 2
            and all(states)
        )

    def check(self) -> None:
        """Nothing lost, nothing twice."""
        for node, copy in self.copies().items():
            marks = {pair.get("name") for pair in copy.section("nodes").iter("nvpair")}
            lost = self.history.values("ok") - marks
            assert not lost, f"{node} lacks acknowledged {sorted(lost)}"
            made = self.history.values("fail") & marks
            assert not made, f"{node} has {sorted(made)}, which clients were told is not made"
        where = {
            address: [
                n.name for n in self.lab.status().nodes if address in self._addresses_of(n.pid)
            ]
            for address in self.addresses
        }
        assert all(len(holders) == 1 for holders in where.values()), where

    def report(self) -> str:
        """What was done, and what was found."""
        kinds = Counter(str(event["type"]) for event in self.history.events)
        faults = Counter(
            str(event["value"]) for event in self.history.events if event["type"] == "begin"
        )
        seconds = float(str(self.history.events[-1]["time"]))
        lines = [
            f"{len(self.nodes)} nodes, {seconds:.0f} s, history in {self.history.path.name}",
            f"clients: {kinds['invoke']} commits: {kinds['ok']} ok, {kinds['fail']} refused,"
            f" {kinds['info']} unknown",
            "nemesis: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())),
            f"observer: {self.looks} looks at every node's addresses",
            "checkers: " + ("; ".join(self.failures) or "nothing lost, nothing twice"),
        ]
        return "\n".join(lines) + "\n"


# ---- faults --------------------------------------------------------------------------------------


def kill(run: Run, nodes: Sequence[str]) -> None:
    """A power failure."""
    run.lab.kill(nodes)


def kill_daemon(run: Run, nodes: Sequence[str]) -> None:
    """SIGKILL to the node's own process; its init ends with it."""
    for node in run.lab.status().nodes:
        if node.name in nodes and node.pid:
            send(node.pid, 9)


def freeze(run: Run, nodes: Sequence[str]) -> None:
    """SIGSTOP to everything of a node."""
    run.lab.freeze(nodes)


def partition(run: Run, nodes: Sequence[str]) -> None:
    """Cut off from all others, together."""
    run.lab.partition(nodes)


def isolate_each(run: Run, nodes: Sequence[str]) -> None:
    """Cut off from all others, each alone."""
    for node in nodes:
        run.lab.partition([node])


def reboot(run: Run, nodes: Sequence[str]) -> None:
    """Power off and on."""
    run.lab.reboot(nodes)


def bad_network(run: Run, nodes: Sequence[str]) -> None:
    """What they send is lost, late and doubled, by the nodes' own transport."""
    faults = InjectFaults(loss=20, delay_ms=50, duplicate=20)
    run.lab.suffer(run.nodes_on(nodes), faults, "bad network")


def slow_disk(run: Run, nodes: Sequence[str]) -> None:
    """Every write takes long."""
    run.lab.suffer(run.nodes_on(nodes), InjectFaults(disk_delay_ms=200), "slow disk")


def full_disk(run: Run, nodes: Sequence[str]) -> None:
    """No write works: the node must stop by itself."""
    run.lab.suffer(run.nodes_on(nodes), InjectFaults(disk_full=True), "full disk")


FAULTS: Mapping[str, Callable[[Run, Sequence[str]], None]] = {
    each.__name__: each
    for each in (
        kill,
        kill_daemon,
        reboot,
        freeze,
        partition,
        isolate_each,
        bad_network,
        slow_disk,
        full_disk,
    )
}

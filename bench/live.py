"""``make bench-cluster``: a lab beside Corosync and Pacemaker, doing the same in the same run.

Each row is done by both, one after the other, so that what else the machine does troubles both.
Rows: start, commit, move, failover (detection and recovery), partition and heal, loads of Dummy
resources (wall and CPU), commits per second, memory per node, idle CPU. ``--only WORD`` runs some
of them, ``--loads 100 300`` says which, ``--runs N`` repeats what is short.

Needs root, and Debian's pacemaker, corosync, crmsh and resource-agents.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from subjects import (
    NODES,
    VIRTUAL,
    Ours,
    Subject,
    Theirs,
    active,
    cpu_s,
    online,
    pss_mb,
    wait,
)

# Corosync adds token_coefficient (650 ms) for each node beyond two; ours is told the sum.
TOKEN_MS, COEFFICIENT_MS = 1000, 650
EFFECTIVE_MS = TOKEN_MS + COEFFICIENT_MS * (len(NODES) - 2)
CONSENSUS_MS = int(1.2 * EFFECTIVE_MS)
IDLE_S = 10.0
COMMITS = 30
FAILURES = 4
IDLE_BEFORE_S = 2.0  # and up to one second more


@dataclass
class Figures:
    """What was measured: by row, by subject."""

    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, row: str, subject: Subject, value: float) -> None:
        """One measurement."""
        self.rows.setdefault(row, {}).setdefault(subject.name, []).append(value)
        print(f"  {subject.name:7} {row}: {value:.2f}", flush=True)

    def table(self) -> str:
        """Medians, side by side."""
        lines = ["| row | ours | Pacemaker | ratio |", "|---|---|---|---|"]
        for row, values in self.rows.items():
            ours, theirs = (
                statistics.median(values[name]) if values.get(name) else float("nan")
                for name in ("ours", "theirs")
            )
            lines.append(f"| {row} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")
        return "\n".join(lines)


_PRIMITIVE = (
    *("configure", "primitive", "One", "ocf:pacemaker:Dummy"),
    *("op", "monitor", "interval=30s"),
)


def _with_one(subject: Subject) -> str:
    """The node where the primitive of ``commit`` runs; a row that is measured alone makes it."""
    if 'id="One"' not in subject.status(NODES[0]):
        subject.crm(*_PRIMITIVE)
    wait("One is started", lambda: "One" in active(subject.status(NODES[0])))
    return active(subject.status(NODES[0]))["One"]


def start(subject: Subject, figures: Figures) -> None:
    """The cluster was started by the caller; what its nodes need when nothing happens."""
    inits = subject.inits()
    time.sleep(2)
    figures.add("memory per node, PSS (MB)", subject, pss_mb(inits) / len(inits))
    before = cpu_s(inits)
    time.sleep(IDLE_S)
    used = (cpu_s(inits) - before) / IDLE_S / len(inits)
    figures.add("idle CPU per node (%)", subject, used * 100)


def commit(subject: Subject, figures: Figures) -> None:
    """A primitive: the command, and then until it is started."""
    figures.add("commit: command (s)", subject, subject.crm(*_PRIMITIVE))
    took = wait("One is started", lambda: "One" in active(subject.status(NODES[0])))
    figures.add("commit: started after it (s)", subject, took)
    total = figures.rows["commit: command (s)"][subject.name][-1] + took
    figures.add("commit to started (s)", subject, total)


def move(subject: Subject, figures: Figures) -> None:
    """From one node to another, command included."""
    at = _with_one(subject)
    to = next(node for node in NODES if node != at)
    began = time.monotonic()
    subject.crm("resource", "move", "One", to)
    wait("One has moved", lambda: active(subject.status(NODES[0])).get("One") == to)
    figures.add("move (s)", subject, time.monotonic() - began)
    subject.crm("resource", "unmove" if subject.name == "theirs" else "clear", "One")


def commits(subject: Subject, figures: Figures) -> None:
    """One after the other: each a process of its own, and all in one session of the shell."""
    began = time.monotonic()
    for number in range(COMMITS):
        subject.attribute("bench", str(number))
    figures.add(
        "commits per second, by crm_attribute", subject, COMMITS / (time.monotonic() - began)
    )
    lines = [f"configure property batch-limit={number}" for number in range(50, 50 + COMMITS)]
    with tempfile.NamedTemporaryFile("w", suffix=".crm") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        Path(file.name).chmod(0o644)
        took = subject.crm("-f", file.name)
    figures.add("commits per second, by crm -f", subject, COMMITS / took)


def failover(subject: Subject, figures: Figures) -> None:
    """The node with the resource loses its power, some times.

    At any moment of a cluster that has nothing to do: how long the token has been held by then is
    a part of what is measured.
    """
    for _ in range(FAILURES):
        at = _with_one(subject)
        time.sleep(IDLE_BEFORE_S + random.random())  # noqa: S311 - no secret
        _lose_power(subject, figures, at)


def _lose_power(subject: Subject, figures: Figures, at: str) -> None:
    others = sorted(node for node in NODES if node != at)
    subject.kill(at)
    detection = wait("the loss is noticed", lambda: online(subject.status(others[0])) == others)
    figures.add("failover: detection (s)", subject, detection)
    recovery = wait(
        "One is elsewhere", lambda: active(subject.status(others[0])).get("One") in others
    )
    figures.add("failover: recovery (s)", subject, recovery)
    subject.boot(at)
    wait("all are back", lambda: online(subject.status(others[0])) == sorted(NODES))


def partition(subject: Subject, figures: Figures) -> None:
    """The node with an address is cut off; the truth is in the nodes' own interfaces."""
    subject.crm(
        "configure", "primitive", "Address", "ocf:heartbeat:IPaddr2", "params",
        f"ip={VIRTUAL}", "cidr_netmask=24", "op", "monitor", "interval=30s",
    )  # fmt: skip

    def holds(node: str) -> bool:
        return VIRTUAL in subject.inside(node, "ip", "-4", "-o", "address")

    wait("the address is up", lambda: any(holds(node) for node in NODES))
    at = next(node for node in NODES if holds(node))
    others = sorted(node for node in NODES if node != at)
    began = time.monotonic()
    subject.cut(at)
    stopped = answered = 0.0
    while not (stopped and answered):
        if not answered and any(holds(node) for node in others):
            answered = time.monotonic() - began
        if not stopped and not holds(at):
            stopped = time.monotonic() - began
        if time.monotonic() - began > 60:
            raise RuntimeError("the partition was not dealt with in a minute")
    figures.add("partition: minority stopped (s)", subject, stopped)
    figures.add("partition: majority answers (s)", subject, answered)
    subject.heal(at)
    agreed = wait(
        "all agree", lambda: all(online(subject.status(n)) == sorted(NODES) for n in NODES)
    )
    figures.add("heal: all agreed (s)", subject, agreed)


def load(count: int) -> Callable[[Subject, Figures], None]:
    """A configuration of many resources, loaded at once."""

    def measure(subject: Subject, figures: Figures) -> None:
        lines = [
            f"primitive D{n} ocf:pacemaker:Dummy op monitor interval=60s" for n in range(count)
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".crm") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            Path(file.name).chmod(0o644)
            inits = subject.inits()
            before, began = cpu_s(inits), time.monotonic()
            subject.crm("configure", "load", "update", file.name)
            wait(
                f"{count} are started",
                lambda: sum(n.startswith("D") for n in active(subject.status(NODES[0]))) == count,
            )
            wall = time.monotonic() - began
        figures.add(f"{count} Dummies: all started (s)", subject, wall)
        figures.add(f"{count} Dummies: CPU of the nodes (s)", subject, cpu_s(inits) - before)
        figures.add(f"{count} Dummies: memory per node (MB)", subject, pss_mb(inits) / len(inits))

    return measure


ROWS: dict[str, Callable[[Subject, Figures], None]] = {
    "start": start,
    "commit": commit,
    "move": move,
    "commits": commits,
    "failover": failover,
    "partition": partition,
}


def one_round(make: Callable[[], Subject], rows: Sequence[str], figures: Figures) -> None:
    """A new cluster, and these rows on it."""
    subject = make()
    try:
        figures.add("start to three online (s)", subject, subject.up())
        subject.crm("configure", "property", "stonith-enabled=false")
        for row in rows:
            if row.startswith("load "):
                load(int(row.removeprefix("load ")))(subject, figures)
            else:
                ROWS[row](subject, figures)
    finally:
        subject.down()


def main() -> int:
    """Print the table; 0 when all rows were measured."""
    parser = argparse.ArgumentParser(description="a lab beside Corosync and Pacemaker")
    parser.add_argument("--only", default="", help="rows with this word")
    parser.add_argument("--loads", nargs="*", type=int, default=[100, 300])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--subject", choices=("both", "ours", "theirs"), default="both")
    options = parser.parse_args()
    makers: list[Callable[[], Subject]] = []
    if options.subject != "theirs":
        makers.append(lambda: Ours(EFFECTIVE_MS, CONSENSUS_MS))
    if options.subject != "ours":
        makers.append(lambda: Theirs(TOKEN_MS))
    figures = Figures()
    short = [row for row in ROWS if options.only in row]
    for number in range(options.runs if short else 0):
        for make in makers:
            print(f"run {number + 1}:", flush=True)
            one_round(make, short, figures)
    for count in options.loads:
        for make in makers:
            print(f"{count} resources:", flush=True)
            one_round(make, [f"load {count}"], figures)
    print(figures.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Our shell beside crmsh on one real cluster: part "shell" of ``make bench-cluster``.

A three-node cluster of Corosync and Pacemaker is made for the measurement (tests/realcluster) and
ended after it; it is in maintenance mode, so that what the cluster does with a change does not
count. Both shells run on the first node, one command a process, as root, on the same configuration.
What is compared is the CPU time of the shell's own process; what the programs that it calls
(cibadmin …) spend is added in the second column, and the time on the wall is printed beside it.

    python bench/cluster_shell.py [--runs N] [--crmsh PATH]

``--crmsh`` is another crmsh than the installed one; CRM_TEST_PACEMAKER another Pacemaker (see
docs/testing.md).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clusters import commands
from measure import ours, peer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from realcluster.cluster import NODES, RealCluster, missing  # found by that path

NODE = NODES[0]
_SELF_TIME = Path(__file__).with_name("self_time.py")
PROMISE = 3.0  # times quicker
TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person does. ``after`` undoes it; ``{n}`` is the number of the run."""

    name: str
    words: tuple[str, ...]
    after: tuple[str, ...] = ()
    peer_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """Medians of seconds: CPU of the shell itself, of all processes, and on the wall."""

    itself_s: float
    all_s: float
    wall_s: float


def tasks(folder: Path) -> Iterator[Task]:
    """What is measured, on a configuration of a hundred primitives."""
    yield Task("status", ("status",))
    yield Task("configure show", ("configure", "show"))
    dummy = ("configure", "primitive", "one{n}", "ocf:pacemaker:Dummy", "op", "monitor")
    yield Task(
        "configure primitive", (*dummy, "interval=10s"), ("-F", "configure", "delete", "one{n}")
    )
    yield Task("resource move", ("resource", "move", "r7", NODES[1]), ("resource", "clear", "r7"))
    line = "crm resource move r"
    yield Task(
        "TAB after “resource move r”",
        ("--complete", "bash", line),
        peer_words=("--compgen", str(len(line)), line),
    )
    for number in (100, 1000):
        file = folder / f"{number}.crm"
        text = commands(number, number // 5).replace("primitive r", "primitive x")
        file.write_text(text.replace(" r", " x").replace("order o", "order xo")
                        .replace("colocation c", "colocation xc"))  # fmt: skip
        yield Task(
            f"load of {number}", ("-F", "configure", "load", "update", str(file)), ("RESTORE",)
        )


def measured(
    cluster: RealCluster,
    program: str,
    words: tuple[str, ...],
    runs: int,
    undo: Callable[[int], None],
) -> Spent | None:
    """What a program spends on it; None where it cannot do it."""
    itself, all_of_it, wall = [], [], []
    for number in range(runs):
        line = [word.format(n=number) for word in words]
        begin = time.monotonic()
        done = subprocess.run(
            cluster.command(NODE, sys.executable, str(_SELF_TIME), program, *line),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        wall.append(time.monotonic() - begin)
        undo(number)
        if done.returncode != 0:
            print(f"{program} {' '.join(line)}: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        own, called = map(float, done.stderr.splitlines()[-1].split())
        itself.append(own)
        all_of_it.append(own + called)
    return Spent(*map(statistics.median, (itself, all_of_it, wall)))


def prepare(cluster: RealCluster) -> str:
    """A hundred primitives that nothing is done with; returns the configuration."""
    cluster.crm(NODE, "configure", "property", "stonith-enabled=false", "maintenance-mode=true",
                "enable-startup-probes=false")  # fmt: skip
    cluster.run(NODE, ours("crm"), "configure", "load", "update", "-", stdin=commands(100, 20))
    return cluster.run(NODE, "cibadmin", "-Q", "-o", "configuration").stdout


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench/cluster_shell.py", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--crmsh", default=peer("crm"), metavar="PATH")
    options = parser.parse_args()
    if reason := missing():
        print(f"a real cluster {reason}: nothing was measured")
        return 0
    crmsh = options.crmsh
    print(f"peer crm: {crmsh or 'not installed: only our figures'}\n")
    print("| command | itself, CPU s (crmsh) | times quicker | with programs, CPU s | wall s | |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with RealCluster(folder / "cluster") as cluster:
            configuration = prepare(cluster)
            for task in tasks(folder):
                _row(cluster, task, crmsh, configuration, options.runs)
    return 0


def _row(
    cluster: RealCluster, task: Task, crmsh: str | None, configuration: str, runs: int
) -> None:
    def undo(program: str) -> Callable[[int], None]:
        def act(number: int) -> None:
            if task.after == ("RESTORE",):
                replace = ("cibadmin", "--replace", "-o", "configuration", "--xml-pipe")
                cluster.run(NODE, *replace, stdin=configuration)
            elif task.after:
                words = [word.format(n=number) for word in task.after]
                cluster.run(NODE, program, *words, check=False)

        return act

    runs = 1 if "1000" in task.name else runs
    mine = measured(cluster, ours("crm"), task.words, runs, undo(ours("crm")))
    theirs = None
    if crmsh:
        theirs = measured(cluster, crmsh, task.peer_words or task.words, runs, undo(crmsh))
    if mine is None:
        return
    if theirs is None:
        print(f"| {task.name} | {mine.itself_s:.2f} | | {mine.all_s:.2f} | {mine.wall_s:.2f} | |")
        return
    times = theirs.itself_s / mine.itself_s
    print(
        f"| {task.name} | {mine.itself_s:.2f} ({theirs.itself_s:.2f}) | {times:.1f} | "
        f"{mine.all_s:.2f} ({theirs.all_s:.2f}) | {mine.wall_s:.1f} ({theirs.wall_s:.1f}) | "
        f"{'' if times >= PROMISE else f'promised {PROMISE:.0f}: MISSED'} |",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

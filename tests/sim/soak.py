"""Many seeds of the simulation in several processes: `python tests/sim/soak.py --seeds 100000`.

Prints what failed, with its seed, and at the end how many were run and how long it took. A seed
is replayed by `python tests/sim/soak.py --seed N`.

With `--log FILE` every block of fifty seeds is a line of that file. Run again it goes on where it
was ended, as long as what is simulated has not changed; `--report` says how far each commit came.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.cluster_chaos import run_chaos

_SHOWN = 3000  # characters of a failure
_PROGRESS = 20  # blocks
BLOCK = 50
_ROOT = Path(__file__).resolve().parents[2]
# What a seed follows from. Tests, checked-in figures and this file may change.
_SIMULATED = (
    *("crmsh_py/cib", "crmsh_py/corosync_conf", "crmsh_py/engine", "crmsh_py/scheduler"),
    *("crmsh_py/wire", "crmsh_py/value.py", "tests/sim"),
    *(":!tests/sim/test_*.py", ":!tests/sim/mutations.py", ":!tests/sim/soak.py"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """What came of the seeds from ``first`` on."""

    first: int
    seeds: int
    commits: int  # that were acknowledged
    cpu_s: float
    failed: tuple[int, ...]
    failures: str = ""

    def line(self, commit: str) -> str:
        """As the log has it."""
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        failed = ",".join(map(str, self.failed)) or "-"
        return f"{when} {commit} {self.first} {self.seeds} {self.commits} {self.cpu_s:.1f} {failed}"

    @staticmethod
    def read(line: str) -> tuple[str, Block]:
        """The commit and the block of a line of the log."""
        _when, commit, first, seeds, commits, cpu_s, failed = line.split()
        numbers = tuple(map(int, failed.split(","))) if failed != "-" else ()
        return commit, Block(int(first), int(seeds), int(commits), float(cpu_s), numbers)


def run(seed: int) -> tuple[int, str]:
    """One seed: the commits that were acknowledged, and how it failed ('' for not)."""
    try:
        _, checker = run_chaos(seed)
    except Exception as error:  # whatever goes wrong is a finding
        return 0, f"{type(error).__name__}: {error}"
    return len(checker.commits.acknowledged), ""


def run_block(seeds: range) -> Block:
    """These seeds, one after the other."""
    gc.disable()  # a run makes few cycles, and looking for them takes a tenth of its time
    began = time.process_time()
    commits, failed, failures = 0, [], ""
    for seed in seeds:
        acknowledged, failure = run(seed)
        commits += acknowledged
        if failure:
            failed.append(seed)
            failures += failure[:_SHOWN] + "\n"
    gc.collect()
    cpu_s = time.process_time() - began
    return Block(seeds.start, len(seeds), commits, cpu_s, tuple(failed), failures)


def commit_here() -> str:
    """The commit of this tree; marked where something was changed since."""
    return _git("describe", "--always", "--dirty", "--exclude=*").stdout.strip() or "unknown"


def simulates_the_same(commit: str) -> bool:
    """Whether a seed does now what it did at this commit."""
    return _git("diff", "--quiet", commit, "--", *_SIMULATED).returncode == 0


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("git", "-C", str(_ROOT), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def read_log(log: Path | None) -> dict[str, list[Block]]:
    """The blocks of every commit; those that were run twice count once."""
    found: dict[str, dict[range, Block]] = {}
    for line in log.read_text().splitlines() if log is not None and log.exists() else ():
        commit, block = Block.read(line)
        found.setdefault(commit, {})[range(block.first, block.first + block.seeds)] = block
    return {commit: list(blocks.values()) for commit, blocks in found.items()}


def summary(blocks: Iterable[Block]) -> str:
    """How many seeds, and what came of them."""
    all_blocks = list(blocks)
    seeds = sum(block.seeds for block in all_blocks)
    cpu_s = sum(block.cpu_s for block in all_blocks)
    failed = sorted(seed for block in all_blocks for seed in block.failed)
    return (
        f"{seeds} seeds, {sum(block.commits for block in all_blocks)} commits acknowledged,"
        f" {cpu_s / 3600:.2f} CPU hours ({cpu_s / max(1, seeds):.2f} s a seed),"
        f" {len(failed)} seeds failed{''.join(f' {seed}' for seed in failed[:100])}"
    )


def soak(wanted: range, processes: int | None, log: Path | None) -> bool:
    """Run what the log does not have yet; whether every seed held."""
    commit = commit_here()
    known = read_log(log).items()
    blocks = [block for at, found in known if simulates_the_same(at) for block in found]
    have = {(block.first, block.seeds) for block in blocks}
    parts = [range(first, first + BLOCK) for first in range(wanted.start, wanted.stop, BLOCK)]
    left = [part for part in parts if (part.start, len(part)) not in have]
    began = time.monotonic()
    with multiprocessing.Pool(processes) as pool:
        for count, block in enumerate(pool.imap_unordered(run_block, left), 1):
            blocks.append(block)
            if log is not None:
                with log.open("a") as file:
                    print(block.line(commit), file=file)
            if block.failures:
                print(block.failures, flush=True)
            if count % _PROGRESS == 0 or count == len(left):
                minutes = (time.monotonic() - began) / 60
                print(f"{commit} {minutes:.1f} min: {summary(blocks)}", flush=True)
    return not any(block.failed for block in blocks)


def main() -> int:
    """0 when every seed held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--seeds", type=int, default=100_000, help=f"how many, in blocks of {BLOCK}"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--log", type=Path, help="write every block down, and run none twice")
    parser.add_argument("--report", action="store_true", help="say what the log has")
    options = parser.parse_args()
    if options.seed is not None:
        commits, failure = run(options.seed)
        print(failure or f"seed {options.seed} holds: {commits} commits were acknowledged")
        return bool(failure)
    if options.report:
        for commit, blocks in read_log(options.log).items():
            print(f"{commit}: {summary(blocks)}")
        return 0
    wanted = range(options.first, options.first + options.seeds)
    return not soak(wanted, options.processes, options.log)


if __name__ == "__main__":
    sys.exit(main())

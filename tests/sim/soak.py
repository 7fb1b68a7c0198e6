"""Many seeds of the simulation in several processes: `python tests/sim/soak.py --seeds 100000`.

Prints what failed, with its seed, and at the end how many were run and how long it took. A seed
is replayed by `python tests/sim/soak.py --seed N`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.cluster_chaos import run_chaos

_SHOWN = 3000  # characters of a failure
_PROGRESS = 1000


def run(seed: int) -> tuple[int, int, str]:
    """One seed: itself, the commits that were acknowledged, and how it failed ('' for not)."""
    try:
        _, checker = run_chaos(seed)
    except Exception as error:  # whatever goes wrong is a finding
        return seed, 0, f"{type(error).__name__}: {error}"
    return seed, len(checker.commits.acknowledged), ""


def main() -> int:
    """0 when every seed held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=100_000, help="how many")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.seed is not None:
        _, commits, failure = run(options.seed)
        print(failure or f"seed {options.seed} holds: {commits} commits were acknowledged")
        return bool(failure)
    seeds = range(options.first, options.first + options.seeds)
    began = time.monotonic()
    failed: list[int] = []
    commits = 0
    with multiprocessing.Pool(options.processes) as pool:
        for count, (seed, acknowledged, failure) in enumerate(
            pool.imap_unordered(run, seeds, chunksize=10), 1
        ):
            commits += acknowledged
            if failure:
                failed.append(seed)
                print(failure[:_SHOWN], flush=True)
            if count % _PROGRESS == 0 or count == len(seeds):
                minutes = (time.monotonic() - began) / 60
                print(
                    f"{count} seeds from {seeds.start} in {minutes:.1f} min:"
                    f" {commits} commits acknowledged, {len(failed)} seeds failed",
                    flush=True,
                )
    print("failed:", *sorted(failed) if failed else ["none"])
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

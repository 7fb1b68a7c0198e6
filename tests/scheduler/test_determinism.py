"""The same bytes whatever the hash seed: no answer depends on the order of a set.

A sample of the recorded cases in the tests, all of them with more seeds in ``make nightly``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scheduler.conformance import NIGHTLY, cases, some_cases

EVERY = 14
SEEDS = ("0", "1", "2", "4242") if NIGHTLY else ("1", "2")
TESTS = Path(__file__).resolve().parent.parent


def begin(seed: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    script = TESTS / "scheduler" / "outputs.py"
    return subprocess.Popen(
        [sys.executable, script, str(1 if NIGHTLY else EVERY)],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(not cases(), reason="the recorded cases are not here")
@pytest.mark.timeout(1800 if NIGHTLY else 600)
def test_hash_seeds_change_nothing() -> None:
    running = [begin(seed) for seed in SEEDS]
    said = [process.communicate()[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0] * len(SEEDS)
    assert len(said[0]) == len(some_cases(EVERY))
    for other in said[1:]:
        different = [a for a, b in zip(said[0], other, strict=True) if a != b]
        assert not different

"""Programs run to their end without subprocess: as it does, where both can be compared."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from crmsh_py.clusters.running import run
from crmsh_py.lab import processes

ENVIRON = {"PATH": "/usr/bin:/bin", "WORD": "here"}


@pytest.mark.parametrize(
    ("script", "stdin"),
    [
        ("echo out; echo err >&2; exit 3", None),
        ("cat", b"in and out"),
        ("cat; echo $WORD", b""),
        ("cat", b"x" * 3_000_000),
        ("cat >&2; head -c 2000000 /dev/zero", b"y" * 300_000),
        ("exit 0", b"z" * 300_000),  # nobody reads it
        ("kill -9 $$", None),
        ("kill -PIPE $$", None),
        ("exec >&- 2>&-; sleep 0.05; exit 5", None),
    ],
)
def test_it_does_what_subprocess_does(script: str, stdin: bytes | None) -> None:
    command = ["sh", "-c", script]
    done = subprocess.run(
        command,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        env=ENVIRON,
    )
    assert run(command, ENVIRON, stdin, 20) == (done.returncode, done.stdout, done.stderr)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[int]:
    """Of this process, also those that have ended and were not waited for."""
    return set(processes.descendants(os.getpid()))


def test_one_that_does_not_end_is_ended_and_nothing_is_left_open() -> None:
    before, others, began = open_files(), children(), time.monotonic()
    for script in ("sleep 60", "exec >&- 2>&-; sleep 60", "cat; sleep 60"):
        with pytest.raises(TimeoutError):
            run(["sh", "-c", f"exec {script}" if ";" not in script else script], ENVIRON, b"x", 0.1)
    assert time.monotonic() - began < 10
    assert open_files() == before
    assert children() <= others


def test_one_that_is_not_there_or_no_program_says_so(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], ENVIRON, None, 1)
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "no")], ENVIRON, b"", 1)
    with pytest.raises(PermissionError):
        run([str(tmp_path)], ENVIRON, None, 1)
    assert open_files() == before

"""Commands on the host of a lab of plain processes: no namespaces are needed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from waiting import until

from crmsh_py.lab import inside, linux, processes, rights
from crmsh_py.lab.client import Lab
from crmsh_py.wire.lab import LabState

OFF = LabState(
    pid=os.getpid(), started=0, isolation="none", own_pids=False, note="", nodes=[]
)  # a lab whose host is this very machine


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    made = Lab(environ=environ, lab="t")
    made.create()
    return made


def on_host(lab: Lab, *argv: str, environ: dict[str, str]) -> str:
    done = inside.output(
        lab.place.load(), lab.place, OFF, "host", argv, environ=environ, timeout_s=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="surrogateescape")


def test_a_command_gets_the_callers_environment_and_nothing_else_of_him(lab: Lab) -> None:
    odd = {"A": "1=2\n3", "B": "", "C": "\udcff"}
    text = on_host(lab, "env", "-0", environ={"PATH": os.environ["PATH"], **odd})
    told = dict(pair.partition("=")[::2] for pair in text.split("\0") if pair)
    assert {name: told[name] for name in odd} == odd
    assert told["CRM_LAB"] == "t"
    assert "PYTHONPATH" not in told, "that is the entering program's own"
    seen = on_host(lab, "ls", "/proc/self/fd", environ={"PATH": os.environ["PATH"]})
    assert len(seen.split()) == 4, "the three usual ones, and that of ls for the directory"


def test_the_process_list_tells_no_ones_environment(lab: Lab, tmp_path: Path) -> None:
    """Neither the command's, nor that of the program that waits for it."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    environ = {"PATH": os.environ["PATH"], "MY_TOKEN": "s3cret-of-mine"}
    thread = threading.Thread(target=on_host, args=(lab, "cat", fifo), kwargs={"environ": environ})
    thread.start()
    try:
        assert until(lambda: len(_with(fifo)) >= 2), "the command, and who waits for it"
        assert not [line for line in _with(fifo) if "s3cret-of-mine" in line]
    finally:
        Path(fifo).write_text("")
        thread.join()


def test_only_a_node_with_process_ids_of_its_own_may_reboot(lab: Lab) -> None:
    """Elsewhere the machine would."""
    assert linux.CAP_SYS_BOOT in rights.forbidden(own_pids=False)
    assert linux.CAP_SYS_BOOT not in rights.forbidden(own_pids=True)
    status = on_host(lab, "cat", "/proc/self/status", environ={"PATH": os.environ["PATH"]})
    bounds = next(line for line in status.splitlines() if line.startswith("CapBnd"))
    if os.geteuid() == 0:
        assert not int(bounds.split()[1], 16) & 1 << linux.CAP_SYS_BOOT


def _with(word: str) -> list[str]:
    """The lines of the process list that have a word in them."""
    found = []
    for pid in processes.all_pids():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # it has ended
        if word in line:
            found.append(line)
    return found

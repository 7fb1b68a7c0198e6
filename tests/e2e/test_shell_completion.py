"""``crm …`` completed by bash, zsh and fish themselves, each in a terminal of its own."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.terminal import BIN, Terminal
from shell.person import CIB
from yardstick import slowness

pytestmark = pytest.mark.e2e

START = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
SET_UP = {
    "bash": "PS1='ready$ '; source <(crm completion bash)",
    "zsh": "PS1='ready$ '; autoload -Uz compinit; compinit -u -D; source <(crm completion zsh)",
    "fish": "function fish_prompt; printf 'ready$ '; end; crm completion fish | source",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "cib.xml"
    file.write_text(CIB, encoding="utf-8")
    return {
        "CIB_file": str(file),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
        "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


@pytest.fixture(params=START)
def shell(
    request: pytest.FixtureRequest, environ: dict[str, str], tmp_path: Path
) -> Iterator[Terminal]:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    (tmp_path / "website.crm").write_text("")
    terminal = Terminal(START[name], environ, lines=24, columns=100, folder=tmp_path)
    try:
        terminal.keys(f"{SET_UP[name]}; clear\r")
        terminal.wait("the shell", lambda: terminal.line == "ready$")
        yield terminal
    finally:
        terminal.end()


def test_words_are_completed_in_place(shell: Terminal) -> None:
    """What is unique is completed: commands, ids, agents, parameters, values, files."""
    for typed, completed in (
        ("crm resour", "crm resource "),
        ("crm resource restart si", "crm resource restart site "),
        ("crm configure primitive x ocf:pacemaker:Statef", "x ocf:pacemaker:Stateful "),
        ("crm configure primitive x ocf:heartbeat:IPaddr2 params cidr", "params cidr_netmask="),
        ("crm configure property no-quorum-policy=fre", "no-quorum-policy=freeze "),
        ("crm configure load update webs", "load update website.crm "),
        ("crm --cluster pacem", "crm --cluster pacemaker "),
    ):
        shell.keys(f"{typed}\t")
        shell.wait(completed, lambda c=completed: c.rstrip() in shell.line)  # type: ignore[misc]
        blank = completed.endswith(" ")
        shell.keys("|")  # where the next letter goes
        wanted = completed + "|" if blank else completed.rstrip() + "|"
        shell.wait(wanted, lambda w=wanted: w in shell.line)  # type: ignore[misc]
        shell.keys("\x15")
        shell.wait("an empty line", lambda: shell.line == "ready$")


def test_what_is_not_unique_is_listed(shell: Terminal) -> None:
    shell.keys("crm resource s\t\t")
    shell.sees("status", "start", "stop", "scores")
    if "zsh" in str(shell.child.command) or "fish" in str(shell.child.command):
        shell.sees("set target-role=Started")


def complete(name: str, line: str, environ: dict[str, str]) -> str:
    return subprocess.run(
        [str(BIN / "crm"), "--complete", name, line],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout


@pytest.mark.parametrize("name", START)
def test_an_answer_is_one_candidate_a_line(name: str, environ: dict[str, str]) -> None:
    lines = complete(name, "crm node standby ", environ).splitlines()
    assert [line.split("\t")[0].strip() for line in lines[:2]] == ["alpha", "beta"]
    assert complete(name, "crm nonsense x ", environ) == ""
    assert complete(name, "crm", environ) != "Traceback"


def test_the_options_before_the_command_say_which_cluster(
    environ: dict[str, str], tmp_path: Path
) -> None:
    subprocess.run(
        [str(BIN / "crm"), "cib", "new", "trial", "empty"], env=environ, check=True, timeout=30
    )
    assert complete("bash", "crm resource move ", environ).split()[:1] == ["vip"]
    assert complete("bash", "crm -c trial resource move ", environ).split() == []
    assert complete("bash", "crm -F resource mo", environ).split() == ["move"]


def test_where_there_is_no_cluster_the_words_are_completed(environ: dict[str, str]) -> None:
    environ["CIB_file"] = "/nowhere/cib.xml"
    assert complete("bash", "crm resource mo", environ).split() == ["move"]
    assert complete("bash", "crm resource move ", environ).split() == []


@pytest.mark.alone
@pytest.mark.parametrize(
    "line",
    [
        "crm resource ",
        "crm resource start ",
        "crm configure primitive x ocf:heartbeat:",
        "crm configure primitive x ocf:heartbeat:IPaddr2 params ",
    ],
)
def test_an_answer_takes_150_ms_of_cpu(line: str, environ: dict[str, str]) -> None:
    """The least of five: Python's start and everything else."""
    complete("fish", line, environ)
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        complete("fish", line, environ)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) <= 0.15 * slowness()

"""``crm`` as a program: its options, its exit codes, and what it says where there is no cluster."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shell.person import CIB

from crmsh_py.errors import NotFound
from crmsh_py.lab.client import Lab
from crmsh_py.shell import waiting
from crmsh_py.shell.console import INTERRUPTED
from crmsh_py.shell.main import main


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without labs, shadows or a cluster."""
    for name in ("CIB_file", "CIB_shadow", "CRM_NODE", "CRM_STATE_DIR", "CRM_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_LAB", "no-such-lab")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = nowhere / "cib.xml"
    path.write_text(CIB, encoding="utf-8")
    monkeypatch.setenv("CIB_file", str(path))
    return path


def crm(line: str) -> int:
    return main(line.split())


@pytest.mark.parametrize("line", ["status", "configure show", "resource stop x", "verify", "plan"])
def test_without_a_lab_it_says_how_to_get_one(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crm(line) == 102
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ERROR: no node of the lab no-such-lab is running\n")
    assert "crm lab create" in said.err
    assert "crm lab list" in said.err


def test_a_lab_of_no_cluster_says_what_it_could_be_made_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert crm("lab import") == 102
    assert "crm lab import FILE" in capsys.readouterr().err


def test_a_file_is_enough_to_look(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crm("configure show vip") == 0
    assert capsys.readouterr().out.startswith("primitive vip IPaddr2")
    assert crm("configure show xml") == 0
    assert '<primitive id="vip"' in capsys.readouterr().out
    assert crm("status inactive") == 0
    assert "OFFLINE: [ alpha beta ]" in capsys.readouterr().out


def test_a_locale_without_the_letters_shows_them_escaped(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm("configure node alpha attributes where=Łódź")
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "ascii"))
    assert crm("configure show alpha") == 0
    assert rb"where=\u0141\xf3d\u017a" in written.getvalue()


def test_help_is_asked_for_by_its_short_option_too(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crm("configure show vip -h") == 0
    assert capsys.readouterr().out.startswith("crm configure show ")


def test_a_file_in_a_directory_that_is_gone_is_told(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = nowhere / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("CIB_file", "cib.xml")
    assert crm("configure show") == NotFound.exit_code
    assert "the working directory is gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("colocation c inf: [one two] vip", "colocation c inf: [ one two ] vip"),
        ("order c (one two) vip", "order c ( one two ) vip"),
        ("location c {one two} 5: alpha", "location c { one two } 5: alpha"),
        ("alert c /x meta a=(x) b=[y", 'alert c "/x" \\\n\tmeta a="(x)" b="[y"'),
    ],
)
def test_brackets_may_touch_the_words_of_a_one_shot(
    file: Path, capsys: pytest.CaptureFixture[str], line: str, shown: str
) -> None:
    crm(f"configure {line}")
    crm("configure show c")
    assert capsys.readouterr().out == f"{shown}\n"


def test_a_line_is_told_as_it_was_typed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crm("configure order c (one two] vip") == 1
    assert "configure order c (one two] vip\n" in capsys.readouterr().err


def test_a_file_that_is_not_there_or_no_cib(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("<a><b></a>", encoding="utf-8")
    assert crm("status") == 1
    assert f"{file}:1: not well-formed" in capsys.readouterr().err
    file.write_text("<a/>", encoding="utf-8")
    assert crm(f"lab import {file}") == 1
    assert f"{file}: this is not a CIB" in capsys.readouterr().err
    assert crm(f"history source {file}") == 1
    assert "is no report, or is damaged\n  crm report" in capsys.readouterr().err
    file.unlink()
    assert crm("status") == 1
    assert f"there is no file {file}" in capsys.readouterr().err


MISTAKES = [
    ("--forse status", 2, "--force"),
    ("-c", 2, "needs a value"),
    ("-D pink status", 2, "none of"),
    ("--cluster paper status", 2, "none of"),
    ("--cluster site-b status", 2, "CRM_LAB=NAME"),
    ("--lab site-b status", 2, "CRM_LAB=NAME"),
    ("configure rollback", 1, "crm configure revisions lists them"),
    ("-f /nowhere/at.all", 1, "cannot be read"),
    ("-f x status", 2, "cannot both"),
    ("-c nosuch status", 1, "there is no shadow 'nosuch'"),
    ("--cluster file status", 2, "CIB_file"),
    ("confgure show", 1, "did you mean configure?"),
    ("resource strat vip", 1, "did you mean start or"),
    ("status nosuch", 1, "no option nosuch"),
    ("help nosuch", 1, "no help"),
    ("help node drain", 1, "here that is standby"),
    ("history source nosuch", 1, "there is no report or lab nosuch"),
    ("node offline vip", 1, "here that is standby"),
    ("up", 2, "root already"),
]


@pytest.mark.parametrize(("line", "code", "wanted"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes_are_told_on_standard_error(
    line: str, code: int, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crm(line) == code
    said = capsys.readouterr()
    assert said.err.startswith("ERROR: ")
    assert wanted in said.err
    assert said.out == ""


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert crm("--help") == 0
    assert "--force-no-quorum" in capsys.readouterr().out
    assert crm("--version") == 0
    assert capsys.readouterr().out.startswith("crmsh-py ")
    assert crm("resource move --help") == 0
    assert "crm resource move RSC" in capsys.readouterr().out
    assert crm("help move") == 0
    assert "crm resource move RSC" in capsys.readouterr().out


def test_a_command_of_several_levels_is_asked_for_with_its_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert crm("help start") == 1
    assert "help resource start or help cluster start" in capsys.readouterr().err


def test_a_script_and_its_exit_code(
    file: Path, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = nowhere / "site.crm"
    script.write_text("configure\nprimitive x Dummy\nnonsense\nup\nconfigure show x\n")
    assert crm(f"-f {script}") == 1
    said = capsys.readouterr()
    assert said.out == "primitive x Dummy\n"
    assert said.err.startswith(f"ERROR: {script}:3: ")


def test_no_is_an_answer_too(file: Path) -> None:
    """-n answers no: nothing is forgotten."""
    assert crm("-n node clearstate alpha") == 1
    assert file.read_text() == CIB


@pytest.mark.parametrize("layout", ["classic", "modern"])
def test_the_layout_of_the_status(
    file: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crm(f"--layout {layout} status") == 0
    assert ("Nodes configured" in capsys.readouterr().out) == (layout == "classic")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_closed_streams_are_as_good_as_empty_ones(file: Path, closed: str) -> None:
    command = f'"{sys.executable}" -c "from crmsh_py.start import crm; crm()"'
    words = "configure property cluster-delay=61s"
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} {words} {closed}"],
        env={**os.environ, "CIB_file": str(file)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert 'value="61s"' in file.read_text()


def test_ctrl_c_while_the_cluster_carries_a_change_out_says_that_it_is_made(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else: what is said in general would contradict it."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(waiting, "until_idle", interrupted)
    assert crm("-w resource stop vip") == INTERRUPTED
    said = capsys.readouterr().err
    assert "the change is made" in said
    assert "not in the cluster" not in said


@pytest.mark.parametrize(
    ("verb", "left"),
    [("start", "go on starting"), ("stop", "go on stopping"), ("destroy", "may be left")],
)
def test_ctrl_c_at_a_lab_says_that_the_nodes_go_on(
    verb: str,
    left: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lab, verb, interrupted)
    assert crm(f"lab {verb}") == INTERRUPTED
    said = capsys.readouterr().err
    assert left in said
    assert "crm lab" in said
    assert "not in the cluster" not in said


def test_a_list_of_no_nodes_makes_no_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert crm("lab create --nodes ,") != 0
    assert "“,” names no nodes" in capsys.readouterr().err

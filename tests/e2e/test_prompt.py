"""The command line by itself, in a real terminal on a configuration in a file: no lab."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.terminal import BIN, Terminal
from shell.person import CIB
from yardstick import slowness

pytestmark = pytest.mark.e2e

PROMPT = "crm(cib.xml)#"
CONFIGURE = "crm(cib.xml)configure#"
Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``crm`` in terminals of 80×24; the words are more of its environment."""
    (tmp_path / "cib.xml").write_text(CIB, encoding="utf-8")
    opened: list[Terminal] = []

    def started(*options: str, prompt: str = PROMPT, **environ: str) -> Terminal:
        all_of_it = {
            "CIB_file": str(tmp_path / "cib.xml"),
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **environ,
        }
        terminal = Terminal([str(BIN / "crm"), *options], all_of_it, lines=24, columns=80)
        opened.append(terminal)
        terminal.prompt(prompt)
        return terminal

    yield started
    for terminal in opened:
        terminal.end()


def test_history_is_searched_suggested_and_private(start: Start, tmp_path: Path) -> None:
    first = start()
    first.type("help configure property", PROMPT)
    assert first.leave() == 0
    file = tmp_path / ".cache" / "crmsh-py" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = start()
    again.keys("help c")
    again.sees("help configure property")  # suggested: the rest is grey
    again.keys("\x1b[C")
    again.wait("the suggestion", lambda: again.before_cursor.endswith("helpconfigureproperty"))
    again.keys("\x15\x12prop")
    again.sees("I-search backward: prop", "help configure property")
    again.keys("\x03")
    again.prompt(PROMPT)
    again.keys("help con\x1b[A")
    again.wait("what begins so", lambda: again.before_cursor.endswith("helpconfigureproperty"))


def test_long_output_goes_through_the_pager_and_short_output_does_not(
    start: Start, tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\nsed 's/^/PAGED /' | head -3\n")
    pager.chmod(0o755)
    one = '<primitive id="more{}" class="ocf" provider="pacemaker" type="Dummy"/>'
    more = "".join(map(one.format, range(30)))
    (tmp_path / "cib.xml").write_text(CIB.replace("<resources>", f"<resources>{more}"))
    terminal = start(PAGER=str(pager))
    assert "PAGED" not in terminal.type("cd", PROMPT)
    assert "PAGED" in terminal.type("help", PROMPT)
    assert "PAGED" not in terminal.type("status", PROMPT)
    assert "PAGED" in terminal.type("status inactive", PROMPT)
    terminal.type("options set core.pager cat", PROMPT)
    assert "PAGED" not in terminal.type("help", PROMPT)


def test_the_keys_are_those_of_vi_if_that_is_preferred(start: Start) -> None:
    terminal = start()
    terminal.type("options set repl.keys vi", PROMPT)
    terminal.keys("helpx cd\x1b0ex\r")  # to the end of the first word, and cut a letter
    terminal.sees("Go to another level")


def test_a_line_goes_on_after_a_backslash(start: Start) -> None:
    terminal = start()
    terminal.type("configure", CONFIGURE)
    terminal.keys("primitive more \\\r")
    terminal.sees("   >")
    terminal.keys("ocf:pacemaker:Dummy\r")
    terminal.sees("1 change pending: more")
    assert "primitive more ocf:pacemaker:Dummy" in terminal.type("show more", CONFIGURE)
    # Pasted lines are run together.
    terminal.keys("\x1b[200~primitive p1 ocf:pacemaker:Dummy\rgroup g p1\r\x1b[201~\r")
    terminal.sees("3 changes pending")


def test_without_colours_everything_else_is_there(start: Start) -> None:
    terminal = start("--no-color")
    terminal.sees("TAB completes")
    terminal.keys("resou\t")
    terminal.wait("completed", lambda: terminal.before_cursor.endswith("#resource"))
    colours = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()}
    assert colours == {"default"}


def test_ctrl_c_and_ctrl_d_leave_no_trace(start: Start) -> None:
    terminal = start()
    terminal.keys("nonsense\x03")
    terminal.prompt(PROMPT)
    assert "ERROR" not in terminal.text
    assert terminal.leave("\x04") == 0
    assert terminal.text.rstrip().endswith("bye")
    assert "Traceback" not in terminal.text


@pytest.mark.alone
def test_the_first_prompt_takes_400_ms_of_cpu(start: Start) -> None:
    """The least of three: Python's start, prompt_toolkit, the grammar, a look at the cluster."""
    ticks = os.sysconf("SC_CLK_TCK")
    spent = []
    for _ in range(3):
        terminal = start()
        fields = Path(f"/proc/{terminal.child.pid}/stat").read_text().rpartition(")")[2].split()
        spent.append((int(fields[11]) + int(fields[12])) / ticks)
        terminal.end()
    assert min(spent) <= 0.4 * slowness()


def test_ctrl_z_stops_the_shell_and_fg_goes_on_with_what_is_pending(tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_text(CIB, encoding="utf-8")
    environ = {"CIB_file": str(tmp_path / "cib.xml"), "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    environ |= {"PATH": f"{BIN}:/usr/bin:/bin", "PS1": "bash$ "}
    terminal = Terminal(["bash", "--norc", "-i"], environ, lines=24, columns=80)
    try:
        terminal.prompt("bash$")
        terminal.keys("crm\r")
        terminal.prompt(PROMPT)
        terminal.type("configure", CONFIGURE)
        terminal.type("primitive more ocf:pacemaker:Dummy", CONFIGURE)
        terminal.keys("\x1a")
        terminal.sees("Stopped")
        terminal.prompt("bash$")
        terminal.keys("fg\r")
        terminal.prompt(CONFIGURE)
        assert "primitive more" in terminal.type("show more", CONFIGURE)
    finally:
        terminal.end()

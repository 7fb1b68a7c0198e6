"""The tutorial typed into the REPL, through a real terminal, and as scripts (step 9)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pexpect
import pyte
import pytest
from e2e.harness import ROOT, Lab

pytestmark = pytest.mark.e2e

ROOT_PROMPT = "crm(live/pacemaker01)#"
CONFIGURE_PROMPT = "crm(live/pacemaker01)configure#"
LINES, COLUMNS = 40, 120


class Terminal:
    """A person at a terminal of fixed size: types, and reads what is on the screen."""

    def __init__(self, lab: Lab) -> None:
        words = [*lab.prefix, "crm"]
        self.screen = pyte.HistoryScreen(COLUMNS, LINES, history=5000)
        self.stream = pyte.Stream(self.screen)
        self.child = pexpect.spawn(
            words[0],
            words[1:],
            env=dict(
                lab.environment,
                TERM="xterm",
                LINES=str(LINES),
                COLUMNS=str(COLUMNS),
                CRM_NODE="pacemaker01",
            ),
            cwd=str(ROOT),
            encoding="utf-8",
            dimensions=(LINES, COLUMNS),
        )
        # A terminal is asked where its cursor is, and answers.
        self.screen.write_process_input = self.child.send

    def text(self) -> str:
        """All that was printed, scrolled away or not."""
        gone = ["".join(c.data for _, c in sorted(row.items())) for row in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*gone, *self.screen.display])

    def wait(self, what: str, condition: Callable[[], bool], limit_s: float = 20.0) -> None:
        """Read what comes until the condition holds; fails with the screen."""
        deadline = time.monotonic() + limit_s
        while not condition():
            try:
                self.stream.feed(self.child.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                break
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come:\n{self.text()[-3000:]}")
        assert condition(), f"{what} did not come before the end:\n{self.text()[-3000:]}"

    def prompt(self, prompt: str) -> None:
        """Wait for an empty prompt."""
        self.wait(prompt, lambda: self.screen.display[self.screen.cursor.y].strip() == prompt)

    def type(self, line: str, prompt: str) -> str:
        """Type a line, wait for the next prompt; returns what was printed in between."""
        before = self.text()
        self.child.send(line)
        end = line[-20:].replace(" ", "")
        self.wait(
            line, lambda: end in self.text()[-COLUMNS * LINES :].replace("\n", "").replace(" ", "")
        )
        self.child.send("\r")
        self.prompt(prompt)
        return self.text()[max(0, len(before.rstrip()) - COLUMNS) :]

    def leave(self) -> int:
        """Type ``quit``; returns the exit code."""
        self.child.send("quit\r")
        self.child.expect(pexpect.EOF, timeout=20)
        self.child.close()
        return int(self.child.exitstatus or 0)

    def end(self) -> None:
        """Hang up, whatever the shell does."""
        self.child.close(force=True)


@pytest.fixture
def terminal(running: Lab) -> Iterator[Terminal]:
    """A terminal in which ``crm`` waits at its prompt."""
    opened = Terminal(running)
    try:
        opened.prompt(ROOT_PROMPT)
        yield opened
    finally:
        opened.end()


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """A running cluster."""
    lab.up()
    return lab


def test_the_walk_typed_into_the_repl(running: Lab, terminal: Terminal) -> None:
    """Levels, commands, an error that costs nothing, commit, status, quit."""
    terminal.type("configure", CONFIGURE_PROMPT)
    terminal.type(
        "primitive ClusterIP ocf:heartbeat:IPaddr2 params ip=192.168.100.100 cidr_netmask=24 "
        "op monitor interval=30s",
        CONFIGURE_PROMPT,
    )
    wrong = terminal.type("primitive x ocf:heartbeat:IPadr2", CONFIGURE_PROMPT)
    assert "did you mean IPaddr2" in wrong
    assert "Traceback" not in wrong
    assert "primitive ClusterIP" in terminal.type("show", CONFIGURE_PROMPT)
    terminal.type("commit", CONFIGURE_PROMPT)
    terminal.type("up", ROOT_PROMPT)
    running.wait("it is started", lambda: running.where("ClusterIP"))
    assert "Started pacemaker0" in terminal.type("status", ROOT_PROMPT)
    assert terminal.leave() == 0


def test_tab_completes_commands_agents_parameters_and_ids(running: Lab) -> None:
    """What is unique is completed in place."""
    running.crm("configure", "primitive", "only-one", "ocf:pacemaker:Dummy")
    terminal = Terminal(running)
    try:
        terminal.prompt(ROOT_PROMPT)
        terminal.type("configure", CONFIGURE_PROMPT)
        for typed, completed in (
            ("primi", "primitive"),
            ("primitive x ocf:heartbeat:IPaddr2 params cidr", "params cidr_netmask="),
            ("primitive x ocf:heartbeat:apach", "ocf:heartbeat:apache"),
            ("delete only", "delete only-one"),
        ):
            terminal.child.send(typed + "\t")
            wanted = f"{CONFIGURE_PROMPT} "
            terminal.wait(
                completed,
                lambda c=completed, w=wanted: (  # type: ignore[misc]
                    (line := terminal.screen.display[terminal.screen.cursor.y]).startswith(w)
                    and c in line
                ),
            )
            terminal.child.send("\x15")  # kill the line
            terminal.prompt(CONFIGURE_PROMPT)
        assert terminal.leave() == 0
    finally:
        terminal.end()


def test_the_same_as_a_script_from_a_file_and_from_standard_input(running: Lab) -> None:
    """`crm -f FILE` and `crm < FILE` do what the REPL does."""
    running.crm("-f", "examples/website.crm")
    running.wait("the web site answers", lambda: "My Test Site" in running.page())
    assert "x-from-stdin" not in running.crm("configure", "show")
    again = running.run(
        "crm", stdin="configure\nproperty x-from-stdin=1\ncommit\nup\nstatus\n", check=False
    )
    assert again.returncode == 0, again.stderr
    assert "WebSite" in again.stdout
    assert "x-from-stdin=1" in running.crm("configure", "show")


def test_the_repl_moves_to_another_node_when_its_own_dies(running: Lab, terminal: Terminal) -> None:
    """And says so."""
    running.crm("lab", "kill", "pacemaker01")
    terminal.child.send("status\r")
    terminal.wait(
        "a prompt on another node",
        lambda: bool(
            re.fullmatch(
                r"crm\(live/pacemaker0[23]\)#",
                terminal.screen.display[terminal.screen.cursor.y].strip(),
            )
        ),
    )
    assert re.search(r"pacemaker01 .*the shell sits on pacemaker0[23]", terminal.text())
    assert terminal.leave() == 0

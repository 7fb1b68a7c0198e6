"""The tutorial typed into the REPL, through a real terminal, and as scripts (step 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pexpect
import pytest
from e2e.harness import ROOT, Lab

pytestmark = pytest.mark.e2e

ROOT_PROMPT = re.escape("crm(live/pacemaker01)# ")
CONFIGURE_PROMPT = re.escape("crm(live/pacemaker01)configure# ")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """A person at a terminal of fixed size."""

    def __init__(self, lab: Lab) -> None:
        words = [*lab.prefix, "crm"]
        self.child = pexpect.spawn(
            words[0],
            words[1:],
            env=dict(
                lab.environment,
                TERM="xterm",
                LINES="40",
                COLUMNS="120",
                PROMPT_TOOLKIT_NO_CPR="1",
                CRM_NODE="pacemaker01",
            ),
            cwd=str(ROOT),
            encoding="utf-8",
            timeout=20,
            dimensions=(40, 120),
        )
        self.seen = ""

    def wait(self, prompt: str) -> str:
        """Everything printed until the prompt comes; colours and movements removed."""
        pattern = re.compile(r"\x1b\[\?2004h|" + "nothing-else")
        text = ""
        while not re.search(prompt, text):
            self.child.expect([r".+"])
            text += ESCAPES.sub("", str(self.child.after))
        del pattern
        self.seen += text
        return text

    def type(self, line: str, prompt: str) -> str:
        """Type a line and wait for the next prompt."""
        self.child.send(line + "\r")
        # The echoed line carries the old prompt; the new one comes after it.
        return self.wait(re.escape(line) + r"[\s\S]*" + prompt)


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """A running cluster."""
    lab.up()
    yield lab


def test_the_walk_typed_into_the_repl(running: Lab) -> None:
    """Levels, commands, completion, an error that costs nothing, commit, status, quit."""
    terminal = Terminal(running)
    terminal.wait(ROOT_PROMPT)
    terminal.type("configure", CONFIGURE_PROMPT)
    terminal.type(
        "primitive ClusterIP ocf:heartbeat:IPaddr2 params ip=192.168.100.100 cidr_netmask=24 "
        "op monitor interval=30s",
        CONFIGURE_PROMPT,
    )
    wrong = terminal.type("primitive x ocf:heartbeat:IPadr2", CONFIGURE_PROMPT)
    assert "IPaddr2" in wrong
    assert "Traceback" not in wrong
    assert "primitive ClusterIP" in terminal.type("show", CONFIGURE_PROMPT)
    terminal.type("commit", CONFIGURE_PROMPT)
    terminal.type("up", ROOT_PROMPT)
    running.wait("it is started", lambda: running.where("ClusterIP"))
    assert "ClusterIP" in terminal.type("status", ROOT_PROMPT)
    terminal.child.send("quit\r")
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()
    assert terminal.child.exitstatus == 0


def test_tab_completes_commands_agents_parameters_and_ids(running: Lab) -> None:
    """What is unique is completed in place."""
    running.crm("configure", "primitive", "only-one", "ocf:pacemaker:Dummy")
    terminal = Terminal(running)
    terminal.wait(ROOT_PROMPT)
    terminal.type("configure", CONFIGURE_PROMPT)
    for typed, completed in (
        ("primi", "primitive"),
        ("primitive x ocf:heartbeat:IPaddr2 params cidr", "cidr_netmask="),
        ("primitive x ocf:heartbeat:apach", "ocf:heartbeat:apache"),
        ("delete only", "only-one"),
    ):
        terminal.child.send(typed + "\t")
        terminal.wait(re.escape(completed))
        terminal.child.send("\x15")  # kill the line
    terminal.child.send("quit\r")
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()


def test_the_same_as_a_script_from_a_file_and_from_standard_input(running: Lab) -> None:
    """`crm -f FILE` and `crm < FILE` do what the REPL does."""
    running.crm("-f", "examples/website.crm")
    running.wait("the web site answers", lambda: "My Test Site" in running.page())
    shown = running.crm("configure", "show")
    again = running.run(
        "crm", stdin="configure\nproperty x-from-stdin=1\ncommit\nup\nstatus\n", check=False
    )
    assert again.returncode == 0, again.stderr
    assert "WebSite" in again.stdout
    assert "x-from-stdin=1" not in shown
    assert "x-from-stdin=1" in running.crm("configure", "show")


def test_the_repl_moves_to_another_node_when_its_own_dies(running: Lab) -> None:
    """And says so."""
    terminal = Terminal(running)
    terminal.wait(ROOT_PROMPT)
    running.crm("lab", "kill", "pacemaker01")
    moved = terminal.type("status", r"crm\(live/pacemaker0[23]\)# ")
    assert re.search(r"pacemaker01.*pacemaker0[23]", moved, re.DOTALL)
    terminal.child.send("quit\r")
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()

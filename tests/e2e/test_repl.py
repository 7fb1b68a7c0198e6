"""The tutorial typed into the REPL, through a real terminal, and as scripts (step 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from e2e.harness import ROOT, Lab
from e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

ROOT_PROMPT = "crm(live/pacemaker01)#"
CONFIGURE_PROMPT = "crm(live/pacemaker01)configure#"


def repl(lab: Lab, *, lines: int = 40, columns: int = 120, **environ: str) -> Terminal:
    """``crm`` in a terminal, on the first node."""
    environ = {**lab.environment, "CRM_NODE": "pacemaker01", "TERM": "xterm-256color", **environ}
    words = [*lab.prefix, "crm"]
    return Terminal(words, environ, lines=lines, columns=columns, folder=ROOT)


@pytest.fixture
def terminal(running: Lab) -> Iterator[Terminal]:
    """A terminal in which ``crm`` waits at its prompt."""
    opened = repl(running)
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
    terminal = repl(running)
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
                    terminal.line.startswith(w) and c in terminal.line
                ),
            )
            terminal.child.send("\x15")  # kill the line
            terminal.prompt(CONFIGURE_PROMPT)
        assert terminal.leave() == 0
    finally:
        terminal.end()


def test_the_terminal_is_ours_again_after_a_shell_in_a_node(terminal: Terminal) -> None:
    """A shell with process ids of its own cannot give it back: it knows no number for us."""
    terminal.keys("lab shell pacemaker01\r")
    terminal.sees("@pacemaker01")
    terminal.keys("stty -echo; exit\r")
    terminal.prompt(ROOT_PROMPT)
    assert "Current DC" in terminal.type("status", ROOT_PROMPT)
    assert terminal.leave() == 0


def test_a_change_with_all_that_can_happen_to_it(website: Lab) -> None:
    """At 80×24: menus, a slip, an edit, a refusal, a plan, a question, undo, Ctrl-C, Ctrl-D."""
    terminal = repl(website, lines=24, columns=80, EDITOR="sed -i s/:Dummy/:Stateful/")
    try:
        terminal.prompt(ROOT_PROMPT)
        terminal.sees("on pacemaker01", "3/3 online", "quorum")
        terminal.type("configure", CONFIGURE_PROMPT)
        _menus_and_marks(terminal)
        # A slip is told, and mended from the history.
        wrong = terminal.type("primitive mail ocf:pacemaker:Dumy", CONFIGURE_PROMPT)
        assert "did you mean Dummy" in wrong
        terminal.keys("\x1b[A\x7fmy\r")
        terminal.sees("1 change pending: mail")
        # Ctrl-C drops a line and nothing else.
        terminal.keys("delete WebSite\x03")
        terminal.prompt(CONFIGURE_PROMPT)
        terminal.type("edit mail", CONFIGURE_PROMPT)
        assert "ocf:pacemaker:Stateful" in terminal.type("show mail", CONFIGURE_PROMPT)
        # What is wrong is refused as a whole, and stays to be mended.
        terminal.type("location loc-x nothing 100: pacemaker01", CONFIGURE_PROMPT)
        assert "still pending" in terminal.type("commit", CONFIGURE_PROMPT)
        terminal.type("delete loc-x", CONFIGURE_PROMPT)
        assert re.search(r"start +mail", terminal.type("plan", CONFIGURE_PROMPT))
        done = terminal.type("commit", CONFIGURE_PROMPT)
        assert re.search(r"start +mail", done)
        revision = re.findall(r"“rollback (\S+)” undoes it", done)[-1]
        _what_interrupts_is_asked_first(terminal, website)
        # Undo.
        terminal.type(f"rollback {revision}", CONFIGURE_PROMPT)
        terminal.keys("commit\r")
        _is_asked(terminal)
        terminal.keys("y\r")
        terminal.prompt(CONFIGURE_PROMPT)
        assert "mail" not in website.crm("configure", "show")
        # Ctrl-D asks about what is pending.
        terminal.type("property x-more=1", CONFIGURE_PROMPT)
        terminal.keys("\x04")
        _is_asked(terminal)
        assert "Do you want to commit them" in terminal.line
        assert terminal.leave("n\r") == 0
        assert "the changes were dropped" in terminal.text
        assert "x-more" not in website.crm("configure", "show")
    finally:
        terminal.end()


def _menus_and_marks(terminal: Terminal) -> None:
    terminal.keys("primitive x ocf:heartbeat:IPaddr2 \t")
    terminal.sees("ip ", "required · ", "an operation: monitor, start, stop …")
    terminal.keys("params cidr_netmsk=24 ")
    terminal.sees("did you mean cidr_netmask?")
    terminal.keys("\x15delete \t")
    terminal.sees("WebSite", "ocf:heartbeat:apache, on pacemaker0")
    terminal.keys("\x15group g ?")
    terminal.sees("  ClusterIP  ocf:heartbeat:IPaddr2, on pacemaker0")
    terminal.keys("\x15")
    terminal.prompt(CONFIGURE_PROMPT)


def _what_interrupts_is_asked_first(terminal: Terminal, website: Lab) -> None:
    node = website.where("WebSite")
    terminal.type(f"location off WebSite -INFINITY: {node}", CONFIGURE_PROMPT)
    terminal.keys("commit\r")
    _is_asked(terminal)
    terminal.sees("will be interrupted. Do you still want to commit (y/n)?", "move")
    terminal.keys("n\r")
    terminal.prompt(CONFIGURE_PROMPT)
    assert terminal.text.count("nothing was committed; the changes are still pending") == 2
    _drop(terminal)
    assert website.where("WebSite") == node


def _is_asked(terminal: Terminal) -> None:
    terminal.wait("a question", lambda: terminal.line.endswith("(y/n)?"))


def _drop(terminal: Terminal) -> None:
    terminal.keys("refresh\r")
    _is_asked(terminal)
    assert "All changes will be dropped" in terminal.line
    terminal.keys("y\r")
    terminal.prompt(CONFIGURE_PROMPT)


def test_a_simple_terminal_gets_a_simple_prompt(website: Lab) -> None:
    """No colours, no menus, no lines that move: what a screen reader reads."""
    terminal = repl(website, TERM="dumb")
    try:
        terminal.prompt(ROOT_PROMPT)
        assert "WebSite" in terminal.type("resource status", ROOT_PROMPT)
        terminal.type("configure", CONFIGURE_PROMPT)
        terminal.keys("property \\\rx-plain=1\r")
        terminal.sees("x-plain=1")  # until then the prompt is the one before
        terminal.prompt(CONFIGURE_PROMPT)
        assert "x-plain=1" in terminal.type("show", CONFIGURE_PROMPT)
        _drop(terminal)
        assert terminal.leave("\x04") == 0
        assert "\x1b" not in terminal.text
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
                terminal.line.strip(),
            )
        ),
    )
    assert re.search(r"pacemaker01 .*the shell sits on pacemaker0[23]", terminal.text)
    assert terminal.leave() == 0

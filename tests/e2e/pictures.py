"""The pictures of docs/shell.md: real runs of ``crm`` on a real lab, in a real terminal.

    make pictures        (python -m e2e.pictures, with tests/ on the path)

A lab of three nodes is made, somebody types, and the screen is drawn as it is. So the pictures show
what the program does, and are drawn anew when it does something else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from e2e.harness import ROOT, Lab
from e2e.svg import picture
from e2e.terminal import Terminal

FOLDER = ROOT / "docs" / "pictures"
NODES = ("alpha", "beta", "gamma")
WEB = """\
primitive vip ocf:heartbeat:IPaddr2 params ip=192.168.100.50 cidr_netmask=24 op monitor interval=10s
primitive web ocf:pacemaker:Dummy op monitor interval=10s
group site vip web
primitive db ocf:pacemaker:Stateful op monitor interval=11s role=Promoted
clone main db meta promotable=true
property stonith-enabled=false
commit
"""
CONFIGURE = "crm(live/alpha)configure#"
IP = "ocf:heartbeat:IPaddr2"


@contextmanager
def lab() -> Iterator[Lab]:
    """A running lab called demo, with an address, a service and a promotable clone."""
    with tempfile.TemporaryDirectory(prefix="crm-pictures-") as home:
        made = Lab("demo", Path(home))
        made.crm("lab", "create", "--nodes", ",".join(NODES))
        try:
            made.crm("lab", "start")
            made.wait("all nodes online", lambda: made.online(*NODES))
            made.run("crm", "configure", stdin=WEB)
            made.wait("everything runs", lambda: all(map(made.where, ("vip", "web"))))
            made.wait("a promoted one", lambda: "Masters:" in made.mon())
            yield made
        finally:
            made.run("crm", "lab", "destroy", check=False)


def terminal(made: Lab, *, lines: int, columns: int = 92) -> Terminal:
    """``crm`` on alpha, with all the colours that a terminal can have."""
    environ = {
        **made.environment,
        "CRM_NODE": "alpha",
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_COLOR_DEPTH": "DEPTH_24_BIT",
    }
    opened = Terminal(["crm"], environ, lines=lines, columns=columns, folder=ROOT)
    opened.prompt("crm(live/alpha)#")
    opened.sees("quorum")
    return opened


def settle(shown: Terminal) -> None:
    """Read until the screen has been still for a moment."""
    last = ""
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        shown.read()
        if shown.shown != last:
            last, end = shown.shown, time.monotonic() + 0.6


def completion(made: Lab) -> tuple[Terminal, str]:
    """What an agent takes, with the required parameter first."""
    shown = terminal(made, lines=20)
    shown.type("configure", CONFIGURE)
    shown.keys(f"primitive mail-ip {IP} \t")
    shown.sees("required")
    shown.keys("\t")
    return shown, "completion"


def mistake(made: Lab) -> tuple[Terminal, str]:
    """Wrong names are underlined as one types; what is wrong anyway is told with a caret."""
    shown = terminal(made, lines=13)
    shown.type("configure", CONFIGURE)
    shown.type(f"primitive ip2 {IP} params ip=192.168.100.51 cidr_netmsk=24", CONFIGURE)
    shown.keys("colocation with-web INFINITY: ip2 sitte ")
    shown.sees("did you mean site?")
    return shown, "mistakes, while typing and after"


def question(made: Lab) -> tuple[Terminal, str]:
    """What may come next."""
    shown = terminal(made, lines=16)
    shown.keys("resource move site ?")
    shown.sees("the line may end here")
    return shown, "? shows what may come next"


def plan(made: Lab) -> tuple[Terminal, str]:
    """A commit shows what it will do, and asks when something would be interrupted."""
    shown = terminal(made, lines=17)
    shown.type("configure", CONFIGURE)
    shown.type("primitive mail ocf:pacemaker:Dummy op monitor interval=10s", CONFIGURE)
    shown.type(f"location not-here site -INFINITY: {made.where('vip')}", CONFIGURE)
    shown.keys("commit\r")
    shown.sees("(y/n)?")
    shown.keys("y\r")
    shown.sees("undoes it")
    shown.prompt(CONFIGURE)
    return shown, "commit: the plan first"


def failover(made: Lab) -> tuple[Terminal, str]:
    """The node that the shell sits on dies; the shell moves on."""
    shown = terminal(made, lines=26)
    shown.type("resource locate vip", "crm(live/alpha)#")
    made.crm("lab", "kill", "alpha")
    made.wait("the others have noticed", lambda: "OFFLINE: [ alpha ]" in made.mon("beta"))
    made.wait("it runs elsewhere", lambda: made.where("web", "beta") in NODES[1:])
    shown.keys("status\r")
    shown.wait("another node", lambda: shown.line.startswith(("crm(live/beta)", "crm(live/gamma)")))
    shown.sees("2/3 online")
    return shown, "the node dies, the shell moves on"


PICTURES: tuple[Callable[[Lab], tuple[Terminal, str]], ...] = (
    completion,
    mistake,
    question,
    plan,
    failover,
)


def draw(
    folder: Path, scenes: Sequence[Callable[[Lab], tuple[Terminal, str]]] = PICTURES
) -> list[Path]:
    """Draw some of them; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with lab() as made:
        for scene in scenes:
            shown, title = scene(made)
            try:
                settle(shown)
                path = folder / f"{scene.__name__}.svg"
                path.write_text(picture(shown.screen, f"crm — {title}"), encoding="utf-8")
                drawn.append(path)
            finally:
                shown.end()
    return drawn


if __name__ == "__main__":
    for drawn_file in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(drawn_file)

"""Where nothing works (no namespaces at all): plain processes with stand-ins, after saying so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2e.harness import NODES, Lab, close_lab, make_lab
from lab.harness import no_namespaces

pytestmark = pytest.mark.e2e

HERE = "root" if os.getuid() == 0 else "plain"

REMOTE = """
primitive far ocf:pacemaker:remote op monitor interval=10s
primitive there ocf:pacemaker:Dummy
location there-far there inf: far
location site-not-far ClusterIP -inf: far
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab of a user who may make no namespaces."""
    with no_namespaces() as prefix:
        made = make_lab(HERE, f"p{os.getpid()}")
        made.prefix = prefix
        try:
            yield made
        finally:
            close_lab(made)


def page(lab: Lab) -> str:
    """What the site answers: 127.168.100.100 stands for its address, 8080 where 80 is refused."""
    for port in (80, 8080):
        url = f"http://127.168.100.100:{port}/"
        answer = lab.on("host", "curl", "-s", "-m", "2", url, check=False)
        if answer:
            return answer
    return ""


def test_the_tutorial_works_with_stand_ins_and_says_so(lab: Lab) -> None:
    """An address that really answers, a web server that really serves, a failure that moves it."""
    lab.crm("lab", "create", "--config", "examples/corosync.conf", "--remote", "far")
    started = lab.run("crm", "lab", "start")
    assert "plain processes on loopback, with stand-ins for agents" in started.stdout
    assert "127.168.100.1 stands for 192.168.100.1" in started.stdout
    lab.wait("all online", lambda: lab.online(*NODES))
    lab.crm("-f", "examples/website.crm")
    lab.run("crm", "configure", "load", "update", "-", stdin=REMOTE)
    lab.wait("the site answers", lambda: "My Test Site" in page(lab))
    lab.wait("it is shown", lambda: lab.where("WebSite"))
    here = lab.where("WebSite")
    assert f"- {here}" in page(lab)
    lab.wait("a remote node works, too", lambda: lab.where("there") == "far")
    assert lab.mon().count("(stand-in)") == 3

    lab.crm("lab", "kill", here)
    rest = [name for name in NODES if name != here]
    lab.wait("another node serves it", lambda: any(f"- {name}" in page(lab) for name in rest))
    lab.crm("lab", "start", here)
    lab.wait("all online", lambda: lab.online(*NODES))
    lab.run("crm_resource", "--wait", check=False)
    assert lab.where("WebSite") in rest, "what ran before the loss of power is not running now"
    assert any(f"- {name}" in page(lab) for name in rest)

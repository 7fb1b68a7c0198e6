"""Real agents: private ones dropped into the agents' folder, and a real web server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from e2e.harness import NODES, Lab, give

pytestmark = pytest.mark.e2e

# Knows nothing of shell libraries: an agent is any program that keeps to OCF's exit codes.
PRIVATE_AGENT = """#!/bin/sh
trace=/var/log/private-agent.log
state=$HA_RSCTMP/private-$OCF_RESOURCE_INSTANCE
case "$1" in
meta-data)
    cat <<END
<?xml version="1.0"?>
<resource-agent name="Trace" version="1.0">
<version>1.1</version>
<longdesc lang="en">Leaves a trace.</longdesc><shortdesc lang="en">Leaves a trace</shortdesc>
<parameters><parameter name="word" required="1"><longdesc lang="en">What to write.</longdesc>
<shortdesc lang="en">A word</shortdesc><content type="string"/></parameter></parameters>
<actions><action name="start" timeout="10s"/><action name="stop" timeout="10s"/>
<action name="monitor" timeout="10s" interval="10s"/>
<action name="meta-data" timeout="5s"/></actions>
</resource-agent>
END
    exit 0 ;;
start) touch "$state" ;;
stop) rm -f "$state" ;;
monitor) [ -e "$state" ] || exit 7; exit 0 ;;
*) exit 3 ;;
esac
echo "$1 $OCF_RESKEY_word on $(uname -n) by $OCF_RESOURCE_INSTANCE" >>"$trace"
"""


@pytest.fixture
def private(lab: Lab) -> Path:
    """An agents' folder of the lab's own user, with one agent in it; no rights are needed."""
    folder = lab.home / "ocf" / "resource.d" / "private"
    folder.mkdir(parents=True)
    agent = folder / "Trace"
    agent.write_text(PRIVATE_AGENT)
    agent.chmod(0o755)
    lab.environment["OCF_ROOT"] = str(lab.home / "ocf")
    give(lab, lab.home / "ocf")
    return agent


def test_a_private_agent_runs_and_leaves_its_trace(lab: Lab, private: Path) -> None:
    """Started, moved and stopped on the nodes themselves, each with a log of its own."""
    lab.up()
    unknown = lab.run(
        "crm", "configure", "primitive", "x", "ocf:private:Trace", "params", "wrd=1", check=False
    )
    assert unknown.returncode != 0
    assert "did you mean word" in unknown.stderr
    assert "Leaves a trace (ocf:private:Trace)" in lab.crm("ra", "info", "ocf:private:Trace")

    lab.crm("configure", "primitive", "mark", "ocf:private:Trace", "params", "word=hello")
    lab.wait("it is started", lambda: lab.where("mark"))
    here = lab.where("mark")
    assert f"start hello on {here} by mark\n" == trace(lab, here)
    assert "stand-in" not in lab.mon()

    there = next(name for name in NODES if name != here)
    lab.crm("resource", "move", "mark", there)
    lab.wait("it has moved", lambda: lab.where("mark") == there)
    assert trace(lab, here).endswith(f"stop hello on {here} by mark\n")
    assert trace(lab, there) == f"start hello on {there} by mark\n"
    # The folder is the node's only for reading.
    assert lab.run("crm", "lab", "exec", here, "--", "rm", str(private), check=False).returncode


def trace(lab: Lab, node: str) -> str:
    return lab.on(node, "cat", "/var/log/private-agent.log", check=False)


def test_an_agents_folder_that_is_none_is_refused(lab: Lab) -> None:
    """At the creation, before anything is made."""
    refused = lab.run("crm", "lab", "create", check=False, OCF_ROOT="/nowhere")
    assert refused.returncode != 0
    assert "OCF_ROOT=/nowhere" in refused.stderr
    assert lab.name not in lab.crm("lab", "list")


def test_a_real_web_server_serves_each_nodes_own_page(lab: Lab) -> None:
    """The package's agent, the package's apache, and a /var/www per node."""
    if not shutil.which("apache2", path="/usr/sbin") or not os.path.exists(
        "/usr/lib/ocf/resource.d/heartbeat/apache"
    ):
        pytest.skip("apache2 or resource-agents is not installed")
    lab.up()
    if "namespaces of one user" in lab.crm("lab", "status"):
        pytest.skip("a plain user without a range of user ids: apache cannot change its user")
    for node in NODES:
        page = "echo only here: $(uname -n) > /var/www/html/own.html"
        lab.on(node, "sh", "-c", page)
    lab.website()
    assert "stand-in" not in lab.mon()
    for _ in range(2):
        here = lab.where("WebSite")
        url = "http://192.168.100.100/own.html"
        assert lab.on("host", "curl", "-s", "-m", "5", url) == f"only here: {here}\n"
        headers = lab.on("host", "curl", "-s", "-I", "-m", "5", url)
        assert "Server: Apache" in headers
        assert "apache2" in lab.on(here, "sh", "-c", "cat /proc/[0-9]*/comm")
        there = next(name for name in NODES if name != here)
        lab.crm("resource", "move", "WebSite", there)
        lab.wait("it has moved", lambda n=there: lab.where("WebSite") == n)
        lab.wait("it answers", lambda n=there: f"- {n}" in lab.page())

"""Stand-ins as a node calls them: exit codes of OCF, reasons on stderr, a state that is kept."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from waiting import until

from crmsh_py.agents.metadata import parse_metadata


@dataclass
class Agent:
    """A stand-in of one resource on a node without namespaces, whose disk is a directory."""

    spec: str
    disk: Path
    parameters: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def __call__(self, action: str) -> int:
        environ = {
            "HA_RSCTMP": str(self.disk / "run" / "resource-agents"),
            "OCF_RESOURCE_INSTANCE": "thing:0",
            "PATH": f"{self.disk}/bin:/usr/bin:/bin",
            **{f"OCF_RESKEY_{name}": value for name, value in self.parameters.items()},
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "crmsh_py.standins", self.spec, action],
            env=environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.said = done.stdout + done.stderr
        return done.returncode


@pytest.mark.parametrize(
    "spec",
    ["ocf:pacemaker:Dummy", "ocf:heartbeat:Filesystem", "ocf:heartbeat:Delay", "systemd:thing"],
)
def test_a_state_is_kept(tmp_path: Path, spec: str) -> None:
    agent = Agent(spec, tmp_path, {"startdelay": "0"})
    assert agent("monitor") == 7
    assert agent("start") == 0
    assert agent("monitor") == 0
    assert agent("start") == 0, "a start of what runs is no failure"
    assert agent("stop") == 0
    assert agent("monitor") == 7
    assert agent("stop") == 0, "a stop of what does not run is no failure"


def test_an_unknown_action_is_not_implemented(tmp_path: Path) -> None:
    agent = Agent("ocf:heartbeat:Dummy", tmp_path)
    assert agent("dance") == 3
    assert agent.said.startswith("ocf-exit-reason:")


def test_a_promotable_is_promoted_and_tells_its_score(tmp_path: Path) -> None:
    """The score goes the way of real agents: through the helper command on the PATH."""
    scores = tmp_path / "scores"
    (tmp_path / "bin").mkdir()
    helper = tmp_path / "bin" / "crm_master"
    helper.write_text(f'#!/bin/sh\necho "$@" >> {scores}\n')
    helper.chmod(0o755)
    agent = Agent("ocf:pacemaker:Stateful", tmp_path)
    assert agent("promote") == 7, "nothing is promoted before it runs"
    assert [agent(a) for a in ("start", "monitor", "promote", "monitor")] == [0, 0, 0, 8]
    assert [agent(a) for a in ("demote", "monitor", "stop", "monitor")] == [0, 0, 0, 7]
    assert scores.read_text().splitlines() == [
        "-l reboot -v 5",
        "-l reboot -v 10",
        "-l reboot -v 5",
        "-l reboot -D",
    ]


def test_a_fence_device_is_never_pretended(tmp_path: Path) -> None:
    assert Agent("stonith:fence_xvm", tmp_path)("start") == 5


@pytest.mark.parametrize("spec", ["what:is:this:now", "ocf:../../x:y", ""])
def test_a_name_that_is_none_is_refused(tmp_path: Path, spec: str) -> None:
    assert Agent(spec, tmp_path)("start") == 2


@pytest.mark.parametrize(
    "spec", ["ocf:heartbeat:IPaddr2", "ocf:pacemaker:Stateful", "ocf:heartbeat:NobodyKnows"]
)
def test_metadata_is_valid(tmp_path: Path, spec: str) -> None:
    agent = Agent(spec, tmp_path)
    assert agent("meta-data") == 0
    assert parse_metadata(agent.said)


def test_without_a_network_of_its_own_an_address_is_a_state(tmp_path: Path) -> None:
    """Every address of 127.0.0.0/8 answers anyway, and the machine's cards are not ours."""
    agent = Agent("ocf:heartbeat:IPaddr2", tmp_path, {"ip": "192.168.100.100"})
    assert [agent(a) for a in ("monitor", "start", "monitor", "stop", "monitor")] == [7, 0, 0, 0, 7]
    assert Agent("ocf:heartbeat:IPaddr2", tmp_path)("start") == 6


# ---- the web server --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "parameters", "codes"),
    [
        ("ocf:heartbeat:IPaddr2", {}, (6, 6, 0, 6)),
        ("ocf:heartbeat:IPaddr2", {"ip": "999.1.1.1"}, (7, 6, 0, 6)),
        ("ocf:pacemaker:Dummy", {"op_sleep": "abc"}, (7, 0, 0, 6)),
        ("ocf:heartbeat:Delay", {"startdelay": "abc"}, (2, 2, 0, 2)),
        ("ocf:heartbeat:Delay", {"startdelay": "0", "stopdelay": "abc"}, (2, 2, 0, 2)),
    ],
)
def test_bad_parameters_fail_no_stop(
    tmp_path: Path, spec: str, parameters: dict[str, str], codes: tuple[int, ...]
) -> None:
    """The codes of monitor, start, stop and validate-all are those of the real agents."""
    agent = Agent(spec, tmp_path, parameters)
    assert tuple(map(agent, ("monitor", "start", "stop", "validate-all"))) == codes
    assert "Traceback" not in agent.said


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Agent]:
    """A web site on a free port of 127.77.x.y."""
    (tmp_path / "var/www/html").mkdir(parents=True)
    (tmp_path / "var/www/html/index.html").write_text("a page")
    (tmp_path / "etc/crmsh-py").mkdir(parents=True)
    address = f"127.77.{os.getpid() % 250}.{os.getpid() // 250 % 250 + 1}"
    (tmp_path / "etc/crmsh-py/settings.json").write_text(json.dumps({"address": address}))
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    agent = Agent("ocf:heartbeat:apache", tmp_path, {"port": str(port), "address": address})
    yield agent
    agent("stop")


def get(agent: Agent, path: str = "/") -> tuple[int, str]:
    connection = http.client.HTTPConnection(
        agent.parameters["address"], int(agent.parameters["port"]), timeout=10
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_web_server_serves_until_it_is_stopped(site: Agent) -> None:
    assert site("monitor") == 7
    assert site("start") == 0
    assert site("monitor") == 0
    assert get(site) == (200, "a page")
    status, text = get(site, "/server-status")
    assert (status, "stand-in" in text) == (200, True)
    assert get(site, "/nothing")[0] == 404
    assert get(site, "/../../../etc/passwd")[0] == 404
    assert site("start") == 0
    assert site("stop") == 0
    assert site("monitor") == 7
    with pytest.raises(OSError, match="refused"):
        get(site)


def test_without_a_network_of_its_own_a_node_serves_the_addresses_that_it_holds(
    site: Agent,
) -> None:
    """127.x.y.z stands for w.x.y.z; before and after the address's own start nobody answers."""
    _, x, y, z = site.parameters["address"].split(".")
    held = f"{x}.{y}.{int(z) % 250 + 2}"
    address = Agent("ocf:heartbeat:IPaddr2", site.disk, {"ip": f"10.{held}"})
    other = Agent(site.spec, site.disk, {**site.parameters, "address": f"127.{held}"})
    assert [address("start"), site("start")] == [0, 0]
    assert get(other) == (200, "a page")
    assert address("stop") == 0
    assert until(lambda: refuses(other))
    assert address("start") == 0
    assert until(lambda: not refuses(other)), "an address that comes later is served too"
    assert get(site) == (200, "a page")


def refuses(agent: Agent) -> bool:
    try:
        get(agent)
    except ConnectionError:  # refused, or reset in the very moment of the change
        return True
    return False


def test_a_port_that_is_taken_fails_the_start(site: Agent) -> None:
    with socket.create_server((site.parameters["address"], int(site.parameters["port"]))):
        assert site("start") == 1
        assert "in use" in site.said
    assert site("monitor") == 7


def test_a_web_server_that_does_not_answer_fails_its_monitor(site: Agent) -> None:
    assert site("start") == 0
    pid_file = next((site.disk / "run/resource-agents").glob("*.pid"))
    pid, started, port = pid_file.read_text().split()
    pid_file.write_text(f"{pid} {started} {int(port) % 60000 + 1025}\n")
    assert site("monitor") == 1
    assert "ocf-exit-reason:" in site.said
    pid_file.write_text(f"{pid} {started} {port}\n")


def test_a_pid_of_somebody_else_is_never_killed(site: Agent) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    directory = site.disk / "run/resource-agents"
    directory.mkdir(parents=True)
    (directory / "standin-thing:0.pid").write_text(f"{bystander.pid} 1 80\n")
    assert site("monitor") == 7
    assert site("stop") == 0
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_the_port_and_the_documents_are_those_of_the_configfile(site: Agent) -> None:
    (site.disk / "etc/apache2").mkdir()
    (site.disk / "srv").mkdir()
    (site.disk / "srv/index.html").write_text("other page")
    (site.disk / "etc/apache2/apache2.conf").write_text('DocumentRoot "/srv"\n')
    (site.disk / "etc/apache2/ports.conf").write_text(f"Listen {site.parameters['port']}\n")
    given = {"configfile": "/etc/apache2/apache2.conf"}
    agent = Agent(site.spec, site.disk, given)
    assert agent("start") == 0
    assert get(site) == (200, "other page")
    assert agent("stop") == 0


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_a_bad_port_is_a_bad_configuration(site: Agent, port: str) -> None:
    site.parameters["port"] = port
    assert site("start") == 6

"""Agents that set attributes of nodes, unmodified: ping and Stateful."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.harness import NODES, Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

AGENTS = Path("/usr/lib/ocf/resource.d/pacemaker")
HOST = "192.168.100.1"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A running lab of three nodes for all tests here."""
    for name in ("ping", "Stateful"):
        if not (AGENTS / name).exists():
            pytest.skip(f"needs ocf:pacemaker:{name} (package pacemaker-resource-agents)")
    lab = make_lab(users()[0], f"a{os.getpid()}")
    try:
        lab.crm("lab", "create", "--nodes", ",".join(NODES))
        lab.crm("lab", "start")
        lab.wait("all nodes online", lambda: lab.online(*NODES))
        lab.crm("configure", "property", "stonith-enabled=false")
        yield lab
    finally:
        close_lab(lab)


def attribute(lab: Lab, name: str, node: str) -> str:
    """The value that attrd_updater tells inside a node."""
    done = lab.on(node, "attrd_updater", "-n", name, "-Q", "-N", node, check=False)
    return done.strip().rpartition("value=")[2].strip('"')


def test_what_cannot_reach_the_host_is_left_by_a_rule_on_pings_attribute(lab: Lab) -> None:
    lab.crm(
        *("configure", "primitive", "reach", "ocf:pacemaker:ping"),
        *("params", f"host_list={HOST}", "multiplier=100", "dampen=1s", "attempts=1", "timeout=1"),
        *("op", "monitor", "interval=1s", "timeout=10s"),
    )
    lab.crm("configure", "clone", "reach-everywhere", "reach")
    lab.crm("configure", "primitive", "app", "ocf:pacemaker:Dummy")
    lab.crm("configure", "location", "reachable", "app", "rule", "-inf:", "pingd", "lt", "100")
    lab.wait(
        "every node reaches the host",
        lambda: all(attribute(lab, "pingd", node) == "100" for node in NODES),
        40,
        0.3,
    )
    lab.wait("it runs", lambda: lab.where("app"))
    node = lab.where("app")
    # What a broken uplink does: the ring of the nodes stays whole.
    lab.on(node, "ip", "route", "add", "blackhole", f"{HOST}/32")
    lab.wait("it has moved", lambda: lab.where("app") not in ("", node), 40, 0.3)
    assert attribute(lab, "pingd", node) == "0"
    assert lab.online(*NODES)
    lab.on(node, "ip", "route", "del", "blackhole", f"{HOST}/32")
    lab.wait("it reaches it again", lambda: attribute(lab, "pingd", node) == "100", 30, 0.3)


def test_what_is_promoted_follows_the_scores_that_its_agents_set(lab: Lab) -> None:
    lab.crm("configure", "primitive", "db", "ocf:pacemaker:Stateful")
    lab.crm("configure", "clone", "db-all", "db", "meta", "promotable=true")

    def promoted() -> str:
        text = lab.run("crm_mon", "-1", "--layout", "modern", check=False).stdout
        line = next((each for each in text.splitlines() if "Promoted: [" in each), "")
        return line.partition("[")[2].partition("]")[0].strip()

    lab.wait("one is promoted", promoted)
    first = promoted()
    other = next(name for name in NODES if name != first)
    lab.on(other, "crm_attribute", "-N", other, "-n", "master-db", "-l", "reboot", "-v", "50")
    lab.wait("the better one is promoted", lambda: promoted() == other)
    score = lab.on(other, "crm_attribute", "-G", "--promotion=db", "-N", other, "-q").strip()
    assert score == "10", "promotion has set it to the agent's own value"

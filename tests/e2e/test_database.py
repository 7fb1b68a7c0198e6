"""A real database by its real agent: Redis, replicated, its primary promoted by scores.

The agent is that of the distribution. It lets ``crm_mon`` read a CIB from a pipe, keeps the name of
the primary in a cluster property, and tells the others by notifications, in the middle of
transitions that its own changes abort.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.harness import Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

NODES = ("n1", "n2", "n3")
ADDRESS = "192.168.100.100"
OPEN = "s/^bind .*/bind 0.0.0.0/; s/^protected-mode .*/protected-mode no/"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Three nodes whose Redis may be reached from the others; the agent changes its user."""
    if os.getuid() != 0:
        pytest.skip("Redis runs as a user of its own: only root's labs have the machine's users")
    agent = Path("/usr/lib/ocf/resource.d/heartbeat/redis")
    if shutil.which("redis-server") is None or not agent.exists():
        pytest.skip("needs redis-server and ocf:heartbeat:redis (package resource-agents)")
    lab = make_lab(users()[0], f"r{os.getpid()}")
    try:
        lab.crm("lab", "create", "--nodes", ",".join(NODES))
        lab.crm("lab", "start")
        lab.wait("all nodes online", lambda: lab.online(*NODES))
        for node in NODES:
            lab.on(node, "sed", "-i", OPEN, "/etc/redis/redis.conf")
        lab.crm("configure", "property", "stonith-enabled=false")
        yield lab
    finally:
        close_lab(lab)


def replicas(lab: Lab, primary: str) -> int:
    """How many replicas a primary has, by its own word."""
    told = lab.on(primary, "redis-cli", "info", "replication", check=False)
    return told.count("state=online") if "role:master" in told else 0


def test_a_replicated_database_survives_its_primary(lab: Lab) -> None:
    lab.crm("configure", "load", "update", "examples/redis.crm")
    lab.wait("it has an address", lambda: lab.where("db-ip"), 90, 0.5)
    first = lab.where("db-ip")
    lab.wait("both others follow it", lambda: replicas(lab, first) == 2, 60, 0.5)
    lab.on(first, "redis-cli", "-h", ADDRESS, "set", "kept", "yes")

    lab.crm("lab", "kill", first)
    left = [node for node in NODES if node != first]
    lab.wait("the address moves", lambda: lab.where("db-ip", left[0]) in left, 90, 0.5)
    second = lab.where("db-ip", left[0])
    assert lab.on(left[0], "redis-cli", "-h", ADDRESS, "get", "kept").strip() == "yes"

    lab.crm("lab", "start", first)
    lab.wait("the old primary follows the new one", lambda: replicas(lab, second) == 2, 90, 0.5)
    assert lab.on(first, "redis-cli", "get", "kept").strip() == "yes"
    assert lab.where("db-ip") == second

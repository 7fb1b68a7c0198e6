"""Labs of nodes whose daemon is a fake one: as root, and as a plain user."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.harness import PLAIN_UID, Driver, reachable_python, user_namespaces


@pytest.fixture(scope="module", params=["root", "plain"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A user with a home of its own; whatever lab a test leaves is destroyed."""
    home = Path(tempfile.mkdtemp(prefix="crm-lab-", dir="/tmp"))
    (home / "run").mkdir(mode=0o700)
    prefix: tuple[str, ...] = ()
    python = sys.executable
    if request.param == "root":
        if os.geteuid() != 0:
            pytest.skip("real root: this test run is not root's")
    elif os.geteuid() == 0:
        prefix = (
            "setpriv",
            f"--reuid={PLAIN_UID}",
            f"--regid={PLAIN_UID}",
            "--clear-groups",
        )
        python = reachable_python()
        if not python:
            pytest.skip("a plain user: no Python of this version that other users can start")
        if not shutil.which("setpriv"):
            pytest.skip("a plain user: setpriv is not installed")
        for path in (home, home / "run"):
            os.chown(path, PLAIN_UID, PLAIN_UID)
    if request.param == "plain" and not user_namespaces(prefix):
        pytest.skip("a plain user: user namespaces are not allowed here")
    made = Driver(request.param, python, home, prefix=prefix)
    try:
        yield made
    finally:
        for name in made.do("list_labs"):
            made.environment["CRM_LAB"] = name
            made.do("destroy")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def lab(driver: Driver) -> Iterator[Driver]:
    """A lab of three nodes, created once for a module; tests find it in any state."""
    driver.create()
    driver.do("start")
    yield driver
    driver.do("destroy")


@pytest.fixture
def up(lab: Driver) -> Driver:
    """The lab with all nodes on and no partition."""
    lab.do("start")
    lab.do("heal")
    return lab

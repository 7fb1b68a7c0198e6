"""What the lab shows in a node at its own path, where that path is on the node's own disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.harness import Driver, RefusedError, a_user

pytestmark = pytest.mark.e2e

NODE = "pacemaker01"


@pytest.fixture(scope="module", params=["root", "plain"])
def below_var(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A user whose labs have their sockets below /var, which every node has for itself."""
    with a_user(request.param, parent="/var/tmp") as made:
        made.create()
        yield made


@pytest.fixture
def outside(below_var: Driver) -> Iterator[Path]:
    """A directory of the lab's user on the machine, with nothing in it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        owner = below_var.home.stat()
        os.chown(made, owner.st_uid, owner.st_gid)
        yield Path(made)


@pytest.fixture
def shown_at(below_var: Driver) -> Iterator[Path]:
    """Where, on the disk of a node that is off, the directory of the lab's sockets is to be shown.

    It is removed: a link is put there.
    """
    below_var.do("kill", [NODE])
    path = below_var.state / "nodes" / NODE / str(below_var.home).lstrip("/")
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    yield path
    below_var.do("kill", [NODE])
    if path.is_symlink():
        path.unlink()


def test_the_sockets_of_a_lab_are_seen_at_their_own_path(below_var: Driver) -> None:
    below_var.do("start", [NODE])
    assert below_var.output(NODE, "ls", f"{below_var.home}/run/crmsh-py") == below_var.name


def test_no_link_of_a_node_leads_the_mounts_of_its_start_out_of_it(
    below_var: Driver, shown_at: Path, outside: Path
) -> None:
    """Its root can put one there, and the machine's directories are not read-only yet."""
    shown_at.symlink_to(f"/run/host{outside}")
    with pytest.raises(RefusedError, match=f"{below_var.home}/.*remove that link"):
        below_var.do("start", [NODE])
    assert not list(outside.iterdir())
    shown_at.unlink()
    below_var.do("start", [NODE])


def test_a_link_to_elsewhere_on_the_nodes_own_disk_is_followed(
    below_var: Driver, shown_at: Path
) -> None:
    shown_at.symlink_to("/mnt/moved")
    below_var.do("start", [NODE])
    assert below_var.output(NODE, "ls", "/mnt/moved/run/crmsh-py") == below_var.name

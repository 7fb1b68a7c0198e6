"""A lab of a plain user who has a range of user ids: programs in the nodes may change user."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.harness import PLAIN_UID, Driver, reachable_python, user_namespaces

pytestmark = pytest.mark.e2e

# Gives the plain user a range, for this command's eyes only, then becomes that user.
_WITH_RANGE = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec setpriv'
    f' --reuid={PLAIN_UID} --regid={PLAIN_UID} --clear-groups "$@"',
    "sh",
)


@pytest.fixture
def ranged() -> Iterator[Driver]:
    """A running lab of such a user."""
    python = reachable_python()
    needed = ("newuidmap", "newgidmap", "setpriv", "unshare")
    if os.geteuid() != 0 or not python or not all(shutil.which(name) for name in needed):
        pytest.skip("a range of user ids: needs root, newuidmap (package uidmap) and setpriv")
    if not os.path.exists("/etc/subuid") or not os.path.exists("/etc/subgid"):
        pytest.skip("a range of user ids: this machine has no /etc/subuid")
    home = Path(tempfile.mkdtemp(prefix="crm-lab-", dir="/tmp"))
    (home / "run").mkdir(mode=0o700)
    (home / "ranges").write_text(f"{PLAIN_UID}:300000:65536\n")
    (home / "ranges").chmod(0o644)
    for path in (home, home / "run"):
        os.chown(path, PLAIN_UID, PLAIN_UID)
    prefix = (*_WITH_RANGE, str(home / "ranges"))
    if not user_namespaces(prefix):
        pytest.skip("a range of user ids: user namespaces are not allowed here")
    driver = Driver("range", python, home, prefix=prefix)
    driver.create()
    driver.do("start")
    yield driver
    driver.do("destroy")
    assert list((home / ".local").rglob("*")) == [home / ".local/state"]
    shutil.rmtree(home)


def test_programs_change_user_and_their_files_are_taken_away_at_the_end(ranged: Driver) -> None:
    status = ranged.do("status")
    assert (status["isolation"], status["note"]) == ("range", "")
    script = (
        "mkdir -m 700 /var/tmp/own && chown 33:33 /var/tmp/own &&"
        " setpriv --reuid=33 --regid=33 --clear-groups touch /var/tmp/own/file &&"
        " stat -c %u /var/tmp/own/file"
    )
    assert ranged.output("pacemaker01", "sh", "-c", script) == "33"
    outside = ranged.state / "nodes/pacemaker01/var/tmp/own/file"
    assert outside.stat().st_uid == 300_032, "the user's range begins with id 1"


def test_a_real_web_server_runs(ranged: Driver) -> None:
    if not shutil.which("apache2ctl", path="/usr/sbin"):
        pytest.skip("apache2 is not installed")
    ranged.output("pacemaker02", "apache2ctl", "start")
    page = ranged.output(
        "host", str(ranged.state / "bin-last/curl"), "-sS", "http://192.168.100.11"
    )
    assert "My Test Site - pacemaker02" in page

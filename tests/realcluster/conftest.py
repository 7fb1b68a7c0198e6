"""One real cluster for the tests of a file; skipped by name where it cannot run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from realcluster.cluster import RealCluster, missing


@pytest.fixture(scope="module")
def real() -> Iterator[RealCluster]:
    """Three nodes of Corosync and Pacemaker, online."""
    if reason := missing():
        pytest.skip(f"a real cluster {reason}")
    directory = Path(tempfile.mkdtemp(prefix="crm-real-"))
    directory.chmod(0o755)  # users of the nodes walk through it
    try:
        with RealCluster(directory / "cluster") as cluster:
            yield cluster
            inits = cluster.inits()
        left = [pid for pid in inits if Path(f"/proc/{pid}").exists()]
        assert not left, f"nodes that did not end: {left}"
    finally:
        shutil.rmtree(directory)

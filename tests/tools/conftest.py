"""A fake cluster for each test."""

from __future__ import annotations

import pytest
from tools.fakes import FakeCluster


@pytest.fixture
def cluster() -> FakeCluster:
    """Two nodes, two resources; see ``fakes``."""
    return FakeCluster()

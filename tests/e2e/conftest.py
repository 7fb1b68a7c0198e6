"""Real labs for end-to-end tests: as root, and as a plain user.

Every test (or, where it takes long to come up, every module) gets a lab of its own name, a HOME of
its own and nothing else; at the end the lab is destroyed and must have left nothing behind. A test
that cannot run here is skipped by name.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

import pytest
from e2e.harness import Lab, close_lab, make_lab, users


@pytest.fixture(params=users())
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A fresh lab per test, as root and as a plain user."""
    lab = make_lab(
        request.param, f"t{os.getpid()}-{zlib.crc32(request.node.nodeid.encode()) % 10**6}"
    )
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module", params=users())
def website(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """One running lab with the web site, shared by the tests of a module."""
    lab = make_lab(request.param, f"w{os.getpid()}-{request.param}")
    try:
        lab.up()
        lab.website()
        yield lab
    finally:
        close_lab(lab)

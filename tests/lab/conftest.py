"""Labs of nodes whose daemon is a fake one: as root, and as a plain user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.harness import Driver, a_user


@pytest.fixture(scope="module", params=["root", "plain"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A user with a home of its own; whatever lab a test leaves is destroyed."""
    with a_user(request.param) as made:
        yield made


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

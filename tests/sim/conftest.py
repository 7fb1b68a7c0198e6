"""`pytest tests/sim --seed N` replays one seed instead of the usual ones."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="replay this seed of the simulation")


@pytest.fixture
def only_seed(request: pytest.FixtureRequest) -> int | None:
    """The seed of the command line, if there is one.

    Run from above, pytest reads this file too late for the option to exist: then there is none.
    """
    seed = request.config.getoption("--seed", default=None)
    return None if seed is None else int(seed)

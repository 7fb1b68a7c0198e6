"""`pytest tests/sim --seed N` replays one seed instead of the usual ones."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="replay this seed of the simulation")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument ``only_seed`` gets the seed of the command line, or None."""
    if "only_seed" in metafunc.fixturenames:
        metafunc.parametrize("only_seed", [metafunc.config.getoption("--seed")])

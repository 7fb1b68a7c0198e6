"""Fixtures and switches that all tests share.

``golden(name, text)`` compares a text with ``tests/golden/<package>/<name>``, where <package> is
the folder of the test. ``pytest --update-golden`` writes the files instead; the difference is then
reviewed like any other change.

With several workers (``pytest -n 4``) the tests of a file stay together; where they run as root
and as a plain user, these are two groups. Simulations are distributed one by one. Tests that only
compute give way to those that run beside them and have real clusters, whose time is the clock's.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Recorded behaviour of real clusters lies beside a working copy, never inside it.
SHARED = TESTS.parent.parent / "shared"

COMPUTING = ("cib", "engine", "lang", "scheduler", "sim", "soak", "views", "wire")
_GIVING_WAY = 10  # niceness
_PATIENCE_S = 600  # for a test that gives way: it may wait for all the others


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden instead of comparing"
    )


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is nothing to distribute
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give a worker all tests of a group (see ``group_of``), in the order of the folders."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """Tests that share a running lab share the file and the user that the lab belongs to."""
    file, _, name = nodeid.partition("::")
    if "tests/sim/" in file or file.startswith("sim/"):
        return nodeid  # long, and with nothing in common
    user = next((user for user in ("root", "plain") if re.search(rf"[\[-]{user}\b", name)), "")
    return f"{file} {user}"


def _computes(item: pytest.Item) -> bool:
    return item.path.parent.name in COMPUTING and item.get_closest_marker("alone") is None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _computes(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_PATIENCE_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give way while computing. Only root may take the old priority back afterwards."""
    gives_way = os.geteuid() == 0 and _computes(item)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    if gives_way:
        os.setpriority(os.PRIO_PROCESS, 0, max(before, _GIVING_WAY))
    try:
        return (yield)
    finally:
        if gives_way:
            os.setpriority(os.PRIO_PROCESS, 0, before)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of that name."""
    update = bool(request.config.getoption("--update-golden"))
    package = request.path.parent.name

    def check(name: str, text: str) -> None:
        path = TESTS / "golden" / package / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        if not path.exists():
            pytest.fail(f"{path} does not exist: run pytest --update-golden and review it")
        wanted = path.read_text(encoding="utf-8")
        if wanted != text:
            lines = difflib.unified_diff(
                wanted.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm=""
            )
            pytest.fail("\n".join(["text differs from its golden file:", *lines]))

    return check


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with recorded behaviour; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the recorded behaviour in ../shared, which is not here")
    return SHARED

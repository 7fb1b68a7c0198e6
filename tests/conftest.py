"""Fixtures and switches that all tests share.

``golden(name, text)`` compares a text with ``tests/golden/<package>/<name>``, where <package> is
the folder of the test. ``pytest --update-golden`` writes the files instead; the difference is then
reviewed like any other change.

With several workers (``pytest -n 4``) the tests of a file stay together, and so do those that share
a running lab; an end-to-end test that makes its own lab goes to whoever is free.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Recorded behaviour of real clusters lies beside a working copy, never inside it.
SHARED = TESTS.parent.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden instead of comparing"
    )


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of every test, for ``--dist loadgroup``."""
    for item in items:
        if isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Function) -> str:
    if item.get_closest_marker("e2e") is None or item.path.parent.name == "node":
        return str(item.path)
    if item.path.parent.name == "e2e" and "lab" in item.fixturenames:
        return item.nodeid
    parameters = getattr(item, "callspec", None)  # who the shared lab belongs to
    return f"{item.path}-{parameters.id if parameters else ''}"


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

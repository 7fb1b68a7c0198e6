"""Every example of the pages about the scheduler is a test file that holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from shell.person import Person

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "scheduler").glob("*.md"))
_EXAMPLE = re.compile(r"^```crmtest\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_an_example_that_holds(page: Path, tmp_path: Path) -> None:
    examples = _EXAMPLE.findall(page.read_text("utf-8"))
    assert examples
    person = Person(tmp_path)
    for number, example in enumerate(examples):
        file = tmp_path / f"{page.stem}-{number}.crmtest"
        file.write_text(example, encoding="utf-8")
        said = person.types(f"test {file}")
        assert person.code == 0, said


def test_every_page_is_listed() -> None:
    index = (DOCS / "scheduler.md").read_text("utf-8")
    assert [page.name for page in PAGES if f"(scheduler/{page.name})" not in index] == []

"""The cached tables: quick when they can be trusted, and never in the way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmsh_py import lang
from crmsh_py.lang import tables
from crmsh_py.lang.tables import Tables, load_tables

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_tables.cache_clear()
    yield tmp_path / "crmsh-py"
    load_tables.cache_clear()


def fresh() -> Tables:
    load_tables.cache_clear()
    return load_tables()


def same(one: Tables, other: Tables) -> bool:
    """Whether two tables are of the same grammar; Lark numbers states in any order."""
    return (
        one.terminals == other.terminals
        and set(one.productions) == set(other.productions)
        and sorted(map(sorted, one.rows)) == sorted(map(sorted, other.rows))
    )


def only_file(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def test_what_is_cached_is_what_was_computed(cache: Path) -> None:
    computed = load_tables()
    assert fresh() == computed
    assert cache.stat().st_mode & 0o777 == 0o700
    assert only_file(cache).stat().st_mode & 0o777 == 0o600


def test_nothing_is_unpickled(cache: Path) -> None:
    load_tables()
    json.loads(only_file(cache).read_text())
    assert "pickle" not in Path(tables.__file__).read_text().replace("unpickled", "")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows": 1}', "\x80\x04N.", '{"rows": [[]]}'])
def test_a_broken_cache_is_computed_again(cache: Path, text: str) -> None:
    good = load_tables()
    path = only_file(cache)
    path.write_text(text)
    assert same(fresh(), good)
    assert len(path.read_text()) > 1000  # and mended


def test_what_others_can_write_is_not_read(cache: Path) -> None:
    good = load_tables()
    path = only_file(cache)
    tampered = json.loads(path.read_text())
    tampered["rows"][0] = {}
    path.write_text(json.dumps(tampered))
    path.chmod(0o666)
    assert same(fresh(), good)
    path.write_text(json.dumps(tampered))
    path.chmod(0o600)
    cache.chmod(0o777)
    assert same(fresh(), good)


def test_a_link_is_not_followed(cache: Path, tmp_path: Path) -> None:
    good = load_tables()
    path = only_file(cache)
    elsewhere = tmp_path / "elsewhere.json"
    path.rename(elsewhere)
    elsewhere.write_text("{}")
    path.symlink_to(elsewhere)
    assert same(fresh(), good)
    assert elsewhere.read_text() == "{}"


def test_without_a_place_for_a_cache_it_works_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert fresh().starts
    load_tables.cache_clear()


def test_another_grammar_has_another_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_tables()
    changed = tables.grammar_text() + "\n// changed\n"
    monkeypatch.setattr(tables, "grammar_text", lambda: changed)
    fresh()
    assert len(list(cache.iterdir())) == 2


def test_an_ordinary_start_imports_no_lark(cache: Path) -> None:
    """Nor does `show` import a parser of any kind."""
    load_tables()
    code = (
        "import sys; from crmsh_py import lang; from crmsh_py.cib.document import Cib\n"
        "lang.show(Cib.new()); assert 'crmsh_py.lang.parser' not in sys.modules\n"
        "lang.parse_command('configure primitive p Dummy'); assert 'lark' not in sys.modules\n"
        "assert 'asyncio' not in sys.modules and 'prompt_toolkit' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache.parent)},
    )


def test_no_module_of_the_language_hides_a_name_of_the_package() -> None:
    """Importing ``lang.X`` puts the module where ``lang`` would give the function X."""
    modules = {path.stem for path in Path(lang.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(lang.__all__)


def test_nothing_is_ever_unpickled() -> None:
    """A pickle runs code when it is loaded; Lark's own cache is one."""
    package = Path(lang.__file__).parents[1]
    loads = re.compile(r"^\s*(?:import|from) (?:c?pickle|shelve|marshal|dill)\b|cache=True", re.M)
    users = [str(p) for p in package.rglob("*.py") if loads.search(p.read_text("utf-8"))]
    assert users == []

"""The house keeps its shape: who imports whom, where libraries may be, how long things get.

The table is the one of docs/architecture.md. Imports inside functions count as well: only those
under ``if TYPE_CHECKING`` do not, since they never run.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "crmsh_py"
MODULE_LINES = 600
FUNCTION_LINES = 70

BASE = {"errors", "resources", "corosync_conf"}
EVERYBODYS = {"errors", "regex", "value", "whole_numbers", "xml_text"}

# Which of our packages each may import (itself and EVERYBODYS always).
ALLOWED: dict[str, set[str]] = {
    "value": set(),
    "regex": set(),
    "whole_numbers": set(),
    "xml_text": set(),
    "errors": set(),
    "resources": set(),
    "corosync_conf": set(),
    "wire": set(),
    "cib": set(),
    "agents": {"cib", "resources"},
    "lang": {"cib", "agents", "resources"},
    "scheduler": {"cib", "agents"},
    "engine": {"cib", "scheduler", "wire", "corosync_conf"},
    "views": {"cib", "scheduler", "agents", "wire"},
    "node": {"engine", "wire", "cib", "agents", "corosync_conf", "resources"},
    "lab": {"wire", "corosync_conf", "resources"},
    "standins": {"agents", "cib", "resources"},
    "clusters": {"wire", "cib", "agents", "scheduler", "resources"},
    "tools": {"clusters", "views", "cib", "agents", "scheduler", "wire", "resources"},
    "shell": {
        *BASE,
        *("wire", "cib", "agents", "lang", "scheduler", "views", "lab", "clusters", "tools"),
    },
    "__main__": {"shell"},
    "start": set(),  # of shell and tools it knows the names
    "__init__": set(),
}

# Where each library that is not Python's own may be imported.
LIBRARIES: dict[str, set[str]] = {
    "cryptography": {"node"},
    "lxml": {"cib"},
    "msgspec": {"wire", "node", "engine", "lab"},
    "lark": {"lang"},
    "pygments": {"lang", "shell"},
    "prompt_toolkit": {"shell"},
    "tabulate": {"views"},
}

DECIDERS = {"asyncio", "time", "random", "socket", "subprocess", "os"}
FORBIDDEN: dict[str, set[str]] = {
    "wire": {"asyncio", "socket"},
    "cib": {"time", "random", "os", "asyncio"},
    "lang": {"asyncio"},
    "scheduler": DECIDERS,
    "engine": DECIDERS,
    "views": {"asyncio"},
    "clusters": {"asyncio"},
}
# At import time only: inside a function they may be.
FORBIDDEN_AT_IMPORT: dict[str, set[str]] = {
    "lang": {"lark"},
    "tools": {"asyncio", "tabulate", "lark", "prompt_toolkit"},
    "views": {"tabulate"},
}


@dataclass(frozen=True)
class Import:
    """One import: of which module, where, and whether it runs when the module is imported."""

    module: str
    place: str
    at_import: bool


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else path.stem


@cache
def tree_of(path: Path) -> ast.Module:
    """The module's syntax, parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    return tuple(_walk(tree_of(path), path, at_import=True))


def _walk(node: ast.AST, path: Path, *, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import | ast.ImportFrom):
            place = f"{path.relative_to(ROOT.parent)}:{child.lineno}"
            for name in _names(child):
                yield Import(name, place, at_import)
        yield from _walk(child, path, at_import=at_import and not inside)


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    if node.module == "crmsh_py":
        return [name for name in names if not name.startswith("crmsh_py.__")]
    # A generator that is made from a given seed is no chance.
    return [node.module or ""] if names != ["random.Random"] else names


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)


def needed_by(path: Path) -> Iterator[str]:
    """The modules that one imports, wherever in it; of a package also what is named from it."""
    for node in _running(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node but what is for type checkers."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield child
            yield from _running(child)


def all_imports() -> Iterator[tuple[str, Import]]:
    for path in modules():
        for each in imports_of(path):
            yield package_of(path), each


def test_every_package_has_its_line_in_the_table() -> None:
    packages = {package_of(path) for path in modules()}

    assert packages <= ALLOWED.keys()


def test_packages_import_only_whom_they_may() -> None:
    wrong = [
        f"{each.place}: {package} imports {each.module}"
        for package, each in all_imports()
        if each.module.startswith("crmsh_py.")
        and each.module.split(".")[1] not in ALLOWED[package] | {package} | EVERYBODYS
    ]

    assert wrong == []


def test_no_module_needs_itself_by_a_detour() -> None:
    """Circles make that one file cannot be read without the next."""
    known = {name_of(path): path for path in modules()}
    needs = {name: known.keys() & set(needed_by(path)) for name, path in known.items()}

    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" needs ".join(reversed(error.args[1])))


def test_libraries_stay_in_their_rooms() -> None:
    wrong = []
    for package, each in all_imports():
        top = each.module.split(".")[0]
        if top == "crmsh_py" or top in sys.stdlib_module_names:
            continue
        if package not in LIBRARIES.get(top, set()):
            wrong.append(f"{each.place}: {package} imports {each.module}")

    assert wrong == []


def test_deciders_know_no_clock_no_chance_and_no_world() -> None:
    wrong = [
        f"{each.place}: {package} imports {each.module}"
        for package, each in all_imports()
        if each.module != "random.Random"
        and each.module.split(".")[0] in FORBIDDEN.get(package, set())
    ]

    assert wrong == []


def test_heavy_libraries_are_imported_when_they_are_needed() -> None:
    wrong = [
        f"{each.place}: {package} imports {each.module}"
        for package, each in all_imports()
        if each.at_import and each.module.split(".")[0] in FORBIDDEN_AT_IMPORT.get(package, set())
    ]

    assert wrong == []


@pytest.mark.parametrize("module", ["crm_mon", "crm_resource", "crm_node", "corosync_cfgtool"])
def test_a_quick_command_loads_nothing_heavy(module: str) -> None:
    """What its own imports bring along counts too, so this asks a fresh Python."""
    heavy = ("lark", "prompt_toolkit", "asyncio", "tabulate")
    program = (
        f"import sys, crmsh_py.tools.{module}, crmsh_py.clusters.local\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )

    assert result.stdout == "[]\n"


def test_showing_a_configuration_loads_nothing_slow(tmp_path: Path) -> None:
    """Not even Python's own: dataclasses and inspect cost 10 ms, lxml 20, pathlib 3."""
    slow = ("dataclasses", "inspect", "datetime", "hashlib", "pathlib", "json", "lxml.etree")
    ours = ("crmsh_py.lang.parser", "crmsh_py.cib.checks", "crmsh_py.cib.patch")
    file = tmp_path / "cib.xml"
    file.write_text("<cib><configuration/></cib>", encoding="utf-8")
    program = (
        "import sys; from crmsh_py.shell.main import main; main(['configure', 'show'])\n"
        f"print([name for name in {(*slow, *ours)!r} if name in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"CIB_file": str(file), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )

    assert result.stdout == "[]\n"


def test_one_level_of_packages_never_two() -> None:
    assert [str(p) for p in modules() if len(p.relative_to(ROOT).parts) > 2] == []


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules()
    }

    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_too_long() -> None:
    wrong = []
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines}")

    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(tree_of(path))
    ]

    assert silent == []

"""Tools start quickly because they import little; one process per tool, since imports add up.

Not by the clock, which depends on what else a machine does: by the modules that are loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clusters.fake_node import FakeNode
from tools.test_briefly import answer

import crmsh_py.tools

TOOLS = sorted(
    path.stem
    for path in Path(crmsh_py.tools.__file__).parent.glob("c*.py")
    if path.stem not in ("common", "cib_changes", "counting")
)
FORBIDDEN = (
    *("asyncio", "lark", "prompt_toolkit", "tabulate", "subprocess", "sqlite3"),
    *("dataclasses", "inspect", "msgspec"),
)


def loaded(program: str, **environ: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print('loaded:', *sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    assert done.stderr == ""
    return set(done.stdout.partition("loaded:")[2].split())


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_imports_nothing_heavy(tool: str) -> None:
    modules = loaded(f"import crmsh_py.tools.{tool} as tool; assert callable(tool.main)")
    assert modules & set(FORBIDDEN) == set()


@pytest.mark.parametrize(
    "line",
    [
        "crm_attribute -n a -v 1",
        "crm_attribute -l reboot -n a -v 1",
        "crm_attribute -G -n a -q",
        "crm_master -r R -v 5",
        "attrd_updater -n a -U 1",
        "crm_node -n",
    ],
)
def test_what_agents_call_loads_next_to_nothing(line: str, tmp_path: Path) -> None:
    """Python's own beginning aside. Each of these would be a tenth of the time and more."""
    slow = {"re", "enum", "collections", "typing", "argparse", "socket", "struct", "datetime"}
    (tmp_path / "lab").mkdir()
    node = FakeNode(tmp_path / "lab" / "node1.sock", answer)
    environ = {"CRM_LAB": "lab", "CRM_NODE": "node1", "CRM_RUNTIME_DIR": str(tmp_path)}
    tool = line.split(maxsplit=1)[0]
    program = (
        f"import sys; sys.argv = {line.split()!r}\n"
        f"from crmsh_py.start import {tool}\n"
        f"from crmsh_py.tools.{tool} import main; assert main() == 0\n"
    )
    try:
        modules = loaded(program, **environ)
        beginning = loaded("")
    finally:
        node.close()
    assert (modules - beginning) & {*slow, *FORBIDDEN} == set()
    ours = sorted(name for name in modules if name.startswith("crmsh_py"))
    assert len(ours) <= 15, ours
    assert len(modules - beginning) <= 20, sorted(modules - beginning)


CIB = """<cib validate-with="pacemaker-3.9"><configuration>
<crm_config/><nodes><node id="1" uname="node1"/><node id="2" uname="node2"/></nodes>
<resources><primitive id="R" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints/></configuration><status/></cib>"""


@pytest.mark.parametrize(
    ("line", "not_even", "most"),
    [
        ("crm status", ("lxml.etree", "hashlib", "pathlib", "json", "threading"), 151),
        ("crm resource status", ("lxml.etree", "hashlib", "pathlib", "json", "threading"), 149),
        ("crm configure show", ("lxml.etree", "hashlib", "datetime", "argparse"), 78),
        ("crm resource move R node2", ("lxml.etree", "hashlib", "pathlib", "threading"), 122),
        ("crm --complete bash crm_resource_move_R", ("hashlib", "pathlib", "threading"), 145),
        ("crm_mon -1", ("lxml.etree", "hashlib", "pathlib", "json", "threading"), 135),
        ("crm_resource --list", ("lxml.etree", "hashlib", "pathlib", "json", "threading"), 132),
        ("cibadmin -Q", ("lxml.etree", "hashlib", "pathlib", "json"), 62),
    ],
)
def test_what_people_type_loads_what_it_needs(
    line: str, not_even: tuple[str, ...], most: int, tmp_path: Path
) -> None:
    """``most`` is how many modules there are now, and some: each is a fifth of a millisecond."""
    file = tmp_path / "cib.xml"
    file.write_text(CIB, encoding="utf-8")
    environ = {"CIB_file": str(file), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    tool, *words = line.split()
    words = [word.replace("_", " ") if word.startswith("crm_") else word for word in words]
    module = "crmsh_py.shell.main" if tool == "crm" else f"crmsh_py.tools.{tool}"
    program = (
        "import io, sys; shown = sys.stdout; sys.stdout = sys.stderr = io.StringIO()\n"
        f"from {module} import main; assert main({words!r}) == 0\n"
        "sys.stdout = shown"
    )
    loaded(program, **environ)  # which fills the cache of the grammar's tables
    modules = loaded(program, **environ) - loaded("")
    assert modules & {*FORBIDDEN, "typing", *not_even} == set()
    assert len(modules) <= most, sorted(modules)


def test_a_question_to_a_lab_makes_do_without_the_libraries_of_the_node(tmp_path: Path) -> None:
    """Neither the messages' nor the sockets'; and to run a program, not that of processes."""
    modules = loaded(
        "import crmsh_py.clusters.local, crmsh_py.clusters.pacemaker, crmsh_py.wire.framing"
    )
    assert (
        modules & {"msgspec", "typing", "socket", "selectors", "subprocess", "threading"} == set()
    )

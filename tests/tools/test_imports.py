"""Tools start quickly because they import little; one process per tool, since imports add up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import crmsh_py.tools

TOOLS = sorted(
    path.stem
    for path in Path(crmsh_py.tools.__file__).parent.glob("c*.py")
    if path.stem not in ("common", "cib_changes")
)
FORBIDDEN = ("asyncio", "lark", "prompt_toolkit", "tabulate", "subprocess", "sqlite3")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_imports_nothing_heavy(tool: str) -> None:
    code = (
        f"import sys, crmsh_py.tools.{tool} as tool; assert callable(tool.main);"
        f"print([m for m in {FORBIDDEN!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")

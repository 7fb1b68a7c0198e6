"""Other programs that colour the language: Pygments by its entry point, Vim by a made file."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pygments.lexer import Lexer

ROOT = Path(__file__).resolve().parents[2]
VIM = ROOT / "contrib" / "vim"


def test_the_entry_point_for_pygments_is_the_lexer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (target,) = project["entry-points"]["pygments.lexers"].values()
    module, _, name = target.partition(":")
    lexer = getattr(importlib.import_module(module), name)
    assert issubclass(lexer, Lexer)
    assert {"*.crm", "*.pcmk"} <= set(lexer.filenames)
    assert "crmsh" in lexer.aliases


def test_the_file_for_vim_is_in_step_with_the_language() -> None:
    command = [sys.executable, str(VIM / "generate.py"), "--check"]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == 0, "run contrib/vim/generate.py"


def has_syntax() -> bool:
    if shutil.which("vim") is None:
        return False
    said = subprocess.run(["vim", "--version"], capture_output=True, text=True, check=False)
    return "+syntax" in said.stdout


@pytest.mark.skipif(not has_syntax(), reason="a vim with syntax is not installed")
def test_vim_colours_an_example_by_it(tmp_path: Path) -> None:
    """Vim itself says which group each word is in."""
    file = tmp_path / "x.crm"
    file.write_text(
        "# comment\n"
        "primitive vip ocf:heartbeat:IPaddr2 params ip=1.2.3.4 op monitor interval=10s\n"
        "location l vip rule -inf: #uname eq alpha\n"
        "rsc_defaults resource-stickiness=100\n",
        encoding="utf-8",
    )
    places = {
        (1, 1): "crmComment",
        (2, 1): "crmElement",
        (2, 15): "crmAgent",
        (2, 37): "crmPart",
        (2, 44): "crmAttribute",
        (2, 55): "crmPart",
        (2, 66): "crmOption",
        (3, 1): "crmElement",
        (3, 16): "crmRule",
        (3, 21): "crmScore",
        (4, 14): "crmOption",
    }
    asked = "\n".join(
        f"call add(g:found, synIDattr(synID({line}, {column}, 1), 'name'))"
        for line, column in places
    )
    script = tmp_path / "ask.vim"
    answer = tmp_path / "answer"
    script.write_text(
        f"let g:found = []\n{asked}\ncall writefile(g:found, '{answer}')\nqall!\n", encoding="utf-8"
    )
    vim = ["vim", "-N", "-u", "NONE", "-i", "NONE", "-es"]
    steps = ["-c", f"source {VIM}/syntax/crm.vim", "-c", f"source {script}", str(file)]
    subprocess.run([*vim, *steps], check=False, timeout=30, stdin=subprocess.DEVNULL)
    assert dict(zip(places, answer.read_text("utf-8").split("\n"), strict=False)) == places

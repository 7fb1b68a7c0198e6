"""Looking is quick: no parser, no terminal library, and the same answer as by the long way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell.person import CIB

from crmsh_py.errors import CrmError
from crmsh_py.lang.parser import parse_command
from crmsh_py.shell.main import as_line
from crmsh_py.shell.quick import recognise

HEAVY = ("asyncio", "lark", "prompt_toolkit", "pygments", "tabulate", "sqlite3")
PARSER = ("crmsh_py.lang.parser", "crmsh_py.lang.automaton", "crmsh_py.lang.build")

QUICK = [
    ("status", "inactive"),
    ("status", "inactive", "failcounts"),
    ("configure", "show"),
    ("configure", "show", "xml"),
    ("configure", "show", "vip"),
    ("resource", "status"),
    ("resource", "locate", "vip"),
    ("node", "show"),
    ("help", "configure", "primitive"),
]


def modules_after(words: tuple[str, ...], file: Path) -> tuple[str, set[str]]:
    """What a one-shot prints, and the modules that it has loaded then."""
    code = (
        "import sys; from crmsh_py.shell.main import main; code = main(sys.argv[1:]);"
        "print('\\n--modules--', *sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={"CIB_file": str(file), "PATH": "/usr/bin:/bin", "HOME": str(file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    output, _, names = done.stdout.partition("\n--modules--")
    return output, set(names.split())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cib.xml"
    path.write_text(CIB, encoding="utf-8")
    return path


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_looking_loads_no_parser_and_no_terminal_library(
    words: tuple[str, ...], file: Path
) -> None:
    output, modules = modules_after(words, file)
    assert "vip" in output or "alpha" in output or "primitive" in output
    assert modules.isdisjoint({*HEAVY, *PARSER})


def test_crm_mon_loads_as_little(file: Path) -> None:
    code = (
        "import sys; from crmsh_py.tools.crm_mon import main; code = main(['-1']);"
        "print('--modules--', *sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"CIB_file": str(file), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()).isdisjoint({*HEAVY, *PARSER})


def test_help_and_labs_load_no_configuration(file: Path) -> None:
    """They are parsed, and a first parse makes the tables (with lark); CIBs are not for them."""
    for words in (("--version",), ("lab", "list"), ("help",)):
        _, modules = modules_after(words, file)
        assert modules.isdisjoint(
            {"asyncio", "prompt_toolkit", "lxml.etree", "crmsh_py.cib.document"}
        ), words


_ANY_WORD = st.one_of(
    st.sampled_from(["xml", "XML", "xm", "changed", "and", "or", "type:group", "type:", "tag:web"]),
    st.sampled_from(
        ["related:vip", "obscure:p*", "op:monitor", "@t", "x*", "vip", "status", "show"]
    ),
    st.sampled_from(
        ["sh", "configure", "bynode", "inactive", "ops", "-1", "help", "--help", "-h", "?"]
    ),
    st.sampled_from(["(", "'", "#", "\\", "", "a b"]),
)


@settings(max_examples=400, deadline=None)
@given(
    head=st.sampled_from(
        [
            *(("status",), ("configure", "show"), ("configure",), ("stat",), (), ("help",)),
            *(("resource", "status"), ("resource", "list"), ("resource", "locate")),
            *(("node", "show"), ("node", "list"), ("lab", "status"), ("cluster", "health")),
            *(("resource", "scores"), ("resource", "constraints"), ("resource",)),
        ]
    ),
    rest=st.lists(_ANY_WORD | st.text(max_size=5), max_size=4),
)
def test_the_short_way_gives_the_call_of_the_grammar(
    head: tuple[str, ...], rest: list[str]
) -> None:
    """Whatever is recognised by its words alone, the grammar understands in the same way."""
    words = [*head, *rest]
    call = recognise(words)
    if call is None:
        return
    try:
        wanted = parse_command(as_line(words), "root")
    except CrmError as error:
        pytest.fail(f"the grammar does not take {words}: {error}")
    assert (call.level, call.name, call.path, call.element) == (
        wanted.level,
        wanted.name,
        wanted.path,
        wanted.element,
    )
    assert [(a.kind, str(a.value)) for a in call.arguments] == [
        (a.kind, str(a.value)) for a in wanted.arguments
    ]


def test_output_that_cannot_be_written_is_told(file: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "crmsh_py", "configure", "show"],
            env={"CIB_file": str(file), "PATH": "/usr/bin:/bin", "HOME": str(file.parent)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "ERROR: standard output cannot be written: No space left on device\n"

"""Whatever is typed: it is done, or told to be wrong. Nothing else ever comes out."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shell.person import CIB, Person

from crmsh_py.errors import CrmError
from crmsh_py.lang.tables import load_tables
from crmsh_py.lang.words import logical_lines
from crmsh_py.shell.declarations import ALL, LEVELS
from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.session import Session

# Not these: they start programs, write files where the text says, or drive labs of this machine.
_ELSEWHERE = {"lab", "edit", "filter", "save", "graph", "load", "import", "shell", "exec",
              "report"}  # fmt: skip

_words = st.sampled_from(
    sorted(
        {word for d in ALL for word in d.example.split()[1:]}
        | {terminal.text for terminal in load_tables().terminals.values() if terminal.text}
        | {
            "vip",
            "site",
            "one",
            "alpha",
            "beta",
            "together",
            "inf:",
            "-inf:",
            "5:",
            "ip=1",
            "=",
            ":",
        }
        | {
            "10s",
            "P1H",
            "@vip",
            "0.5",
            "and",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "\\",
            "#",
            "''",
            '"',
            "'",
        }
    )
)
_lines = st.lists(_words | st.text(max_size=8), max_size=9).map(" ".join)


def _is_tame(line: str) -> bool:
    return not any(word in line.lower() for word in _ELSEWHERE)


def _run(line: str, level: str) -> None:
    """Run a line at a level; anything but an answer or a CrmError fails the test."""
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        person = Person(Path(directory))
        session: Session = person.session
        session.levels = () if level == "root" else (level,)
        told = None
        code = -1
        try:
            code = run_line(session, single_line(line))
        except CrmError as error:
            told = error
        if told is None:
            assert code >= 0
            return
        assert told.format_message()
        assert told.exit_code != 0
        if not session.working.pending:
            assert person.file.read_text() == CIB


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=_lines.filter(_is_tame), level=st.sampled_from(["root", *LEVELS]))
@example(line="configure show \0", level="root")
@example(line="configure xml '<a>\ud800</a>'", level="root")
@example(line="primitive x Dummy params a='\0'", level="configure")
@example(line="wait_for_startup 0", level="cluster")
@example(line="diff 99999999999999999999", level="configure")
@example(line="set vip.ip \x1b[31m", level="configure")
def test_any_line_is_done_or_refused(line: str, level: str) -> None:
    _run(line, level)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.lists(_lines.filter(_is_tame), max_size=4).map("\n".join))
def test_any_script_ends_with_0_or_1(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        person = Person(Path(directory))
        person.runs_script(text)
        assert person.code in (0, 1)
        assert person.saved().configuration.tag == "configuration"


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60) | st.text("a#\\ \t\r\n", max_size=60))
@example(text="a \\\n# b\n\n# c \\\nd")
def test_any_text_has_its_lines(text: str) -> None:
    """All but blank ones and comments; but what follows a backslash is neither."""
    wanted: list[list[str]] = []
    goes_on = False
    for line in map(str.strip, text.split("\n")):
        if goes_on:
            wanted[-1].append(line)
        elif line and not line.startswith("#"):
            wanted.append([line])
        else:
            continue
        goes_on = line.endswith("\\")

    found = list(logical_lines(text))

    assert [[piece.text for piece in line.pieces] for line in found] == wanted
    assert [line.text for line in found] == [
        "".join(piece.rstrip("\\") for piece in line) for line in wanted
    ]

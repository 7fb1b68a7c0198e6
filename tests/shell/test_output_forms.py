"""What a command shows for programs: JSON and XML that carry what the text says."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.cib import xml
from crmsh_py.errors import CrmError
from crmsh_py.shell import repl, terminal, waiting
from crmsh_py.shell.console import Console
from crmsh_py.shell.options import Options, parse
from crmsh_py.shell.session import Session

# Commands that show something of a configuration in a file, and what their JSON begins with.
SHOWING = {
    "resource status": {"resources"},
    "resource locate vip site": {"resources"},
    "resource constraints vip": {"resource", "constraints"},
    "resource scores": {"scores"},
    "resource param vip show ip": {"owner", "scope", "name", "value"},
    "node show": {"nodes"},
    "node show alpha": {"nodes"},
    "ra classes": {"classes"},
    "ra list stonith": {"names"},
    "ra providers Dummy": {"names"},
    "ra info ocf:heartbeat:IPaddr2": {"name", "parameters", "actions"},
    "configure show": {"version", "schema", "objects"},
    "configure show type:group": {"objects"},
    "configure schema": {"name", "value"},
    "configure get-property no-quorum-policy": {"properties"},
    "configure graph": {"name", "lines"},
    "configure template list": {"templates", "begun", "current"},
    "cib list": {"names"},
    "lab list": {"names"},
    "plan": {"changes", "messages", "settled", "event"},
    "plan node kill alpha": {"changes", "messages", "settled", "event"},
    "why vip": {"name", "lines"},
    "status": {"summary", "nodes", "resources"},
    "verify": {"valid", "findings"},
}
_NAMES = re.compile(r"\b(?:vip|site|one|two|together|alpha|beta|IPaddr2|Dummy)\b")


def shown(person: Person, line: str) -> str:
    """What a line prints on standard output, be it by the console or by a tool."""
    with redirect_stdout(io.StringIO()) as stdout:
        said = person.types(line)
    assert person.code == 0, said
    return said + stdout.getvalue()


@pytest.mark.parametrize("line", SHOWING)
def test_json_carries_what_the_text_says(person: Person, line: str) -> None:
    text = shown(person, line)
    data = json.loads(shown(person, f"{line} --output-as json"))
    assert SHOWING[line] <= set(data)
    assert set(_NAMES.findall(text)) <= set(_NAMES.findall(json.dumps(data)))


@pytest.mark.parametrize("line", SHOWING)
def test_xml_is_xml(person: Person, line: str) -> None:
    assert xml.parse(shown(person, f"{line} --output-as=xml"))


def test_the_form_is_of_one_line_only(person: Person) -> None:
    person.types("resource status --output-as json")
    assert "Stopped" in person.types("resource status")
    assert "{" not in person.types("resource status")


def test_what_is_no_form_is_told(person: Person) -> None:
    assert "jsn is none of" in person.types("resource status --output-as jsn")
    assert person.code == 2
    assert "only status has the form html" in person.types("node show --output-as html")


def test_words_go_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from crmsh_py.shell.main import main

    person = Person(tmp_path)
    monkeypatch.setenv("CIB_file", str(person.file))
    assert main(["resource", "move", "vip", "alpha"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "INFO: Move constraint created for vip to alpha" in said.err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """``crm … | head``: exit code 0, and not a word."""
    person = Person(tmp_path)
    program = (
        "import sys; from crmsh_py.shell.main import main\n"
        "sys.exit(main(['configure', 'show', 'xml']))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"CIB_file": str(person.file), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["status"], ["configure", "show"], ["--help"], ["--version"]])
def test_a_full_disk_behind_the_output_is_said(tmp_path: Path, words: list[str]) -> None:
    person = Person(tmp_path)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "crmsh_py", *words],
            env={"CIB_file": str(person.file), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"ERROR: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("how", ["--no-color", "--display=plain"])
def test_colours_can_be_taken_away(how: str) -> None:
    options = parse([how, "status"])
    assert not Console(display=options.display).colour(_Terminal())
    assert Console(display="color").colour(_Terminal())
    assert Console(display="color-always").colour(io.StringIO())


def test_a_terminal_gets_colours_and_no_other_command() -> None:
    text = "\033[32mstart\033[0m a\u202eb\x9b2J\tc\nd"
    screen, pipe = _Terminal(), io.StringIO()
    Console(out=screen).out(text)
    Console(out=pipe).out(text)
    assert screen.getvalue() == "\033[32mstart\033[0m a?b?2J\tc\nd\n"
    assert pipe.getvalue() == f"{text}\n"


def test_a_plain_prompt_has_lines_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screen readers and programs that type: no colours, no pager, no line that is drawn anew."""
    monkeypatch.setenv("TERM", "xterm")
    err = _Terminal()
    console = Console(out=_Terminal(), err=err)
    assert console.redraws
    session = Session(
        Options(),
        console,
        environ={"CRM_PLAIN_PROMPT": "1", "HOME": str(tmp_path), "CIB_file": "/nowhere"},
        interactive=True,
    )
    session.leaving = True
    assert repl.run(session) == 0
    assert console.pager is None
    console.error("it is so")
    assert err.getvalue() == "ERROR: it is so\n"
    monkeypatch.setattr(waiting, "WORDS_AFTER_S", 0.0)
    monkeypatch.setattr(waiting, "under_way", lambda _: ["start vip"])
    progress = waiting._Progress(session, "moving")
    progress.show()
    progress.end()
    assert err.getvalue().endswith("\nmoving: start vip\n")


@pytest.mark.parametrize(
    "line",
    [*SHOWING, "status xml", "verify --output-as xml", "resource operations", "cibstatus run"],
)
def test_everything_that_is_shown_can_be_paged_and_nothing_goes_beside_it(
    person: Person, line: str
) -> None:
    """What tools print themselves (status) as well as what the shell prints."""
    paged: list[str] = []
    direct = shown(person, line)

    def pager(text: str) -> bool:
        paged.append(text)
        return True

    person.console.pager = pager
    assert not re.search("^[^I\n]", shown(person, line), re.MULTILINE)  # INFO is no output
    assert without_times("\n".join((*paged, ""))) in without_times(direct)
    assert bool(paged) == bool(direct)


def test_what_the_pager_does_not_take_is_printed_as_without_one(person: Person) -> None:
    """No terminal, or short enough."""
    before = shown(person, "status")
    person.console.pager = lambda text: False
    assert without_times(shown(person, "status")) == without_times(before)


def without_times(text: str) -> str:
    return re.sub(r"\d\d:\d\d:\d\d", "", text)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_can_do_nothing_gets_no_colours(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    assert not Console().colour(_Terminal())
    assert not Console().redraws


@pytest.mark.parametrize("what", ["a directory", "a pipe", "a file"])
def test_a_history_that_cannot_be_kept_is_done_without(tmp_path: Path, what: str) -> None:
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    path = tmp_path / ".cache" / "crmsh-py" / "history"
    path.parent.mkdir(parents=True)
    if what == "a pipe":
        os.mkfifo(path)
    else:
        path.mkdir() if what == "a directory" else path.touch(0o644)
    session = Session(Options(), Console(), environ={"XDG_CACHE_HOME": str(tmp_path / ".cache")})
    expected = FileHistory if what == "a file" else InMemoryHistory
    assert type(terminal.history_of(session)) is expected
    assert what != "a file" or path.stat().st_mode & 0o777 == 0o600


class _Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def test_an_option_inside_of_quotes_is_no_option(person: Person) -> None:
    person.types("configure primitive q Dummy 'description=use --output-as json'")
    assert person.code == 0
    assert "use --output-as json" in person.file.read_text()


def test_a_batch_is_told_what_nobody_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    out, err = io.StringIO(), io.StringIO()
    assert not Console(out=out, err=err).ask("Its disk is deleted. Do it")
    assert (out.getvalue(), err.getvalue()) == ("", "INFO: Its disk is deleted. Do it [NO]\n")


def test_questions_are_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output may be a file, and whoever waits for the question would see nothing."""
    out, err = io.StringIO(), io.StringIO()
    typed = _Terminal("what\ny\n")
    monkeypatch.setattr("sys.stdin", typed)
    monkeypatch.setattr("sys.stdout", out)
    assert Console(out=out, err=err).ask("Do it")
    assert out.getvalue() == ""
    assert err.getvalue() == "Do it (y/n)? " * 2
    with pytest.raises(CrmError, match="no answer"):
        Console(out=out, err=err).ask("Do it")
    assert out.getvalue() == ""

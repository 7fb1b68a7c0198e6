"""Scripts: file and line of every mistake, on with the next line, 1 at the end."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator

import pytest
from shell.person import Person

from crmsh_py.shell.console import INTERRUPTED


def test_a_mistake_is_told_with_file_and_line_and_the_rest_is_done(person: Person) -> None:
    said = person.runs_script(
        "configure\n"
        "primitive good ocf:pacemaker:Dummy\n"
        "# a comment, and an empty line\n"
        "\n"
        "primitve bad ocf:pacemaker:Dummy\n"
        "primitive also-good ocf:pacemaker:Dummy\n"
    )
    assert person.code == 1
    assert said.startswith("ERROR: site.crm:5: ")
    assert "did you mean primitive?" in said
    assert said.count("site.crm") == 1
    assert person.has("good")
    assert person.has("also-good")


def test_a_line_that_goes_on_is_named_by_its_beginning_or_its_own(person: Person) -> None:
    said = person.runs_script(
        "configure primitive ip2 ocf:heartbeat:IPaddr2 \\\n    params ipp=10.0.0.9\n"
    )
    assert person.code == 1
    assert "site.crm:1: " in said
    assert "no parameter ipp" in said
    assert "~~^" in said
    assert not person.has("ip2")


def test_a_place_in_the_middle_of_an_element_is_told_once(person: Person) -> None:
    said = person.runs_script("configure\nlocation l vip \\\n  rule #uname eq alpha \\\n  and or\n")
    assert said.startswith("ERROR: site.crm:4: something is missing")


def test_what_is_found_at_the_commit_is_told_where_it_was_written(person: Person) -> None:
    said = person.runs_script(
        "configure\nlocation nowhere nosuch 100: alpha\nproperty stop-all-resources=true\ncommit\n"
    )
    assert "ERROR: site.crm:2: nowhere: there is no resource nosuch" in said
    assert person.code == 1
    assert not person.has("nowhere")
    assert not person.has("cib-bootstrap-options-stop-all-resources")


def test_what_is_pending_at_the_end_is_committed(person: Person) -> None:
    person.runs_script("configure\nprimitive new ocf:pacemaker:Dummy\n")
    assert person.code == 0
    assert person.has("new")


def test_quit_ends_a_script(person: Person) -> None:
    person.runs_script("configure primitive a ocf:pacemaker:Dummy\nquit\nnonsense\n")
    assert person.code == 0
    assert person.has("a")


def test_levels_hold_from_line_to_line(person: Person) -> None:
    person.runs_script("configure\nra\nclasses\nup\nprimitive new Dummy\nup\nresource\nstop new\n")
    assert person.code == 0
    assert 'name="target-role" value="Stopped"' in person.file.read_text()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell begins in the background ignores interrupts, and these tests with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_script_where_it_is(person: Person) -> None:
    """What was committed stays, what was pending goes, what follows is not run."""
    said = person.runs_script(
        "configure\nprimitive a ocf:pacemaker:Dummy\ncommit\n"
        "primitive b ocf:pacemaker:Dummy\n"
        "filter 'kill -INT $PPID; sleep 0.05'\n"
        "commit\n"
    )
    assert person.code == INTERRUPTED, said
    assert "site.crm:5: interrupted" in said
    assert "pending is dropped" in said
    assert person.has("a")
    assert not person.has("b")


def test_a_reader_that_goes_away_does_not_end_a_script(person: Person) -> None:
    """``crm -f FILE | head``: every line is carried out all the same."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    person.console._out = Gone()
    person.runs_script("configure\nprimitive new Dummy\nshow\n")
    assert person.code == 0
    assert person.has("new")

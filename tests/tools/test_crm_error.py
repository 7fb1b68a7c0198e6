"""crm_error: what numbers mean."""

from __future__ import annotations

import pytest

from crmsh_py.tools import crm_error

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["-X", "105", "50"], "No such object\nUnknown exit status\n"),
        (["-X", "-n", "105"], "CRM_EX_NOSUCH - No such object\n"),
        (["105", "0", "201"], "No buffer space available\nOK\nError\n"),
        (["-n", "--", "-22"], "EINVAL - Invalid argument\n"),
        (["-n", "215"], "pcmk_err_already - Already in requested state\n"),
        (["-r", "-n", "2"], "ENOENT - No such file or directory\n"),
        (["-r", "--", "-1005", "-1999"], "Node not found\nError\n"),
    ],
)
def test_numbers_have_a_meaning_and_a_name(words: list[str], answer: str, capsys: Capture) -> None:
    assert crm_error.main(words) == 0
    assert capsys.readouterr().out == answer


@pytest.mark.parametrize(
    ("words", "first", "last", "number"),
    [
        (["-X"], "    0: OK", "  193: No exit status available", 43),
        ([], "    0: OK", "  217: Unknown output format", 134),
        (
            ["-l", "-n", "-r"],
            "-1033: pcmk_rc_duplicate_id        Two or more XML elements have the same ID",
            "  129: EKEYREJECTED                Key was rejected by service",
            151,
        ),
    ],
)
def test_all_are_listed(
    words: list[str], first: str, last: str, number: int, capsys: Capture
) -> None:
    assert crm_error.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1], len(lines)) == (first, last, number)


def test_as_xml(capsys: Capture) -> None:
    assert crm_error.main(["-X", "-n", "3", "--output-as=xml"]) == 0
    part = '<result-code code="3" name="CRM_EX_UNIMPLEMENT_FEATURE" description="Unimplemented"/>'
    assert part in capsys.readouterr().out


def test_a_word_is_no_number() -> None:
    assert crm_error.main(["ENOENT"]) == 64

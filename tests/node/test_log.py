"""The log looks like Corosync's, and can neither hurt a terminal nor stop a node."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from crmsh_py.node import log as log_module
from crmsh_py.node.log import LogSettings, NodeLog, Seldom


def test_a_line_has_time_level_subsystem_and_text(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = NodeLog(LogSettings(files=(str(path),)))

    log("notice", "TOTEM", "A new membership (192.168.100.10:8) was formed.")
    log("warning", "MAIN", "x")
    log.close()

    first, second = path.read_text().splitlines()
    assert re.fullmatch(
        r"\w{3} \d\d \d\d:\d\d:\d\d notice  \[TOTEM \] A new membership "
        r"\(192\.168\.100\.10:8\) was formed\.",
        first,
    )
    assert second.endswith(" warning [MAIN  ] x")


def test_without_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "log"
    NodeLog(LogSettings(files=(str(path),), timestamp=False))("notice", "QUORUM", "x")

    assert path.read_text() == "notice  [QUORUM] x\n"


def test_debug_lines_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = NodeLog(
        LogSettings(files=(str(path),), timestamp=False, debug=False, debug_of={"TOTEM": True})
    )

    log("debug", "TOTEM", "yes")
    log("debug", "CIB", "no")

    assert path.read_text() == "debug   [TOTEM ] yes\n"


def test_a_line_can_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "log"
    NodeLog(LogSettings(files=(str(path),), timestamp=False))("info", "LRMD", "a\x1b[31mb\nc")

    assert path.read_text() == "info    [LRMD  ] a?[31mb\ninfo    [LRMD  ] c\n"


def test_a_file_that_somebody_has_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = NodeLog(LogSettings(files=(str(path),), timestamp=False))
    log("notice", "MAIN", "before")
    path.rename(tmp_path / "log.1")
    log("notice", "MAIN", "after")
    log.close()

    assert path.read_text() == "notice  [MAIN  ] after\n"
    assert (tmp_path / "log.1").read_text() == "notice  [MAIN  ] before\n"


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    good = tmp_path / "log"
    log = NodeLog(LogSettings(files=(str(tmp_path / "no" / "log"), str(good)), timestamp=False))

    log("info", "MAIN", "x")

    assert good.read_text() == "info    [MAIN  ] x\n"


def test_a_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "ROTATE_BYTES", 1000)
    path = tmp_path / "log"
    log = NodeLog(LogSettings(files=(str(path),)))

    for number in range(200):
        log("info", "MAIN", f"line {number}")

    assert (tmp_path / "log.1").exists()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2200


@pytest.mark.parametrize("reads", [False, True], ids=["nobody reads", "one that does not read"])
def test_a_pipe_in_its_place_does_not_hold_the_node(tmp_path: Path, *, reads: bool) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if reads else -1
    log = NodeLog(LogSettings(files=(str(path),)))

    for _ in range(100):
        log("notice", "MAIN", "x" * 4000)

    log.close()
    if reads:
        os.close(reader)


def test_what_strangers_cause_is_told_seldom_and_counted() -> None:
    lines: list[str] = []
    now = [100.0]
    tell = Seldom(lambda *line: lines.append(" ".join(line)), "LRMD", clock=lambda: now[0])

    for _ in range(5):
        tell("it hung up")
    now[0] += log_module.SELDOM_S
    tell("it hung up")

    assert lines == ["warning LRMD it hung up", "warning LRMD it hung up (and 4 before it)"]

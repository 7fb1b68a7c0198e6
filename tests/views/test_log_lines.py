"""Lines of logs as events and transitions."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from crmsh_py.views import log_lines

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LOG = """\
Dec 31 23:59:58 notice  [TOTEM ] A new membership (10.0.0.1:4) was formed. Members joined: 1
Dec 31 23:59:59 notice  [CRMD  ] alpha is the designated controller (DC)
Jan 02 10:00:00 notice  [PENGINE] ClusterIP: start on alpha
Jan 02 10:00:00 notice  [CRMD  ] alpha is asked for ClusterIP_monitor_0
Jan 02 10:00:01 notice  [LRMD  ] ClusterIP_monitor_0: it is not running (after 23 ms)
Jan 02 10:00:01  IPaddr2(ClusterIP)[98]:    INFO: Adding inet address
Jan 02 10:00:02 notice  [LRMD  ] ClusterIP_start_0 done after 203 ms
Jan 02 10:00:03 notice  [CRMD  ] Transition 7 is complete: 3 of 3 actions done
Jan 02 10:00:04 notice  [PENGINE] ClusterIP: stop on alpha
Jan 02 10:00:05 notice  [CRMD  ] Transition 8 is over early (new quorum): 1 of 7 actions done
Jan 02 10:00:06 error   [LRMD  ] ClusterIP_stop_0 failed
this line has no time
"""


def entries() -> list[log_lines.LogEntry]:
    return log_lines.read((("alpha", line) for line in LOG.splitlines()), now=NOW)


def test_the_year_is_the_one_before_new_year() -> None:
    years = [entry.at.year for entry in entries()]
    assert years[:2] == [2025, 2025]
    assert set(years[2:]) == {2026}


def test_lines_are_read_in_their_parts() -> None:
    found = entries()
    assert (found[0].subsystem, found[0].level) == ("TOTEM", "notice")
    agent = next(e for e in found if e.agent)
    assert (agent.agent, agent.text) == (
        "ClusterIP",
        "IPaddr2(ClusterIP): INFO: Adding inet address",
    )
    assert len(found) == 11  # the line without a time is none


def test_events_are_what_has_happened_and_not_the_steps_to_it() -> None:
    texts = [e.text for e in entries() if log_lines.is_event(e)]
    assert "ClusterIP_start_0 done after 203 ms" in texts
    assert "ClusterIP_stop_0 failed" in texts
    assert not any("is asked for" in text or "_monitor_0" in text for text in texts)


def test_transitions_have_their_plan_their_end_and_their_configuration() -> None:
    commits = [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), "0.1"),
        (datetime(2026, 1, 2, 10, 0, 3, tzinfo=UTC), "0.2"),
    ]
    seven, eight = log_lines.transitions(entries(), commits)
    assert (seven.number, seven.result, seven.done, seven.actions) == (7, "complete", 3, 3)
    assert seven.changes == ("ClusterIP: start on alpha",)
    assert (seven.revision, eight.revision) == ("0.1", "0.2")
    assert (eight.result, eight.reason) == ("over early", "new quorum")


def test_lines_about_a_resource_are_not_those_of_another_with_a_longer_name() -> None:
    line = "Jan 02 10:00:02 notice  [LRMD  ] ClusterIP2_start_0 done"
    (entry,) = log_lines.read([("alpha", line)], now=NOW)
    assert not log_lines.about_resource(entry, ["ClusterIP"])
    assert log_lines.about_resource(entry, ["ClusterIP2"])
    assert log_lines.about_node(entries()[1], ["alpha"])
    assert not log_lines.about_node(entries()[1], ["alph"])


@given(st.lists(st.text(max_size=80), max_size=5))
def test_any_line_is_read_without_an_exception(lines: list[str]) -> None:
    prefixed = [f"Feb 29 25:61:61 {line}" for line in lines] + [
        f"Jan 02 10:00:00 {x}" for x in lines
    ]
    found = log_lines.read((("n", line) for line in [*lines, *prefixed]), now=NOW)
    log_lines.transitions(found)
    log_lines.text(found)
    assert all(entry.at.month == 1 for entry in found if entry.line.startswith("Jan"))


REAL = """\
Jan 02 10:00:00.100 alpha pacemaker-schedulerd[46] (rsc_action_default) \tinfo: Leave db (Started beta)
Jan 02 10:00:00.200 alpha pacemaker-schedulerd[46] (log_list_item) \tnotice: Actions: Start      web       (    beta )
Jan 02 10:00:00.300 alpha pacemaker-controld  [47] (execute_rsc_action) \tnotice: Initiating start operation web_start_0 on beta | action 5
Jan 02 10:00:01.000 alpha pacemaker-controld  [47] (pcmk__execute_graph) \tnotice: Transition 12 (Complete=3, Pending=0, Fired=0, Skipped=1, Incomplete=2, Source=/var/lib/pacemaker/pengine/pe-input-6.bz2): Stopped
Jan 02 10:00:02.000 [21] alpha corosync notice  [TOTEM ] A new membership (1.2) was formed.
Jan 02 10:00:03.000 alpha pacemaker-based     [42] (cib_perform_op) \tinfo: the start failed
"""  # noqa: E501 - as they are written


def test_lines_of_pacemaker_and_corosync_are_read_in_their_parts() -> None:
    found = log_lines.read((("alpha", line) for line in REAL.splitlines()), now=NOW)
    assert [(e.level, e.subsystem.removeprefix("pacemaker-")) for e in found] == [
        ("info", "schedulerd"), ("notice", "schedulerd"), ("notice", "controld"),
        ("notice", "controld"), ("notice", "TOTEM"), ("info", "based"),
    ]  # fmt: skip
    events = [entry.text for entry in found if log_lines.is_event(entry)]
    assert events == ["Initiating start operation web_start_0 on beta | action 5",
                      "A new membership (1.2) was formed."]  # fmt: skip
    (one,) = log_lines.transitions(found)
    assert (one.number, one.result, one.done, one.actions) == (12, "over early", 3, 6)
    assert one.changes == ("Start web ( beta )",)

"""Small values: versions, scores, lengths of time, dates, ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.cib.dates import DateSpec, add_duration, parse_datetime
from crmsh_py.cib.durations import (
    Duration,
    format_ms,
    is_duration,
    lenient_ms,
    parse_iso,
    parse_ms,
    readable_ms,
)
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import IdMaker, check_id
from crmsh_py.cib.scores import (
    INFINITY,
    add_scores,
    format_score,
    is_score,
    lenient_score,
    parse_score,
)
from crmsh_py.cib.version import Version
from crmsh_py.errors import ConfigError
from crmsh_py.whole_numbers import is_number, whole

# ---- versions ----------------------------------------------------------------------------------


def test_versions_are_ordered_as_numbers_of_three_digits() -> None:
    assert Version(0, 9, 0) < Version(0, 10, 0) < Version(1, 0, 0)
    assert str(Version(0, 5, 1)) == "0.5.1"
    assert Version.parse("0.5.1") == Version(0, 5, 1)
    assert Version(0, 5, 9).next_epoch() == Version(0, 6, 0)
    assert Version(0, 5, 9).next_update() == Version(0, 5, 10)


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 30])
def test_a_version_of_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="epoch"):
        Version.from_element(Element("cib", {"epoch": text}))


# ---- scores ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("INFINITY", INFINITY),
        ("+INFINITY", INFINITY),
        ("-infinity", -INFINITY),
        ("100", 100),
        ("+5", 5),
        ("-5", -5),
        ("00000000000000000007", 7),
        ("99999999", INFINITY),
        ("-" + "9" * 5000, -INFINITY),
        ("1.9", 1),
        ("red", -INFINITY),
        ("green", 0),
    ],
)
def test_scores(text: str, score: int) -> None:
    assert parse_score(text) == score
    assert is_score(text)


@pytest.mark.parametrize("text", ["", "abc", "1e5", "--1", "INF INITY", "1.2.3", "٣"])
def test_what_is_no_score(text: str) -> None:
    assert not is_score(text)
    with pytest.raises(ConfigError, match="is not a score"):
        parse_score(text)


SCORES = st.integers(-INFINITY, INFINITY) | st.sampled_from([INFINITY, -INFINITY])


@settings(max_examples=100, deadline=None)
@given(SCORES, SCORES)
def test_adding_saturates_and_minus_infinity_wins(first: int, second: int) -> None:
    total = add_scores(first, second)
    assert total == add_scores(second, first)
    assert -INFINITY <= total <= INFINITY
    if -INFINITY in (first, second):
        assert total == -INFINITY
    assert parse_score(format_score(total)) == total


# ---- lengths of time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("30s", 30_000),
        ("1min", 60_000),
        ("5minutes", 300_000),
        ("2h", 7_200_000),
        ("100", 100_000),
        ("100ms", 100),
        ("1500us", 1),
        (" 10 s ", 10_000),
        ("1.9s", 1000),
        ("PT5M", 300_000),
        ("P10S", 10_000),
        ("P1DT2H", 93_600_000),
        ("P1M", 30 * 86_400_000),
        ("0", 0),
    ],
)
def test_lengths_of_time(text: str, milliseconds: int) -> None:
    assert parse_ms(text) == milliseconds
    assert is_duration(text)


@pytest.mark.parametrize(
    "text", ["", "banana", "-5", "10x", "s", "P", "PT", "P5", "1d", "5 5", "٣s", "PT٣S", "1ſ"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(ConfigError, match="is not a length of time"):
        parse_ms(text)


def test_an_endless_number_is_cut_and_costs_nothing() -> None:
    assert parse_ms("9" * 10_000) == 2**53


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_the_shortest_form_means_the_same(milliseconds: int) -> None:
    assert parse_ms(format_ms(milliseconds)) == milliseconds


# ---- dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-28", "2026-07-28T00:00:00+00:00"),
        ("20260728T2006Z", "2026-07-28T20:06:00+00:00"),
        ("2026-07-28 20:06:15+02:00", "2026-07-28T20:06:15+02:00"),
        ("2005-001 00:00:00 -0330", "2005-01-01T00:00:00-03:30"),
        ("2026-W05-2", "2026-01-27T00:00:00+00:00"),
        ("2019-09-13T24:00:00", "2019-09-14T00:00:00+00:00"),
        ("epoch", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    assert parse_datetime(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["", "x", "٢٠٢٦-01-01", "2026-02-30", "2026-13-01", "2026-W60", "2026-400", "2026-01-01T25:00"],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a date"):
        parse_datetime(text)


def test_a_date_without_a_zone_is_meant_in_that_of_now() -> None:
    zone = timezone(timedelta(hours=2))
    assert parse_datetime("2026-07-28 20:00", zone).astimezone(UTC).hour == 18


def test_a_month_after_the_31st_is_the_last_day_of_the_next() -> None:
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert add_duration(start, Duration(months=1)).day == 28
    assert add_duration(start, parse_iso("P1Y1M")).date().isoformat() == "2027-02-28"
    with pytest.raises(ConfigError, match="9999"):
        add_duration(start, Duration(years=9000))


def test_a_date_specification_matches_ranges_and_knows_when_it_changes() -> None:
    office = DateSpec.parse({"hours": "9-16", "weekdays": "1-5"})
    friday = datetime(2026, 7, 31, 16, 30, tzinfo=UTC)
    assert office.matches(friday)
    assert office.next_change(friday) == datetime(2026, 7, 31, 17, tzinfo=UTC)
    evening = datetime(2026, 7, 31, 17, tzinfo=UTC)
    assert not office.matches(evening)
    assert office.next_change(evening) == datetime(2026, 8, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields", [{"hours": "x"}, {"hours": "1-2-3"}, {"hours": "٣"}, {"eons": "1"}]
)
def test_a_date_specification_of_nonsense_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        DateSpec.parse(fields)


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "hours": st.sampled_from(["9-16", "0", "23-", "-5"]),
            "weekdays": st.sampled_from(["1-5", "7", "6-7"]),
            "months": st.sampled_from(["1", "6-8", "12-"]),
            "minutes": st.sampled_from(["0-29", "59"]),
        },
    ),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.floats(0, 1),
)
def test_nothing_changes_before_the_announced_time(
    fields: dict[str, str], now: datetime, part: float
) -> None:
    spec = DateSpec.parse(fields)
    change = spec.next_change(now)
    if change is None:
        assert not fields
        return
    assert change > now
    between = now + (change - now - timedelta(seconds=1)) * part
    if between >= now:
        assert spec.matches(between) is spec.matches(now)


# ---- ids ---------------------------------------------------------------------------------------


def test_ids_are_made_as_crmsh_makes_them() -> None:
    maker = IdMaker(["ClusterIP"])
    attributes = maker.attribute_set("ClusterIP", "instance_attributes")
    assert attributes == "ClusterIP-instance_attributes"
    assert maker.nvpair(attributes, "ip") == "ClusterIP-instance_attributes-ip"
    assert maker.operation("WebSite", "monitor", "1min") == "WebSite-monitor-1min"
    assert maker.operation("WebSite", "monitor", None) == "WebSite-monitor"
    assert maker.rule("loc") == "loc-rule"
    assert maker.expression("loc-rule") == "loc-rule-expression"
    assert [maker.child("resource_set", "col") for _ in range(2)] == ["col-0", "col-1"]
    assert [maker.fencing_level() for _ in range(3)] == ["fencing", "fencing-0", "fencing-1"]
    assert maker.recipient("mail") == "mail-recipient-1"
    assert maker.nvpair("status-1", "#feature-set") == "status-1-.feature-set"
    assert maker.attribute_set("1084777482", "utilization") == "num-1084777482-utilization"


def test_a_taken_id_gets_a_number_and_a_freed_one_is_used_again() -> None:
    maker = IdMaker(["p-meta_attributes", "p-meta_attributes-0"])
    assert maker.attribute_set("p", "meta_attributes") == "p-meta_attributes-1"
    maker.free(["p-meta_attributes"])
    assert maker.attribute_set("p", "meta_attributes") == "p-meta_attributes"


@pytest.mark.parametrize("text", ["", "1abc", "a b", "a/b", "-x", "a:b"])
def test_what_cannot_be_an_id(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be an id"):
        check_id(text)


# ---- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "²", "٣", "-1", "1.0", " 1", "9" * 16, "9" * 5000])
def test_what_is_no_number_counts_as_the_default(text: str) -> None:
    assert not is_number(text)
    assert whole(text) == 0
    assert whole(text, 7) == 7


def test_digits_are_a_number() -> None:
    assert is_number("007")
    assert whole("007") == 7
    assert whole("9" * 15) == 10**15 - 1


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (20, "20ms"),
        (1_500, "1.500s"),
        (30_160, "30.160s"),
        (60_000, "1m"),
        (60_500, "1m0.500s"),
        (90_000, "1m30s"),
        (3_600_000, "1h"),
        (90_061_000, "1d1h1m1s"),
    ],
)
def test_durations_read_as_in_pacemakers_messages(milliseconds: int, text: str) -> None:
    assert readable_ms(milliseconds) == text


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 weeks and a day"])
def test_who_only_reads_goes_on_with_a_default(text: str) -> None:
    assert lenient_ms(text, 7) == 7
    assert lenient_ms(text, None) is None
    assert lenient_ms("2s", None) == 2000
    assert lenient_score(text) == 0
    assert lenient_score("-inf") == 0
    assert lenient_score("-INFINITY") == -INFINITY

"""Points in time as the CIB writes them: ISO 8601, calendar arithmetic, and date specifications.

``now`` always comes from outside. A date without a time zone is meant in the zone of ``now``
(Pacemaker means the local one); results are aware datetimes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from crmsh_py.cib.durations import Duration
from crmsh_py.errors import ConfigError
from crmsh_py.value import frozen

# Few configurations have dates: what reads them is compiled when the first one comes.
_DATE = (
    r"(?P<year>[0-9]{4})(?:"
    r"-?W(?P<week>[0-9]{2})(?:-?(?P<weekday>[1-7]))?"
    r"|-?(?P<yearday>[0-9]{3})(?![0-9])"
    r"|-(?P<month>[0-9]{1,2})(?:-(?P<day>[0-9]{1,2}))?"
    r"|(?P<month2>[0-9]{2})(?P<day2>[0-9]{2})"
    r")"
)
_TIME = (
    r"(?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?"
    r"\s*(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS_LIMIT = 2000  # how far ``next_change`` looks ahead: it may answer too early, never too late


def parse_datetime(text: str, zone: tzinfo | None = UTC) -> datetime:
    """A point in time: calendar date, ordinal date (2026-123) or week date (2026-W05-2).

    The time of day may follow after ``T`` or a blank; ``epoch`` is 1970-01-01. Raises ConfigError.
    """
    word = text.strip()
    if word.lower() == "epoch":
        return _EPOCH
    date = re.match(_DATE, word)
    rest = word[date.end() :].lstrip(" T") if date else word
    clock = re.fullmatch(_TIME, rest) if rest else None
    if not date or (rest and not clock) or (rest and word[date.end()] not in " T"):
        raise _not_a_date(text)
    try:
        day = _day(date)
        seconds = 0
        offset = zone or UTC
        if clock:
            seconds = _seconds(clock)
            offset = _zone(clock.group("zone")) or offset
        return day.replace(tzinfo=offset) + timedelta(seconds=seconds)
    except (ValueError, OverflowError) as error:
        raise _not_a_date(text) from error


def add_duration(start: datetime, duration: Duration) -> datetime:
    """Calendar arithmetic: a month after January 31st is the last of February."""
    from calendar import monthrange

    months = start.year * 12 + start.month - 1 + duration.years * 12 + duration.months
    year, month = months // 12, months % 12 + 1
    try:
        day = min(start.day, monthrange(year, month)[1])
        moved = start.replace(year=year, month=month, day=day)
        return moved + timedelta(
            weeks=duration.weeks,
            days=duration.days,
            hours=duration.hours,
            minutes=duration.minutes,
            seconds=duration.seconds,
        )
    except (ValueError, OverflowError) as error:
        raise ConfigError("this length of time leads beyond the year 9999") from error


# ---- date specifications -----------------------------------------------------------------------

_FIELDS: Mapping[str, Callable[[datetime], int]] = {
    "seconds": lambda t: t.second,
    "minutes": lambda t: t.minute,
    "hours": lambda t: t.hour,
    "monthdays": lambda t: t.day,
    "weekdays": lambda t: t.isoweekday(),
    "yeardays": lambda t: t.timetuple().tm_yday,
    "yearsdays": lambda t: t.timetuple().tm_yday,  # Pacemaker 1's spelling
    "months": lambda t: t.month,
    "weeks": lambda t: t.isocalendar().week,
    "years": lambda t: t.year,
    "weekyears": lambda t: t.isocalendar().year,
}
_RANGE = r"\s*(?:([0-9]{1,9})\s*(-\s*([0-9]{1,9})?)?|-\s*([0-9]{1,9}))\s*"


@frozen
class DateSpec:
    """A pattern of dates: inclusive ranges by field; None means open."""

    ranges: tuple[tuple[str, int | None, int | None], ...]

    @classmethod
    def parse(cls, attributes: Mapping[str, str]) -> DateSpec:
        """Read the attributes of a ``<date_spec>``; unknown ones count as ConfigError."""
        ranges = []
        for name, text in attributes.items():
            if name in ("id", "moon"):  # the phase of the moon was never more than a joke
                continue
            found = re.fullmatch(_RANGE, text)
            if name not in _FIELDS or not found:
                raise ConfigError(f"“{name}={text}” is no part of a date specification")
            first, dash, last, until = found.groups()
            low = int(first) if first else None
            high = int(until or last) if (until or last) else (None if dash else low)
            ranges.append((name, low, high))
        return cls(tuple(ranges))

    def matches(self, now: datetime) -> bool:
        """Whether ``now`` lies in every range."""
        for name, low, high in self.ranges:
            value = _FIELDS[name](now)
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        return True

    def next_change(self, now: datetime) -> datetime | None:
        """When ``matches`` may give another answer; possibly earlier, never later."""
        return _next_change(self, now, now.tzinfo) if self.ranges else None

    def step(self, at: datetime) -> datetime:
        """The next boundary of the finest field."""
        names = {name for name, _, _ in self.ranges}
        second = at.replace(microsecond=0)
        if "seconds" in names:
            return second + timedelta(seconds=1)
        if "minutes" in names:
            return second.replace(second=0) + timedelta(minutes=1)
        if "hours" in names:
            return second.replace(second=0, minute=0) + timedelta(hours=1)
        return second.replace(second=0, minute=0, hour=0) + timedelta(days=1)


@lru_cache(maxsize=1024)  # a plan asks for every node and every resource that has the same rule
def _next_change(spec: DateSpec, now: datetime, _zone: tzinfo | None) -> datetime | None:
    """The zone is a part of the key: a moment equals itself on another clock."""
    today = spec.matches(now)
    at = now
    try:
        for _ in range(_STEPS_LIMIT):
            at = spec.step(at)
            if spec.matches(at) is not today:
                break
    except OverflowError:
        return None
    return at


def _day(date: re.Match[str]) -> datetime:
    year = int(date.group("year"))
    if week := date.group("week"):
        return datetime.fromisocalendar(year, int(week), int(date.group("weekday") or 1))
    if yearday := date.group("yearday"):
        number = int(yearday)
        day = datetime(year, 1, 1) + timedelta(days=number - 1)
        if number < 1 or day.year != year:
            raise ValueError(yearday)
        return day
    month = int(date.group("month") or date.group("month2"))
    day_of_month = int(date.group("day") or date.group("day2") or 1)
    return datetime(year, month, day_of_month)


def _seconds(clock: re.Match[str]) -> int:
    hour, minute, second = (int(clock.group(name) or 0) for name in ("hour", "minute", "second"))
    total = hour * 3600 + minute * 60 + second
    if minute > 59 or second > 60 or total > 86400:
        raise ValueError(clock.group())
    return total


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def _not_a_date(text: str) -> ConfigError:
    return ConfigError(f"“{text}” is not a date", hint="write it as 2026-07-28 20:06:15 (ISO 8601)")

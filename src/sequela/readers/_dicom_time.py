"""DICOM's dates, times and ages: local times of a zone that a file may tell, as moments in UTC.

A time without an offset (0008,0201) is of the zone that the reader was told; where it was told none, it counts as relative. A
date alone begins where it begins, and what happened on it is known when it is over.
Source: DICOM PS3.5, 6.2 (DA, TM, DT, AS).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sequela.errors import DataError

DATE = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)")
TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?")
STAMP = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?")
OFFSET = re.compile(r"([+-])(\d\d)(\d\d)")
AGE = re.compile(r"(\d{1,3})([DWMY])")
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
DAY = timedelta(days=1)


class Moment(NamedTuple):
    """When something was, in UTC without a zone."""

    time: datetime
    available: datetime | None  # when it is known, where that is later than its time
    relative: bool  # its zone is not known, or its date was moved: differences mean something, the date does not


def moment(date: str, time: str, offset: str, zone: str) -> Moment:
    """The moment of a date and a time of day, "" where there is none; offset "+0100", or "" for the time of this zone.

    Raises DataError for what is no date, no time, or an hour that the zone has not, or has twice.

    >>> moment("20200119", "112200", "+0100", "").time
    datetime.datetime(2020, 1, 19, 10, 22)
    >>> moment("20200119", "", "", "UTC").available
    datetime.datetime(2020, 1, 20, 0, 0)
    """
    found, hour = DATE.fullmatch(date), TIME.fullmatch(time) if time else None
    if not found or (time and not hour):
        raise DataError("it has a date or time that cannot be read")
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]))
        local = day + _since_midnight(hour) if hour else day
        told = _zone(offset, zone)
        if hour:
            return Moment(_utc(local, told), None, told is None)
        return Moment(_utc(day, told), _utc(day + DAY, told), told is None)
    except (ValueError, OverflowError) as error:
        raise DataError("it has a date or time that cannot be read") from error


def stamp(text: str, offset: str, zone: str) -> Moment:
    """The same of a date and time in one (DT), which may end with its own offset."""
    found = STAMP.fullmatch(text)
    if not found:
        raise DataError("it has a date or time that cannot be read")
    return moment(found[1], found[2] or "", found[3] or offset, zone)


def age(told: str, born: str, at: datetime | None) -> float | None:
    """Years: of an age such as "072Y" or "010M", else from the date of birth to this time; None where neither is told.

    >>> age("018M", "", None)
    1.5
    """
    found = AGE.fullmatch(told)
    if found:
        return int(found[1]) * YEARS[found[2]]
    day = DATE.fullmatch(born)
    if not day or at is None:
        return None
    try:
        years = (at - datetime(int(day[1]), int(day[2]), int(day[3]))) / timedelta(days=365.25)
    except ValueError:
        return None
    return years if years >= 0 else None


def _since_midnight(found: re.Match[str]) -> timedelta:
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:  # 60: a leap second
        raise ValueError("no time of day")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=int((found[4] or "0").ljust(6, "0")))


def _zone(offset: str, zone: str) -> tzinfo | None:
    if not offset:
        return ZoneInfo(zone) if zone else None
    found = OFFSET.fullmatch(offset)
    if not found:
        raise ValueError("no offset")
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-ahead if found[1] == "-" else ahead)


def _utc(local: datetime, zone: tzinfo | None) -> datetime:
    if zone is None:
        return local
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first != second:
        raise DataError("a local time that the time zone has not, or has twice")
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)

"""FHIR's dates and times as moments in UTC.

A time with an offset is an instant. A date, a month or a year alone stands for the whole of it: it begins where it begins, and
what happened in it is known when it is over. Source: HL7 FHIR R4, datatypes, dateTime.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sequela.errors import DataError

_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_OFFSET = re.compile(r".*(Z|[+-]\d\d:\d\d)")


class Moment(NamedTuple):
    """From `start` until `end`, UTC without a zone; both the same for an instant."""

    start: datetime
    end: datetime


@lru_cache(maxsize=65536)
def moment(text: str, timezone: str = "UTC") -> Moment:
    """The moment that a date, dateTime or instant says; `timezone` is that of dates without a time of day.

    Raises DataError for a time without an offset, and for what is no time.

    >>> moment("2020-05-01T14:00:00+02:00").start
    datetime.datetime(2020, 5, 1, 12, 0)
    >>> moment("2020-05").end
    datetime.datetime(2020, 6, 1, 0, 0)
    """
    try:
        partial = _PARTIAL.fullmatch(text)
        return _whole(partial, ZoneInfo(timezone)) if partial else _instant(text)
    except (ValueError, OverflowError) as error:
        raise DataError("a time that cannot be read") from error


def _instant(text: str) -> Moment:
    read = datetime.fromisoformat(text)
    if not _OFFSET.fullmatch(text):
        raise DataError("a time of day without an offset from UTC")
    utc = read.astimezone(UTC).replace(tzinfo=None)
    return Moment(utc, utc)


def _whole(partial: re.Match[str], zone: ZoneInfo) -> Moment:
    year, month, day = (int(part) if part else 0 for part in partial.groups())
    start = datetime(year, month or 1, day or 1, tzinfo=zone)
    if day:
        end = datetime.fromordinal(start.toordinal() + 1).replace(tzinfo=zone)
    elif month:
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    else:
        end = datetime(year + 1, 1, 1, tzinfo=zone)
    return Moment(*(each.astimezone(UTC).replace(tzinfo=None) for each in (start, end)))

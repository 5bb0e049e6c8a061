"""DICOM's own forms of dates, times and ages."""

from __future__ import annotations

from datetime import datetime

import pytest

from sequela.errors import DataError
from sequela.readers._dicom_time import age, moment, stamp


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("20200119", "112233.123456", datetime(2020, 1, 19, 11, 22, 33, 123456)),
        ("20200119", "112233.5", datetime(2020, 1, 19, 11, 22, 33, 500000)),
        ("20200119", "1122", datetime(2020, 1, 19, 11, 22)),
        ("20200119", "11", datetime(2020, 1, 19, 11)),
        ("2020.01.19", "11:22:33", datetime(2020, 1, 19, 11, 22, 33)),  # as before 1993
        ("20161231", "235960", datetime(2017, 1, 1)),  # a leap second
    ],
)
def test_dates_and_times_are_read_in_every_form(date: str, time: str, expected: datetime) -> None:
    assert moment(date, time, "", "UTC") == (expected, None, False)


@pytest.mark.parametrize(
    ("date", "time"), [("2020", ""), ("20201301", ""), ("20200119", "25"), ("20200119", "1"), ("20200119", "noon")]
)
def test_what_is_no_date_or_time_is_refused(date: str, time: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        moment(date, time, "", "UTC")


def test_an_offset_goes_before_the_zone() -> None:
    assert moment("20200719", "1200", "-0330", "Europe/Berlin").time == datetime(2020, 7, 19, 15, 30)
    assert moment("20200719", "1200", "", "Europe/Berlin").time == datetime(2020, 7, 19, 10)
    assert moment("20200719", "1200", "", "") == (datetime(2020, 7, 19, 12), None, True)


def test_an_hour_that_the_zone_has_not_or_has_twice_is_refused() -> None:
    for date in ("20200329", "20201025"):
        with pytest.raises(DataError, match="has not, or has twice"):
            moment(date, "0230", "", "Europe/Berlin")


def test_a_date_and_time_in_one_may_bring_its_own_offset() -> None:
    assert stamp("20200119112233.5+0200", "", "") == (datetime(2020, 1, 19, 9, 22, 33, 500000), None, False)
    assert stamp("20200119", "", "UTC").available == datetime(2020, 1, 20)
    with pytest.raises(DataError, match="cannot be read"):
        stamp("202001", "", "UTC")


@pytest.mark.parametrize(
    ("told", "born", "years"),
    [
        ("072Y", "", 72.0),
        ("006M", "", 0.5),
        ("052W", "", 364 / 365.25),
        ("", "20100119", 3652 / 365.25),
        ("", "", None),
        ("72", "", None),
    ],
)
def test_ages_are_in_years(told: str, born: str, years: float | None) -> None:
    found = age(told, born, datetime(2020, 1, 19))
    assert found == (years if years is None else pytest.approx(years))


def test_an_age_before_birth_is_not_told() -> None:
    assert age("", "20300101", datetime(2020, 1, 19)) is None

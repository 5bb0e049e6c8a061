"""A quantity at several times ahead: what falls into which bin, what is not known, what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError
from sequela.study import ahead, cohort, cut

IN = "ICU//ADMISSION"
HOURLY = {"code": "HR", "within": "3h", "every": "1h", "value": "mean"}
tolerant = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def asked(study, **outcome):
    return study(
        cohort={"index": IN, "predict_at": "2h"},
        outcome={name: value for name, value in {**HOURLY, **outcome}.items() if value is not None},
        task="forecast",
    )


def target(store, study, events, **outcome):
    return cohort.build(store([("a", 0, IN, None), *events]), asked(study, **outcome))[0].target


def test_a_bin_is_open_where_it_begins_and_closed_where_it_ends(store, study):
    found = target(store, study, [("a", h, "HR", v) for h, v in [(2, 1), (2.5, 10), (3, 20), (3.5, 30), (4, 50), (9, 7)]])
    assert found.names == ("HR +1h", "HR +2h", "HR +3h")
    assert found.values.tolist() == [[15, 40, 0]]
    assert found.known.tolist() == [[True, True, False]]


def test_a_bin_that_the_record_does_not_last_to_the_end_of_is_not_known(store, study):
    found = target(store, study, [("a", 2.5, "HR", 10), ("a", 3.2, "HR", 20), ("a", 3.9, "BP", 1)])
    assert found.known.tolist() == [[True, False, False]]


def test_a_gap_comes_before_the_first_bin_and_counts_in_its_name(store, study):
    found = target(store, study, [("a", h, "HR", h) for h in (2.2, 2.6, 3.4, 8)], gap="30min", within="2h")
    assert found.names == ("HR +1.5h", "HR +2.5h")
    assert found.values[0, 0] == pytest.approx((2.6 + 3.4) / 2)


@pytest.mark.parametrize(("which", "expected"), [("first", 10), ("last", 30), ("mean", 20), ("min", 10), ("max", 30)])
def test_a_bin_is_summed_up_as_the_study_says(store, study, which, expected):
    found = target(store, study, [("a", 2.1, "HR", 10), ("a", 2.9, "HR", 30), ("a", 9, "HR", 0)], value=which)
    assert found.values[0, 0] == expected


def test_each_of_several_codes_has_its_columns(store, study):
    events = [("a", h, code, v) for h in (2.5, 3.5, 4.5, 9) for code, v in (("HR", h), ("BP", 10 * h))]
    found = target(store, study, events, code=["HR", "BP"])
    assert found.names == ("HR +1h", "HR +2h", "HR +3h", "BP +1h", "BP +2h", "BP +3h")
    assert found.values.tolist() == [[2.5, 3.5, 4.5, 25, 35, 45]]


def test_a_row_of_which_nothing_is_known_is_left_out_and_counted(store, study):
    events = [("a", 0, IN, None), ("a", 2.5, "HR", 1), ("a", 9, "HR", 1), ("b", 0, IN, None), ("b", 1, "HR", 1)]
    rows, flow = cohort.build(store(events), asked(study))
    assert rows.source_id.tolist() == ["a"]
    assert flow.refused == {"b": "label not known"}


@given(
    hours=st.lists(st.integers(0, 40), min_size=1, max_size=25),
    bins=st.integers(1, 5),
    gap=st.integers(0, 3),
    which=st.sampled_from(["mean", "last"]),
)
@tolerant
def test_the_bins_are_those_of_a_plain_loop(store, study, hours, bins, gap, which):
    events = [("a", hour / 4, "HR", number) for number, hour in enumerate(sorted(hours))]
    given = {"every": "30min", "within": f"{30 * bins}min", "gap": f"{30 * gap}min", "value": which}
    data = store([("a", 0, IN, None), *events])
    found = cohort.build(data, asked(study, **given), labelled=False)[0].target
    for column in range(bins):
        begin = 8 + 2 * gap + 2 * column  # quarters of an hour
        inside = [value for _, hour, _, value in events if begin < 4 * hour <= begin + 2]
        known = bool(inside) and max(hours) >= begin + 2
        assert found.known[0, column] == known
        if known:
            assert found.values[0, column] == (inside[-1] if which == "last" else pytest.approx(np.mean(inside)))


@given(hours=st.lists(st.integers(0, 40), min_size=1, max_size=25))
@tolerant
def test_nothing_that_is_forecast_is_known_and_nothing_known_is_forecast(store, study, hours):
    events = [("a", hour / 4, "HR", float(place)) for place, hour in enumerate(sorted(set(hours)))]
    data = store([("a", 0, IN, None), *events, ("a", 50, "BP", 0)])
    plan = asked(study, within="8h", every="15min", value="last")
    rows, _ = cohort.build(data, plan, labelled=False)
    seen = set(cut.known(data, rows, None).events.filter(pl.col("code") == "HR")["numeric_value"])
    foreseen = set(rows.target.values[rows.target.known].tolist())
    assert not seen & foreseen
    assert seen | foreseen == {value for _, hour, _, value in events if hour <= 10}


@given(hours=st.lists(st.integers(0, 8), max_size=12), other=st.lists(st.integers(1, 1000), min_size=1, max_size=5))
@tolerant
def test_what_is_forecast_changes_no_input(store, study, hours, other):
    before = [("a", 0, IN, None), *(("a", hour / 4, "HR", 70) for hour in hours), ("a", 50, "HR", 0)]
    after = [*before, *(("a", 2 + minutes / 60, "HR", 99) for minutes in other)]
    known = [
        cut.known(data, cohort.build(data, asked(study), labelled=False)[0], None).events
        for data in (store(before), store(after))
    ]
    assert known[0].equals(known[1])


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({"every": None}, "outcome.every is missing"),
        ({"within": ""}, "outcome.within is missing"),
        ({"value": ""}, "outcome.value is missing"),
        ({"code": ""}, "outcome.code is missing"),
        ({"within": "stay"}, "fixed time ahead"),
        ({"within": "100min"}, "is not one to 1000 times"),
        ({"within": "0h"}, "is not one to 1000 times"),
        ({"every": "1s"}, "is not one to 1000 times"),
        ({"gap": "-1h"}, "after a gap"),
        ({"recurs": True}, "and no more"),
        ({"column": "y"}, "and no more"),
    ],
)
def test_what_is_no_forecast_is_refused(store, study, outcome, told):
    data = store([("a", 0, IN, None), ("a", 3, "HR", 1), ("a", 9, "HR", 1)])
    with pytest.raises(ConfigError, match=told):
        cohort.build(data, asked(study, **outcome))


def test_several_times_ahead_are_of_a_forecast_alone(store, study):
    data = store([("a", 0, IN, None), ("a", 3, "HR", 1), ("a", 9, "HR", 1)])
    with pytest.raises(ConfigError, match=r"outcome\.every is of a forecast, not of a regression question"):
        cohort.build(data, study(cohort={"index": IN}, task="regression", outcome=HOURLY))


def test_rows_without_a_time_have_no_time_ahead(store, study):
    data = store([("a", None, "AGE", 60), ("a", 3, "HR", 1)])
    with pytest.raises(ConfigError, match="rows with a time"):
        cohort.build(data, study(cohort={"index": "SAMPLE"}, task="forecast", outcome=HOURLY))


def test_the_name_of_a_column_is_taken_apart_again():
    names = ahead.names(config.Outcome(code=["A +2h", "B"], within="1.5s", every="500ms"))
    assert [ahead.taken_apart(name) for name in names] == [(c, s) for c in ("A +2h", "B") for s in (0.5, 1.0, 1.5)]
    code, seconds = ahead.taken_apart("length of stay")
    assert code == "" and np.isnan(seconds)

"""What a prediction tells of curves: risks by horizon, median, restricted mean, and what is left to come for one who is free."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela import config
from sequela.bundle import timed
from sequela.bundle.prediction import Prediction
from sequela.errors import UsageError
from sequela.types import Curves

YEAR = 365.25
OUTCOME = config.Outcome(code=["EVENT//death", "EVENT//graft"], horizons=["1y", "2y"], unit="years")
NAMES = ("death", "graft")
# death comes evenly, a fifth each year; graft a tenth in the first year
CURVES = Curves(np.array([YEAR, 2 * YEAR]), np.array([[[0.2, 0.4], [0.1, 0.1]]]))


def said(free="", curves=CURVES):
    (one,) = timed.told(curves, timed.asked(OUTCOME, NAMES, free))
    return replace(Prediction("p", "p", None), **one)


def test_the_risk_of_each_cause_by_each_horizon():
    one = said()
    assert one.risk == {"death": {"1y": 0.2, "2y": 0.4}, "graft": {"1y": 0.1, "2y": 0.1}}
    assert one.incidence == {"unit": "years", "times": [1, 2], "causes": {"death": [0.2, 0.4], "graft": [0.1, 0.1]}}
    assert one.median == pytest.approx(2.0) and one.unit == "years"
    assert one.restricted_to == 2 and one.restricted_mean == pytest.approx((1 + 0.7) / 2 + (0.7 + 0.5) / 2)
    assert one.text() == "p: death 0.200 by 1y, 0.400 by 2y; graft 0.100 by 1y, 0.100 by 2y; median 2 years"


def test_a_median_that_is_never_reached_is_none():
    low = Curves(CURVES.times, CURVES.incidence / 2)
    assert said(curves=low).median is None and said(curves=low).text().endswith("median not reached")


def test_who_is_free_for_a_year_has_a_year_left():
    one = said("1y")
    assert one.risk == {"death": {"1y": pytest.approx(0.2 / 0.7)}, "graft": {"1y": 0.0}}
    assert one.restricted_to == 1 and one.free == "1y"
    assert one.text().startswith("p: if nothing has come for 1y, and counted from then on: death 0.286 by 1y")


@pytest.mark.parametrize("free", ["2y", "3y", "0d", "-1y"])
def test_a_time_that_is_not_before_the_last_horizon_is_refused(free):
    with pytest.raises(UsageError, match="no time before the last horizon"):
        said(free)


def test_as_json_it_is_one_line_with_every_number():
    told = json.loads(said("6mo").json())
    assert told["free"] == "6mo" and set(told["risk"]) == set(NAMES) and told["probabilities"] is None
    assert len(told["incidence"]["times"]) == len(told["incidence"]["causes"]["death"])


def test_one_of_whom_nothing_can_be_left_has_nulls_and_no_error():
    sure = Curves(CURVES.times, np.array([[[1.0, 1.0], [0.0, 0.0]]]))
    told = json.loads(said("1y", sure).json())
    assert told["risk"]["death"]["1y"] is None and told["restricted_mean"] is None


@given(st.floats(1, 700), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_what_came_and_what_is_left_make_up_the_whole(days, steps):
    rise = np.cumsum(np.array(steps) / 5).reshape(1, 1, 4)
    curves = Curves(np.array([200.0, 365.25, 500, 2 * YEAR]), rise)
    plan = timed.asked(config.Outcome(code="EVENT//death", horizons=["1y", "2y"]), ("death",), f"{days!r}d")
    (one,) = timed.told(curves, plan)
    left, before = one["incidence"]["causes"]["death"][-1], float(curves.at(days)[0, 0])
    assert before + (1 - before) * left == pytest.approx(rise[0, 0, -1], abs=1e-9)

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.modalities import measurements
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale
from sequela.types import Known

KINDS = {"HR": "measurement", "BP": "measurement", "AGE": "static"}


def chart(*points: tuple[int, float | None, str, float], count: int = 0) -> Known:
    """Known of (row, hours before the prediction, code, value)."""
    points = tuple(sorted(points, key=lambda p: (p[0], -np.inf if p[1] is None else -p[1])))
    row, hours, code, value = zip(*points, strict=True) if points else ((), (), (), ())
    position = [float("nan") if h is None else -h / 24 for h in hours]
    frame = events({"row": row, "position": position, "code": code, "numeric_value": value})
    return Known(count or max(row, default=-1) + 1, frame, Held({}), KINDS)


def bare(**options: object) -> measurements.Measurements:
    """Measurements that leave numbers as they are."""
    return measurements.build(measurements.Config(**{"scale": "none", "clip": 0, "codes": ("HR", "BP"), **options}))


EXAMPLE = chart((0, 5, "HR", 80), (0, 5, "BP", 120), (0, 3, "HR", 90), (0, 0, "BP", 110), (1, 2, "HR", 70), count=3)


def read(known: Known, **options: object):
    made = bare(**options)
    return made.read(known, made.fit(known))


def test_event_by_event_there_is_a_step_for_each_moment():
    ragged = read(EXAMPLE)
    assert ragged.offsets.tolist() == [0, 3, 4, 4]
    assert ragged.position.tolist() == pytest.approx([-5 / 24, -3 / 24, 0, -2 / 24])
    assert ragged.values.tolist() == [[80, 120], [90, 0], [0, 110], [70, 0]]
    assert ragged.seen.tolist() == [[True, True], [True, False], [False, True], [True, False]]


def test_side_is_hours_since_each_code_was_seen_before():
    assert read(EXAMPLE).side.tolist() == pytest.approx(np.array([[0, 0], [2, 2], [3, 5], [0, 0]]), rel=1e-5)
    assert read(EXAMPLE, elapsed_cap=4).side.max() == 4
    assert read(EXAMPLE, elapsed="log_hours").side[2].tolist() == pytest.approx(np.log1p([3, 5]))


def test_a_code_never_seen_counts_from_the_start_of_the_row():
    assert read(chart((0, 9, "HR", 1), (0, 4, "HR", 1), (0, 1, "BP", 1))).side[:, 1].tolist() == pytest.approx([0, 5, 8])


def test_a_grid_ends_at_the_prediction_and_holds_its_empty_steps():
    known = chart((0, 4, "HR", 10), (0, 3.5, "HR", 30), (0, 2, "HR", 1), (0, 0, "BP", 5), (1, 0.5, "BP", 7), count=3)
    ragged = read(known, grid="1h", steps=4)
    assert ragged.offsets.tolist() == [0, 4, 8, 8]
    assert ragged.position[:4].tolist() == pytest.approx([-3 / 24, -2 / 24, -1 / 24, 0])
    assert ragged.values[:4].tolist() == [[20, 0], [1, 0], [0, 0], [0, 5]]  # 4 h ago is the far border, 2 h ago the end of a step
    assert ragged.values[4:].tolist() == [[0, 0], [0, 0], [0, 0], [0, 7]]


def test_points_before_the_grid_are_no_part_of_it():
    ragged = read(chart((0, 9, "HR", 1), (0, 1.5, "HR", 2), (1, 9, "BP", 3)), grid="1h", steps=2)
    assert ragged.offsets.tolist() == [0, 2, 2]
    assert ragged.values.tolist() == [[2, 0], [0, 0]]


def test_a_grid_without_steps_runs_from_the_first_to_the_last_seen():
    ragged = read(chart((0, 5.5, "HR", 1), (0, 3.5, "HR", 2), (2, 1, "BP", 3)), grid="1h")
    assert ragged.offsets.tolist() == [0, 3, 3, 4]
    assert ragged.position.tolist() == pytest.approx([-5 / 24, -4 / 24, -3 / 24, -1 / 24])
    assert ragged.values.tolist() == [[1, 0], [0, 0], [2, 0], [0, 3]]


@pytest.mark.parametrize(("how", "expected"), [("mean", 15), ("last", 20)])
def test_values_within_a_step_are_gathered(how, expected):
    assert (
        read(chart((0, 0.6, "HR", 10), (0, 0.2, "HR", 20), (0, 0.1, "BP", 1)), grid="1h", aggregate=how).values[0, 0] == expected
    )


def test_statics_stand_beside_the_sequence():
    ragged = read(chart((0, None, "AGE", 60), (0, 1, "HR", 1), (1, 1, "BP", 2)), context=("AGE",))
    assert ragged.context.tolist() == [[60, 0], [0, 1]]
    assert len(ragged.values) == 2


def test_by_default_the_codes_are_the_measurements_that_are_not_too_rare():
    points = [(n, 1.0, "HR", n) for n in range(300)] + [(0, 2.0, "BP", 1.0)]
    default = measurements.build(measurements.Config())
    state = default.fit(chart(*points))
    assert [feature.code for feature in state.features] == ["HR"]
    assert default.spec(state).side == 1


def test_ranks_become_normal_scores_whatever_the_distribution():
    values = np.random.default_rng(0).lognormal(size=20_000)
    fitted = scale.fit(values, "rank_gauss", clip=3)
    scaled = scale.apply(fitted, values)
    assert abs(scaled.mean()) < 0.02
    assert abs(scaled.std() - 1) < 0.02
    assert (np.diff(scale.apply(fitted, np.sort(values))) >= 0).all()
    assert scale.apply(fitted, np.array([-1e9, 1e9])).tolist() == pytest.approx([-3, 3], abs=0.1)


def test_a_value_met_often_is_placed_in_the_middle_of_its_ranks():
    fitted = scale.fit(np.array([0.0] * 50 + [1.0] * 50), "rank_gauss", knots=100)
    assert scale.ranks(fitted, np.array([0.0, 1.0])).tolist() == pytest.approx([0.25, 0.75], abs=0.01)
    assert scale.apply(scale.fit(np.ones(9), "rank_gauss"), np.ones(1)).tolist() == [0]


@pytest.mark.parametrize(("method", "expected"), [("standard", 2 / np.sqrt(2)), ("robust", 2 * 1.349 / 2), ("none", 5)])
def test_other_scales_are_what_they_say(method, expected):
    fitted = scale.fit(np.array([1.0, 2, 3, 4, 5]), method)
    assert scale.apply(fitted, np.array([5.0]))[0] == pytest.approx(expected)


def test_plain_columns_are_what_a_plain_loop_finds():
    made = bare()
    state = made.fit(EXAMPLE)
    plain = made.plain(EXAMPLE, state)
    row = dict(zip(plain.names, plain.values[0].tolist(), strict=True))
    assert [row[f"HR.{name}"] for name in ("last", "first", "mean", "min", "max", "spread", "count")] == [
        90,
        80,
        85,
        80,
        90,
        5,
        2,
    ]
    assert row["HR.slope"] == pytest.approx(10 / (2 / 24))
    assert row["HR.hours_since"] == pytest.approx(3)
    assert row["BP.mean_q4"] == 110
    assert np.isnan(row["HR.mean_q4"])
    empty = dict(zip(plain.names, plain.values[2].tolist(), strict=True))
    assert [empty["HR.count"], empty["BP.count"]] == [0, 0]
    assert all(np.isnan(value) for name, value in empty.items() if not name.endswith(".count"))


points = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 10), st.sampled_from(["HR", "BP"]), st.integers(1, 9)), min_size=1, max_size=30
)


@given(points=points, grid=st.sampled_from(["", "1h", "3h"]), steps=st.sampled_from([0, 4]))
@settings(max_examples=80, deadline=None)
def test_each_row_is_read_as_it_is_read_alone(points, grid, steps):
    known = chart(*points, count=4)
    made = bare(grid=grid, steps=steps if grid else 0)
    state = made.fit(known)
    ragged = made.read(known, state)
    for row in range(4):
        alone = Known(1, known.events.filter(pl.col("row") == row).with_columns(row=pl.lit(0, pl.Int64)), Held({}), KINDS)
        single = made.read(alone, state)
        steps_of = slice(*ragged.offsets[row : row + 2])
        for name in ("values", "seen", "side", "position"):
            assert np.array_equal(getattr(ragged, name)[steps_of], getattr(single, name)), name
        assert np.array_equal(made.plain(known, state).values[row], made.plain(alone, state).values[0], equal_nan=True)
    assert (np.diff(ragged.position)[np.setdiff1d(np.arange(len(ragged.position) - 1), ragged.offsets[1:-1] - 1)] > 0).all()
    assert not ragged.values[~ragged.seen].any()


@given(points=points)
@settings(max_examples=60, deadline=None)
def test_side_follows_the_recurrence_of_the_paper(points):
    ragged = read(chart(*points, count=4))
    for row in range(4):
        elapsed = np.zeros(ragged.values.shape[1])
        for step in range(ragged.offsets[row], ragged.offsets[row + 1]):
            if step > ragged.offsets[row]:
                gap = (ragged.position[step] - ragged.position[step - 1]) * 24
                elapsed = gap + np.where(ragged.seen[step - 1], 0, elapsed)
            assert ragged.side[step] == pytest.approx(elapsed, rel=1e-5, abs=1e-5)


def test_the_state_survives_json_and_examples_come_from_it_alone():
    random = np.random.default_rng(0)
    training = chart(*[(n, h, c, random.normal(80, 9)) for n in range(50) for h in (1, 9, 30) for c in ("HR", "BP")])
    made = measurements.build(measurements.Config(grid="1h", steps=48))
    state = made.fit(training)
    again = msgspec.json.decode(msgspec.json.encode(state), type=measurements.State)
    assert again == state
    known = made.example(again, 6, seed=3)
    assert known.events.equals(made.example(state, 6, seed=3).events)
    assert known.events["position"].max() <= 0
    assert known.events["row"].is_sorted()
    assert (made.read(known, again).lengths == 48).any()
    assert set(known.events["numeric_value"]).isdisjoint(training.events["numeric_value"])


def test_training_rows_without_measurements_are_refused():
    with pytest.raises(DataError, match="no training row has a number of any of 2 codes"):
        measurements.build(measurements.Config()).fit(chart((0, None, "AGE", 3)))


def test_steps_without_a_grid_are_refused():
    with pytest.raises(ConfigError, match="steps needs a grid"):
        read(EXAMPLE, steps=4)


@pytest.mark.parametrize("grid", ["", "1h", "90min"])
def test_a_grid_is_a_duration_or_none(grid: str) -> None:
    from sequela.config import convert

    assert convert({"grid": grid}, measurements.Config, "inputs.chart").grid == grid


@pytest.mark.parametrize("grid", ["hourly", "-1h", "1"])
def test_a_grid_that_is_no_duration_is_refused(grid: str) -> None:
    from sequela.config import convert

    with pytest.raises(ConfigError, match="grid"):
        convert({"grid": grid}, measurements.Config, "inputs.chart")

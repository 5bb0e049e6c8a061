"""Baselines of forecasts: what they find where the truth is planted, the quantiles around it, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequela import seed as streams
from sequela.baselines import _defaults, autoregressive, last_value, logistic, mean, seasonal
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import DAY, Array, Plain, Ragged, Spec, Target

STEPS, AHEAD, LINE = 24, 6, (80.0, 10.0)
MINUTE = 60e6 / DAY


def rows_of(series: Array, noise: float = 0.0) -> Evidence:
    """Rows "N STEPS+AHEAD" of a series, a step a minute; an input has the first STEPS of them, scaled."""
    count = len(series)
    random = streams.generator(0, "noise")
    truth = series[:, STEPS:] + noise * random.normal(size=(count, AHEAD))
    ragged = Ragged(
        np.arange(count + 1) * STEPS,
        ((series[:, :STEPS].reshape(-1, 1) - LINE[0]) / LINE[1]).astype(np.float32),
        np.tile((np.arange(STEPS) - STEPS + 1) * MINUTE, count),
        np.ones((count * STEPS, 1), bool),
    )
    names = tuple(f"HR +{k + 1}min" for k in range(AHEAD))
    plain = Plain(series[:, [STEPS - 1]].astype(np.float32), ("chart.HR.last",))
    target = Target(truth, np.ones(truth.shape, bool), names)
    spec = Spec("measurements", (1,), "days", ("HR",), lines=(LINE,))
    return Evidence({"chart": ragged}, {"chart": spec}, plain, target, np.arange(count), np.arange(count).astype(str))


def wave(rows: int, seed: int, period: int = 8) -> Array:
    """A wave that comes back after `period` steps, of any height and phase."""
    random = streams.generator(seed, "wave")
    level, height, phase = 60 + 40 * random.random((3, rows, 1))
    return np.asarray(level + height / 5 * np.sin(2 * np.pi * np.arange(STEPS + AHEAD) / period + phase))


def walk(rows: int, seed: int) -> Array:
    return 80 + streams.generator(seed, "walk").normal(size=(rows, STEPS + AHEAD)).cumsum(1)


def test_the_season_that_is_planted_is_found_and_comes_back() -> None:
    baseline = seasonal.build(seasonal.Config())
    baseline.fit(rows_of(wave(60, 0)), rows_of(wave(30, 1)), "forecast", 0)
    rows = rows_of(wave(20, 2))
    np.testing.assert_allclose(baseline.answer(rows).values, rows.target.values, rtol=1e-5)
    assert baseline.chosen["HR"]["chosen"] == {"season": 8}


@pytest.mark.parametrize("season", [1, 2, 4])
def test_a_time_beyond_the_season_goes_back_as_many_seasons_as_it_takes(season: int) -> None:
    baseline = seasonal.build(seasonal.Config(seasons=(season,)))
    rows = rows_of(walk(30, 0))
    baseline.fit(rows, rows, "forecast", 0)
    series, said = walk(30, 0), baseline.answer(rows).values
    for column in range(AHEAD):
        back = STEPS - season + column % season
        np.testing.assert_allclose(said[:, column], series[:, back], rtol=1e-5)


def test_a_step_that_was_not_seen_has_the_value_before_it_and_an_empty_row_the_mean() -> None:
    rows = rows_of(walk(30, 0))
    ragged = rows.inputs["chart"]
    seen = np.asarray(ragged.seen).copy()
    seen[STEPS - 2 : STEPS] = False
    seen[5 * STEPS : 6 * STEPS] = False
    blank = replace(rows, inputs={"chart": replace(ragged, seen=seen)})
    baseline = seasonal.build(seasonal.Config(seasons=(1,)))
    baseline.fit(rows, rows, "forecast", 0)
    said = baseline.answer(blank).values
    np.testing.assert_allclose(said[0], walk(30, 0)[0, STEPS - 3], rtol=1e-5)
    np.testing.assert_allclose(said[5], rows.target.values.mean(0))
    np.testing.assert_allclose(said[6], walk(30, 0)[6, STEPS - 1], rtol=1e-5)


def test_autoregression_has_weights_of_its_own_for_each_time_ahead() -> None:
    random = streams.generator(0, "ar")

    def decaying(rows: int) -> Array:
        off = 10 * random.normal(size=(rows, 1))
        return np.asarray(80 + off * 0.8 ** np.arange(STEPS + AHEAD))

    baseline = autoregressive.build(autoregressive.Config(orders=(1,)))
    baseline.fit(rows_of(decaying(80)), rows_of(decaying(40)), "forecast", 0)
    rows = rows_of(decaying(20))
    np.testing.assert_allclose(baseline.answer(rows).values, rows.target.values, atol=1e-3)
    assert set(baseline.chosen) == set(rows.target.names)


@pytest.mark.parametrize("module", [autoregressive, last_value, mean, seasonal])
def test_quantiles_are_those_of_the_training_residuals_and_hold_on_other_rows(module: object) -> None:
    baseline = module.build(module.Config(levels=(0.2, 0.5, 0.8)))  # type: ignore[attr-defined]
    train = rows_of(walk(2000, 0), noise=3.0)
    baseline.fit(train, rows_of(walk(200, 1), noise=3.0), "forecast", 0)
    rows = rows_of(walk(2000, 2), noise=3.0)
    answer = baseline.answer(rows)
    assert answer.quantiles is not None and answer.quantiles.levels == (0.2, 0.5, 0.8)
    inside = (answer.quantiles.values[:, :, 0] <= rows.target.values) & (rows.target.values <= answer.quantiles.values[:, :, 2])
    np.testing.assert_allclose(inside.mean(0), 0.6, atol=0.04)
    off = train.target.values - baseline.answer(train).values
    expected = np.quantile(off, (0.2, 0.5, 0.8), axis=0).T
    np.testing.assert_allclose(answer.quantiles.values[0] - answer.values[0][:, None], expected)


def test_a_regression_still_has_no_quantiles() -> None:
    rows = rows_of(walk(40, 0))
    alone = replace(rows, target=Target(rows.target.values[:, :1], rows.target.known[:, :1], ("HR",)))
    for module in (autoregressive, last_value, mean):
        baseline = module.build(module.Config())
        baseline.fit(alone, alone, "regression", 0)
        assert baseline.answer(alone).quantiles is None


def test_a_series_of_moments_has_no_season() -> None:
    rows = rows_of(walk(30, 0))
    ragged = rows.inputs["chart"]
    uneven = replace(ragged, position=ragged.position * (1 + np.arange(len(ragged.position)) % 2))
    early = replace(ragged, position=ragged.position - MINUTE)
    for other in (uneven, early):
        with pytest.raises(DataError, match="steps of equal width"):
            seasonal.build(seasonal.Config()).fit(replace(rows, inputs={"chart": other}), rows, "forecast", 0)
    between = replace(rows, target=replace(rows.target, names=tuple(f"HR +{k + 1.5}min" for k in range(AHEAD))))
    with pytest.raises(DataError, match="lie between the steps"):
        seasonal.build(seasonal.Config()).fit(between, between, "forecast", 0)


def test_other_questions_are_refused_and_other_baselines_refuse_a_forecast() -> None:
    rows = rows_of(walk(30, 0))
    with pytest.raises(DataError, match="no answer to a regression question"):
        seasonal.build(seasonal.Config()).fit(rows, rows, "regression", 0)
    with pytest.raises(DataError, match="no forecast of a series"):
        logistic.build(logistic.Config()).fit(rows, rows, "forecast", 0)
    assert _defaults.default_for("forecast", rows.specs) == ["autoregressive", "seasonal", "last_value", "mean"]

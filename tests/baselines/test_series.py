"""Baselines of series and of scores: what they find where the truth is planted, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sequela import seed as streams
from sequela.baselines import _defaults, autoregressive, last_value, score
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.types import Plain, Ragged, Spec, Target

Make = Callable[..., Evidence]


def series(rows: int, seed: int, lengths: tuple[int, int] = (6, 12)) -> Evidence:
    """Rows of an AR(2) series, x' = 0.5 x + 0.3 x_1 + 1, exact; a second feature is noise; a third of the steps is unseen."""
    random = streams.generator(seed, "ar")
    count = random.integers(*lengths, size=rows)
    offsets = np.concatenate([[0], np.cumsum(count)])
    values, seen = np.zeros((offsets[-1], 2), np.float32), np.zeros((offsets[-1], 2), bool)
    target, last = np.zeros((rows, 1)), np.full((rows, 1), np.nan, np.float32)
    for row in range(rows):
        own = np.flatnonzero(random.random(count[row]) < 0.67)
        path = list(random.normal(size=2))
        while len(path) < len(own) + 1:
            path.append(0.5 * path[-1] + 0.3 * path[-2] + 1)
        values[offsets[row] + own, 0], seen[offsets[row] + own, 0] = path[: len(own)], True
        target[row] = path[len(own)]
        last[row] = path[len(own) - 1] if len(own) else np.nan
    values[:, 1] = random.normal(size=len(values))
    ragged = Ragged(offsets, values, np.zeros(offsets[-1]), seen)
    spec = Spec("measurements", (2,), "days", names=("HR", "K"))
    known = np.ones((rows, 1), bool)
    plain = Plain(last, ("chart.HR.last",))
    return Evidence(
        {"chart": ragged}, {"chart": spec}, plain, Target(target, known, ("HR",)), np.arange(rows), np.arange(rows).astype(str)
    )


def test_autoregression_finds_the_planted_weights() -> None:
    baseline = autoregressive.build(autoregressive.Config(orders=(1, 2)))
    long = (12, 20)
    baseline.fit(series(300, 0, long), series(100, 1, long), "regression", 0)
    rows = series(100, 2, long)
    assert np.abs(baseline.answer(rows).values - rows.target.values).max() < 1e-3
    assert baseline.chosen["HR"]["chosen"] == {"order": 2}


def test_unseen_steps_and_other_features_are_no_lags() -> None:
    rows = series(40, 3)
    ragged = rows.inputs["chart"]
    seen = np.asarray(ragged.seen[np.arange(len(ragged.position))])
    scrambled = np.where(seen & (np.arange(2) == 0), ragged.values[np.arange(len(seen))], 99.0)
    other = Evidence({"chart": replace(ragged, values=scrambled)}, rows.specs, rows.plain, rows.target, rows.subject, rows.row_id)
    baseline = autoregressive.build(autoregressive.Config())
    baseline.fit(series(200, 0), series(60, 1), "regression", 0)
    np.testing.assert_array_equal(baseline.answer(rows).values, baseline.answer(other).values)


def test_a_series_shorter_than_the_order_repeats_its_oldest_value() -> None:
    ragged = Ragged(np.array([0, 2, 2, 5]), np.arange(1.0, 6.0)[:, None], np.zeros(5))
    expected = [[2, 1, 1], [np.nan] * 3, [5, 4, 3]]
    np.testing.assert_array_equal(autoregressive._lags(ragged, 0, 3), expected)


def test_autoregression_answers_rows_that_share_entries() -> None:
    ragged = Ragged(np.array([0, 2, 4]), np.array([[1.0], [2.0], [3.0]]), np.zeros(4), take=np.array([0, 1, 1, 2]))
    np.testing.assert_array_equal(autoregressive._lags(ragged, 0, 2), [[2, 1], [3, 2]])


def test_the_last_value_is_repeated_and_its_absence_gets_the_mean() -> None:
    train, rows = series(50, 0), series(20, 1)
    rows.plain.values[3] = np.nan
    baseline = last_value.build(last_value.Config())
    baseline.fit(train, train, "regression", 0)
    answered = baseline.answer(rows).values[:, 0]
    np.testing.assert_allclose(np.delete(answered, 3), np.delete(rows.plain.values[:, 0], 3))
    assert answered[3] == pytest.approx(train.target.values.mean())


@pytest.mark.parametrize("module", [autoregressive, last_value])
def test_a_forecast_is_no_answer_to_a_binary_question(module: object, planted: Make) -> None:
    rows = planted("binary", 30)
    with pytest.raises(DataError, match="no answer to a binary question"):
        module.build(module.Config()).fit(rows, rows, "binary", 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", [autoregressive, last_value])
def test_a_quantity_that_no_input_holds_is_refused(module: object, planted: Make) -> None:
    rows = planted("regression", 30)
    with pytest.raises(DataError, match="'x'"):
        module.build(module.Config()).fit(rows, rows, "regression", 0)  # type: ignore[attr-defined]


def scored(rows: int, seed: int) -> Evidence:
    random = streams.generator(seed, "score")
    saps = random.normal(15, 5, rows).astype(np.float32)
    died = (random.random(rows) < 1 / (1 + np.exp(-(saps - 20) / 3))).astype(float)
    saps[random.random(rows) < 0.1] = np.nan
    values = np.stack([random.normal(size=rows), saps], axis=1).astype(np.float32)
    plain = Plain(values, ("chart.HR.last", "scores.SCORE//SAPS-I"))
    known = np.ones((rows, 1), bool)
    return Evidence({}, {}, plain, Target(died[:, None], known, ("death",)), np.arange(rows), np.arange(rows).astype(str))


def test_a_score_s_curve_is_found_and_only_the_score_matters() -> None:
    baseline, rows = score.build(score.Config(code="SCORE//SAPS-I")), scored(500, 2)
    baseline.fit(scored(4000, 0), scored(200, 1), "binary", 0)
    answered, saps = baseline.answer(rows).values[:, 0], rows.plain.values[:, 1]
    seen = ~np.isnan(saps)
    assert np.abs(answered[seen] - 1 / (1 + np.exp(-(saps[seen] - 20) / 3))).max() < 0.06
    assert len(np.unique(answered[~seen])) == 1


def test_a_score_that_the_data_lack_is_refused(planted: Make) -> None:
    rows = planted("binary", 30)
    with pytest.raises(DataError, match="brings no score 'SCORE//SOFA'"):
        score.build(score.Config(code="SCORE//SOFA")).fit(rows, rows, "binary", 0)


def test_baselines_suit_the_task_and_its_inputs() -> None:
    chart, wave = Spec("measurements", (3,), "days"), Spec("waveform", (2, 100), "seconds")
    assert _defaults.default_for("binary", {"a": chart}) == ["logistic", "boosting", "mean"]
    assert "minirocket" in _defaults.default_for("multiclass", {"a": chart, "b": wave})
    assert {"autoregressive", "last_value"} < set(_defaults.default_for("regression", {"a": chart}))
    assert "autoregressive" not in _defaults.default_for("regression", {"b": wave})


def test_a_misspelt_option_names_the_nearest() -> None:
    from sequela import config

    with pytest.raises(ConfigError, match="orders"):
        config.options("baselines", {"name": "autoregressive", "order": [1]}, "baselines.names")

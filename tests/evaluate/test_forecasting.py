"""What is asked of forecasts: all columns and each, gaps, groups of rows, several splits, files and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import runs

from sequela.config import Evaluate
from sequela.errors import DataError
from sequela.evaluate import forecasting
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.pipeline import files
from sequela.types import Quantiles, Target

QUICK = Evaluate(bootstrap=50)


@pytest.fixture(scope="module")
def found() -> list[Metric]:
    those = runs.judged("forecast", 300)
    return evaluate("forecast", those.cohort, those.answers, QUICK, those.thresholds, part="test", split="1", seed=0).metrics


def one(found: list[Metric], metric: str, model: str = "model", class_: str = "", against: str = "") -> Metric:
    (row,) = [
        row
        for row in found
        if (row.metric, row.model, row.class_, row.against, row.group) == (metric, model, class_, against, "")
    ]
    return row


def test_all_columns_together_count_every_known_entry_alike(found: list[Metric]) -> None:
    those = runs.judged("forecast", 300)
    target, answer = those.cohort.target, those.answers["model"]
    off = np.abs(answer.values - target.values)
    assert one(found, "mae").value == pytest.approx(off[target.known].mean())
    assert one(found, "mae", class_="HR +10s").value == pytest.approx(off[target.known[:, 1], 1].mean())
    assert one(found, "mae").n == target.known.any(1).sum()
    assert one(found, "mae", class_="HR +10s").n == target.known[:, 1].sum()


def test_coverage_is_of_the_outermost_quantiles(found: list[Metric]) -> None:
    those = runs.judged("forecast", 300)
    target, around = those.cohort.target, those.answers["model"].quantiles
    assert around is not None
    inside = (around.values[:, :, 0] <= target.values) & (target.values <= around.values[:, :, -1])
    assert one(found, "coverage").value == pytest.approx(inside[target.known].mean())


def test_errors_and_pinball_losses_are_compared_in_pairs_with_an_interval(found: list[Metric]) -> None:
    for metric in ("mae", "pinball", "mase", "rmse"):
        for class_ in ("", "HR +5s"):
            row = one(found, metric, class_=class_, against="baseline:logistic")
            assert row.value is not None and row.low is not None and row.low < row.value < (row.high or 0)
    assert not [row for row in found if row.against and row.metric in ("coverage", "interval_width")]


def test_errors_are_scaled_by_the_step_of_each_quantity_in_training() -> None:
    truth = np.array([[1.0, 2.0, 10.0, 30.0]])
    target = Target(truth, np.ones((1, 4), bool), ("HR +1s", "HR +2s", "BP +1s", "BP +2s"))
    steps = forecasting.steps(target)
    assert steps == {f"naive step/{name}": step for name, step in zip(target.names, (1, 1, 20, 20), strict=True)}
    alone = Target(truth[:, :1], np.ones((1, 1), bool), ("HR +1s",))
    assert forecasting.steps(alone) == {}


def test_without_a_step_there_is_no_mase_and_the_reason_is_told() -> None:
    those = runs.judged("forecast", 60)
    rows = evaluate("forecast", those.cohort, those.answers, QUICK, {}, part="test", split="1", seed=0).metrics
    row = one(rows, "mase")
    assert row.value is None and "follow one another" in row.reason


def test_quantiles_that_cross_or_are_not_finite_are_refused() -> None:
    those = runs.judged("forecast", 20)
    around = those.answers["model"].quantiles
    assert around is not None
    wrong = {"cross": around.values[:, :, ::-1], "not finite": np.where(np.arange(5) == 2, np.nan, around.values)}
    for words, values in wrong.items():
        answer = replace(those.answers["model"], quantiles=Quantiles(around.levels, values))
        with pytest.raises(DataError, match=words):
            evaluate("forecast", those.cohort, {"model": answer}, QUICK, {}, part="test", split="1", seed=0)


def test_saved_forecasts_are_read_back_with_their_quantiles(tmp_path: Path) -> None:
    those = runs.judged("forecast", 30)
    frame = files.predictions(those.cohort, "1", "forecast", those.answers, {})
    files.write_parquet(tmp_path / "p.parquet", frame.sample(fraction=1.0, shuffle=True, seed=0))
    again = files.read_answers(tmp_path / "p.parquet", those.cohort, "test", "forecast")
    assert again.keys() == those.answers.keys()
    for name, answer in those.answers.items():
        back, around = again[name].quantiles, answer.quantiles
        assert again[name].names == answer.names and back is not None and around is not None
        assert back.levels == around.levels
        np.testing.assert_array_equal(back.values, around.values)
    unknown = ~those.cohort.target.known[:, 0]
    model = frame.filter(pl.col("model") == "model")
    assert model["target_HR +5s"].is_null().to_numpy().tolist() == unknown.tolist()

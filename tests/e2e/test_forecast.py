"""Forecasts from simulated readings, of which the best forecast is known, to the report, the bundle and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config, simulate
from sequela.bundle import load
from sequela.errors import ConfigError
from sequela.evaluate.report.run import read
from sequela.pipeline import run
from sequela.pipeline.experiment import Run
from sequela.simulate import heart_rate

pytestmark = pytest.mark.slow  # trains networks

Forecasting = Callable[..., Run]
AHEAD = 5  # minutes


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve persons."""
    return simulate.write("heart_rate", tmp_path_factory.mktemp("simulated") / "heart_rate", subjects=12)


def study(readings: Path, **sections: Any) -> config.Study:
    """The next five minutes of each person, asked every ten minutes once the level has risen."""
    modality = {"name": "measurements", "grid": "1min", "steps": 20, "scale": "standard", "clip": 0}
    given: dict[str, Any] = {
        "name": "next-minutes",
        "question": "How will the heart rate go on?",
        "data": {"reader": "csv", "source": str(readings), "options": {"mapping": "mapping.toml"}},
        "cohort": {
            "index": "HEART_RATE",
            "predict_at": "660min",
            "every": "10min",
            "during": "record",
            "history": "20min",
            "windows": {"record": {"start": "trigger", "end": "end of record"}},
        },
        "outcome": {"code": "HEART_RATE", "within": f"{AHEAD}min", "every": "1min", "value": "mean"},
        "inputs": {"series": {"modality": modality, "encoder": {"name": "gru", "width": 16}}},
        "task": {"name": "forecast", "from_last": True},
        "split": {"shares": [0.5, 0.25, 0.25]},
        "train": {
            "epochs": 12,
            "batch": 32,
            "optimizer": {"name": "adam", "lr": 0.01},
            "schedule": {"name": "one_cycle"},
            "clip": 1.0,
        },
        "evaluate": {"bootstrap": 100},
    }
    return config.convert({**given, **sections}, config.Study)


@pytest.fixture(scope="module")
def done(readings: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(study(readings), out=tmp_path_factory.mktemp("run") / "run")


def number(done: Run, metric: str, model: str, class_: str = "") -> float:
    found = read(done.folder).number(model, metric, class_=class_)
    assert found is not None and found.value is not None
    return found.value


def test_the_forecast_comes_near_the_best_there_is_and_so_does_autoregression(done: Run, readings: Path) -> None:
    floors = [heart_rate.floor(readings, since=660, ahead=k + 1) for k in range(AHEAD)]
    for model in ("model", "baseline:autoregressive"):
        errors = [number(done, "mae", model, f"HEART_RATE +{k + 1}min") for k in range(AHEAD)]
        assert errors == pytest.approx(floors, rel=0.12)
        assert errors == sorted(errors)
    assert number(done, "mae", "model") < number(done, "mae", "baseline:last_value")
    assert number(done, "pinball", "model") < number(done, "pinball", "baseline:seasonal")


def test_intervals_hold_about_what_they_promise(done: Run) -> None:
    assert number(done, "coverage", "model") == pytest.approx(0.8, abs=0.06)
    assert number(done, "coverage", "baseline:autoregressive") == pytest.approx(0.8, abs=0.06)


def test_one_naive_step_is_what_errors_are_told_in(done: Run) -> None:
    frame = pl.read_parquet(done.folder / "predictions.parquet")
    assert {"value_HEART_RATE +1min", "q0.1_HEART_RATE +1min", "q0.9_HEART_RATE +5min"} <= set(frame.columns)
    step = read(done.folder).facts.splits[0].thresholds["naive step/HEART_RATE +1min"]
    assert step == pytest.approx(heart_rate.NOISE * np.sqrt(2 / np.pi) * np.sqrt(2 / (1 + heart_rate.KEPT)), rel=0.06)
    assert number(done, "mase", "model") == pytest.approx(number(done, "mae", "model") / step)


def test_the_report_draws_errors_over_time_and_fans_of_rows(done: Run) -> None:
    page = done.report.read_text(encoding="utf-8")
    assert f"HEART_RATE, within {AHEAD}min, each 1min (its mean)" in page
    for words in ("Error over the time ahead", "Coverage over the time ahead", "Forecast of", "conformal", "Pinball loss"):
        assert words in page
    fans = read(done.folder).facts.fans
    assert len(fans) == 6 and all(len(one.seen) == 20 and one.seen_at[-1] == 0 for one in fans)
    assert all(60 < value < 110 for one in fans for value in one.seen)


def test_a_bundle_foresees_what_the_run_did_with_an_interval_of_each_value(done: Run) -> None:
    said = pl.read_parquet(done.folder / "predictions.parquet").filter(part="test", model="model").row(0, named=True)
    bundle = load(done.bundle)
    data = read(done.folder).facts.data.source
    (one,) = [p for p in bundle.predict(data, subject=said["source_id"]) if p.row_id == said["row_id"]]
    assert one.value is not None and one.interval is not None and one.interval_share == 0.8
    name = "HEART_RATE +3min"
    assert one.value[name] == pytest.approx(said[f"value_{name}"], abs=1e-4)
    assert one.interval[name] == pytest.approx((said[f"q0.1_{name}"], said[f"q0.9_{name}"]), abs=1e-4)
    low, high = one.interval[name]
    assert f"{name} {one.value[name]:.3f} [{low:.3f}, {high:.3f}]" in one.text()
    assert json.loads(one.json())["interval"][name] == pytest.approx(one.interval[name])


def test_several_splits_are_pooled_from_what_was_saved(readings: Path, tmp_path: Path) -> None:
    folds = {"by": "folds", "folds": 3, "tune": 0.4}
    quick = {"epochs": 1, "batch": 32}
    pooled = run(study(readings, split=folds, train=quick, task="forecast"), out=tmp_path / "run")
    rows = read(pooled.folder)
    assert rows.several and rows.number("model", "coverage", class_="HEART_RATE +2min") is not None
    told = ("mae", "model", "test", "", "")
    each = [row.value or 0.0 for row in rows.metrics if (row.metric, row.model, row.part, row.class_, row.against) == told]
    assert len(each) == 4
    assert each[0] == pytest.approx(np.mean(each[1:]))


@pytest.mark.slow
def test_a_forecast_of_a_forecast_comes_near_the_best_there_is(readings: Path, tmp_path: Path) -> None:
    recursive = run(study(readings, task={"name": "forecast", "mode": "recursive", "from_last": True}), out=tmp_path / "run")
    floors = [heart_rate.floor(readings, since=660, ahead=k + 1) for k in range(AHEAD)]
    errors = [number(recursive, "mae", "model", f"HEART_RATE +{k + 1}min") for k in range(AHEAD)]
    assert errors == pytest.approx(floors, rel=0.12)
    assert number(recursive, "coverage", "model") == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"ensemble": {"members": ["model"]}}, r"takes no ensemble\.members"),
        ({"evaluate": {"recalibrate": "platt"}}, r"takes no evaluate\.recalibrate"),
        ({"outcome": {"code": "HEART_RATE", "value": "mean", "within": "5min"}}, r"outcome\.every is missing"),
    ],
)
def test_what_a_forecast_cannot_have_is_refused_before_any_data_is_read(
    readings: Path, tmp_path: Path, sections: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        run(study(readings, data={"source": "nowhere"}, **sections), out=tmp_path / "run")

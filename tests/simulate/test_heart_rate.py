"""The simulated heart rate: an autoregression around a step, read by the csv reader, with its best forecast beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sequela
from sequela import seed as streams
from sequela import simulate
from sequela.simulate import heart_rate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("heart_rate", tmp_path_factory.mktemp("simulated") / "heart_rate", subjects=3)


def test_the_reader_takes_every_reading_by_the_mapping_that_lies_there(folder: Path, tmp_path: Path) -> None:
    store = sequela.import_data("csv", folder, tmp_path / "rate.store", options={"mapping": "mapping.toml"})
    events = store.events(["HEART_RATE"])
    assert len(events) == 3 * heart_rate.READINGS and store.flow.refused_count == 0
    assert (np.diff(events["time"].to_numpy()[: heart_rate.READINGS]) == np.timedelta64(60_000_000, "us")).all()
    assert store.codes.filter(code="HEART_RATE")["unit"].to_list() == ["beats/min"]


def test_the_level_rises_once_by_the_step() -> None:
    series = heart_rate.drawn(streams.generator(0, "heart_rate", 1))
    before, after = series.rate[: heart_rate.STEP_AT], series.rate[heart_rate.STEP_AT :]
    assert before.mean() == pytest.approx(heart_rate.REST, abs=2.5)
    assert after.mean() == pytest.approx(heart_rate.REST + heart_rate.RISE, abs=2.5)


def test_the_best_forecast_leaves_noise_of_the_planted_size_that_nothing_before_tells() -> None:
    series = [heart_rate.drawn(streams.generator(0, "heart_rate", k)) for k in range(20)]
    left = np.stack([one.rate - one.best for one in series])[:, 1:]
    assert left.std() == pytest.approx(heart_rate.NOISE, rel=0.02)
    assert abs(np.corrcoef(left[:, 1:].ravel(), left[:, :-1].ravel())[0, 1]) < 0.02


def test_the_floor_is_the_mean_error_of_normal_noise(folder: Path) -> None:
    assert heart_rate.floor(folder) == pytest.approx(heart_rate.NOISE * np.sqrt(2 / np.pi), rel=0.05)


def test_the_floor_of_the_last_readings_leaves_the_others_out(folder: Path) -> None:
    assert heart_rate.floor(folder, since=heart_rate.READINGS - 200) != heart_rate.floor(folder)

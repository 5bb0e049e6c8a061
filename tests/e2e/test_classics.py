"""The classic nets of `studies/classics`, from their own study files to the verdict; small sets, and whole ones as slow tests."""

from __future__ import annotations

import html
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sequela import simulate
from sequela.pipeline import run
from sequela.pipeline.experiment import Run
from sequela.simulate import heart_rate

CLASSICS = Path(__file__).resolve().parents[2] / "studies" / "classics"
QUICK = ("evaluate.bootstrap=200",)
DIGITS = ("train.batch=32", "train.patience=0", 'train.optimizer={name="adam", lr=5e-3}')

Classic = Callable[..., Run]


@pytest.fixture
def classic(tmp_path: Path) -> Classic:
    """Runs a study of the folder on these data."""

    def go(name: str, data: Path, *overrides: str) -> Run:
        return run(CLASSICS / f"{name}.toml", data=data, out=tmp_path / "run", overrides=(*QUICK, *overrides))

    return go


def facts(done: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((done.folder / "run.json").read_text(encoding="utf-8"))
    return found


def verdict(done: Run) -> str:
    """What the report says first, as text."""
    page = done.report.read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.DOTALL))
    return re.sub(r"\s+", " ", html.unescape(text)).partition("Verdict")[2][:600]


# ----------------------------------------------------------------------------------------------------------------- last-state RNN


def test_the_last_state_rnn_runs_from_the_challenge_s_files_to_its_report(classic: Classic, tmp_path: Path) -> None:
    ward = simulate.write("ward", tmp_path / "ward", 300)
    done = classic("last_state_rnn", ward, "train.epochs=3")
    assert facts(done)["inputs"][0]["encoder"] == "rnn" and facts(done)["parameters"] == 2945
    assert "Logistic" in verdict(done) or "logistic" in verdict(done)


@pytest.mark.slow
def test_the_last_state_rnn_finds_what_was_planted_in_the_ward(classic: Classic, tmp_path: Path) -> None:
    done = classic("last_state_rnn", simulate.write("ward", tmp_path / "ward", 3000))
    assert (done.metric("auroc", part="tune") or 0) > 0.75


# --------------------------------------------------------------------------------------------------------------------- heart rate


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("heart_rate", tmp_path_factory.mktemp("simulated") / "heart_rate", subjects=1)


def assert_no_better_than_autoregression(done: Run, person: Path) -> None:
    """The report says so first, the difference has an interval, and nobody is better than what is possible by more than luck."""
    said = verdict(done)
    assert re.search(
        r"(does not|is not shown to) beat autoregressive|[Aa]utoregressive, the strongest plain baseline, beats", said
    )
    (difference,) = [
        row
        for row in done.metrics
        if row["part"] == "test" and row["metric"] == "mae" and row["against"] == "baseline:autoregressive"
    ]
    assert difference["high"] > 0 and difference["low"] < difference["high"]
    floor = heart_rate.floor(person, since=heart_rate.READINGS - 225)
    assert done.metric("mae", "baseline:autoregressive") == pytest.approx(floor, rel=0.05)
    assert (done.metric("mae") or 0) > 0.97 * floor


def test_on_noise_around_a_step_the_report_says_that_the_lstm_does_not_beat_autoregression(
    classic: Classic, person: Path
) -> None:
    done = classic("heart_rate_lstm", person, "train.epochs=5")
    assert_no_better_than_autoregression(done, person)


def test_the_split_of_the_one_series_is_within_time_and_the_report_gives_the_reason(classic: Classic, person: Path) -> None:
    done = classic("heart_rate_lstm", person, "train.epochs=1", "cohort.max_rows_per_subject=400")
    assert facts(done)["overlap"].startswith("one series of one person")
    page = done.report.read_text(encoding="utf-8")
    assert 0 < page.index("Parts overlap") < page.index("Verdict")
    tried = {one["name"]: one for one in facts(done)["splits"][0]["baselines"]}["baseline:autoregressive"]
    assert tried["chosen"].keys() == {"order"} and len(tried["tried"]) == 7
    best = max(tried["tried"], key=lambda trial: trial["score"])
    assert best["settings"] == tried["chosen"]


@pytest.mark.slow
def test_trained_to_the_end_the_lstm_still_does_not_beat_autoregression(classic: Classic, person: Path) -> None:
    done = classic("heart_rate_lstm", person)
    assert_no_better_than_autoregression(done, person)
    assert (done.metric("mae", part="tune") or 9) < 1.1 * (done.metric("mae", "baseline:autoregressive", part="tune") or 0)


# ------------------------------------------------------------------------------------------------------------------------- digits


def write_digits(folder: Path, train: int, test: int) -> Path:
    """Scikit-learn's 8×8 digits under the names and in the format of MNIST's own files."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    folder.mkdir()
    for name, rows in (("train", slice(0, train)), ("t10k", slice(train, train + test))):
        for kind, values in (("images-idx3", images[rows]), ("labels-idx1", digits.target[rows].astype(np.uint8))):
            head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
            (folder / f"{name}-{kind}-ubyte").write_bytes(head + values.tobytes())
    return folder


def test_digits_in_mnist_s_own_files_are_read_row_by_row(classic: Classic, tmp_path: Path) -> None:
    done = classic("digits_rows_lstm", write_digits(tmp_path / "mnist", 700, 150), "train.epochs=12", *DIGITS)
    (split,) = facts(done)["splits"]
    assert split["parts"]["test"]["rows"] == 150 and split["parts"]["tune"]["rows"] == pytest.approx(0.15 * 700, abs=3)
    assert facts(done)["inputs"][0]["shape"] == [8]
    assert (done.metric("accuracy", part="tune") or 0) > 0.4, "four times what guessing would reach"


@pytest.mark.slow
def test_the_stacked_lstm_reads_the_digits(classic: Classic, tmp_path: Path) -> None:
    done = classic("digits_rows_lstm", write_digits(tmp_path / "mnist", 1437, 360), "train.epochs=60", *DIGITS)
    assert (done.metric("accuracy", part="tune") or 0) > 0.9


# ------------------------------------------------------------------------------------------------------------------------ lung CT


def test_the_lung_ct_net_has_its_420610_parameters_and_learns(classic: Classic, tmp_path: Path) -> None:
    done = classic("lung_ct_cnn", simulate.write("xray", tmp_path / "xray", 500), "train.epochs=4")
    assert facts(done)["parameters"] == 420_610
    assert (done.metric("auroc", part="tune") or 0) > 0.6

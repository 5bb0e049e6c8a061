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
import polars as pl
import pytest

from sequela import simulate
from sequela.bundle import load
from sequela.pipeline import import_data, run
from sequela.pipeline.experiment import Run
from sequela.simulate import heart_rate, histories

pytestmark = pytest.mark.slow  # trains networks

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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_lung_ct_net_has_its_420610_parameters_and_learns(classic: Classic, tmp_path: Path) -> None:
    done = classic("lung_ct_cnn", simulate.write("xray", tmp_path / "xray", 500), "train.epochs=4")
    assert facts(done)["parameters"] == 420_610
    assert (done.metric("auroc", part="tune") or 0) > 0.6


# ---------------------------------------------------------------------------------------------------------------------- next code


@pytest.fixture(scope="module")
def diagnoses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("histories", tmp_path_factory.mktemp("simulated") / "histories", subjects=400)


SHORT = ("train.epochs=2", "inputs.history.encoder.width=16", "inputs.history.encoder.embedding=8")


def test_the_next_code_is_foreseen_from_the_table_to_the_report_and_the_bundle(classic: Classic, diagnoses: Path) -> None:
    done = classic("next_code", diagnoses, *SHORT)
    (split,) = facts(done)["splits"]
    told = pl.read_csv(diagnoses / "truth.csv")
    assert sum(part["classes"]["codes foreseen"] for part in split["parts"].values()) == told["codes"].sum()
    rows = {(row["model"], row["metric"]): row for row in done.metrics if row["part"] == "test" and not row["against"]}
    assert all(rows["model", name]["low"] < rows["model", name]["high"] for name in ("perplexity", "next_accuracy", "next_in_10"))
    assert rows["baseline:bigram", "perplexity"]["value"] < rows["baseline:unigram", "perplexity"]["value"]
    assert rows["baseline:bigram", "next_in_10"]["value"] > rows["baseline:unigram", "next_in_10"]["value"]
    assert rows["model", "next_accuracy"]["value"] < rows["model", "next_in_10"]["value"]
    assert "Perplexity" in verdict(done)
    predicted = load(done.bundle).predict(import_data("csv", diagnoses, done.folder / "again.store"), subject="7")
    (one,) = predicted
    assert one.probabilities is not None and len(one.probabilities) == 10 and one.refused is None
    chances = list(one.probabilities.values())
    assert chances == sorted(chances, reverse=True) and 0 < sum(chances) < 1 and one.decision == next(iter(one.probabilities))


def test_a_perplexity_counts_every_code_of_the_part_once_whatever_the_batch(classic: Classic, diagnoses: Path) -> None:
    done = classic("next_code", diagnoses, *SHORT, 'baselines.names=["unigram"]')
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter(part="test", model="model")
    expected = float(np.exp(frame["value_nats"].to_numpy().sum() / frame["target"].to_numpy().sum()))
    assert done.metric("perplexity") == pytest.approx(expected)


@pytest.mark.slow
def test_the_lstm_comes_near_the_least_perplexity_that_is_possible_and_no_chain_of_order_1_does(
    classic: Classic, tmp_path: Path
) -> None:
    data = simulate.write("histories", tmp_path / "histories", subjects=4000)
    done = classic("next_code", data)
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter(part="test", model="model")
    least = histories.bound(data, frame["source_id"].to_list())
    found = done.metric("perplexity") or 0.0
    assert 0.97 * least < found < 1.5 * least
    assert found < 0.8 * (done.metric("perplexity", "baseline:bigram") or 0.0)

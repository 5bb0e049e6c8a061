"""Next codes through every verb: visits as well as events, several splits, other data, and runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config, simulate
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError, UsageError
from sequela.pipeline import compare, evaluate, explain, import_data, run
from sequela.store.store import Store

PATIENTS = 80


def study(form: str = "events", **changes: Any) -> Study:
    modality = {"name": "codes", "form": form, "values": "none", "min_count": 1, "side": ["gap"]}
    plain: dict[str, Any] = {
        "name": "next",
        "question": "Which diagnoses come next?",
        "data": {"source": "."},
        "cohort": {"index": "DX//*", "predict_at": "end of record"},
        "inputs": {"history": {"modality": modality, "encoder": {"name": "gru", "width": 8}}},
        "task": "next_event",
        "train": {"epochs": 1, "batch": 16},
        "baselines": {"names": ["bigram", "unigram"]},
        "evaluate": {"bootstrap": 50},
    }
    return config.convert(plain | changes, Study)


def stored(folder: Path, patients: int, seed: int, days: int = 1) -> Store:
    """Histories whose codes of so many days stand on one."""
    raw = simulate.write("histories", folder / "raw", patients, seed)
    day = pl.col("day").str.to_date()
    told = pl.read_csv(raw / "histories.csv").with_columns(day.dt.truncate(f"{days}d"))
    told.write_csv(raw / "histories.csv")
    return import_data("csv", raw, folder / "histories.store")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return stored(tmp_path_factory.mktemp("events"), PATIENTS, 0)


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return stored(tmp_path_factory.mktemp("visits"), PATIENTS, 0, days=90)


def codes_after_the_first_moment(store: Store, known: Sequence[str]) -> dict[int, int]:
    """Subject -> how many different codes its moments but the first have, counted from the events; unknown ones are one code."""
    code = pl.when(pl.col("code").is_in(list(known))).then("code").otherwise(pl.lit("unknown"))
    told = store.events().filter(pl.col("time").is_not_null()).with_columns(code=code).unique(["subject_id", "time", "code"])
    later = told.filter(pl.col("time") > pl.col("time").min().over("subject_id"))
    return dict(later.group_by("subject_id").len().iter_rows())


def test_the_codes_of_the_next_visit_are_each_foreseen_once(visits: Store, tmp_path: Path) -> None:
    done = run(study("visits"), data=visits, out=tmp_path / "run")
    said = pl.read_parquet(done.folder / "predictions.parquet").filter(model="model")
    vocabulary = load(done.bundle).predictor.task.names
    expected = codes_after_the_first_moment(visits, vocabulary)
    assert dict(said.select("subject_id", "target").iter_rows()).items() <= expected.items()
    assert (said["value_in_10"] >= said["value_first"]).all() and (said["value_in_10"] <= said["target"]).all()
    assert 1 < (done.metric("perplexity", "baseline:unigram") or 0) < len(vocabulary)


def test_several_splits_are_pooled_by_the_codes_that_each_foresaw(events: Store, tmp_path: Path) -> None:
    done = run(study(split={"by": "folds", "folds": 2}), data=events, out=tmp_path / "run")
    own = [row["value"] for row in done.metrics if _is(row, "perplexity") and row["split"] != "mean"]
    pooled = [row for row in done.metrics if _is(row, "perplexity") and row["split"] == "mean"]
    assert len(own) == 2 and pooled[0]["value"] == pytest.approx(np.mean(own)) and pooled[0]["low"] < pooled[0]["high"]


def _is(row: dict[str, Any], metric: str) -> bool:
    return (row["metric"], row["model"], row["part"], row["against"]) == (metric, "model", "test", "")


def test_a_bundle_is_judged_on_other_data_and_answers_the_same_wherever(events: Store, tmp_path: Path) -> None:
    done = run(study(), data=events, out=tmp_path / "run")
    other = stored(tmp_path / "other", 30, 1)
    judged = evaluate(done.bundle, other, out=tmp_path / "judged")
    row = next(row for row in judged.metrics if row["metric"] == "perplexity" and row["model"] == "model")
    assert row["n"] == 30 and row["low"] < row["value"] < row["high"]
    held = load(done.bundle)
    together = {one.row_id: one for one in held.predict(other)}
    alone = held.predict(other, subject="5")[0]
    assert alone.probabilities is not None and together["5"].probabilities is not None
    assert list(alone.probabilities) == list(together["5"].probabilities)
    np.testing.assert_allclose(list(alone.probabilities.values()), list(together["5"].probabilities.values()), atol=1e-6)
    with pytest.raises(UsageError, match="recalibration is of probabilities"):
        evaluate(done.bundle, other, recalibrate=True, out=tmp_path / "again")
    with pytest.raises(UsageError, match="not explained by leaving codes out"):
        explain(done.folder, data=events)


def test_two_runs_are_compared_code_by_code(events: Store, tmp_path: Path) -> None:
    runs = [run(study(train={"epochs": n, "batch": 16}), data=events, out=tmp_path / str(n)).folder for n in (1, 3)]
    rows = {(row["metric"], row["against"]): row for row in compare(*runs).rows if row["run"] == "3"}
    assert rows["perplexity", "1"]["value"] < 0 and ("next_in_10", "") in rows


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outcome": {"column": "outcome"}}, "the study has an outcome"),
        ({"task": "binary"}, "an outcome has"),
        ({"train": {"members": 2}}, r"takes no train\.members"),
        ({"ensemble": {"members": ["model", "baseline:logistic"]}, "baselines": {}}, r"takes no ensemble\.members"),
        ({"evaluate": {"recalibrate": "platt"}}, r"takes no evaluate\.recalibrate"),
        ({"train": {"balance": "weights"}}, r"takes no train\.balance"),
    ],
)
def test_what_next_codes_cannot_be_asked_with_is_refused(
    changes: dict[str, Any], said: str, events: Store, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        run(study(**changes), data=events, out=tmp_path / "run")

"""Follow-up with two causes and a marker at visits, through every verb: what is told are curves from each visit on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.config import Study
from sequela.errors import ConfigError, DataError, LeakError
from sequela.pipeline import check, compare, evaluate, explain, import_data, predict, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

OPTIONS = {"subject": "id", "time": "years", "event": "status", "visit": "seen", "static": ["sex"], "unit": "years"}
OPTIONS["causes"] = {"death": 1, "graft": 2}


def table(subjects: int, seed: int, **changed: Any) -> pl.DataFrame:
    """A line a visit, at 0, 1 and 2 years: a marker that drifts on, whose level at the start drives the death of its subject."""
    random = np.random.default_rng(seed)
    marker, sex = random.normal(size=subjects), random.integers(0, 2, subjects)
    death, graft = random.exponential(6 * np.exp(-1.2 * marker)), random.exponential(15, subjects)
    end = random.uniform(0.5, 10, subjects)
    years = np.minimum.reduce([death, graft, end])
    status = np.where(years == death, 1, np.where(years == graft, 2, 0))
    each = [
        pl.DataFrame(
            {"id": np.arange(subjects), "years": years, "status": status, "seen": float(seen), "sex": sex}
            | {"marker": marker + random.normal(0, 0.2, subjects)}
            | {f"noise{number}": random.normal(size=subjects) for number in range(4)}
        )
        for seen in range(3)
    ]
    return pl.concat(each).filter(pl.col("seen") <= pl.col("years")).sort("id", "seen").with_columns(**changed)


def study(**changes: Any) -> Study:
    plain: dict[str, Any] = {
        "name": "follow-up",
        "question": "When does the patient die?",
        "data": {"source": ".", "reader": "survival", "options": OPTIONS},
        "cohort": {
            "index": "START",
            "every": "1y",
            "during": "seen",
            "windows": {"seen": {"start": "trigger", "end": "trigger + 3y", "start_inclusive": True}},
            "groups": [{"name": "landmark", "elapsed": True}],
        },
        "outcome": {
            "code": ["EVENT//death", "EVENT//graft"],
            "horizons": ["1y", "3y"],
            "follow_up": "FOLLOW_UP//END",
            "unit": "years",
        },
        "inputs": {
            "visits": {
                "modality": {"name": "measurements", "elapsed": "log_hours", "elapsed_cap": 1e5},
                "encoder": {"name": "gru", "width": 8},
            }
        },
        "task": {"name": "survival", "bins": 6},
        "train": {"epochs": 12, "batch": 64, "optimizer": {"lr": 2e-2}, "members": 2},
        "baselines": {"names": ["aalen_johansen", "cox"]},
        "evaluate": {"bootstrap": 20},
    }
    return config.convert(plain | changes, Study)


def stored(folder: Path, frame: pl.DataFrame) -> Store:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_csv(folder / "visits.csv")
    return import_data("survival", folder / "visits.csv", folder / "visits.store", options=OPTIONS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return stored(tmp_path_factory.mktemp("follow-up"), table(300, 1))


@pytest.fixture(scope="module")
def finished(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(study(), data=store, out=tmp_path_factory.mktemp("runs") / "run")


def numbers(done: Run, metric: str, **wanted: str) -> list[float | None]:
    asked = {"part": "test", "model": "model", "against": "", "group": "", "class": ""} | wanted
    return [row["value"] for row in done.metrics if row["metric"] == metric and all(row[k] == v for k, v in asked.items())]


def test_a_network_ranks_who_dies_first_and_is_judged_by_horizon_and_landmark(finished: Run) -> None:
    (model,) = numbers(finished, "c_index", **{"class": "death by 3y"})
    (plain,) = numbers(finished, "c_index", **{"class": "death by 3y", "model": "baseline:aalen_johansen"})
    assert model is not None and model > 0.7 and plain == pytest.approx(0.5)
    assert {row["group"] for row in finished.metrics} >= {"", "landmark=0d", "landmark=1y", "landmark=2y"}
    assert "graft" in finished.report.read_text()


def test_a_bundle_answers_as_its_run_did(finished: Run, store: Store) -> None:
    said = pl.read_parquet(finished.folder / "predictions.parquet")
    said = said.filter((pl.col("part") == "test") & (pl.col("model") == "model"))
    again = {one.row_id: one for one in predict(finished.bundle, store)}
    for row in said.iter_rows(named=True):
        one = again[row["row_id"]]
        assert one.incidence is not None
        for cause in ("death", "graft"):
            np.testing.assert_allclose(one.incidence["causes"][cause], row[f"by_{cause}"], atol=1e-5)
        assert one.text().count(" by 3y") == 2


def test_what_the_risk_rests_on_is_told_by_leaving_each_code_out(finished: Run) -> None:
    found = explain(finished.folder, rows=40)
    assert found.rows[0]["code"] == "marker" and found.scale == "log-odds of death by 3y"


def test_new_patients_need_no_outcome_and_are_told_visit_by_visit(finished: Run, tmp_path: Path) -> None:
    table(8, 2).drop("years", "status").write_csv(tmp_path / "new.csv")
    told = predict(finished.bundle, tmp_path / "new.csv")
    assert len(told) > 8 and not [one.refused for one in told if one.refused]
    assert all(one.restricted_to == 3 and set(one.risk or {}) == {"death", "graft"} for one in told)
    later = predict(finished.bundle, tmp_path / "new.csv", free="1y")
    assert all(list(one.risk["death"]) == ["1y"] for one in later if one.risk) and later[0].restricted_to == 2


def test_who_is_known_to_be_dead_is_not_told_when_he_will_die(finished: Run, tmp_path: Path) -> None:
    plain = table(8, 2).with_columns(years=pl.lit(0.5), status=(pl.col("id") == 0).cast(pl.Int64)).filter(pl.col("seen") == 0)
    plain.write_csv(tmp_path / "some.csv")
    told = predict(finished.bundle, tmp_path / "some.csv", at="2001-01-01T00:00:00Z")
    assert {one.source_id: one.refused for one in told if one.refused} == {"0": "the outcome had already happened"}
    assert len(told) == 8 and all(one.risk for one in told if not one.refused)


def test_a_bundle_is_judged_on_others_and_never_on_its_own(finished: Run, store: Store, tmp_path: Path) -> None:
    done = evaluate(finished.bundle, stored(tmp_path / "other", table(80, 3)), out=tmp_path / "external")
    (found,) = numbers(done, "c_index", **{"class": "death"})
    assert found is not None and found > 0.6
    with pytest.raises(LeakError):
        evaluate(finished.bundle, store)


@pytest.mark.slow
def test_two_runs_are_compared_by_their_curves(finished: Run, store: Store, tmp_path: Path) -> None:
    other = run(study(task={"name": "survival", "by": "cox"}), data=store, out=tmp_path / "cox")
    told = compare(finished.folder, other.folder)
    assert told.shared > 50 and {"c_index", "integrated_brier"} <= {row["metric"] for row in told.rows}


@pytest.mark.slow
def test_folds_train_again_and_are_read_back(store: Store, tmp_path: Path) -> None:
    folds = {"by": "folds", "folds": 2}
    done = run(study(split=folds, train={"epochs": 1}, baselines={"names": ["cox"]}), data=store, out=tmp_path / "folds")
    rows = [row for row in done.metrics if (row["metric"], row["class"], row["group"]) == ("brier", "death by 3y", "")]
    assert {row["split"] for row in rows} >= {"split-1", "split-2", "mean"}
    assert msgspec.json.decode((done.folder / "metrics.json").read_bytes())


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"status": pl.lit(0)}, r"no 'EVENT//death' event"),
        ({"status": pl.col("status").replace({2: 0})}, r"no 'EVENT//graft' event"),
        ({"status": pl.col("status").replace({2: 7})}, "were refused"),
        ({"status": pl.col("status") == 1}, "a boolean is not taken for a cause"),
        ({"years": -pl.col("years")}, "were refused|no row"),
    ],
)
def test_tables_that_tell_no_such_follow_up_are_refused(changed: dict[str, pl.Expr], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        check(study(), data=stored(tmp_path, table(40, 1, **changed)))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"evaluate": {"recalibrate": "platt"}}, "takes no evaluate.recalibrate"),
        ({"train": {"balance": "weights"}}, "takes no train.balance"),
        ({"baselines": {"scores": ["SCORE//MAYO"]}}, "takes no baselines.scores"),
    ],
)
def test_what_curves_cannot_have_is_refused_before_anything_is_read(store: Store, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(study(**changes), data=store)


def test_a_check_tells_of_events_that_the_outcome_leaves_out(store: Store) -> None:
    alone = {"code": "EVENT//death", "horizons": ["1y", "3y"], "follow_up": "FOLLOW_UP//END", "unit": "years"}
    found = check(study(outcome=alone), data=store)
    told = "subjects with EVENT//graft, which the outcome does not name, who are censored at it"
    assert found.notes[told] > 5 and f"  {told}: {found.notes[told]}" in found.text()
    assert told not in check(study(), data=store).notes

"""The verbs drift and robustness on a run of simulated stays: what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

from sequela import pipeline, simulate
from sequela.bundle import load
from sequela.errors import BundleError, DataError, UsageError
from sequela.evaluate.drift.facts import DriftFacts
from sequela.evaluate.report import drifted

if TYPE_CHECKING:
    from sequela.pipeline.experiment import Run
    from sequela.store.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Other stays of the same ward."""
    folder = tmp_path_factory.mktemp("later")
    return pipeline.import_data("physionet2012", simulate.write("ward", folder / "raw", 120, seed=9), folder / "later.store")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with enough subjects in tune to be told of."""
    folder = tmp_path_factory.mktemp("large")
    store = pipeline.import_data("physionet2012", simulate.write("ward", folder / "raw", 300), folder / "ward.store")
    demo = Path(__file__).parents[2] / "studies" / "demo.toml"
    small = ("train.epochs=1", "evaluate.bootstrap=20", "inputs.chart.encoder.width=8", 'baselines.names=["logistic"]')
    asked = ("ensemble.members=[]", "robustness.rows=40", 'robustness.kinds=["missing","units","corrupt"]')
    return pipeline.run(demo, data=store, out=folder / "run", overrides=(*small, *asked))


def test_later_stays_of_the_same_ward_are_compared_and_written_down(large: Run, later: Store, tmp_path: Path) -> None:
    found = pipeline.drift(large.bundle, later, out=tmp_path / "drift")
    assert found.facts.subjects == 120
    assert {check.family for check in found.facts.checks} >= {"inputs", "score", "labels"}
    assert json.loads((tmp_path / "drift" / "drift.json").read_text())["false_alarms"] == 0.05
    assert "could have been seen" in (tmp_path / "drift" / "drift.html").read_text()
    assert "What could have been seen" in found.text()


def test_stays_whose_numbers_are_in_another_unit_raise_an_alarm(large: Run, later: Store, tmp_path: Path) -> None:
    held = load(large.bundle)
    assert held.development is not None
    moved = [
        replace(one, edges=[edge * 3 for edge in one.edges]) if one.name == "chart.HR.mean" else one
        for one in held.development.columns
    ]
    other = pipeline.drift(_with(held, replace(held.development, columns=moved)), later, labelled=False)
    assert "chart.HR.mean" in {check.what for check in other.facts.alarms}


def _with(held: object, development: object) -> object:
    import dataclasses

    return dataclasses.replace(held, development=development)  # type: ignore[type-var]


def test_a_bundle_that_does_not_tell_its_development_is_refused(large: Run, later: Store) -> None:
    with pytest.raises(BundleError, match="does not tell"):
        pipeline.drift(_with(load(large.bundle), None), later)  # type: ignore[arg-type]


def test_too_few_subjects_tell_nothing_of_drift(large: Run, tmp_path: Path) -> None:
    few = pipeline.import_data("physionet2012", simulate.write("ward", tmp_path / "raw", 20, seed=3), tmp_path / "few.store")
    with pytest.raises(DataError, match="fewer than 40 subjects tell nothing"):
        pipeline.drift(large.bundle, few, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("asked", [{"once_in": 1}, {"power": 1.0}])
def test_a_rate_or_power_that_is_none_is_refused(large: Run, later: Store, asked: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        pipeline.drift(large.bundle, later, **asked)  # type: ignore[arg-type]


def test_an_interrupted_comparison_leaves_nothing_half_written(
    large: Run, later: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(facts: DriftFacts, language: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(drifted, "page", stopped)
    with pytest.raises(KeyboardInterrupt):
        pipeline.drift(large.bundle, later, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_study_with_robustness_is_spoilt_in_its_run_and_shown(large: Run) -> None:
    told = json.loads((large.folder / "trust.json").read_text())["robustness"]
    assert {(one["kind"], one["model"]) for one in told["curves"]} == {
        (kind, model) for kind in ("missing", "corrupt") for model in ("model", "baseline:logistic")
    }
    assert told["units"]
    for one in told["curves"]:
        assert one["points"][0]["flipped"]["value"] == 0
        assert one["points"][0]["drop"]["value"] == 0
    assert "Robustness" in large.report.read_text()


def test_what_is_asked_of_a_finished_run_is_what_it_would_have_found(large: Run) -> None:
    before = json.loads((large.folder / "trust.json").read_text())["robustness"]
    again = pipeline.robustness(large.folder, rows=40, kinds=["missing", "gradient"])
    mine = next(one for one in again.facts.curves if one.kind == "missing")
    theirs = next(one for one in before["curves"] if (one["kind"], one["model"]) == ("missing", "model"))
    assert [point.score.value for point in mine.points] == pytest.approx([point["score"]["value"] for point in theirs["points"]])
    step = next(one for one in again.facts.curves if one.kind == "gradient")
    moved = [point.moved for point in step.points]
    assert np.all(np.diff(np.array(moved, float)) > 0)


def test_a_kind_that_is_none_changes_nothing_of_a_run(large: Run) -> None:
    before = (large.folder / "trust.json").read_bytes()
    with pytest.raises(UsageError, match="noize"):
        pipeline.robustness(large.folder, kinds=["noize"])
    assert (large.folder / "trust.json").read_bytes() == before

"""What became of the promises elsewhere: coverage there, and, where the study asks for it, sets for another mix of classes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from sequela.bundle import load
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.uncertainty.promises import NONE
from sequela.pipeline.experiment import Run
from sequela.pipeline.trust import uncertainty
from sequela.store.store import Store
from sequela.study import cohort as cohorts


def asked_of(run: Run, ward: Store) -> tuple[Predictor, Judged, Evidence]:
    bundle = load(run.bundle)
    predictor = bundle.predictor
    cohort, _ = cohorts.build(ward, bundle.study)
    rows = predictor.evidence(bundle.known(ward, cohort), cohort.subject_id, cohort.row_id, cohort.target)
    return predictor, Judged(cohort, predictor.answers(rows), predictor.thresholds, "external"), rows


def test_another_mix_of_classes_is_told_where_the_study_asks_for_it(ward_run: Run, ward: Store) -> None:
    predictor, judged, rows = asked_of(ward_run, ward)
    found = uncertainty.elsewhere(predictor, judged, rows)
    assert found is not None and found.mixed is None
    study = predictor.study
    shifted = msgspec.structs.replace(study, uncertainty=msgspec.structs.replace(study.uncertainty, shift="label"))
    found = uncertainty.elsewhere(replace(predictor, study=shifted), judged, rows)
    assert found is not None and found.mixed is not None
    assert sum(found.mixed.now.values()) == pytest.approx(1) and set(found.mixed.before) == {"no", "yes"}
    assert [one.class_ for one in found.mixed.covered] == ["", "no", "yes"]
    assert 0 < found.mixed.effective <= sum(predictor.promises.mix.subjects if predictor.promises.mix else ())


def test_an_older_bundle_has_nothing_to_be_held_to(ward_run: Run, ward: Store) -> None:
    predictor, judged, rows = asked_of(ward_run, ward)
    assert uncertainty.elsewhere(replace(predictor, promises=NONE), judged, rows) is None


def test_coverage_counts_each_subject_alike_and_suppresses_small_groups(ward_run: Run, ward: Store) -> None:
    predictor, judged, rows = asked_of(ward_run, ward)
    found = uncertainty.elsewhere(predictor, judged, rows)
    assert found is not None
    everybody = found.covered[0]
    assert everybody.rows == len(judged.cohort) and everybody.share is not None
    assert everybody.low is not None and everybody.high is not None and everybody.low <= everybody.share <= everybody.high
    least = predictor.study.evaluate.min_events
    assert all((one.share is None) == (one.rows < least) for one in found.covered if one.group)

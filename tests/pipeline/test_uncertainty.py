"""What became of the promises elsewhere: coverage there, and, where the study asks for it, sets for another mix of classes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import msgspec
import pytest
from torch import nn

from sequela import config
from sequela import model as models
from sequela.bundle import load
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.uncertainty.promises import NONE
from sequela.nn.head import Head
from sequela.pipeline import uncertain
from sequela.pipeline.experiment import Run
from sequela.pipeline.trust import uncertainty
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.tasks.regression import Config, Quantities


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


def unusual(study: Study) -> Study:
    return msgspec.structs.replace(study, uncertainty=config.Uncertainty(unusual=0.01))


def test_unusual_inputs_of_too_few_rows_are_refused_before_training(ward_run: Run) -> None:
    study = load(ward_run.bundle).study
    uncertain.check_rows(study, {"train": 3, "tune": 3})
    uncertain.check_rows(unusual(study), {"train": 20, "tune": 20})
    with pytest.raises(DataError, match="tune has 19"):
        uncertain.check_rows(unusual(study), {"train": 200, "tune": 19})


def test_what_a_network_of_quantities_makes_of_a_row_can_be_unusual(ward_run: Run, ward: Store) -> None:
    predictor, _, rows = asked_of(ward_run, ward)
    network = deepcopy(predictor.members[0])
    assert isinstance(network.head, Head)
    network.head = Quantities(network.head.out.in_features, 1, Config())
    found = models.vectors(network, rows.inputs)
    assert found is not None and len(found.pooled) == len(rows)
    uncertain.check_network(unusual(predictor.study), network)


def test_unusual_inputs_of_a_head_that_sees_more_than_a_vector_are_refused_before_training(ward_run: Run) -> None:
    predictor = load(ward_run.bundle).predictor
    network = deepcopy(predictor.members[0])
    network.head = nn.Identity()
    with pytest.raises(ConfigError, match="more than a vector"):
        uncertain.check_network(unusual(predictor.study), network)

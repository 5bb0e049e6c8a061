"""What a bundle says of its own uncertainty, whom it gives no decision or no answer, and that older bundles promise nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sequela import config
from sequela.bundle import archive, load
from sequela.bundle.bundle import save
from sequela.bundle.prediction import Prediction, of
from sequela.bundle.predictor import Predictor
from sequela.errors import BundleError, ConfigError
from sequela.evaluate.uncertainty.abstention import Abstention
from sequela.pipeline import uncertain
from sequela.pipeline.experiment import Run
from sequela.store.store import Store


def said(predictor: Predictor, run: Run, store: Store) -> list[Prediction]:
    bundle = load(run.bundle)
    rows, flow = bundle.eligible(store)
    return of(predictor, rows, bundle.known(store, rows), flow)


def asking(predictor: Predictor, **asked: object) -> Predictor:
    study = predictor.study
    given = msgspec.structs.replace(study.uncertainty, **asked)
    return replace(predictor, study=msgspec.structs.replace(study, uncertainty=given))


def test_an_answer_tells_the_classes_that_are_possible_and_how_usual_its_input_is(ward_run: Run, ward: Store) -> None:
    one = load(ward_run.bundle).predict(ward)[0]
    told = json.loads(one.json())
    assert set(told["possible"]) <= {"no", "yes"} and told["possible_share"] == 0.9
    assert 0 <= told["unusual"]["percentile"] <= 100
    assert told["abstained"] is None and "possible at 90 %" in one.text()


def test_promises_are_loaded_as_they_were_saved(ward_run: Run, ward: Store, tmp_path: Path) -> None:
    bundle = load(ward_run.bundle)
    again = save(tmp_path / "again.sequela", bundle.predictor, [], {})
    assert again.predict(ward) == bundle.predict(ward)
    first, second = bundle.predictor.promises, again.predictor.promises
    assert (first.sets, first.plain, first.mix, first.rarity is None) == (second.sets, second.plain, second.mix, False)


def test_a_bundle_of_an_older_version_loads_and_promises_nothing(ward_run: Run, ward: Store, tmp_path: Path) -> None:
    from safetensors.numpy import load as decode
    from safetensors.numpy import save as encode

    index, parts = archive.read(ward_run.bundle)
    del parts["uncertainty.json"], index["study"]["uncertainty"]
    arrays = decode(parts["weights.safetensors"])
    parts["weights.safetensors"] = encode({name: one for name, one in arrays.items() if not name.startswith("rarity/")})
    archive.write(tmp_path / "old.sequela", index, parts)
    old, new = load(tmp_path / "old.sequela").predict(ward), load(ward_run.bundle).predict(ward)
    assert all(one.possible is None and one.unusual is None and one.spread is None for one in old)
    assert [one.probabilities for one in old] == [one.probabilities for one in new]


def test_promises_of_another_form_are_a_bundle_error(ward_run: Run, tmp_path: Path) -> None:
    index, parts = archive.read(ward_run.bundle)
    parts["uncertainty.json"] = b'{"sets": 7}'
    archive.write(tmp_path / "changed.sequela", index, parts)
    with pytest.raises(BundleError):
        load(tmp_path / "changed.sequela")


def test_an_unsure_row_keeps_its_risk_and_has_no_decision(ward_run: Run, ward: Store) -> None:
    predictor = load(ward_run.bundle).predictor
    fitted = Abstention(0.1, 0.9, 0.8, 30, 25, 1, 0.09)
    found = said(replace(predictor, promises=replace(predictor.promises, abstention=fitted)), ward_run, ward)
    withheld = [one for one in found if one.abstained]
    assert 0 < len(withheld) < len(found)
    assert all(one.decision is None and one.probabilities and "0.800 is asked for" in (one.abstained or "") for one in withheld)
    assert all("above" not in one.text() and "below" not in one.text() for one in withheld)
    assert all(isinstance(one.decision, bool) for one in found if not one.abstained)


def test_without_a_cut_every_decision_is_withheld(ward_run: Run, ward: Store) -> None:
    predictor = load(ward_run.bundle).predictor
    fitted = Abstention(0.01, 0.9, None, 30)
    found = said(replace(predictor, promises=replace(predictor.promises, abstention=fitted)), ward_run, ward)
    assert all(one.decision is None and "no confidence was found" in (one.abstained or "") for one in found)


def test_a_row_that_is_rarer_than_the_study_allows_is_refused_and_says_nothing_else(ward_run: Run, ward: Store) -> None:
    found = said(asking(load(ward_run.bundle).predictor, unusual=0.5), ward_run, ward)
    refused = [one for one in found if one.refused]
    assert 0 < len(refused) < len(found)
    for one in refused:
        assert (one.refused or "").startswith("unusual, by ")
        assert (one.probabilities, one.decision, one.possible, one.threshold) == (None, None, None, None)


def test_a_chart_without_most_of_its_columns_is_unusual_by_that_rule(ward_run: Run, ward: Store) -> None:
    bundle = load(ward_run.bundle)
    rows, _ = bundle.eligible(ward)
    evidence = bundle.predictor.evidence(bundle.known(ward, rows), rows.subject_id, rows.row_id)
    chart = evidence.inputs["chart"]
    assert chart.seen is not None
    seen = np.asarray(chart.seen[np.arange(len(chart.position))]).copy()
    seen[:, 1:] = False
    bare = replace(evidence, inputs={**evidence.inputs, "chart": replace(chart, seen=seen)})
    rarity = bundle.predictor.promises.rarity
    assert rarity is not None
    place = [tail.measure for tail in rarity.state.tails].index("missing")
    before, after = (bundle.predictor.unusual(one) for one in (evidence, bare))
    assert before is not None and after is not None
    assert np.median(after.each[:, place]) < 0.1 < np.median(before.each[:, place])


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"by": "group"}, "said together"),
        ({"by": "group", "group": "sexx"}, "no group of the cohort"),
        ({"group": "sex"}, "said together"),
    ],
)
def test_a_group_that_the_cohort_does_not_tell_is_refused(ward_run: Run, asked: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        uncertain.check(asking(load(ward_run.bundle).predictor, **asked).study)


@pytest.mark.parametrize("asked", [{"risk": 0.1}, {"shift": "label"}, {"by": "all"}])
def test_a_task_of_quantities_takes_no_promise_about_decisions(ward_run: Run, asked: dict[str, object]) -> None:
    study = asking(load(ward_run.bundle).predictor, **asked).study
    with pytest.raises(ConfigError, match=f"'regression' takes no uncertainty.{next(iter(asked))}"):
        uncertain.check(msgspec.structs.replace(study, task="regression"))


def test_dropout_of_a_network_that_drops_nothing_is_refused(ward_run: Run) -> None:
    predictor = load(ward_run.bundle).predictor
    from sequela import model as models

    wanted = asking(predictor, dropout=5).study
    network = predictor.members[0]
    if not models.drops(network):
        with pytest.raises(ConfigError, match="no part of the network is dropped"):
            uncertain.check_network(wanted, network)
    with pytest.raises(ConfigError, match="one pass"):
        uncertain.check_network(asking(predictor, dropout=1).study, network)


def test_passes_with_dropout_differ_the_seed_alone_decides_how_and_the_answer_stays(ward_run: Run, ward: Store) -> None:
    from torch import nn

    predictor = load(ward_run.bundle).predictor
    before = said(predictor, ward_run, ward)
    for part in predictor.members[0].modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.4
    asked = asking(predictor, dropout=5)
    first, second = said(asked, ward_run, ward), said(asked, ward_run, ward)
    assert first == second
    assert all(one.spread and next(iter(one.spread.values())) > 0 for one in first)
    assert [one.probabilities for one in first] == [one.probabilities for one in before]
    assert not predictor.members[0].training


def test_the_uncertainty_of_a_run_is_told_in_its_report(ward_run: Run) -> None:
    told = json.loads((ward_run.folder / "trust.json").read_text())["uncertainty"]
    assert [one["class_"] for one in told["covered"] if not one["group"]] == ["", "no", "yes"]
    assert len(told["curve"]["given"]) == len(told["curve"]["wrong"]) > 5
    page = ward_run.report.read_text()
    assert "<h2>Uncertainty</h2>" in page and "Sets of possible classes" in page and "Unusual inputs" in page


def test_the_study_page_lists_no_shift_that_nothing_can_be_done_about() -> None:
    with pytest.raises(ConfigError):
        config.convert({"shift": "covariate"}, config.Uncertainty)

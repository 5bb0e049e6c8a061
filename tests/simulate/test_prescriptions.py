"""Simulated prescriptions: what was planted is in the files, and only a prescriber who slips breaks a rule."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import polars as pl
import pytest

import sequela
from sequela import seed as streams
from sequela import simulate
from sequela.simulate import prescriptions
from sequela.simulate.prescriptions import pharmacy
from sequela.simulate.prescriptions.pharmacy import drug
from sequela.study import contraindications, interactions

PATIENTS = 200


@pytest.fixture(scope="module")
def patients() -> list[prescriptions.Patient]:
    return [prescriptions.drawn(k, streams.generator(0, "prescriptions", k)) for k in range(1, PATIENTS + 1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("prescriptions", tmp_path_factory.mktemp("simulated") / "set", PATIENTS)


def test_only_a_slip_goes_against_a_constraint_or_a_contraindicated_pair(patients: list[prescriptions.Patient]) -> None:
    never = {frozenset((drug(a), drug(b))) for a, b, severity, _ in pharmacy.INTERACTIONS if severity == "contraindicated"}
    broken = 0
    for visit in (visit for patient in patients for visit in patient.visits):
        for one in visit.choices:
            assert one.slipped or not visit.state.excludes(one.code)
            broken += visit.state.excludes(one.code)
        for one, other in combinations(visit.choices, 2):
            assert frozenset((one.code, other.code)) not in never or one.slipped or other.slipped
    assert broken > 0, "prescribers slip, so the records hold what the rules exclude"


def test_every_drug_is_chosen_for_a_problem_that_the_patient_has(patients: list[prescriptions.Patient]) -> None:
    for visit in (visit for patient in patients for visit in patient.visits):
        asked = {problem.code: {drug(name) for need in problem.needs for name in need} for problem in visit.problems}
        assert all(one.code in asked[one.problem] for one in visit.choices)
        assert len({one.code for one in visit.choices}) == len(visit.choices)
        assert set(visit.charted) <= set(asked)


def test_chronic_drugs_are_carried_on(patients: list[prescriptions.Patient]) -> None:
    chronic = {problem.code for problem in pharmacy.PROBLEMS if problem.chronic}
    same, all_ = 0, 0
    for patient in patients:
        for before, after in zip(patient.visits, patient.visits[1:], strict=False):
            had = {(one.problem, one.code) for one in before.choices if one.problem in chronic}
            kept = [pair for pair in had if pair[0] in {problem.code for problem in after.problems}]
            same += sum(pair in {(one.problem, one.code) for one in after.choices} for pair in kept)
            all_ += len(kept)
    assert 0.85 < same / all_ < 0.99


def test_the_truth_is_that_of_the_records(folder: Path) -> None:
    truth = pl.read_csv(folder / "truth.csv")
    events = pl.read_parquet(folder / "data" / "000.parquet").filter(pl.col("code").str.starts_with("ATC//"))
    given = set(truth.filter(pl.col("given") == 1).select("visit", "drug").iter_rows())
    assert given == set(events.select("visit", "code").iter_rows())
    assert truth.filter((pl.col("given") == 1) & (pl.col("intended") == 0)).is_empty()
    slipped = truth.filter(pl.col("intended") == 1)["slipped"].mean()
    assert slipped == pytest.approx(prescriptions.SLIP, abs=0.04)


def test_the_reader_takes_every_event_with_its_visit(folder: Path, tmp_path: Path) -> None:
    store = sequela.import_data("meds", folder, tmp_path / "store")
    written = pl.read_parquet(folder / "data" / "000.parquet")
    events = store.events()
    assert len(events) == len(written) and store.flow.refused_count == 0
    assert events["visit"].n_unique() == written["visit"].n_unique()
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert kinds["ATC//C09AA05"] == "event" and kinds[prescriptions.EGFR] == "measurement" and kinds["AGE"] == "static"


def test_problems_are_charted_before_the_first_drug(folder: Path) -> None:
    events = pl.read_parquet(folder / "data" / "000.parquet").drop_nulls("visit")
    drugs = pl.col("code").str.starts_with("ATC//")
    first = events.filter(drugs).group_by("visit").agg(pl.col("time").min().alias("drug"))
    begun = events.filter(pl.col("code") == "HOSPITAL//ADMISSION").select("visit", pl.col("time").alias("begun"))
    hour = pl.duration(hours=1)
    assert first.join(begun, on="visit").select((pl.col("drug") > pl.col("begun") + hour).all()).item()
    told = events.filter(~drugs & (pl.col("code") != "HOSPITAL//DISCHARGE")).join(begun, on="visit")
    assert told.select((pl.col("time") < pl.col("begun") + hour).all()).item()


def test_the_tables_are_read_as_a_site_s_own(folder: Path) -> None:
    pairs = interactions.read(folder / "interactions.csv")
    rules = contraindications.read(folder / "constraints.csv")
    assert len(pairs.pairs) == len(pharmacy.INTERACTIONS) and len(rules.rules) == len(pharmacy.CONSTRAINTS)
    assert interactions.matrix(pairs, tuple(pharmacy.DRUGS)).any()

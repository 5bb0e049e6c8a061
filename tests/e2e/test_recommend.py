"""Medication sets from simulated records to a bundle's answers: what the rules exclude is never recommended, whoever answers."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import polars as pl
import pytest
import torch

import sequela
from sequela import config, pipeline, simulate
from sequela import seed as streams
from sequela.bundle import bundle as bundles
from sequela.errors import ConfigError, DataError
from sequela.evaluate.calibrate import Calibrator, Curve
from sequela.pipeline import files
from sequela.simulate import prescriptions
from sequela.simulate.prescriptions.pharmacy import INTERACTIONS, drug
from sequela.store.store import Store

pytestmark = pytest.mark.slow  # trains networks

STUDIES = Path(__file__).parents[2] / "studies" / "ehr"
QUICK = ("train.epochs=3", "evaluate.bootstrap=0", "evaluate.threshold=0.1", "task.others=ignore")
QUICK += ('baselines.names=["previous_visit"]',)
SUBJECTS = 150
NEVER = {frozenset((drug(a), drug(b))) for a, b, severity, _ in INTERACTIONS if severity == "contraindicated"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its tables beside it, about the drugs that a small set of patients has often."""
    made = tmp_path_factory.mktemp("recommend")
    simulate.write("prescriptions", made / "prescriptions", SUBJECTS, 3)
    given = pl.read_csv(made / "prescriptions" / "truth.csv").filter(pl.col("given") == 1)["drug"].value_counts()
    common = given.filter(pl.col("count") >= 40)["drug"].sort().to_list()
    study = config.load(STUDIES / "recommend.toml", QUICK)
    study = msgspec.structs.replace(study, outcome=msgspec.structs.replace(study.outcome, code=common))
    (made / "study.toml").write_text(config.dump(study))
    for name in ("interactions.csv", "constraints.csv"):
        shutil.copy(STUDIES / name, made / name)
    return made


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return sequela.import_data("meds", folder / "prescriptions", folder / "store")


@pytest.fixture(scope="module")
def run(folder: Path, store: Store) -> sequela.Run:
    return sequela.run(folder / "study.toml", data=store, out=folder / "run")


def excluded(source: str, place: int, name: str) -> bool:
    """Whether the patient's true state rules a drug out of their visit, as the simulation knows it."""
    patient = prescriptions.drawn(int(source), streams.generator(3, "prescriptions", int(source)))
    return patient.visits[place].state.excludes(name)


def breaches(rows: list[tuple[str, list[str]]]) -> list[str]:
    """What breaks a rule among (row_id, drugs)."""
    found = []
    for row, drugs in rows:
        source, _, number = row.partition("#")
        found += [f"{row} {name}" for name in drugs if excluded(source, int(number) - 1, name)]
        found += [f"{row} {a} {b}" for a in drugs for b in drugs if frozenset((a, b)) in NEVER]
    return found


def test_the_study_s_tables_are_those_of_the_simulation(tmp_path: Path) -> None:
    prescriptions.tables(tmp_path)
    for name in ("interactions.csv", "constraints.csv"):
        assert (tmp_path / name).read_text() == (STUDIES / name).read_text()


def test_a_run_reports_sets_and_their_safety_beside_the_previous_visit(run: sequela.Run) -> None:
    said = {(row["model"], row["metric"], row["against"]) for row in run.metrics if row["part"] == "test" and not row["class"]}
    for metric in ("jaccard", "set_f1", "micro_f1", "row_auprc", "set_size", "ddi_rate", "barred_rate"):
        assert {("model", metric, ""), ("model", metric, "baseline:previous_visit")} <= said
    assert run.metric("barred_rate") == 0
    report = run.report.read_text()
    assert "Decision support for a prescriber, not an order" in report and "SHA-256" in report


def test_what_a_run_recommends_breaks_no_rule_on_tune_or_test(run: sequela.Run) -> None:
    said = pl.read_parquet(run.folder / files.PREDICTIONS).filter(pl.col("model") == "model")
    rows = [(row, drugs.split(", ") if drugs else []) for row, drugs in said.select("row_id", "decision").iter_rows()]
    assert sum(len(drugs) for _, drugs in rows) > 100
    assert breaches(rows) == []


def test_the_tables_travel_in_the_bundle_with_their_provenance(run: sequela.Run, folder: Path, store: Store) -> None:
    away = folder / "elsewhere"
    away.mkdir()
    bundle = sequela.load(shutil.copy(run.bundle, away / "model.sequela"))
    options = bundle.study.task
    assert options["interactions"]["file"] == "interactions.csv" and len(options["constraints"]["sha256"]) == 64
    assert all(rule["source"] for rule in options["constraints"]["rules"])
    answered = bundle.predict(store)
    assert breaches([(one.row_id, one.decision) for one in answered]) == []
    card = bundles.archive.read(run.bundle)[1]["card.md"].decode()
    assert "not an order" in card and "constraints.csv" in card


def test_a_prediction_says_what_is_withheld_what_is_not_known_and_that_it_is_no_order(run: sequela.Run, store: Store) -> None:
    answered = sequela.load(run.bundle).predict(store)
    assert all("not an order" in one.notice and one.unchecked == [] for one in answered)
    ruled = [(one, name, why) for one in answered for name, why in one.withheld.items()]
    assert any("egfr < 30: " in why for _, _, why in ruled) and any(why.startswith("allergy: ") for _, _, why in ruled)
    for one, name, why in ruled:
        assert name not in one.decision
        if not why.startswith("contraindicated together"):
            assert one.probabilities[name] == 0
    told = msgspec.json.decode(answered[0].json())
    assert {"withheld", "unchecked", "notice"} <= set(told)
    assert "to be reviewed" in answered[0].text() and answered[0].notice in answered[0].text()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_networks_of_random_weights_and_any_calibration_break_no_rule(run: sequela.Run, store: Store, seed: int) -> None:
    bundle = sequela.load(run.bundle)
    random = streams.generator(seed, "test")
    torch.manual_seed(seed)
    members = [copy.deepcopy(member) for member in bundle.predictor.members]
    for member in members:
        for parameter in member.parameters():
            torch.nn.init.normal_(parameter, 0, 2)
    names = bundle.predictor.task.names
    lifted = Calibrator("platt", names, tuple(Curve(3.0, 0.5) for _ in names))  # would make 0 into a risk
    cuts = {key: float(random.choice([1e-300, 0.01, 0.3])) for key in bundle.predictor.thresholds}
    wild = replace(bundle.predictor, members=members, calibrators={"model": lifted}, thresholds=cuts)
    answered = replace(bundle, predictor=wild).predict(store)
    assert sum(len(one.decision) for one in answered) > 100
    assert breaches([(one.row_id, one.decision) for one in answered]) == []


def test_judged_elsewhere_the_rules_still_hold(run: sequela.Run, tmp_path: Path) -> None:
    simulate.write("prescriptions", tmp_path / "other", 60, 5)
    other = sequela.import_data("meds", tmp_path / "other", tmp_path / "store")
    judged = pipeline.evaluate(run.bundle, other, out=tmp_path / "external")
    assert judged.metric("barred_rate") == 0


def test_evidence_that_was_not_held_against_the_rules_is_not_answered(run: sequela.Run, store: Store) -> None:
    bundle = sequela.load(run.bundle)
    rows, _ = bundle.eligible(store)
    evidence = bundle.predictor.evidence(bundle.known(store, rows), rows.subject_id, rows.row_id)
    with pytest.raises(DataError, match="not held against the rules"):
        bundle.predictor.answer(replace(evidence, barred=None))


def test_a_history_window_that_would_hide_an_allergy_is_refused(folder: Path, store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cohort\.history would hide"):
        sequela.run(folder / "study.toml", data=store, out=tmp_path / "run", overrides=("cohort.history=365d",))


def test_a_fact_that_the_data_never_tells_is_refused(folder: Path, store: Store, tmp_path: Path) -> None:
    misspelt = 'task.facts.egfr.codes=["LOINC//98979"]'
    with pytest.raises(DataError, match="no event that tells 'egfr': LOINC//98979"):
        sequela.run(folder / "study.toml", data=store, out=tmp_path / "run", overrides=(misspelt,))


def test_a_table_that_is_not_there_is_refused_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file 'ddi\.csv'"):
        sequela.run(folder / "study.toml", data=tmp_path, out=tmp_path / "run", overrides=("task.interactions=ddi.csv",))

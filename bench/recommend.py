"""Medication sets on simulated prescriptions whose truth is planted: better than the previous visit, safer than the data.

    python bench/recommend.py [--subjects 3000] [--epochs 20] [--seeds 3]

What is shown: the Jaccard index beside the nearest previous visit, as it is and held to the same rules, with paired intervals;
how the rate of interacting pairs falls as the penalty rises, and what it costs; that nothing recommended is excluded by the
patient's true state, as the simulation knows it (not as the rules read it), for the trained model and for random weights.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl
import torch

import sequela
from sequela import config, pipeline, simulate
from sequela import seed as streams
from sequela.bundle.predictor import Predictor
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.threshold import decide
from sequela.metrics import sets
from sequela.pipeline import files
from sequela.simulate import prescriptions
from sequela.simulate.prescriptions.pharmacy import INTERACTIONS, drug
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.train import rows as evidences
from sequela.types import Answer, Array, Cohort

STUDIES = Path(__file__).resolve().parent.parent / "studies" / "ehr"
STUDY, DEMO = STUDIES / "recommend.toml", STUDIES / "recommend_mimic3_demo.toml"
WEIGHTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
RANDOM = 20  # networks with random weights
TOLD = (
    "jaccard",
    "set_f1",
    "micro_f1",
    "row_auprc",
    "set_size",
    "ddi_rate",
    "ddi_rate_given",
    "barred_rate",
    "barred_rate_given",
)
BASELINE, HELD = "baseline:previous_visit", "baseline:previous_visit_held"
NEVER = {frozenset((drug(a), drug(b))) for a, b, severity, _ in INTERACTIONS if severity == "contraindicated"}


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as scratch, harness.measure() as spent:
        folder = Path(scratch)
        simulate.write("prescriptions", folder / "prescriptions", asked.subjects, asked.simulation)
        store = sequela.import_data("meds", folder / "prescriptions", folder / "store")
        found = trained(store, folder, asked)
        demo = on_the_demo(folder)
    payload = {
        "subjects": asked.subjects,
        "epochs": asked.epochs,
        "seeds": asked.seeds,
        **found,
        "mimic3_demo": demo or "not at hand",
        "mimic3_demo_says": "that it runs; 100 patients prove no more",
        "cpu_seconds": round(spent.cpu_seconds, 1),
    }
    harness.record("recommend", payload)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="trainings for each point of the curve")
    parser.add_argument("--simulation", type=int, default=0, help="seed of the simulated patients")
    return parser.parse_args()


def trained(store: Store, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The study as it is, and the curve over the penalty."""
    run = pipeline.run(STUDY, data=store, out=folder / "run", overrides=(f"train.epochs={asked.epochs}",))
    test = Test(store, run, asked)
    return {
        "numbers": test.numbers(),
        "beside_the_previous_visit_held_to_the_rules": test.paired(),
        "in_visits_that_are_not_the_first": test.again(),
        "intended": test.intended(),
        "excluded_by_true_state": test.violations(),
        "random_networks": test.random(),
        "curve": curve(store, folder, asked),
    }


# ------------------------------------------------------------------------------------------------------------------- the study


class Test:
    """The test rows of a run, with everybody's answers and what is true of each row."""

    def __init__(self, store: Store, run: pipeline.Run, asked: argparse.Namespace) -> None:
        said = pl.read_parquet(run.folder / files.PREDICTIONS).filter(pl.col("part") == "test")
        rows, _ = cohorts.build(store, sequela.load(run.bundle).study)
        bundle = sequela.load(run.bundle)
        self.run, self.predictor = run, bundle.predictor
        self.cohort: Cohort = rows.take(np.isin(rows.row_id, said["row_id"].unique().to_numpy()))
        known = bundle.known(store, self.cohort)
        self.evidence = self.predictor.evidence(known, self.cohort.subject_id, self.cohort.row_id)
        self.answers = files.read_answers(run.folder / files.PREDICTIONS, self.cohort, "test")
        self.names = self.cohort.target.names
        self.given = self.cohort.target.values > 0
        self.visits = list(visits(self.cohort, asked.simulation))

    def numbers(self) -> list[Mapping[str, Any]]:
        """Every metric of sets, of the model and of the baseline, and their paired differences."""
        kept = [row for row in self.run.metrics if row["part"] == "test" and row["metric"] in TOLD and not row["class"]]
        return [{key: row[key] for key in ("model", "against", "metric", "value", "low", "high", "n")} for row in kept]

    def paired(self) -> list[Mapping[str, Any]]:
        """The model against the previous visit held to the same rules: what the rules alone do is not the model's merit."""
        held = self.predictor.held(self.answers[BASELINE], self.evidence)
        return self._judged({"model": self.answers["model"], HELD: held}, np.arange(len(self.cohort)))

    def again(self) -> list[Mapping[str, Any]]:
        """The model against the previous visit in those visits alone that are not a patient's first."""
        later = np.flatnonzero([visit.number % 100 > 0 for visit in self.visits])
        return self._judged({name: self.answers[name] for name in ("model", BASELINE)}, later)

    def _judged(self, answers: Mapping[str, Answer], rows: Array) -> list[Mapping[str, Any]]:
        cuts = dict(self.predictor.thresholds)
        cuts |= {key.replace(BASELINE, HELD): cut for key, cut in cuts.items() if key.startswith(BASELINE)}
        own = {name: answer.take(rows) for name, answer in answers.items()}
        safety = self.predictor.safety(evidences.take(self.evidence, rows))
        cohort, settings = self.cohort.take(rows), config.Evaluate(bootstrap=1000)
        found = evaluate("multilabel", cohort, own, settings, cuts, part="test", split="test", seed=0, safety=safety)
        kept = [one for one in found.metrics if one.metric in TOLD and not one.class_]
        return [{key: getattr(one, key) for key in ("model", "against", "metric", "value", "low", "high", "n")} for one in kept]

    def intended(self) -> float:
        """The Jaccard index, with what was given, of what the prescribers meant to give: no model can be expected to pass it."""
        return float(
            sets.jaccard(np.stack([self._named(one.code for one in visit.choices) for visit in self.visits]), self.given)
        )

    def violations(self) -> dict[str, Any]:
        """How much of what each recommends, and of what was given, is excluded by the true state of the patient."""
        called = {name: decide("multilabel", name, answer, self.predictor.thresholds) for name, answer in self.answers.items()}
        return {name: self._counted(one) for name, one in {**called, "given": self.given}.items()}

    def random(self) -> dict[str, Any]:
        """The same of networks with random weights, far from anything learnt, each with a threshold of its own."""
        total = {"networks": RANDOM, "recommended": 0, "excluded": 0, "contraindicated_pairs": 0}
        for k in range(RANDOM):
            random = streams.generator(0, "recommend", k)
            called = randomised(self.predictor, k).answer(self.evidence).values >= random.uniform(0.001, 0.5)
            total = {name: total[name] + self._counted(called).get(name, 0) for name in total}
        return total

    def _counted(self, called: Array) -> dict[str, int]:
        excluded = np.stack([[visit.state.excludes(name) for name in self.names] for visit in self.visits])
        pairs = [(i, j) for i, j in itertools.combinations(range(len(self.names)), 2) if {self.names[i], self.names[j]} in NEVER]
        together = sum(int((called[:, i] & called[:, j]).sum()) for i, j in pairs)
        return {
            "recommended": int(called.sum()),
            "excluded": int((called & excluded).sum()),
            "contraindicated_pairs": together,
        }

    def _named(self, codes: Iterator[str]) -> Array:
        return np.isin(self.names, list(codes))


def visits(cohort: Cohort, seed: int) -> Iterator[prescriptions.Visit]:
    """The true visit behind each row."""

    @cache
    def patient(number: int) -> prescriptions.Patient:
        return prescriptions.drawn(number, streams.generator(seed, "prescriptions", number))

    for source, start in zip(cohort.source_id.tolist(), cohort.start.tolist(), strict=True):
        yield next(visit for visit in patient(int(source)).visits if visit.begin == start)


def randomised(predictor: Predictor, seed: int) -> Predictor:
    """The predictor with networks of random weights in place of its own."""
    torch.manual_seed(seed)
    members = [copy.deepcopy(member) for member in predictor.members]
    for member in members:
        for parameter in member.parameters():
            torch.nn.init.normal_(parameter, 0, 1)
    return replace(predictor, members=members)


# ------------------------------------------------------------------------------------------------------------------------ curve


def curve(store: Store, folder: Path, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """For each weight of the penalty, over several trainings: the DDI rate, the Jaccard index, the size of the set."""
    return [point(store, folder, weight, asked) for weight in WEIGHTS]


def point(store: Store, folder: Path, weight: float, asked: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, list[float]] = {"ddi_rate": [], "jaccard": [], "set_size": [], "ddi_rate_given": []}
    for seed in range(asked.seeds):
        settings = {"task.ddi_weight": weight, "task.ddi_target": 0.0, "train.seed": seed, "train.epochs": asked.epochs}
        overrides = tuple(
            f"{key}={value}"
            for key, value in {**settings, "evaluate.bootstrap": 0, "baselines.names": '["previous_visit"]'}.items()
        )
        run = pipeline.run(STUDY, data=store, out=folder / f"curve-{weight}-{seed}", overrides=overrides)
        for name, values in found.items():
            values.append(defined(run.metric(name)))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    return {"ddi_weight": weight, **means, "each": {name: found[name] for name in ("ddi_rate", "jaccard")}}


def defined(value: float | None) -> float:
    """The value. Raises SystemExit where there is none: a curve with holes would mislead."""
    if value is None:
        raise SystemExit("a number of the curve is undefined: more subjects are needed")
    return value


# ----------------------------------------------------------------------------------------------------------------- the real demo


def on_the_demo(folder: Path) -> list[dict[str, Any]]:
    """Numbers that show that the task runs on MIMIC-III records; none where the records are not at hand."""
    source = Path(os.environ.get("SEQUELA_DATA", "")) / "mimic3_demo"
    if not os.environ.get("SEQUELA_DATA") or not source.exists():
        return []
    run = pipeline.run(DEMO, data=source, out=folder / "demo")
    told = [
        row for row in run.metrics if row["part"] == "test" and row["metric"] in TOLD and not row["class"] and not row["against"]
    ]
    return [{key: row[key] for key in ("model", "metric", "value", "n")} for row in told]


if __name__ == "__main__":
    main()

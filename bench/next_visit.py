"""Death in the next stay, from the whole coded history: what networks reach beside logistic regression and beside the truth.

    python bench/next_visit.py CSV_DIR [CSV_DIR …] [--part test] [--models retain gru …] [--set inputs.history.encoder.width=32]

Each network is the mean of several (--members), alone and together with logistic regression, weighed on tune. Each CSV_DIR holds
MIMIC-III's tables PATIENTS, ADMISSIONS, DIAGNOSES_ICD, PROCEDURES_ICD and PRESCRIPTIONS, simulated, and truth.csv with
HADM_ID and p_death_next, the probability with which the next stay's outcome was drawn: its AUROC is the best that anybody
can reach. Several folders of different sizes make the learning curve. The study is that of
studies/ehr/next_visit_mortality.toml, whose settings are RETAIN's; those below are the others'. All were chosen on tune parts
and on further simulated patients, never on a test part. What is told is of the tune part, unless `--part test` asks for the
other, which is for once, at the end.

The risk of a stay is a sum of the weights of thousands of codes, most of them rare. What decides is that the optimizer moves a
rare code by what its few rows say, and no further: plain stochastic gradients do; Adam divides by their size, and does not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import lightning.pytorch  # noqa: F401 - its import is no part of a training
import numpy as np
import polars as pl
from harness import PACKAGES, measure, record

from sequela import config, threads
from sequela import model as models
from sequela.baselines import logistic
from sequela.contracts import Evidence
from sequela.evaluate.intervals import Interval, delong, delong_difference
from sequela.pipeline import import_data, trial
from sequela.pipeline.prepared import Prepared, prepare
from sequela.pipeline.progress import silent
from sequela.store.store import Store
from sequela.train import ensemble, fit
from sequela.types import Answer, Array, Part

STUDY = Path(__file__).resolve().parents[1] / "studies" / "ehr" / "next_visit_mortality.toml"
MEMBERS = 2  # networks of each kind, from different seeds, whose answers are averaged, unless --members says otherwise
SGD = ('train.optimizer={ name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 1e-3 }',)
MODELS: Mapping[str, Sequence[str]] = {
    "retain": (),  # as the study has it
    "gru": ('inputs.history.encoder={ name = "gru", width = 64 }', *SGD),
    "transformer": ('inputs.history.encoder={ name = "transformer", width = 64 }', *SGD),
}


@dataclass(frozen=True)
class Rows:
    """The rows of one folder, read."""

    prepared: Prepared
    read: trial.Read
    truth: Array  # float64 "N": the probability of each row of the cohort

    def of(self, part: Part) -> tuple[Evidence, Array]:
        """The rows of a part, and the truth of each."""
        return self.read.of(part), self.truth[self.read.parts[part]]


def rows(folder: Path, store: Store, overrides: Sequence[str]) -> Rows:
    prepared = prepare(config.load(STUDY, tuple(overrides)), folder, store, silent)
    split = prepared.split(prepared.plans[0])
    return Rows(split, trial.read(split), _truth(folder, store, split))


def _truth(folder: Path, store: Store, split: Prepared) -> Array:
    """The probability of each row, found by the visit that ends at its moment."""
    told = pl.read_csv(folder / "truth.csv", columns=["HADM_ID", "p_death_next"]).rename({"HADM_ID": "visit"})
    ends = store.events(["HOSPITAL//DISCHARGE"]).select("subject_id", "time", "visit").join(told, on="visit")
    asked = pl.DataFrame({"subject_id": split.cohort.subject_id, "time": split.cohort.time.astype("datetime64[us]")})
    found = asked.join(ends, on=["subject_id", "time"], how="left", maintain_order="left")
    if len(found) != len(asked) or found["p_death_next"].null_count():
        raise SystemExit(f"{folder}: truth.csv does not tell one probability for every row")
    return found["p_death_next"].to_numpy()


def judged(held: Evidence, risk: Array, other: Array | None = None) -> dict[str, Any]:
    """AUROC with its interval by subject, and the difference to another risk of the same rows."""
    event = held.target.values[:, 0]
    found: dict[str, Any] = {"auroc": _written(delong(risk, event, held.subject))}
    if other is not None:
        found["over_logistic"] = _written(delong_difference(risk, other, event, held.subject))
    return found


def _written(interval: Interval) -> list[float]:
    return [round(interval.value, 4), round(interval.low, 4), round(interval.high, 4)]


@dataclass(frozen=True)
class Said:
    """What somebody says of the tune part, and of the part that is told."""

    tune: Answer
    held: Answer

    @property
    def risk(self) -> Array:
        return self.held.values[:, 0]


@dataclass(frozen=True)
class Asked:
    """What holds for every network."""

    overrides: Sequence[str]  # laid over the study
    members: int


def network(folder: Path, store: Store, name: str, part: Part, asked: Asked) -> tuple[Said, dict[str, Any]]:
    """The mean answer of the networks of one kind, and how they came to it."""
    mine = rows(folder, store, (*MODELS[name], *asked.overrides))
    said: list[Said] = []
    epochs, seconds = [], 0.0
    for seed in range(asked.members):
        with tempfile.TemporaryDirectory() as place:
            trained = fit.fit(mine.prepared.study, mine.read.train, mine.read.tune, Path(place), seed=seed)
        answers = [models.predict(trained.model, trained.task, mine.read.of(p).inputs) for p in ("tune", part)]
        said.append(Said(*answers))
        epochs.append(trained.best_epoch)
        seconds += trained.cpu_seconds
    return _mean(said), {"best_epochs": epochs, "train_cpu_seconds": round(seconds, 1)}


def _mean(said: Sequence[Said]) -> Said:
    tune, held = ([getattr(member, side) for member in said] for side in ("tune", "held"))
    return Said(*(replace(side[0], values=np.mean([one.values for one in side], axis=0)) for side in (tune, held)))


def together(model: Said, plain: Said, tune: Evidence) -> tuple[Array, dict[str, float]]:
    """The risk of both averaged, as an ensemble of a study is: with weights found on tune."""
    weights = ensemble.weigh({"model": model.tune, "logistic": plain.tune}, tune.target, "logit")
    said = ensemble.combine({"model": model.held, "logistic": plain.held}, weights, "logit")
    return said.values[:, 0], {name: round(weight, 3) for name, weight in weights.items()}


def one(folder: Path, part: Part, names: Sequence[str], asked: Asked) -> dict[str, Any]:
    """Everything about one folder."""
    with tempfile.TemporaryDirectory() as place:
        store = import_data("mimic3", folder, Path(place) / "store")
        mine = rows(folder, store, asked.overrides)
        held, truth = mine.of(part)
        plain = logistic.build(logistic.Config())
        with measure() as fitting:
            plain.fit(mine.read.train, mine.read.tune, "binary", 0)
        logit = Said(plain.answer(mine.read.tune), plain.answer(held))
        beside = logit.risk
        found: dict[str, Any] = {
            "subjects": len(np.unique(mine.prepared.cohort.subject_id)),
            "rows": {name: len(mine.read.parts[name]) for name in ("train", "tune", "test")},
            "events": int(held.target.values.sum()),
            "oracle": judged(held, truth, beside),
            "logistic": {
                **judged(held, beside),
                "chosen": dict(next(iter(plain.chosen.values()))["chosen"]),
                "cpu_seconds": round(fitting.cpu_seconds, 1),
            },
        }
        for name in names:
            said, told = network(folder, store, name, part, asked)
            joined, weights = together(said, logit, mine.read.tune)
            both = {**judged(held, joined, beside), "weights": weights}
            found[name] = {**judged(held, said.risk, beside), **told, "with_logistic": both}
            print(folder.name, name, found[name], flush=True)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--part", choices=("tune", "test"), default="tune")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=list(MODELS))
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="laid over the study of every model")
    parser.add_argument(
        "--name", default="next_visit", help="of the file of results: other settings than the study's have their own"
    )
    parser.add_argument("--members", type=int, default=MEMBERS, help="networks of each kind, whose answers are averaged")
    given = parser.parse_args()
    asked = Asked(given.overrides, given.members)
    threads.prepare(1)
    curve = [{"folder": folder.name, **one(folder, given.part, given.models, asked)} for folder in given.folders]
    settings = {name: list(MODELS[name]) for name in given.models}
    told = {"part": given.part, "members": given.members, "settings": settings, "overrides": given.overrides, "curve": curve}
    record(given.name, told, PACKAGES)


if __name__ == "__main__":
    main()

"""Does pretraining on next codes help a question with few labels? A learning curve, from scratch and pretrained, with intervals.

    python bench/pretraining.py
    python bench/pretraining.py --seeds 2 --labelled 100 400 --patients 3000

Histories are simulated: the outcome depends on diseases, each told by many codes, and that two codes tell the same disease shows
only in what comes before and after them. Both arms have the same network, vocabulary, labelled patients (a fifth of them tune),
epochs to choose from and seeds; the pretrained one starts from an encoder that has foreseen the next codes of every patient who
is not in the test, without any label. AUROC on the same test patients; the interval of a difference is over resamples of those
patients and of the seeds. `bag_of_codes` is a logistic regression on how often each code occurs, of the same labelled patients.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import numpy as np
from harness import measure, record
from msgspec import structs

from sequela import config, registry, simulate
from sequela import model as models
from sequela import seed as streams
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics.discrimination import auroc
from sequela.pipeline import import_data, pretraining, trial
from sequela.pipeline.prepared import prepare
from sequela.pipeline.pretraining import Pretrained
from sequela.pipeline.progress import silent
from sequela.store.store import Store
from sequela.train import rows as evidences
from sequela.train.fit import fit
from sequela.types import Array

LABELLED, SEEDS, PATIENTS, TESTED = (100, 200, 400, 800, 1600), 5, 6000, 2000
TUNED = 0.2  # of the labelled patients
ASIDE = 50  # patients of the tune part that every split has; neither arm sees them
RESAMPLES = 2000
STUDY: dict[str, Any] = {
    "name": "pretraining",
    "question": "Will the outcome come?",
    "data": {"source": "."},
    "cohort": {"index": "DX//*", "predict_at": "end of record"},
    "outcome": {"column": "outcome"},
    "inputs": {
        "history": {
            "modality": {"name": "codes", "form": "events", "values": "none", "side": []},
            "encoder": {"name": "gru", "width": 64, "embedding": 32, "pool": "mean"},
        }
    },
    "task": "binary",
    "train": {"epochs": 40, "batch": 32, "clip": 1.0, "patience": 8, "optimizer": {"lr": 3e-3}},
    "pretrain": {"epochs": 20, "batch": 32, "records": "whole", "schedule": {"name": "one_cycle"}, "optimizer": {"lr": 3e-3}},
}


def study(seed: int, pool: Sequence[str], tested: Sequence[str]) -> config.Study:
    """The study whose training part is the pool: what is pretrained on, and what the vocabulary is learnt from."""
    asked = config.convert(STUDY, config.Study)
    parts = {"train": list(pool[ASIDE:]), "tune": list(pool[:ASIDE]), "test": list(tested)}
    split = config.Split(by="list", parts=parts)
    return structs.replace(asked, split=split, train=structs.replace(asked.train, seed=seed))


@dataclass(frozen=True)
class Found:
    """What one seed gave."""

    risks: Mapping[int, Mapping[str, Array]]  # labelled patients -> arm -> float64 "test"
    outcome: Array  # bool "test"
    start: Pretrained


def one_seed(seed: int, store: Store, patients: int, labelled: Sequence[int], folder: Path) -> Found:
    """One encoder pretrained, and each arm trained with each number of labelled patients."""
    names = [str(k + 1) for k in range(patients)]
    asked = study(seed, names[: patients - TESTED], names[patients - TESTED :])
    prepared = prepare(asked, Path(), store, silent)
    rows = trial.read(prepared.split(prepared.plans[0]))
    start = pretraining.pretrained(asked, rows.foreseen, rows.material, trial.Way(folder / "start", False, "", silent))
    assert start is not None
    order = streams.generator(seed, "labelled").permutation(len(rows.train))
    test, found = rows.of("test"), {}
    for count in labelled:
        tune, train = np.split(order[:count], [round(TUNED * count)])
        parts = evidences.take(rows.train, np.sort(train)), evidences.take(rows.train, np.sort(tune))
        found[count] = {
            name: _risk(asked, parts, test, weights, folder / f"{name}-{count}")
            for name, weights in (("scratch", None), ("pretrained", start.weights))
        } | _bag(parts, test, seed)
    return Found(found, test.target.values[:, 0] == 1, start)


def _risk(asked: config.Study, parts: tuple[Evidence, Evidence], test: Evidence, start: Any, folder: Path) -> Array:
    trained = fit(asked, *parts, folder, start=start)
    return models.predict(trained.model, trained.task, test.inputs).values[:, 0]


def _bag(parts: tuple[Evidence, Evidence], test: Evidence, seed: int) -> dict[str, Array]:
    """A logistic regression on the counts of codes; nothing where it cannot be fitted."""
    module = registry.module("baselines", "logistic")
    plain = module.build(module.Config())
    try:
        plain.fit(*parts, "binary", seed)
    except DataError:
        return {}
    return {"bag_of_codes": plain.answer(test).values[:, 0]}


def judged(risks: Mapping[str, Array], outcome: Array) -> dict[str, Any]:
    """The mean AUROC over seeds of each arm, whose risks are "seeds test"; what pretraining gains, with its interval."""
    areas = {arm: float(np.mean([auroc(one, outcome) for one in each])) for arm, each in risks.items()}
    low, high = np.quantile(_gains(risks["pretrained"], risks["scratch"], outcome), [0.025, 0.975])
    told = areas | {"gain": areas["pretrained"] - areas["scratch"], "gain_low": float(low), "gain_high": float(high)}
    return {name: round(value, 4) for name, value in told.items()}


def _gains(pretrained: Array, scratch: Array, outcome: Array) -> Array:
    """The mean difference of AUROC over resampled seeds and test patients, float64 "RESAMPLES"."""
    random = streams.generator(0, "resamples")
    seeds, tested = pretrained.shape
    drawn = random.integers(0, tested, (RESAMPLES, tested))
    weights = np.stack([np.bincount(one, minlength=tested) for one in drawn]).astype(np.float64)
    pairs = zip(pretrained, scratch, strict=True)
    each = np.stack([auroc(ours, outcome, weights) - auroc(theirs, outcome, weights) for ours, theirs in pairs])
    which = random.integers(0, seeds, (RESAMPLES, seeds))
    mean: Array = each[which, np.arange(RESAMPLES)[:, None]].mean(1)
    return mean


def verdict(curve: Mapping[str, Mapping[str, float]]) -> str:
    """In words: at which numbers of labelled patients the interval of the gain leaves zero out."""
    better = [count for count, told in curve.items() if told["gain_low"] > 0]
    worse = [count for count, told in curve.items() if told["gain_high"] < 0]
    unsure = [count for count in curve if count not in (*better, *worse)]
    said = [("improves on", better), ("is worse than", worse), ("is not shown to differ from", unsure)]
    return "; ".join(f"pretraining {words} training from scratch at {', '.join(those)}" for words, those in said if those)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--labelled", type=int, nargs="+", default=LABELLED)
    parser.add_argument("--patients", type=int, default=PATIENTS, help=f"of whom the last {TESTED} are the test")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, measure() as cost:
        folder = Path(name)
        raw = simulate.write("histories", folder / "raw", given.patients)
        store = import_data("csv", raw, folder / "histories.store")
        each = [one_seed(seed, store, given.patients, given.labelled, folder / str(seed)) for seed in range(given.seeds)]
        ceiling = simulate.ceiling(raw)
    curve = {
        str(count): judged(
            {arm: np.stack([one.risks[count][arm] for one in each]) for arm in each[0].risks[count]}, each[0].outcome
        )
        for count in given.labelled
    }
    told = [one.start.told for one in each]
    record(
        "pretraining",
        {
            "patients": {
                "pretrained_on": told[0].sequences,
                "held_out": told[0].held_out,
                "tested": TESTED,
                "seeds": given.seeds,
            },
            "perplexity": {
                "held_out": round(float(np.mean([one.perplexity for one in told])), 2),
                "vocabulary": told[0].vocabulary,
            },
            "auroc_by_labelled_patients": curve,
            "ceiling": round(ceiling, 4),
            "verdict": verdict(curve),
            "cpu_seconds": round(cost.cpu_seconds, 1),
        },
    )


if __name__ == "__main__":
    main()

"""What a random split of beats pretends: the same boosting on about as many beats of DS1, split by beat and split by patient.

    SEQUELA_DATA=… python bench/beat_split.py

Only the 22 records DS1 of the MIT-BIH Arrhythmia Database are read (de Chazal 2004), with the input of
studies/ecg_beats_context.toml as plain columns: each beat against its record and beside its neighbours. Each half learns once and
is judged once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import measure, record
from sklearn.ensemble import HistGradientBoostingClassifier

from sequela import model as models
from sequela.pipeline.prepared import loaded, prepare
from sequela.types import Array

STUDY = Path(__file__).resolve().parent.parent / "studies" / "ecg_beats_context.toml"
CLASSES = ("N", "S", "V", "F")
ROUNDS, LEAVES, COLUMNS = 60, 15, 0.2


@dataclass(frozen=True)
class Beats:
    """Every judged beat of some records."""

    values: Array  # float32 "M P"
    label: Array  # int64 "M", a place in CLASSES
    patient: Array  # str "M"


def main() -> None:
    with measure() as spent:
        beats = _beats()
        split = {"by beat": _random_halves(beats), "by patient": _halves_of_patients(beats)}
        told = {f"split {name}": _told(beats.label, _judged(beats, half)) for name, half in split.items()}
    counts = {name: int((beats.label == k).sum()) for k, name in enumerate(CLASSES)}
    patients = len(np.unique(beats.patient))
    record("beat_split", {"beats": counts, "patients": patients, "halves": told, "cpu_seconds": spent.cpu_seconds})


def _beats() -> Beats:
    parts = loaded(STUDY, ())[0].split.parts
    assert parts is not None
    read = [*parts["train"], *parts["tune"]]
    study, base = loaded(STUDY, (f"cohort.include={json.dumps(read)}", "split.by='subject'", "split.parts={}"))
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(os.environ["SEQUELA_DATA"]) / "mitbih"
        subprocess.run([sys.executable, str(packed / "unpack.py"), folder], check=True, stdout=subprocess.DEVNULL)
        rows = prepare(study, base, folder, lambda *_: None)
        who = (rows.cohort.subject_id, rows.cohort.row_id)
        found = models.evidence(study, models.fit_inputs(study, rows.known), rows.known, rows.cohort.target, who)
    tags, steps = found.target.dense, found.steps
    assert steps is not None
    judged = np.flatnonzero(tags.judged)
    patient = np.repeat(rows.cohort.source_id, np.diff(found.inputs["ecg"].offsets))[judged]
    kept = (tags.value[judged] >= 0) & (tags.value[judged] < len(CLASSES))
    return Beats(steps.plain.values[kept], tags.value[judged][kept], patient[kept])


def _random_halves(beats: Beats) -> Array:
    return np.random.default_rng(0).random(len(beats.label)) < 0.5


def _halves_of_patients(beats: Beats) -> Array:
    """Patients in the order of their rarest beats, each given to the half that has fewer of these."""
    patients = np.unique(beats.patient)
    rare = np.array([[((beats.patient == one) & (beats.label == k)).sum() for k in (1, 2, 3)] for one in patients], float)
    share = rare / rare.sum(0)
    halves, total = np.zeros(len(patients), bool), np.zeros((2, 3))
    for place in np.argsort(-share.max(1)):
        side = int((total[1] * share[place]).sum() < (total[0] * share[place]).sum())
        halves[place], total[side] = bool(side), total[side] + share[place]
    return halves[np.searchsorted(patients, beats.patient)]


def _judged(beats: Beats, half: Array) -> Array:
    """The class of each beat, told by what the other half taught."""
    found = np.empty(len(half), np.int64)
    for one in (half, ~half):
        trees = HistGradientBoostingClassifier(
            max_iter=ROUNDS, max_leaf_nodes=LEAVES, max_features=COLUMNS, early_stopping=False, random_state=0
        )
        found[~one] = trees.fit(beats.values[one], beats.label[one]).predict(beats.values[~one])
    return found


def _told(label: Array, found: Array) -> dict[str, Any]:
    each = {name: _of_class(label == k, found == k) for k, name in enumerate(CLASSES)}
    macro = float(np.mean([one["f1"] for one in each.values()]))
    return {"accuracy": float((label == found).mean()), "macro_f1": macro} | _flat(each)


def _of_class(true: Array, found: Array) -> dict[str, float]:
    hits = float((true & found).sum())
    sensitivity, ppv = hits / max(true.sum(), 1), hits / max(found.sum(), 1)
    return {"sensitivity": sensitivity, "ppv": ppv, "f1": 2 * hits / max(true.sum() + found.sum(), 1)}


def _flat(each: dict[str, dict[str, float]]) -> dict[str, float]:
    names: Sequence[str] = ("sensitivity", "ppv")
    return {f"{kind}_{name}": one[name] for kind, one in each.items() for name in names}


if __name__ == "__main__":
    main()

"""CPU-seconds to explain 1,000 intensive-care stays cell by cell, by the default method, with the networks of the study.

    SEQUELA_DATA=… python bench/explain_icu.py

The stays are of PhysioNet 2012 as studies/icu_mortality.toml reads them; its four networks answer with the weights they are drawn
with, since what an explanation costs does not depend on what they have learnt. One thread; reading the records is not counted.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import msgspec
import numpy as np
from harness import PACKAGES, measure, peak_megabytes, record

from sequela import batch, config, threads
from sequela import model as models
from sequela.explain.attribution import Options, attribute, default
from sequela.pipeline import progress_bar
from sequela.pipeline.prepared import prepare
from sequela.study import cut

STAYS, BACKGROUND, GOAL = 1000, 256, 60
STUDY = Path(__file__).resolve().parents[1] / "studies" / "icu_mortality.toml"


def main() -> None:
    threads.prepare(1)
    study = config.load(STUDY)
    rows = prepare(study, STUDY.parent, None, progress_bar())
    training = np.flatnonzero(rows.plans[0].applied(rows.cohort).part == "train")[: STAYS + BACKGROUND]
    known = cut.take(rows.known, training)
    fitted = models.fit_inputs(study, known)
    names = rows.cohort.target.names
    each = [np.arange(STAYS), np.arange(STAYS, STAYS + BACKGROUND)]
    stays, background = (
        models.evidence(
            study,
            fitted,
            cut.take(known, some),
            rows.cohort.target.take(training[some]),
            (rows.cohort.subject_id[training[some]], rows.cohort.row_id[training[some]]),
            plain=False,
        )
        for some in each
    )
    members, task = [], None
    for number in range(study.train.members):
        drawn = msgspec.structs.replace(study, train=msgspec.structs.replace(study.train, seed=number))
        network, task = models.build(drawn, stays.specs, names)
        task.start(network.head, stays.target)
        members.append(network)
    assert task is not None
    method = default(stays.specs, task.kind)
    with measure() as cost:
        found = attribute(members, task, stays, method, Options(background=background), progress_bar())
    record(
        "explain_icu",
        {
            "claim": "explanations of 1,000 intensive-care stays by the default method, in CPU-seconds",
            "method": method,
            "samples": found.points,
            "networks": len(members),
            "steps": int(batch.lengths(stays.inputs).sum()),
            "cells_seen": int(np.count_nonzero(np.asarray(stays.inputs["chart"].seen))),
            "cpu_seconds": round(cost.cpu_seconds, 1),
            "goal_cpu_seconds": GOAL,
            "peak_megabytes": round(peak_megabytes()),
        },
        (*PACKAGES, "captum"),
    )


if __name__ == "__main__":
    main()

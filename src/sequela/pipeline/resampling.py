"""Networks trained on bootstrap samples of the training subjects, by the very settings of the study, and nothing chosen anew.

The inputs stay as they were fitted, the epoch is the best on tune, calibration and threshold are the model's. They are trained
before the test part is opened, each in a folder of its own, and a finished one is never trained again by --resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sequela import seed as streams
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.pipeline.trial import Read, Way
from sequela.train import rows as evidences
from sequela.train.fit import Trained, fit
from sequela.types import Array


def sample(subject: Array, seed: int, number: int) -> Array:
    """Rows (indices) of as many subjects as there are, drawn with replacement; one drawn twice comes twice with all its rows."""
    subjects, place = np.unique(subject, return_inverse=True)
    drawn = streams.generator(seed, "bootstrap models", number).integers(0, len(subjects), len(subjects))
    by_subject = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place))
    begins = ends - np.bincount(place)
    return np.concatenate([by_subject[begins[k] : ends[k]] for k in drawn])


def trained(study: Study, rows: Read, way: Way, *, resume: bool) -> Iterator[Trained]:
    """The networks one after another; one that is finished is given back as it is."""
    count = study.plan.bootstrap_models
    for number in range(count):
        way.progress("bootstrap models", number, count)
        yield fit(
            study,
            evidences.take(rows.train, sample(rows.train.subject, study.train.seed, number)),
            rows.tune,
            way.folder / f"bootstrap-{number + 1}",
            resume=resume,
            seed=study.train.seed + number + 1,  # how training begins is a part of what is told
            resume_command=way.command,
        )
    if count:
        way.progress("bootstrap models", count, count)


def train(study: Study, rows: Read, way: Way) -> None:
    """All of them trained, so that what is asked of them later is there. Raises Interrupted as training does."""
    for _ in trained(study, rows, way, resume=way.resume):
        pass


def answering(predictor: Predictor, one: Trained) -> Predictor:
    """The predictor with that network alone in place of its own, and nothing averaged with it."""
    return replace(predictor, members=[one.model.to("cpu")], partners={}, weights={})

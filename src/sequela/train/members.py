"""Several models of one study from different seeds, whose answers are averaged: steadier than any one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sequela.config import Study
from sequela.contracts import Evidence, Progress
from sequela.errors import ConfigError
from sequela.train import refit
from sequela.train.fit import RESUME, Trained, fit
from sequela.train.state import Weights
from sequela.types import Answer, Curves


def fit_members(
    study: Study,
    train: Evidence,
    tune: Evidence,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    resume_command: str = RESUME,
    start: Weights | None = None,
) -> tuple[Trained, ...]:
    """train.members models, from train.seed, train.seed + 1, …, each the best on tune or, where train.final asks so, refitted.

    A single one lives in `folder`, several in member-1, member-2, … of it; finished ones are not trained again on resume.
    All start from the weights of `start`. Raises as `fit` does.
    """
    call = refit.refit if study.train.final == "refit" else fit
    return tuple(
        call(
            study,
            train,
            tune,
            place(folder, number, study.train.members),
            resume=resume,
            progress=_named(progress, number, study.train.members),
            seed=study.train.seed + number,
            resume_command=resume_command,
            start=start,
        )
        for number in range(study.train.members)
    )


def place(folder: Path, number: int, members: int) -> Path:
    """Where a member, counted from 0, is trained."""
    return folder if members == 1 else folder / f"member-{number + 1}"


def mean(answers: Sequence[Answer]) -> Answer:
    """The mean of several answers about the same rows; a mean of probabilities is one too.

    Raises ConfigError where they are not of the same kind and names.
    """
    first = answers[0]
    if any((answer.kind, answer.names) != (first.kind, first.names) for answer in answers):
        raise ConfigError("answers of different tasks cannot be averaged")
    values = np.mean([answer.values for answer in answers], axis=0)
    return replace(first, values=values, curves=_mean_curves([one.curves for one in answers if one.curves is not None]))


def _mean_curves(curves: Sequence[Curves]) -> Curves | None:
    """On the grid of the first: a mean of cumulative incidences is one too."""
    if not curves:
        return None
    return replace(curves[0], incidence=np.mean([one.on(curves[0].times).incidence for one in curves], axis=0))


def _named(progress: Progress | None, number: int, members: int) -> Progress | None:
    """The progress of a member under its own name, where there are several."""
    if progress is None or members == 1:
        return progress
    return lambda what, done, total: progress(f"{what} {number + 1} of {members}", done, total)

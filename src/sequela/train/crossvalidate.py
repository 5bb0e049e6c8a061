"""Choosing among variants of a study by folds inside its training part, each subject in one fold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.config import Study
from sequela.contracts import Evidence, Progress
from sequela.errors import DataError
from sequela.train.fit import RESUME, Trained, fit
from sequela.train.rows import take
from sequela.types import Array, Target

MOST_CLASSES = 50


@dataclass(frozen=True, slots=True)
class Result:
    """How a variant did on the rows that each fold held out, at its best epoch there."""

    scores: tuple[float | None, ...]  # AUROC, macro AUROC or minus MAE; None where a fold has one class only
    losses: tuple[float, ...]
    epochs: tuple[int, ...]  # the best, counted from 1

    @property
    def score(self) -> float:
        """The mean over the folds where it is defined; NaN where it is nowhere."""
        defined = [score for score in self.scores if score is not None]
        return float(np.mean(defined)) if defined else float("nan")

    @property
    def loss(self) -> float:
        return float(np.mean(self.losses))


def choose(
    variants: Mapping[str, Study],
    rows: Evidence,
    folds: int,
    folder: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    progress: Progress | None = None,
    resume_command: str = RESUME,
) -> dict[str, Result]:
    """The result of every variant on the same folds. `rows` are training rows alone: neither tune nor test is looked at.

    A fold chooses the epoch by the rows it is scored on, so the scores are a little high, for each variant alike: they rank
    variants, and are not reported as performance. Raises as `fit` does; DataError where there are fewer subjects than folds.
    """
    pairs = list(grouped_folds(rows, folds, seed))

    def fold(name: str, number: int) -> Trained:
        learnt, held = (take(rows, chosen) for chosen in pairs[number])
        place = folder / name / f"fold-{number + 1}"
        return fit(variants[name], learnt, held, place, resume=resume, progress=progress, resume_command=resume_command)

    return {name: _result([fold(name, number) for number in range(folds)]) for name in variants}


def _result(trained: Sequence[Trained]) -> Result:
    return Result(
        scores=tuple(one.best.tune_score for one in trained),
        losses=tuple(one.best.tune_loss for one in trained if one.best.tune_loss is not None),
        epochs=tuple(one.best_epoch for one in trained),
    )


def grouped_folds(rows: Evidence, folds: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """(rows to learn from, rows held out) of each fold; a subject is held out once, with all its rows.

    Labels are shared out as evenly as subjects allow (by scikit-learn's StratifiedGroupKFold).
    """
    from sklearn.model_selection import StratifiedGroupKFold

    subjects = len(np.unique(rows.subject))
    if subjects < folds:
        raise DataError(f"{subjects} subjects cannot be shared out over {folds} folds")
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=streams.number(seed, "folds") % 2**32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # a label rarer than the folds is missing in some
        yield from dealer.split(np.zeros(len(rows)), _stratum(rows.target), rows.subject)


def _stratum(target: Target) -> Array:
    """The label of each row as a class; quantities, of many values, make no strata."""
    label = np.where(target.known[:, 0], target.values[:, 0], -1)
    classes, place = np.unique(label, return_inverse=True)
    return place if len(classes) <= MOST_CLASSES else np.zeros(len(label), np.int64)

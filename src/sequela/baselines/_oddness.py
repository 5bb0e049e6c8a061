"""What baselines of normal rows alone share: which rows are normal, the last windows of rows, and the choice among distances.

A distance becomes the share of the normal training rows that lie nearer, by `nn/rarity.py`, as the task `anomaly` has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from sequela.baselines import _problem
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics.discrimination import auroc
from sequela.types import Answer, Array

MEDIAN = 0.5  # the share that is said of a row of which nothing is known


@dataclass(frozen=True, slots=True)
class Way:
    """One way to measure: its settings, and how far the rows of train and of tune lie, float64 "N" (NaN: nothing is known)."""

    setting: Mapping[str, Any]
    train: Array  # of the normal rows
    tune: Array  # of the rows with a label


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are learnt from, and those that choose."""

    name: str  # of the event
    normal: Array  # int64: of train
    judged: Array  # int64: of tune
    event: Array  # bool, of those


def rows(train: Evidence, tune: Evidence, kind: str) -> Rows:
    """Raises DataError for another kind of question, or where no row of train is known to be normal."""
    if kind != "binary":
        raise DataError(f"the distance from what is normal is no answer to a {kind} question")
    ((learnt, held),) = _problem.pairs(train.target, tune.target, kind)
    normal = learnt.rows[learnt.values == 0]
    if not len(normal):
        raise DataError(f"none of {len(learnt.rows)} labelled rows of train is without {learnt.name!r}: nothing is normal")
    return Rows(learnt.name, normal, held.rows, held.values > 0)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The way with the highest AUROC on tune (the first of equals, or where tune has one class only), with what was tried."""

    place: int
    tried: tuple[tuple[Mapping[str, Any], float], ...]  # settings, and 1 - AUROC: lower is better

    def told(self, name: str) -> dict[str, Any]:
        trials = [{**setting, "loss": loss} for setting, loss in self.tried]
        return {name: {"score": "1 - auroc", "chosen": dict(self.tried[self.place][0]), "tried": trials}}


def chosen(ways: Sequence[Way], event: Array) -> Chosen:
    """Raises DataError where there is no way to measure."""
    if not ways:
        raise DataError("no input has columns that vary, or windows, by which rows could be apart")
    both = bool(event.any()) and not event.all()
    losses = [1 - float(auroc(_filled(way.tune, way.train), event)) if both else 0.5 for way in ways]
    return Chosen(int(np.argmin(losses)), tuple(zip((way.setting for way in ways), losses, strict=True)))


def _filled(distance: Array, normal: Array) -> Array:
    """Rows of which nothing is known lie as far as the middle of the normal ones."""
    known = normal[~np.isnan(normal)]
    return np.where(np.isnan(distance), np.median(known) if len(known) else 0.0, distance)


@dataclass(frozen=True, slots=True)
class Share:
    """From distances to shares of normal training rows."""

    normal: Array  # float64 "n"

    def __call__(self, distance: Array) -> Array:
        """float64 "N 1" in [0, 1]; the middle where nothing is known of a row."""
        import torch  # beside torch only: a study without nets names no such baseline

        from sequela.nn.rarity import Rarity

        rarity = Rarity()
        rarity.settle(torch.as_tensor(self.normal[~np.isnan(self.normal)]))
        known = ~np.isnan(distance)
        odds = rarity(torch.as_tensor(np.where(known, distance, 0.0))).numpy()
        return np.asarray(np.where(known, expit(odds), MEDIAN))[:, None]


def answer(share: Array, names: tuple[str, ...]) -> Answer:
    return Answer("probabilities", share, names)


def windows(evidence: Evidence, name: str) -> tuple[Array, Array]:
    """The last window of each row laid flat, float32 "N F", and whether it has one."""
    ragged = evidence.inputs[name]
    has = ragged.lengths > 0
    found = np.zeros((len(evidence), int(np.prod(evidence.specs[name].shape))), np.float32)
    step = ragged.offsets[1:][has] - 1
    found[has] = ragged.values[step if ragged.take is None else ragged.take[step]].reshape(len(step), found.shape[1])
    return found, has


def windowed(evidence: Evidence) -> str:
    """The first input whose steps are windows (C, L); "" where none has any."""
    return next((name for name, spec in evidence.specs.items() if len(spec.shape) == 2), "")

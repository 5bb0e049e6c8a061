"""What a task says of each row, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sequela.types.arrays import Array
from sequela.types.pairs import Pairs, joined_pairs
from sequela.types.spans import Spans, joined
from sequela.types.times import Curves


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The codes that may come next after each row's last step, the likeliest first."""

    codes: Array  # int64 "N L": places in the vocabulary
    probabilities: Array  # float64 "N L", falling

    def take(self, rows: Array) -> Likeliest:
        return Likeliest(self.codes[rows], self.probabilities[rows])


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How far the truth may lie from what is said: each column's value at each level of probability."""

    levels: tuple[float, ...]  # Q, rising, in (0, 1)
    values: Array  # float64 "N K Q", rising along Q

    def take(self, rows: Array) -> Quantiles:
        return Quantiles(self.levels, self.values[rows])


@dataclass(frozen=True, slots=True)
class Painted:
    """What is said of every point of a picture as it is stored."""

    label: Array  # uint8 or uint16 "*S": 0 nothing, k the k-th name; of instances, the number of one
    chance: Array  # uint8 "K *S": probability of each name in 255ths


@dataclass(frozen=True, slots=True)
class Boxed:
    """Boxes that are said to be on a picture as it is stored, the surest first."""

    corners: Array  # float32 "M 4": top, left, bottom, right edges in pixels
    label: Array  # int64 "M"
    score: Array  # float64 "M", in [0, 1]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task says of each row, in NumPy.

    probabilities: binary K = 1 (of the event), multiclass K classes that sum to 1, multilabel K labels each in [0, 1].
    values: regression, K quantities in the unit of the target; forecast, the same, in the middle of their quantiles; next_event,
    sums over the codes foreseen (see its task).
    masks: segment, the mean probability of each name over the picture; the picture itself is in `painted`.
    boxes: detect, the sum of the scores of each name; the boxes themselves are in `boxed`.
    spans: entities, the sum of the scores of each name; the stretches themselves are in `spanned`.
    pairs: contact, the number of pairs to be expected; the likeliest ones are in `paired`.
    curves: survival, the risk of each cause by the last horizon; the curves themselves are in `curves`.
    """

    kind: Literal["probabilities", "values", "masks", "boxes", "spans", "pairs", "curves"]
    values: Array  # float64 "N K"
    names: tuple[str, ...]  # K
    likeliest: Likeliest | None = None  # of next_event
    quantiles: Quantiles | None = None  # of forecast, beside its values
    painted: tuple[Painted | None, ...] = ()  # of segment, N: None where the row has no picture
    boxed: tuple[Boxed | None, ...] = ()  # of detect, N
    spanned: Spans | None = None  # of entities: first in steps (begin, end of them), once they are placed in the row's text
    curves: Curves | None = None  # of survival
    paired: Pairs | None = None  # of contact: first in steps, once they are placed in letters; the likeliest of each row first
    tally: Any = None  # of these, once held against the truth: what evaluation needs of each row, with a `take` of its own

    def take(self, rows: Array) -> Answer:
        """The answers of these rows (indices), in the order given."""
        painted, boxed = (tuple(one[i] for i in rows) if one else () for one in (self.painted, self.boxed))
        ranked, tally = (one and one.take(rows) for one in (self.likeliest, self.tally))
        around = self.quantiles and self.quantiles.take(rows)
        curves = self.curves and self.curves.take(rows)
        told = Answer(self.kind, self.values[rows], self.names, ranked, around, painted, boxed, curves=curves, tally=tally)
        spanned, paired = self.spanned and self.spanned.take(rows), self.paired and self.paired.take(rows)
        return replace(told, spanned=spanned, paired=paired)

    def __len__(self) -> int:
        return len(self.values)


def concatenate(answers: Sequence[Answer]) -> Answer:
    """The answers of several batches as one, in order; they must be of one kind and of the same names."""
    first = answers[0]
    values = np.concatenate([answer.values for answer in answers])
    painted = tuple(one for answer in answers for one in answer.painted)
    boxed = tuple(one for answer in answers for one in answer.boxed)
    around, curves = _around(answers), _curves(answers)
    said = Answer(first.kind, values, first.names, _ranked(answers), around, painted, boxed, _stretches(answers), curves)
    pairs = [answer.paired for answer in answers if answer.paired is not None]
    return replace(said, paired=joined_pairs(pairs)) if pairs else said


def _ranked(answers: Sequence[Answer]) -> Likeliest | None:
    ranked = [answer.likeliest for answer in answers if answer.likeliest is not None]
    if not ranked:
        return None
    codes, probabilities = (np.concatenate([getattr(one, column) for one in ranked]) for column in ("codes", "probabilities"))
    return Likeliest(codes, probabilities)


def _around(answers: Sequence[Answer]) -> Quantiles | None:
    around = [answer.quantiles for answer in answers if answer.quantiles is not None]
    return Quantiles(around[0].levels, np.concatenate([one.values for one in around])) if around else None


def _curves(answers: Sequence[Answer]) -> Curves | None:
    """All on the grid of the first."""
    curves = [answer.curves for answer in answers if answer.curves is not None]
    return Curves(curves[0].times, np.concatenate([one.incidence for one in curves])) if curves else None


def _stretches(answers: Sequence[Answer]) -> Spans | None:
    spans = [answer.spanned for answer in answers if answer.spanned is not None]
    return joined(spans) if spans else None

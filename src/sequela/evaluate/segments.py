"""Segment overlap of what is called along sequences: asked where the rows are letters, of all classes together and of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sequela.evaluate.question import Question
from sequela.metrics import segments
from sequela.types import Along, Array

METRIC = "sov"


@dataclass(frozen=True, slots=True)
class _Mean:
    """The mean over sequences, each with the weight of its first step: a resample draws all steps of a sequence alike."""

    first: Array  # int64 "R": among the question's rows
    each: Array  # float64 "R"

    def __call__(self, weights: Array | None) -> Array:
        return segments.sov(self.each, None if weights is None else weights[..., self.first])


def questions(
    model: str, names: tuple[str, ...], called: Array, true: Array, along: Along, rows: Array, *, metric: str = METRIC
) -> Iterator[Question]:
    """The mean over sequences of their segment overlap, of all classes and of each; one without the class is left out of that.

    called, true: int64, of these rows (the known ones, in order of sequence, then step), with where they stand.
    """
    _, first, sequence = np.unique(along.row, return_index=True, return_inverse=True)
    found = segments.overlap(called, true, sequence, along.step, len(names))
    for name, class_ in (("", None), *((name, k) for k, name in enumerate(names))):
        each = found.of(class_)
        told = np.flatnonzero(~np.isnan(each))
        reason = "" if len(told) else "no true segment"
        yield Question(model, metric, name, rows, _Mean(first[told], each[told]), reason=reason)

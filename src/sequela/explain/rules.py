"""What becomes of the answers as the feature of a rule rises, all else alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sequela import batch
from sequela import model as models
from sequela.explain.counterfactual.judge import Judge
from sequela.model.rules import Held
from sequela.types import Array, Ragged


@dataclass(frozen=True, slots=True)
class Tried:
    """Of the n rows of which there was anything to raise, in order, the risk that the rule is about."""

    rows: Array  # int64 "n"
    less: Array  # float64 "n": with less of the feature: as it is, or without the code
    more: Array  # float64 "n": with more of it: raised, or as it is


def tried(judge: Judge, inputs: Mapping[str, Ragged], held: Held, size: int = 256) -> Tried:
    """The answers to both versions of every row, as they are given: calibrated, and the mean of several networks."""
    rows: list[Array] = []
    risks: list[Array] = []
    for chosen in batch.sorted_(batch.lengths(inputs), size):
        made = models.tensors(batch.collate(inputs, chosen), "cpu").inputs
        concerned = held.concerned(made[held.input]).numpy()
        if concerned.any():
            versions = [{**made, held.input: seq} for seq in held.pair(made[held.input])]
            risks.append(np.stack([judge.said(one)[concerned, held.column] for one in versions]))
            rows.append(chosen[concerned])
    if not rows:
        return Tried(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    row, risk = np.concatenate(rows), np.concatenate(risks, 1)
    order = np.argsort(row)
    return Tried(row[order], risk[0, order], risk[1, order])

"""One of two stretches of letters, in place of as many that stood in a row: for alphabets too short for a letter to tell much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sequela.explain.checks.plants import Put
from sequela.types import Array, Ragged

LETTERS = 8


@dataclass(frozen=True, slots=True)
class Motif:
    """Two stretches."""

    letters: Array  # int "2 LETTERS": of label 0, of label 1
    told: ClassVar[str] = "motif"

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """A row that is not longer than twice a stretch gets none."""
        values = np.array(ragged.values)
        truth = np.zeros(len(values), bool)
        for row, one in enumerate(label.astype(int).tolist()):
            begin, long = int(ragged.offsets[row]), int(ragged.lengths[row])
            if long > 2 * LETTERS:
                first = (
                    begin + 1 + int(random.integers(long - LETTERS - 1))
                )  # neither the first step nor the last, which are marks
                values[first : first + LETTERS] = self.letters[one]
                truth[first : first + LETTERS] = True
        return Put(replace(ragged, values=values), truth)


def settle(ragged: Ragged, random: np.random.Generator) -> Motif | None:
    """Letters as often as in training, drawn until the two differ at most places; None where no row has room."""
    values = np.asarray(ragged.values)
    if not (ragged.lengths > 2 * LETTERS).any() or len(np.unique(values)) < 2:
        return None
    first = random.choice(values, LETTERS)
    second = random.choice(values, LETTERS)
    while (first == second).mean() > 0.5:
        second = random.choice(values, LETTERS)
    return Motif(np.stack([first, second]))

"""Which places of a sequence belong together? Letters of RNA that pair, residues of a protein that touch: a map over pairs.

Every two steps that are `separation` apart or more are judged: yes or no. A row's loss is the mean cross-entropy over its pairs,
in which a true one counts `positive` times; answers are brought back to what they would be had all counted alike (the odds over
`positive`), so they are probabilities. Of each row the `told` likeliest pairs for each of its steps are kept, in falling order:
what contact prediction is judged by is that order (Ezkurdia 2009, CASP8), and a whole map of thousands of rows would fill a disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError, DataError
from sequela.nn import pairwise
from sequela.nn.pairwise import Mapped, PairHead
from sequela.types import Answer, Array, Paired, Pairs, Target

KIND = "contact"


class Config(pairwise.Config, frozen=True):
    separation: Annotated[int, Meta(ge=1)] = 6  # letters from the first of a pair to the second, at least
    positive: Annotated[float, Meta(gt=0)] = 1.0  # how many times a true pair counts in the loss
    told: Annotated[int, Meta(ge=1)] = 10  # pairs of a row that are kept, for each of its steps


@dataclass(frozen=True, slots=True)
class Contact:
    """The pairs of a sequence that belong together."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["contact"]] = "contact"

    def check(self, target: Target) -> None:
        """Raises DataError where the pairs of no row are known, or none is far enough apart."""
        pairs, asked = _count(target, self.config.separation)
        if not asked:
            raise DataError(
                f"the pairs of none of {len(target.values)} training rows are known",
                hint="pairs are the events PAIRS//<name>: does outcome.pairs name them, and are the sequences long enough?",
            )
        if not pairs:
            raise DataError(
                f"none of {int(target.known.sum())} training rows has a pair {self.config.separation} letters apart or more",
                hint="task.separation says how near a pair may be",
            )

    def head(self, width: int) -> nn.Module:
        return PairHead(width, self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Tells the head how frequent a pair is."""
        assert isinstance(head, PairHead)
        pairs, asked = _count(target, self.config.separation)
        head.begin_at(log((pairs + 0.5) / (asked - pairs + 0.5)) + log(self.config.positive))

    def loss(self, out: Mapped, target: Target) -> Tensor:
        """The mean over the pairs that a row is asked about, a true one counting `positive` times; 0 where none is known."""
        truth, weight = target.dense, torch.tensor(self.config.positive, device=out.logits.device)
        asked = (truth >= 0) & target.known[:, :, None]
        label = truth.clamp_min(0).to(out.logits.dtype)
        each = functional.binary_cross_entropy_with_logits(out.logits, label, reduction="none", pos_weight=weight)
        of_row: Tensor = each.where(asked, 0.0).sum((1, 2)) / asked.sum((1, 2)).clamp_min(1)
        return of_row

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: a sequence is of no class."""
        raise ConfigError("pairs are true or not, sequences are of no class: there is nothing to balance", hint="task.positive")

    def answer(self, out: Mapped) -> Answer:
        """The likeliest pairs of each row, in steps, and how many are to be expected in all."""
        chance = (out.logits.detach().double() - log(self.config.positive)).sigmoid().cpu().numpy()
        found = [self._row(one[:count, :count]) for one, count in zip(chance, out.mask.sum(1).tolist(), strict=True)]
        offsets = np.concatenate([[0], np.cumsum([len(low) for low, _, _, _ in found])]).astype(np.int64)
        low, high, score = (np.concatenate([one[part] for one in found]) for part in range(3))
        expected = np.array([[total] for _, _, _, total in found], np.float64)
        return Answer("pairs", expected, self.names, paired=Pairs(offsets, low, high, score))

    def _row(self, chance: Array) -> tuple[Array, Array, Array, float]:
        """Both steps and the chance of the likeliest pairs of a map "T T", and the sum over all of it."""
        low, high = np.triu_indices(len(chance), self.config.separation)
        each = chance[low, high]
        first = np.argsort(-each, kind="stable")[: self.config.told * len(chance)]
        return low[first], high[first], each[first], float(each.sum())

    def agreed(self, outs: Sequence[Mapped]) -> Mapped:
        """The mean of the logits: a logarithmic opinion pool (Genest and Zidek 1986)."""
        return Mapped(torch.stack([out.logits for out in outs]).mean(0), outs[0].mask)


def _count(target: Target, separation: int) -> tuple[int, int]:
    """How many pairs of the known rows are true, and how many there are."""
    dense = target.dense
    assert isinstance(dense, Paired)
    known = target.known[:, 0]
    room = np.maximum(dense.letters[known] - separation, 0)
    return int(np.diff(dense.pairs.offsets)[known].sum()), int((room * (room + 1) // 2).sum())


def build(config: Config, names: tuple[str, ...]) -> Contact:
    """Raises ConfigError for more than one kind of pair."""
    if len(names) != 1:
        raise ConfigError(f"contact is about one kind of pair, the outcome has {len(names)}", hint='outcome.pairs = "contact"')
    return Contact(config, names)

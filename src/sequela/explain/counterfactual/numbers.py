"""Numbers that move along the slopes of the answer: every seen value of a feature by one shift, within what training had.

First all features may move, by Adam on how far the answer is from its boundary, with a price on every spread moved (Wachter 2017,
equation 4, with the distance of absolute values); those that moved furthest are the ones that may move when few are to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sequela.explain.counterfactual.judge import Judge
from sequela.types import Array, Ruler, Seq, Spec

STEPS = 40  # of Adam (Kingma 2015, with its own decays)
RATE = 0.2  # scaled units a step
PRICE = 0.05  # log-odds that a moved scaled unit must be worth
SMALL = 1e-8
BEYOND = 0.25  # log-odds past the boundary, so that what was found is found again when the network is asked


@dataclass(frozen=True, slots=True)
class Feature:
    """One number that may move."""

    input: str
    place: int
    name: str
    ruler: Ruler


@dataclass(frozen=True)
class Movable:
    """The numbers of all inputs that may move, M of them."""

    features: tuple[Feature, ...]

    def moved(self, inputs: Mapping[str, Seq], shift: Tensor) -> dict[str, Seq]:
        """A batch of tensors with each feature shifted by its scaled amount "B M"; what was not seen stays so."""
        found = dict(inputs)
        for name, columns in self._by_input.items():
            seq = inputs[name]
            place = torch.tensor([self.features[k].place for k in columns])
            values = seq.values.clone()
            own = values[..., place]
            low, high = (torch.tensor([self.features[k].ruler.scaled[end] for k in columns]) for end in (0, -1))
            risen = torch.clamp(own + shift[:, None, columns], torch.minimum(low, own), torch.maximum(high, own))
            values[..., place] = torch.where(_seen(seq)[..., place], risen, own)
            found[name] = replace(seq, values=values)
        return found

    def applied(self, inputs: Mapping[str, Seq], shift: Array) -> dict[str, Seq]:
        """The same of one row of NumPy arrays and "M" shifts; of whole numbers to the next one, away from what they were."""
        found = dict(inputs)
        for k in np.flatnonzero(shift):
            one = self.features[k]
            seq = found[one.input]
            values = seq.values.copy()
            old, low, high = values[..., one.place], one.ruler.scaled[0], one.ruler.scaled[-1]
            new = np.clip(old + shift[k], np.minimum(low, old), np.maximum(high, old))
            if one.ruler.whole:
                new = one.ruler.scale((np.ceil if shift[k] > 0 else np.floor)(one.ruler.in_unit(new).round(6)))
            seen = seq.mask if seq.seen is None else seq.mask & seq.seen[..., one.place]
            values[..., one.place] = np.where(seen, new, old)
            found[one.input] = replace(seq, values=values)
        return found

    @cached_property
    def _by_input(self) -> dict[str, list[int]]:
        names = dict.fromkeys(one.input for one in self.features)
        return {name: [k for k, one in enumerate(self.features) if one.input == name] for name in names}


def movable(specs: Mapping[str, Spec], may: Mapping[str, Array]) -> Movable:
    """The numbers with a unit and a spread that may change."""
    found = [
        Feature(name, place, specs[name].names[place], ruler)
        for name, free in may.items()
        for place, ruler in enumerate(specs[name].rulers)
        if free[place] and ruler is not None and ruler.spread > 0
    ]
    return Movable(tuple(found))


def searched(judge: Judge, inputs: Mapping[str, Seq], column: Array, called: Array, those: Movable, allowed: Array) -> Array:
    """Shifts float64 "B M" that bring each row of a batch (tensors) towards the other side; 0 where not `allowed`, bool "B M"."""
    shift = torch.zeros(allowed.shape, dtype=torch.float64)
    first, second = torch.zeros_like(shift), torch.zeros_like(shift)  # moments of the slopes
    free, asked = torch.as_tensor(allowed), torch.as_tensor(column)
    way = torch.as_tensor(np.where(called, 1.0, -1.0))
    edge = torch.tensor([judge.boundary(int(one)) for one in column], dtype=torch.float64)
    with judge.answering(), torch.backends.cudnn.flags(enabled=False):
        for step in range(1, STEPS + 1):
            given = shift.clone().requires_grad_(True)
            told = judge.question.told(those.moved(inputs, (given * free).float()), asked)
            missing = (way * (told - edge) + BEYOND).clamp(min=0)
            (slope,) = torch.autograd.grad(missing.sum() + PRICE * (given * free).abs().sum(), given)
            first, second = first.lerp(slope, 0.1), second.lerp(slope**2, 0.001)
            shift = shift - RATE * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + SMALL)
    return np.asarray((shift * free).numpy(), np.float64)


def furthest(shift: Array, count: int) -> Array:
    """The so many features of each row that moved furthest, bool "B M"."""
    order = np.argsort(-np.abs(shift), axis=1, kind="stable")[:, :count]
    kept = np.zeros(shift.shape, bool)
    np.put_along_axis(kept, order, True, axis=1)
    return np.asarray(kept & (shift != 0))


def _seen(seq: Seq) -> Tensor:
    whole: Tensor = seq.mask[..., None].expand(seq.values.shape) if seq.seen is None else seq.seen & seq.mask[..., None]
    return whole

"""Integrated gradients over words (Sundararajan 2017): what each adds on the way from a text that says nothing to the text.

The way is straight: every word's vector grows from zeros, the text of as many words that say nothing, to what it is. Along it,
what is told rises by the slope at each word times that word's vector, so the words sum to the difference of the two ends
(equation 1; completeness, proposition 1). With vectors times a number a from 0 to 1 that is the slope by a alone,

    change of a word = integral over a from 0 to 1 of d told / d (its own a)

so only one number a word is differentiated. A recurrent network may change its mind within a hundredth of the way, which points
at even distances miss: the way is cut into pieces, and each whose slopes do not account for what is told at its ends is halved,
until they do within a tolerance, or there are too many points: what is missing then is told. Padding has no slope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from sequela.explain.question import Asked, Telling, evaluating
from sequela.explain.tokens.attributed import Attributed
from sequela.explain.tokens.dimming import dimmed, light
from sequela.types import Array, Spec

PIECES = 4  # at first
POINTS = 4  # of a piece: Gauss and Legendre's sum is exact for slopes of the seventh degree
MOST = 256  # points in all
TOLERANCE = 0.01  # of the difference, or of 1 where that is smaller
SHARE = 0.1  # of the tolerance: a piece that is off by less is never halved


def attributed(asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, *, most: int = MOST) -> Attributed:
    """What each word of the explained input adds to what is told; `rest` is what is told of words that say nothing.

    `encoder` is the part of the network that reads the input. Raises UsageError where it makes its vectors in another way.
    """
    with evaluating(asked.network), torch.backends.cudnn.flags(enabled=False):  # whose recurrent layers have no slope then
        way = _Way(partial(_told, asked, encoder, spec, telling), partial(_slopes, asked, encoder, spec, telling))
        change, points = _along(way, most)
    return Attributed(change, way.told(1.0), way.told(0.0), points)


@dataclass(frozen=True, slots=True)
class _Way:
    """What is told at each point of the way, once, and the slopes there."""

    answer: Callable[[float], Array]
    slopes: Callable[[float], Array]
    known: dict[float, Array] = field(default_factory=dict)

    def told(self, point: float) -> Array:
        if point not in self.known:
            self.known[point] = self.answer(point)
        return self.known[point]

    def piece(self, begin: float, end: float) -> Array:
        """The integral of the slopes, float64 "B Q T *N"."""
        places, weights = np.polynomial.legendre.leggauss(POINTS)
        half = (end - begin) / 2
        return _sum(
            [half * weight * self.slopes(begin + half * (1 + place)) for place, weight in zip(places, weights, strict=True)]
        )

    def off(self, begin: float, end: float, change: Array) -> float:
        """How far a piece is from accounting for its ends, in tolerances: the most of all rows and numbers."""
        allowed = TOLERANCE * np.maximum(1, np.abs(self.told(1.0) - self.told(0.0)))
        risen = self.told(end) - self.told(begin)
        return float((np.abs(risen - change.reshape(*risen.shape, -1).sum(-1)) / allowed).max())


def _sum(those: list[Array]) -> Array:
    found: Array = np.sum(those, axis=0)
    return found


def _along(way: _Way, most: int) -> tuple[Array, int]:
    """The integral over the whole way, and how many points it took."""
    edges = np.linspace(0, 1, PIECES + 1).tolist()
    waiting = list(pairwise(edges))
    done: list[Array] = []
    points, missed = 0, 0.0
    while waiting:
        found = {ends: way.piece(*ends) for ends in waiting}
        points += POINTS * len(found)
        off = {ends: way.off(*ends, change) for ends, change in found.items()}
        worst = sorted((ends for ends in found if off[ends] > SHARE), key=lambda ends: -off[ends])
        enough = missed + sum(off.values()) <= 1
        halved = [] if enough else worst[: (most - points) // (2 * POINTS)]
        done += [change for ends, change in found.items() if ends not in halved]
        missed += sum(off[ends] for ends in found if ends not in halved)
        waiting = [part for begin, end in halved for part in ((begin, (begin + end) / 2), ((begin + end) / 2, end))]
    return _sum(done), points


def _told(asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, point: float) -> Array:
    with torch.no_grad(), dimmed(encoder, light(asked.seq, spec, point)):
        told: Array = telling(asked.said(asked.seq)).double().cpu().numpy()
    return told


def _slopes(asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, point: float) -> Array:
    """How fast each number that is told rises with each word there, float64 "B Q T *N"."""
    given = light(asked.seq, spec, point).requires_grad_(True)
    with torch.enable_grad(), dimmed(encoder, given):
        told = telling(asked.said(asked.seq)).sum(0)
        each = [torch.autograd.grad(one, given, retain_graph=True)[0] for one in told]
    slopes: Array = torch.stack(each, 1).double().cpu().numpy()
    return slopes

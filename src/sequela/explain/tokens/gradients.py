"""Integrated gradients over words (Sundararajan 2017): what each adds on the way from a text that says nothing to the text.

The way is straight: every word's vector grows from zeros, the text of as many words that say nothing, to what it is. Along it,
what is told rises by the slope at each word times that word's vector, so the words sum to the difference of the two ends
(equation 1; completeness, proposition 1). With vectors times a number a from 0 to 1 that is the slope by a alone,

    change of a word = integral over a from 0 to 1 of d told / d (its own a)

so only one number a word is differentiated. The integral is Gauss and Legendre's sum; its points are doubled until the words
account for the difference within a tolerance, or there are too many: what is missing then is told. Padding has no slope.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sequela.explain.question import Asked, Telling, evaluating
from sequela.explain.tokens.attributed import Attributed
from sequela.explain.tokens.dimming import dimmed, light
from sequela.types import Array, Spec

FEWEST, MOST = 16, 128  # points of the path
TOLERANCE = 0.01  # of the difference, or of 1 where that is smaller


def attributed(
    asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, *, fewest: int = FEWEST, most: int = MOST
) -> Attributed:
    """What each word of the explained input adds to what is told; `rest` is what is told of words that say nothing.

    `encoder` is the part of the network that reads the input. Raises UsageError where it makes its vectors in another way.
    """
    with evaluating(asked.network), torch.backends.cudnn.flags(enabled=False):  # whose recurrent layers have no slope then
        whole, nothing = (_told(asked, encoder, spec, telling, end) for end in (1.0, 0.0))
        points = fewest
        while True:
            found = Attributed(_along(asked, encoder, spec, telling, points), whole, nothing, points)
            near = np.abs(found.missing) <= TOLERANCE * np.maximum(1, np.abs(whole - nothing))
            if near.all() or 2 * points > most:
                return found
            points *= 2


def _told(asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, end: float) -> Array:
    with torch.no_grad(), dimmed(encoder, light(asked.seq, spec, end)):
        told: Array = telling(asked.said(asked.seq)).double().cpu().numpy()
    return told


def _along(asked: Asked, encoder: nn.Module, spec: Spec, telling: Telling, points: int) -> Array:
    """The integral, float64 "B Q T *N"."""
    places, weights = np.polynomial.legendre.leggauss(points)
    slopes = (_slopes(asked, encoder, telling, light(asked.seq, spec, (1 + place) / 2)) for place in places.tolist())
    found: Array = np.sum([weight / 2 * slope for weight, slope in zip(weights.tolist(), slopes, strict=True)], axis=0)
    return found


def _slopes(asked: Asked, encoder: nn.Module, telling: Telling, given: Tensor) -> Array:
    """How fast each number that is told rises with each word there, float64 "B Q T *N"."""
    given.requires_grad_(True)
    with torch.enable_grad(), dimmed(encoder, given):
        told = telling(asked.said(asked.seq)).sum(0)
        each = [torch.autograd.grad(one, given, retain_graph=True)[0] for one in told]
    slopes: Array = torch.stack(each, 1).double().cpu().numpy()
    return slopes

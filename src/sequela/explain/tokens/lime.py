"""LIME over words (Ribeiro 2016): a plain sum fitted to what a model says of the text with words left out at random.

    minimise sum_z pi(z) (told(z) - b - sum_u w_u z_u)^2 + |w|^2        z_u: whether the part u of the text is kept

How many parts are left out is drawn uniformly, then which; the text as it is is always asked about too. A text counts the more
the nearer it is: pi(z) = exp(-d^2 / 0.25^2) with d the cosine distance of z from all parts kept. Any model can be asked: it
answers each text as it answers any other. Beside the paper, what is told are log-odds, so that terms of a sure answer are not
all 0, and parts are places, not words wherever they occur: each says what it does where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sequela import seed as streams
from sequela.types import Array

WIDTH = 0.25  # of the kernel, in cosine distance; the paper's code has it so for texts
Telling: TypeAlias = Callable[[Array], Array]  # of texts with these parts kept, bool "n U", the numbers explained: float64 "n Q"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A plain sum that stands for a model near one text."""

    change: Array  # float64 "Q U": what each part adds
    rest: Array  # float64 "Q": what is told without any part, as the sum has it
    told: Array  # float64 "Q": of the text as it is, as the model has it
    fit: Array  # float64 "Q": weighed share of what the texts' answers differ by that the sum accounts for (R^2)


def fitted(telling: Telling, parts: int, samples: int, seed: int) -> Fitted:
    """The sum, from so many texts. The same seed asks about the same texts."""
    from sklearn.linear_model import Ridge

    kept = drawn(parts, samples, seed)
    told = telling(kept)
    weight = kernel(kept)
    model = Ridge(alpha=1.0).fit(kept.astype(np.float64), told, sample_weight=weight)
    change, rest = model.coef_.reshape(told.shape[1], parts), np.broadcast_to(model.intercept_, told.shape[1:])
    return Fitted(change, np.array(rest), told[0], _explained(told, model.predict(kept).reshape(told.shape), weight))


def drawn(parts: int, samples: int, seed: int) -> Array:
    """Which parts are kept of each text, bool "samples parts"; all of the first."""
    random = streams.generator(seed, "lime", parts)
    left_out = random.integers(1, parts + 1, samples)
    kept: Array = random.random((samples, parts)).argsort(1).argsort(1) >= left_out[:, None]
    kept[0] = True
    return kept


def kernel(kept: Array) -> Array:
    """How much each text counts, float64 "n".

    >>> kernel(np.array([[True, True], [True, False], [False, False]])).round(3).tolist()
    [1.0, 0.253, 0.0]
    """
    distance = 1 - np.sqrt(kept.mean(1))
    weight: Array = np.exp(-((distance / WIDTH) ** 2))
    return weight


def _explained(told: Array, said: Array, weight: Array) -> Array:
    mean = np.average(told, axis=0, weights=weight)
    whole = np.average((told - mean) ** 2, axis=0, weights=weight)
    left = np.average((told - said) ** 2, axis=0, weights=weight)
    share: Array = 1 - left / np.where(whole > 0, whole, 1)
    return np.where(whole > 0, share, 1.0)

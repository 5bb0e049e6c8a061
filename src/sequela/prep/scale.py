"""A number made comparable to others: by the training values' ranks, by mean and spread, or left as it is.

Every Scale keeps quantiles of the training values, whatever it does with them: they are its shape, and what synthetic examples
are drawn from. They start and end at half a step from the extremes, so that no one patient's smallest or largest value is kept.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
import numpy as np
from scipy.special import ndtri

from sequela.types import Array, Ruler

WHOLE = 0.8  # share of quantiles that are whole where the values are: some fall between two of them
Method: TypeAlias = Literal["rank_gauss", "standard", "robust", "none"]


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How one feature is scaled."""

    method: Method
    quantiles: list[float]  # of the training values, evenly spaced, rising
    centre: float = 0.0
    spread: float = 1.0  # above 0
    clip: float = 0.0  # largest absolute scaled value; 0: none


def fit(values: Array, method: Method, *, knots: int = 400, clip: float = 0.0) -> Scale:
    """The Scale of these training values (finite, at least one)."""
    values = np.asarray(values, np.float64)
    count = max(1, min(knots, len(values)))
    quantiles = np.quantile(values, levels(count))
    centre, spread = _moments(values, method)
    return Scale(method=method, quantiles=quantiles.tolist(), centre=centre, spread=spread if spread > 0 else 1.0, clip=clip)


def levels(count: int) -> Array:
    """The shares of values below each of `count` quantiles.

    >>> levels(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (np.arange(count) + 0.5) / count


def apply(scale: Scale, values: Array) -> Array:
    """The values scaled, float32."""
    values = np.asarray(values, np.float64)
    gauss = scale.method == "rank_gauss"
    scaled: Array = ndtri(ranks(scale, values)) if gauss else (values - scale.centre) / scale.spread
    return (np.clip(scaled, -scale.clip, scale.clip) if scale.clip else scaled).astype(np.float32)


def ranks(scale: Scale, values: Array) -> Array:
    """The share of training values below each value, in (0, 1); of a value met often, the middle of its shares."""
    knots, level = np.array(scale.quantiles), levels(len(scale.quantiles))
    below = np.interp(values, knots, level)
    above = 1 - np.interp(-values, -knots[::-1], level)
    middle: Array = (below + above) / 2
    return middle


def line(scale: Scale) -> tuple[float, float] | None:
    """Centre and spread, where every value is exactly centre + spread * scaled; None of ranks, and where values are clipped."""
    return None if scale.method == "rank_gauss" or scale.clip else (scale.centre, scale.spread)


def ruler(scale: Scale) -> Ruler:
    """The training values in their unit beside the scaled ones: exact of lines, and of ranks at each quantile."""
    quantiles = np.array(scale.quantiles)
    clips = scale.centre + scale.spread * scale.clip * np.array([-1.0, 1.0]) if scale.clip else np.zeros(0)
    inside = clips[(clips > quantiles[0]) & (clips < quantiles[-1])] if scale.method != "rank_gauss" else np.zeros(0)
    values = np.unique(np.concatenate([quantiles, inside]))
    whole = bool(np.mean(quantiles == np.round(quantiles)) > WHOLE)
    return Ruler(tuple(values.tolist()), tuple(apply(scale, values).tolist()), float(quantiles.std()), whole)


def draw(scale: Scale, count: int, random: np.random.Generator) -> Array:
    """Values such as those of training, drawn between the quantiles alone."""
    return np.interp(random.random(count), levels(len(scale.quantiles)), scale.quantiles)


def _moments(values: Array, method: Method) -> tuple[float, float]:
    if method == "standard":
        return float(values.mean()), float(values.std())
    if method == "robust":
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        return float(middle), float(high - low) / 1.349  # of a normal distribution, the interquartile range is 1.349 spreads
    return 0.0, 1.0

"""Tiles as plain columns for the baselines: what each holds, and the mean, least and most of it over the tiles of a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.modalities._picture_values import grey, shares, with_channels
from sequela.types import Array, Payload

QUANTILES = (0.1, 0.5, 0.9)
OF_CHANNEL = ("mean", "spread", *(f"quantile_{int(100 * q)}" for q in QUANTILES))
OVER = ("mean", "least", "most")


def names(channels: Sequence[str]) -> tuple[str, ...]:
    """The columns of `over`."""
    of_tile = [f"{channel}.{number}" for channel in channels for number in OF_CHANNEL] + ["edges"]
    return ("tiles.count", *(f"{one}.{way}" for way in OVER for one in of_tile))


def each(tiles: Sequence[Payload], channels: Sequence[str]) -> Array:
    """Of each tile the mean, sd and quantiles of each channel and the mean step between neighbours in grey, float32 "M F"."""
    found = np.zeros((len(tiles), len(channels) * len(OF_CHANNEL) + 1), np.float32)
    for place, tile in zip(found, tiles, strict=True):
        values = shares(with_channels(tile.values, len(channels)))
        points = values.reshape(len(values), -1)
        place[:-1] = np.stack([points.mean(1), points.std(1), *np.quantile(points, QUANTILES, 1)], 1).ravel()
        place[-1] = _edges(grey(values))
    return found


def _edges(picture: Array) -> float:
    steps = [np.abs(np.diff(picture, axis=axis)) for axis in (0, 1)]
    return float(np.mean([one.mean() if one.size else 0.0 for one in steps]))


def over(each: Array, row: Array, entry: Array, count: int) -> Array:
    """The tiles of each of `count` rows together, float32 "N P"; NaN, and a count of 0, for a row without tiles."""
    found = np.full((count, 1 + len(OVER) * each.shape[1]), np.nan, np.float32)
    found[:, 0] = np.bincount(row, minlength=count)
    rows, first = np.unique(row, return_index=True)
    if len(rows):
        taken = each[entry].astype(np.float64)
        mean = np.add.reduceat(taken, first) / found[rows, :1]
        found[rows, 1:] = np.concatenate([mean, np.minimum.reduceat(taken, first), np.maximum.reduceat(taken, first)], 1)
    return found

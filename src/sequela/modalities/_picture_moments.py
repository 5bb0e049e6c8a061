"""Mean and spread of the values of training pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.modalities._picture_events import chunks
from sequela.modalities._pictures import Pictures
from sequela.types import Array

MEASURED = 2**22  # points of a large picture that its mean is taken from, whole slices or rows, where there are more


def moments(pictures: Pictures) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of each channel, each picture with one weight; the spread of a constant channel is 1."""
    sums = [np.stack([_moment(pictures, int(i)) for i in chunk]).sum(0) for chunk in chunks(len(pictures.payloads))]
    mean, square = np.sum(sums, 0) / len(pictures.payloads)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return tuple(mean.tolist()), tuple(np.where(spread > 1e-6, spread, 1.0).tolist())


def _moment(pictures: Pictures, entry: int) -> Array:
    """Mean and mean square of each channel "2 C": of the whole picture at the model's size, or of what is stored."""
    if pictures.recipe.size is not None and pictures.recipe.patch is None:
        found = pictures.scaled(entry).astype(np.float64)
    else:
        payload = pictures.payloads[entry]
        step = -(-payload.values[0].size // MEASURED)
        thin = Pictures([replace(payload, values=payload.values[:, ::step])], replace(pictures.recipe, size=None, spacing=None))
        found = thin.scaled(0).astype(np.float64)
    axes = tuple(range(1, found.ndim))
    return np.stack([found.mean(axes), (found**2).mean(axes)])

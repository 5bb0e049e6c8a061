"""Synthetic pictures as they might have been stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.modalities._picture_state import State
from sequela.modalities._picture_values import rounded
from sequela.modalities._window import Bounds
from sequela.types import Array, Space


def as_stored(picture: Array, state: State, windows: Sequence[Bounds]) -> Array:
    """Standard normal values "C *S" in the type, and of the mean and spread, of the training pictures."""
    count = len(state.stored)
    mean, spread = (np.array(n[:count], np.float32).reshape(-1, *[1] * (picture.ndim - 1)) for n in (state.mean, state.spread))
    values, dtype = picture * spread + mean, np.dtype(state.dtype)
    if windows:
        low, high = windows[0]
        values = values * (high - low) + low
    elif dtype.kind == "u":
        values = values * np.iinfo(dtype).max
    if dtype.kind in "ui":
        values = np.clip(values, np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.ascontiguousarray(rounded(values.astype(np.float32), dtype))


def space(state: State) -> Space | None:
    """With the spacing of the model's pictures, or the finest of training; None where that is not known."""
    spacing = state.spacing or state.finest
    if spacing is None:
        return None
    down, row, column = (1.0, *spacing) if len(spacing) == 2 else spacing
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = down, row, column, 1.0
    return Space(affine, oriented=state.oriented)

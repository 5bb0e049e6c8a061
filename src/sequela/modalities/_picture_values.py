"""What the numbers of a stored picture are to a network: shares of a full scale, channels, grey, and what a person is shown."""

from __future__ import annotations

import numpy as np

from sequela.errors import DataError
from sequela.types import Array

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
SHOWN = (0.5, 99.5)  # percentiles of a picture that become black and white
SAMPLED = 2**20  # points that they are taken from, evenly spaced, where there are more


def shares(image: Array) -> Array:
    """Pixels as float32 shares of the full scale of their type; int16 and floats as they are."""
    scale = {"uint8": 255, "uint16": 65535}.get(str(image.dtype), 1)
    return np.asarray(image, np.float32) / np.float32(scale)


def grey(image: Array) -> Array:
    """One channel "*S" of "C *S": the luma of a colour image, else the mean of its channels."""
    found: Array = np.tensordot(LUMA, image, 1) if len(image) == 3 else image.mean(0)
    return found


def fits(given: int, wanted: int) -> bool:
    """Whether a picture of so many channels can be given so many."""
    return given in (1, wanted) or (wanted == 1 and given == 3)


def with_channels(image: Array, channels: int) -> Array:
    """The picture "C *S" with so many channels: grey repeated, or the luma of a colour.

    Raises DataError where neither does.
    """
    if len(image) == channels:
        return image
    if len(image) == 1:
        return np.repeat(image, channels, 0)
    if channels == 1 and len(image) == 3:
        return rounded(np.tensordot(LUMA, image, 1)[None], image.dtype)
    raise DataError(f"an image has {len(image)} channels, the training images have {channels}")


def rounded(values: Array, dtype: np.dtype[np.generic]) -> Array:
    """Numbers of that type: whole ones where it holds no others."""
    return (np.rint(values) if dtype.kind in "ui" else values).astype(dtype, copy=False)


def seen(image: Array) -> Array:
    """A stored picture for a person: uint8 "1 *S" or "3 *S"; other than bytes are stretched between two percentiles."""
    image = image if len(image) == 3 else image[:1]
    if image.dtype == np.uint8:
        return np.array(image)
    points = image.reshape(-1)[:: max(1, image.size // SAMPLED)]
    low, high = np.percentile(points, SHOWN)
    return grey_levels((np.asarray(image, np.float32) - low) / max(high - low, 1e-6))


def grey_levels(share: Array) -> Array:
    """Shares as bytes; what lies outside of [0, 1] is cut."""
    found: Array = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return found

"""A mask of a picture as PNG: each point's label as its grey, of 8 bits, or 16 where it must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sequela import extras
from sequela.errors import DataError
from sequela.types import Array


def write(mask: Array, path: Path) -> Path:
    """Writes a mask "H W" of whole numbers. Labels are as they are: a small one looks black to a person.

    Raises DataError for another shape, an ending that is not .png, or labels beyond 16 bits.
    """
    if path.suffix != ".png":
        raise DataError(f"{path.name} is no name of a PNG file", hint="it ends on .png")
    if mask.ndim != 2 or mask.dtype.kind not in "biu":
        raise DataError(f"a PNG mask is whole numbers in rows and columns; this is {mask.dtype} of the shape {mask.shape}")
    most = int(mask.max(initial=0))
    if int(mask.min(initial=0)) < 0 or most > 65535:
        raise DataError(f"the labels of a PNG mask lie from 0 to 65535; these reach {most}")
    pillow = extras.need("PIL.Image", "images")
    pillow.fromarray(np.ascontiguousarray(mask.astype(np.uint8 if most < 256 else np.uint16))).save(path, "PNG")
    return path

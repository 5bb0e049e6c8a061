"""A stack of DICOM slices as one payload: its type, its channels, its place in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.readers._dicom_pixels import EXACT, Decoder
from sequela.readers._dicom_slices import Slice
from sequela.readers._dicom_stacks import Stack
from sequela.readers._space import canonical
from sequela.types import Array, Payload, Space

GREY, COLOURS = ("grey",), ("red", "green", "blue")


def payload(stack: Stack, decoder: Decoder) -> Payload:
    """The picture "C H W", or the volume or film "C D H W". Raises DataError where a slice cannot be read."""
    values, space = placed(_values(stack.slices, decoder), stack)
    return Payload(values, None, GREY if len(values) == 1 else COLOURS, _unit(stack.slices[0]), space)


def placed(values: Array, stack: Stack) -> tuple[Array, Space | None]:
    """Values "C D H W" of the slices of a stack as they are stored, and their space; of a flat one "C H W"."""
    if stack.affine is None:
        return values[:, 0] if stack.flat else values, None
    if stack.flat or not stack.oriented:
        return values[:, 0] if stack.flat else values, Space(stack.affine, "", stack.oriented)
    return canonical(values, stack.affine)


def _values(slices: Sequence[Slice], decoder: Decoder) -> Array:
    bounds = None if decoder.shown else _bounds(slices)
    told = bounds and _holding(*bounds)
    if not told:
        return _joined([_frame(one, slices, decoder) for one in slices], signed=bool(bounds and bounds[0] < 0))
    values = np.empty((1, len(slices), slices[0].pixels.rows, slices[0].pixels.columns), told)
    for number, one in enumerate(slices):
        values[0, number] = _within(_frame(one, slices, decoder), told, one)
    return values


def _frame(one: Slice, slices: Sequence[Slice], decoder: Decoder) -> Array:
    """Raises DataError, which of several files names the one, where it cannot be read."""
    try:
        return decoder.values(one)
    except DataError as error:
        if all(other.file == one.file for other in slices):
            raise
        raise DataError(f"a slice of its series cannot be read ({one.file}: {error.message})") from error


def _bounds(slices: Sequence[Slice]) -> tuple[float, float] | None:
    """The least and largest grey value that these may hold by their headers; None where those do not say it."""
    ends: list[float] = []
    for one in slices:
        pixels = one.pixels
        if pixels.samples > 1 or pixels.table or pixels.floats or pixels.photometric == "PALETTE COLOR":
            return None
        if not (one.slope.is_integer() and one.intercept.is_integer()):
            return None
        half = 1 << pixels.stored - 1
        low, high = (-half, half - 1) if pixels.signed else (0, 2 * half - 1)
        ends += [low * one.slope + one.intercept, high * one.slope + one.intercept]
    return min(ends), max(ends)


def _holding(low: float, high: float) -> np.dtype[np.generic] | None:
    """The smallest type of a store that holds these; None where none does."""
    for kind in (np.uint8, np.uint16, np.int16):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return np.dtype(kind)
    return None


def _within(values: Array, kind: np.dtype[Any], one: Slice) -> Array:
    """The same, where they are what the header says: a codec may hold others."""
    if one.pixels.begin is None and values.size:
        info = np.iinfo(kind)
        if values.min() < info.min or values.max() > info.max:
            raise DataError(
                f"its pixels reach from {values.min()} to {values.max()}, beyond the {one.pixels.stored} bits it tells"
            )
    return values


def _joined(frames: Sequence[Array], signed: bool) -> Array:
    """ "C D H W" of frames whose values say which type holds them."""
    values = np.stack(frames)
    values = np.moveaxis(values, -1, 0) if values.ndim == 4 else values[None]
    if values.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return values
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    low, high = int(values.min()), int(values.max())
    kind = _holding(min(low, -1) if signed else low, max(high, 256))  # of more than 8 bits, whatever this picture holds
    if kind is None and max(-low, high) > EXACT:
        raise DataError("it has whole numbers beyond 2^24, more than are stored without loss")
    return values.astype(kind or np.float32)


def _unit(one: Slice) -> str:
    """Of the values: HU of CT, what the file says of others."""
    if one.origin.modality == "CT":
        return "HU" if one.unit in ("", "HU") else one.unit
    return "" if one.unit == "US" else one.unit  # US: unspecified

"""What everything else is made of: arrays, payloads, and the pictures that are read a part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Part: TypeAlias = Literal["train", "tune", "test"]
PARTS: tuple[Part, ...] = ("train", "tune", "test")

DAY = 86_400_000_000  # microseconds
NEVER = int(np.iinfo(np.int64).min)  # the time of what has none: NumPy's NaT


class Steps(Protocol):
    """What holds the steps of a Ragged: an array, a memory map, or anything that reads rows when asked."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, index: Array, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """How a picture as a model sees it lies over the stored one, axis by axis: edge = stored edge * scale + offset."""

    stored: tuple[int, ...]  # points along each axis: (H, W), or (D, H, W)
    size: tuple[int, ...]  # the same of the model's picture
    scale: tuple[float, ...]
    offset: tuple[float, ...]  # in points of the model's picture

    @property
    def same(self) -> bool:
        """Whether both are one."""
        return self.stored == self.size and all(s == 1 for s in self.scale) and not any(self.offset)


@runtime_checkable
class Fields(Steps, Protocol):
    """Steps that are pictures or volumes, of which a part can be read alone, whatever their size."""

    patch: tuple[int, ...] | None  # what a network sees at once; None: the whole picture, all of one size
    patches: int  # drawn from each picture in an epoch
    foreground: float  # share of them that are drawn around a point with a label

    def grid(self, entry: int) -> Grid: ...
    def space(self, entry: int) -> Space | None:
        """Of the picture as it is stored."""
        ...

    def name(self, entry: int) -> str:
        """What the source calls the picture; "" where nobody told."""
        ...

    def crop(self, entry: int, corner: Sequence[int], size: Sequence[int]) -> Array:
        """A part of the model's picture, float32 "C *size", made ready as whole ones are; 0 outside of it."""
        ...

    def shown(self, entry: int) -> Array:
        """The picture as it is stored, for a person: uint8 "1 *S" or "3 *S"."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """Where the points of an image or volume lie in the patient.

    Volumes are stored with their slices from inferior to superior, rows from anterior to posterior and columns from right to
    left (the nearest axes, nothing is resampled), so one volume is stored alike however its file turned it.
    """

    affine: Array  # float64 "4 4": (slice, row, column, 1) of the array to millimetres to the left, posterior, superior (LPS)
    axes: str = ""  # where rising indices of the source's own axes point, first axis first ("RAS"); "" where it is as stored
    oriented: bool = True  # False: only the spacing is known, directions and origin mean nothing

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from one slice, row and column to the next."""
        down, row, column = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return down, row, column


@dataclass(frozen=True, slots=True)
class Payload:
    """A waveform, image or volume that an event points to; `values` is a read-only memory map."""

    values: Array  # signals (C, L) float32; images (C, H, W) and volumes (C, D, H, W): uint8, uint16, int16 or float32
    rate_hz: float | None = None  # samples a second; None where the payload has no time axis
    channels: tuple[str, ...] = ()  # one name for each C
    unit: str = ""  # of the values
    space: Space | None = None  # of an image or volume
    name: str = ""  # what its source calls it, once it is stored


class Payloads(Protocol):
    """Opens payloads by the uri that an event carries; raises DataError for a uri that is not there."""

    def open(self, uri: str) -> Payload: ...

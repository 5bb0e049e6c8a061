"""The storage formats of WFDB signals: from bytes to samples, and from a place in the samples to a place in the file.

Source: signal(5) of the WFDB Applications Guide, https://physionet.org/physiotools/wag/signal-5.htm. Samples of all signals of a
file lie in one run; formats of broken bytes pack a few of them into a block. In FLAC files (508, 516, 524) the signals are the
channels of the stream. Format 8 stores differences: here they stay differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela.errors import DataError
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Packed:
    """How samples lie in bytes: blocks of as many `bytes`; the first samples of a block `reach` so far into it."""

    bytes: int
    reach: tuple[int, ...]  # bytes of the block that none, one, two of its samples need
    decode: Callable[[Array], Array]  # uint8 of whole blocks -> integers of their samples
    missing: int | None  # the sample that says that there is none

    @property
    def block(self) -> int:
        """Samples in a block."""
        return len(self.reach)

    def needed(self, samples: int) -> int:
        """Bytes that so many samples take, from the start of a block."""
        whole, rest = divmod(samples, self.block)
        return whole * self.bytes + self.reach[rest]

    def held(self, size: int) -> int:
        """Samples in so many bytes."""
        whole, rest = divmod(size, self.bytes)
        return whole * self.block + sum(reach <= rest for reach in self.reach[1:])


def _signed(values: Array, bits: int) -> Array:
    """Two's complement of so many low bits, int32."""
    low = values.astype(np.int32) & (1 << bits) - 1
    return np.where(low >> bits - 1, low - (1 << bits), low)


def _as(dtype: str, subtract: int = 0) -> Callable[[Array], Array]:
    return lambda raw: raw.view(dtype).astype(np.int32) - subtract if subtract else raw.view(dtype)


def _24(raw: Array) -> Array:
    low, middle, high = raw.reshape(-1, 3).T.astype(np.int32)
    return _signed(low | middle << 8 | high << 16, 24)


def _212(raw: Array) -> Array:
    """Two samples in three bytes; the middle one holds the high bits of both."""
    first, middle, second = raw.reshape(-1, 3).T.astype(np.int32)
    return _signed(np.stack([first | (middle & 0x0F) << 8, second | (middle & 0xF0) << 4], 1).ravel(), 12)


def _310(raw: Array) -> Array:
    """Three samples in two words: bits 1 to 10 of each, and bits 11 to 15 of both together."""
    one, other = raw.view("<u2").reshape(-1, 2).T.astype(np.int32)
    return _signed(np.stack([one >> 1, other >> 1, one >> 11 | other >> 11 << 5], 1).ravel(), 10)


def _311(raw: Array) -> Array:
    """Three samples in the low 30 bits of a double word."""
    word = raw.view("<u4").astype(np.int64)
    return _signed(np.stack([word & 0x3FF, word >> 10 & 0x3FF, word >> 20 & 0x3FF], 1).ravel(), 10)


FORMATS: Mapping[str, Packed] = {
    "8": Packed(1, (0,), _as("i1"), None),
    "16": Packed(2, (0,), _as("<i2"), -(2**15)),
    "24": Packed(3, (0,), _24, -(2**23)),
    "32": Packed(4, (0,), _as("<i4"), -(2**31)),
    "61": Packed(2, (0,), _as(">i2"), -(2**15)),
    "80": Packed(1, (0,), _as("u1", 128), -(2**7)),
    "160": Packed(2, (0,), _as("<u2", 32768), -(2**15)),
    "212": Packed(3, (0, 2), _212, -(2**11)),
    "310": Packed(4, (0, 2, 4), _310, -(2**9)),
    "311": Packed(4, (0, 2, 3), _311, -(2**9)),
}
FLAC: Mapping[str, int] = {"508": 8, "516": 16, "524": 24}  # the most bits of a sample
FLAC_BITS: Mapping[str, int] = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}  # by libsndfile's name of the stream


def missing(fmt: str) -> int | None:
    """The sample that says that there is none, in this format; None where every one is a measurement."""
    return FORMATS[fmt].missing if fmt in FORMATS else -(2 ** (FLAC[fmt] - 1))


def samples(path: Path, fmt: str, offset: int, first: int, end: int) -> Array:
    """Samples `first` to `end` of a packed file whose samples begin at the byte `offset`.

    Raises DataError where the file ends before.
    """
    packed = FORMATS[fmt]
    skipped = first % packed.block
    begin = (first - skipped) // packed.block * packed.bytes
    wanted = packed.needed(end) - begin
    raw = np.fromfile(path, np.uint8, wanted, offset=offset + begin)
    if len(raw) < wanted:
        raise DataError(f"its signal file is cut short: {offset + begin + len(raw)} bytes of {offset + begin + wanted}")
    whole = np.pad(raw, (0, -len(raw) % packed.bytes))
    return packed.decode(whole)[skipped : skipped + end - first]

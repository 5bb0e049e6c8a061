"""How a beat differs from its row's reference beat, in numbers: likeness, size, width and P wave, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities._reference import References
from sequela.types import Array

PARTS = {"whole": (-0.28, 0.45), "p": (-0.28, -0.075), "qrs": (-0.075, 0.1), "t": (0.1, 0.45)}  # seconds from the beat, at most
OF_PART = ("correlation", "difference", "shift")
OF_CHANNEL = (
    *(f"{part}_{name}" for part in PARTS for name in OF_PART),
    *("qrs_high", "qrs_low", "qrs_size", "qrs_width", "qrs_width_ratio", "p_size", "p_share"),
)
ALONG = ("like_before", "like_after")
SMALL = 1e-3
FLOOR = 0.05  # of the channel's unit: added to the size of a QRS complex that others are divided by
MOST = 4.0  # numbers beyond are held there
CHUNK = 4096  # steps worked on at once


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of a beat lie in its window; one that the window does not reach has one sample."""

    before: int  # samples of the window before the beat
    rate_hz: float
    length: int

    def of(self, name: str) -> slice:
        low, high = (self.before + round(second * self.rate_hz) for second in PARTS[name])
        low = min(max(low, 0), self.length - 1)
        return slice(low, min(max(high, low + 1), self.length))


def names(channels: Sequence[str]) -> tuple[str, ...]:
    """Of `columns`."""
    return tuple(f"{channel}_{name}" for channel in channels for name in OF_CHANNEL) + ALONG


def columns(references: References, row: Array, steps: Array, parts: Parts) -> Array:
    """Of these steps, float32 "S P" between -MOST and MOST; NaN for what is not known. `row`: of every step that there is."""
    chunks = [steps[start : start + CHUNK] for start in range(0, len(steps), CHUNK)]
    found = [_columns(references, row, chunk, parts) for chunk in chunks]
    width = references.windows.shape[1] * len(OF_CHANNEL) + len(ALONG)
    return np.concatenate(found).astype(np.float32) if found else np.zeros((0, width), np.float32)


def _columns(references: References, row: Array, steps: Array, parts: Parts) -> Array:
    beat, usual, less = references.beats(steps), references.usual(steps), references.differences(steps)
    size = _range(usual[..., parts.of("qrs")]) + FLOOR
    told = [number for name in PARTS for number in _part(beat, usual, less, size, parts.of(name))]
    found = np.stack([*told, *_qrs(beat, usual, size, parts.of("qrs")), *_p(beat, usual, size, parts.of("p"))], -1)
    found[~references.seen[references.place[steps]].any(-1)] = np.nan
    along = [_like(references, row, steps, steps + way, parts.of("qrs")) for way in (-1, 1)]
    compared: Array = np.clip(np.concatenate([found.reshape(len(found), -1), np.stack(along, -1)], 1), -MOST, MOST)
    return compared


def _part(beat: Array, usual: Array, less: Array, size: Array, part: slice) -> tuple[Array, ...]:
    """The numbers OF_PART, each "S C"."""
    difference = np.log(np.abs(less[..., part]).mean(-1) / size + 0.01)
    return _correlation(beat[..., part], usual[..., part]), difference, less[..., part].mean(-1) / size


def _qrs(beat: Array, usual: Array, size: Array, part: slice) -> tuple[Array, ...]:
    """Highest and lowest point, size and width, against the reference's."""
    high = (beat[..., part].max(-1) - usual[..., part].max(-1)) / size
    low = (beat[..., part].min(-1) - usual[..., part].min(-1)) / size
    ratio = np.log((_range(beat[..., part]) + SMALL) / (_range(usual[..., part]) + FLOOR))
    width, normal = _width(beat[..., part]), _width(usual[..., part])
    return high, low, ratio, np.log(width + 0.2), np.log((width + 0.2) / (normal + 0.2))


def _p(beat: Array, usual: Array, size: Array, part: slice) -> tuple[Array, ...]:
    """How large what lies before the QRS complex is, and how much of the reference's is in it."""
    mine, normal = _centred(beat[..., part]), _centred(usual[..., part])
    share = (mine * normal).sum(-1) / ((normal**2).sum(-1) + SMALL)
    return _range(beat[..., part]) / size, share


def _like(references: References, row: Array, steps: Array, others: Array, part: slice) -> Array:
    """The correlation of the QRS complexes of steps and their neighbours in the row, over all channels; NaN without one."""
    inside = np.clip(others, 0, len(row) - 1)
    joined = (others == inside) & (row[inside] == row[steps])
    here, there = (references.beats(one)[..., part].reshape(len(steps), -1) for one in (steps, inside))
    return np.where(joined, _correlation(here, there), np.nan)


def _correlation(one: Array, other: Array) -> Array:
    one, other = _centred(one), _centred(other)
    found: Array = (one * other).sum(-1) / np.sqrt((one**2).sum(-1) * (other**2).sum(-1) + SMALL**2)
    return found


def _width(part: Array) -> Array:
    """The spread in samples of where the slope is: the standard deviation of time, weighted by the squared slope."""
    steep = np.diff(part, axis=-1, append=part[..., -1:]) ** 2
    steep = steep / (steep.sum(-1, keepdims=True) + SMALL**2)
    time = np.arange(part.shape[-1])
    middle = (steep * time).sum(-1, keepdims=True)
    found: Array = np.sqrt((steep * (time - middle) ** 2).sum(-1))
    return found


def _range(part: Array) -> Array:
    found: Array = part.max(-1) - part.min(-1)
    return found


def _centred(part: Array) -> Array:
    found: Array = part - part.mean(-1, keepdims=True)
    return found

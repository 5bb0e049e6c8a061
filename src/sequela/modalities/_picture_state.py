"""What the training pictures were, and why another picture is not like them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from sequela.modalities._picture_values import fits
from sequela.modalities._pictures import spacing_of
from sequela.types import Payload, Space

COLOURS = {1: ("grey",), 3: ("red", "green", "blue")}
KINDS = {2: "picture", 3: "volume"}
AXES = {2: "rows and columns", 3: "slices, rows and columns"}


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes, channels, spacing and values of the training pictures; sides are (H, W), or (D, H, W) of volumes."""

    size: tuple[int, ...] | None  # of the model's picture; None: each picture its own, seen in patches
    patch: tuple[int, ...] | None
    spacing: tuple[float, ...] | None  # mm between points of the model's picture; None: as stored
    finest: tuple[float, ...] | None  # mm, the smallest of the training pictures; None where some do not tell
    coarsest: tuple[float, ...] | None
    oriented: bool  # all training pictures tell how they lie in the patient
    stored: tuple[str, ...]  # channels of the stored pictures
    dtype: str
    channels: tuple[str, ...]  # of the model's picture
    mean: tuple[float, ...]  # of each, in shares of full scale or of the window
    spread: tuple[float, ...]

    @property
    def axes(self) -> int:
        """2 of pictures, 3 of volumes."""
        return len(self.size or self.patch or ())

    @property
    def pitch(self) -> tuple[float, ...]:
        """Millimetres between the points of the model's pictures where it is one and the same, else ()."""
        if self.spacing is not None:
            return self.spacing
        if self.size is not None or self.finest is None or self.coarsest is None:
            return ()
        return self.finest if np.allclose(self.finest, self.coarsest, rtol=0.01) else ()


def names_of(payloads: Sequence[Payload]) -> tuple[str, ...]:
    """The channels that most of the pictures have, by the names that the first of these gives."""
    count, _ = Counter(len(p.values) for p in payloads).most_common(1)[0]
    given = next(p.channels for p in payloads if len(p.values) == count) or COLOURS.get(count, ())
    return tuple(given) or tuple(f"channel_{c}" for c in range(count))


def range_of(payloads: Sequence[Payload]) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """The finest and the coarsest spacing along each axis; None where a picture tells none."""
    told = [spacing_of(p) for p in payloads]
    if any(one is None for one in told):
        return None, None
    rows = np.array(told, np.float64)
    return tuple(rows.min(0).tolist()), tuple(rows.max(0).tolist())


def unlike(payload: Payload, state: State, factor: float, typed: bool) -> str:
    """Why this picture cannot be judged by what was learnt; "" where it can.

    Spacing may be finer or coarser than any of the training pictures by `factor`. `typed`: what a number means hangs on its type,
    so that a volume must have that of training (pictures have a full scale).
    """
    axes, dtype = payload.values.ndim - 1, payload.values.dtype.name
    if axes == state.axes == 3 and typed and dtype != state.dtype:
        return f'its numbers are {dtype}, those of training {state.dtype}: only scale = "each" or a window makes them one'
    if axes != state.axes:
        return f"it is a {KINDS.get(axes, f'picture of {axes} axes')}, and {KINDS[state.axes]}s were learnt"
    if not fits(len(payload.values), len(state.stored)):
        return f"it has {len(payload.values)} channels, the training images have {len(state.stored)}"
    spacing = spacing_of(payload)
    if spacing is None:
        needed = state.spacing is not None or (axes == 3 and state.finest is not None)
        return "it does not tell its spacing, and the training pictures do" if needed else ""
    if axes == 3 and state.oriented and not _oriented(payload.space):
        return "it does not tell how it lies in the patient, and the training volumes do"
    return _spacing_unlike(spacing, state, factor)


def _oriented(space: Space | None) -> bool:
    return space is not None and space.oriented


def _spacing_unlike(spacing: tuple[float, ...], state: State, factor: float) -> str:
    if state.finest is None or state.coarsest is None:
        return ""
    bounds = [(low / factor, high * factor) for low, high in zip(state.finest, state.coarsest, strict=True)]
    if all(low * 0.999 <= one <= high * 1.001 for one, (low, high) in zip(spacing, bounds, strict=True)):
        return ""
    return f"its points are {_mm(spacing)} apart, those of training {_mm(state.finest)} to {_mm(state.coarsest)}"


def _mm(spacing: Sequence[float]) -> str:
    return " × ".join(f"{one:.3g}" for one in spacing) + " mm"

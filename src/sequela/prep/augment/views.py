"""Test-time augmentation: the same picture from several sides, or DNA from both strands, so that an answer is the mean over all.

Nothing is drawn: a view is the picture mirrored and turned by right angles, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from sequela.errors import ConfigError
from sequela.prep.augment import strands
from sequela.prep.augment.strands import Strand
from sequela.types import Seq, Spec

Side: TypeAlias = Literal["horizontal", "vertical", "depth", "quarter", "reverse_complement"]
AXIS = {"horizontal": -1, "vertical": -2, "depth": -3}


@dataclass(frozen=True, slots=True)
class View:
    """A picture mirrored along some axes (counted from the last, -1), then turned by quarters."""

    mirrored: tuple[int, ...] = ()
    quarters: int = 0

    def __call__(self, seq: Seq) -> Seq:
        """The Seq as seen from there."""
        if not self.mirrored and not self.quarters:
            return seq
        return replace(seq, values=self._seen(seq.values), seen=None if seq.seen is None else self._seen(seq.seen))

    def _seen(self, values: Tensor) -> Tensor:
        return torch.rot90(values.flip(self.mirrored), self.quarters, (-2, -1))


Seen: TypeAlias = View | Strand


def views(sides: Sequence[Side], spec: Spec) -> tuple[Seen, ...]:
    """Every combination of being mirrored or not along each of these sides, and of the quarter turns; the picture itself first.

    Mirrored both ways and turned is mirrored one way and turned further: no view is there twice. Raises ConfigError where the
    input has no such sides, or turned by 90° it would not fit itself.
    """
    if not sides:
        return (View(),)
    if "reverse_complement" in sides:
        return _strands(sides, spec)
    if spec.kind not in ("image", "slices", "tiles") or len(spec.shape) < 3:
        raise ConfigError(f"average: an input of the kind {spec.kind!r} is no picture that could be mirrored or turned")
    if len(set(sides)) < len(sides):
        raise ConfigError(f"average names a side twice: {', '.join(sides)}")
    if "depth" in sides and len(spec.shape) < 4:
        raise ConfigError("average: only a volume has a depth", hint="horizontal and vertical are those of a picture")
    if "quarter" in sides and spec.shape[-1] != spec.shape[-2]:
        raise ConfigError(f"average: turned by 90°, {spec.shape[-2]} × {spec.shape[-1]} would not fit itself")
    turns = 4 if "quarter" in sides else 1
    flips = [AXIS[side] for side in sides if side != "quarter"]
    if turns > 1 and {-1, -2} <= set(flips):
        flips.remove(-2)
    chosen = product(*[((), (axis,)) for axis in flips])
    return tuple(View(tuple(axis for one in axes for axis in one), quarters) for axes in chosen for quarters in range(turns))


def _strands(sides: Sequence[Side], spec: Spec) -> tuple[Seen, ...]:
    if len(sides) > 1:
        raise ConfigError(f"average: a sequence has two strands and no more sides: {', '.join(sides)}")
    return (View(), Strand(strands.partners(spec)))

"""All changes of one input as one: drawn for a batch, then done to its values, masks or boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from sequela.errors import DataError
from sequela.prep.augment import boxes, classes, sampling
from sequela.prep.augment.classes import Classes
from sequela.prep.augment.drawing import Kind, Rows
from sequela.types import Seq, Spec, Target


@dataclass(frozen=True, slots=True)
class Entry:
    """One change as a study asks for it."""

    name: str
    kind: Kind
    options: Any
    factors: Tensor | None = None  # "K": how much more often rows of each class have it; None: all alike

    def often(self, count: int, members: Tensor | None) -> Tensor:
        """Of each row, "N"."""
        if self.factors is None or members is None:
            return torch.full((count,), float(self.options.often))
        return classes.often(self.options.often, self.factors, members)


@dataclass(frozen=True, slots=True)
class Augment:
    """Changes of one input, in the order given, but that those which move points act first and as one."""

    spec: Spec
    entries: tuple[Entry, ...]
    classes: Classes | None = None

    def __call__(self, seq: Seq, generator: Generator, target: Target | None = None) -> Seq:
        """The batch changed; the same generator state gives the same change."""
        return self.apply(seq, self.draw(seq, generator, target))

    def draw(self, seq: Seq, generator: Generator, target: Target | None = None) -> tuple[Tensor, ...]:
        """One tensor of numbers for each entry: of pictures a row for each row, of waveforms one for each step.

        `target`, the labels of the batch, is asked where rows of some classes are to be changed more often.
        """
        shape = self._shape(seq.values)
        steps = seq.values.shape[1] if self.spec.kind == "waveform" else 1
        members = None if self.classes is None or target is None else self.classes.members(target).repeat_interleave(steps, 0)
        count, channels = len(seq.values) * steps, seq.values.shape[2]

        def drawn(entry: Entry) -> Tensor:
            rows = Rows(channels, shape, self._spacing(shape), entry.often(count, members))
            return entry.kind.draw(entry.options, rows, generator)

        return tuple(drawn(entry) for entry in self.entries)

    def apply(self, seq: Seq, drawn: Sequence[Tensor]) -> Seq:
        """The batch changed by what was drawn: deterministic."""
        values = self._folded(seq.values)
        warp = self._warp(drawn, self._shape(seq.values))
        values = values.clone() if warp is None else sampling.values_at(values, warp)
        for entry, numbers in zip(self.entries, drawn, strict=True):
            values = _acted(entry.kind, values, numbers)
        values = self._unfolded(values, seq.values)
        real = seq.mask.reshape(*seq.mask.shape, *[1] * (values.ndim - 2))
        return replace(seq, values=values.mul_(real if seq.seen is None else real & seq.seen))

    def dense(self, seq: Seq, dense: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """What is known of every point, moved as `apply` moves the points of the batch.

        Masks, int64 "B *S": the nearest label, -1 for what comes from outside. Boxes, float32 "B M 5" (label or -1, top, left,
        bottom, right in points): see `boxes`. Raises DataError where a row has more than one picture.
        """
        if seq.values.shape[1] != 1 or self._as_rows or self.spec.kind == "waveform":
            raise DataError(f"masks and boxes are of one picture a row; this input has {seq.values.shape[1]} steps")
        shape = self._shape(seq.values)
        warp = self._warp(drawn, shape)
        if warp is None or not len(dense):
            return dense.clone()
        return boxes.moved(dense, warp, shape) if dense.is_floating_point() else sampling.labels_at(dense, warp)

    def _warp(self, drawn: Sequence[Tensor], shape: tuple[int, ...]) -> sampling.Warp | None:
        moving = [(one.name, numbers) for one, numbers in zip(self.entries, drawn, strict=True) if one.kind.act is None]
        maps = [numbers for name, numbers in moving if name != "elastic"]
        bends = [numbers for name, numbers in moving if name == "elastic"]
        return sampling.composed(maps, bends, self._spacing(shape))

    @property
    def _as_rows(self) -> bool:
        return self.spec.kind == "image" and len(self.spec.shape) == 1

    def _shape(self, values: Tensor) -> tuple[int, ...]:
        """The *S of each of the rows' pictures."""
        if self._as_rows:
            return values.shape[1], values.shape[2] // self._colours
        return tuple(values.shape[3:])

    def _spacing(self, shape: tuple[int, ...]) -> tuple[float, ...]:
        return self.spec.spacing if len(self.spec.spacing) == len(shape) else (1.0,) * len(shape)

    @property
    def _colours(self) -> int:
        return max(len(self.spec.names), 1)

    def _folded(self, values: Tensor) -> Tensor:
        """Values "B T *F" as "N C *S": windows, N = B T; pictures, C all channels of all steps; or whose rows are the T steps."""
        if self.spec.kind == "waveform":
            return values.flatten(0, 1)
        if self._as_rows:
            rows, height, _ = values.shape
            return values.reshape(rows, height, -1, self._colours).permute(0, 3, 1, 2)
        return values.flatten(1, 2)

    def _unfolded(self, values: Tensor, like: Tensor) -> Tensor:
        return (values.permute(0, 2, 3, 1) if self._as_rows else values).reshape(like.shape)


def _acted(kind: Kind, values: Tensor, numbers: Tensor) -> Tensor:
    """The rows whose numbers are not 0, changed."""
    some = numbers[:, None].flatten(1).any(1)
    if kind.act is None or not bool(some.any()):
        return values
    if bool(some.all()):
        return kind.act(values, numbers)
    rows = some.nonzero()[:, 0]
    values[rows.to(values.device)] = kind.act(values[rows.to(values.device)], numbers[rows])
    return values

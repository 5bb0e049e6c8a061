"""Which cells go together: what is put aside at once, where cells are too many or too alike to be asked about one by one.

    feature   a column over all steps, a code wherever it stands, a lead of a window, a number of a table
    step      all of a visit, sentence, heartbeat or slice
    region    a square of a picture, a stretch of a window's samples
    cell      each by itself

A number beside a step goes with the feature of its place where there is one for each (the time since it was seen), or else with
its step; a number of the row is a group of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sequela.errors import UsageError
from sequela.explain.attribution.cells import Cells, Key
from sequela.registry import nearest
from sequela.types import Seq, Spec

KINDS = ("feature", "step", "region", "cell")
REGIONS, STRETCHES = 8, 16  # along the longest side of a picture, and along a window
ALSO: Mapping[str, str] = {  # what the field calls them
    "visit": "step",
    "sentence": "step",
    "slice": "step",
    "code": "feature",
    "lead": "feature",
    "word": "cell",
}


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each cell of each row."""

    number: tuple[Tensor, ...]  # int64, like Cells.tensors: from 0 in each row; -1 where nothing was seen
    count: Tensor  # int64 "B": groups of each row

    def kept(self, cells: Cells, row: Tensor, keep: Tensor) -> tuple[Tensor, ...]:
        """The tensors of these rows, int64 "R", with the groups alone that are kept, bool "R G"; the others at rest."""
        there = torch.cat([keep, keep.new_ones(len(keep), 1)], 1)  # the last is what belongs to no group
        return tuple(
            torch.where(there.gather(1, number[row].flatten(1) % there.shape[1]).view(number[row].shape), given[row], rest[row])
            for number, given, rest in zip(self.number, cells.tensors, cells.rest, strict=True)
        )

    def shared(self, change: Tensor) -> list[Tensor]:
        """What each group adds, "B G", shared evenly by its cells, like Cells.tensors; 0 elsewhere."""
        sizes = self._sizes(change)
        each = torch.cat([change / sizes.clamp(min=1), change.new_zeros(len(change), 1)], 1)
        return [each.gather(1, number.flatten(1) % each.shape[1]).view(number.shape) for number in self.number]

    def _sizes(self, like: Tensor) -> Tensor:
        """How many cells each group has, "B G"."""
        sizes = like.new_zeros(len(like), like.shape[1] + 1)
        for number in self.number:
            flat = number.flatten(1) % sizes.shape[1]
            sizes.scatter_add_(1, flat, sizes.new_ones(flat.shape))
        return sizes[:, :-1]


def groups(cells: Cells, by: str = "") -> Groups:
    """The groups of a batch; `by` one of KINDS, left out: what suits each input. Raises UsageError for another word."""
    kind = _kind(by)
    raw: list[Tensor] = []
    first = 0
    of_side: dict[str, int] = {}
    for key, tensor in zip(cells.keys, cells.tensors, strict=True):
        seq, spec = cells.inputs[key.name], cells.specs[key.name]
        joined = key.part == "side" and tuple(spec.shape) == (spec.side,) and kind in ("", "feature")
        begin = of_side[key.name] if joined or (key.part == "side" and kind == "step") else first
        number = begin + _numbered(key, tensor, seq, spec, kind or suited(spec))
        raw.append(number)
        of_side.setdefault(key.name, begin)
        first = max(first, int(number.max()) + 1 if number.numel() else first)
    return _dense(raw, cells.there)


def suited(spec: Spec) -> str:
    """What is put aside together where nobody says: of words sentences, of codes each, of pictures regions, else features."""
    if spec.vocabulary:
        return "step" if spec.words is not None or spec.kind == "text" else "feature"
    return "region" if len(spec.shape) > 2 else "feature"


def _kind(by: str) -> str:
    kind = ALSO.get(by, by)
    if kind and kind not in KINDS:
        raise UsageError(f"cells are not grouped by {by!r}", hint=nearest(by, (*KINDS, *ALSO)))
    return kind


def _numbered(key: Key, tensor: Tensor, seq: Seq, spec: Spec, kind: str) -> Tensor:
    """A number for the group of each cell, from 0, the same for those that go together; rows may leave numbers out."""
    if key.part == "context" or kind == "cell":
        return torch.arange(tensor[0].numel(), device=tensor.device).view(tensor.shape[1:]).expand(tensor.shape)
    step = torch.arange(tensor.shape[1], device=tensor.device).view(1, -1, *[1] * (tensor.dim() - 2))
    if kind == "step":
        return step.expand(tensor.shape)
    if kind == "region" and len(spec.shape) > 1 and key.part == "values":
        return (step * _most_regions(spec) + _regions(tensor)).expand(tensor.shape)
    if spec.vocabulary and key.part == "values":
        codes: Tensor = seq.values if spec.words is None else seq.values[..., 0]
        return codes
    column = torch.zeros(1, dtype=torch.int64, device=tensor.device) if tensor.dim() == 2 else _columns(tensor)
    return column.expand(tensor.shape)


def _columns(tensor: Tensor) -> Tensor:
    """The place of each cell along the first axis of a step."""
    return torch.arange(tensor.shape[2], device=tensor.device).view(1, 1, -1, *[1] * (tensor.dim() - 3))


def _most_regions(spec: Spec) -> int:
    most = (STRETCHES if len(spec.shape) == 2 else REGIONS) + 1
    return int(most ** (len(spec.shape) - 1))


def _regions(tensor: Tensor) -> Tensor:
    """The square that each point of "B T C *S" lies in."""
    space = tensor.shape[3:]
    most = STRETCHES if len(space) == 1 else REGIONS
    side = -(-max(space) // most)
    number = torch.zeros((), dtype=torch.int64, device=tensor.device)
    for axis, points in enumerate(space):
        along = (torch.arange(points, device=tensor.device) // side).view(-1, *[1] * (len(space) - axis - 1))
        number = number * (most + 1) + along
    return number.view(1, 1, 1, *space)


def _dense(raw: list[Tensor], there: tuple[Tensor, ...]) -> Groups:
    """Numbers from 0 in each row, without those that no cell of it has."""
    flat = torch.cat([number.masked_fill(~seen, -1).flatten(1) for number, seen in zip(raw, there, strict=True)], 1)
    dense, count = torch.full_like(flat, -1), []
    for row, numbers in enumerate(flat):
        present = numbers >= 0
        found, place = torch.unique(numbers[present], return_inverse=True)
        dense[row, present] = place
        count.append(len(found))
    parts = torch.split(dense, [number[0].numel() for number in raw], 1)
    shaped = tuple(part.reshape(number.shape) for part, number in zip(parts, raw, strict=True))
    return Groups(shaped, torch.tensor(count, device=flat.device))

"""What methods find of a batch, put together over all rows as the ragged inputs lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sequela.explain.attribution.cells import Cells, Key
from sequela.types import Array, Attribution, Ragged, Spec


@dataclass(frozen=True, slots=True)
class Found:
    """What each cell of a batch adds."""

    parts: Sequence[Tensor]  # like Cells.tensors
    points: int
    rest: Tensor | None = None  # float64 "B": the number without what is explained; None where a method compares with nothing


class Gathering:
    """The cells of all rows, filled batch by batch; what no batch fills stays 0."""

    def __init__(self, inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]) -> None:
        rows = len(next(iter(inputs.values())))
        self.inputs, self.specs = inputs, specs
        self.arrays = {key: np.zeros(shape) for name, one in inputs.items() for key, shape in _shapes(name, one, specs[name])}
        self.column = np.zeros(rows, np.int64)
        self.told, self.rest = np.full(rows, np.nan), np.full(rows, np.nan)
        self.points = self.done = 0

    def take(self, rows: Array, cells: Cells, found: Found) -> None:
        """Puts in what was found of these rows."""
        told = cells.asked(*cells.tensors, cells.row)
        self.column[rows], self.told[rows] = cells.column.cpu().numpy(), told.cpu().numpy()
        self.rest[rows] = np.nan if found.rest is None else found.rest.detach().cpu().numpy()
        self.points = max(self.points, found.points)
        self.done += len(rows)
        for key, part, there in zip(cells.keys, found.parts, cells.there, strict=True):
            self._fill(key, rows, part.detach().cpu().double().numpy(), there.cpu().numpy())

    def _fill(self, key: Key, rows: Array, part: Array, there: Array) -> None:
        array = self.arrays[key]
        if key.part == "context":
            array[rows] = np.where(there, part, 0.0)
            return
        ragged = self.inputs[key.name]
        step = np.concatenate([np.arange(ragged.offsets[row], ragged.offsets[row + 1]) for row in rows])
        laid = np.zeros((len(step), *array.shape[1:]))
        laid[self._seen(key, step, laid)] = part[there]  # both in the order of the steps; columns nobody has are left out of one
        array[step] = laid

    def _seen(self, key: Key, step: Array, laid: Array) -> Array:
        ragged = self.inputs[key.name]
        if key.part == "side" or ragged.seen is None or self.specs[key.name].words is not None:
            return np.ones(laid.shape, bool)
        return np.asarray(ragged.seen[step if ragged.take is None else ragged.take[step]])

    def attribution(self, method: str, *, complete: bool) -> Attribution:
        """What was found of all rows."""

        def of(part: str) -> dict[str, Array]:
            return {key.name: array for key, array in self.arrays.items() if key.part == part}

        return Attribution(
            of("values"), self.column, self.told, self.rest, method, self.points, of("side"), of("context"), complete
        )


def _shapes(name: str, ragged: Ragged, spec: Spec) -> list[tuple[Key, tuple[int, ...]]]:
    """What an input has of each part."""
    steps = int(ragged.offsets[-1])
    cell = () if spec.words is not None else tuple(ragged.values.shape[1:])
    found = [(Key(name, "values"), (steps, *cell))]
    if ragged.side is not None:
        found.append((Key(name, "side"), (steps, ragged.side.shape[1])))
    if ragged.context is not None:
        found.append((Key(name, "context"), (len(ragged), ragged.context.shape[1])))
    return found

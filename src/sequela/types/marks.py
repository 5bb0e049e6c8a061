"""What is said of parts of a record: points and boxes of pictures, labels of moments and of letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sequela.types.arrays import Array, Space


class Masks(Protocol):
    """What is true of every point of N pictures as they are stored, opened when asked."""

    @property
    def instances(self) -> bool:
        """Whether the values number things of one kind, rather than name kinds."""
        ...

    def __len__(self) -> int: ...
    def take(self, rows: Array) -> Masks: ...
    def whole(self, row: int) -> Array:
        """int32 "*S": 0 nothing, k the k-th name (of instances, the number of one), -1 not known."""
        ...

    def space(self, row: int) -> Space | None: ...


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes on N pictures as they are stored, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    corners: Array  # float32 "M 4": top, left, bottom, right edges in pixels: the first pixel reaches from 0 to 1
    label: Array  # int64 "M": the place in names

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Boxes:
        """Of these pictures (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Boxes(offsets, self.corners[place], self.label[place])

    def of(self, row: int) -> tuple[Array, Array]:
        """Corners and labels of one picture."""
        here = slice(self.offsets[row], self.offsets[row + 1])
        return self.corners[here], self.label[here]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of moments in the records of N rows, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    position: Array  # float64 "M": days before the row's prediction, rising within a row
    value: Array  # int64 "M": the place in names, -1 where no class gathers the label
    since: Array  # float64 "N": days; the steps after this, and not after `until`, are the row's to be judged
    until: Array  # float64 "N"
    lasting: bool  # a label holds until the next one, not at its moment alone

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Labels:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Labels(offsets, self.position[place], self.value[place], self.since[rows], self.until[rows], self.lasting)


@dataclass(frozen=True, slots=True)
class Letters:
    """A label for each letter of the sequences of N rows, laid end to end; row i has offsets[i]:offsets[i+1], or none at all."""

    offsets: Array  # int64 "N+1"
    value: Array  # int64 "M": the place in names, -1 where it is not known

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Letters:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Letters(offsets, self.value[place])


@dataclass(frozen=True, slots=True)
class Tags:
    """What is true of each step of N rows, laid end to end as the steps of their Ragged are."""

    offsets: Array  # int64 "N+1"
    value: Array  # int64 "S": the place in names, -1 where it is not known
    judged: Array  # bool "S": whether the row is asked about the step; the others stand by it
    letters: bool = False  # the steps are letters of a sequence: those of one class that follow one another are a segment

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64: of each judged step."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))[self.judged]

    def take(self, rows: Array) -> Tags:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Tags(offsets, self.value[place], self.judged[place], self.letters)

    def padded(self, steps: int) -> Array:
        """int64 "N T": what is known of the judged steps, -1 elsewhere."""
        found = np.full((len(self), steps), -1, np.int64)
        found[np.arange(steps) < np.diff(self.offsets)[:, None]] = np.where(self.judged, self.value, -1)
        return found


@dataclass(frozen=True, slots=True)
class Along:
    """Where each of N steps, taken as a row of its own, stands along its sequence."""

    row: Array  # int64 "N": the number of the sequence
    step: Array  # int64 "N": the number of the step in it

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Array) -> Along:
        """Of these steps (indices or a mask), in the order given."""
        return Along(self.row[rows], self.step[rows])


def spread(offsets: Array, rows: Array) -> tuple[Array, Array]:
    """The offsets of these rows laid end to end, and where what they hold stood before."""
    first, count = offsets[:-1][rows], np.diff(offsets)[rows]
    found = np.concatenate([[0], np.cumsum(count)])
    return found, np.repeat(first - found[:-1], count) + np.arange(found[-1])
